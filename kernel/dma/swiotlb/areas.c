// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: how a mapping finds its slots
 *
 * A pool is a row of 2 KiB slots in segments of 128, no buffer crosses a segment,
 * so 256 KiB is the largest buffer there is. To keep CPUs out of each other's way
 * the segments are dealt out to areas, about one per CPU, each with a lock, a slot
 * map and cache lines of its own. A buffer goes back to the area that it came
 * from, whoever frees it.
 *
 * A mapping tries the area of its CPU in the first pool. That is the fast path:
 * one lock, and nothing that other CPUs write. If there is no room, it does not
 * walk from area to area: bitmaps of all areas of all pools tell which have a run
 * of at least 1, 2, 4, ... 128 free slots. They are looked at just as the slot map
 * looks at its segments, see slots.c:
 *
 *   1. where a run is so long that alignment cannot spoil it: the first such area
 *	will do;
 *   2. where the longest run may do at best. Each of these areas has to be asked
 *	under its lock, so a caller that can get memory elsewhere bounds how many.
 *
 * The lowest pool wins, so that high ones become empty and can go; within it, the
 * area of the CPU, then the next ones in a circle. Looking at a bitmap reads one
 * word per 64 areas. Its bits are written under the area's lock, and only when the
 * longest run of the area gets into another power of two; they are read without it.
 * A bit may be out of date by the time that the lock is taken. That means trying
 * the next one.
 *
 * Locking: slot_area.lock protects the area's slot map and its bits and counts
 * elsewhere. It is taken with interrupts off, nothing is taken inside it. Pools are
 * found, and stay, in an RCU read section.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "areas.h"

/*
 * An area tells of its use only when it changed by a 1024th of its size, or by this
 * many slots if that is more, so that the common mapping touches no shared counter.
 * The high water mark of several areas together may be too low by as much per area;
 * that of a single area is kept exactly, next to its lock.
 */
#define MIN_REPORT_SLOTS	16

static_assert(SLOTS_PER_SEG == IO_TLB_SEGSIZE);
static_assert(SLOTS_PER_SEG <= SWIOTLB_MAX_SPAN_SLOTS);
static_assert((SLOTS_PER_SEG << IO_TLB_SHIFT) <= SWIOTLB_MAX_OFFSET);

/**
 * area_fit() - translate a request into slots
 * @req:	the request
 * @pool_start: physical address of slot 0
 * @fit:	receives what the run of slots must be like
 * @offset:	receives where in the first slot the buffer begins, in bytes
 *
 * Bits of min_align_mask below the alignment of the span are taken care of by
 * an offset into it, the higher ones by choosing its first slot. A mapping of a
 * page and more is page-aligned when nobody asks for anything else: drivers
 * came to rely on that before alignments could be asked for.
 *
 * Return: 0, or -E2BIG if no pool can ever have such a run.
 */
int area_fit(const struct swiotlb_req *req, phys_addr_t pool_start,
	     struct slot_fit *fit, unsigned int *offset)
{
	unsigned int align_mask = req->alloc_align_mask;
	unsigned int match_mask;
	size_t bytes;

	*offset = req->orig_addr & req->min_align_mask &
		  (align_mask | (IO_TLB_SIZE - 1));
	if (req->size > (SLOTS_PER_SEG << IO_TLB_SHIFT))
		return -E2BIG;
	bytes = req->size + *offset;
	if (req->align_end)
		bytes = ALIGN(bytes, (size_t)align_mask + 1);
	if (bytes > (SLOTS_PER_SEG << IO_TLB_SHIFT))
		return -E2BIG;

	if (!align_mask && !req->min_align_mask && bytes >= PAGE_SIZE)
		align_mask = PAGE_SIZE - 1;
	align_mask |= IO_TLB_SIZE - 1;
	match_mask = req->min_align_mask & ~align_mask;

	fit->nr_slots = DIV_ROUND_UP(bytes, IO_TLB_SIZE);
	fit->mask = (align_mask | match_mask) >> IO_TLB_SHIFT;
	fit->bits = (req->orig_addr & match_mask) >> IO_TLB_SHIFT;
	fit->boundary = req->boundary_mask >> IO_TLB_SHIFT;
	fit->base = (pool_start + req->dma_offset) >> IO_TLB_SHIFT;

