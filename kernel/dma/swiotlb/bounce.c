// SPDX-License-Identifier: GPL-2.0
/*
 * Bounce buffers and their originals: what belongs to what, and the copies
 *
 * What is recorded where, and who may touch it, says bounce.h.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/kmsan-checks.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/swiotlb.h>
#include <linux/unaligned.h>

#include "bounce.h"
#include "internal.h"

/* Longer distances take several steps */
#define MAX_DIST	255U

/**
 * swiotlb_record_distances() - let all slots of a span lead to its first one
 * @head_dist: of its pool
 * @slot:      its first slot
 * @nr_slots:  how many it has, more than one
 *
 * Context: any.
 */
void swiotlb_record_distances(u8 *head_dist, unsigned int slot,
			      unsigned int nr_slots)
{
	u64 eight = 0x0807060504030201;
	unsigned int i = 1;

	/*
	 * Often there was just such a span before. Neighbours in a cache line may
	 * be in use on other CPUs, so do not write for nothing.
	 */
	head_dist += slot;
	for (; i + 8 <= min(nr_slots, MAX_DIST + 1); i += 8) {
		if (get_unaligned_le64(&head_dist[i]) != eight)
			put_unaligned_le64(eight, &head_dist[i]);
		eight += 0x0808080808080808;
	}
	for (; i < nr_slots; i++) {
		if (head_dist[i] != min(i, MAX_DIST))
			head_dist[i] = min(i, MAX_DIST);
	}
}

/**
 * swiotlb_find_head() - find the first slot of the span that a slot belongs to
 * @pool: pool
 * @slot: the slot, which may be of no span
 *
 * Left over distances of slots that are free now lead to no span, or to one that
 * ends before @slot.
 *
 * Context: any.
 * Return: number of the first slot; -1 if no live span has @slot.
 */
long swiotlb_find_head(const struct io_tlb_pool *pool, unsigned long slot)
{
	unsigned long head = slot;
	unsigned int dist = MAX_DIST;

	while (!swiotlb_read_record(pool, head).nr_slots) {
		if (!pool->head_dist || dist < MAX_DIST)
			return -1;
		/* None is more than the number of its slot, as all were 0 at birth */
		dist = pool->head_dist[head];
		if (!dist)
			return -1;
		head -= dist;
	}
	return slot - head < swiotlb_read_record(pool, head).nr_slots ? head : -1;
}

/*
 * Ideally kmsan_check_memory() would tell on the way to the device whether
 * uninitialised data leaks. But drivers do map uninitialised memory that the
 * device is going to write. What comes from the device counts as initialised.
 */
static void copy_highmem(void *vaddr, phys_addr_t orig_addr, size_t size,
			 bool to_device)
{
	while (size) {
		struct page *page = pfn_to_page(PFN_DOWN(orig_addr));
		size_t offset = offset_in_page(orig_addr);
		size_t bytes = min_t(size_t, PAGE_SIZE - offset, size);

		if (to_device) {
			memcpy_from_page(vaddr, page, offset, bytes);
		} else {
			kmsan_unpoison_memory(vaddr, bytes);
			memcpy_to_page(page, offset, vaddr, bytes);
		}
		vaddr += bytes;
		orig_addr += bytes;
		size -= bytes;
	}
}

static bool in_highmem(phys_addr_t paddr)
{
	return PageHighMem(pfn_to_page(PFN_DOWN(paddr)));
}

/**
 * swiotlb_copy_in() - fill a bounce buffer from its original, unchecked
 * @vaddr:     the bounce buffer, or a place in it
 * @orig_addr: the original, or the same place in it
 * @size:      bytes, not beyond either end
 *
 * Context: any.
 */
void swiotlb_copy_in(void __swiotlb_shared *vaddr, phys_addr_t orig_addr,
		     size_t size)
{
	void *to = (__force void *)vaddr;

	if (in_highmem(orig_addr))
		copy_highmem(to, orig_addr, size, true);
	else
		memcpy(to, phys_to_virt(orig_addr), size);
}

