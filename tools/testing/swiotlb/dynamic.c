// SPDX-License-Identifier: GPL-2.0
/*
 * The dynamic backend: when it grows, and what serves until it has grown
 */
#include "dynamic_spans.h"

TEST(dynamic_is_fixed_as_long_as_there_is_room)
{
	make_dynamic(mem);
	take_bytes(FIRST_BYTES * 3 / 4 - 65536);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);
	while (nr_spans) {
		CHECK(is_first(&spans[nr_spans - 1]));
		drop(1);
	}
	CHECK_EQ(shim_nr_timers(), 0);
	drop_dynamic(mem);
}

TEST(dynamic_grows_ahead_of_need)
{
	make_dynamic(mem);
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + POOL_BYTES);
	CHECK_EQ(shim_nr_grows, 1);
	/* Whoever reaches it is served from above */
	CHECK_EQ(shim_zone_bytes(SHIM_NORMAL), POOL_BYTES);

	take_bytes(4 * POOL_BYTES);
	shim_settle();
	/* To within what areas have not reported */
	CHECK(dynamic_bytes(mem) * 3 / 4 + SZ_1M >= mem->ops->used(mem) -
	      transient_bytes(mem->domain));
	drop(nr_spans);
	drop_dynamic(mem);
}

/* One wave of growth is enough, though nobody asks again */
TEST(dynamic_grows_until_a_quarter_is_free)
{
	make_dynamic(mem);
	while (dynamic_bytes(mem) < FIRST_BYTES + 3 * POOL_BYTES) {
		CHECK_EQ(take(32768, U64_MAX), 0);
		shim_settle();
	}
	/* Fill it while there is no memory for more */
	shim_max_block = 16;
	while (!is_transient(&spans[nr_spans - 1]))
		CHECK_EQ(take(32768, U64_MAX), 0);
	shim_settle();
	shim_max_block = 0;
	shim_pass_ms(200);
	CHECK_EQ(take(32768, U64_MAX), 0);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + 5 * POOL_BYTES);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* A burst is served at once, before any worker can do anything */
TEST(dynamic_serves_bursts_by_transients)
{
	unsigned int nr = 0, i;

	make_dynamic(mem);
	fragment_memory();
	set_param("dynamic_max_mib", "4");
	take_bytes(2 * FIRST_BYTES);
	for (i = 0; i < nr_spans; i++)
		nr += is_transient(&spans[i]);
	CHECK_EQ(nr, FIRST_BYTES / 32768);
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);
	CHECK_EQ(mem->ops->used(mem), 2 * FIRST_BYTES);
	CHECK_EQ(transient_bytes(mem->domain), FIRST_BYTES);

	/* The cap is for all pools together */
	CHECK_EQ(take(1, U64_MAX), -ENOSPC);

	drop(nr_spans);
	CHECK_EQ(mem->ops->used(mem), 0);
	CHECK_EQ(transient_bytes(mem->domain), 0);
	shim_settle();
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);
	drop_dynamic(mem);
}

/* Those that were freed and not reaped yet, too */
TEST(dynamic_exit_takes_transients_along)
{
	make_dynamic(mem);
	take_bytes(FIRST_BYTES + SZ_1M);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* It takes one grace period to free many */
TEST(dynamic_reaps_in_batches)
{
	unsigned int before;

	make_dynamic(mem);
	fragment_memory();
	take_bytes(2 * FIRST_BYTES);
	shim_settle();
	before = shim_grace_periods;
	/* The first of them that ends has a worker wait until all have */
	rcu_read_lock();
	drop(nr_spans);
	rcu_read_unlock();
	shim_settle();
	CHECK(shim_grace_periods > before);
	CHECK(shim_grace_periods - before <= 3);
	drop_dynamic(mem);
}

/* Memory cannot be converted in a hurry: who is too fast must be refused */
TEST(dynamic_has_no_transients_in_confidential_guests)
{
	int err;

	shim_cc = true;
	make_dynamic(mem);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES);
	set_param("dynamic_max_mib", "6");
	while (!(err = take(32768, U64_MAX)))
		CHECK(!is_transient(&spans[nr_spans - 1]));
	CHECK_EQ(err, -ENOSPC);
	shim_settle();
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES + POOL_BYTES);
	CHECK_EQ(take(32768, U64_MAX), 0);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* Fragmentation makes it grow by what was asked for, while much is free */
