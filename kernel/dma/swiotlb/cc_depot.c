// SPDX-License-Identifier: GPL-2.0
/*
 * Depots of the `cc` backend: which chunks have room
 *
 * A depot has empty chunks, and for each class a shelf of chunks that are in use
 * for it. On a shelf, chunks lie in buckets by what they have to offer: by the
 * number of free slots where each buffer takes one, by the longest run of free
 * slots where buffers take runs. A bitmap tells which buckets are not empty, so
 * the chunk that fits best is found in a few steps however many there are, and so is
 * that there is none:
 *
 *   1. a bucket in which every chunk has a run so long that alignment and
 *	boundaries cannot spoil it, the shortest first: its first chunk will do;
 *   2. the buckets below that, where the longest run may do at best. That is
 *	guessing, so CC_TRIES chunks are asked at most, those of step 1 included;
 *   3. an empty chunk, which is cut up for the class, if need be. Those that were
 *	used for the class before keep their format, and are taken first.
 *
 * Slots for the caches of CPUs are taken from the chunk that has the fewest free,
 * so that others become empty.
 *
 * A step costs 16 words of bitmap at most, and there are 8 shelves: the bound for
 * any request is 8 * CC_TRIES searches in a chunk in each of two depots. One that
 * finds all buckets empty does no search at all.
 *
 * Locking: cc_depot.lock protects the depot, its chunks and their formats. It is
 * taken with interrupts off.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"

/* How many chunks of a shelf are asked for a run */
#define CC_TRIES	8

/* What the core is told at a time of how the use has changed */
#define REPORT_BYTES	((long)SZ_64K)

static struct cc_shelf *shelf_of(const struct cc_chunk *chunk)
{
	return &chunk->depot->shelves[chunk->format->class];
}

/* Move a chunk to the bucket that it belongs into, or to none */
static void move_to_bucket(struct cc_shelf *shelf, struct cc_chunk *chunk,
			   unsigned int bucket)
{
	unsigned int old = chunk->bucket;

	list_move(&chunk->node, &shelf->bucket[bucket]);
	chunk->bucket = bucket;
	if (old && list_empty(&shelf->bucket[old]))
		__clear_bit(old, shelf->filled);
	if (bucket)
		__set_bit(bucket, shelf->filled);
}

/* The free slots of a chunk have changed */
static void chunk_changed(struct cc_chunk *chunk)
{
	enum cc_class class = chunk->format->class;
	unsigned int bucket, offer = chunk->nr_free;

	/* Between nothing and all, look */
	if (class >= CC_NR_SINGLES && offer > 1 && offer < cc_nr_slots(class))
		offer = cc_longest_run(chunk->format->free, cc_nr_slots(class));
	bucket = cc_bucket_of(offer);
	if (bucket != chunk->bucket)
		move_to_bucket(shelf_of(chunk), chunk, bucket);
}

/* The list of chunks that are empty, and have that format */
static struct list_head *empty_list(struct cc_depot *d, unsigned int class,
				    bool grown)
{
	return &d->empty[grown][class];
}

static void count_empty(struct cc_depot *d, const struct cc_chunk *chunk, int nr)
{
	WRITE_ONCE(d->nr_empty, d->nr_empty + nr);
	if (chunk->grown)
		WRITE_ONCE(d->nr_empty_grown, d->nr_empty_grown + nr);
	d->min_empty = min(d->min_empty, d->nr_empty);
}

static void put_empty(struct cc_depot *d, struct cc_chunk *chunk)
{
	unsigned int class = chunk->format ? chunk->format->class : CC_NO_CLASS;

	lockdep_assert_held(&d->lock);
	chunk->emptied = jiffies;
	count_empty(d, chunk, 1);
	list_add(&chunk->node, empty_list(d, class, chunk->grown));
}

/* Take a chunk, all of which is free, off its shelf */
static void take_off(struct cc_shelf *shelf, struct cc_chunk *chunk)
{
	list_del_init(&chunk->node);
	if (list_empty(&shelf->bucket[chunk->bucket]))
		__clear_bit(chunk->bucket, shelf->filled);
	chunk->bucket = 0;
	shelf->nr_chunks--;
	shelf->nr_free -= chunk->nr_free;
}

