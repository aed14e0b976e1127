// SPDX-License-Identifier: GPL-2.0
/*
 * kccd: how the `cc` backend grows and shrinks
 *
 * Whoever takes an empty chunk, or finds few slabs in reserve, leaves a note, and
 * asks kccd on his way out. It makes what is missing, and no more:
 *
 *  - So many chunks should be empty, for what the watermarks of the classes lack: see
 *    cc_wanted.c.
 *  - Slabs of each size, which are not memory but what is to be known of it, are kept in
 *    reserve for as much as the watermark says: see cc_reserve.c.
 *  - If there was no empty chunk when one was needed, the watermarks were too low:
 *    the number of empty chunks wanted doubles each time, up to 64 times. It halves
 *    with each second in which that did not happen.
 *  - A request that found no room comes first: whoever does not reach all memory, then
 *    the others. Meanwhile all CPUs give back what they keep for themselves, half of
 *    the time at most, whether more memory can be had or not.
 *
 * There is a cap (`swiotlb.cc_max`). If no memory for a chunk is to be had (cc_pair.c),
 * or at the cap, nothing is tried for 100 ms; after a failed conversion, by which memory
 * is lost, for ten seconds, and twice as long each time. Memory is never waited for if
 * that may mean to wait for I/O, since that may wait for bounce buffers.
 *
 * Where there are nodes, each has a depot (cc_nodes.c), and what is said here is true of
 * each. What is made ahead is memory of that node. As long as there are empty chunks
 * enough on others it is that or nothing; else, or if a request found no room, it is what
 * can be had, and goes to the depot of the node that it is of.
 *
 * Chunks that were added go again: those that are empty and were not needed for as
 * long as `swiotlb.cc_idle_ms`, beyond those that are wanted. How many that are is
 * seen from the fewest that were empty in that time, so a load that comes and goes
 * within it converts nothing. As long as empty chunks are taken, those that are
 * wanted are as many as if nothing else were free.
 *
 * If memory is tight the shrinker has all of them given back at once; after that,
 * only requests that find no room make more, for a second. The boot memory stays.
 *
 * These are works rather than a thread: nothing runs where nothing is to do, they go
 * with the memory that they are for, and freeing must not wait behind growth, which
 * waits for memory. Growth runs on the CPU that asked, if it is not under way elsewhere,
 * and before tasks there.
 *
 * Locking: cc.lock protects which chunks there are. Nobody holds it who waits for
 * memory, for a conversion or for a grace period.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>

#include "cc.h"
#include "internal.h"

#define RETRY_DELAY	(HZ / 10)
#define SQUEEZE_DELAY	HZ
#define MAX_BOOST	6

/**
 * kccd_all_bytes() - how much memory there is
 * @cc: whose
 *
 * Context: any.
 * Return: bytes.
 */
u64 kccd_all_bytes(const struct cc *cc)
{
	return (u64)READ_ONCE(cc->mem->nslabs) << IO_TLB_SHIFT;
}

/**
 * kccd_cap_bytes() - how much memory there may be
 * @cc: whose
 *
 * Context: any.
 * Return: bytes.
 */
u64 kccd_cap_bytes(const struct cc *cc)
{
	u64 boot = (u64)cc->nr_boot * CC_CHUNK_BYTES;

	return cc_max_bytes() ?:
	       max((u64)totalram_pages() << PAGE_SHIFT >> 1, boot);
}

/**
 * kccd_ask() - have kccd look after something
 * @cc: what that is
 *
 * Context: any but NMI.
 */
void kccd_ask(struct cc *cc)
{
	WRITE_ONCE(cc->ask, false);
	/* So early in boot nobody can do anything. The note stays */
	if (!swiotlb_queue_growth(&cc->grow))
		WRITE_ONCE(cc->ask, true);
}

static bool may_try(const struct cc_grower *g, bool urgent)
{
	return (urgent && READ_ONCE(g->only_near)) ||
	       !time_before64(get_jiffies_64(), READ_ONCE(g->retry_at));
}

/**
 * kccd_ask_for() - have kccd make or find memory that a request did not find
 * @d: where it had been best
 *
 * Context: any but NMI.
 */
void kccd_ask_for(struct cc_depot *d)
{
	struct cc_grower *g = &d->grower;
	struct cc *cc = d->cc;
	bool is_news = false;

	if (!READ_ONCE(cc->reclaim) &&
	    time_before64(READ_ONCE(cc->flushed_at), get_jiffies_64())) {
		WRITE_ONCE(cc->reclaim, true);
		is_news = true;
	}
	if (cc->growable && !READ_ONCE(g->urgent) && may_try(g, true)) {
		WRITE_ONCE(g->urgent, true);
		is_news = true;
	}
	if (is_news)
		kccd_ask(cc);
}

