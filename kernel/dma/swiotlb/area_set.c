// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of pools: who is in, by what number, and what they sum up to
 *
 * The areas of all pools of a set are numbered, so that bitmaps can tell which have
 * room (see areas.c). A table leads from a number to the pool. Numbers come in
 * groups of 16 and in two halves:
 *
 *	0 ... low_end			the first pool, then pools below 4 GiB
 *	high_start ... high_end		pools that end above
 *
 * so that who cannot reach all memory searches the lower half only. A new pool gets
 * the lowest numbers that are free.
 *
 * Locking: the caller serialises all that changes a set. Readers of the table are
 * in an RCU read section; a pool that left the table is freed after a grace period.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "areas.h"

static unsigned int nr_groups(unsigned int nr_areas)
{
	return DIV_ROUND_UP(nr_areas, AREAS_PER_GROUP);
}

/* The pool of a group; only for who serialises changes */
static struct area_pool *group_pool(const struct area_set *set,
				    unsigned int group)
{
	return rcu_dereference_protected(set->pools[group], true);
}

/* Lower the end of the numbers in use that begin at @start */
static unsigned int trim(const struct area_set *set, unsigned int start,
			 unsigned int end)
{
	while (end > start && !group_pool(set, end / AREAS_PER_GROUP - 1))
		end -= AREAS_PER_GROUP;
	return end;
}

/* After pools came or went: what use is too much */
static void set_resized(struct area_set *set, unsigned long nslabs)
{
	WRITE_ONCE(set->mem->nslabs, nslabs);
	if (set->single)
		return;
	WRITE_ONCE(set->nr_plenty, nslabs - nslabs / 4);
	WRITE_ONCE(set->low, atomic_long_read(&set->nr_reported) >
			     set->nr_plenty);
}

/**
 * area_set_add() - let mappings have room in a pool
 * @set: the set
 * @ap:	 pool of it, published
 *
 * Context: process context, or early boot.
 * Return: 0, or -ENOSPC if there is no number left for it.
 */
int area_set_add(struct area_set *set, struct area_pool *ap)
{
	unsigned int nr_wanted = nr_groups(ap->layout.nr_areas);
	bool high = ap != set->first && (u64)ap->pool.end > SZ_4G;
	unsigned int group = high ? set->high_start / AREAS_PER_GROUP : 0;
	unsigned int end = (high ? set->nr_areas : set->high_start) /
			   AREAS_PER_GROUP;
	unsigned int i;

	/* The first pool finds all free; others need one group each */
	while (group < end && group_pool(set, group))
		group++;
	if (group + nr_wanted > end)
		return -ENOSPC;

	ap->first_nr = group * AREAS_PER_GROUP;
	for (i = 0; i < nr_wanted; i++)
		rcu_assign_pointer(set->pools[group + i], ap);
	end = ap->first_nr + nr_wanted * AREAS_PER_GROUP;
	if (high)
		WRITE_ONCE(set->high_end, max(set->high_end, end));
	else
		WRITE_ONCE(set->low_end, max(set->low_end, end));
	set_resized(set, set->mem->nslabs + ap->pool.nr_slots);

	for (i = 0; i < ap->layout.nr_areas; i++) {
		struct slot_area *area = &ap->areas[i];
		unsigned long flags;

		spin_lock_irqsave(&area->lock, flags);
		area_tell_room(ap, area, area->map.nr_orders);
		spin_unlock_irqrestore(&area->lock, flags);
	}
	return 0;
}

/**
 * area_set_remove() - forget a pool
 * @set: the set
 * @ap:	 pool of it, closed; it may go after a grace period
 *
 * Context: process context.
 */
void area_set_remove(struct area_set *set, struct area_pool *ap)
{
	unsigned int group = ap->first_nr / AREAS_PER_GROUP;
	long nr_reported = 0;
	unsigned int i;

	for (i = 0; i < nr_groups(ap->layout.nr_areas); i++)
		RCU_INIT_POINTER(set->pools[group + i], NULL);

	/* Closed areas report no more, but they may have lagged behind */
	for (i = 0; i < ap->layout.nr_areas; i++)
		nr_reported += ap->areas[i].nr_reported;
	atomic_long_sub(nr_reported, &set->nr_reported);
	swiotlb_report_used(set->mem, -(nr_reported << IO_TLB_SHIFT));

	WRITE_ONCE(set->low_end, trim(set, 0, set->low_end));
	WRITE_ONCE(set->high_end, trim(set, set->high_start, set->high_end));
	set_resized(set, set->mem->nslabs - ap->pool.nr_slots);
}

/**
 * area_set_next() - walk all pools of a set
 * @set: the set
 * @nr:	 where to go on; 0 to begin with
 *
 * Context: any; in an RCU read section, or changes are held off.
 * Return: the next pool, or %NULL if there is none.
 */
struct area_pool *area_set_next(const struct area_set *set, unsigned int *nr)
{
	struct area_pool *ap;

	for (;;) {
		if (*nr >= READ_ONCE(set->low_end) && *nr < set->high_start)
			*nr = set->high_start;
		if (*nr >= READ_ONCE(set->high_end))
			return NULL;

		ap = rcu_dereference_check(set->pools[*nr / AREAS_PER_GROUP],
					   true);
		*nr += AREAS_PER_GROUP;
		if (!ap)
			continue;
		*nr = max(*nr, ap->first_nr +
			       round_up(ap->layout.nr_areas, AREAS_PER_GROUP));
		return ap;
	}
}

/**
 * area_set_used() - how much is in use
 * @set: the set
 *
 * Context: any.
 * Return: bytes.
 */
