// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: when kccd begins to make chunks, so that they are there in time
 */
#include "cc_spans.h"

/* The more there is the earlier it grows: of 256 MiB eight should be free in chunks */
TEST(cc_grows_large_memory_ahead)
{
	/* Few, so that it is the memory that counts */
	shim_nr_cpus = 1;
	make_cc_of(&mem, 256UL << 20);
	shim_settle();
	while (any()->nr_empty > 6)
		CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	while (any()->nr_empty > 3)
		CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK(cc_of(&mem)->nr_grown);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Each CPU can use up two chunks before there is a new one; but that is not for small memory */
TEST(cc_wants_chunks_for_each_cpu)
{
	static const struct {
		unsigned int nr_cpus;
		size_t bytes;
		unsigned int nr_wanted;
	} cases[] = {
		/* A 32nd, two chunks for each, and a quarter; 1 is for the small classes */
		{ .nr_cpus = 1, .bytes = 256UL << 20, .nr_wanted = 4 + 1 },
		{ .nr_cpus = 12, .bytes = 256UL << 20, .nr_wanted = 24 + 1 },
		{ .nr_cpus = 64, .bytes = 256UL << 20, .nr_wanted = 32 + 1 },
		{ .nr_cpus = 64, .bytes = 32UL << 20, .nr_wanted = 4 + 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		shim_nr_cpus = cases[i].nr_cpus;
		make_cc_of(&mem, cases[i].bytes);
		stop_growth(&mem);
		/* Nothing is to be free on shelves, but there is to be no need either */
		while (any()->nr_empty > 1)
			CHECK_EQ(take(SZ_2M), 0);
		CHECK_EQ(cc_wanted(any()), cases[i].nr_wanted);
		/* Of no memory can more than half always be empty */
		any()->grower.boost = 6;
		CHECK_EQ(cc_wanted(any()), any()->nr_chunks / 2);
		drop(nr_spans);
		drop_cc(&mem);
	}
}

/* Free pages that are of no use to large buffers are not what should be free for them */
TEST(cc_short_runs_are_not_enough)
{
	make_cc(&mem);
	while (any()->nr_empty)
		CHECK_EQ(take(SZ_512K), 0);
	drop_every_other();
	while (any()->nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK(any()->shelves[CC_PAGES].nr_free >= SZ_4M / SZ_4K);
	CHECK(any()->nr_empty >= SZ_4M / CC_CHUNK_BYTES);
	drop(nr_spans);
	drop_cc(&mem);
}

/* What was too little is doubled even if it was nothing */
TEST(cc_wants_more_than_nothing)
{
	make_cc(&mem);
	set("cc_watermarks", "0,0,0,0,0,0");
	CHECK_EQ(cc_wanted(any()), 0);
	any()->grower.boost = 1;
	CHECK_EQ(cc_wanted(any()), 2);
	drop_cc(&mem);
}

/* So many chunks are empty, but of others half is free, and so kccd wanted no more */
static void make_cc_with_runs(unsigned int nr_empty)
{
	make_cc_of(&mem, 256UL << 20);
	while (any()->nr_empty > 20)
		CHECK_EQ(take(SZ_1M), 0);
	drop_every_other();
	while (any()->nr_empty > nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
}

/* Nobody asks when what was free elsewhere is used up, so who takes an empty chunk does */
TEST(cc_asks_before_the_last_one)
{
	make_cc_with_runs(4);
	while (any()->shelves[CC_PAGES].nr_long >= 256)
		CHECK_EQ(take(SZ_1M), 0);
	shim_settle();
	CHECK_EQ(any()->nr_empty, 4);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK(cc_of(&mem)->nr_grown);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Also if there were few of them when kccd looked last, and many have come back since */
TEST(cc_asks_before_the_last_one_of_many)
{
	make_cc_with_runs(1);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	drop(nr_spans);
	CHECK(any()->nr_empty > 100);
	while (any()->nr_empty > 3)
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK(cc_of(&mem)->nr_grown);
	drop(nr_spans);
	drop_cc(&mem);
}

/* CPUs may take long to give back what they keep; new chunks do not wait for that */
TEST(cc_grows_while_cpus_are_asked)
{
	unsigned int tries = 5000;
	struct cc *cc;

	make_cc(&mem);
	cc = cc_of(&mem);
	while (any()->nr_empty > 4)
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK_EQ(cc->nr_grown, 0);
	mutex_lock(&cc->flush_lock);
	WRITE_ONCE(cc->reclaim, true);
	CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(take(SZ_2M), 0);
	while (!READ_ONCE(cc->nr_grown) && tries--)
		msleep(20);
	CHECK(READ_ONCE(cc->nr_grown));
	mutex_unlock(&cc->flush_lock);
	shim_settle();
	CHECK(!cc->reclaim);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Nothing is left to be done with memory that is gone */
TEST(cc_leaves_no_work_behind)
{
	struct cc *cc;

	make_cc(&mem);
	cc = cc_of(&mem);
	CHECK(swiotlb_queue_work(&cc->grow, HZ));
	CHECK(swiotlb_queue_work(&cc->flush, HZ));
	CHECK(swiotlb_queue_work(&cc->trim, HZ));
	CHECK(swiotlb_queue_work(&cc->squeeze, HZ));
	drop_cc(&mem);
	shim_pass_ms(5000);
}
