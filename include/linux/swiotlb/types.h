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
 * Both members are written when the memory is set up, and never again.
 * Everything else that belongs to it is private to the core, see
 * &struct swiotlb_mem.
 */
struct io_tlb_mem {
	bool force_bounce;
	bool for_alloc;
};

/**
 * struct swiotlb_range - where bounce memory may be
 * @start_pfn: lowest page of any
 * @end_pfn:   just behind the highest one
 *
 * Only ever grows. Most addresses that unmaps and syncs ask for are outside. Page
 * numbers, not addresses: they can be read in one piece everywhere.
 */
struct swiotlb_range {
	unsigned long start_pfn;
	unsigned long end_pfn;
};

extern struct swiotlb_range swiotlb_range;

#endif /* _LINUX_SWIOTLB_TYPES_H */
