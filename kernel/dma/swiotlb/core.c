// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb: map, unmap and sync through bounce buffers
 *
 * What the DMA layer calls for each buffer. A mapping goes down: request ->
 * backend -> span -> record -> copy -> address; everything later starts with
 * the address and goes up: address -> pool -> record -> copy, and at the end
 * back to the backend that the pool was born with.
 *
 * Nothing here allocates, converts, sleeps or takes a lock. Only the backend's
 * own short locks are taken, so "any context" below means any but NMI.
 *
 * The memory of a backend stays while anything is mapped in it. Where nothing is
 * yet, before alloc, and where nothing is any more, after free, RCU keeps it:
 * see select.c.
 *
 * Nearly all buffers of `cc` are small, and take few steps: what others need would cost
 * them as much again. So they are tried first, by what is inlined from cc_cpu.h.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#define CREATE_TRACE_POINTS
#include <trace/events/swiotlb.h>

#include "bounce.h"
#include "cc_cpu.h"
#include "internal.h"

struct swiotlb_domain swiotlb_default_domain = {
	.name = "swiotlb",
	.mems = LIST_HEAD_INIT(swiotlb_default_domain.mems),
	.accounts = LIST_HEAD_INIT(swiotlb_default_domain.accounts),
};

/* What devices are bound to from birth; there may be no memory (yet) */
struct io_tlb_mem swiotlb_default = {
	.domain = &swiotlb_default_domain,
};

/* The built-in backends come first, so that they cost no indirect call */
static int backend_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			 struct swiotlb_span *span)
{
	if (mem->ops == &swiotlb_cc)
		return swiotlb_cc_alloc(mem, req, span);
	if (mem->ops == &swiotlb_fixed)
		return swiotlb_fixed_alloc(mem, req, span);
	if (mem->ops == &swiotlb_dynamic)
		return swiotlb_dynamic_alloc(mem, req, span);
	return mem->ops->alloc(mem, req, span);
}

/* What any mapping of a device needs. Member by member: clearing all takes longer */
static __always_inline void req_init(struct swiotlb_req *req,
				     struct device *dev, phys_addr_t orig_addr,
				     size_t size, u64 addr_limit)
{
	req->orig_addr = orig_addr;
	req->size = size;
	req->min_align_mask = dma_get_min_align_mask(dev);
	req->alloc_align_mask = 0;
	req->align_end = false;
	req->boundary_mask = dma_get_seg_boundary(dev);
	req->addr_limit = addr_limit;
	req->dma_offset = 0;
}

/* And what follows from where it is to go; false if the device reaches nothing there */
static __always_inline bool req_direct(struct swiotlb_req *req,
				       struct device *dev,
				       const struct swiotlb_mem *mem)
{
	return swiotlb_dma_offset(dev, mem, &req->dma_offset) ||
		req->addr_limit == U64_MAX;
}

/*
 * A small buffer of `cc`, for which this CPU has a slot. Preemption is off for that, which
 * makes it an RCU read section, too. The size may be invalid yet.
 */
static __always_inline bool span_alloc_fast(struct device *dev,
					    struct swiotlb_req *req,
					    struct swiotlb_span *span)
{
	struct swiotlb_mem *mem;

	preempt_disable();
	mem = rcu_dereference_sched(io_tlb_mem_of(dev)->mem);
	if (likely(mem) && likely(mem->ops == &swiotlb_cc) &&
	    likely(req->size - 1 < SZ_4K) &&
	    likely(req_direct(req, dev, mem)) &&
	    likely(cc_alloc_fast(mem, req, span))) {
		preempt_enable();
		return true;
	}
	preempt_enable();
	return false;
}

/* All else. With @has_other, who asks has another way, so that it is no failure */
static noinline bool span_alloc_slow(struct device *dev,
				     struct swiotlb_req *req,
				     struct swiotlb_span *span,
				     unsigned long attrs, bool has_other)
{
	struct io_tlb_mem *iotlb;
	struct swiotlb_mem *mem;
	int err;

	guard(rcu)();
	iotlb = io_tlb_mem_of(dev);
	mem = rcu_dereference(iotlb->mem);
	if (unlikely(!mem))
		err = -ENODEV;
	else if (unlikely(!req->size || req->size > U32_MAX))
		err = -EINVAL;
	else if (unlikely(!req_direct(req, dev, mem)))
		err = -ENXIO;
	else
		err = backend_alloc(mem, req, span);
	if (unlikely(err == -ENOSPC) && mem->ops->grow)
		err = mem->ops->grow(mem, req, span);
	if (unlikely(err) && !has_other)
		swiotlb_map_failed(dev, iotlb->domain, mem, req, err, attrs);
	return !err;
}

