// SPDX-License-Identifier: GPL-2.0
/*
 * What the DMA layer and drivers ask before they map anything
 *
 * Whether there is bounce memory, where it may be, and how much can be mapped at a time.
 * The answers are right when they are given, and may change: another backend can be
 * chosen at any time. But what was promised binds it, see keeps_promises().
 */
#include <linux/dma-mapping.h>
#include <linux/rcupdate.h>
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "internal.h"

/**
 * swiotlb_max_mapping_size() - largest mapping that can be bounced
 * @dev: device that would map it
 *
 * Context: any.
 * Return: bytes; every mapping up to that size succeeds if enough is free and
 * the buffer itself does not cross the device's segment boundary.
 */
size_t swiotlb_max_mapping_size(struct device *dev)
{
	static struct swiotlb_mem nothing;
	struct swiotlb_limits limits = {
		.min_align_mask = dma_get_min_align_mask(dev),
		.boundary_mask = dma_get_seg_boundary(dev),
	};
	const struct swiotlb_backend_ops *ops;
	struct io_tlb_mem *iotlb;
	struct swiotlb_mem *mem;
	size_t bytes;

	guard(rcu)();
	iotlb = io_tlb_mem_of(dev);
	mem = rcu_dereference(iotlb->mem);
	ops = mem ? mem->ops : swiotlb_default_backend();
	mem = mem ?: &nothing;
	swiotlb_dma_offset(dev, mem, &limits.dma_offset);
	bytes = ops->max_mapping(mem, &limits);
	swiotlb_promise(iotlb->domain, bytes);
	return bytes;
}

/**
 * is_swiotlb_allocated() - is there default bounce memory
 *
 * Context: any.
 * Return: %true if there is, and it can be used.
 */
bool is_swiotlb_allocated(void)
{
	return rcu_access_pointer(swiotlb_default.mem);
}

/**
 * is_swiotlb_active() - is there bounce memory for a device
 * @dev: the device
 *
 * Context: any.
 * Return: %true if there is, and it can be used.
 */
bool is_swiotlb_active(struct device *dev)
{
	struct io_tlb_mem *iotlb;

	/* A pin leads somewhere until nobody can have seen a device bound to it */
	guard(rcu)();
	iotlb = READ_ONCE(dev->dma_io_tlb_mem);
	return iotlb && rcu_access_pointer(iotlb->mem);
}

/**
 * default_swiotlb_base() - where the default bounce memory begins
 *
 * Context: any.
 * Return: lowest physical address of its first pool; 0 if there is none.
 */
phys_addr_t default_swiotlb_base(void)
{
	const struct swiotlb_mem *mem;

	guard(rcu)();
	mem = rcu_dereference(swiotlb_default.mem);
	return mem ? mem->start : 0;
}

/**
 * default_swiotlb_limit() - where the default bounce memory ends
 *
 * Context: any.
 * Return: highest physical address that it may ever have; the highest there is if
 * there is no memory.
 */
phys_addr_t default_swiotlb_limit(void)
{
	const struct swiotlb_mem *mem;

	guard(rcu)();
	mem = rcu_dereference(swiotlb_default.mem);
	return (mem ? mem->end : 0) - 1;
}