	/* Can the buffer keep within the boundary at all? */
	if (fit->nr_slots - 1 > fit->boundary ||
	    (*offset & req->boundary_mask) + req->size - 1 > req->boundary_mask)
		return -E2BIG;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(area_fit);

/* The longest part of a piece of memory that no boundary cuts */
static u64 longest_part(u64 start, u64 bytes, u64 boundary_mask)
{
	u64 first = min(bytes, boundary_mask - (start & boundary_mask) + 1);

	return max(first, min(bytes - first, boundary_mask + 1));
}

/**
 * area_max_mapping() - the largest size of which every request can succeed
 * @mem:    memory of `fixed` or `dynamic`, or without a pool yet
 * @limits: what the device demands
 *
 * A segment, or what fits between boundaries, less what the worst address
 * costs: the offset into the first slot, or the slots passed over until
 * min_align_mask is met; in whole slots, unless that leaves nothing. Where that
 * mask covers the boundary, buffers lie between boundaries just as their
 * originals do, and nothing is lost.
 *
 * Context: any.
 * Return: bytes.
 */
size_t area_max_mapping(struct swiotlb_mem *mem,
			const struct swiotlb_limits *limits)
{
	u64 boundary_mask = min(limits->boundary_mask, U64_MAX >> 1);
	u64 lost = ALIGN((u64)limits->min_align_mask, IO_TLB_SIZE);
	unsigned long nslabs = READ_ONCE(mem->nslabs);
	u64 seg_bytes = SLOTS_PER_SEG << IO_TLB_SHIFT;
	u64 bytes = seg_bytes;

	/*
	 * Segments need not begin at multiples of their size in restricted
	 * pools, which can even be shorter than one. Of two segments, a wide
	 * boundary cuts at most one.
	 */
	if (nslabs && (boundary_mask < 2 * seg_bytes ||
		       nslabs < 2 * SLOTS_PER_SEG))
		bytes = longest_part(mem->start + limits->dma_offset,
				     min(bytes, (u64)nslabs << IO_TLB_SHIFT),
				     boundary_mask);

	if (limits->min_align_mask >= boundary_mask)
		return bytes;
	if (lost >= bytes)
		lost = min(limits->min_align_mask, bytes - 1);
	return bytes - lost;
}

static unsigned long *room_of(const struct area_set *set, unsigned int order)
{
	return set->room + order * BITS_TO_LONGS(set->nr_areas);
}

/**
 * area_tell_room() - tell the set how long the runs in an area are
 * @ap:	       pool of the area
 * @area:      the area
 * @nr_orders: for how many k it has a run of 2^k slots
 *
 * Context: the area's lock is held.
 */
void area_tell_room(struct area_pool *ap, struct slot_area *area,
		    unsigned int nr_orders)
{
	unsigned int nr = ap->first_nr + (area - ap->areas);

	lockdep_assert_held(&area->lock);
	for (; area->nr_orders < nr_orders; area->nr_orders++)
		set_bit(nr, room_of(ap->set, area->nr_orders));
	for (; area->nr_orders > nr_orders; area->nr_orders--)
		clear_bit(nr, room_of(ap->set, area->nr_orders - 1));
}

static void area_report(struct area_set *set, struct slot_area *area, int delta)
{
	bool low;

	area->nr_reported += delta;
	low = atomic_long_add_return(delta, &set->nr_reported) >
	      READ_ONCE(set->nr_plenty);
	if (low != READ_ONCE(set->low))
		WRITE_ONCE(set->low, low);
	swiotlb_report_used(set->mem, (long)delta << IO_TLB_SHIFT);
}

/* After each change of the slot map */
static void area_changed(struct area_pool *ap, struct slot_area *area)
{
	int delta = area->map.nr_used - area->nr_reported;
	int batch = max(area->map.nr_slots / 1024, MIN_REPORT_SLOTS);

	lockdep_assert_held(&area->lock);
	if (area->map.nr_used > area->nr_peak)
		area->nr_peak = area->map.nr_used;
	if (unlikely(abs(delta) >= batch))
		area_report(ap->set, area, delta);
	if (unlikely(area->map.nr_orders != area->nr_orders))
		area_tell_room(ap, area, area->map.nr_orders);
}

/**
 * struct area_search - a request on its way
 * @req:      the request
 * @fit:      in slots; its base is that of the area being asked
 * @offset:   see &struct swiotlb_span
 * @cpu:      whose areas are preferred
 * @nr_tries: how many more areas may be asked in a look at the bitmaps
 */
struct area_search {
	const struct swiotlb_req *req;
	struct slot_fit fit;
	unsigned int offset;
	unsigned int cpu;
	unsigned int nr_tries;
};

static unsigned int own_area(const struct area_search *search,
			     const struct area_pool *ap)
{
	return search->cpu & (ap->layout.nr_areas - 1);
}

/* The device must reach all of a pool, or, of the first one, its start */
static bool reaches(const struct swiotlb_req *req, const struct area_pool *ap)
{
	return ap->pool.start + req->dma_offset <= req->addr_limit &&
	       ap->must_reach + req->dma_offset <= req->addr_limit;
}

static __always_inline bool area_alloc(struct area_search *search,
				       struct area_pool *ap, unsigned int i,
				       struct swiotlb_span *span)
{
	unsigned int start = i * ap->layout.nr_area_slots;
	struct slot_area *area = &ap->areas[i];
	unsigned long flags;
	int slot;

	search->fit.base = ((ap->pool.start + search->req->dma_offset) >>
			    IO_TLB_SHIFT) + start;

	spin_lock_irqsave(&area->lock, flags);
	slot = slot_map_alloc(&area->map, &search->fit);
	if (slot >= 0)
		area_changed(ap, area);
	spin_unlock_irqrestore(&area->lock, flags);
	if (slot < 0)
		return false;

