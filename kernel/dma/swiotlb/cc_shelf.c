// SPDX-License-Identifier: GPL-2.0
/*
 * Shelves of the `cc` backend: which slab of a class has room for a buffer
 *
 * On a shelf, slabs lie in buckets by what they have to offer: by the number of
 * free slots where each buffer takes one, by the longest run of free slots where
 * buffers take runs. A chunk with slots of 4 KiB counts as a slab, too. A bitmap tells
 * which buckets are not empty, so what fits best is found in a few steps however much
 * there is, and so is that there is nothing:
 *
 *   1. a bucket in which every slab has a run so long that alignment and
 *	boundaries cannot spoil it, the shortest first: its first slab will do;
 *   2. the buckets below that, where the longest run may do at best. That is
 *	guessing, so CC_TRIES slabs are searched at most, those of step 1 included.
 *
 * Single slots come from the slab that has least to offer, so that others become
 * empty, and long runs stay whole.
 *
 * Locking: the depot's lock is held, but for cc_shelf_may_have().
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/swiotlb.h>

#include "cc.h"

/* A run of so many slots is good for nearly all that is large: 1 MiB, if these are pages */
#define LONG_RUN	256U

static unsigned int longest_of(struct cc_slab *slab, unsigned int from,
			       unsigned int to)
{
	return cc_longest_run(slab->free, slab->words,
			      BITS_TO_LONGS(slab->pool.nr_slots), from, to);
}

static void put_in_bucket(struct cc_shelf *shelf, struct cc_slab *slab)
{
	unsigned int bucket = cc_bucket_of(slab->offer);

	/* What is never given back first, so that the rest can be */
	if (slab->chunk->grown)
		list_add_tail(&slab->node, &shelf->bucket[bucket]);
	else
		list_add(&slab->node, &shelf->bucket[bucket]);
	if (bucket)
		WRITE_ONCE(shelf->filled, shelf->filled | BIT_ULL(bucket));
	if (slab->offer >= LONG_RUN)
		shelf->nr_long += slab->offer;
}

/* The bucket, about which note_bucket() must tell then */
static unsigned int take_from_bucket(struct cc_shelf *shelf,
				     struct cc_slab *slab)
{
	list_del_init(&slab->node);
	if (slab->offer >= LONG_RUN)
		shelf->nr_long -= slab->offer;
	return cc_bucket_of(slab->offer);
}

static void note_bucket(struct cc_shelf *shelf, unsigned int bucket)
{
	if (list_empty(&shelf->bucket[bucket]))
		WRITE_ONCE(shelf->filled, shelf->filled & ~BIT_ULL(bucket));
}

/**
 * cc_shelf_add() - put a slab on a shelf
 * @shelf: of the slab's class
 * @slab:  all of it is free
 */
void cc_shelf_add(struct cc_shelf *shelf, struct cc_slab *slab)
{
	put_in_bucket(shelf, slab);
	WRITE_ONCE(shelf->nr, shelf->nr + 1);
	shelf->nr_empty++;
	WRITE_ONCE(shelf->nr_free, shelf->nr_free + slab->nr_free);
}

/**
 * cc_shelf_remove() - take a slab off its shelf
 * @shelf: of the slab's class
 * @slab:  all of it is free
 */
void cc_shelf_remove(struct cc_shelf *shelf, struct cc_slab *slab)
{
	note_bucket(shelf, take_from_bucket(shelf, slab));
	WRITE_ONCE(shelf->nr, shelf->nr - 1);
	shelf->nr_empty--;
	WRITE_ONCE(shelf->nr_free, shelf->nr_free - slab->nr_free);
}

/**
 * cc_shelf_changed() - slots of a slab came into use, or are no longer
 * @shelf: of the slab's class
 * @slab:  the bits in its bitmap have changed already
 * @first: the first slot that may have changed
 * @last:  the last that may have
 * @delta: how many more are free than before
 */
