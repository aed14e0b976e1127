// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: kccd gives chunks back, and what the shrinker offers
 */
#include "cc_spans.h"

/* What was empty for long goes; what boot gave stays */
TEST(cc_gives_back_what_is_idle)
{
	unsigned int before;
	size_t grown;

	shim_cc = true;
	make_cc(&mem);
	fill_twice();
	grown = cc_bytes(&mem);
	CHECK(grown > FIRST_BYTES);
	CHECK_EQ(shim_shared_bytes(), grown);
	drop(nr_spans);
	shim_pass_ms(4000);
	CHECK_EQ(cc_bytes(&mem), grown);
	before = shim_grace_periods;
	/* Seen over a whole idle time, which begins up to one later */
	shim_pass_ms(11000);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES);
	CHECK(shim_grace_periods - before <= 5);
	CHECK_EQ(shim_nr_misaligned, 0);
	/* There is nothing left to watch */
	shim_pass_ms(8000);
	CHECK_EQ(shim_nr_timers(), 0);

	/* And it can be had again */
	fill();
	shim_settle();
	CHECK(cc_bytes(&mem) > FIRST_BYTES);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Nor does it rest as long as it would grow by more than it has to */
TEST(cc_calms_down_before_it_rests)
{
	struct cc_grower *grower;

	make_cc(&mem);
	grower = &any()->grower;
	grower->boost = 2;
	cc_of(&mem)->trim.work.func(&cc_of(&mem)->trim.work);
	shim_pass_ms(10000);
	CHECK_EQ(grower->boost, 0);
	CHECK_EQ(shim_nr_timers(), 0);
	drop_cc(&mem);
}

/* A load that comes and goes faster than that converts nothing */
TEST(cc_bursts_convert_nothing)
{
	unsigned long nr = 0;
	unsigned int i;

	shim_cc = true;
	make_cc(&mem);
	/*
	 * Large enough for the burst, after some. Growth keeps up with it, lest it depend on who
	 * runs when whether some burst is the first to find less than there should be.
	 */
	for (i = 0; i < 30; i++) {
		while (nr_spans < 600 && !take(SZ_64K))
			shim_settle();
		CHECK_EQ(nr_spans, 600);
		drop(nr_spans);
		if (i == 10)
			nr = shim_nr_conversions;
		shim_pass_ms(2000);
	}
	CHECK_EQ(shim_nr_conversions, nr);
	drop_cc(&mem);
}

/* While empty chunks are taken now and then, as many stay as if nothing else were free */
TEST(cc_keeps_what_is_taken)
{
	unsigned int most, i;

	make_cc(&mem);
	fill_twice();
	any()->grower.boost = 0;
	most = cc_wanted(any());
	drop(nr_spans);
	/* In five chunks half is free, which is more than the watermark for pages */
	for (i = 0; i < 10; i++)
		CHECK_EQ(take(SZ_1M), 0);
	drop_every_other();
	for (i = 0; i < 12; i++) {
		CHECK_EQ(take(SZ_2M), 0);
		drop(1);
		shim_pass_ms(1000);
	}
	CHECK(any()->nr_empty >= most);
	shim_pass_ms(15000);
	CHECK(any()->nr_empty < 3);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Slots in the caches of CPUs that are idle do not keep a chunk */
TEST(cc_idle_cpus_keep_nothing)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	fill();
	shim_settle();
	set("cc_max", "0");
	/* It may have tried at the old cap just now, and waits before it does again */
	shim_pass_ms(1000);
	/* Whether kccd is as fast as that, or not */
	take(4096);
	shim_settle();
	/* These come from chunks that were added */
	for (i = 0; i < 40; i++) {
		shim_cpu = i % 4;
		CHECK_EQ(take(4096), 0);
	}
	CHECK(cc_of(&mem)->nr_grown);
	drop(nr_spans);
	shim_cpu = 0;
	shim_pass_ms(30000);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	drop_cc(&mem);
}

/* What dma_alloc_*() asks for */
static struct swiotlb_req coherent_req(size_t bytes)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);

	make_coherent(&req);
	return req;
}

