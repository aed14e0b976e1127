// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted: memory in use, its high water mark, and failures by reason
 *
 * Successful mappings touch nothing here, but for a batched report of use.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/swiotlb.h>
#include <trace/events/swiotlb.h>

#include "internal.h"

const char *const swiotlb_fail_names[SWIOTLB_NR_FAILS] = {
	[SWIOTLB_FAIL_INVALID]		= "invalid",
	[SWIOTLB_FAIL_NOT_READY]	= "not_ready",
	[SWIOTLB_FAIL_TOO_LARGE]	= "too_large",
	[SWIOTLB_FAIL_REACH]		= "out_of_reach",
	[SWIOTLB_FAIL_FRAGMENTED]	= "fragmented",
	[SWIOTLB_FAIL_EXHAUSTED]	= "exhausted",
};

static void raise_hiwater(struct swiotlb_mem *mem, long used)
{
	long hiwater = atomic_long_read(&mem->hiwater);

	while (used > hiwater &&
	       !atomic_long_try_cmpxchg(&mem->hiwater, &hiwater, used))
		;
}

/**
 * swiotlb_report_used() - tell how the memory in use changed
 * @mem:	 whose
 * @delta_bytes: since the backend's last report
 *
 * For backends, in batches: this is a global counter. The high water mark is
 * only as exact as the batches are small.
 *
 * Context: any.
 */
void swiotlb_report_used(struct swiotlb_mem *mem, long delta_bytes)
{
	raise_hiwater(mem, atomic_long_add_return(delta_bytes, &mem->used));
}

/**
 * swiotlb_hiwater_bytes() - highest use that was seen
 * @mem: whose
 *
 * Context: process context.
 * Return: bytes, at least what is in use now.
 */
unsigned long swiotlb_hiwater_bytes(struct swiotlb_mem *mem)
{
	if (mem->nslabs) {
		raise_hiwater(mem, mem->ops->used(mem));
		if (mem->ops->peak)
			raise_hiwater(mem, mem->ops->peak(mem, false));
	}
	return atomic_long_read(&mem->hiwater);
}

/**
 * swiotlb_reset_hiwater() - start over from what is in use now
 * @mem: whose
 *
 * Context: process context.
 */
void swiotlb_reset_hiwater(struct swiotlb_mem *mem)
{
	if (mem->nslabs && mem->ops->peak)
		mem->ops->peak(mem, true);
	atomic_long_set(&mem->hiwater, 0);
}

static enum swiotlb_fail fail_of(struct swiotlb_mem *mem, int err, size_t size)
{
	size_t bytes = mem->nslabs << IO_TLB_SHIFT;

	switch (err) {
	case -ENODEV:
		return SWIOTLB_FAIL_NOT_READY;
	case -E2BIG:
		return SWIOTLB_FAIL_TOO_LARGE;
	case -ENXIO:
		return SWIOTLB_FAIL_REACH;
	case -ENOSPC:
		if (bytes - min(mem->ops->used(mem), bytes) >= size)
			return SWIOTLB_FAIL_FRAGMENTED;
		return SWIOTLB_FAIL_EXHAUSTED;
	default:
		return SWIOTLB_FAIL_INVALID;
	}
}

/**
 * swiotlb_map_failed() - count a failed mapping and tell why it failed
 * @dev:   device that asked
 * @mem:   its bounce memory
 * @req:   what it asked for
 * @err:   -ENODEV, or what &swiotlb_backend_ops.alloc returned
 * @attrs: of the mapping
 *
 * Context: any.
 */
void swiotlb_map_failed(struct device *dev, struct swiotlb_mem *mem,
			const struct swiotlb_req *req, int err,
			unsigned long attrs)
{
	enum swiotlb_fail fail = fail_of(mem, err, req->size);
	const char *backend = mem->ops->name;

	atomic_long_inc(&mem->fails[fail]);
	trace_swiotlb_alloc_fail(dev, req->size, swiotlb_fail_names[fail]);
	if (attrs & DMA_ATTR_NO_WARN)
		return;

	switch (fail) {
	case SWIOTLB_FAIL_NOT_READY:
		dev_warn_ratelimited(dev, "swiotlb has no memory to bounce %zu bytes (swiotlb=noforce, or none could be allocated or shared at boot)\n",
				     req->size);
		break;
	case SWIOTLB_FAIL_TOO_LARGE:
		dev_warn_ratelimited(dev, "swiotlb request of %zu bytes (min_align_mask %#x, alloc_align_mask %#x) is too large for backend %s\n",
				     req->size, req->min_align_mask,
				     req->alloc_align_mask, backend);
		break;
	case SWIOTLB_FAIL_REACH:
		dev_warn_ratelimited(dev, "swiotlb memory %pa-%pa of backend %s is out of reach, the device's limit is %#llx\n",
				     &mem->start, &mem->end, backend,
				     req->addr_limit);
		break;
	case SWIOTLB_FAIL_FRAGMENTED:
	case SWIOTLB_FAIL_EXHAUSTED:
		dev_warn_ratelimited(dev, "swiotlb buffer is %s (sz: %zu bytes), total %lu (slots), used %zu (slots), backend %s\n",
				     fail == SWIOTLB_FAIL_EXHAUSTED ?
				     "full" : "fragmented",
				     req->size, mem->nslabs,
				     mem->ops->used(mem) >> IO_TLB_SHIFT,
				     backend);
		break;
	default:
		dev_warn_ratelimited(dev, "swiotlb request of %zu bytes is invalid (%d)\n",
				     req->size, err);
		break;
	}
}