void cc_shelf_changed(struct cc_shelf *shelf, struct cc_slab *slab,
		      unsigned int first, unsigned int last, int delta)
{
	unsigned int nr_slots = slab->pool.nr_slots, offer, old;

	shelf->nr_empty -= slab->nr_free == nr_slots;
	slab->nr_free += delta;
	shelf->nr_empty += slab->nr_free == nr_slots;
	WRITE_ONCE(shelf->nr_free, shelf->nr_free + delta);
	shelf->nr_peak = max(shelf->nr_peak,
			     (unsigned long)shelf->nr * nr_slots - shelf->nr_free);

	if (cc_classes[slab->class].max_slots > 1)
		offer = longest_of(slab, first / BITS_PER_LONG,
				   last / BITS_PER_LONG);
	else
		offer = slab->nr_free;
	if (offer == slab->offer)
		return;
	old = take_from_bucket(shelf, slab);
	slab->offer = offer;
	put_in_bucket(shelf, slab);
	/* In that order: who looks without the lock must see the one or the other */
	note_bucket(shelf, old);
}

/**
 * cc_shelf_fullest() - the slab that has least to offer
 * @shelf: the shelf
 *
 * Return: the slab, or %NULL if none has anything.
 */
struct cc_slab *cc_shelf_fullest(struct cc_shelf *shelf)
{
	if (!shelf->filled)
		return NULL;
	return list_first_entry(&shelf->bucket[__ffs64(shelf->filled)],
				struct cc_slab, node);
}

/**
 * cc_shelf_empty() - a slab, all of which is free
 * @shelf:    the shelf
 * @nr_slots: slots of each slab
 *
 * Return: the slab, or %NULL if there is none.
 */
struct cc_slab *cc_shelf_empty(struct cc_shelf *shelf, unsigned int nr_slots)
{
	/* Powers of two have a bucket to themselves and what is more than that */
	return list_first_entry_or_null(&shelf->bucket[cc_bucket_of(nr_slots)],
					struct cc_slab, node);
}

/**
 * cc_shelf_may_have() - is it worth a search?
 * @shelf:    the shelf
 * @nr_slots: number of slots in a run
 *
 * Context: any; who holds no lock gets to know how it was a moment ago.
 * Return: %false if surely not.
 */
bool cc_shelf_may_have(const struct cc_shelf *shelf, unsigned int nr_slots)
{
	return READ_ONCE(shelf->filled) >> cc_bucket_of(nr_slots);
}

/**
 * cc_slab_find() - find a place in a slab
 * @slab: the slab
 * @fit:  what the place must be like, but for its base
 *
 * Return: number of the first slot, or -ENOSPC.
 */
int cc_slab_find(struct cc_slab *slab, struct cc_fit *fit)
{
	const struct io_tlb_pool *pool = &slab->pool;

	fit->base = (pool->start + fit->dma_offset) >> pool->slot_shift;
	return cc_find_run(slab->free, pool->nr_slots, slab->first, fit);
}

/**
 * cc_shelf_find() - search the slabs on a shelf
 * @shelf:    the shelf
 * @nr_slots: slots of each slab on it
 * @req:      slabs that it does not reach are left out; or %NULL
 * @fit:      as for cc_slab_find()
 * @slot:     receives the first slot of the place
 *
 * Return: the slab, or %NULL.
 */
struct cc_slab *cc_shelf_find(struct cc_shelf *shelf, unsigned int nr_slots,
			      const struct swiotlb_req *req,
			      struct cc_fit *fit, int *slot)
{
	unsigned int at_best = cc_bucket_of(fit->nr_slots), bucket;
	unsigned int sure = fit->nr_slots + fit->mask, nr_tries = CC_TRIES;
	u64 buckets = shelf->filled & ~(BIT_ULL(at_best) - 1), now;
	struct cc_slab *slab;

	/* A boundary cuts a run once at most, and the longer part will do */
	if (fit->boundary < nr_slots)
		sure *= 2;
	bucket = sure <= nr_slots ? cc_bucket_above(sure) : at_best;

	while (buckets) {
		now = buckets & ~(BIT_ULL(bucket) - 1) ?: buckets;
		bucket = __ffs64(now);
		list_for_each_entry(slab, &shelf->bucket[bucket], node) {
			if (!nr_tries--)
				return NULL;
			if (req && !cc_reaches(req, slab->pool.end))
				continue;
			*slot = cc_slab_find(slab, fit);
			if (*slot >= 0)
				return slab;
		}
		buckets &= ~BIT_ULL(bucket);
	}
	return NULL;
}

/**
 * cc_shelf_init() - an empty shelf
 * @shelf: zeroed
 */
void cc_shelf_init(struct cc_shelf *shelf)
{
	unsigned int bucket;

	for (bucket = 0; bucket < CC_NR_BUCKETS; bucket++)
		INIT_LIST_HEAD(&shelf->bucket[bucket]);
}
