// SPDX-License-Identifier: GPL-2.0
/*
 * Slot maps: which of a row of slots are free, and where a run of them fits.
 *
 * A map is a row of segments of 128 slots. A run of slots lies within one
 * segment, and all that a search asks of a segment is answered by arithmetic on
 * its two words of free bits:
 *
 *   slot    0 1 2 3 4 5 6 7 ...
 *   free    1 1 0 1 1 1 1 0		set: the slot is free
 *   runs    0 0 0 1 1 0 0 0		set: three free slots start here
 *   starts  1 0 1 0 1 0 1 0		set: the alignment allows a start here
 *   both    0 0 0 0 1 0 0 0		the first set bit is the answer
 *
 * To know which segments to ask, there is a bitmap of segments for each power
 * of two: those that have a free run at least that long. A search for n slots
 * first looks where a run is so long that alignment cannot spoil it. The first
 * such segment will do, and finding it, or finding that there is none, reads one
 * word per 64 segments (16 MiB of 2 KiB slots).
 *
 * Only if there is none is there a second look, at each segment whose longest run
 * might do at best: some 50 instructions for each. That is the price of never
 * refusing what fits somewhere. It is paid when no long run is left at all, for
 * lengths between two powers of two and for alignments of several slots; and
 * when a boundary lies within segments.
 *
 * The lowest fitting slot wins. Buffers are thus reused while they are still
 * in the CPU's caches, and long runs survive at the far end.
 *
 * The caller serialises all calls on a map.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "slots.h"

/* How often a bit at each multiple of 2^k repeats in a word */
static const u64 every[] = {
	~0ULL,
	0x5555555555555555ULL,
	0x1111111111111111ULL,
	0x0101010101010101ULL,
	0x0001000100010001ULL,
	0x0000000100000001ULL,
	0x0000000000000001ULL,
};

/*
 * Both words of a segment shifted down by 1 to 64 and combined with it: runs of
 * n slots become runs of n + shift slots, for shift up to n. Tells if any is
 * left.
 */
static __always_inline bool and_shifted(struct slot_seg *s, unsigned int shift)
{
	if (shift == 64) {
		s->free[0] &= s->free[1];
		s->free[1] = 0;
	} else {
		s->free[0] &= (s->free[0] >> shift) |
			      (s->free[1] << (64 - shift));
		s->free[1] &= s->free[1] >> shift;
	}
	return s->free[0] | s->free[1];
}

/* The bits of slots @slot to @slot + @nr - 1 */
static struct slot_seg seg_bits(unsigned int slot, unsigned int nr)
{
	struct slot_seg s = {};
	unsigned int end = slot + nr;

	if (slot < 64)
		s.free[0] = GENMASK_ULL(min(end, 64U) - 1, slot);
	if (end > 64)
		s.free[1] = GENMASK_ULL(end - 65, slot < 64 ? 0 : slot - 64);
	return s;
}

/*
 * Number of orders k for which @s has a free run of at least 2^k slots. Each map
 * and each unmap asks, so the shifts are constants and this inlines.
 */
static unsigned int seg_orders(struct slot_seg s)
{
	if (!(s.free[0] | s.free[1]))
		return 0;
	if (!and_shifted(&s, 1))
		return 1;
	if (!and_shifted(&s, 2))
		return 2;
	if (!and_shifted(&s, 4))
		return 3;
	if (!and_shifted(&s, 8))
		return 4;
	if (!and_shifted(&s, 16))
		return 5;
	if (!and_shifted(&s, 32))
		return 6;
	if (!and_shifted(&s, 64))
		return 7;
	return SLOT_ORDERS;
}

static unsigned long *avail_of(const struct slot_map *map, unsigned int order)
{
	return map->avail + order * BITS_TO_LONGS(map->nr_segs);
}

