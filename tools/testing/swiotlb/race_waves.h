/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Load on a backend that comes in waves, so that it grows and shrinks all the time
 *
 * Each buffer is full of a pattern of its own, and memory that was given back is reused at
 * once, so that whoever is given what is not his shows.
 */
#ifndef _SWIOTLB_RACE_WAVES_H
#define _SWIOTLB_RACE_WAVES_H

#include "fixed_pool.h"

#define WAVES_MAX_SPANS	300U

struct waves_mapping {
	struct swiotlb_span span;
	size_t size;
	u8 pattern;
};

/**
 * struct waves_rider - what a thread has
 * @nr:	       its number
 * @nr_mapped: how many of @mappings
 * @mappings:  what it mapped and nobody unmapped yet
 */
struct waves_rider {
	unsigned int nr;
	unsigned int nr_mapped;
	struct waves_mapping mappings[WAVES_MAX_SPANS];
};

/**
 * struct waves - how the sea is
 * @mem:	what is mapped from
 * @nr_threads: riders
 * @per_cpu:	so many of them play one CPU
 * @nr_waves:	that each of them rides
 * @nr_spans:	each maps as many in a wave, if there is room
 * @may_fail:	there need not be
 * @next_req:	what is mapped next; called by each rider with a seed of its own
 * @is_wrong:	what is wrong with what was got, or %NULL
 */
struct waves {
	struct swiotlb_mem *mem;
	unsigned int nr_threads;
	unsigned int per_cpu;
	unsigned int nr_waves;
	unsigned int nr_spans;
	bool may_fail;
	struct swiotlb_req (*next_req)(u64 *seed);
	const char *(*is_wrong)(const struct swiotlb_span *span,
				const struct swiotlb_req *req);
};

/* All of it; nothing is mapped in the end */
void waves_ride(const struct waves *waves);

/* For riders of another kind: where the next span goes; it is there; and one of them is unmapped */
struct swiotlb_span *waves_next(struct waves_rider *rider);
void waves_mapped(struct waves_rider *rider, const struct swiotlb_req *req,
		  u64 *seed);
void waves_unmap_one(struct waves_rider *rider, u64 *seed);

#endif /* _SWIOTLB_RACE_WAVES_H */
