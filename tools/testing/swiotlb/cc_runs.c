// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: runs of free slots, against a search that tries every slot
 */
#include "cc_mem.h"

#define MAX_SLOTS	CC_CHUNK_PAGES

static const unsigned int nr_slots_of[] = { 32, 256, 512 };

/* Runs of random lengths, free and not */
static void fill_map(unsigned long *map, unsigned int nr_slots, u64 *seed)
{
	unsigned int longest = 1U << model_random_below(seed, 10), slot = 0;
	bool is_free = model_random_below(seed, 2);

	memset(map, 0, MAX_SLOTS / BITS_PER_BYTE);
	for (; slot < nr_slots; is_free = !is_free) {
		unsigned int nr = model_random_below(seed, longest) + 1;

		for (; nr && slot < nr_slots; nr--, slot++) {
			if (is_free)
				__set_bit(slot, map);
		}
	}
}

static unsigned int longest_run(const unsigned long *map, unsigned int nr_slots)
{
	unsigned int slot, run = 0, longest = 0;

	for (slot = 0; slot < nr_slots; slot++) {
		run = test_bit(slot, map) ? run + 1 : 0;
		longest = max(longest, run);
	}
	return longest;
}

static bool is_fit(const unsigned long *map, unsigned int nr_slots,
		   const struct cc_fit *fit, unsigned int slot)
{
	unsigned long first = fit->base + slot, last = first + fit->nr_slots - 1;
	unsigned int i;

	if (slot + fit->nr_slots > nr_slots ||
	    (first & fit->mask) != fit->bits ||
	    (first & ~fit->boundary) != (last & ~fit->boundary))
		return false;
	for (i = 0; i < fit->nr_slots; i++) {
		if (!test_bit(slot + i, map))
			return false;
	}
	return true;
}

static int find_run(const unsigned long *map, unsigned int nr_slots,
		    const struct cc_fit *fit)
{
	unsigned int slot;

	for (slot = 0; slot < nr_slots; slot++) {
		if (is_fit(map, nr_slots, fit, slot))
			return slot;
	}
	return -ENOSPC;
}

static unsigned int cc_longest(const unsigned long *map, unsigned int nr_slots)
{
	struct cc_word words[CC_CHUNK_WORDS];
	unsigned int nr_words = BITS_TO_LONGS(nr_slots);

	return cc_longest_run(map, words, nr_words, 0, nr_words - 1);
}

TEST(cc_runs_match_the_model)
{
	unsigned long map[BITS_TO_LONGS(MAX_SLOTS)];
	unsigned int i, nr_found = 0;
	u64 seed = 1;

	for (i = 0; i < 40000; i++) {
		unsigned int nr_slots = nr_slots_of[i % 3];
		struct cc_fit fit = {
			.nr_slots = model_random_below(&seed, 1 << i % 9) + 1,
			.mask = model_random_below(&seed, 1 << i % 7) &
				model_random(&seed),
			.boundary = ULONG_MAX >> 1 >> model_random_below(&seed, 60),
			.base = model_random(&seed),
		};
		int slot;

		fit.bits = model_random(&seed) & fit.mask;
		if (fit.nr_slots - 1 > fit.boundary)
			continue;
		fill_map(map, nr_slots, &seed);
		test_note("op %u: %u slots, mask %#lx bits %#lx boundary %#lx base %#lx",
			  i, fit.nr_slots, fit.mask, fit.bits, fit.boundary,
			  fit.base);
		slot = find_run(map, nr_slots, &fit);
		CHECK_EQ(cc_find_run(map, nr_slots, 0, &fit), slot);
		nr_found += slot >= 0;
		CHECK_EQ(cc_longest(map, nr_slots),
			 longest_run(map, nr_slots));
	}
	CHECK(nr_found > 1000);
}

/* Some slots at a time, of which only the words that have them are looked at */
TEST(cc_longest_run_follows_changes)
{
	unsigned long map[CC_CHUNK_WORDS];
	struct cc_word words[CC_CHUNK_WORDS];
	unsigned int i, slot, nr;
	u64 seed = 2;

	bitmap_fill(map, CC_CHUNK_PAGES);
	cc_longest_run(map, words, CC_CHUNK_WORDS, 0, CC_CHUNK_WORDS - 1);
	for (i = 0; i < 40000; i++) {
		slot = model_random_below(&seed, CC_CHUNK_PAGES);
		nr = 1 + model_random_below(&seed, min(1U << i % 9, CC_CHUNK_PAGES - slot));
		if (model_random_below(&seed, 2))
			bitmap_set(map, slot, nr);
		else
			bitmap_clear(map, slot, nr);
		test_note("op %u: %u slots from %u", i, nr, slot);
		CHECK_EQ(cc_longest_run(map, words, CC_CHUNK_WORDS,
					slot / BITS_PER_LONG,
					(slot + nr - 1) / BITS_PER_LONG),
			 longest_run(map, CC_CHUNK_PAGES));
	}
}

TEST(cc_runs_of_full_and_empty_chunks)
{
	unsigned long map[BITS_TO_LONGS(MAX_SLOTS)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nr_slots_of); i++) {
		memset(map, 0, sizeof(map));
		CHECK_EQ(cc_longest(map, nr_slots_of[i]), 0);
		bitmap_set(map, 0, nr_slots_of[i]);
		CHECK_EQ(cc_longest(map, nr_slots_of[i]), nr_slots_of[i]);
	}
}

/* In the bucket for so many all have enough, and in the one below there may be some */
TEST(cc_buckets_are_in_order)
{
	unsigned int nr;

	CHECK_EQ(cc_bucket_of(0), 0);
	for (nr = 1; nr <= CC_CHUNK_PAGES; nr++) {
		CHECK(cc_bucket_of(nr) && cc_bucket_of(nr) < CC_NR_BUCKETS);
		CHECK(cc_bucket_of(nr) - cc_bucket_of(nr - 1) <= 1);
		CHECK(cc_bucket_above(nr) >= cc_bucket_of(nr));
		/* Less than that is in lower buckets */
		CHECK(cc_bucket_of(nr - 1) < cc_bucket_above(nr));
		CHECK(cc_bucket_above(nr) <= cc_bucket_of(nr) + 1);
	}
}
