// SPDX-License-Identifier: GPL-2.0
/*
 * Slot maps against a model that has one flag per slot
 */
#include "slots_ops.h"
#include "test.h"

static const unsigned int map_sizes[] = {
	1, 2, 3, 63, 64, 65, 127, 128, 129, 191, 192, 193, 256, 300, 384,
};

static const unsigned long bases[] = {
	0, 1, 2, 5, 63, 64, 100, 127, 128, 129, 1UL << 20, (1UL << 41) + 77,
};

static const unsigned long boundaries[] = {
	~0UL, ~0UL >> 11, 0xffff, 255, 127, 63, 31, 7, 1, 0,
};

static u64 seed;

static unsigned int pick_of(unsigned int nr)
{
	return model_random_below(&seed, nr);
}

/* Take slots at random, or each second one, or all but a few */
static void fill(struct slots_model *model, struct slot_map *map,
		 unsigned int percent)
{
	struct slot_fit fit = { .nr_slots = 1, .boundary = ~0UL };
	unsigned int slot;

	for (slot = 0; slot < model->nr_slots; slot++)
		CHECK_EQ(slot_map_alloc(map, &fit), slot);
	for (slot = 0; slot < model->nr_slots; slot++) {
		if (pick_of(100) >= percent)
			slot_map_free(map, slot, 1);
		else
			model_set(model, slot, 1, true);
	}
	CHECK_OK(model_check(model, map));
}

/* One search with all that may go wrong, and then as if it had not been */
static void try_fit(struct slots_model *model, struct slot_map *map,
		    const struct slot_fit *fit)
{
	unsigned int nr_used = map->nr_used;
	int slot = slot_map_alloc(map, fit);

	test_note("%u slots, %u used: run of %u, mask %#x, bits %#x, boundary %#lx, base %#lx",
		  map->nr_slots, nr_used, fit->nr_slots, fit->mask, fit->bits,
		  fit->boundary, fit->base);
	CHECK_EQ(slot, model_find(model, fit));
	if (slot < 0) {
		CHECK_EQ(model_search(model, fit, 1), -1);
		CHECK_EQ(map->nr_used, nr_used);
		return;
	}

	CHECK(model_fits(model, fit, slot));
	CHECK_EQ(map->nr_used, nr_used + fit->nr_slots);
	slot_map_free(map, slot, fit->nr_slots);
	CHECK_EQ(map->nr_used, nr_used);
}

static void search_everything(unsigned int nr_slots, unsigned int percent)
{
	void *meta = calloc(1, slot_map_bytes(nr_slots));
	struct slots_model model;
	struct slot_map map;
	unsigned int nr, mask;

	slot_map_init(&map, nr_slots, meta);
	model_init(&model, nr_slots);
	CHECK_OK(model_check(&model, &map));
	fill(&model, &map, percent);

	for (nr = 1; nr <= SLOTS_PER_SEG; nr++) {
		for (mask = 0; mask <= SLOTS_PER_SEG + 6; mask++) {
			/* In the end some that are larger than a segment */
			unsigned int m = mask <= SLOTS_PER_SEG ? mask :
					 (2U << (mask - SLOTS_PER_SEG + 6)) - 1;
			struct slot_fit fit = {
				.nr_slots = nr,
				.mask = m,
				.bits = model_random(&seed) & m,
				.boundary = ~0UL >> 11,
				.base = bases[pick_of(ARRAY_SIZE(bases))],
			};

			try_fit(&model, &map, &fit);
			fit.bits = 0;
			fit.boundary = boundaries[pick_of(ARRAY_SIZE(boundaries))];
			try_fit(&model, &map, &fit);
		}
	}
	CHECK_OK(model_check(&model, &map));
	free(meta);
}

TEST(slots_match_model_at_any_size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(map_sizes); i++) {
		search_everything(map_sizes[i], 0);
		search_everything(map_sizes[i], 100);
	}
}

TEST(slots_match_model_when_nearly_empty)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(map_sizes); i++) {
		search_everything(map_sizes[i], 1);
		search_everything(map_sizes[i], 3);
	}
}

TEST(slots_match_model_when_fragmented)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(map_sizes); i++) {
		search_everything(map_sizes[i], 15);
		search_everything(map_sizes[i], 50);
		search_everything(map_sizes[i], 90);
	}
}

/* A hole of each length at each place, found by what fits exactly, and no more */
TEST(slots_find_each_hole)
{
	struct slot_fit fit = { .boundary = ~0UL };
	static struct slots_model model;
	void *meta = calloc(1, slot_map_bytes(SLOTS_PER_SEG));
	struct slot_map map;
	unsigned int start, len;

	slot_map_init(&map, SLOTS_PER_SEG, meta);
	model_init(&model, SLOTS_PER_SEG);
	fill(&model, &map, 100);

	for (start = 0; start < SLOTS_PER_SEG; start++) {
		for (len = 1; start + len <= SLOTS_PER_SEG; len++) {
			test_note("hole at %u of %u", start, len);
			slot_map_free(&map, start, len);
			fit.nr_slots = len + 1;
			if (fit.nr_slots <= SLOTS_PER_SEG)
				CHECK_EQ(slot_map_alloc(&map, &fit), -1);
			fit.nr_slots = len;
			CHECK_EQ(slot_map_alloc(&map, &fit), start);
		}
	}
	CHECK_OK(model_check(&model, &map));
	free(meta);
}