/* After slots of a chunk were freed */
static void chunk_freed(struct cc_depot *d, struct cc_chunk *chunk,
			unsigned int nr)
{
	struct cc_shelf *shelf = shelf_of(chunk);

	chunk->nr_free += nr;
	shelf->nr_free += nr;
	if (chunk->nr_free < cc_nr_slots(chunk->format->class)) {
		chunk_changed(chunk);
		return;
	}
	take_off(shelf, chunk);
	put_empty(d, chunk);
}

static void chunk_took(struct cc_chunk *chunk, unsigned int nr)
{
	struct cc_shelf *shelf = shelf_of(chunk);
	unsigned long nr_taken;

	chunk->nr_free -= nr;
	shelf->nr_free -= nr;
	nr_taken = (unsigned long)shelf->nr_chunks *
		   cc_nr_slots(chunk->format->class) - shelf->nr_free;
	shelf->nr_peak = max(shelf->nr_peak, nr_taken);
	chunk_changed(chunk);
}

/*
 * Does the current task need memory so that others get some? It may be swapping
 * out. An interrupt in it need not, but that makes little difference.
 */
static bool is_in_need(void)
{
	return current->flags & PF_MEMALLOC;
}

static bool reaches(const struct swiotlb_req *req, const struct cc_chunk *chunk)
{
	return !req || cc_reaches(req, chunk->home.end);
}

static struct cc_chunk *take_empty_of(struct cc_depot *d, unsigned int class,
				      const struct swiotlb_req *req)
{
	unsigned int grown, nr_tries = CC_TRIES;
	struct cc_chunk *chunk;

	/* Those first that are never given back */
	for (grown = 0; grown < 2; grown++) {
		list_for_each_entry(chunk, empty_list(d, class, grown), node) {
			if (reaches(req, chunk))
				return chunk;
			if (!--nr_tries)
				return NULL;
		}
	}
	return NULL;
}

/*
 * An empty chunk, or NULL: one that has the right format already, then one that has
 * none, then any
 */
static struct cc_chunk *take_empty(struct cc_depot *d, enum cc_class class,
				   const struct swiotlb_req *req)
{
	struct cc_chunk *chunk;
	unsigned int i;

	/* kccd needs to be told only once that there is none */
	if (d->nr_empty ? d->nr_empty <= READ_ONCE(d->low_mark) :
			  !READ_ONCE(d->starved))
		WRITE_ONCE(d->cc->ask, true);
	if (!d->nr_empty)
		WRITE_ONCE(d->starved, true);
	if (!d->nr_empty ||
	    (d->nr_empty <= READ_ONCE(d->keep) && !is_in_need()))
		return NULL;

	chunk = take_empty_of(d, class, req);
	for (i = CC_NO_CLASS + 1; !chunk && i--;)
		chunk = take_empty_of(d, i, req);
	if (!chunk)
		return NULL;

	list_del_init(&chunk->node);
	count_empty(d, chunk, -1);
	return chunk;
}

/*
 * A class that has no chunk yet would take one for a single buffer, and with it
 * what may be the last place for a large one. When few are left, small buffers go
 * where others are, to slots that are too large for them.
 */
static bool is_precious(const struct cc_depot *d, enum cc_class class)
{
	return class < CC_4K && d->nr_empty <= min(2U, (d->nr_chunks + 1) / 2);
}

/* One more chunk for a class */
static struct cc_chunk *cut_chunk(struct cc_depot *d, enum cc_class class,
				  const struct swiotlb_req *req)
{
	struct cc_shelf *shelf = &d->shelves[class];
	struct cc_chunk *chunk = take_empty(d, class, req);

	if (!chunk)
		return NULL;
	if (!cc_chunk_format(chunk, class)) {
		put_empty(d, chunk);
		return NULL;
	}
	shelf->nr_chunks++;
	shelf->nr_free += chunk->nr_free;
	move_to_bucket(shelf, chunk, cc_bucket_of(chunk->nr_free));
	return chunk;
}

