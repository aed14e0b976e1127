// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks of the `cc` backend, and the formats that cut them into slots
 *
 * The core finds the record of a buffer by the pool that its address leads to, and
 * a pool never changes while it is published. So a chunk that serves another class
 * than before becomes another pool: its addresses are made to lead to a format,
 * a pool with a bitmap and with records for slots of one size. A chunk that has been
 * empty for some time gives its format back, and its addresses lead to a pool with a
 * single record, which is always empty. Who looks up an address there by mistake finds no buffer.
 *
 * The finer the slots, the more records there are: 128 KiB for slots of 256
 * bytes, 8 KiB for those of 4 KiB. Few chunks are cut so fine, so there are not
 * records of all sizes for each chunk. A reserve of formats of each geometry is
 * kept instead, by kccd, and cutting up a chunk takes no memory.
 *
 * A format that was given back may still be looked at, by whoever looked up an
 * address just before. So it stays in the reserve until an RCU grace period is over,
 * which is asked, not waited for.
 *
 * Locking: a chunk is protected by the lock of its depot, as is the format in use.
 * cc.format_lock, inside it, protects the reserve.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"

const struct cc_class_def cc_classes[CC_NR_CLASSES] = {
	[CC_256]	= { "256", 8, 1, CC_GEOM_256 },
	[CC_512]	= { "512", 9, 1, CC_GEOM_512 },
	[CC_1K]		= { "1K", 10, 1, CC_GEOM_1K },
	[CC_2K]		= { "2K", 11, 1, CC_GEOM_2K },
	[CC_4K]		= { "4K", 12, 256, CC_GEOM_4K },
	[CC_RUN_2K]	= { "2K-runs", 11, 256, CC_GEOM_2K },
	[CC_RUN_4K]	= { "4K-runs", 12, 256, CC_GEOM_4K },
	[CC_RUN_16K]	= { "16K-runs", 14, 128, CC_GEOM_16K },
};

/* Longer spans than that have no &struct io_tlb_pool.head_dist */
#define MAX_DIST_SLOTS	256

static const u8 geom_shifts[CC_NR_GEOMS] = { 8, 9, 10, 11, 12, 14 };

static unsigned int geom_slots(enum cc_geom geom)
{
	return CC_CHUNK_BYTES >> geom_shifts[geom];
}

static bool has_runs(enum cc_geom geom)
{
	return geom_shifts[geom] == 11 || geom_shifts[geom] == 12 ||
	       geom_shifts[geom] == 14;
}

static size_t format_bytes(enum cc_geom geom)
{
	unsigned int nr = geom_slots(geom);

	return sizeof(struct cc_format) + BITS_TO_LONGS(nr) * sizeof(long) +
	       (has_runs(geom) ? nr : 0);
}

static size_t records_bytes(enum cc_geom geom)
{
	return geom_slots(geom) * sizeof(struct swiotlb_slot);
}

/* Exact sizes where there is slab: pages would be a waste */
static void __ref *format_alloc(size_t bytes, enum swiotlb_phase phase)
{
	if (phase == SWIOTLB_EARLY)
		return swiotlb_meta_alloc(bytes, phase);
	return kvzalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
}

static void format_free(void *p, size_t bytes, enum swiotlb_phase phase)
{
	if (phase == SWIOTLB_EARLY)
		swiotlb_meta_free(p, bytes, phase);
	else
		kvfree(p);
}

static void format_destroy(struct cc_format *f)
{
	format_free(f->pool.slots, records_bytes(f->geom), f->phase);
	format_free(f, format_bytes(f->geom), f->phase);
}

/**
 * cc_format_make() - put one more format into the reserve
 * @cc:	   whose
 * @geom:  for slots of that size
 * @phase: where to take its memory from
 *
 * Context: as &swiotlb_backend_ops.init.
 * Return: 0, or -ENOMEM.
 */
