// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks of the `cc` backend, and the slabs that are cut from them
 *
 * A chunk is a pool with slots of 4 KiB, with records for all of them, for life:
 * whatever becomes free in it can be used for anything else at once. What is smaller
 * than that comes from slabs. A slab is a run of free slots of a chunk, 64 KiB in one
 * piece, cut into smaller slots of one size. It is a pool of its own, with its own
 * bitmap and records, and its addresses lead to it instead of to the chunk. When all
 * of it is free, it goes back into the chunk as the slots that it was cut from.
 *
 *	chunk	|....|....|ssssssssssss|....|	.... slots of 4 KiB
 *		           ||||||||||||	s    a slab, here of 2 KiB
 *
 * The finer the slots, the more records there are: for slots of 256 bytes 2 KiB in
 * each slab. Which sizes are needed is not known ahead, so there are no such
 * records for all memory. kccd keeps slabs of each size in reserve, without memory, and
 * placing one takes none. More are made on the spot.
 *
 * A slab that went back may still be looked at, by whoever looked up an address just
 * before, though no buffer was there. So it stays in the reserve until an RCU grace
 * period is over, which is asked, not waited for.
 *
 * Locking: a chunk is protected by the lock of its depot, as are the slabs in it.
 * cc.reserve_lock, inside it, protects the reserve.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "bounce.h"
#include "cc.h"

const struct cc_class_def cc_classes[CC_NR_CLASSES] = {
	[CC_256]	= { "256", 8, 1 },
	[CC_512]	= { "512", 9, 1 },
	[CC_1K]		= { "1K", 10, 1 },
	[CC_2K]		= { "2K", 11, 1 },
	[CC_PAGES]	= { "pages", CC_PAGE_SHIFT, CC_CHUNK_PAGES },
	[CC_RUN_2K]	= { "2K-runs", 11, CC_SLAB_BYTES >> 11 },
	[CC_LAST]	= { "last", CC_PAGE_SHIFT, CC_CHUNK_PAGES },
	[CC_KEPT]	= { "kept", CC_PAGE_SHIFT, CC_CHUNK_PAGES },
	[CC_COHERENT]	= { "coherent", CC_PAGE_SHIFT, CC_CHUNK_PAGES },
};

/**
 * cc_exact_alloc() - memory for what is known of slabs
 * @bytes: how much
 * @phase: as for swiotlb_meta_alloc()
 * @gfp:   whether it may be waited for, unless that is early
 *
 * As swiotlb_meta_alloc(), but in exact sizes where there is slab: pages would be a
 * waste.
 *
 * Return: zeroed private memory, or %NULL.
 */
void __ref *cc_exact_alloc(size_t bytes, enum swiotlb_phase phase, gfp_t gfp)
{
	if (phase == SWIOTLB_EARLY)
		return swiotlb_meta_alloc(bytes, phase);
	return kvzalloc(bytes, gfp | __GFP_NOWARN);
}

/**
 * cc_exact_free() - the reverse of cc_exact_alloc()
 * @p:	   memory
 * @bytes: as it was told
 * @phase: as it was told
 */
void cc_exact_free(void *p, size_t bytes, enum swiotlb_phase phase)
{
	if (phase == SWIOTLB_EARLY)
		swiotlb_meta_free(p, bytes, phase);
	else
		kvfree(p);
}

/**
 * cc_slab_init() - set up what never changes of a slab
 * @cc:	      whose it is
 * @slab:     zeroed
 * @nr_slots: number of slots
 * @shift:    log2 of their size
 * @phase:    where to take memory from
 * @gfp:      whether it may be waited for, unless that is early
 *
 * Return: 0, or -ENOMEM.
 */
int cc_slab_init(struct cc *cc, struct cc_slab *slab, unsigned int nr_slots,
		 unsigned int shift, enum swiotlb_phase phase, gfp_t gfp)
{
	slab->pool.slot_shift = shift;
	slab->pool.nr_slots = nr_slots;
	/* Those of 2 KiB may be of use for runs, which take more than that */
	slab->pool.packed = swiotlb_can_pack() &&
			    shift < cc_classes[CC_NR_PACKED].shift;
	slab->pool.slots = cc_exact_alloc(swiotlb_records_bytes(&slab->pool),
					  phase, gfp);
	if (!slab->pool.slots)
		return -ENOMEM;
	slab->cpus = cc->cpus;
	slab->phase = phase;
	slab->pool.mem = cc->mem;
	slab->pool.ops = cc->mem->ops;
	INIT_LIST_HEAD(&slab->node);
	return 0;
}

/**
 * cc_slab_exit() - the reverse of cc_slab_init()
 * @slab: the slab
 */
void cc_slab_exit(struct cc_slab *slab)
{
	cc_exact_free(slab->pool.slots, swiotlb_records_bytes(&slab->pool),
		      slab->phase);
}

/* All of it is free */
static void slab_clear(struct cc_slab *slab)
{
	unsigned int nr = slab->pool.nr_slots;

	/* Not those beyond, in the same word */
	bitmap_set(slab->free, 0, nr);
	slab->nr_free = nr;
	slab->first = 0;
	slab->offer = nr;
	if (slab->words)
		cc_longest_run(slab->free, slab->words, BITS_TO_LONGS(nr), 0,
			       BITS_TO_LONGS(nr) - 1);
}

