// SPDX-License-Identifier: GPL-2.0
/*
 * The reserve of the `cc` backend: slabs that are ready for use
 *
 * A slab without memory (cc_chunk.c) is its records and its bitmap, which are made here
 * ahead of need, by kccd: for each size of slots as many as its watermark says. If they
 * are used up before kccd comes, one more is made on the spot, of memory that is free at
 * once. That takes longer, but each will do for 32 buffers, four at least. If there is
 * none either, buffers get larger slots, and no slab is made before kccd has come.
 *
 * A slab that went back may still be looked at, by whoever looked up an address just
 * before, though no buffer was there. So it is not used before an RCU grace period is
 * over, which is asked, not waited for.
 *
 * Locking: cc.reserve_lock, inside the locks of depots.
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"
#include "internal.h"

/* Slabs in reserve of each size, at least */
#define MIN_SLABS	2U

/* The size of slots, by the class that has single ones of it */
static enum cc_class geom_of(enum cc_class class)
{
	return class == CC_RUN_2K ? CC_2K : class;
}

/* Of these, some slabs are for runs */
static bool has_runs(enum cc_class geom)
{
	return geom == CC_2K;
}

static size_t slab_bytes(enum cc_class geom)
{
	unsigned int nr = cc_nr_slots(geom), nr_words = BITS_TO_LONGS(nr);
	size_t bytes = sizeof(struct cc_slab) + nr_words * sizeof(long);

	if (has_runs(geom))
		bytes += nr_words * sizeof(struct cc_word) + nr;
	return bytes;
}

static void slab_destroy(struct cc_slab *slab, enum cc_class geom)
{
	enum swiotlb_phase phase = slab->phase;

	cc_slab_exit(slab);
	cc_exact_free(slab, slab_bytes(geom), phase);
}

/**
 * cc_slab_make() - put one more slab into the reserve
 * @cc:	   whose
 * @geom:  with slots as that class of single ones has
 * @phase: where to take its memory from
 * @gfp:   whether it may be waited for, unless that is early
 *
 * Context: as @gfp says; or early boot.
 * Return: 0, or -ENOMEM.
 */
int cc_slab_make(struct cc *cc, enum cc_class geom, enum swiotlb_phase phase,
		 gfp_t gfp)
{
	unsigned int nr = cc_nr_slots(geom), nr_words = BITS_TO_LONGS(nr);
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_slab *slab;
	unsigned long flags;

	slab = cc_exact_alloc(slab_bytes(geom), phase, gfp);
	if (!slab)
		return -ENOMEM;
	if (cc_slab_init(cc, slab, nr, cc_classes[geom].shift, phase, gfp)) {
		cc_exact_free(slab, slab_bytes(geom), phase);
		return -ENOMEM;
	}
	slab->free = (unsigned long *)(slab + 1);
	if (has_runs(geom)) {
		slab->words = (struct cc_word *)(slab->free + nr_words);
		slab->pool.head_dist = (u8 *)(slab->words + nr_words);
	}
	slab->grace = get_completed_synchronize_rcu();

	spin_lock_irqsave(&cc->reserve_lock, flags);
	list_add(&slab->node, &r->slabs);
	WRITE_ONCE(r->nr, r->nr + 1);
	WRITE_ONCE(r->nr_made, r->nr_made + 1);
	spin_unlock_irqrestore(&cc->reserve_lock, flags);
	return 0;
}

/* Slabs that should be in reserve, if they have slots of that size */
static unsigned int slabs_wanted(enum cc_class geom)
{
	u64 bytes = cc_watermark_bytes(geom);

	if (geom == CC_2K)
		bytes += cc_watermark_bytes(CC_RUN_2K);
	return max_t(u64, bytes >> CC_SLAB_SHIFT, MIN_SLABS);
}

/*
 * Make one on the spot? Not if more wait for a grace period than are in use: a load
 * that needs slabs and gives them back all the time must not take memory for each.
 */
static bool may_make(const struct cc_reserve *r, enum cc_class geom)
{
	return swiotlb_is_awake() && !READ_ONCE(r->missed) &&
	       READ_ONCE(r->nr) <=
		       READ_ONCE(r->nr_made) / 2 + slabs_wanted(geom);
}

/* A slab out of the reserve, or NULL if there is none that may be used yet */
static struct cc_slab *take_ready(struct cc *cc, struct cc_reserve *r)
{
	struct cc_slab *slab;
	unsigned long flags;

	spin_lock_irqsave(&cc->reserve_lock, flags);
	slab = list_first_entry_or_null(&r->slabs, struct cc_slab, node);
	if (slab && poll_state_synchronize_rcu(slab->grace)) {
		list_del_init(&slab->node);
		WRITE_ONCE(r->nr, r->nr - 1);
		if (r->nr + 1 == READ_ONCE(r->low_mark))
			WRITE_ONCE(cc->ask, true);
	} else {
		slab = NULL;
	}
	spin_unlock_irqrestore(&cc->reserve_lock, flags);
	return slab;
}

/**
 * cc_slab_get() - take a slab out of the reserve, or make one
 * @cc:	   whose
 * @class: what for
 *
 * Context: any but NMI.
 * Return: the slab, to be placed or put back; or %NULL.
 */
struct cc_slab *cc_slab_get(struct cc *cc, enum cc_class class)
{
	enum cc_class geom = geom_of(class);
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_slab *slab = take_ready(cc, r);

