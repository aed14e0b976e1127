/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little of swiotlb's data that inline callers outside it must see.
 */
#ifndef _LINUX_SWIOTLB_TYPES_H
#define _LINUX_SWIOTLB_TYPES_H

#include <linux/types.h>

struct io_tlb_pool;
struct swiotlb_domain;
struct swiotlb_mem;

/**
 * struct io_tlb_mem - what a device is bound to
 * @force_bounce: every streaming mapping of the device must bounce
 * @for_alloc:	  coherent allocations of the device come from here too, if they can
 * @restricted:	  and from nowhere else, as nothing of the device does
 * @domain:	  devices of one domain use the same pools, others never do; for
 *		  the core
 * @mem:	  where new mappings go, %NULL for nowhere; protected by RCU
 *
 * There is one that most devices follow, one for each restricted pool, and one
 * for each backend that an administrator pinned devices to. They are never freed.
 * Only @mem changes after they were set up.
 */
struct io_tlb_mem {
	bool force_bounce;
	bool for_alloc;
	bool restricted;
	struct swiotlb_domain *domain;
	struct swiotlb_mem __rcu *mem;
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
