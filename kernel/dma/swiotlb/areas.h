/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of 2 KiB slots that are dealt out to areas: what the backends `fixed` and
 * `dynamic` have in common. See areas.c for how they are searched.
 */
#ifndef _KERNEL_DMA_SWIOTLB_AREAS_H
#define _KERNEL_DMA_SWIOTLB_AREAS_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

#include "slots.h"

/* Areas are numbered across all pools of a set; pools get numbers by so many */
#define AREAS_PER_GROUP	16U

/* For area_set_alloc(): ask every area that might have room */
#define AREAS_ALL	UINT_MAX

/**
 * struct slot_area - a part of a pool with a lock of its own
 * @lock:	 protects the rest
 * @nr_reported: slots in use as last reported to the core
 * @nr_peak:	 most slots ever in use, or since peak() was told to start over
 * @nr_orders:	 map.nr_orders as last told to the set
 * @map:	 its slots
 * @emptied:	 when the last slot in use became free, in jiffies
 */
struct slot_area {
	spinlock_t lock; /* protects the rest */
	unsigned int nr_reported;
	unsigned int nr_peak;
	unsigned int nr_orders;
	struct slot_map map;
	unsigned long emptied;
} ____cacheline_aligned_in_smp;

/**
 * struct area_layout - how the slots of a pool are dealt out to areas
 * @nr_slots:	   number of slots of the pool
 * @nr_areas:	   number of areas, a power of two
 * @nr_area_slots: slots of each area, whole segments; the last area has what is
 *		   left, too
 */
struct area_layout {
	unsigned int nr_slots;
	unsigned int nr_areas;
	unsigned int nr_area_slots;
};

/**
 * struct area_pool - a pool
 * @pool:	what the core sees
 * @set:	what it belongs to
 * @layout:	how its slots are dealt out
 * @first_nr:	number of its first area in @set, a multiple of %AREAS_PER_GROUP
 * @must_reach: a device must reach this address, and @pool.start, to be served
 * @meta_bytes:	size of the allocation that holds this structure and all that
 *		hangs on it
 * @next:	in a list of pools that are on their way out
 * @areas:	the areas
 */
struct area_pool {
	struct io_tlb_pool pool;
	struct area_set *set;
	struct area_layout layout;
	unsigned int first_nr;
	phys_addr_t must_reach;
	size_t meta_bytes;
	struct area_pool *next;
	struct slot_area areas[] ____cacheline_aligned_in_smp;
};

/**
 * struct area_set - all the pools of a &struct swiotlb_mem
 * @mem:	 whose they are
 * @first:	 the first pool, which stays as long as the set does
 * @pools:	 for each group of area numbers the pool that has it, or %NULL;
 *		 protected by RCU
 * @room:	 for each k in 0..7 a bitmap of @nr_areas bits: the areas that
 *		 have a run of at least 2^k free slots
 * @nr_areas:	 how many area numbers there are
 * @low_end:	 just behind the highest number used by the first pool and by pools
 *		 that end below 4 GiB
 * @high_start:  lowest number for other pools
 * @high_end:	 just behind the highest one in use
 * @single:	 there is no pool but the first, and never will be
 * @low:	 more than @nr_plenty slots are in use
 * @nr_plenty:	 as long as no more slots than this are in use, enough are free
 * @nr_reported: slots in use as last reported by all areas
 * @meta_bytes:	 size of the allocation of @pools and @room
 */
struct area_set {
	struct swiotlb_mem *mem;
	struct area_pool *first;
	struct area_pool __rcu **pools;
	unsigned long *room;
	unsigned int nr_areas;
	unsigned int low_end;
	unsigned int high_start;
	unsigned int high_end;
	bool single;
	bool low;
	long nr_plenty;
	/* What is above hardly ever changes */
	atomic_long_t nr_reported ____cacheline_aligned_in_smp;
	size_t meta_bytes;
};

/* areas.c: what every mapping needs */
int area_fit(const struct swiotlb_req *req, phys_addr_t pool_start,
	     struct slot_fit *fit, unsigned int *offset);
int area_set_alloc(struct area_set *set, const struct swiotlb_req *req,
		   struct swiotlb_span *span, unsigned int nr_tries);
void area_free(const struct swiotlb_span *span);
void area_tell_room(struct area_pool *ap, struct slot_area *area,
		    unsigned int nr_orders);

/* area_pool.c: pools are made and unmade */
unsigned int area_slots(const struct area_layout *layout, unsigned int i);
struct area_pool *area_pool_new(struct area_set *set,
				const struct io_tlb_pool *pool,
				unsigned int nr_areas);
void area_pool_free(struct area_pool *ap);
bool area_pool_close(struct area_pool *ap);

/* area_set.c: pools come and go */
int area_set_init(struct area_set *set, struct swiotlb_mem *mem,
		  const struct swiotlb_params *params,
		  unsigned int nr_low, unsigned int nr_high);
void area_set_exit(struct area_set *set);
int area_set_add(struct area_set *set, struct area_pool *ap);
void area_set_remove(struct area_set *set, struct area_pool *ap);
struct area_pool *area_set_next(const struct area_set *set, unsigned int *nr);
size_t area_set_used(const struct area_set *set);
size_t area_set_peak(const struct area_set *set, bool reset);
size_t area_max_mapping(struct swiotlb_mem *mem,
			const struct swiotlb_limits *limits);

#endif /* _KERNEL_DMA_SWIOTLB_AREAS_H */
