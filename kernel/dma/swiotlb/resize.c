// SPDX-License-Identifier: GPL-2.0
/*
 * How the `dynamic` backend grows and shrinks
 *
 * A worker makes pools of 4 MiB, or of what the page allocator has in one piece,
 * down to 1 MiB; in a confidential guest they are whole granules (cc_granule.h), as
 * long as there are any. It is asked to in two ways:
 *
 *  - ahead of need: when more than three quarters of all slots are in use. That is
 *    seen when areas report their use in batches, not at each mapping, and it
 *    counts all memory, whoever reaches it;
 *  - by a mapping that found no room, if it would find room in a new pool. This
 *    makes one pool where its device reaches it.
 *
 * The worker goes on until a quarter is free, or all memory has the size that
 * `swiotlb.dynamic_max_mib` allows, or memory cannot be had. After that nobody asks
 * again for 100 ms; after a failed conversion, by which memory is lost, for ten
 * seconds, and twice as long each time. That is so for each of two classes, for
 * those who reach all memory and for those who do not. The worker never waits for
 * I/O: that may itself wait for bounce buffers.
 *
 * Another worker runs while there are pools other than the first, and gives back
 * those that were empty for `swiotlb.dynamic_idle_ms`; those with high numbers
 * first, which are used last. What is left must then be free by half, so that
 * it takes more than a small wave to make the memory grow again.
 *
 * In a confidential guest the first pool may lie above 4 GiB, and no mapping gets
 * memory of its own. So that the first mapping of a 32-bit device does not fail, a pool
 * below is made at once, and one is kept.
 *
 * A pool goes in steps. Its areas are closed under their locks, one by one: they
 * give nothing any more, and the bitmaps say so. If one turns out to be in use, all
 * are opened again. Else the pool leaves the table, then the lookup table; after an
 * RCU grace period nobody can look at it, and its memory is freed.
 *
 * Locking: dynamic.lock is held while memory is made, converted, and freed, and
 * through grace periods. Inside it come slot_area.lock and dynamic.ask_lock, which
 * are taken with interrupts off and never together.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/bits.h>
#include <linux/cc_granule.h>
#include <linux/cc_platform.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>

#include "dynamic.h"
#include "internal.h"

/* What the page allocator has in one piece everywhere */
#define POOL_BYTES	min_t(size_t, SZ_4M, PAGE_SIZE << MAX_PAGE_ORDER)
#define MIN_POOL_BYTES	max_t(size_t, SZ_1M, cc_shared_granule())

/* 4 TiB of bounce buffers will do */
#define MAX_POOLS	BIT(20)

#define RETRY_DELAY	(HZ / 10)

/**
 * dynamic_max_pools() - how many pools it takes to hold so much
 * @bytes: how much
 *
 * Context: any.
 * Return: number of pools of full size, or the most that there can be.
 */
unsigned int dynamic_max_pools(u64 bytes)
{
	return min_t(u64, DIV_ROUND_UP_ULL(bytes, POOL_BYTES), MAX_POOLS);
}

/**
 * dynamic_zone() - the zone to try first for memory that a device reaches
 * @mem:     whose
 * @end_pfn: the device reaches the pages below this one
 *
 * Context: any.
 * Return: as swiotlb_zone().
 */
gfp_t dynamic_zone(const struct swiotlb_mem *mem, unsigned long end_pfn)
{
	if (end_pfn >= PHYS_PFN(mem->end))
		return 0;
	return swiotlb_zone(PFN_PHYS((u64)end_pfn) - 1);
}

/* In 64 bits, as the last failure may have been months ago */
static bool may_try(const struct dynamic_want *want)
{
	return !time_before64(get_jiffies_64(), READ_ONCE(want->not_before));
}

/**
 * dynamic_ask() - ask for another pool
 * @d:	     whose
 * @end_pfn: all of it must be below this page
 *
 * Context: any but NMI.
 * Return: %false if there will be none before long.
 */
bool dynamic_ask(struct dynamic *d, unsigned long end_pfn)
{
	bool any = end_pfn >= PHYS_PFN(d->set.mem->end);
	struct dynamic_want *want = &d->wants[any ? DYNAMIC_ANY :
						    DYNAMIC_LIMITED];
	unsigned long flags;

	if (!d->growable || !end_pfn || !may_try(want))
		return false;

	/* Ask again: nothing may be wanted once the worker has given up */
	spin_lock_irqsave(&d->ask_lock, flags);
	if (may_try(want))
		WRITE_ONCE(want->end_pfn,
			   min_not_zero(want->end_pfn, end_pfn));
	spin_unlock_irqrestore(&d->ask_lock, flags);

	if (likely(swiotlb_queue_growth(&d->grow)))
		return true;

	/* So early in boot, only one CPU is awake. Who needs it asks again */
	WRITE_ONCE(want->end_pfn, 0);
	return false;
}

