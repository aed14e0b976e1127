/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slot maps: which of a row of slots are free, and where a run of them fits.
 *
 * Pure code: no device, no lock, no memory of its own. See slots.c.
 */
#ifndef _KERNEL_DMA_SWIOTLB_SLOTS_H
#define _KERNEL_DMA_SWIOTLB_SLOTS_H

#include <linux/types.h>

#define SLOTS_PER_SEG	128	/* no run crosses the end of a segment */
#define SLOT_ORDERS	8	/* runs of at least 1, 2, 4, ... 128 slots */

/**
 * struct slot_seg - a segment: one bit per slot, set if it is free
 * @free: slots 0 to 63, and slots 64 to 127
 */
struct slot_seg {
	u64 free[2];
};

/**
 * struct slot_map - a row of segments
 * @nr_slots:  number of slots, the last segment may be short; 0 while closed
 * @nr_segs:   number of segments
 * @nr_used:   number of slots that are not free
 * @nr_orders: the largest of @orders; 0 if there is no free slot
 * @segs:      the segments
 * @orders:    for each segment the number of k in 0..7 for which it has a run of
 *	       at least 2^k free slots; 0 if it is full
 * @avail:     for each such k a bitmap of @nr_segs bits: the segments that have
 * @nr_avail:  for each such k how many these are
 */
struct slot_map {
	unsigned int nr_slots;
	unsigned int nr_segs;
	unsigned int nr_used;
	unsigned int nr_orders;
	struct slot_seg *segs;
	u8 *orders;
	unsigned long *avail;
	unsigned int nr_avail[SLOT_ORDERS];
};

/**
 * struct slot_fit - what a run of free slots must be like
 * @nr_slots: its length, 1 to %SLOTS_PER_SEG
 * @mask:     bits of the number of the run's first slot that matter
 * @bits:     what these bits must be
 * @boundary: the run must not cross a multiple of this plus 1; of the form
 *	      2^n - 1
 * @base:     number of the map's first slot; all numbers above start with it
 */
struct slot_fit {
	unsigned int nr_slots;
	unsigned int mask;
	unsigned int bits;
	unsigned long boundary;
	unsigned long base;
};

size_t slot_map_bytes(unsigned int nr_slots);
void slot_map_init(struct slot_map *map, unsigned int nr_slots, void *meta);
int slot_map_alloc(struct slot_map *map, const struct slot_fit *fit);
bool slot_map_free(struct slot_map *map, unsigned int slot,
		   unsigned int nr_slots);
bool slot_map_close(struct slot_map *map);
void slot_map_open(struct slot_map *map, unsigned int nr_slots);
bool slot_fit_possible(const struct slot_fit *fit, unsigned int nr_segs);

#endif /* _KERNEL_DMA_SWIOTLB_SLOTS_H */
