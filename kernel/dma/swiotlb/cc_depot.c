// SPDX-License-Identifier: GPL-2.0
/*
 * Depots of the `cc` backend: what memory is free
 *
 * A depot has empty chunks, and shelves (cc_shelf.c) of what is in use: chunks with
 * slots of 4 KiB, and slabs with smaller ones by class. What is needed is taken
 *
 *   1. from the shelf of its class;
 *   2. for small slots, from a new slab, a run of slots of some chunk. Of
 *	slabs that are free altogether each class keeps one, the others go back;
 *   3. from an empty chunk, which becomes one that is in use by that.
 *
 * Some chunks are not for everybody:
 *
 *   last: the first chunk of a reach. No CPU keeps slots of it, and no slab lies in it,
 *	   so when nothing is mapped all of it is free. That is why whatever is promised
 *	   can be had at the first attempt then, wherever free slots are kept. Buffers
 *	   come here when there is no room elsewhere, small ones to slots of 4 KiB.
 *   kept: one of 64 chunks of a depot, and one of 32 where there are fewer. For those
 *	   who need memory to free memory, and if even that was not enough, for all for
 *	   a second, since a request that was refused may come again from elsewhere.
 *   coherent: an empty chunk from which dma_alloc_*() gets its pages, and buffers only if
 *	   there is nothing else. What is allocated is held for as long as a device has its
 *	   driver. A page of it here and there would hold as many chunks, long after the
 *	   load during which it was allocated. If there is no such chunk, nor an empty
 *	   one, it comes from others with slots of 4 KiB, but never from a last or kept one.
 *
 * On which nodes all of that is looked for, and when, is in cc_nodes.c.
 *
 * A search costs 8 words of bitmap at most. In a depot a request tries nine classes:
 * CC_TRIES searches in each, as many again for a new slab in five of them, and one in
 * what was made for it in six: CC_MAX_SEARCHES. There are two depots, and one more for each
 * node but the first, and who found nothing tries once more when he has given back what his
 * CPU keeps. Where one small slot will do, up to 40 in each depot come before all that:
 * cc_max_searches(). That is 552 at the very most, with four nodes 1380. Who finds nothing in
 * the bitmaps of filled buckets does none, and takes no lock.
 *
 * Locking: cc_depot.lock protects the depot, its chunks and their slabs. It is
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

/* Slabs of each class that stay though they are free: no load moves them all the time */
#define SPARE_SLABS	1U

/* One of so many pages is not for buffers that are too small for it */
#define FEW_OF		64U

/* The bitmap of a slab has changed: so many more slots are free, between two of them */
static void changed(struct cc_slab *slab, unsigned int first, unsigned int last,
		    int delta)
{
	struct cc_depot *d = slab->chunk->depot;

	cc_shelf_changed(cc_shelf_of(slab), slab, first, last, delta);
	if (slab->class == CC_PAGES)
		cc_crumbs_changed(&d->crumbs, slab->chunk, first, last);
}

/* Slots came into use, all in a row */
static void take(struct cc_slab *slab, unsigned int slot, unsigned int nr)
{
	bitmap_clear(slab->free, slot, nr);
	changed(slab, slot, slot + nr - 1, -(int)nr);
}

/* Slots are free again, all in a row. Is all of it free now? */
static bool give_slots(struct cc_slab *slab, unsigned int slot, unsigned int nr)
{
	if (WARN_ON_ONCE(find_next_bit(slab->free, slot + nr, slot) < slot + nr))
		return false;
	bitmap_set(slab->free, slot, nr);
	slab->first = min_t(unsigned int, slab->first, slot / BITS_PER_LONG);
	changed(slab, slot, slot + nr - 1, nr);
	return slab->nr_free == slab->pool.nr_slots;
}

/* Do empty chunks become of that class, and empty ones again when they are free? */
static bool takes_empty(enum cc_class class)
{
	return class == CC_PAGES || class == CC_COHERENT;
}

static void give_pages(struct cc_depot *d, struct cc_slab *pages,
		       unsigned int slot, unsigned int nr)
{
	if (!give_slots(pages, slot, nr) || !takes_empty(pages->class))
		return;
	cc_shelf_remove(cc_shelf_of(pages), pages);
	cc_depot_put_empty(d, pages->chunk);
}

/**
 * cc_depot_retire() - let a slab become pages of its chunk again
 * @d:	  where; its lock is held
 * @slab: all of it is free
 */