/* What a device is to see of the original */
static void copy_to_device(struct device *dev, phys_addr_t tlb_addr,
			   size_t size, struct io_tlb_pool *pool)
{
	size_t bytes = swiotlb_bounce(dev, tlb_addr, size, DMA_TO_DEVICE, pool);

	swiotlb_count_hot(pool->mem, bytes_to_device, bytes);
}

/* What the original is to have of what a device wrote */
static void copy_from_device(struct device *dev, phys_addr_t tlb_addr,
			     size_t size, struct io_tlb_pool *pool)
{
	size_t bytes = swiotlb_bounce(dev, tlb_addr, size, DMA_FROM_DEVICE,
				      pool);

	swiotlb_count_hot(pool->mem, bytes_from_device, bytes);
}

/*
 * Give a span back to its backend. None of those that are built in has ->stray(). It gets
 * the span in parts, so that who calls this can keep it in registers.
 */
static noinline void span_free_slow(struct device *dev,
				    struct io_tlb_pool *pool,
				    unsigned int slot, unsigned int nr_slots,
				    unsigned int offset, size_t size)
{
	const struct swiotlb_backend_ops *ops = pool->ops;
	const struct swiotlb_span span = {
		.pool = pool,
		.slot = slot,
		.nr_slots = nr_slots,
		.offset = offset,
	};

	guard(rcu)();
	if (ops == &swiotlb_cc) {
		swiotlb_cc_free(&span);
	} else if (ops == &swiotlb_fixed) {
		swiotlb_fixed_free(&span);
	} else if (ops == &swiotlb_dynamic) {
		swiotlb_dynamic_free(&span);
	} else {
		if (ops->stray)
			swiotlb_check_stray(dev, &span, size);
		ops->free(&span);
	}
}

/* Forget a span and free it, a slot of `cc` first to this CPU; @buffer is its record */
static __always_inline void span_free(struct device *dev,
				      const struct swiotlb_span *span,
				      const struct swiotlb_buffer *buffer)
{
	const struct swiotlb_backend_ops *ops = span->pool->ops;
	bool done = false;

	swiotlb_erase(span);
	trace_swiotlb_unbounced(dev, buffer->orig_addr,
				span->pool->start + swiotlb_span_pos(span),
				buffer->size, ops->name);
	if (likely(ops == &swiotlb_cc)) {
		preempt_disable();
		done = cc_free_fast(span);
		preempt_enable();
	}
	if (unlikely(!done))
		span_free_slow(dev, span->pool, span->slot, span->nr_slots,
			       span->offset, buffer->size);
}

/* Forget and free the span of a mapping, wherever that begins */
static noinline void release_far(struct device *dev, phys_addr_t tlb_addr,
				 struct io_tlb_pool *pool)
{
	struct swiotlb_buffer buffer;
	struct swiotlb_span span;

	if (unlikely(!swiotlb_find_record(pool, tlb_addr, &span, &buffer)))
		dev_WARN_ONCE(dev, 1, "no bounce buffer begins at %pa\n",
			      &tlb_addr);
	else
		span_free(dev, &span, &buffer);
}

/* The same; nearly all buffers begin in the first slot of their span */
static void release_span(struct device *dev, phys_addr_t tlb_addr,
			 struct io_tlb_pool *pool)
{
	struct swiotlb_buffer buffer;
	struct swiotlb_span span;

	if (likely(swiotlb_near_record(pool, tlb_addr, &span, &buffer)))
		span_free(dev, &span, &buffer);
	else
		release_far(dev, tlb_addr, pool);
}

/* What has a place now will be found there */
static __always_inline void span_record(struct device *dev,
					const struct swiotlb_req *req,
					const struct swiotlb_span *span)
{
	swiotlb_record(span, req->orig_addr, req->size);
	trace_swiotlb_mapped(dev, req->orig_addr,
			     span->pool->start + swiotlb_span_pos(span),
			     req->size, span->pool->ops->name);
}

/*
 * The original goes to the bounce buffer whatever the direction: the device may
 * write less than the whole buffer, and what it does not write must come back
 * as it was, not as what an earlier user of the slots left there.
 *
 * Drivers that found out that they can skip sync must no longer do so.
 */