/* A run of which any slot is free is not given back, nothing changes */
TEST(slots_refuse_to_free_twice)
{
	struct slot_fit fit = { .nr_slots = 10, .boundary = ~0UL };
	void *meta = calloc(1, slot_map_bytes(200));
	static struct slots_model model;
	struct slot_map map;
	unsigned int slot;

	slot_map_init(&map, 200, meta);
	model_init(&model, 200);
	for (slot = 0; slot < 60; slot += 10) {
		CHECK_EQ(slot_map_alloc(&map, &fit), slot);
		model_set(&model, slot, 10, true);
	}
	for (slot = 51; slot < 190; slot++) {
		if (slot % SLOTS_PER_SEG + 10 <= SLOTS_PER_SEG)
			CHECK(!slot_map_free(&map, slot, 10));
	}
	CHECK_OK(model_check(&model, &map));

	CHECK(slot_map_free(&map, 20, 10));
	CHECK(!slot_map_free(&map, 20, 10));
	CHECK(!slot_map_free(&map, 15, 6));
	CHECK(!slot_map_free(&map, 29, 2));
	model_set(&model, 20, 10, false);
	CHECK_OK(model_check(&model, &map));
	free(meta);
}

/* Many segments: the bitmaps of segments have more than one word */
TEST(slots_of_many_segments)
{
	const unsigned int nr_segs = 200, nr_slots = nr_segs * SLOTS_PER_SEG - 3;
	struct slot_fit whole = { .nr_slots = SLOTS_PER_SEG, .boundary = ~0UL };
	struct slot_fit one = { .nr_slots = 1, .boundary = ~0UL };
	void *meta = calloc(1, slot_map_bytes(nr_slots));
	struct slot_map map;
	unsigned int seg;

	slot_map_init(&map, nr_slots, meta);
	for (seg = 0; seg + 1 < nr_segs; seg++)
		CHECK_EQ(slot_map_alloc(&map, &whole), seg * SLOTS_PER_SEG);
	CHECK_EQ(slot_map_alloc(&map, &whole), -1);
	CHECK_EQ(slot_map_alloc(&map, &one), seg * SLOTS_PER_SEG);

	for (seg = 0; seg + 1 < nr_segs; seg++) {
		slot_map_free(&map, seg * SLOTS_PER_SEG, SLOTS_PER_SEG);
		CHECK_EQ(slot_map_alloc(&map, &whole), seg * SLOTS_PER_SEG);
	}
	slot_map_free(&map, 70 * SLOTS_PER_SEG + 5, 1);
	CHECK_EQ(slot_map_alloc(&map, &one), 70 * SLOTS_PER_SEG + 5);
	free(meta);
}

/* The memory asked for is all that is touched, as AddressSanitizer sees */
TEST(slots_keep_to_their_memory)
{
	unsigned int nr_slots;

	for (nr_slots = 1; nr_slots < 64 * SLOTS_PER_SEG + 3; nr_slots += 61) {
		size_t bytes = slot_map_bytes(nr_slots);
		struct slot_fit fit = { .nr_slots = 1, .boundary = ~0UL };
		struct slot_map map;
		void *meta = calloc(1, bytes);
		unsigned int slot;

		slot_map_init(&map, nr_slots, meta);
		for (slot = 0; slot < nr_slots; slot++)
			CHECK_EQ(slot_map_alloc(&map, &fit), slot);
		CHECK_EQ(slot_map_alloc(&map, &fit), -1);
		for (slot = 0; slot < nr_slots; slot++)
			slot_map_free(&map, slot, 1);
		CHECK_EQ(map.nr_used, 0);
		CHECK((char *)map.orders + map.nr_segs <= (char *)meta + bytes);
		free(meta);
	}
}

TEST(slots_survive_random_use)
{
	unsigned int i;

	for (i = 0; i < 400; i++)
		slots_ops_run(i, map_sizes[i % ARRAY_SIZE(map_sizes)]);
}

/* As an empty map would have it */
TEST(slots_tell_what_is_possible)
{
	unsigned int nr_slots = 4 * SLOTS_PER_SEG, i, nr_not = 0;
	void *meta = calloc(1, slot_map_bytes(nr_slots));
	struct slot_map map;

	slot_map_init(&map, nr_slots, meta);
	for (i = 0; i < 20000; i++) {
		unsigned int mask = model_random(&seed) >> pick_of(31);
		struct slot_fit fit = {
			.nr_slots = pick_of(SLOTS_PER_SEG) + 1,
			.mask = mask,
			.bits = model_random(&seed) & mask,
			.boundary = boundaries[pick_of(ARRAY_SIZE(boundaries))],
			.base = bases[pick_of(ARRAY_SIZE(bases))],
		};
		bool possible = slot_fit_possible(&fit, 4);
		int slot = slot_map_alloc(&map, &fit);

		CHECK_EQ(possible, slot >= 0);
		if (slot >= 0)
			slot_map_free(&map, slot, fit.nr_slots);
		nr_not += !possible;
	}
	/* Some of either kind */
	CHECK(nr_not > 1000 && nr_not < 19000);
	free(meta);
}

TEST(slots_close_and_open)
{
	struct slot_fit fit = { .nr_slots = 3, .boundary = ~0UL };
	void *meta = calloc(1, slot_map_bytes(300));
	struct slot_map map;
	int slot;

	slot_map_init(&map, 300, meta);
	slot = slot_map_alloc(&map, &fit);
	CHECK_EQ(slot, 0);
	CHECK(!slot_map_close(&map));
	CHECK_EQ(slot_map_alloc(&map, &fit), 3);
	slot_map_free(&map, 0, 3);
	slot_map_free(&map, 3, 3);

	CHECK(slot_map_close(&map));
	CHECK_EQ(slot_map_alloc(&map, &fit), -1);
	slot_map_open(&map, 300);
	CHECK_EQ(slot_map_alloc(&map, &fit), 0);
	free(meta);
}