/**
 * kccd_resized() - see to what depends on how much memory there is
 * @cc: chunks have come or gone
 *
 * Context: process context with cc.lock held, or nobody else knows of @cc.
 */
void kccd_resized(struct cc *cc)
{
	WRITE_ONCE(cc->mem->nslabs, (unsigned long)(cc->nr_boot + cc->nr_grown)
				    << (CC_CHUNK_SHIFT - IO_TLB_SHIFT));
	cc_cpus_size(cc, kccd_all_bytes(cc));
}

static gfp_t zone_of(const struct cc *cc, enum cc_reach reach)
{
	if (reach == CC_LOW && cc->main != CC_LOW)
		return IS_ENABLED(CONFIG_ZONE_DMA32) ? __GFP_DMA32 : __GFP_DMA;
	return 0;
}

/**
 * kccd_has_room() - may there be more memory?
 * @cc:    whose
 * @bytes: how much more
 *
 * Context: any.
 * Return: %true if that is not beyond the cap.
 */
bool kccd_has_room(const struct cc *cc, size_t bytes)
{
	return kccd_all_bytes(cc) + bytes <= kccd_cap_bytes(cc);
}

static bool is_at_cap(const struct cc *cc)
{
	return !kccd_has_room(cc, CC_CHUNK_BYTES);
}

static void hold(struct cc_grower *g, unsigned long delay, bool only_near)
{
	WRITE_ONCE(g->only_near, only_near);
	WRITE_ONCE(g->retry_at, get_jiffies_64() + delay);
}

/* Nothing could be had; or nothing of the node, while others have enough */
static void back_off(struct cc *cc, struct cc_depot *d, bool only_near,
		     bool leaked)
{
	unsigned long delay = swiotlb_leak_delay(cc->nr_leaked) ?: RETRY_DELAY;
	struct cc_depot *other;

	/* The cap is what the administrator wants */
	only_near = only_near && !leaked && !is_at_cap(cc);
	if (!only_near && !is_at_cap(cc))
		WRITE_ONCE(cc->nr_failures, cc->nr_failures + 1);
	hold(&d->grower, only_near ? RETRY_DELAY : delay, only_near);
	/* Memory of other nodes would not fare better */
	for (other = cc->depots; leaked && other < cc_depots_end(cc); other++)
		hold(&other->grower, delay, false);
}

/* Another chunk or two if there should be; false if not, or if none was to be had */
static bool grow_depot(struct cc *cc, struct cc_depot *d)
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = CC_CHUNK_BYTES,
		.flags = SWIOTLB_EXACT,
		.gfp = GFP_KERNEL | __GFP_NORETRY | zone_of(cc, d->reach),
		.nid = d->nid,
	};
	struct cc_grower *g = &d->grower;
	bool urgent = READ_ONCE(g->urgent), only_near, is_short;
	unsigned int wanted, nr_empty, nr_leaked = cc->nr_leaked;
	int nr;

	if (urgent)
		WRITE_ONCE(g->urgent, false);
	/* As long as it says that it is starved, nobody asks only for that: see trim() */
	is_short = d->nid != NUMA_NO_NODE && cc_surplus(cc, d->reach) < 0;
	if (!may_try(g, urgent || is_short) ||
	    (!urgent && time_before64(get_jiffies_64(), READ_ONCE(cc->squeezed_until))))
		return false;
	if (READ_ONCE(d->starved) || urgent) {
		WRITE_ONCE(g->boost, min(READ_ONCE(g->boost) + 1, MAX_BOOST));
		WRITE_ONCE(d->starved, false);
	}

	/* What it waited for may have become free meanwhile, here or on another node */
	urgent = urgent && !cc_has_empty(cc, d->reach);
	wanted = max(cc_wanted(d), urgent ? 1U : 0);
	nr_empty = READ_ONCE(d->nr_empty);
	/* Ask again when one is taken that may be missing by then, or the last one */
	WRITE_ONCE(d->low_mark, max3(wanted, cc_most_wanted(d), 1U));
	if (nr_empty >= wanted)
		return false;

	only_near = !urgent && d->nid != NUMA_NO_NODE &&
		    cc_surplus(cc, d->reach) >= 0;
	if (d->nid != NUMA_NO_NODE)
		params.flags |= SWIOTLB_NODE;
	/* Others have enough: nobody on that node need make room */
	if (only_near)
		params.gfp = (params.gfp & ~__GFP_RECLAIM) | __GFP_THISNODE;
	nr = cc_grow_depot(d, &params, wanted - nr_empty);
	if (nr < 0) {
		back_off(cc, d, only_near, cc->nr_leaked > nr_leaked);
		return false;
	}
	WRITE_ONCE(cc->nr_grows, cc->nr_grows + nr);
	while (nr--)
		swiotlb_report_grow(cc->mem, CC_CHUNK_BYTES);
	return true;
}