static __always_inline void start_bouncing(struct device *dev,
					   struct io_tlb_pool *pool,
					   phys_addr_t pos,
					   const struct swiotlb_req *req)
{
	dma_reset_need_sync(dev);
	swiotlb_count_map(pool->mem, req->size);
	swiotlb_copy_in(pool->vaddr + pos, req->orig_addr, req->size);
}

/* Is a device unable to reach all of a buffer? */
static bool beyond(u64 limit, dma_addr_t dma_addr, size_t size)
{
	return dma_addr == DMA_MAPPING_ERROR || dma_addr > limit ||
	       size - 1 > limit - dma_addr;
}

/**
 * swiotlb_tbl_map_single() - map a buffer through a bounce buffer
 * @dev:	      device that maps it
 * @orig_addr:	      physical address of the buffer
 * @mapping_size:     its bytes
 * @alloc_align_mask: the memory taken must start and end at multiples of this
 *		      plus 1, so that nothing else shares an IOMMU page with it
 * @dir:	      direction, does not matter: see start_bouncing()
 * @attrs:	      %DMA_ATTR_NO_WARN keeps failures out of the log
 *
 * The bounce buffer shares with @orig_addr the address bits in the device's
 * min_align_mask. What is before and behind it in the memory taken is not
 * initialised. Whether the device can address it is not looked at: dma-iommu
 * and swiotlb-xen, which call this, translate the address.
 *
 * Context: any.
 * Return: physical address of the bounce buffer, or %DMA_MAPPING_ERROR.
 */
phys_addr_t swiotlb_tbl_map_single(struct device *dev, phys_addr_t orig_addr,
				   size_t mapping_size,
				   unsigned int alloc_align_mask,
				   enum dma_data_direction dir,
				   unsigned long attrs)
{
	struct swiotlb_span span;
	struct swiotlb_req req;
	phys_addr_t pos;

	req_init(&req, dev, orig_addr, mapping_size, U64_MAX);
	req.alloc_align_mask = alloc_align_mask;
	req.align_end = true;
	if (unlikely(!span_alloc_fast(dev, &req, &span) &&
		     !span_alloc_slow(dev, &req, &span, attrs, false)))
		return (phys_addr_t)DMA_MAPPING_ERROR;

	span_record(dev, &req, &span);
	pos = swiotlb_span_pos(&span);
	start_bouncing(dev, span.pool, pos, &req);
	return span.pool->start + pos;
}

/* As release_span(), and first give the CPU what the device wrote */
static noinline void end_bouncing(struct device *dev, phys_addr_t tlb_addr,
				  size_t size, struct io_tlb_pool *pool)
{
	struct swiotlb_buffer buffer;
	struct swiotlb_span span;

	if (unlikely(!swiotlb_find_record(pool, tlb_addr, &span, &buffer) ||
		     size > buffer.size)) {
		copy_from_device(dev, tlb_addr, size, pool);
		release_span(dev, tlb_addr, pool);
		return;
	}
	if (likely(buffer.orig_addr != SWIOTLB_NO_ORIG)) {
		swiotlb_copy_out(pool->vaddr + (tlb_addr - pool->start),
				 buffer.orig_addr, size);
		swiotlb_count_hot(pool->mem, bytes_from_device, size);
	}
	span_free(dev, &span, &buffer);
}

/**
 * __swiotlb_tbl_unmap_single() - end a mapping
 * @dev:	  device that mapped it
 * @tlb_addr:	  its physical address
 * @mapping_size: its bytes
 * @dir:	  its direction
 * @attrs:	  %DMA_ATTR_SKIP_CPU_SYNC drops what the device wrote
 * @pool:	  what swiotlb_find_pool() says
 *
 * Context: any.
 */
void __swiotlb_tbl_unmap_single(struct device *dev, phys_addr_t tlb_addr,
				size_t mapping_size,
				enum dma_data_direction dir,
				unsigned long attrs, struct io_tlb_pool *pool)
{
	swiotlb_count_hot(pool->mem, unmaps, 1);
	if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC) &&
	    (dir == DMA_FROM_DEVICE || dir == DMA_BIDIRECTIONAL))
		end_bouncing(dev, tlb_addr, mapping_size, pool);
	else
		release_span(dev, tlb_addr, pool);
}

/**
 * __swiotlb_sync_single_for_device() - show the device what the CPU wrote
 * @dev:      device that mapped the buffer
 * @tlb_addr: physical address, anywhere in the mapping
 * @size:     bytes
 * @dir:      direction of the mapping
 * @pool:     what swiotlb_find_pool() says
 *
 * Context: any.
 */