void cc_depot_retire(struct cc_depot *d, struct cc_slab *slab)
{
	struct cc_slab *pages = &slab->chunk->pages;
	unsigned int page = cc_slab_page(slab);

	cc_shelf_remove(cc_shelf_of(slab), slab);
	cc_slab_retire(slab);
	cc_slab_put(d->cc, slab);
	give_pages(d, pages, page, CC_SLAB_PAGES);
}

static void give(struct cc_depot *d, struct cc_slab *slab, unsigned int slot,
		 unsigned int nr)
{
	if (!cc_has_slabs(slab->class))
		give_pages(d, slab, slot, nr);
	else if (give_slots(slab, slot, nr) &&
		 cc_shelf_of(slab)->nr_empty > SPARE_SLABS)
		cc_depot_retire(d, slab);
}

/*
 * Does the current task need memory so that others get some? It may be swapping
 * out. An interrupt in it need not, but that makes little difference.
 */
static bool frees_memory(void)
{
	return current->flags & PF_MEMALLOC;
}

/* Are the kept chunks for whoever asks? */
static bool is_in_need(struct cc *cc)
{
	if (frees_memory())
		return true;
	if (READ_ONCE(cc->needed) &&
	    !time_before64(get_jiffies_64(), READ_ONCE(cc->need_until)))
		WRITE_ONCE(cc->needed, false);
	return READ_ONCE(cc->needed);
}

/*
 * There is no empty chunk. kccd needs to be told only once; and not of a depot where
 * those look whose own has nothing: those who reach more, or are of another node.
 */
static void starve(struct cc_depot *d)
{
	if (READ_ONCE(d->starved) || !READ_ONCE(d->was_used) ||
	    d != cc_nodes_home(d->cc, d->reach))
		return;
	WRITE_ONCE(d->starved, true);
	WRITE_ONCE(d->cc->ask, true);
}

/* Is it worth to take the lock? */
static bool may_have(struct cc_depot *d, enum cc_class class, unsigned int nr)
{
	if (cc_shelf_may_have(&d->shelves[class], nr))
		return true;
	if (cc_has_slabs(class) &&
	    cc_shelf_may_have(&d->shelves[CC_PAGES], CC_SLAB_PAGES))
		return true;
	if (takes_empty(class) || cc_has_slabs(class)) {
		if (READ_ONCE(d->nr_empty))
			return true;
		starve(d);
	}
	return false;
}

/* An empty chunk, those first that are never given back; or NULL */
static struct cc_chunk *find_empty(struct cc_depot *d,
				   const struct swiotlb_req *req)
{
	unsigned int grown, nr_tries = CC_TRIES;
	struct cc_chunk *chunk;

	for (grown = 0; grown < 2; grown++) {
		list_for_each_entry(chunk, &d->empty[grown], pages.node) {
			if (!req || cc_reaches(req, chunk->pages.pool.end))
				return chunk;
			if (!--nr_tries)
				return NULL;
		}
	}
	return NULL;
}

/* An empty chunk, from now on in use by a class; or NULL */
static struct cc_slab *use_empty(struct cc_depot *d, enum cc_class class,
				 const struct swiotlb_req *req)
{
	struct cc_chunk *chunk;

	if (!d->nr_empty)
		starve(d);
	else if (d->nr_empty <= READ_ONCE(d->low_mark))
		WRITE_ONCE(d->cc->ask, true);

	chunk = find_empty(d, req);
	if (!chunk)
		return NULL;
	list_del_init(&chunk->pages.node);
	d->was_taken = true;
	cc_depot_count_empty(d, chunk, -1);
	cc_chunk_use(chunk, class);
	cc_shelf_add(&d->shelves[class], &chunk->pages);
	if (class == CC_PAGES)
		cc_crumbs_add(chunk);
	return &chunk->pages;
}

/* A run of pages that are free, in chunks of a class that takes empty ones */
static struct cc_slab *find_pages(struct cc_depot *d, enum cc_class class,
				  const struct swiotlb_req *req,
				  struct cc_fit *fit, int *slot)
{
	struct cc_shelf *shelf = &d->shelves[class];
	struct cc_slab *pages;

	pages = cc_shelf_find(shelf, CC_CHUNK_PAGES, req, fit, slot);
	if (pages)
		return pages;
	pages = use_empty(d, class, req);
	if (!pages)
		return NULL;
	*slot = cc_slab_find(pages, fit);
	if (*slot >= 0)
		return pages;
	cc_shelf_remove(shelf, pages);
	cc_depot_put_empty(d, pages->chunk);
	return NULL;
}

