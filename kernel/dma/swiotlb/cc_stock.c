// SPDX-License-Identifier: GPL-2.0
/*
 * Depots of the `cc` backend: chunks come and go
 *
 * Some chunks are not for everybody, as cc_depot.c explains: the first one of a reach that
 * comes is the last for buffers, and of many that come to a depot some are kept.
 *
 * Locking: as in cc_depot.c.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"

/* One of this many chunks is kept for those who need memory to free memory */
#define KEEP_ONE_OF	64U
/* or one, if there are so many */
#define KEEP_FROM	32U

/**
 * cc_depot_count_empty() - chunks became empty, or are no longer
 * @d:	   where; its lock is held
 * @chunk: one of them
 * @nr:	   1 or -1
 */
void cc_depot_count_empty(struct cc_depot *d, const struct cc_chunk *chunk,
			  int nr)
{
	WRITE_ONCE(d->nr_empty, d->nr_empty + nr);
	if (chunk->grown)
		WRITE_ONCE(d->nr_empty_grown, d->nr_empty_grown + nr);
	d->min_empty = min(d->min_empty, d->nr_empty);
}

/**
 * cc_depot_put_empty() - all of a chunk is free
 * @d:	   where; its lock is held
 * @chunk: the chunk, on no shelf
 */
void cc_depot_put_empty(struct cc_depot *d, struct cc_chunk *chunk)
{
	lockdep_assert_held(&d->lock);
	chunk->emptied = get_jiffies_64();
	cc_depot_count_empty(d, chunk, 1);
	list_add(&chunk->pages.node, &d->empty[chunk->grown]);
}

/**
 * cc_depot_init() - an empty depot
 * @cc:	   whose
 * @d:	   the depot, zeroed
 * @reach: for whom
 * @nid:   of which node, or %NUMA_NO_NODE
 * @end:   its chunks will end below that address
 *
 * Context: any, however early.
 */
void cc_depot_init(struct cc *cc, struct cc_depot *d, enum cc_reach reach,
		   int nid, u64 end)
{
	unsigned int class;

	spin_lock_init(&d->lock);
	d->cc = cc;
	d->reach = reach;
	d->nid = nid;
	d->end = end;
	d->lowest_end = U64_MAX;
	INIT_LIST_HEAD(&d->empty[false]);
	INIT_LIST_HEAD(&d->empty[true]);
	for (class = 0; class < CC_NR_CLASSES; class++)
		cc_shelf_init(&d->shelves[class]);
	cc_crumbs_init(&d->crumbs);
}

/* How many of so many chunks are for those who need memory to free memory */
static unsigned int nr_to_keep(unsigned int nr_chunks)
{
	return nr_chunks < KEEP_FROM ? 0 : max(1U, nr_chunks / KEEP_ONE_OF);
}

/**
 * cc_depot_add() - use a chunk from now on
 * @d:	   where
 * @chunk: published
 *
 * Context: process context with cc.lock held, or nobody else knows of the memory.
 */