/* Tell the bitmaps, and what sums them up, what a segment has become */
static void seg_changed(struct slot_map *map, unsigned int seg)
{
	unsigned int was = map->orders[seg];
	unsigned int is = seg_orders(map->segs[seg]);

	if (was == is)
		return;

	map->orders[seg] = is;
	for (; was < is; was++) {
		__set_bit(seg, avail_of(map, was));
		map->nr_avail[was]++;
	}
	for (; was > is; was--) {
		__clear_bit(seg, avail_of(map, was - 1));
		map->nr_avail[was - 1]--;
	}

	/* A run of 2^k slots has one of 2^(k-1) in it: there are no gaps */
	map->nr_orders = max(map->nr_orders, is);
	while (map->nr_orders && !map->nr_avail[map->nr_orders - 1])
		map->nr_orders--;
}

/* Readers without a lock want a number that was right at some time */
static void set_used(struct slot_map *map, unsigned int nr_used)
{
	WRITE_ONCE(map->nr_used, nr_used);
}

/* Where the low, contiguous bits of the mask let a run start */
static struct slot_seg allowed_starts(const struct slot_fit *fit)
{
	unsigned int k = min_t(unsigned int, ffz(fit->mask), 7);
	unsigned int first = (fit->bits - fit->base) & ((1U << k) - 1);
	struct slot_seg s;

	if (k < 7) {
		s.free[0] = every[k] << first;
		s.free[1] = s.free[0];
	} else {
		s.free[0] = first < 64 ? BIT_ULL(first) : 0;
		s.free[1] = first < 64 ? 0 : BIT_ULL(first - 64);
	}
	return s;
}

/* All that allowed_starts() did not see to */
static bool fits(const struct slot_fit *fit, unsigned int slot)
{
	unsigned long nr = fit->base + slot;

	return (nr & fit->mask) == fit->bits &&
	       (nr & fit->boundary) + fit->nr_slots - 1 <= fit->boundary;
}

/*
 * First slot where a run fits in segment number @seg with the free slots @s,
 * counted from the map's start; or -1
 */
static int seg_find(struct slot_seg s, unsigned int seg,
		    const struct slot_fit *fit, const struct slot_seg *starts)
{
	unsigned int len, step, word, slot;

	for (len = 1; len < fit->nr_slots; len += step) {
		step = min(len, fit->nr_slots - len);
		and_shifted(&s, step);
	}

	for (word = 0; word < 2; word++) {
		u64 w = s.free[word] & starts->free[word];

		for (; w; w &= w - 1) {
			slot = seg * SLOTS_PER_SEG + word * 64 + __ffs64(w);
			if (fits(fit, slot))
				return slot;
		}
	}
	return -1;
}

/**
 * slot_map_bytes() - memory that a map of a given size needs
 * @nr_slots: number of slots
 *
 * Return: bytes to be handed to slot_map_init().
 */
size_t slot_map_bytes(unsigned int nr_slots)
{
	unsigned int nr_segs = DIV_ROUND_UP(nr_slots, SLOTS_PER_SEG);

	return nr_segs * sizeof(struct slot_seg) +
	       BITS_TO_LONGS(nr_segs) * sizeof(long) * SLOT_ORDERS +
	       ALIGN(nr_segs, sizeof(long));
}
EXPORT_SYMBOL_IF_KUNIT(slot_map_bytes);

/**
 * slot_map_init() - make a map in which all slots are free
 * @map:      map to be set up
 * @nr_slots: number of slots
 * @meta:     slot_map_bytes() of memory, zeroed and aligned for u64
 */
void slot_map_init(struct slot_map *map, unsigned int nr_slots, void *meta)
{
	unsigned int seg;

	map->nr_slots = nr_slots;
	map->nr_segs = DIV_ROUND_UP(nr_slots, SLOTS_PER_SEG);
	map->nr_used = 0;
	map->nr_orders = 0;
	memset(map->nr_avail, 0, sizeof(map->nr_avail));
	map->segs = meta;
	map->avail = (void *)(map->segs + map->nr_segs);
	map->orders = (void *)avail_of(map, SLOT_ORDERS);

	for (seg = 0; seg < map->nr_segs; seg++) {
		map->segs[seg] = seg_bits(0, min(nr_slots, SLOTS_PER_SEG));
		nr_slots -= min(nr_slots, SLOTS_PER_SEG);
		seg_changed(map, seg);
	}
}
EXPORT_SYMBOL_IF_KUNIT(slot_map_init);