/**
 * cc_slab_place() - let a slab have slots of a chunk
 * @slab:  from cc_slab_get()
 * @chunk: the chunk
 * @page:  the first of its slots that are for @slab; they are free no longer
 * @class: what for
 *
 * Context: the depot's lock is held.
 */
void cc_slab_place(struct cc_slab *slab, struct cc_chunk *chunk,
		   unsigned int page, enum cc_class class)
{
	const struct io_tlb_pool *around = &chunk->pages.pool;
	size_t pos = (size_t)page << CC_PAGE_SHIFT;

	lockdep_assert_held(&chunk->depot->lock);
	slab->chunk = chunk;
	slab->class = class;
	slab->reach = chunk->depot->reach;
	slab->stack = cc_stack(slab->reach, class);
	slab->pool.start = around->start + pos;
	slab->pool.end = slab->pool.start + CC_SLAB_BYTES;
	slab->pool.vaddr = around->vaddr + pos;
	slab->pool.phase = around->phase;
	slab->pool.shared = around->shared;
	slab_clear(slab);
	/* There are tables, from cc_chunk_publish() */
	WARN_ON_ONCE(swiotlb_pool_publish_atomic(&slab->pool));
}

/**
 * cc_slab_retire() - give back the slots that a slab has
 * @slab: all of it is free
 *
 * Then it goes to cc_slab_put(), which remembers nothing but the grace period.
 *
 * Context: the depot's lock is held.
 */
void cc_slab_retire(struct cc_slab *slab)
{
	lockdep_assert_held(&slab->chunk->depot->lock);
	swiotlb_pool_return(&slab->pool, &slab->chunk->pages.pool);
	slab->grace = get_state_synchronize_rcu();
}

/**
 * cc_slab_page() - where a slab lies
 * @slab: placed
 *
 * Context: any.
 * Return: number of the first slot of its chunk that it has.
 */
unsigned int cc_slab_page(const struct cc_slab *slab)
{
	return (slab->pool.start - slab->chunk->pages.pool.start) >>
	       CC_PAGE_SHIFT;
}

/**
 * cc_chunk_init() - set a chunk up
 * @cc:	   whose it is
 * @chunk: zeroed, but for its phase
 *
 * What is left to do is to set the addresses and the phase of the memory.
 *
 * Context: as &swiotlb_backend_ops.init.
 * Return: 0, or -ENOMEM.
 */
int cc_chunk_init(struct cc *cc, struct cc_chunk *chunk)
{
	struct cc_slab *pages = &chunk->pages;
	int err;

	err = cc_slab_init(cc, pages, CC_CHUNK_PAGES, CC_PAGE_SHIFT, chunk->phase,
			   GFP_KERNEL);
	if (err)
		return err;
	pages->chunk = chunk;
	pages->free = chunk->free;
	pages->words = chunk->words;
	pages->pool.head_dist = chunk->head_dist;
	slab_clear(pages);
	return 0;
}

/**
 * cc_chunk_exit() - the reverse of cc_chunk_init()
 * @chunk: an RCU grace period is over since its addresses led to it
 *
 * Context: process context, may sleep; or early boot.
 */
void cc_chunk_exit(struct cc_chunk *chunk)
{
	if (chunk->pages.pool.slots)
		cc_slab_exit(&chunk->pages);
}

/**
 * cc_chunk_use() - say what a chunk is used for
 * @chunk: in a depot; all of it is free
 * @class: a class that has no slabs
 *
 * Context: the depot's lock is held.
 */
void cc_chunk_use(struct cc_chunk *chunk, enum cc_class class)
{
	struct cc_slab *pages = &chunk->pages;

	lockdep_assert_held(&chunk->depot->lock);
	pages->class = class;
	pages->stack = cc_stack(pages->reach, class);
}

/**
 * cc_chunk_publish() - let the addresses of a new chunk lead to it
 * @chunk: complete, with memory
 *
 * That makes all tables that cc_slab_place() needs.
 *
 * Context: process context, may sleep; or early boot.
 * Return: 0, or -ENOMEM.
 */
int cc_chunk_publish(struct cc_chunk *chunk)
{
	/* Nearly always there is a table, and then nothing to wait for */
	if (!swiotlb_pool_publish_atomic(&chunk->pages.pool))
		return 0;
	return swiotlb_pool_publish(&chunk->pages.pool);
}

/**
 * cc_slab_take() - take single slots
 * @slab: slab, or a chunk's pages
 * @refs: receives them, the lowest last, so that it is used first
 * @nr:	  how many are wanted
 *
 * Context: the depot's lock is held. How many are free is for the depot to count.
 * Return: how many of them there are not; so many @refs at the start are untouched.
 */
unsigned int cc_slab_take(struct cc_slab *slab, struct cc_ref *refs,
			  unsigned int nr)
{
	unsigned int nr_words = BITS_TO_LONGS(slab->pool.nr_slots), left = nr;

	for (; left && slab->first < nr_words; slab->first++) {
		unsigned long *w = &slab->free[slab->first];

		while (*w && left) {
			left--;
			refs[left].pool = &slab->pool;
			refs[left].slot = slab->first * BITS_PER_LONG +
					  __ffs(*w);
			*w &= *w - 1;
		}
		if (*w)
			break;
	}
	return left;
}