/* One more slab for a class */
static struct cc_slab *cut_slab(struct cc_depot *d, enum cc_class class,
				const struct swiotlb_req *req)
{
	struct cc_fit fit = {
		.nr_slots = CC_SLAB_PAGES,
		.mask = CC_SLAB_PAGES - 1,
		.boundary = ULONG_MAX >> 1,
	};
	struct cc_slab *slab, *pages;
	int page;

	slab = cc_slab_get(d->cc, class);
	if (!slab)
		return NULL;
	pages = find_pages(d, CC_PAGES, req, &fit, &page);
	if (!pages) {
		cc_slab_put(d->cc, slab);
		return NULL;
	}
	take(pages, page, CC_SLAB_PAGES);
	cc_slab_place(slab, pages->chunk, page, class);
	cc_shelf_add(&d->shelves[class], slab);
	return slab;
}

/* Some single slots of a class from one slab; how many are missing */
static unsigned int take_some(struct cc_depot *d, enum cc_class class,
			      struct cc_ref *refs, unsigned int nr)
{
	struct cc_chunk *chunk = NULL;
	struct cc_slab *slab;
	unsigned int left;

	if (class == CC_PAGES)
		chunk = cc_crumbs_find(&d->crumbs);
	if (chunk) {
		slab = &chunk->pages;
		left = cc_crumbs_take(chunk, refs, nr);
	} else {
		slab = cc_shelf_fullest(&d->shelves[class]);
		if (!slab)
			slab = cc_has_slabs(class) ? cut_slab(d, class, NULL) :
						     use_empty(d, class, NULL);
		if (!slab)
			return nr;
		left = cc_slab_take(slab, refs, nr);
	}
	/* Slots ascend towards the start of the array */
	changed(slab, refs[nr - 1].slot, refs[left].slot, -(int)(nr - left));
	return left;
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
	unsigned long flags;
	unsigned int left;

	if (!may_have(d, class, 1))
		return nr;

	spin_lock_irqsave(&d->lock, flags);
	for (; nr; nr = left) {
		left = take_some(d, class, refs, nr);
		if (left == nr)
			break;
	}
	spin_unlock_irqrestore(&d->lock, flags);
	return nr;
}

static struct cc_slab *slab_of(const struct io_tlb_pool *pool)
{
	return container_of(pool, struct cc_slab, pool);
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
	unsigned int i = 0, batch;
	unsigned long flags;

	while (i < nr) {
		struct cc_depot *d = slab_of(refs[i].pool)->chunk->depot;

		/* Not too long with interrupts off */
		batch = min(nr, i + CC_BATCH);
		spin_lock_irqsave(&d->lock, flags);
		for (; i < batch; i++) {
			struct cc_slab *slab = slab_of(refs[i].pool);

			if (slab->chunk->depot != d)
				break;
			give(d, slab, refs[i].slot, 1);
		}
		spin_unlock_irqrestore(&d->lock, flags);
	}
}

/* Take note of bytes that came into use or are no longer; what to tell the core */
static long count(struct cc_depot *d, struct cc_shelf *shelf, long delta_bytes)
{
	long unreported;

	lockdep_assert_held(&d->lock);
	WRITE_ONCE(shelf->used_bytes, shelf->used_bytes + delta_bytes);
	WRITE_ONCE(d->used_bytes, d->used_bytes + delta_bytes);
	unreported = d->used_bytes - d->reported;
	if (unreported < CC_REPORT_BYTES && unreported > -CC_REPORT_BYTES)
		return 0;
	d->reported = d->used_bytes;
	return unreported;
}

/* The same for a new buffer, of @size bytes, in so many bytes of a class */
static long count_buffer(struct cc_depot *d, enum cc_class class, size_t size,
			 long bytes)
{
	struct cc_shelf *shelf = &d->shelves[class];

	WRITE_ONCE(shelf->nr_buffers, shelf->nr_buffers + 1);
	WRITE_ONCE(shelf->nr_bytes, shelf->nr_bytes + size);
	return count(d, shelf, bytes);
}

static void report(struct cc_depot *d, long delta_bytes)
{
	if (delta_bytes)
		swiotlb_report_used(d->cc->mem, delta_bytes);
}

/**
 * cc_depot_count() - count a buffer that got a slot, as a CPU could not do it itself
 * @d:	   any depot
 * @class: of the slot
 * @size:  of the buffer, in bytes
 *
 * Context: any but NMI.
 */