size_t area_set_used(const struct area_set *set)
{
	unsigned int nr = 0, i;
	struct area_pool *ap;
	size_t nr_used = 0;

	guard(rcu)();
	while ((ap = area_set_next(set, &nr))) {
		for (i = 0; i < ap->layout.nr_areas; i++)
			nr_used += READ_ONCE(ap->areas[i].map.nr_used);
	}
	return nr_used << IO_TLB_SHIFT;
}

/**
 * area_set_peak() - highest use of any single area
 * @set:   the set
 * @reset: start over
 *
 * Context: process context.
 * Return: bytes.
 */
size_t area_set_peak(const struct area_set *set, bool reset)
{
	unsigned int nr = 0, nr_peak = 0, i;
	struct area_pool *ap;

	guard(rcu)();
	while ((ap = area_set_next(set, &nr))) {
		for (i = 0; i < ap->layout.nr_areas; i++) {
			struct slot_area *area = &ap->areas[i];

			spin_lock_irq(&area->lock);
			nr_peak = max(nr_peak, area->nr_peak);
			if (reset)
				area->nr_peak = area->map.nr_used;
			spin_unlock_irq(&area->lock);
		}
	}
	return (size_t)nr_peak << IO_TLB_SHIFT;
}

static int make_tables(struct area_set *set, unsigned int nr_low,
		       unsigned int nr_high, enum swiotlb_phase phase)
{
	unsigned int nr_first = nr_groups(set->first->layout.nr_areas);
	unsigned int nr = nr_first + nr_low + nr_high;
	size_t pools;
	void *meta;

	set->nr_areas = nr * AREAS_PER_GROUP;
	set->high_start = (nr_first + nr_low) * AREAS_PER_GROUP;
	set->high_end = set->high_start;

	pools = L1_CACHE_ALIGN(array_size(nr, sizeof(*set->pools)));
	set->meta_bytes = pools + SLOT_ORDERS * BITS_TO_LONGS(set->nr_areas) *
				  sizeof(long);
	meta = swiotlb_meta_alloc(set->meta_bytes, phase);
	if (!meta)
		return -ENOMEM;

	set->pools = meta;
	set->room = meta + pools;
	return 0;
}

/**
 * area_set_init() - make a set with its first pool
 * @set:     zeroed
 * @mem:     whose it is; its start, end, and nslabs are set
 * @params:  what the pool should be like
 * @nr_low:  how many pools below 4 GiB there may be besides
 * @nr_high: how many others; none unless @nr_low is some
 *
 * The tables take 24 bytes for each pool that there may be.
 *
 * Context: as &swiotlb_backend_ops.init.
 * Return: 0, or an errno and no trace.
 */
int area_set_init(struct area_set *set, struct swiotlb_mem *mem,
		  const struct swiotlb_params *params,
		  unsigned int nr_low, unsigned int nr_high)
{
	struct io_tlb_pool pool = { .mem = mem, .ops = mem->ops };
	struct area_pool *ap;
	int err;

	err = swiotlb_pool_provision(mem, &pool, params);
	if (err)
		return err;

	set->mem = mem;
	set->single = !nr_low;
	set->nr_plenty = LONG_MAX;

	err = -ENOMEM;
	ap = area_pool_new(set, &pool, params->nr_areas);
	if (!ap)
		goto err_release;
	set->first = ap;
	/* Of a pool that cannot be chosen, a part is better than nothing */
	ap->must_reach = ap->pool.start;
	if (make_tables(set, nr_low, nr_high, params->phase))
		goto err_free_pool;

	if (params->phase != SWIOTLB_EARLY) {
		err = swiotlb_pool_share(mem, &ap->pool);
		if (err)
			goto err_leaked;
	}
	err = swiotlb_pool_publish(&ap->pool);
	if (err)
		goto err_free_tables;

	mem->start = ap->pool.start;
	mem->end = ap->pool.end;
	area_set_add(set, ap);
	return 0;

err_free_tables:
	pool = ap->pool;
	swiotlb_meta_free(set->pools, set->meta_bytes, params->phase);
err_free_pool:
	area_pool_free(ap);
err_release:
	pr_warn("no memory to manage %llu bytes of bounce buffers\n",
		(u64)(pool.end - pool.start));
	swiotlb_pool_release(mem, &pool);
	return err;
err_leaked:
	/* Nobody knows what state the memory is in: it is leaked, and counted */
	swiotlb_meta_free(set->pools, set->meta_bytes, params->phase);
	area_pool_free(ap);
	return err;
}

/**
 * area_set_exit() - take all pools of a set apart
 * @set: nothing is in use, and nothing will be
 *
 * Context: process context, may sleep.
 */
void area_set_exit(struct area_set *set)
{
	enum swiotlb_phase phase = set->first->pool.phase;
	struct swiotlb_mem *mem = set->mem;
	struct area_pool *ap, *next, *all = NULL;
	unsigned int nr = 0;

	while ((ap = area_set_next(set, &nr))) {
		swiotlb_pool_retract(&ap->pool);
		ap->next = all;
		all = ap;
	}
	/* For lookups, and for the last free */
	synchronize_rcu();

	for (ap = all; ap; ap = next) {
		next = ap->next;
		area_set_remove(set, ap);
		swiotlb_pool_release(mem, &ap->pool);
		area_pool_free(ap);
	}
	swiotlb_meta_free(set->pools, set->meta_bytes, phase);
	set->pools = NULL;
	mem->start = 0;
	mem->end = 0;
}