/* What was asked for while a pool was made may have been answered by it */
static void served(struct dynamic *d, const struct io_tlb_pool *pool)
{
	struct dynamic_want *limited = &d->wants[DYNAMIC_LIMITED];

	spin_lock_irq(&d->ask_lock);
	WRITE_ONCE(d->wants[DYNAMIC_ANY].end_pfn, 0);
	if (limited->end_pfn >= PHYS_PFN(pool->end))
		WRITE_ONCE(limited->end_pfn, 0);
	spin_unlock_irq(&d->ask_lock);
}

/* How large the next pool may be, or 0 if the cap leaves nothing */
static size_t next_bytes(struct dynamic *d)
{
	u64 room = dynamic_room_bytes(d);

	if (room < MIN_POOL_BYTES)
		return 0;
	return rounddown_pow_of_two(min_t(u64, room, POOL_BYTES));
}

/* There is nothing to be had: let nobody ask for a while */
static void back_off(struct dynamic *d, struct dynamic_want *want)
{
	unsigned long delay = swiotlb_leak_delay(d->nr_leaked) ?: RETRY_DELAY;

	/* The cap is what the administrator wants */
	if (next_bytes(d))
		WRITE_ONCE(d->nr_failures, d->nr_failures + 1);
	spin_lock_irq(&d->ask_lock);
	WRITE_ONCE(want->end_pfn, 0);
	WRITE_ONCE(want->not_before, get_jiffies_64() + delay);
	spin_unlock_irq(&d->ask_lock);
}

/* Where the next pool of a class must be, or 0 if none is wanted */
static unsigned long wanted(struct dynamic *d, enum dynamic_class class)
{
	unsigned long end_pfn = READ_ONCE(d->wants[class].end_pfn);

	if (!may_try(&d->wants[class]))
		return 0;
	if (class == DYNAMIC_ANY && READ_ONCE(d->set.low))
		return ULONG_MAX;
	return end_pfn;
}

/* Memory for a pool, all of it below a page */
static int find_memory(struct dynamic *d, struct io_tlb_pool *pool,
		       unsigned long end_pfn)
{
	struct swiotlb_mem *mem = d->set.mem;
	struct swiotlb_params params = { .phase = SWIOTLB_LATE };
	gfp_t zone = dynamic_zone(mem, end_pfn);
	size_t bytes = next_bytes(d);
	int err;

	if (!bytes)
		return -ENOSPC;

	/* Memory may be plugged in behind what was once the end */
	end_pfn = min(end_pfn, PHYS_PFN(mem->end));
	do {
		params.gfp = GFP_KERNEL | __GFP_NORETRY | zone;
		/* The lowest zone can be as small as 16 MiB */
		params.bytes = zone == __GFP_DMA ? MIN_POOL_BYTES : bytes;
		err = swiotlb_pool_provision(mem, pool, &params);
		if (!err && PHYS_PFN(pool->end) > end_pfn) {
			swiotlb_pool_release(mem, pool);
			err = -ERANGE;
		}
	} while (err == -ERANGE && swiotlb_lower_zone(&zone));
	return err;
}

static int make_pool(struct dynamic *d, unsigned long end_pfn)
{
	struct swiotlb_mem *mem = d->set.mem;
	struct io_tlb_pool pool = { .mem = mem, .ops = mem->ops };
	struct area_pool *ap;
	int err;

	err = find_memory(d, &pool, end_pfn);
	if (err)
		return err;

	ap = area_pool_new(&d->set, &pool, d->nr_areas);
	if (!ap) {
		swiotlb_pool_release(mem, &pool);
		return -ENOMEM;
	}

	err = swiotlb_pool_share(mem, &ap->pool);
	if (err) {
		/* The memory is leaked */
		d->nr_leaked++;
		area_pool_free(ap);
		return err;
	}
	d->nr_leaked = 0;

	err = swiotlb_pool_publish(&ap->pool);
	if (err)
		goto err_release;
	err = area_set_add(&d->set, ap);
	if (err)
		goto err_retract;

	d->nr_grown++;
	WRITE_ONCE(d->nr_grows, d->nr_grows + 1);
	served(d, &ap->pool);
	swiotlb_report_grow(mem, ap->pool.end - ap->pool.start);
	return 0;

err_retract:
	swiotlb_pool_retract(&ap->pool);
	synchronize_rcu();
err_release:
	swiotlb_pool_release(mem, &ap->pool);
	area_pool_free(ap);
	return err;
}

/* Is there no memory for 32-bit devices, and no other way for them? */
static bool needs_low(const struct dynamic *d)
{
	return d->growable && (u64)d->set.first->pool.end > SZ_4G &&
	       cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT);
}

static unsigned int nr_low_pools(const struct dynamic *d)
{
	unsigned int nr = 0, nr_low = 0;
	struct area_pool *ap;

	while ((ap = area_set_next(&d->set, &nr)))
		nr_low += (u64)ap->pool.end <= SZ_4G;
	return nr_low;
}

/**
 * dynamic_reserve_low() - see to it that 32-bit devices have some memory
 * @d: whose
 *
 * Context: process context, may sleep; before the first mapping.
 */