void cc_depot_count(struct cc_depot *d, enum cc_class class, size_t size)
{
	unsigned long flags;
	long news;

	spin_lock_irqsave(&d->lock, flags);
	news = count_buffer(d, class, size, 1L << cc_classes[class].shift);
	spin_unlock_irqrestore(&d->lock, flags);
	report(d, news);
}

/* A place for a request, in slots of a class */
static struct cc_slab *find_place(struct cc_depot *d, enum cc_class class,
				  const struct swiotlb_req *req,
				  struct cc_fit *fit, int *slot)
{
	struct cc_slab *slab;

	/* Buffers may get pages of &CC_COHERENT, but make no chunk that */
	if (class == CC_PAGES || req->orig_addr == SWIOTLB_NO_ORIG)
		return find_pages(d, class, req, fit, slot);

	slab = cc_shelf_find(&d->shelves[class], cc_nr_slots(class), req, fit,
			     slot);
	if (slab || !cc_has_slabs(class))
		return slab;
	slab = cut_slab(d, class, req);
	if (!slab)
		return NULL;
	*slot = cc_slab_find(slab, fit);
	if (*slot >= 0)
		return slab;
	/* Some fit into no slab. Others need its pages */
	cc_depot_retire(d, slab);
	return NULL;
}

/*
 * Buffers that need no page waste most of one, but may have it where slabs are short.
 * In a pool full of such buffers each page that becomes free would be theirs again, no
 * slab could ever be cut, and what they waste were lost for good. So the last few are
 * not for them.
 */
static bool is_wasteful(const struct cc_depot *d, enum cc_class class,
			size_t bytes)
{
	unsigned long nr_free = READ_ONCE(d->shelves[class].nr_free);
	unsigned long nr = READ_ONCE(d->shelves[class].nr) * CC_CHUNK_PAGES;

	if (cc_has_slabs(class) || bytes > SZ_2K)
		return false;
	if (class == CC_PAGES && READ_ONCE(d->nr_empty))
		return false;
	return nr_free <= nr / FEW_OF;
}

/**
 * cc_depot_refused() - a request found nothing anywhere
 * @cc: whose
 *
 * Not even with what is kept for those who free memory, if it is one of these.
 *
 * Context: any but NMI.
 */
void cc_depot_refused(struct cc *cc)
{
	if (!frees_memory())
		return;
	WRITE_ONCE(cc->need_until, get_jiffies_64() + HZ);
	WRITE_ONCE(cc->needed, true);
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
	struct cc_slab *slab;
	unsigned long flags;
	unsigned int offset;
	struct cc_fit fit;
	long news = 0;
	int slot = 0;

	if (!cc_fit(req, class, &fit, &offset))
		return -E2BIG;
	if ((class == CC_KEPT && !is_in_need(d->cc)) ||
	    !may_have(d, class, fit.nr_slots) ||
	    is_wasteful(d, class, offset + req->size))
		return -ENOSPC;

	spin_lock_irqsave(&d->lock, flags);
	slab = find_place(d, class, req, &fit, &slot);
	if (slab) {
		take(slab, slot, fit.nr_slots);
		news = count_buffer(d, class, req->size,
				    (long)fit.nr_slots << slab->pool.slot_shift);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	if (!slab)
		return -ENOSPC;

	report(d, news);
	span->pool = &slab->pool;
	span->slot = slot;
	span->nr_slots = fit.nr_slots;
	span->offset = offset;
	return 0;
}

/**
 * cc_depot_put_run() - give a run back that a CPU kept
 * @span: the run; no buffer has had it since the CPU got it
 *
 * Context: any but NMI.
 */
void cc_depot_put_run(const struct swiotlb_span *span)
{
	struct cc_slab *slab = slab_of(span->pool);
	struct cc_depot *d = slab->chunk->depot;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	give(d, slab, span->slot, span->nr_slots);
	spin_unlock_irqrestore(&d->lock, flags);
}

/**
 * cc_depot_free() - give a span back
 * @span: as it was given
 *
 * Context: any but NMI.
 */
void cc_depot_free(const struct swiotlb_span *span)
{
	struct cc_slab *slab = slab_of(span->pool);
	long bytes = (long)span->nr_slots << span->pool->slot_shift;
	struct cc_depot *d = slab->chunk->depot;
	unsigned long flags;
	long news;

	spin_lock_irqsave(&d->lock, flags);
	/* What it becomes when all of it is free may be of another class */
	news = count(d, cc_shelf_of(slab), -bytes);
	give(d, slab, span->slot, span->nr_slots);
	spin_unlock_irqrestore(&d->lock, flags);
	report(d, news);
}
