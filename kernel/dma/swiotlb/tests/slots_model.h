/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A slot map as plain as can be, to hold against the real one
 *
 * One flag per slot, and searches that try every slot. Used by the KUnit suite
 * and by the tests in user space (tools/testing/swiotlb/).
 *
 * The checks return what is wrong, or NULL.
 */
#ifndef _SWIOTLB_TESTS_SLOTS_MODEL_H
#define _SWIOTLB_TESTS_SLOTS_MODEL_H

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../slots.h"

#define MODEL_MAX_SLOTS	1024

/**
 * struct slots_model - which slots are taken
 * @nr_slots: number of slots
 * @nr_used:  number of those that are taken
 * @used:     for each slot, whether it is taken
 * @run:      for each slot, how many free slots follow in its segment, itself
 *	      included
 */
struct slots_model {
	unsigned int nr_slots;
	unsigned int nr_used;
	bool used[MODEL_MAX_SLOTS];
	unsigned char run[MODEL_MAX_SLOTS];
};

/* Numbers that look random and are the same each time */
static inline u32 model_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static inline u32 model_random_below(u64 *seed, u32 limit)
{
	return model_random(seed) % limit;
}

static inline void model_count_runs(struct slots_model *model)
{
	unsigned int slot = model->nr_slots, run = 0;

	while (slot--) {
		if (slot % SLOTS_PER_SEG == SLOTS_PER_SEG - 1)
			run = 0;
		run = model->used[slot] ? 0 : run + 1;
		model->run[slot] = run;
	}
}

static inline void model_init(struct slots_model *model, unsigned int nr_slots)
{
	memset(model, 0, sizeof(*model));
	model->nr_slots = nr_slots;
	model_count_runs(model);
}

static inline void model_set(struct slots_model *model, unsigned int slot,
			     unsigned int nr_slots, bool used)
{
	memset(model->used + slot, used, nr_slots);
	model->nr_used += used ? nr_slots : -nr_slots;
	model_count_runs(model);
}

static inline bool model_fits(const struct slots_model *model,
			      const struct slot_fit *fit, unsigned int slot)
{
	unsigned long nr = fit->base + slot;

	if (model->run[slot] < fit->nr_slots || (nr & fit->mask) != fit->bits)
		return false;
	return (nr & ~fit->boundary) ==
	       ((nr + fit->nr_slots - 1) & ~fit->boundary);
}

static inline unsigned int model_longest_run(const struct slots_model *model,
					     unsigned int seg)
{
	unsigned int slot = seg * SLOTS_PER_SEG;
	unsigned int end = min(slot + SLOTS_PER_SEG, model->nr_slots);
	unsigned int longest = 0;

	for (; slot < end; slot++)
		longest = max_t(unsigned int, longest, model->run[slot]);
	return longest;
}

/* The lowest fit in a segment that has a run of @run free slots, or -1 */
static inline int model_search(const struct slots_model *model,
			       const struct slot_fit *fit, unsigned int run)
{
	unsigned int slot;

	for (slot = 0; slot < model->nr_slots; slot++) {
		if (slot % SLOTS_PER_SEG == 0 &&
		    model_longest_run(model, slot / SLOTS_PER_SEG) < run) {
			slot += SLOTS_PER_SEG - 1;
			continue;
		}
		if (model_fits(model, fit, slot))
			return slot;
	}
	return -1;
}

/* What slot_map_alloc() promises to return */
static inline int model_find(const struct slots_model *model,
			     const struct slot_fit *fit)
{
	unsigned long sure = roundup_pow_of_two(fit->nr_slots + fit->mask);
	int slot = -1;

	if (sure <= SLOTS_PER_SEG)
		slot = model_search(model, fit, sure);
	return slot < 0 ? model_search(model, fit, 1) : slot;
}

static inline const char *model_check_segment(const struct slots_model *model,
					      const struct slot_map *map,
					      unsigned int seg)
{
	unsigned int stride = BITS_TO_LONGS(map->nr_segs);
	unsigned int run = model_longest_run(model, seg);
	unsigned int orders = run ? ilog2(run) + 1 : 0;
	unsigned int i, order;

	for (i = 0; i < SLOTS_PER_SEG; i++) {
		unsigned int slot = seg * SLOTS_PER_SEG + i;
		bool is_free = map->segs[seg].free[i / 64] >> i % 64 & 1;

		if (is_free != (slot < model->nr_slots && !model->used[slot]))
			return "a free bit is wrong";
	}

	if (map->orders[seg] != orders)
		return "the number of orders of a segment is wrong";
	for (order = 0; order < SLOT_ORDERS; order++) {
		bool has_run = order < orders;

		if (test_bit(seg, map->avail + order * stride) != has_run)
			return "a bit of the bitmap of segments is wrong";
	}
	return NULL;
}

static inline const char *model_check_sums(const struct slots_model *model,
					   const struct slot_map *map)
{
	unsigned int nr_avail[SLOT_ORDERS] = {};
	unsigned int seg, order, run, longest = 0;

	for (seg = 0; seg < map->nr_segs; seg++) {
		run = model_longest_run(model, seg);
		longest = max(longest, run);
		for (order = 0; order < SLOT_ORDERS && run >> order; order++)
			nr_avail[order]++;
	}
	if (map->nr_orders != (longest ? ilog2(longest) + 1 : 0))
		return "the largest number of orders is wrong";
	if (memcmp(map->nr_avail, nr_avail, sizeof(nr_avail)))
		return "a number of segments with long runs is wrong";
	return NULL;
}

/* Does the map say what the model says, in all its redundant ways? */
static inline const char *model_check(const struct slots_model *model,
				      const struct slot_map *map)
{
	const char *wrong = NULL;
	unsigned int seg;

	if (map->nr_slots != model->nr_slots)
		return "the number of slots is wrong";
	if (map->nr_segs != DIV_ROUND_UP(model->nr_slots, SLOTS_PER_SEG))
		return "the number of segments is wrong";
	if (map->nr_used != model->nr_used)
		return "the number of used slots is wrong";
	for (seg = 0; seg < map->nr_segs && !wrong; seg++)
		wrong = model_check_segment(model, map, seg);
	return wrong ?: model_check_sums(model, map);
}

#endif /* _SWIOTLB_TESTS_SLOTS_MODEL_H */