int cc_format_make(struct cc *cc, enum cc_geom geom, enum swiotlb_phase phase)
{
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_format *f;
	unsigned long flags;

	f = format_alloc(format_bytes(geom), phase);
	if (!f)
		return -ENOMEM;
	f->pool.slots = format_alloc(records_bytes(geom), phase);
	if (!f->pool.slots) {
		format_free(f, format_bytes(geom), phase);
		return -ENOMEM;
	}

	f->cpus = cc->cpus;
	f->geom = geom;
	f->phase = phase;
	f->grace = get_completed_synchronize_rcu();
	f->pool.mem = cc->mem;
	f->pool.ops = cc->mem->ops;
	f->pool.slot_shift = geom_shifts[geom];
	f->pool.nr_slots = geom_slots(geom);

	spin_lock_irqsave(&cc->format_lock, flags);
	list_add(&f->node, &r->formats);
	WRITE_ONCE(r->nr, r->nr + 1);
	r->nr_made++;
	spin_unlock_irqrestore(&cc->format_lock, flags);
	return 0;
}

static struct cc_format *format_get(struct cc *cc, enum cc_geom geom)
{
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_format *f;
	unsigned long flags;

	spin_lock_irqsave(&cc->format_lock, flags);
	f = list_first_entry_or_null(&r->formats, struct cc_format, node);
	if (f && poll_state_synchronize_rcu(f->grace)) {
		list_del(&f->node);
		WRITE_ONCE(r->nr, r->nr - 1);
	} else {
		WRITE_ONCE(r->missed, true);
		f = NULL;
	}
	if (!f || r->nr < READ_ONCE(r->low_mark))
		WRITE_ONCE(cc->ask, true);
	spin_unlock_irqrestore(&cc->format_lock, flags);
	return f;
}

static void format_put(struct cc *cc, struct cc_format *f)
{
	struct cc_reserve *r = &cc->reserves[f->geom];
	unsigned long flags;

	f->chunk = NULL;
	f->grace = get_state_synchronize_rcu();
	spin_lock_irqsave(&cc->format_lock, flags);
	list_add_tail(&f->node, &r->formats);
	WRITE_ONCE(r->nr, r->nr + 1);
	spin_unlock_irqrestore(&cc->format_lock, flags);
}

/**
 * cc_format_drop() - free a format if there are more in reserve than needed
 * @cc:	     whose
 * @geom:    of that geometry
 * @nr_keep: how many are needed
 *
 * Context: process context, may sleep.
 * Return: %false if there was none, or none that may be freed yet.
 */
bool cc_format_drop(struct cc *cc, enum cc_geom geom, unsigned int nr_keep)
{
	struct cc_reserve *r = &cc->reserves[geom];
	struct cc_format *f = NULL;

	if (READ_ONCE(r->nr) <= nr_keep)
		return false;

	spin_lock_irq(&cc->format_lock);
	if (r->nr > nr_keep)
		f = list_first_entry(&r->formats, struct cc_format, node);
	if (f && poll_state_synchronize_rcu(f->grace)) {
		list_del(&f->node);
		WRITE_ONCE(r->nr, r->nr - 1);
		r->nr_made--;
	} else {
		f = NULL;
	}
	spin_unlock_irq(&cc->format_lock);

	if (f)
		format_destroy(f);
	return f;
}

/**
 * cc_formats_init() - there are none yet
 * @cc: zeroed
 *
 * Context: any, however early.
 */
void cc_formats_init(struct cc *cc)
{
	unsigned int geom;

	spin_lock_init(&cc->format_lock);
	for (geom = 0; geom < CC_NR_GEOMS; geom++)
		INIT_LIST_HEAD(&cc->reserves[geom].formats);
}

/**
 * cc_formats_exit() - free all that are in reserve
 * @cc: no chunk has a format, and an RCU grace period is over since they had
 *
 * Context: process context, may sleep; or early boot.
 */
void cc_formats_exit(struct cc *cc)
{
	struct cc_format *f, *next;
	unsigned int geom;

	for (geom = 0; geom < CC_NR_GEOMS; geom++) {
		list_for_each_entry_safe(f, next, &cc->reserves[geom].formats,
					 node)
			format_destroy(f);
	}
}

/**
 * cc_chunk_init() - set a chunk up
 * @cc:	   whose it is
 * @chunk: zeroed, but for the addresses and the phase of its @home
 *
 * Context: any, however early.
 */