/**
 * cc_depot_take() - take slots for the cache of a CPU
 * @d:	   where from
 * @class: a class of single slots
 * @refs:  receives them, those to be used first at the end
 * @nr:	   how many
 *
 * Context: any but NMI.
 * Return: how many of @refs, from its start, are missing.
 */
unsigned int cc_depot_take(struct cc_depot *d, enum cc_class class,
			   struct cc_ref *refs, unsigned int nr)
{
	struct cc_shelf *shelf = &d->shelves[class];
	struct cc_chunk *chunk;
	unsigned int bucket, left;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	while (nr) {
		bucket = find_first_bit(shelf->filled, CC_NR_BUCKETS);
		if (bucket < CC_NR_BUCKETS)
			chunk = list_first_entry(&shelf->bucket[bucket],
						 struct cc_chunk, node);
		else if (!is_precious(d, class))
			chunk = cut_chunk(d, class, NULL);
		else
			chunk = NULL;
		if (!chunk)
			break;
		left = cc_chunk_take(chunk, refs, nr);
		chunk_took(chunk, nr - left);
		nr = left;
	}
	spin_unlock_irqrestore(&d->lock, flags);
	return nr;
}

static void put_slots(struct cc_depot *d, struct cc_chunk *chunk,
		      unsigned int slot, unsigned int nr)
{
	struct cc_format *f = chunk->format;

	if (WARN_ON_ONCE(find_next_bit(f->free, slot + nr, slot) < slot + nr))
		return;
	bitmap_set(f->free, slot, nr);
	chunk->first = min(chunk->first, slot / BITS_PER_LONG);
	chunk_freed(d, chunk, nr);
}

static struct cc_chunk *chunk_of(const struct io_tlb_pool *pool)
{
	return container_of(pool, struct cc_format, pool)->chunk;
}

/**
 * cc_depot_put() - give slots back that were in the cache of a CPU
 * @cc:	  whose
 * @refs: the slots
 * @nr:	  how many
 *
 * Context: any but NMI.
 */
void cc_depot_put(struct cc *cc, const struct cc_ref *refs, unsigned int nr)
{
	unsigned long flags;
	unsigned int i = 0;

	while (i < nr) {
		struct cc_depot *d = chunk_of(refs[i].pool)->depot;

		spin_lock_irqsave(&d->lock, flags);
		for (; i < nr && chunk_of(refs[i].pool)->depot == d; i++)
			put_slots(d, chunk_of(refs[i].pool), refs[i].slot, 1);
		spin_unlock_irqrestore(&d->lock, flags);
	}
}

/* Take note of bytes that came into use or are no longer */
static void count(struct cc_depot *d, long delta_bytes)
{
	long unreported;

	lockdep_assert_held(&d->lock);
	WRITE_ONCE(d->used_bytes, d->used_bytes + delta_bytes);
	unreported = d->used_bytes - d->reported;
	if (unreported >= REPORT_BYTES || unreported <= -REPORT_BYTES) {
		d->reported = d->used_bytes;
		swiotlb_report_used(d->cc->mem, unreported);
	}
}

/**
 * cc_depot_count() - count what a CPU could not count itself
 * @d:		 any depot
 * @delta_bytes: bytes that came into use
 *
 * Context: any but NMI.
 */
void cc_depot_count(struct cc_depot *d, long delta_bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	count(d, delta_bytes);
	spin_unlock_irqrestore(&d->lock, flags);
}

static int find_in(struct cc_chunk *chunk, const struct swiotlb_req *req,
		   struct cc_fit *fit)
{
	const struct cc_format *f = chunk->format;

	fit->base = (f->pool.start + req->dma_offset) >> f->pool.slot_shift;
	return cc_find_run(f->free, f->pool.nr_slots, chunk->first, fit);
}