	/* What is set aside for swap-out is not for slabs: it may have larger slots */
	if (!slab && may_make(r, geom) &&
	    !cc_slab_make(cc, geom, SWIOTLB_LATE,
			  GFP_NOWAIT | __GFP_NOMEMALLOC))
		slab = take_ready(cc, r);
	/* kccd needs to be told only once */
	if (!slab && !READ_ONCE(r->missed)) {
		WRITE_ONCE(r->missed, true);
		WRITE_ONCE(cc->ask, true);
	}
	return slab;
}

/**
 * cc_slab_put() - put a slab into the reserve
 * @cc:	  whose
 * @slab: in no place, with a grace period to wait for if it was in one
 *
 * Context: any but NMI.
 */
void cc_slab_put(struct cc *cc, struct cc_slab *slab)
{
	enum cc_class geom = slab->pool.slot_shift - cc_classes[CC_256].shift;
	struct cc_reserve *r = &cc->reserves[geom];
	unsigned long flags;

	spin_lock_irqsave(&cc->reserve_lock, flags);
	/* Those first that may be used */
	if (slab->chunk)
		list_add_tail(&slab->node, &r->slabs);
	else
		list_add(&slab->node, &r->slabs);
	slab->chunk = NULL;
	WRITE_ONCE(r->nr, r->nr + 1);
	spin_unlock_irqrestore(&cc->reserve_lock, flags);
}

/**
 * cc_slab_drop() - free a slab if there are more in reserve than needed
 * @cc:	     whose
 * @geom:    with such slots
 * @nr_keep: how many are needed
 *
 * Context: process context, may sleep.
 * Return: %false if there was none, or none that may be freed yet.
 */
bool cc_slab_drop(struct cc *cc, enum cc_class geom, unsigned int nr_keep)
{
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_slab *slab = NULL;

	if (READ_ONCE(r->nr) <= nr_keep)
		return false;

	spin_lock_irq(&cc->reserve_lock);
	if (r->nr > nr_keep)
		slab = list_first_entry(&r->slabs, struct cc_slab, node);
	if (slab && poll_state_synchronize_rcu(slab->grace)) {
		list_del(&slab->node);
		WRITE_ONCE(r->nr, r->nr - 1);
		WRITE_ONCE(r->nr_made, r->nr_made - 1);
	} else {
		slab = NULL;
	}
	spin_unlock_irq(&cc->reserve_lock);

	if (slab)
		slab_destroy(slab, geom);
	return slab;
}

/**
 * cc_slabs_init() - there are none yet
 * @cc: zeroed
 *
 * Context: any, however early.
 */
void cc_slabs_init(struct cc *cc)
{
	unsigned int geom;

	spin_lock_init(&cc->reserve_lock);
	for (geom = 0; geom < CC_NR_GEOMS; geom++)
		INIT_LIST_HEAD(&cc->reserves[geom].slabs);
}

/**
 * cc_slabs_exit() - free all that are in reserve
 * @cc: none is in use, and an RCU grace period is over since any was
 *
 * Context: process context, may sleep; or early boot.
 */
void cc_slabs_exit(struct cc *cc)
{
	struct cc_slab *slab, *next;
	unsigned int geom;

	for (geom = 0; geom < CC_NR_GEOMS; geom++) {
		list_for_each_entry_safe(slab, next, &cc->reserves[geom].slabs,
					 node)
			slab_destroy(slab, geom);
	}
}

/**
 * cc_reserves_fill() - have as many slabs in reserve as there should be
 * @cc:	   whose
 * @phase: where to get memory for them; early in boot, there are but a few
 *
 * Context: as &swiotlb_backend_ops.init; one at a time.
 * Return: 0, or -ENOMEM.
 */
int cc_reserves_fill(struct cc *cc, enum swiotlb_phase phase)
{
	unsigned int geom;

	/* Of all, or those behind one that fails would never be asked for again */
	for (geom = 0; geom < CC_NR_GEOMS; geom++)
		WRITE_ONCE(cc->reserves[geom].missed, false);
	for (geom = 0; geom < CC_NR_GEOMS; geom++) {
		struct cc_reserve *r = &cc->reserves[geom];
		unsigned int nr;

		nr = phase == SWIOTLB_EARLY ? MIN_SLABS : slabs_wanted(geom);
		while (READ_ONCE(r->nr) < nr) {
			if (cc_slab_make(cc, geom, phase, GFP_KERNEL))
				return -ENOMEM;
		}
		/* Half of them is time enough to make more */
		WRITE_ONCE(r->low_mark, DIV_ROUND_UP(nr, 2));
	}
	return 0;
}

/**
 * cc_reserves_are_large() - will there be anything to free in reserve?
 * @cc: whose
 *
 * Context: process context.
 * Return: %true if so.
 */
bool cc_reserves_are_large(struct cc *cc)
{
	unsigned int geom;

	for (geom = 0; geom < CC_NR_GEOMS; geom++) {
		if (READ_ONCE(cc->reserves[geom].nr) > slabs_wanted(geom))
			return true;
	}
	return false;
}

/**
 * cc_reserves_trim() - free what is more than there should be in reserve
 * @cc: whose
 *
 * Context: process context, may sleep.
 */
void cc_reserves_trim(struct cc *cc)
{
	unsigned int geom;

	for (geom = 0; geom < CC_NR_GEOMS; geom++) {
		while (cc_slab_drop(cc, geom, slabs_wanted(geom)))
			;
	}
}