/*
 * What the limited get is of use to the others, too, so it comes first. Of nodes none
 * waits until others have all that they want
 */
static bool grow_any(struct cc *cc)
{
	struct cc_depot *d;
	bool any = grow_depot(cc, &cc->depots[CC_LOW]);

	if (any)
		return true;
	for (d = &cc->depots[CC_ANY]; d < cc_depots_end(cc); d++)
		any |= grow_depot(cc, d);
	return any;
}

static unsigned long count_objects(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	struct cc *cc = shrinker->private_data;
	struct cc_depot *d;
	unsigned int nr = 0;

	for (d = cc->depots; d < cc_depots_end(cc); d++)
		nr += READ_ONCE(d->nr_empty_grown);
	return nr ? (unsigned long)nr << (CC_CHUNK_SHIFT - PAGE_SHIFT) :
		    SHRINK_EMPTY;
}

/* Conversion may take locks inside which others wait for memory: not here */
static unsigned long scan_objects(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	struct cc *cc = shrinker->private_data;

	swiotlb_queue_work(&cc->squeeze, 0);
	return SHRINK_STOP;
}

static void make_shrinker(struct cc *cc)
{
	struct shrinker *shrinker;

	if (cc->shrinker)
		return;
	shrinker = shrinker_alloc(0, "swiotlb-cc");
	if (!shrinker)
		return;
	shrinker->count_objects = count_objects;
	shrinker->scan_objects = scan_objects;
	shrinker->private_data = cc;
	shrinker_register(shrinker);
	cc->shrinker = shrinker;
}

/* Was there no empty chunk, while nothing could be done about it? */
static bool is_starved(const struct cc_depot *d)
{
	return d->cc->growable && READ_ONCE(d->starved);
}

static bool is_at_rest(struct cc *cc)
{
	struct cc_depot *d;

	if (READ_ONCE(cc->nr_grown) || cc_cpus_have_any(cc))
		return false;
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		if (READ_ONCE(d->grower.boost) || is_starved(d))
			return false;
	}
	return !cc_reserves_are_large(cc);
}

static void trim_later(struct cc *cc)
{
	unsigned long delay = clamp(cc_idle_jiffies() / 4, HZ / 40 + 1UL,
				    (unsigned long)HZ);

	swiotlb_queue_work(&cc->trim, delay);
}

static void flush(struct work_struct *work)
{
	struct cc *cc = container_of(to_delayed_work(work), struct cc, flush);
	u64 start = get_jiffies_64(), end;

	WRITE_ONCE(cc->reclaim, false);
	cc_cpus_flush(cc, true);
	/* Slabs may have gone back by that: see grow() */
	start_poll_synchronize_rcu();
	/* CPUs that are not run take long. So that they are not interrupted all the time */
	end = get_jiffies_64();
	WRITE_ONCE(cc->flushed_at, end + (end - start));
}

static void grow(struct work_struct *work)
{
	struct cc *cc = container_of(to_delayed_work(work), struct cc, grow);
	unsigned int noio;

	/* That waits for each CPU in turn: new chunks must not */
	if (READ_ONCE(cc->reclaim))
		swiotlb_queue_work(&cc->flush, 0);
	noio = memalloc_noio_save();
	WRITE_ONCE(cc->ask, false);
	/* Those that were given back wait for a grace period, but ask for none */
	start_poll_synchronize_rcu();
	cc_reserves_fill(cc, SWIOTLB_LATE);
	if (cc->growable) {
		make_shrinker(cc);
		while (grow_any(cc))
			cond_resched();
	}
	memalloc_noio_restore(noio);

	trim_later(cc);
}

/* Give back so many chunks, if they were empty for so long */
static void shrink_depot(struct cc *cc, struct cc_depot *d, unsigned int nr,
			 unsigned long idle, struct list_head *leaving)
{
	struct cc_chunk *chunk;

	while (nr-- && (chunk = cc_depot_remove(d, idle))) {
		list_move(&chunk->all, leaving);
		swiotlb_pool_retract(&chunk->pages.pool);
		WRITE_ONCE(cc->nr_grown, cc->nr_grown - 1);
		kccd_resized(cc);
		WRITE_ONCE(cc->nr_shrinks, cc->nr_shrinks + 1);
		swiotlb_report_shrink(cc->mem, CC_CHUNK_BYTES);
	}
}

static void release_chunks(struct cc *cc, struct list_head *leaving)
{
	struct cc_chunk *chunk, *next;

	if (list_empty(leaving))
		return;

	synchronize_rcu();
	list_for_each_entry_safe(chunk, next, leaving, all) {
		swiotlb_pool_release(cc->mem, &chunk->pages.pool);
		cc_free_chunk(chunk);
	}
}

