/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little of swiotlb's data that inline callers outside it must see.
 */
#ifndef _LINUX_SWIOTLB_TYPES_H
#define _LINUX_SWIOTLB_TYPES_H

#include <linux/types.h>

struct io_tlb_pool;

/**
 * struct io_tlb_mem - what a device's bounce memory means for the DMA layer
 * @force_bounce: every streaming mapping of the device must bounce
 * @for_alloc:	  coherent allocations of the device come from here too
 *
 * Both members are written before the first device can see the structure and
 * never again. Everything else that belongs to it is private to the core, see
 * &struct swiotlb_mem.
 */
struct io_tlb_mem {
	bool force_bounce;
	bool for_alloc;
};

/**
 * struct swiotlb_range - where bounce memory may be
 * @start: lowest physical address of any
 * @end:   just behind the highest one
 *
 * Only ever grows. Most addresses that unmaps and syncs ask for are outside.
 */
struct swiotlb_range {
	phys_addr_t start;
	phys_addr_t end;
};

extern struct swiotlb_range swiotlb_range;

#endif /* _LINUX_SWIOTLB_TYPES_H */
