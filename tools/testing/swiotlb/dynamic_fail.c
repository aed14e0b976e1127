// SPDX-License-Identifier: GPL-2.0
/*
 * The dynamic backend: when it may not grow, or cannot
 */
#include "dynamic_spans.h"

/* What they hold cannot be had by pools, until they are gone */
TEST(dynamic_counts_transients_against_its_cap)
{
	size_t bytes;

	make_dynamic(mem);
	fragment_memory();
	set_param("dynamic_max_mib", "6");
	take_bytes(2 * FIRST_BYTES);
	shim_max_block = 0;
	shim_pass_ms(200);
	take_bytes(32768);
	shim_settle();
	bytes = dynamic_bytes(mem);
	CHECK(bytes > FIRST_BYTES && bytes <= FIRST_BYTES + SZ_2M);
	/* The worker may not have seen the last one */
	CHECK(shim_page_bytes() <= 6 * SZ_1M + 32768);
	drop(nr_spans);
	shim_pass_ms(200);
	take_bytes(2 * FIRST_BYTES);
	shim_settle();
	CHECK(dynamic_bytes(mem) > bytes);
	CHECK(shim_page_bytes() <= 6 * SZ_1M);
	drop(nr_spans);
	drop_dynamic(mem);
}

TEST(dynamic_keeps_to_its_cap)
{
	unsigned int i;
	int err;

	shim_cc = true;
	make_dynamic(mem);
	/* What is less than a pool is used as well, down to 1 MiB */
	set_param("dynamic_max_mib", "9");
	for (i = 0; i < 20; i++) {
		do {
			err = take(IO_TLB_SIZE, U64_MAX);
		} while (!err);
		shim_pass_ms(150);
	}
	CHECK_EQ(dynamic_bytes(mem), 9 * SZ_1M);
	CHECK_EQ(shim_page_bytes(), 9 * SZ_1M);
	/* That is no failure, for which there would be other advice */
	CHECK_EQ(dynamic_of(mem)->nr_failures, 0);

	/* Another cap holds at once */
	set_param("dynamic_max_mib", "13");
	shim_pass_ms(150);
	CHECK_EQ(take(1, U64_MAX), -ENOSPC);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), 13 * SZ_1M);
	drop(nr_spans);
	drop_dynamic(mem);
}

TEST(dynamic_takes_what_is_left_of_memory)
{
	make_dynamic(mem);
	shim_max_block = SZ_1M / PAGE_SIZE;
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + SZ_1M);
	CHECK_EQ(shim_nr_grows, 1);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* No storm of attempts while there is no memory; and then it is noticed soon */
TEST(dynamic_backs_off_without_memory)
{
	unsigned long before, before_io;
	unsigned int i;

	make_dynamic(mem);
	before_io = shim_nr_io_allocs();
	shim_max_block = 1;
	take_bytes(FIRST_BYTES);
	shim_settle();
	before = shim_nr_blocking_allocs();
	for (i = 0; i < 50; i++) {
		CHECK_EQ(take(32768, U64_MAX), -ENOSPC);
		shim_settle();
	}
	CHECK_EQ(shim_nr_blocking_allocs(), before);
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);

	shim_max_block = 0;
	shim_pass_ms(120);
	CHECK_EQ(take(32768, U64_MAX), 0);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + POOL_BYTES);
	/* None of this could have waited for I/O */
	CHECK_EQ(shim_nr_io_allocs(), before_io);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* Those of whom nothing can be had do not hold up the others */
TEST(dynamic_backs_off_for_each_class)
{
	make_dynamic(mem);
	shim_zone_is_empty[SHIM_DMA] = true;
	CHECK_EQ(take(32768, REACH_24), -ENXIO);
	shim_settle();
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + POOL_BYTES);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* What is lost each time must not be lost often */
TEST(dynamic_backs_off_when_conversions_fail)
{
	unsigned int i;

	shim_cc = true;
	make_dynamic(mem);
	shim_refuse_conversions = 1000;
	take_bytes(FIRST_BYTES);
	for (i = 0; i < 60; i++) {
		shim_pass_ms(1000);
		CHECK_EQ(take(1, U64_MAX), -ENOSPC);
	}
	shim_settle();
	/* At once, and after 10 and another 20 seconds */
	CHECK_EQ(shim_doubtful_bytes(), 3 * POOL_BYTES);
	CHECK_EQ(counted(mem->domain, leaked_bytes), 3 * POOL_BYTES);

	shim_refuse_conversions = 0;
	shim_pass_ms(40000);
	CHECK_EQ(take(1, U64_MAX), -ENOSPC);
	shim_settle();
	CHECK_EQ(take(1, U64_MAX), 0);
	drop(nr_spans);
	drop_pool(mem);
	CHECK_EQ(shim_page_bytes(), 3 * POOL_BYTES);
	CHECK_EQ(shim_shared_bytes(), 0);
}

TEST(dynamic_grows_all_or_nothing)
{
	unsigned int nth;
	long live;

	make_dynamic(mem);
	/* Tables of lookup.c for what comes below are there after this */
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	drop(nr_spans);
	shim_pass_ms(7000);
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);
	live = shim_live;

	shim_cc = true;
	shim_max_block = SZ_1M / PAGE_SIZE;
	for (nth = 3; nth < 10; nth++) {
		test_note("allocation %u fails", nth);
		shim_fail_alloc(nth);
		take_bytes(FIRST_BYTES * 7 / 8);
		shim_settle();
		drop(nr_spans);
		if (!shim_alloc_failed())
			break;
		CHECK_EQ(shim_live, live);
		shim_pass_ms(120);
	}
	CHECK(nth > 4);
	drop_dynamic(mem);
}
