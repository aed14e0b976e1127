// SPDX-License-Identifier: GPL-2.0
/*
 * Slot maps against a model that has one flag per slot
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/module.h>

#include "slots_model.h"

/**
 * struct slots_pair - a map and its model
 * @map:   the map
 * @model: what it must agree with
 * @seed:  of what is random
 */
struct slots_pair {
	struct slot_map map;
	struct slots_model model;
	u64 seed;
};

static struct slots_pair *make_pair(struct kunit *test, unsigned int nr_slots)
{
	struct slots_pair *pair;
	void *meta;

	pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair);
	meta = kunit_kzalloc(test, slot_map_bytes(nr_slots), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, meta);

	slot_map_init(&pair->map, nr_slots, meta);
	model_init(&pair->model, nr_slots);
	pair->seed = nr_slots;
	return pair;
}

static void expect_agreement(struct kunit *test, struct slots_pair *pair)
{
	const char *wrong = model_check(&pair->model, &pair->map);

	KUNIT_ASSERT_TRUE_MSG(test, !wrong, "%s", wrong);
}

/* Take a run from both, which must agree on where it is */
static int take(struct kunit *test, struct slots_pair *pair,
		const struct slot_fit *fit)
{
	int expected = model_find(&pair->model, fit);
	int slot = slot_map_alloc(&pair->map, fit);

	KUNIT_ASSERT_EQ_MSG(test, slot, expected,
			    "run of %u, mask %#x, bits %#x, boundary %#lx, base %#lx",
			    fit->nr_slots, fit->mask, fit->bits, fit->boundary,
			    fit->base);
	if (slot >= 0)
		model_set(&pair->model, slot, fit->nr_slots, true);
	return slot;
}

static void give_back(struct kunit *test, struct slots_pair *pair,
		      unsigned int slot, unsigned int nr_slots)
{
	KUNIT_ASSERT_TRUE(test, slot_map_free(&pair->map, slot, nr_slots));
	model_set(&pair->model, slot, nr_slots, false);
}

static struct slot_fit random_fit(u64 *seed)
{
	struct slot_fit fit = {
		.nr_slots = model_random_below(seed, SLOTS_PER_SEG) + 1,
		.boundary = ~0UL >> model_random_below(seed, BITS_PER_LONG - 4),
		.base = model_random(seed),
	};

	fit.nr_slots = model_random_below(seed, fit.nr_slots) + 1;
	if (model_random_below(seed, 2)) {
		/* Some masks are contiguous, some not, some beyond a segment */
		fit.mask = model_random(seed) >>
			   (23 + model_random_below(seed, 8));
		if (model_random_below(seed, 2))
			fit.mask = roundup_pow_of_two(fit.mask + 1) - 1;
		fit.bits = model_random(seed) & fit.mask;
	}
	return fit;
}

static void slots_start_out_free(struct kunit *test)
{
	static const unsigned int sizes[] = {
		1, 2, 63, 64, 65, 127, 128, 129, 192, 193, 256, 1000, 1024,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		expect_agreement(test, make_pair(test, sizes[i]));
}

static void slots_run_out(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, 300);
	struct slot_fit fit = { .nr_slots = 1, .boundary = ~0UL };
	int slot;

	for (slot = 0; slot < 300; slot++)
		KUNIT_ASSERT_EQ(test, take(test, pair, &fit), slot);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
	expect_agreement(test, pair);

	give_back(test, pair, 299, 1);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 299);
}

/* No run crosses the end of a segment, nor that of the map */
static void slots_keep_within_segments(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, 300);
	struct slot_fit fit = { .nr_slots = 100, .boundary = ~0UL };

	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 0);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 128);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
	fit.nr_slots = 45;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
	fit.nr_slots = 44;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 256);
	expect_agreement(test, pair);
}