	span->pool = &ap->pool;
	span->slot = start + slot;
	span->nr_slots = search->fit.nr_slots;
	span->offset = search->offset;
	return true;
}

/* Ask the areas of a pool from number @from up to @to that have their bit set */
static bool ask_areas(struct area_search *search, struct area_pool *ap,
		      const unsigned long *room, unsigned int from,
		      unsigned int to, struct swiotlb_span *span)
{
	unsigned int nr = from;

	for (; (nr = find_next_bit(room, to, nr)) < to; nr++) {
		if (!search->nr_tries)
			return false;
		search->nr_tries--;
		if (area_alloc(search, ap, nr - ap->first_nr, span))
			return true;
	}
	return false;
}

static bool ask_pool(struct area_search *search, struct area_pool *ap,
		     const unsigned long *room, struct swiotlb_span *span)
{
	unsigned int own = ap->first_nr + own_area(search, ap);
	unsigned int end = ap->first_nr + ap->layout.nr_areas;

	return ask_areas(search, ap, room, own, end, span) ||
	       ask_areas(search, ap, room, ap->first_nr, own, span);
}

/* Ask all pools that have area numbers from @nr up to @end */
static bool ask_pools(struct area_search *search, const struct area_set *set,
		      const unsigned long *room, unsigned int nr,
		      unsigned int end, struct swiotlb_span *span)
{
	struct area_pool *ap;

	while ((nr = find_next_bit(room, end, nr)) < end) {
		ap = rcu_dereference(set->pools[nr / AREAS_PER_GROUP]);
		if (ap && reaches(search->req, ap) &&
		    ask_pool(search, ap, room, span))
			return true;
		if (!search->nr_tries)
			return false;

		nr = round_down(nr, AREAS_PER_GROUP) + AREAS_PER_GROUP;
		if (ap)
			nr = max(nr, ap->first_nr + ap->layout.nr_areas);
	}
	return false;
}

/* Look at the bitmaps for a run of 2^@order slots and more */
static bool look(struct area_search *search, const struct area_set *set,
		 unsigned int order, struct swiotlb_span *span)
{
	const struct swiotlb_req *req = search->req;
	const unsigned long *room = room_of(set, order);

	if (ask_pools(search, set, room, 0, READ_ONCE(set->low_end), span))
		return true;

	/* The others end above 4 GiB: do not ask one by one whether that is in reach */
	if (set->single || (!req->dma_offset && req->addr_limit < SZ_4G))
		return false;
	return ask_pools(search, set, room, set->high_start,
			 READ_ONCE(set->high_end), span);
}

static noinline bool search_room(struct area_search *search,
				 const struct area_set *set,
				 struct swiotlb_span *span)
{
	unsigned int sure = order_base_2(search->fit.nr_slots + search->fit.mask);
	unsigned int at_best = ilog2(search->fit.nr_slots);
	unsigned int nr_tries = search->nr_tries;

	if (sure < SLOT_ORDERS && look(search, set, sure, span))
		return true;
	if (sure == at_best)
		return false;

	search->nr_tries = nr_tries;
	return look(search, set, at_best, span);
}

/**
 * area_set_alloc() - find room for a request
 * @set:      where
 * @req:      the request
 * @span:     receives the place
 * @nr_tries: how many areas to ask in each look at the bitmaps, or %AREAS_ALL to
 *	      refuse nothing that fits
 *
 * Context: any but NMI; in an RCU read section.
 * Return: 0; -ENOSPC; -E2BIG if nothing like that can ever fit; -ENXIO if
 * there is no pool but one out of reach.
 */
int area_set_alloc(struct area_set *set, const struct swiotlb_req *req,
		   struct swiotlb_span *span, unsigned int nr_tries)
{
	struct area_pool *first = set->first;
	struct area_search search = {
		.req = req,
		.cpu = raw_smp_processor_id(),
		.nr_tries = nr_tries,
	};
	bool first_reached = reaches(req, first);
	int err;

	if (unlikely(!first_reached && set->single))
		return -ENXIO;
	err = area_fit(req, first->pool.start, &search.fit, &search.offset);
	if (unlikely(err))
		return err;

	if (likely(first_reached) &&
	    likely(area_alloc(&search, first, own_area(&search, first), span)))
		return 0;
	return search_room(&search, set, span) ? 0 : -ENOSPC;
}

/**
 * area_free() - give a span back to its area
 * @span: as area_set_alloc() gave it
 *
 * Context: any but NMI; in an RCU read section.
 */
void area_free(const struct swiotlb_span *span)
{
	struct area_pool *ap = container_of(span->pool, struct area_pool, pool);
	unsigned int i = min(span->slot / ap->layout.nr_area_slots,
			     ap->layout.nr_areas - 1);
	struct slot_area *area = &ap->areas[i];
	unsigned long flags;

	spin_lock_irqsave(&area->lock, flags);
	WARN_ON_ONCE(!slot_map_free(&area->map,
				    span->slot - i * ap->layout.nr_area_slots,
				    span->nr_slots));
	if (!area->map.nr_used)
		WRITE_ONCE(area->emptied, jiffies);
	area_changed(ap, area);
	spin_unlock_irqrestore(&area->lock, flags);
}