/* Pages that were allocated while buffers took all chunks hold one of them, not each */
TEST(cc_allocated_pages_lie_together)
{
	const struct swiotlb_req req = coherent_req(PAGE_SIZE);
	struct swiotlb_span pages[32];
	unsigned int i;

	make_cc(&mem);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		shim_cpu = i % 4;
		CHECK_EQ(span_alloc(&mem, &req, &pages[i]), 0);
		/* CPUs keep pages from everywhere */
		CHECK_EQ(take(PAGE_SIZE), 0);
		while (any()->nr_empty)
			CHECK_EQ(take(SZ_64K), 0);
		drop(1);
		shim_settle();
	}
	CHECK(cc_of(&mem)->nr_grown > 4);
	CHECK_EQ(any()->shelves[CC_COHERENT].nr, 1);
	CHECK_EQ(any()->shelves[CC_COHERENT].nr_free,
		 CC_CHUNK_PAGES - ARRAY_SIZE(pages));
	drop(nr_spans);
	shim_pass_ms(30000);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	while (i--)
		span_free(&pages[i]);
	CHECK_EQ(any()->shelves[CC_COHERENT].nr, 0);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Where there is nothing else buffers get the rest of their chunk, and they others */
TEST(cc_allocated_pages_share_when_full)
{
	const struct swiotlb_req page = coherent_req(PAGE_SIZE);
	const struct swiotlb_req big = coherent_req(SZ_1M);
	struct cc_shelf *shelf;

	make_cc(&mem);
	stop_growth(&mem);
	shelf = &any()->shelves[CC_COHERENT];
	CHECK_EQ(take_req(&page), 0);
	CHECK_EQ(shelf->nr_free, CC_CHUNK_PAGES - 1);
	while (any()->nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(shelf->nr_free, CC_CHUNK_PAGES - 1);
	while (!take(SZ_4K))
		;
	CHECK_EQ(shelf->nr_free, 0);

	/* The last ones were there, those before elsewhere; nothing was kept at boot */
	drop(1500);
	while (!take_req(&big))
		;
	while (!take_req(&page))
		;
	CHECK_EQ(shelf->nr_free, 0);
	CHECK_EQ(any()->shelves[CC_PAGES].nr_free, 0);
	/* But not what was promised to buffers, nor slabs */
	CHECK(any()->shelves[CC_LAST].nr_free > 0);
	CHECK_EQ(any()->shelves[CC_RUN_2K].nr, 0);
	CHECK_EQ(take(SZ_4K), 0);
	drop(nr_spans);
	drop_cc(&mem);
}

/* If memory is tight all that is empty goes at once, and does not come back soon */
TEST(cc_shrinks_if_memory_is_tight)
{
	make_cc(&mem);
	fill_twice();
	drop(nr_spans);
	CHECK(cc_of(&mem)->nr_grown);
	CHECK(shim_shrink() >= CC_CHUNK_BYTES / PAGE_SIZE);
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	while (any()->nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	/* But who finds nothing comes first */
	while (!take(SZ_2M))
		;
	shim_settle();
	CHECK_EQ(take(SZ_2M), 0);
	drop(nr_spans);
	drop_cc(&mem);
}

/* However tight memory is, conversions that fail are not tried again and again */
TEST(cc_shrinking_does_not_hurry_growth)
{
	shim_cc = true;
	make_cc(&mem);
	shim_refuse_conversions = 1;
	fill_at_once();
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES);
	cc_of(&mem)->squeeze.work.func(&cc_of(&mem)->squeeze.work);
	shim_refuse_conversions = 1;
	shim_pass_ms(2000);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_settle();
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES);
	shim_refuse_conversions = 0;
	drop(nr_spans);
	drop_pool(&mem);
}

/* What cannot go is not offered: empty boot memory, and grown memory in use */
TEST(cc_offers_only_what_can_go)
{
	unsigned int i, nr = 0;

	make_cc(&mem);
	fill();
	shim_settle();
	CHECK_EQ(take(SZ_2M), 0);
	/* What is under way would come after all went */
	shim_settle();
	/* All but that one, which is in a chunk that was added */
	for (i = 0; i < nr_spans; i++) {
		if (spans[i].nr_slots << spans[i].pool->slot_shift == SZ_2M)
			spans[nr++] = spans[i];
		else
			span_free(&spans[i]);
	}
	nr_spans = nr;
	CHECK_EQ(nr, 1);
	shim_shrink();
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_grown, 1);
	CHECK(any()->nr_empty > 2);
	CHECK_EQ(shim_shrink(), 0);
	drop(nr_spans);
	drop_cc(&mem);
}