/* Ask the chunks on a shelf, and then empty ones, for a run */
static struct cc_chunk *find_chunk(struct cc_depot *d, enum cc_class class,
				   const struct swiotlb_req *req,
				   struct cc_fit *fit, int *slot)
{
	struct cc_shelf *shelf = &d->shelves[class];
	unsigned int nr_slots = cc_nr_slots(class), nr_tries = CC_TRIES;
	unsigned int sure, at_best, bucket, end = CC_NR_BUCKETS;
	struct cc_chunk *chunk;

	/* A boundary cuts a run once at most, and the longer part will do */
	sure = fit->nr_slots + fit->mask;
	if (fit->boundary < nr_slots)
		sure *= 2;
	at_best = cc_bucket_of(fit->nr_slots);
	bucket = sure <= nr_slots ? cc_bucket_above(sure) : at_best;
	/* How long runs are is not known of chunks for single slots */
	if (class < CC_NR_SINGLES)
		bucket = at_best;

	for (;;) {
		unsigned int from = bucket;

		while ((bucket = find_next_bit(shelf->filled, end, bucket)) < end) {
			list_for_each_entry(chunk, &shelf->bucket[bucket], node) {
				if (!nr_tries--)
					goto cut;
				if (!cc_reaches(req, chunk->home.end))
					continue;
				*slot = find_in(chunk, req, fit);
				if (*slot >= 0)
					return chunk;
			}
			bucket++;
		}
		if (from == at_best)
			break;
		bucket = at_best;
		end = from;
	}

cut:
	chunk = cut_chunk(d, class, req);
	if (!chunk)
		return NULL;
	*slot = find_in(chunk, req, fit);
	if (*slot >= 0)
		return chunk;
	take_off(shelf, chunk);
	put_empty(d, chunk);
	return NULL;
}

/**
 * cc_depot_alloc() - find a place for a request
 * @d:	     where
 * @class:   in slots of that class
 * @req:     the request
 * @span:    receives the place
 *
 * Context: any but NMI.
 * Return: 0, -E2BIG if that is no class for it, or -ENOSPC.
 */
