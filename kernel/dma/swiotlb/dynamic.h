/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the `dynamic` backend share: dynamic.c, resize.c, transient.c
 */
#ifndef _KERNEL_DMA_SWIOTLB_DYNAMIC_H
#define _KERNEL_DMA_SWIOTLB_DYNAMIC_H

#include <linux/atomic.h>
#include <linux/gfp_types.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "areas.h"

/**
 * struct transients - pools that serve a single mapping
 * @mem:	whose they are
 * @refused:	there cannot be any on this machine
 * @used_bytes: size of those in use
 * @held_bytes: size of all, those that wait to be freed included
 * @nr_made:	how many there ever were
 * @freed:	those that are no longer in use
 * @reap:	frees them
 */
struct transients {
	struct swiotlb_mem *mem;
	bool refused;
	atomic_long_t used_bytes;
	atomic_long_t held_bytes;
	atomic_long_t nr_made;
	struct llist_head freed;
	struct delayed_work reap;
};

/* Who wants another pool: those who reach some of the memory, or all of it */
enum dynamic_class {
	DYNAMIC_LIMITED,
	DYNAMIC_ANY,
	DYNAMIC_NR_CLASSES
};

/**
 * struct dynamic_want - what mappings wait for that found no room
 * @end_pfn:	all of them reach the pages below this one; 0 if there are none
 * @not_before: there will be no pool for them before that time, in jiffies
 *		of 64 bits
 */
struct dynamic_want {
	unsigned long end_pfn;
	u64 not_before;
};

/**
 * struct dynamic - the backend's own data
 * @set:	 the pools
 * @transients:	 pools outside of @set, for single mappings
 * @growable:	 more pools can be made
 * @nr_areas:	 number of areas wanted in each new pool
 * @ask_lock:	 serialises writers of @wants
 * @wants:	 for each class what is wanted
 * @lock:	 serialises growth and shrinking; protects the rest
 * @nr_grown:	 pools in @set but for the first
 * @nr_leaked:	 conversions that failed, one after the other
 * @grow:	 makes pools
 * @shrink:	 gives them back; busy only while there are any
 * @nr_grows:	 pools that were ever made
 * @nr_shrinks:	 pools that were ever given back
 * @nr_failures: how often no pool could be made, below the cap
 */
struct dynamic {
	struct area_set set;
	struct transients transients;
	bool growable;
	unsigned int nr_areas;

	spinlock_t ask_lock; /* serialises writers of wants */
	struct dynamic_want wants[DYNAMIC_NR_CLASSES];

	struct mutex lock; /* protects the rest */
	unsigned int nr_grown;
	unsigned int nr_leaked;
	struct delayed_work grow;
	struct delayed_work shrink;
	unsigned long nr_grows;
	unsigned long nr_shrinks;
	unsigned long nr_failures;
};

/* dynamic.c */
u64 dynamic_room_bytes(const struct dynamic *d);
unsigned int dynamic_idle_jiffies(void);

/* resize.c: pools come when they are needed, and go when they are not */
void dynamic_resize_init(struct dynamic *d);
void dynamic_resize_exit(struct dynamic *d);
void dynamic_reserve_low(struct dynamic *d);
bool dynamic_ask(struct dynamic *d, unsigned long end_pfn);
gfp_t dynamic_zone(const struct swiotlb_mem *mem, unsigned long end_pfn);
unsigned int dynamic_max_pools(u64 bytes);

/* transient.c: pools for single mappings */
void transients_init(struct transients *t, struct swiotlb_mem *mem);
void transients_exit(struct transients *t);
int transient_alloc(struct transients *t, const struct swiotlb_req *req,
		    unsigned long end_pfn, u64 room_bytes,
		    struct swiotlb_span *span);
void transient_free(struct transients *t, const struct swiotlb_span *span);

#endif /* _KERNEL_DMA_SWIOTLB_DYNAMIC_H */