void cc_depot_add(struct cc_depot *d, struct cc_chunk *chunk)
{
	struct cc_shelf *kept = &d->shelves[CC_KEPT];
	struct cc_slab *pages = &chunk->pages;
	unsigned int *nr_chunks = &d->cc->nr_chunks[d->reach];
	enum cc_class class = CC_PAGES;
	unsigned long flags;

	chunk->depot = d;
	pages->reach = d->reach;
	spin_lock_irqsave(&d->lock, flags);
	WRITE_ONCE(d->lowest_end, min_t(u64, d->lowest_end, pages->pool.end));
	WRITE_ONCE(d->nr_chunks, d->nr_chunks + 1);
	/* Wherever that is, all look there */
	if (!*nr_chunks)
		class = CC_LAST;
	else if (kept->nr < nr_to_keep(d->nr_chunks))
		class = CC_KEPT;

	if (class == CC_PAGES) {
		cc_depot_put_empty(d, chunk);
	} else {
		cc_chunk_use(chunk, class);
		cc_shelf_add(cc_shelf_of(pages), pages);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	WRITE_ONCE(*nr_chunks, *nr_chunks + 1);
}

/* Where there are fewer chunks than before, fewer are kept: let one of them go */
static bool keep_less(struct cc_depot *d)
{
	struct cc_shelf *kept = &d->shelves[CC_KEPT];
	struct cc_slab *pages = cc_shelf_empty(kept, CC_CHUNK_PAGES);

	if (!pages || kept->nr <= nr_to_keep(d->nr_chunks))
		return false;
	cc_shelf_remove(kept, pages);
	cc_depot_put_empty(d, pages->chunk);
	return true;
}

static bool was_empty_for(const struct cc_chunk *chunk, unsigned long idle)
{
	return !time_before64(get_jiffies_64(), chunk->emptied + idle);
}

/* Of a list of empty chunks the one that was used last of all, if that is long ago */
static struct cc_chunk *idle_chunk(struct list_head *list, unsigned long idle)
{
	struct cc_chunk *chunk;

	if (list_empty(list))
		return NULL;
	chunk = list_last_entry(list, struct cc_chunk, pages.node);
	return was_empty_for(chunk, idle) ? chunk : NULL;
}

/**
 * cc_depot_remove() - take a chunk away that is empty and was added later
 * @d:	  where
 * @idle: for how long it must have been empty, in jiffies
 *
 * Context: process context with cc.lock held.
 * Return: the chunk, or %NULL.
 */
struct cc_chunk *cc_depot_remove(struct cc_depot *d, unsigned long idle)
{
	unsigned int *nr_chunks = &d->cc->nr_chunks[d->reach];
	struct cc_chunk *chunk;

	spin_lock_irq(&d->lock);
	chunk = idle_chunk(&d->empty[true], idle);
	if (chunk) {
		list_del_init(&chunk->pages.node);
		cc_depot_count_empty(d, chunk, -1);
		WRITE_ONCE(d->nr_chunks, d->nr_chunks - 1);
		WRITE_ONCE(*nr_chunks, *nr_chunks - 1);
		keep_less(d);
	}
	spin_unlock_irq(&d->lock);
	return chunk;
}

/**
 * cc_depot_tidy() - give slabs back that are free but were not asked back
 * @d: where
 *
 * Context: process context.
 */
void cc_depot_tidy(struct cc_depot *d)
{
	struct cc_slab *slab;
	unsigned int class;

	spin_lock_irq(&d->lock);
	/* They may have been in use when others went */
	while (keep_less(d))
		;
	for (class = 0; class < CC_NR_CLASSES; class++) {
		struct cc_shelf *shelf = &d->shelves[class];

		if (!cc_has_slabs(class))
			continue;
		while ((slab = cc_shelf_empty(shelf, cc_nr_slots(class))))
			cc_depot_retire(d, slab);
	}
	spin_unlock_irq(&d->lock);
}

/**
 * cc_depot_exit() - give all slabs back
 * @d: nothing is mapped in it; CPUs may keep slots, and will not use them
 *
 * Context: process context, or early boot.
 */
void cc_depot_exit(struct cc_depot *d)
{
	struct cc_slab *slab, *next;
	unsigned int class, bucket;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	for (class = 0; class < CC_NR_CLASSES; class++) {
		struct cc_shelf *shelf = &d->shelves[class];

		if (!cc_has_slabs(class))
			continue;
		for (bucket = 0; bucket < CC_NR_BUCKETS; bucket++) {
			list_for_each_entry_safe(slab, next,
						 &shelf->bucket[bucket], node) {
				list_del_init(&slab->node);
				cc_slab_retire(slab);
				cc_slab_put(d->cc, slab);
			}
		}
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cc_depot_least_empty() - how many chunks were empty all the time
 * @d:	       where
 * @was_taken: set if any was put to use
 *
 * Context: process context.
 * Return: number of chunks, since this was asked last.
 */
unsigned int cc_depot_least_empty(struct cc_depot *d, bool *was_taken)
{
	unsigned int nr;

	spin_lock_irq(&d->lock);
	nr = d->min_empty;
	d->min_empty = d->nr_empty;
	*was_taken = d->was_taken;
	d->was_taken = false;
	spin_unlock_irq(&d->lock);
	return nr;
}