int cc_depot_alloc(struct cc_depot *d, enum cc_class class,
		   const struct swiotlb_req *req, struct swiotlb_span *span)
{
	const struct cc_class_def *def = &cc_classes[class];
	struct cc_chunk *chunk;
	unsigned long flags;
	unsigned int offset;
	struct cc_fit fit;
	int slot = 0;

	if (!cc_fit(req, class, &fit, &offset))
		return -E2BIG;

	spin_lock_irqsave(&d->lock, flags);
	chunk = find_chunk(d, class, req, &fit, &slot);
	if (chunk) {
		bitmap_clear(chunk->format->free, slot, fit.nr_slots);
		span->pool = &chunk->format->pool;
		chunk_took(chunk, fit.nr_slots);
		count(d, (long)fit.nr_slots << def->shift);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	if (!chunk)
		return -ENOSPC;

	span->slot = slot;
	span->nr_slots = fit.nr_slots;
	span->offset = offset;
	return 0;
}

/**
 * cc_depot_free() - give a span back
 * @span: as it was given
 *
 * Context: any but NMI.
 */
void cc_depot_free(const struct swiotlb_span *span)
{
	struct cc_chunk *chunk = chunk_of(span->pool);
	unsigned int shift = span->pool->slot_shift;
	struct cc_depot *d = chunk->depot;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	put_slots(d, chunk, span->slot, span->nr_slots);
	count(d, -((long)span->nr_slots << shift));
	spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cc_depot_init() - an empty depot
 * @cc:	   whose
 * @reach: for whom
 * @end:   its chunks will end below that address
 *
 * Context: any, however early.
 */
void cc_depot_init(struct cc *cc, enum cc_reach reach, u64 end)
{
	struct cc_depot *d = &cc->depots[reach];
	unsigned int class, bucket;

	spin_lock_init(&d->lock);
	d->cc = cc;
	d->reach = reach;
	d->end = end;
	d->lowest_end = U64_MAX;
	for (class = 0; class <= CC_NO_CLASS; class++) {
		INIT_LIST_HEAD(empty_list(d, class, false));
		INIT_LIST_HEAD(empty_list(d, class, true));
	}
	for (class = 0; class < CC_NR_CLASSES; class++) {
		for (bucket = 0; bucket < CC_NR_BUCKETS; bucket++)
			INIT_LIST_HEAD(&d->shelves[class].bucket[bucket]);
	}
}

/**
 * cc_depot_add() - use a chunk from now on
 * @d:	   where
 * @chunk: published, without a format
 *
 * Context: process context, or early boot.
 */
void cc_depot_add(struct cc_depot *d, struct cc_chunk *chunk)
{
	unsigned long flags;

	chunk->depot = d;
	spin_lock_irqsave(&d->lock, flags);
	WRITE_ONCE(d->lowest_end, min_t(u64, d->lowest_end, chunk->home.end));
	WRITE_ONCE(d->nr_chunks, d->nr_chunks + 1);
	put_empty(d, chunk);
	spin_unlock_irqrestore(&d->lock, flags);
}

static bool was_empty_for(const struct cc_chunk *chunk, unsigned long idle)
{
	return time_after_eq(jiffies, chunk->emptied + idle);
}

/* Of a list of empty chunks the one that was used last of all, if that is long ago */
static struct cc_chunk *idle_chunk(struct list_head *list, unsigned long idle)
{
	struct cc_chunk *chunk;

	if (list_empty(list))
		return NULL;
	chunk = list_last_entry(list, struct cc_chunk, node);
	return was_empty_for(chunk, idle) ? chunk : NULL;
}

/**
 * cc_depot_remove() - take a chunk away that is empty and was added later
 * @d:	  where
 * @idle: for how long it must have been empty, in jiffies
 *
 * Context: process context.
 * Return: the chunk, without a format, or %NULL.
 */
struct cc_chunk *cc_depot_remove(struct cc_depot *d, unsigned long idle)
{
	struct cc_chunk *chunk = NULL;
	unsigned int class;

	spin_lock_irq(&d->lock);
	for (class = CC_NO_CLASS + 1; !chunk && class--;)
		chunk = idle_chunk(empty_list(d, class, true), idle);
	if (chunk) {
		if (chunk->format)
			cc_chunk_unformat(chunk);
		list_del_init(&chunk->node);
		count_empty(d, chunk, -1);
		WRITE_ONCE(d->nr_chunks, d->nr_chunks - 1);
	}
	spin_unlock_irq(&d->lock);
	return chunk;
}

/**
 * cc_depot_tidy() - take back formats of chunks that were empty for long
 * @d:	  where
 * @idle: for how long, in jiffies
 *
 * Context: process context.
 * Return: %true if there are formats that chunks have not been empty long enough for.
 */
bool cc_depot_tidy(struct cc_depot *d, unsigned long idle)
{
	bool any_left = false;
	struct cc_chunk *chunk;
	unsigned int class;

	spin_lock_irq(&d->lock);
	for (class = 0; class < 2 * CC_NR_CLASSES; class++) {
		struct list_head *list = empty_list(d, class / 2, class % 2);

		while ((chunk = idle_chunk(list, idle))) {
			cc_chunk_unformat(chunk);
			/* It has been empty for as long as those before it */
			list_move_tail(&chunk->node,
				       empty_list(d, CC_NO_CLASS,
						  chunk->grown));
		}
		any_left |= !list_empty(list);
	}
	spin_unlock_irq(&d->lock);
	return any_left;
}

/**
 * cc_depot_least_empty() - how many chunks were empty all the time
 * @d: where
 *
 * Context: process context.
 * Return: number of chunks, since this was asked last.
 */
unsigned int cc_depot_least_empty(struct cc_depot *d)
{
	unsigned int nr;

	spin_lock_irq(&d->lock);
	nr = d->min_empty;
	d->min_empty = d->nr_empty;
	spin_unlock_irq(&d->lock);
	return nr;
}
