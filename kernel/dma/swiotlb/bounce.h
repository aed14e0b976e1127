/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records of bounce buffers: which original belongs to which slots
 *
 * The record of a live span stands in the slot record of its first slot; from
 * any other slot of the span io_tlb_pool.head_dist leads there. All records but
 * that of the first slot of a live span have no slots, within live spans too.
 *
 * There is no lock: a record belongs to whoever owns the mapping. It is written
 * after the backend gave the span and before anybody knows the address, and
 * erased before the backend gets the span back; between a free and the next
 * use of the same slot lies the backend's lock, or both are of the same CPU. DMA
 * API users must not sync or unmap a mapping on two CPUs without ordering of
 * their own.
 *
 * Each map writes a record, and the unmap that follows reads it. A processor hands
 * on what it just wrote only if it was written in one piece, so records are
 * written, and erased, by whole words.
 *
 * Where slots are small, records are most of what they cost, so they are packed into
 * eight bytes if struct io_tlb_pool.packed says so: no other file knows how.
 */
#ifndef _KERNEL_DMA_SWIOTLB_BOUNCE_H
#define _KERNEL_DMA_SWIOTLB_BOUNCE_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/mmzone.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

/* A packed record: address of the original, its size less one, is it live; 0 if not */
#define SWIOTLB_PACKED_ADDR_BITS	52
#define SWIOTLB_PACKED_ADDR	GENMASK_ULL(SWIOTLB_PACKED_ADDR_BITS - 1, 0)
#define SWIOTLB_PACKED_SIZE	GENMASK_ULL(62, SWIOTLB_PACKED_ADDR_BITS)
#define SWIOTLB_PACKED_LIVE	BIT_ULL(63)

/*
 * Has every original an address that a packed record can hold? That of memory has up to
 * 56 bits on riscv64, 53 on sparc64. Where nothing is known of it, a type of 32 bits
 * tells enough. A compiler sees that this is a constant, though x86 has a choice of two.
 */
static inline bool swiotlb_can_pack(void)
{
#ifdef MAX_PHYSMEM_BITS
	return MAX_PHYSMEM_BITS <= SWIOTLB_PACKED_ADDR_BITS;
#else
	return sizeof(phys_addr_t) * BITS_PER_BYTE <= SWIOTLB_PACKED_ADDR_BITS;
#endif
}

/* What all records of a pool take */
static inline size_t swiotlb_records_bytes(const struct io_tlb_pool *pool)
{
	return pool->nr_slots * (pool->packed ? sizeof(*pool->packed_slots) :
						sizeof(*pool->slots));
}

/**
 * struct swiotlb_buffer - what is recorded in a slot, however it is
 * @orig_addr: see &struct swiotlb_slot
 * @size:      see &struct swiotlb_slot
 * @offset:    see &struct swiotlb_slot
 * @nr_slots:  see &struct swiotlb_slot; while it is 0 the others mean nothing
 *
 * No bit fields: compilers would put them together, and take them apart again.
 */
struct swiotlb_buffer {
	phys_addr_t orig_addr;
	unsigned int size;
	unsigned int offset;
	unsigned int nr_slots;
};

static __always_inline struct swiotlb_buffer
swiotlb_read_record(const struct io_tlb_pool *pool, unsigned long slot)
{
	struct swiotlb_buffer buffer;

	if (pool->packed) {
		u64 packed = pool->packed_slots[slot];

		buffer.orig_addr = packed & SWIOTLB_PACKED_ADDR;
		buffer.size = ((packed & SWIOTLB_PACKED_SIZE) >>
			       SWIOTLB_PACKED_ADDR_BITS) + 1;
		buffer.offset = 0;
		buffer.nr_slots = !!(packed & SWIOTLB_PACKED_LIVE);
	} else {
		const struct swiotlb_slot *record = &pool->slots[slot];

		buffer.orig_addr = record->orig_addr;
		buffer.size = record->size;
		buffer.offset = record->offset;
		buffer.nr_slots = record->nr_slots;
	}
	return buffer;
}

void swiotlb_record_distances(u8 *head_dist, unsigned int slot,
			      unsigned int nr_slots);
long swiotlb_find_head(const struct io_tlb_pool *pool, unsigned long slot);

