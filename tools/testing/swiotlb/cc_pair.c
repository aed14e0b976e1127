// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: chunks that are made and converted in pairs
 */
#include "cc_spans.h"

/* Memory of a confidential guest */
static struct cc *make_guest(void)
{
	shim_cc = true;
	shim_granule = SZ_2M;
	/* What is wanted must not depend on how much there is */
	shim_nr_cpus = 1;
	make_cc(&mem);
	return cc_of(&mem);
}

/* One conversion for two chunks as long as two are missing */
TEST(cc_converts_two_at_once)
{
	struct cc *cc = make_guest();
	unsigned long nr;

	nr = counted(mem.domain, shares);
	fill_at_once();
	CHECK_EQ(any()->nr_empty, cc_wanted(any()));
	/* Three, and three more if these were too few: each time two, and the one left over */
	CHECK(cc->nr_grown);
	CHECK_EQ(cc->nr_grown % 3, 0);
	CHECK_EQ(counted(mem.domain, shares) - nr, cc->nr_grown / 3 * 2);
	CHECK_EQ(cc->nr_grows, cc->nr_grown);
	CHECK_EQ(counted(mem.domain, grows), cc->nr_grown);
	CHECK_EQ(counted(mem.domain, grown_bytes), cc->nr_grown * CC_CHUNK_BYTES);
	CHECK_EQ(counted(mem.domain, granule_misses), 0);
	CHECK(!shim_took_what_is_set_aside);
	drop(nr_spans);
	drop_cc(&mem);
}

/* If only one is missing only one is made */
TEST(cc_makes_no_more_than_is_missing)
{
	struct cc *cc = make_guest();
	unsigned long nr;

	while (any()->nr_empty > cc_wanted(any()))
		CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK_EQ(cc->nr_grown, 0);
	nr = any()->nr_empty;
	CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK_EQ(cc->nr_grown, 1);
	CHECK_EQ(any()->nr_empty, nr);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Where there is no such piece of memory single chunks do, and that is no failure */
TEST(cc_makes_one_where_two_are_not_to_be_had)
{
	struct cc *cc = make_guest();
	unsigned long nr;

	shim_max_block = SZ_2M / PAGE_SIZE;
	nr = counted(mem.domain, shares);
	fill_at_once();
	CHECK(cc->nr_grown > 1);
	CHECK_EQ(counted(mem.domain, shares) - nr, cc->nr_grown);
	CHECK_EQ(cc->nr_failures, 0);
	CHECK_EQ(any()->nr_empty, cc_wanted(any()));
	drop(nr_spans);
	drop_cc(&mem);
}

/* The cap holds to the chunk */
TEST(cc_pairs_respect_the_cap)
{
	struct cc *cc = make_guest();

	set("cc_max", "22");
	fill_at_once();
	CHECK_EQ(cc->nr_grown, 3);
	CHECK_EQ(cc_bytes(&mem), 22UL << 20);
	drop(nr_spans);
	drop_cc(&mem);
}

/* What fails may fail again, and is lost: so the next one is a single chunk */
TEST(cc_loses_one_after_it_lost_two)
{
	struct cc *cc = make_guest();

	shim_refuse_conversions = 2;
	fill_at_once();
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES);
	CHECK_EQ(cc->nr_leaked, 1);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_pass_ms(11000);
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES + CC_CHUNK_BYTES);
	CHECK_EQ(cc->nr_leaked, 2);
	/* Nothing else is */
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_pass_ms(21000);
	CHECK_EQ(cc->nr_leaked, 0);
	CHECK(any()->nr_empty >= cc_wanted(any()));
	CHECK_EQ(counted(mem.domain, leaked_bytes), CC_PAIR_BYTES + CC_CHUNK_BYTES);
	drop(nr_spans);
	check_nothing_lost(&mem);
	drop_pool(&mem);
	CHECK_EQ(shim_page_bytes(), CC_PAIR_BYTES + CC_CHUNK_BYTES);
}

/* Where more than a chunk is shared at a time no part of that could be given back */
TEST(cc_makes_no_pairs_of_half_granules)
{
	struct cc *cc = make_guest();

	shim_granule = SZ_4M;
	fill_at_once();
	CHECK_EQ(cc->nr_grown, 0);
	CHECK(cc->nr_failures);
	shim_granule = SZ_2M;
	drop(nr_spans);
	drop_cc(&mem);
}
