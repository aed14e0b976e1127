// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted: memory in use, its high water mark, and failures by reason
 *
 * Successful mappings touch nothing here, but for a batched report of use.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
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

static void raise_to(atomic_long_t *highest, long value)
{
	long old = atomic_long_read(highest);

	while (value > old && !atomic_long_try_cmpxchg(highest, &old, value))
		;
}

/**
 * swiotlb_report_used() - tell how the memory in use changed
 * @mem:	 whose
 * @delta_bytes: since the backend's last report
 *
 * For backends, in batches: this is a global counter. The high water mark is
 * only as exact as the batches are small. When memory is taken apart, what was
 * reported of it has to be taken back.
 *
 * Context: any.
 */
void swiotlb_report_used(struct swiotlb_mem *mem, long delta_bytes)
{
	struct swiotlb_domain *domain = mem->domain;

	raise_to(&domain->hiwater,
		 atomic_long_add_return(delta_bytes, &domain->used));
}
EXPORT_SYMBOL_GPL(swiotlb_report_used);

/**
 * swiotlb_report_transient() - tell how memory for single mappings changed
 * @mem:	 whose
 * @delta_bytes: by how much
 *
 * For backends with pools that come with a mapping and go with it.
 *
 * Context: any.
 */
void swiotlb_report_transient(struct swiotlb_mem *mem, long delta_bytes)
{
	atomic_long_add(delta_bytes, &mem->domain->transient);
}
EXPORT_SYMBOL_GPL(swiotlb_report_transient);

/**
 * swiotlb_count_leak() - count memory for DMA that was lost elsewhere
 * @bytes: how much
 *
 * For users of set_memory_decrypted() and set_memory_encrypted() in the DMA layer
 * that must not free memory when those fail.
 *
 * Context: any.
 */
void swiotlb_count_leak(size_t bytes)
{
	atomic_long_add(bytes, &swiotlb_default_domain.leaked);
}

/**
 * swiotlb_promise() - remember what a device was told it may map at a time
 * @domain: the device's
 * @bytes:  what it was told
 *
 * Context: any.
 */
void swiotlb_promise(struct swiotlb_domain *domain, size_t bytes)
{
	raise_to(&domain->promised, min_t(size_t, bytes, LONG_MAX));
}

/**
 * swiotlb_used_bytes() - how much is in use
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes.
 */
unsigned long swiotlb_used_bytes(struct swiotlb_domain *domain)
{
	unsigned long bytes = 0;
	struct swiotlb_mem *mem;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node)
		bytes += mem->ops->used(mem);
	/* Pools for single mappings have never been counted as used memory */
	return bytes - min_t(unsigned long, bytes,
			     atomic_long_read(&domain->transient));
}

/**
 * swiotlb_hiwater_bytes() - highest use that was seen
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes, at least what is in use now.
 */
unsigned long swiotlb_hiwater_bytes(struct swiotlb_domain *domain)
{
	struct swiotlb_mem *mem;

	raise_to(&domain->hiwater, swiotlb_used_bytes(domain));
	list_for_each_entry(mem, &domain->mems, node) {
		if (mem->ops->peak)
			raise_to(&domain->hiwater, mem->ops->peak(mem, false));
	}
	return atomic_long_read(&domain->hiwater);
}

/**
 * swiotlb_reset_hiwater() - start over from what is in use now
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 */
void swiotlb_reset_hiwater(struct swiotlb_domain *domain)
{
	struct swiotlb_mem *mem;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node) {
		if (mem->ops->peak)
			mem->ops->peak(mem, true);
	}
	atomic_long_set(&domain->hiwater, 0);
}

static unsigned long total_bytes(const struct swiotlb_mem *mem)
{
	return READ_ONCE(mem->nslabs) << IO_TLB_SHIFT;
}

static enum swiotlb_fail fail_of(struct swiotlb_mem *mem, int err, size_t size)
{
	size_t used;

	switch (err) {
	case -ENODEV:
		return SWIOTLB_FAIL_NOT_READY;
	case -E2BIG:
		return SWIOTLB_FAIL_TOO_LARGE;
	case -ENXIO:
		return SWIOTLB_FAIL_REACH;
	case -ENOSPC:
		used = mem->ops->used(mem);
		if (total_bytes(mem) >= size && total_bytes(mem) - size >= used)
			return SWIOTLB_FAIL_FRAGMENTED;
		return SWIOTLB_FAIL_EXHAUSTED;
	default:
		return SWIOTLB_FAIL_INVALID;
	}
}

/**
 * swiotlb_map_failed() - count a failed mapping and tell why it failed
 * @dev:    device that asked
 * @domain: its domain
 * @mem:    the memory that was asked, or %NULL if there is none
 * @req:    what it asked for
 * @err:    -ENODEV if there is no memory, or what the backend said
 * @attrs:  of the mapping
 *
 * Context: any; in an RCU read section, or with something mapped in @mem.
 */
void swiotlb_map_failed(struct device *dev, struct swiotlb_domain *domain,
			struct swiotlb_mem *mem, const struct swiotlb_req *req,
			int err, unsigned long attrs)
{
	enum swiotlb_fail fail = fail_of(mem, err, req->size);
	const char *backend = mem ? mem->ops->name : "none";

	atomic_long_inc(&domain->fails[fail]);
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
				     req->size, READ_ONCE(mem->nslabs),
				     mem->ops->used(mem) >> IO_TLB_SHIFT,
				     backend);
		break;
	default:
		dev_warn_ratelimited(dev, "swiotlb request of %zu bytes is invalid (%d)\n",
				     req->size, err);
		break;
	}
}