/**
 * swiotlb_copy_out() - empty a bounce buffer into its original, unchecked
 * @vaddr:     the bounce buffer, or a place in it
 * @orig_addr: the original, or the same place in it
 * @size:      bytes, not beyond either end
 *
 * Context: any.
 */
void swiotlb_copy_out(void __swiotlb_shared *vaddr, phys_addr_t orig_addr,
		      size_t size)
{
	void *from = (__force void *)vaddr;

	if (in_highmem(orig_addr)) {
		copy_highmem(from, orig_addr, size, false);
		return;
	}
	kmsan_unpoison_memory(from, size);
	memcpy(phys_to_virt(orig_addr), from, size);
}

/**
 * swiotlb_bounce() - copy between a bounce buffer and its original
 * @dev:      device that mapped it
 * @tlb_addr: first address in the bounce buffer, anywhere in the mapping
 * @size:     bytes
 * @dir:      %DMA_TO_DEVICE to fill the bounce buffer, else to empty it
 * @pool:     pool that @tlb_addr lies in
 *
 * What is outside the mapping is not copied, whatever a driver asks for.
 *
 * Context: any.
 * Return: bytes copied.
 */
size_t swiotlb_bounce(struct device *dev, phys_addr_t tlb_addr, size_t size,
		      enum dma_data_direction dir, struct io_tlb_pool *pool)
{
	unsigned long slot = (tlb_addr - pool->start) >> pool->slot_shift;
	void __swiotlb_shared *vaddr = pool->vaddr + (tlb_addr - pool->start);
	struct swiotlb_buffer record;
	phys_addr_t buffer;
	long first;
	size_t pos;

	first = swiotlb_find_head(pool, slot);
	if (unlikely(first < 0)) {
		dev_WARN_ONCE(dev, 1, "no bounce buffer is mapped at %pa\n",
			      &tlb_addr);
		return 0;
	}

	record = swiotlb_read_record(pool, first);
	if (unlikely(record.orig_addr == SWIOTLB_NO_ORIG))
		return 0;

	/* Before the buffer, pos wraps and is as much too large as behind it */
	buffer = pool->start + ((phys_addr_t)first << pool->slot_shift) +
		 record.offset;
	pos = tlb_addr - buffer;
	if (unlikely(pos > record.size || size > record.size - pos)) {
		dev_WARN_ONCE(dev, 1,
			      "sync of %zu bytes at %pa is outside the mapping of %u bytes at %pa\n",
			      size, &tlb_addr, record.size, &buffer);
		if (pos >= record.size)
			return 0;
		size = record.size - pos;
	}

	if (dir == DMA_TO_DEVICE)
		swiotlb_copy_in(vaddr, record.orig_addr + pos, size);
	else
		swiotlb_copy_out(vaddr, record.orig_addr + pos, size);
	return size;
}

/**
 * swiotlb_check_stray() - tell who wrote where he should not have
 * @dev:  device that the buffer was mapped by
 * @span: span of the buffer, of a backend that has ->stray()
 * @size: bytes of the buffer
 *
 * Context: any, before the span is given back.
 */
void swiotlb_check_stray(struct device *dev, const struct swiotlb_span *span,
			 size_t size)
{
	const u8 *buffer = (__force const u8 *)span->pool->vaddr +
			   swiotlb_span_pos(span);
	const u8 *wrong = span->pool->ops->stray(span, size);

	if (!wrong)
		return;
	if (wrong < buffer)
		dev_err(dev, "wrote outside its bounce buffer of %zu bytes: first wrong byte %#x is %td before it\n",
			size, *wrong, buffer - wrong);
	else
		dev_err(dev, "wrote outside its bounce buffer of %zu bytes: first wrong byte %#x is %td behind it\n",
			size, *wrong, wrong - (buffer + size));
}