void __swiotlb_sync_single_for_device(struct device *dev, phys_addr_t tlb_addr,
				      size_t size, enum dma_data_direction dir,
				      struct io_tlb_pool *pool)
{
	swiotlb_count_hot(pool->mem, syncs_for_device, 1);
	if (dir == DMA_TO_DEVICE || dir == DMA_BIDIRECTIONAL)
		copy_to_device(dev, tlb_addr, size, pool);
	else
		dev_WARN_ONCE(dev, dir != DMA_FROM_DEVICE,
			      "sync with direction %d\n", dir);
}

/**
 * __swiotlb_sync_single_for_cpu() - show the CPU what the device wrote
 * @dev:      device that mapped the buffer
 * @tlb_addr: physical address, anywhere in the mapping
 * @size:     bytes
 * @dir:      direction of the mapping
 * @pool:     what swiotlb_find_pool() says
 *
 * Context: any.
 */
void __swiotlb_sync_single_for_cpu(struct device *dev, phys_addr_t tlb_addr,
				   size_t size, enum dma_data_direction dir,
				   struct io_tlb_pool *pool)
{
	swiotlb_count_hot(pool->mem, syncs_for_cpu, 1);
	if (dir == DMA_FROM_DEVICE || dir == DMA_BIDIRECTIONAL)
		copy_from_device(dev, tlb_addr, size, pool);
	else
		dev_WARN_ONCE(dev, dir != DMA_TO_DEVICE,
			      "sync with direction %d\n", dir);
}

/* What dma-direct needs, see swiotlb_map() */
static __always_inline void req_init_direct(struct swiotlb_req *req,
					    struct device *dev,
					    phys_addr_t orig_addr, size_t size)
{
	u64 limit = *dev->dma_mask;

	if (unlikely(dev->bus_dma_limit))
		limit = min_not_zero(limit, dev->bus_dma_limit);
	req_init(req, dev, orig_addr, size, limit);
}

/* It was found a place that it does not reach after all */
static noinline dma_addr_t map_beyond(struct device *dev,
				      struct io_tlb_pool *pool,
				      phys_addr_t tlb_addr,
				      phys_addr_t orig_addr, size_t size,
				      unsigned long attrs)
{
	struct swiotlb_req req;

	req_init_direct(&req, dev, orig_addr, size);
	swiotlb_map_failed(dev, pool->domain, pool->mem, &req, -ENXIO, attrs);
	release_span(dev, tlb_addr, pool);
	return DMA_MAPPING_ERROR;
}

