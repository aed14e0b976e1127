// SPDX-License-Identifier: GPL-2.0
/*
 * The `cc` backend: memory for chunks
 *
 * A chunk takes 2 MiB in one piece, which is converted as a whole, once. Two that lie
 * side by side, a pair, are converted by one call: each call waits until all CPUs have
 * flushed their TLBs, which may take far longer than all else. From then on they are
 * chunks like others, and are given back one by one.
 */
#include <linux/align.h>
#include <linux/cc_granule.h>
#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "cc.h"
#include "internal.h"

/**
 * cc_free_chunk() - forget a chunk that has no memory any more
 * @chunk: not one of boot memory; an RCU grace period is over since its addresses
 *	   led to it
 *
 * Context: process context, may sleep.
 */
void cc_free_chunk(struct cc_chunk *chunk)
{
	cc_chunk_exit(chunk);
	kfree(chunk);
}

static void free_chunks(struct cc_chunk **chunks, unsigned int nr)
{
	while (nr--)
		cc_free_chunk(chunks[nr]);
}

/* What is to be known of chunks, in private memory; all, or none */
static int make_chunks(struct cc *cc, struct cc_chunk **chunks, unsigned int nr,
		       bool grown)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		chunks[i] = kzalloc(sizeof(*chunks[i]), GFP_KERNEL);
		if (!chunks[i]) {
			free_chunks(chunks, i);
			return -ENOMEM;
		}
		chunks[i]->grown = grown;
		chunks[i]->phase = SWIOTLB_LATE;
		err = cc_chunk_init(cc, chunks[i]);
		if (err) {
			free_chunks(chunks, i + 1);
			return err;
		}
	}
	return 0;
}

/* The memory, private still, and the depot that it is for */
static int find_memory(struct cc *cc, enum cc_reach reach,
		       const struct swiotlb_params *params,
		       struct io_tlb_pool *whole, struct cc_depot **depot)
{
	int err = swiotlb_pool_provision(cc->mem, whole, params);
	struct cc_depot *d;

	if (err)
		return err;
	d = cc_nodes_depot(cc, reach, page_to_nid(pfn_to_page(PHYS_PFN(whole->start))));
	/* A granule may be larger than a chunk, and a page not as aligned */
	if (whole->end - whole->start != params->bytes ||
	    !IS_ALIGNED(whole->start, CC_CHUNK_BYTES) || whole->end > d->end) {
		swiotlb_pool_release(cc->mem, whole);
		return -ENOMEM;
	}
	*depot = d;
	return 0;
}

/* This part of the memory is that chunk's */
static void give_part(const struct io_tlb_pool *whole, unsigned int i,
		      struct cc_chunk *chunk)
{
	struct io_tlb_pool *pool = &chunk->pages.pool;

	pool->vaddr = whole->vaddr + i * CC_CHUNK_BYTES;
	pool->start = whole->start + i * CC_CHUNK_BYTES;
	pool->end = pool->start + CC_CHUNK_BYTES;
	pool->phase = whole->phase;
	pool->shared = whole->shared;
}

static int use_chunk(struct cc *cc, struct cc_depot *d, struct cc_chunk *chunk)
{
	int err = cc_chunk_publish(chunk);

	if (err)
		return err;
	guard(mutex)(&cc->lock);
	list_add_tail(&chunk->all, &cc->chunks);
	if (chunk->grown)
		WRITE_ONCE(cc->nr_grown, cc->nr_grown + 1);
	else
		cc->nr_boot++;
	cc_depot_add(d, chunk);
	kccd_resized(cc);
	return 0;
}

/**
 * cc_add_chunks() - get a chunk, or a pair, and use it
 * @cc:	    whose
 * @reach:  for whom
 * @params: where to get it, and how much: %CC_CHUNK_BYTES or %CC_PAIR_BYTES
 * @grown:  it may be given back
 *
 * Context: process context, may sleep; one at a time.
 * Return: how many chunks were added, or an errno if none was. If a conversion failed
 * the memory is leaked, and @cc->nr_leaked is not 0.
 */
int cc_add_chunks(struct cc *cc, enum cc_reach reach,
		  const struct swiotlb_params *params, bool grown)
{
	struct cc_chunk *chunks[CC_PAIR_BYTES / CC_CHUNK_BYTES];
	int i, err, nr = params->bytes / CC_CHUNK_BYTES, nr_used = 0;
	struct io_tlb_pool whole = {};
	struct cc_depot *d;

	err = find_memory(cc, reach, params, &whole, &d);
	if (err)
		return err;
	err = make_chunks(cc, chunks, nr, grown);
	if (err) {
		swiotlb_pool_release(cc->mem, &whole);
		return err;
	}
	err = swiotlb_pool_share(cc->mem, &whole);
	/* If it fails the memory is leaked */
	cc->nr_leaked = err ? cc->nr_leaked + 1 : 0;
	if (err) {
		free_chunks(chunks, nr);
		return err;
	}

	for (i = 0; i < nr; i++)
		give_part(&whole, i, chunks[i]);
	while (nr_used < nr) {
		err = use_chunk(cc, d, chunks[nr_used]);
		if (err)
			break;
		nr_used++;
	}
	for (i = nr_used; i < nr; i++) {
		swiotlb_pool_release(cc->mem, &chunks[i]->pages.pool);
		cc_free_chunk(chunks[i]);
	}
	return nr_used ? nr_used : err;
}

/**
 * cc_grow_depot() - more memory for a depot
 * @d:		 which
 * @params:	 where to get a chunk for it
 * @nr_missing: how many it should have; so a pair may be too much
 *
 * A pair is taken only if its memory is free, and close by: nobody makes room for it, and
 * what is set aside for those who cannot wait stays that. If a conversion failed not
 * long ago there is less to be lost by the next one; and what is shared as a whole must
 * be given back as a whole.
 *
 * Context: as cc_add_chunks().
 * Return: as cc_add_chunks(); -ENOSPC at the cap.
 */
int cc_grow_depot(struct cc_depot *d, const struct swiotlb_params *params,
		  unsigned int nr_missing)
{
	struct swiotlb_params pair = *params;
	struct cc *cc = d->cc;
	int nr;

	if (nr_missing >= CC_PAIR_BYTES / CC_CHUNK_BYTES && !cc->nr_leaked &&
	    cc_shared_granule() <= CC_CHUNK_BYTES &&
	    kccd_has_room(cc, CC_PAIR_BYTES)) {
		pair.bytes = CC_PAIR_BYTES;
		pair.gfp &= ~__GFP_RECLAIM;
		pair.gfp |= __GFP_NOMEMALLOC;
		if (pair.nid != NUMA_NO_NODE)
			pair.gfp |= __GFP_THISNODE;
		nr = cc_add_chunks(cc, d->reach, &pair, true);
		if (nr > 0 || cc->nr_leaked)
			return nr;
	}
	if (!kccd_has_room(cc, CC_CHUNK_BYTES))
		return -ENOSPC;
	return cc_add_chunks(cc, d->reach, params, true);
}