/* Masks speak of numbers that begin with the base, not with the map */
static void slots_are_aligned(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, 256);
	struct slot_fit fit = {
		.nr_slots = 3, .mask = 7, .bits = 5, .boundary = ~0UL, .base = 1,
	};

	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 4);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 12);
	fit.mask = 0x85;
	fit.bits = 0x81;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 128);
	fit.mask = 0x1ff;
	fit.bits = 0x1ff;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
	expect_agreement(test, pair);
}

static void slots_respect_boundaries(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, 128);
	struct slot_fit fit = { .nr_slots = 3, .boundary = 3, .base = 2 };

	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 2);
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 6);
	fit.nr_slots = 5;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
	fit.boundary = 0;
	fit.nr_slots = 1;
	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 0);
	expect_agreement(test, pair);
}

/* What is free in part is not given back, and nothing changes */
static void slots_refuse_to_free_twice(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, SLOTS_PER_SEG);
	struct slot_fit fit = { .nr_slots = 70, .boundary = ~0UL };

	KUNIT_EXPECT_EQ(test, take(test, pair, &fit), 0);
	KUNIT_EXPECT_FALSE(test, slot_map_free(&pair->map, 60, 11));
	KUNIT_EXPECT_FALSE(test, slot_map_free(&pair->map, 70, 1));
	expect_agreement(test, pair);
	give_back(test, pair, 0, 70);
	KUNIT_EXPECT_FALSE(test, slot_map_free(&pair->map, 0, 70));
	expect_agreement(test, pair);
}

/* A search for each length in a map with a hole of each length */
static void slots_find_holes(struct kunit *test)
{
	struct slots_pair *pair = make_pair(test, SLOTS_PER_SEG);
	struct slot_fit fit = { .nr_slots = SLOTS_PER_SEG, .boundary = ~0UL };
	unsigned int len, start;

	take(test, pair, &fit);
	for (len = 1; len < SLOTS_PER_SEG; len++) {
		start = len * 37 % (SLOTS_PER_SEG - len + 1);
		give_back(test, pair, start, len);
		fit.nr_slots = len + 1;
		KUNIT_EXPECT_EQ(test, take(test, pair, &fit), -1);
		fit.nr_slots = len;
		KUNIT_EXPECT_EQ(test, take(test, pair, &fit), start);
	}
	expect_agreement(test, pair);
}

static void slots_agree_after_random_use(struct kunit *test)
{
	static const unsigned int sizes[] = { 100, 128, 200, 384, 1000 };
	/* Takes turns with the model, up to one run per slot */
	struct { unsigned int slot, nr_slots; } *live;
	unsigned int i, round;

	live = kunit_kcalloc(test, MODEL_MAX_SLOTS, sizeof(*live), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, live);

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct slots_pair *pair = make_pair(test, sizes[i]);
		unsigned int nr_live = 0;

		for (round = 0; round < 2000; round++) {
			u32 pick = model_random(&pair->seed);
			struct slot_fit fit;
			int slot;

			if (nr_live && pick % 100 < 45) {
				pick %= nr_live;
				give_back(test, pair, live[pick].slot,
					  live[pick].nr_slots);
				live[pick] = live[--nr_live];
			} else {
				fit = random_fit(&pair->seed);
				slot = take(test, pair, &fit);
				if (slot < 0)
					continue;
				live[nr_live].slot = slot;
				live[nr_live++].nr_slots = fit.nr_slots;
			}
			expect_agreement(test, pair);
		}
	}
}

static struct kunit_case slots_test_cases[] = {
	KUNIT_CASE(slots_start_out_free),
	KUNIT_CASE(slots_run_out),
	KUNIT_CASE(slots_keep_within_segments),
	KUNIT_CASE(slots_are_aligned),
	KUNIT_CASE(slots_respect_boundaries),
	KUNIT_CASE(slots_refuse_to_free_twice),
	KUNIT_CASE(slots_find_holes),
	KUNIT_CASE(slots_agree_after_random_use),
	{}
};

static struct kunit_suite slots_test_suite = {
	.name = "swiotlb_slots",
	.test_cases = slots_test_cases,
};

kunit_test_suite(slots_test_suite);

MODULE_DESCRIPTION("Tests of swiotlb's slot search");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