/* A buffer has a place: fill it, and say where it is for the device */
static __always_inline dma_addr_t map_direct(struct device *dev,
					     const struct swiotlb_req *req,
					     const struct swiotlb_span *span,
					     enum dma_data_direction dir,
					     unsigned long attrs)
{
	phys_addr_t pos = swiotlb_span_pos(span);
	phys_addr_t tlb_addr = span->pool->start + pos;
	dma_addr_t dma_addr = phys_to_dma_unencrypted(dev, tlb_addr);

	span_record(dev, req, span);
	/* A pool may begin within the device's reach and end beyond it */
	if (unlikely(beyond(req->addr_limit, dma_addr, req->size)))
		return map_beyond(dev, span->pool, tlb_addr, req->orig_addr,
				  req->size, attrs);
	start_bouncing(dev, span->pool, pos, req);
	if (!dev_is_dma_coherent(dev) && !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		arch_sync_dma_for_device(tlb_addr, req->size, dir);
	return dma_addr;
}

/* As swiotlb_map(), where the fast path finds no place */
static noinline dma_addr_t map_slow(struct device *dev, phys_addr_t paddr,
				    size_t size, enum dma_data_direction dir,
				    unsigned long attrs)
{
	struct swiotlb_span span;
	struct swiotlb_req req;

	req_init_direct(&req, dev, paddr, size);
	if (unlikely(!span_alloc_slow(dev, &req, &span, attrs, false)))
		return DMA_MAPPING_ERROR;
	return map_direct(dev, &req, &span, dir, attrs);
}

/**
 * swiotlb_map() - map a buffer through a bounce buffer for dma-direct
 * @dev:   device that maps it
 * @paddr: physical address of the buffer
 * @size:  its bytes
 * @dir:   direction
 * @attrs: %DMA_ATTR_NO_WARN, %DMA_ATTR_SKIP_CPU_SYNC
 *
 * Context: any.
 * Return: DMA address that the device can reach, or %DMA_MAPPING_ERROR.
 */
dma_addr_t swiotlb_map(struct device *dev, phys_addr_t paddr, size_t size,
		       enum dma_data_direction dir, unsigned long attrs)
{
	struct swiotlb_span span;
	struct swiotlb_req req;

	trace_swiotlb_bounced(dev, phys_to_dma(dev, paddr), size);

	req_init_direct(&req, dev, paddr, size);
	if (unlikely(!span_alloc_fast(dev, &req, &span)))
		return map_slow(dev, paddr, size, dir, attrs);
	return map_direct(dev, &req, &span, dir, attrs);
}

/**
 * swiotlb_dev_init() - let a new device use the default bounce memory
 * @dev: the device
 *
 * Context: any.
 */
void swiotlb_dev_init(struct device *dev)
{
	dev->dma_io_tlb_mem = &swiotlb_default;
}

/* Slots that pages take */
static long alloc_slots(size_t size)
{
	return PAGE_ALIGN(size) >> IO_TLB_SHIFT;
}

/**
 * swiotlb_alloc_in_pool() - allocate pages of the bounce memory new mappings use
 * @dev:       whose
 * @size:      bytes
 * @has_other: if there are none the caller gets them elsewhere: no failure
 *
 * Context: any.
 * Return: contiguous pages that the device reaches as coherent memory, aligned to
 * their size rounded up to a power of two; or %NULL.
 */
struct page *swiotlb_alloc_in_pool(struct device *dev, size_t size,
				   bool has_other)
{
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);
	struct swiotlb_span span;
	struct swiotlb_req req;
	phys_addr_t tlb_addr;
	dma_addr_t dma_addr;

	req_init(&req, dev, SWIOTLB_NO_ORIG, size, limit ?: U64_MAX);
	req.min_align_mask = 0;
	req.alloc_align_mask = (PAGE_SIZE << get_order(size)) - 1;
	if (!span_alloc_slow(dev, &req, &span, DMA_ATTR_NO_WARN, has_other))
		return NULL;
	span_record(dev, &req, &span);

	/* A pool may begin within the device's reach and end beyond it */
	tlb_addr = span.pool->start + swiotlb_span_pos(&span);
	dma_addr = phys_to_dma_unencrypted(dev, tlb_addr);
	if (unlikely(beyond(req.addr_limit, dma_addr, size))) {
		if (!has_other)
			swiotlb_map_failed(dev, span.pool->domain,
					   span.pool->mem, &req, -ENXIO,
					   DMA_ATTR_NO_WARN);
		release_span(dev, tlb_addr, span.pool);
		return NULL;
	}

	/* Aligned DMA addresses are no help if the bus shifts them by less */
	if (dev_WARN_ONCE(dev, !PAGE_ALIGNED(tlb_addr),
			  "bounce memory at %pa is not page-aligned\n",
			  &tlb_addr)) {
		release_span(dev, tlb_addr, span.pool);
		return NULL;
	}
	swiotlb_count_hot(span.pool->mem, allocs, 1);
	atomic_long_add(alloc_slots(size), &span.pool->domain->alloc_nslabs);
	return pfn_to_page(PFN_DOWN(tlb_addr));
}

/**
 * swiotlb_free() - free pages of bounce memory, if they are that
 * @dev:  the device
 * @page: first page
 * @size: bytes
 *
 * Context: any.
 * Return: %false if the page is not of the device's bounce memory.
 */
bool swiotlb_free(struct device *dev, struct page *page, size_t size)
{
	phys_addr_t tlb_addr = page_to_phys(page);
	struct io_tlb_pool *pool = swiotlb_find_pool(dev, tlb_addr);

	if (!pool)
		return false;

	swiotlb_count_hot(pool->mem, frees, 1);
	atomic_long_sub(alloc_slots(size), &pool->domain->alloc_nslabs);
	release_span(dev, tlb_addr, pool);
	return true;
}

#ifdef CONFIG_DMA_RESTRICTED_POOL
/**
 * swiotlb_alloc() - allocate pages of a device's bounce memory
 * @dev:  the device
 * @size: bytes
 *
 * For dma-direct, when is_swiotlb_for_alloc().
 *
 * Context: any.
 * Return: as swiotlb_alloc_in_pool().
 */
struct page *swiotlb_alloc(struct device *dev, size_t size)
{
	return swiotlb_alloc_in_pool(dev, size, false);
}
#endif /* CONFIG_DMA_RESTRICTED_POOL */