/* Where a span begins, in bytes from the start of its pool */
static __always_inline phys_addr_t swiotlb_span_pos(const struct swiotlb_span *span)
{
	return ((phys_addr_t)span->slot << span->pool->slot_shift) +
	       span->offset;
}

/**
 * swiotlb_record() - remember what a span is for
 * @span:      as the backend gave it
 * @orig_addr: buffer that it stands for, or %SWIOTLB_NO_ORIG
 * @size:      bytes
 *
 * Context: any.
 */
static __always_inline void swiotlb_record(const struct swiotlb_span *span,
					   phys_addr_t orig_addr, size_t size)
{
	struct io_tlb_pool *pool = span->pool;

	if (pool->packed) {
		pool->packed_slots[span->slot] = orig_addr | SWIOTLB_PACKED_LIVE |
			(u64)(size - 1) << SWIOTLB_PACKED_ADDR_BITS;
		return;
	}
	pool->slots[span->slot] = (struct swiotlb_slot) {
		.orig_addr = orig_addr,
		.size = size,
		.offset = span->offset,
		.nr_slots = span->nr_slots,
	};
	if (span->nr_slots > 1 && pool->head_dist)
		swiotlb_record_distances(pool->head_dist, span->slot,
					 span->nr_slots);
}

/* As swiotlb_find_record(), but only if the buffer begins in the first slot of its span */
static __always_inline bool
swiotlb_near_record(struct io_tlb_pool *pool, phys_addr_t tlb_addr,
		    struct swiotlb_span *span, struct swiotlb_buffer *buffer)
{
	phys_addr_t pos = tlb_addr - pool->start;
	unsigned long slot = pos >> pool->slot_shift;

	*buffer = swiotlb_read_record(pool, slot);
	if (unlikely(!buffer->nr_slots))
		return false;
	span->pool = pool;
	span->slot = slot;
	span->nr_slots = buffer->nr_slots;
	span->offset = buffer->offset;
	return likely(swiotlb_span_pos(span) == pos);
}

/**
 * swiotlb_find_record() - find the record of the buffer that begins at an address
 * @pool:     pool that @tlb_addr lies in
 * @tlb_addr: where the buffer in the span begins
 * @span:     receives the span
 * @buffer:   receives what is recorded of it
 *
 * Context: any.
 * Return: %false if no live buffer begins there.
 */
static inline bool
swiotlb_find_record(struct io_tlb_pool *pool, phys_addr_t tlb_addr,
		    struct swiotlb_span *span, struct swiotlb_buffer *buffer)
{
	phys_addr_t pos = tlb_addr - pool->start;
	long slot;

	if (likely(swiotlb_near_record(pool, tlb_addr, span, buffer)))
		return true;
	/* An offset may be longer than a slot */
	slot = swiotlb_find_head(pool, pos >> pool->slot_shift);
	if (slot < 0)
		return false;
	*buffer = swiotlb_read_record(pool, slot);
	span->pool = pool;
	span->slot = slot;
	span->nr_slots = buffer->nr_slots;
	span->offset = buffer->offset;
	return swiotlb_span_pos(span) == pos;
}

/* The buffer is no more, and its span can be given back to the backend */
static __always_inline void swiotlb_erase(const struct swiotlb_span *span)
{
	struct io_tlb_pool *pool = span->pool;

	if (pool->packed) {
		pool->packed_slots[span->slot] = 0;
	} else {
		struct swiotlb_slot *record = &pool->slots[span->slot];

		record->offset = 0;
		record->nr_slots = 0;
	}
}

/**
 * swiotlb_forget() - erase what a span is for
 * @pool:     pool that @tlb_addr lies in
 * @tlb_addr: where the buffer in the span begins
 * @span:     receives the span, for the backend to free
 *
 * Context: any.
 * Return: bytes of the buffer; 0 if no live one begins there: it is being
 * unmapped twice, or was never mapped.
 */
static inline size_t swiotlb_forget(struct io_tlb_pool *pool,
				    phys_addr_t tlb_addr,
				    struct swiotlb_span *span)
{
	struct swiotlb_buffer buffer;

	if (unlikely(!swiotlb_find_record(pool, tlb_addr, span, &buffer)))
		return 0;
	swiotlb_erase(span);
	return buffer.size;
}

#endif /* _KERNEL_DMA_SWIOTLB_BOUNCE_H */