void dynamic_reserve_low(struct dynamic *d)
{
	struct dynamic_want *want = &d->wants[DYNAMIC_LIMITED];
	unsigned int tries;

	for (tries = 0; tries < 3 && needs_low(d) && !nr_low_pools(d); tries++) {
		/* Drivers will not wait until another conversion is tried */
		WRITE_ONCE(want->not_before, get_jiffies_64());
		if (!dynamic_ask(d, PHYS_PFN(SZ_4G)))
			return;
		flush_delayed_work(&d->grow);
	}
}

/* Is it what 32-bit devices depend on? */
static bool is_last_low(const struct dynamic *d, const struct area_pool *ap)
{
	return (u64)ap->pool.end <= SZ_4G && needs_low(d) &&
	       nr_low_pools(d) == 1;
}

/* Ask from time to time whether pools are idle */
static void shrink_later(struct dynamic *d)
{
	unsigned long delay = clamp(dynamic_idle_jiffies() / 4,
				    HZ / 40 + 1UL, (unsigned long)HZ);

	if (d->nr_grown > (needs_low(d) && nr_low_pools(d)))
		swiotlb_queue_work(&d->shrink, delay);
}

static void grow_for(struct dynamic *d, enum dynamic_class class)
{
	unsigned long end_pfn;
	int err = 0;

	while (!err && (end_pfn = wanted(d, class))) {
		err = make_pool(d, end_pfn);
		cond_resched();
	}
	if (err)
		back_off(d, &d->wants[class]);
}

static void grow(struct work_struct *work)
{
	struct dynamic *d = container_of(to_delayed_work(work), struct dynamic,
					 grow);
	unsigned int noio;

	guard(mutex)(&d->lock);
	noio = memalloc_noio_save();
	/* What the limited get is of use to the others, too */
	grow_for(d, DYNAMIC_LIMITED);
	grow_for(d, DYNAMIC_ANY);
	memalloc_noio_restore(noio);

	shrink_later(d);
}

static bool is_idle(const struct area_pool *ap, unsigned long idle)
{
	unsigned int i;

	for (i = 0; i < ap->layout.nr_areas; i++) {
		const struct slot_area *area = &ap->areas[i];

		if (READ_ONCE(area->map.nr_used) ||
		    time_before(jiffies, READ_ONCE(area->emptied) + idle))
			return false;
	}
	return true;
}

/* Would half of what is left be free? */
static bool is_spare(const struct area_set *set, const struct area_pool *ap)
{
	unsigned long nr_left = set->mem->nslabs - ap->pool.nr_slots;

	return 2 * atomic_long_read(&set->nr_reported) <= nr_left;
}

/* The pools that have long been empty, the one with the highest number first */
static struct area_pool *idle_pools(struct dynamic *d)
{
	unsigned long idle = dynamic_idle_jiffies();
	struct area_pool *ap, *list = NULL;
	unsigned int nr = 0;

	while ((ap = area_set_next(&d->set, &nr))) {
		if (ap == d->set.first || !is_idle(ap, idle))
			continue;
		ap->next = list;
		list = ap;
	}
	return list;
}

static void shrink(struct work_struct *work)
{
	struct dynamic *d = container_of(to_delayed_work(work), struct dynamic,
					 shrink);
	struct area_pool *ap, *next, *leaving = NULL;
	struct swiotlb_mem *mem = d->set.mem;

	guard(mutex)(&d->lock);
	for (ap = idle_pools(d); ap; ap = next) {
		next = ap->next;
		if (!is_spare(&d->set, ap) || is_last_low(d, ap) ||
		    !area_pool_close(ap))
			continue;

		area_set_remove(&d->set, ap);
		swiotlb_pool_retract(&ap->pool);
		d->nr_grown--;
		WRITE_ONCE(d->nr_shrinks, d->nr_shrinks + 1);
		swiotlb_report_shrink(mem, ap->pool.end - ap->pool.start);
		ap->next = leaving;
		leaving = ap;
	}

	if (leaving)
		synchronize_rcu();
	for (ap = leaving; ap; ap = next) {
		next = ap->next;
		swiotlb_pool_release(mem, &ap->pool);
		area_pool_free(ap);
	}
	shrink_later(d);
}

/**
 * dynamic_resize_init() - let the memory grow when need be
 * @d: zeroed, but for @d->growable
 *
 * Context: any, however early.
 */
void dynamic_resize_init(struct dynamic *d)
{
	spin_lock_init(&d->ask_lock);
	d->wants[DYNAMIC_LIMITED].not_before = get_jiffies_64();
	d->wants[DYNAMIC_ANY].not_before = get_jiffies_64();
	mutex_init(&d->lock);
	INIT_DELAYED_WORK(&d->grow, grow);
	INIT_DELAYED_WORK(&d->shrink, shrink);
}

/**
 * dynamic_resize_exit() - no more of that
 * @d: nothing is mapped, and nothing will be
 *
 * Context: process context, may sleep.
 */
void dynamic_resize_exit(struct dynamic *d)
{
	/* In that order: who grows asks to shrink */
	cancel_delayed_work_sync(&d->grow);
	cancel_delayed_work_sync(&d->shrink);
}