void cc_chunk_init(struct cc *cc, struct cc_chunk *chunk)
{
	chunk->home.mem = cc->mem;
	chunk->home.ops = cc->mem->ops;
	chunk->home.slots = &chunk->home_slot;
	chunk->home.slot_shift = CC_CHUNK_SHIFT;
	chunk->home.nr_slots = 1;
	INIT_LIST_HEAD(&chunk->node);
}

/**
 * cc_chunk_publish() - let the addresses of a new chunk lead to it
 * @chunk: has no format
 *
 * That makes all tables that cc_chunk_format() needs.
 *
 * Context: process context, may sleep; or early boot.
 * Return: 0, or -ENOMEM.
 */
int cc_chunk_publish(struct cc_chunk *chunk)
{
	/* Nearly always there is a table, and then nothing to wait for */
	if (!swiotlb_pool_publish_atomic(&chunk->home))
		return 0;
	return swiotlb_pool_publish(&chunk->home);
}

/**
 * cc_chunk_format() - cut a chunk into slots
 * @chunk: all of it is free
 * @class: what for
 *
 * Context: the depot's lock is held.
 * Return: %false if there is no format in reserve.
 */
bool cc_chunk_format(struct cc_chunk *chunk, enum cc_class class)
{
	const struct cc_class_def *def = &cc_classes[class];
	unsigned int nr = cc_nr_slots(class);
	struct cc_format *f;

	lockdep_assert_held(&chunk->depot->lock);
	if (chunk->format && chunk->format->class == class)
		return true;
	f = format_get(chunk->depot->cc, def->geom);
	if (!f)
		return false;
	if (chunk->format)
		format_put(chunk->depot->cc, chunk->format);

	f->chunk = chunk;
	f->class = class;
	f->reach = chunk->depot->reach;
	f->stack = cc_stack(f->reach, class);
	f->pool.start = chunk->home.start;
	f->pool.end = chunk->home.end;
	f->pool.vaddr = chunk->home.vaddr;
	f->pool.phase = chunk->home.phase;
	f->pool.shared = chunk->home.shared;
	f->pool.head_dist = NULL;
	if (def->max_slots > 1)
		f->pool.head_dist = (u8 *)&f->free[BITS_TO_LONGS(nr)];
	bitmap_fill(f->free, nr);

	/* There are tables, from cc_chunk_publish() */
	WARN_ON_ONCE(swiotlb_pool_publish_atomic(&f->pool));
	chunk->format = f;
	chunk->nr_free = nr;
	chunk->first = 0;
	return true;
}

/**
 * cc_chunk_unformat() - give the format of a chunk back
 * @chunk: all of it is free
 *
 * Context: the depot's lock is held.
 */
void cc_chunk_unformat(struct cc_chunk *chunk)
{
	lockdep_assert_held(&chunk->depot->lock);
	WARN_ON_ONCE(swiotlb_pool_publish_atomic(&chunk->home));
	format_put(chunk->depot->cc, chunk->format);
	chunk->format = NULL;
}

/**
 * cc_chunk_take() - take single slots
 * @chunk: has a format of single slots
 * @refs:  receives them, the lowest last, so that it is used first
 * @nr:	   how many are wanted
 *
 * Context: the depot's lock is held. How many are free is for the depot to count.
 * Return: how many of them there are not; so many @refs at the start are untouched.
 */
unsigned int cc_chunk_take(struct cc_chunk *chunk, struct cc_ref *refs,
			   unsigned int nr)
{
	struct cc_format *f = chunk->format;
	unsigned int nr_words = BITS_TO_LONGS(f->pool.nr_slots);
	unsigned int left = nr;

	for (; left && chunk->first < nr_words; chunk->first++) {
		unsigned long *w = &f->free[chunk->first];

		while (*w && left) {
			left--;
			refs[left].pool = &f->pool;
			refs[left].slot = chunk->first * BITS_PER_LONG +
					  __ffs(*w);
			*w &= *w - 1;
		}
		if (*w)
			break;
	}
	return left;
}