/* Take a run from the first segment that has a run of 2^@order and a fit */
static int alloc_order(struct slot_map *map, const struct slot_fit *fit,
		       const struct slot_seg *starts, unsigned int order)
{
	struct slot_seg *s, run;
	unsigned int seg;
	int slot;

	if (order >= map->nr_orders)
		return -1;

	for_each_set_bit(seg, avail_of(map, order), map->nr_segs) {
		s = &map->segs[seg];
		slot = seg_find(*s, seg, fit, starts);
		if (slot < 0)
			continue;

		run = seg_bits(slot % SLOTS_PER_SEG, fit->nr_slots);
		s->free[0] &= ~run.free[0];
		s->free[1] &= ~run.free[1];
		set_used(map, map->nr_used + fit->nr_slots);
		seg_changed(map, seg);
		return slot;
	}
	return -1;
}

/**
 * slot_map_alloc() - take a run of free slots
 * @map: where from
 * @fit: what it must be like
 *
 * Return: the first slot of the lowest run that fits among those segments where
 * some fit is certain, or else among all; -1 if there is none.
 */
int slot_map_alloc(struct slot_map *map, const struct slot_fit *fit)
{
	struct slot_seg starts = allowed_starts(fit);
	/* A run this long has a fit at any alignment */
	unsigned int sure = fit->nr_slots + fit->mask;
	unsigned int order = order_base_2(sure);
	int slot;

	if (fit->nr_slots > map->nr_slots - map->nr_used)
		return -1;

	slot = alloc_order(map, fit, &starts, order);
	if (slot < 0 && order != ilog2(fit->nr_slots))
		slot = alloc_order(map, fit, &starts, ilog2(fit->nr_slots));
	return slot;
}
EXPORT_SYMBOL_IF_KUNIT(slot_map_alloc);

/**
 * slot_map_free() - give a run of slots back
 * @map:      where to
 * @slot:     its first slot, as returned by slot_map_alloc()
 * @nr_slots: its length
 *
 * Return: %false, and nothing is changed, if any of it is free already.
 */
bool slot_map_free(struct slot_map *map, unsigned int slot,
		   unsigned int nr_slots)
{
	unsigned int seg = slot / SLOTS_PER_SEG;
	struct slot_seg run = seg_bits(slot % SLOTS_PER_SEG, nr_slots);
	struct slot_seg *s = &map->segs[seg];

	if ((s->free[0] & run.free[0]) | (s->free[1] & run.free[1]))
		return false;

	s->free[0] |= run.free[0];
	s->free[1] |= run.free[1];
	set_used(map, map->nr_used - nr_slots);
	seg_changed(map, seg);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(slot_map_free);

/**
 * slot_map_close() - refuse all runs from now on
 * @map: to be closed
 *
 * Return: %false, and nothing is changed, if any slot is in use.
 */
bool slot_map_close(struct slot_map *map)
{
	if (map->nr_used)
		return false;

	/* That many are left, then, for slot_map_alloc() */
	map->nr_slots = 0;
	return true;
}

/**
 * slot_map_open() - let there be runs again
 * @map:      closed
 * @nr_slots: as it was set up
 */
void slot_map_open(struct slot_map *map, unsigned int nr_slots)
{
	map->nr_slots = nr_slots;
}

/**
 * slot_fit_possible() - would a run fit if nothing else was there
 * @fit:     what it must be like
 * @nr_segs: length of an empty map
 *
 * Return: %true if slot_map_alloc() on such a map would succeed.
 */
bool slot_fit_possible(const struct slot_fit *fit, unsigned int nr_segs)
{
	struct slot_seg starts = allowed_starts(fit);
	unsigned int seg;

	for (seg = 0; seg < nr_segs; seg++) {
		if (seg_find(seg_bits(0, SLOTS_PER_SEG), seg, fit, &starts) >= 0)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(slot_fit_possible);