/* How many chunks were never needed for as long as that, beyond what is wanted */
static unsigned int nr_spare(struct cc_depot *d, unsigned long idle)
{
	struct cc_grower *g = &d->grower;
	u64 now = get_jiffies_64();
	unsigned int nr, nr_kept, wanted, most;
	bool was_taken;

	if (time_before64(now, g->watched_since + idle))
		return 0;
	g->watched_since = now;
	nr = cc_depot_least_empty(d, &was_taken);
	/* Nobody is there, nor anything of theirs. Whoever comes back says so */
	nr_kept = READ_ONCE(d->shelves[CC_KEPT].nr_empty);
	if (!READ_ONCE(d->was_asked) && nr + nr_kept == READ_ONCE(d->nr_chunks))
		WRITE_ONCE(d->was_used, false);
	WRITE_ONCE(d->was_asked, false);
	wanted = cc_wanted(d);
	/* This may be a moment when much else is free. That passes */
	if (was_taken)
		wanted = max(wanted, cc_most_wanted(d));
	/* Other nodes may lack what is spare here, and have no memory */
	most = max(cc_surplus(d->cc, d->reach), 0);
	return min(nr > wanted ? nr - wanted : 0, most);
}

static void calm_down(struct cc_depot *d)
{
	struct cc_grower *g = &d->grower;
	unsigned int boost = READ_ONCE(g->boost);
	u64 now = get_jiffies_64();

	if (boost && !READ_ONCE(d->starved) &&
	    !time_before64(now, g->calm_since + HZ)) {
		WRITE_ONCE(g->boost, boost - 1);
		g->calm_since = now;
	}
}

static void trim(struct work_struct *work)
{
	struct cc *cc = container_of(to_delayed_work(work), struct cc, trim);
	unsigned long idle = cc_idle_jiffies();
	LIST_HEAD(leaving);
	struct cc_depot *d;

	cc_cpus_flush(cc, false);
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		/* Whoever was starved while nothing could be tried asked only once */
		if (is_starved(d) && may_try(&d->grower, false))
			kccd_ask(cc);
		cc_depot_tidy(d);
		guard(mutex)(&cc->lock);
		calm_down(d);
		shrink_depot(cc, d, nr_spare(d, idle), idle, &leaving);
	}
	release_chunks(cc, &leaving);
	cc_reserves_trim(cc);
	if (!is_at_rest(cc))
		trim_later(cc);
}

static void squeeze(struct work_struct *work)
{
	struct cc *cc = container_of(to_delayed_work(work), struct cc, squeeze);
	LIST_HEAD(leaving);
	struct cc_depot *d;

	cc_cpus_flush(cc, true);
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		cc_depot_tidy(d);
		guard(mutex)(&cc->lock);
		WRITE_ONCE(cc->squeezed_until, get_jiffies_64() + SQUEEZE_DELAY);
		WRITE_ONCE(d->grower.boost, 0);
		shrink_depot(cc, d, UINT_MAX, 0, &leaving);
	}
	release_chunks(cc, &leaving);
	cc_reserves_trim(cc);
}

/**
 * kccd_init() - let the memory grow when need be
 * @cc: zeroed, but for what cc_init() knows
 *
 * Context: any, however early.
 */
void kccd_init(struct cc *cc)
{
	struct cc_depot *d;

	mutex_init(&cc->flush_lock);
	mutex_init(&cc->lock);
	INIT_LIST_HEAD(&cc->chunks);
	cc->flushed_at = get_jiffies_64() - 1;
	cc->squeezed_until = get_jiffies_64();
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		d->grower.retry_at = get_jiffies_64();
		d->grower.calm_since = get_jiffies_64();
		d->grower.watched_since = get_jiffies_64();
	}
	INIT_DELAYED_WORK(&cc->grow, grow);
	INIT_DELAYED_WORK(&cc->flush, flush);
	INIT_DELAYED_WORK(&cc->trim, trim);
	INIT_DELAYED_WORK(&cc->squeeze, squeeze);
}

/**
 * kccd_exit() - no more of that
 * @cc: nothing is mapped, and nothing will be
 *
 * Context: process context, may sleep; or early boot.
 */
void kccd_exit(struct cc *cc)
{
	/* They ask for each other, in vain from now on. @grow makes the shrinker */
	disable_delayed_work_sync(&cc->grow);
	if (cc->shrinker)
		shrinker_free(cc->shrinker);
	cc->shrinker = NULL;
	disable_delayed_work_sync(&cc->flush);
	disable_delayed_work_sync(&cc->squeeze);
	disable_delayed_work_sync(&cc->trim);
}