TEST(dynamic_grows_when_nothing_fits)
{
	unsigned int i, nr = 0;

	shim_cc = true;
	make_dynamic(mem);
	for (i = 0; i < FIRST_BYTES / IO_TLB_SIZE; i++)
		CHECK_EQ(take(IO_TLB_SIZE, U64_MAX), 0);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + POOL_BYTES);
	/* Nothing larger than 30 KiB has room in the first pool any more */
	for (i = 0; i < nr_spans; i++) {
		if (is_first(&spans[i]) && i % 16)
			span_free(&spans[i]);
		else
			spans[nr++] = spans[i];
	}
	nr_spans = nr;

	while (!take(32768, U64_MAX))
		nr++;
	CHECK(nr_spans > POOL_BYTES / 32768);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + 2 * POOL_BYTES);
	CHECK_EQ(take(32768, U64_MAX), 0);
	drop(nr_spans);
	drop_dynamic(mem);
}

/* Where all memory is low there is no need to tell it from what is not */
TEST(dynamic_grows_where_memory_is_low)
{
	struct area_set *set;

	max_pfn = PHYS_PFN(SZ_4G);
	shim_zone_is_empty[SHIM_NORMAL] = true;
	make_dynamic(mem);
	set = &dynamic_of(mem)->set;
	CHECK_EQ(set->high_start, set->nr_areas);
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES + POOL_BYTES);
	CHECK_EQ(set->low_end, 2 * AREAS_PER_GROUP);
	CHECK_EQ(take(32768, REACH_32), 0);
	drop(nr_spans);
	drop_dynamic(mem);
}

static int refuse_nothing(void *tlb, unsigned long nslabs)
{
	return 0;
}

/* Where the platform remaps memory, it is what it was at boot */
TEST(dynamic_cannot_grow_where_memory_is_remapped)
{
	unsigned long nr_allocs;

	boot_early("1024,4,dynamic", 0, refuse_nothing);
	boot_initcalls();
	mem = default_mem();
	take_bytes(FIRST_BYTES);
	nr_allocs = shim_nr_blocking_allocs();
	shim_pass_ms(1000);
	CHECK_EQ(take(1, U64_MAX), -ENOSPC);
	shim_settle();
	CHECK_EQ(shim_nr_blocking_allocs(), nr_allocs);
	CHECK_EQ(default_mem()->nslabs, 1024);
	CHECK_EQ(default_mem()->end, default_mem()->start + FIRST_BYTES);
	drop(nr_spans);
}

/* High memory alone will do where nobody has to bounce what he cannot reach */
TEST(dynamic_reserves_low_memory_for_guests_only)
{
	boot_early("1024,4,dynamic", SWIOTLB_ANY, NULL);
	boot_initcalls();
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	CHECK_EQ(default_mem()->nslabs, 1024);
	CHECK_EQ(shim_zone_bytes(SHIM_DMA32), 0);
}

TEST(dynamic_grows_after_an_early_start)
{
	boot_early("1024,4,dynamic", 0, NULL);
	mem = default_mem();
	/* No workers yet, so nobody can make pools */
	take_bytes(2 * FIRST_BYTES);
	boot_initcalls();
	CHECK_EQ(default_mem()->nslabs, 1024);
	CHECK_EQ(take(1, U64_MAX), 0);
	shim_settle();
	CHECK_EQ(default_mem()->nslabs, 1024 + 2048);
	drop(nr_spans);
}
