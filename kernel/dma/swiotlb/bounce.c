// SPDX-License-Identifier: GPL-2.0
/*
 * Bounce buffers and their originals: what belongs to what, and the copies
 *
 * The record of a live span stands in the slot record of its first slot; from
 * any other slot of the span io_tlb_pool.head_dist leads there.
 *
 * There is no lock: a record belongs to whoever owns the mapping. It is written
 * after the backend gave the span and before anybody knows the address, and
 * erased before the backend gets the span back; between a free and the next
 * use of the same slot lies the backend's lock. DMA API users must not
 * sync or unmap a mapping on two CPUs without ordering of their own.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/kmsan-checks.h>
#include <linux/mm.h>
#include <linux/swiotlb.h>

#include "internal.h"

/**
 * swiotlb_record() - remember what a span is for
 * @span:      as the backend gave it
 * @orig_addr: buffer that it stands for, or %SWIOTLB_NO_ORIG
 * @size:      bytes
 *
 * Context: any.
 */
void swiotlb_record(const struct swiotlb_span *span, phys_addr_t orig_addr,
		    size_t size)
{
	struct io_tlb_pool *pool = span->pool;
	struct swiotlb_slot *head = &pool->slots[span->slot];
	unsigned int i;

	head->orig_addr = orig_addr;
	head->size = size;
	head->offset = span->offset;
	head->nr_slots = span->nr_slots;

	if (!pool->head_dist)
		return;
	for (i = 0; i < span->nr_slots; i++)
		pool->head_dist[span->slot + i] = i;
}

/* The number of the first slot of the span at an address, or -1 */
static long find_head(const struct io_tlb_pool *pool, phys_addr_t tlb_addr)
{
	unsigned long slot = (tlb_addr - pool->start) >> pool->slot_shift;
	unsigned int dist = pool->head_dist ? pool->head_dist[slot] : 0;

	/* Left over distances of slots that are free now lead to no span */
	if (dist > slot || dist >= pool->slots[slot - dist].nr_slots)
		return -1;
	return slot - dist;
}

/* Where the buffer in the span that begins at @slot begins */
static phys_addr_t buffer_start(const struct io_tlb_pool *pool, long slot)
{
	return pool->start + ((phys_addr_t)slot << pool->slot_shift) +
	       pool->slots[slot].offset;
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
size_t swiotlb_forget(struct io_tlb_pool *pool, phys_addr_t tlb_addr,
		      struct swiotlb_span *span)
{
	long slot = find_head(pool, tlb_addr);
	struct swiotlb_slot *head;

	if (unlikely(slot < 0))
		return 0;

	head = &pool->slots[slot];
	if (unlikely(tlb_addr != buffer_start(pool, slot)))
		return 0;

	span->pool = pool;
	span->slot = slot;
	span->nr_slots = head->nr_slots;
	span->offset = head->offset;
	head->nr_slots = 0;
	return head->size;
}

/*
 * Ideally kmsan_check_memory() would tell on the way to the device whether
 * uninitialised data leaks. But drivers do map uninitialised memory that the
 * device is going to write. What comes from the device counts as initialised.
 */
static void copy_lowmem(void *vaddr, phys_addr_t orig_addr, size_t size,
			bool to_device)
{
	if (to_device) {
		memcpy(vaddr, phys_to_virt(orig_addr), size);
	} else {
		kmsan_unpoison_memory(vaddr, size);
		memcpy(phys_to_virt(orig_addr), vaddr, size);
	}
}

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
 */
void swiotlb_bounce(struct device *dev, phys_addr_t tlb_addr, size_t size,
		    enum dma_data_direction dir, struct io_tlb_pool *pool)
{
	void *vaddr = pool->vaddr + (tlb_addr - pool->start);
	bool to_device = dir == DMA_TO_DEVICE;
	long slot = find_head(pool, tlb_addr);
	const struct swiotlb_slot *head;
	phys_addr_t orig_addr, buffer;
	size_t pos;

	if (unlikely(slot < 0)) {
		dev_WARN_ONCE(dev, 1, "no bounce buffer is mapped at %pa\n",
			      &tlb_addr);
		return;
	}

	head = &pool->slots[slot];
	if (unlikely(head->orig_addr == SWIOTLB_NO_ORIG))
		return;

	/* Before the buffer, pos wraps and is as much too large as behind it */
	buffer = buffer_start(pool, slot);
	pos = tlb_addr - buffer;
	if (unlikely(pos > head->size || size > head->size - pos)) {
		dev_WARN_ONCE(dev, 1,
			      "sync of %zu bytes at %pa is outside the mapping of %u bytes at %pa\n",
			      size, &tlb_addr, head->size, &buffer);
		if (pos >= head->size)
			return;
		size = head->size - pos;
	}

	orig_addr = head->orig_addr + pos;
	if (PageHighMem(pfn_to_page(PFN_DOWN(orig_addr))))
		copy_highmem(vaddr, orig_addr, size, to_device);
	else
		copy_lowmem(vaddr, orig_addr, size, to_device);
}
