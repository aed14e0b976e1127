// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: memory that is taken early in boot, wherever it is, and if it is not
 */
#include "cc_spans.h"

static int (*remap)(void *tlb, unsigned long nslabs);

/* What there is no memory for, or not that kind of it, leaves nothing behind */
static int init_fails(const struct swiotlb_params *params)
{
	int err;

	mem.ops = &swiotlb_cc;
	mem.domain = &swiotlb_default_domain;
	err = mem.ops->init(&mem, params);
	CHECK(!mem.backend);
	return err;
}

/* As boot does it, before there are slabs, workers and other CPUs */
static int init_early(size_t bytes, unsigned int flags)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_EARLY,
		.flags = flags,
		.bytes = bytes,
		.nr_areas = 4,
		.remap = remap,
	};
	int err;

	memset(&mem, 0, sizeof(mem));
	mem.ops = &swiotlb_cc;
	mem.domain = &swiotlb_default_domain;
	shim_slab = false;
	err = mem.ops->init(&mem, &params);
	shim_slab = true;
	if (err)
		CHECK(!mem.backend);
	return err;
}

static unsigned int nr_chunks(enum cc_reach reach)
{
	struct cc *cc = cc_of(&mem);

	return reach < cc->nr_depots ? cc->depots[reach].nr_chunks : 0;
}

/* Whatever cannot be had: there is less memory, or none, and nothing is lost */
static void fail_each_allocation(unsigned int flags)
{
	size_t before;
	unsigned int nth;
	bool failed;
	int err;

	wake_workers();
	/* The tables of lookup stay */
	CHECK_EQ(init_early(SZ_16M, flags), 0);
	mem.ops->exit(&mem);
	before = shim_page_bytes();
	for (nth = 1, failed = true; failed; nth++) {
		test_note("allocation %u", nth);
		shim_fail_alloc(nth);
		err = init_early(SZ_16M, flags);
		failed = shim_alloc_failed();
		if (err) {
			CHECK(failed);
			CHECK_EQ(err, -ENOMEM);
		} else {
			CHECK(nr_chunks(CC_ANY) || nr_chunks(CC_LOW));
			mem.ops->exit(&mem);
		}
		CHECK_EQ(shim_page_bytes(), before);
	}
	CHECK(nth > 10);
}

TEST(cc_early_init_survives_failed_allocations)
{
	fail_each_allocation(0);
}

TEST(cc_early_init_survives_failed_allocations_above_4_gib)
{
	fail_each_allocation(SWIOTLB_ANY);
}

/* One piece, of which the end is for those who reach little; or a piece for each */
TEST(cc_early_memory_has_two_reaches)
{
	unsigned int flags;

	wake_workers();
	for (flags = 0; flags <= SWIOTLB_ANY; flags += SWIOTLB_ANY) {
		CHECK_EQ(init_early(SZ_16M, flags), 0);
		CHECK(nr_chunks(CC_ANY) && nr_chunks(CC_LOW));
		CHECK_EQ(take_from(SZ_64K, REACH_32), 0);
		CHECK(spans[0].pool->end <= SZ_4G);
		CHECK_EQ(take(SZ_64K), 0);
		CHECK_EQ(spans[1].pool->start >= SZ_4G, !!flags);
		drop(nr_spans);
		cc_cpus_flush(cc_of(&mem), true);
		mem.ops->exit(&mem);
	}
}

/* On a small machine there is nothing to tell apart */
TEST(cc_early_memory_has_one_reach)
{
	max_pfn = PHYS_PFN(SZ_4G);
	wake_workers();
	CHECK_EQ(init_early(SZ_8M, 0), 0);
	CHECK_EQ(nr_chunks(CC_LOW), 4);
	CHECK_EQ(nr_chunks(CC_ANY), 0);
	CHECK_EQ(take_from(SZ_2M, REACH_32), 0);
	CHECK_EQ(take(SZ_2M), 0);
	drop(nr_spans);
	mem.ops->exit(&mem);
}

/* What nobody asked for is little, unless there are so many CPUs */
TEST(cc_early_memory_is_little_unless_wanted)
{
	static const struct {
		size_t bytes;
		unsigned int flags;
		size_t has;
	} cases[] = {
		{ SZ_64M, 0, SZ_64M },
		{ SZ_64M, SWIOTLB_UNSIZED, SZ_8M },
		{ 2 * SZ_64M, SWIOTLB_UNSIZED, 2 * SZ_64M },
	};
	unsigned int i;

	wake_workers();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		test_note("case %u", i);
		CHECK_EQ(init_early(cases[i].bytes, cases[i].flags), 0);
		CHECK_EQ(cc_bytes(&mem), cases[i].has);
		mem.ops->exit(&mem);
	}
}

static int remap_nothing(void *tlb, unsigned long nslabs)
{
	return 0;
}

/* Where the platform remaps memory, it is what it was at boot */
TEST(cc_cannot_grow_where_memory_is_remapped)
{
	wake_workers();
	remap = remap_nothing;
	CHECK_EQ(init_early(SZ_8M, 0), 0);
	CHECK(mem.end < SZ_4G);
	fill();
	shim_settle();
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_pass_ms(1000);
	CHECK_EQ(cc_bytes(&mem), SZ_8M);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	/* Nor has it anything to offer if memory is tight */
	CHECK_EQ(shim_shrink(), 0);
	drop(nr_spans);
	shim_pass_ms(30000);
	mem.ops->exit(&mem);
}

/* Less than a chunk is of no use, and goes back */
TEST(cc_early_memory_is_whole_chunks)
{
	size_t before;

	wake_workers();
	CHECK_EQ(init_early(SZ_8M, 0), 0);
	mem.ops->exit(&mem);
	before = shim_page_bytes();
	/* Half as much is asked for until there is enough */
	shim_max_block = (3 * SZ_1M) / PAGE_SIZE;
	CHECK_EQ(init_early(SZ_8M, 0), 0);
	CHECK_EQ(nr_chunks(CC_ANY) + nr_chunks(CC_LOW), 1);
	mem.ops->exit(&mem);
	CHECK_EQ(shim_page_bytes(), before);
	shim_max_block = SZ_1M / PAGE_SIZE;
	CHECK_EQ(init_early(SZ_8M, 0), -ENOMEM);
	CHECK_EQ(shim_page_bytes(), before);
}

/* Memory that firmware reserved need not consist of chunks */
TEST(cc_takes_no_reserved_memory)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_RESERVED,
		.base = 0x1000000,
		.bytes = SZ_8M,
	};

	CHECK_EQ(init_fails(&params), -EOPNOTSUPP);
}

/* Nor what lies beyond the end of memory that was told, as what is plugged in later may */
TEST(cc_takes_no_memory_beyond_its_end)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = SZ_8M,
		.gfp = GFP_KERNEL,
	};

	wake_workers();
	max_pfn = PHYS_PFN(SZ_4G);
	CHECK_EQ(init_fails(&params), -ENOMEM);
	CHECK_EQ(shim_page_bytes(), 0);
}

/* Where there is no low memory, what there is may still be in use */
TEST(cc_is_full_without_low_memory)
{
	wake_workers();
	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	CHECK_EQ(init_early(SZ_8M, SWIOTLB_ANY), 0);
	CHECK_EQ(nr_chunks(CC_LOW), 0);
	stop_growth(&mem);
	fill();
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	CHECK_EQ(take_from(SZ_64K, REACH_32), -ENXIO);
	drop(nr_spans);
	mem.ops->exit(&mem);
}

/* Chunks that are less than what can be shared at a time are none */
TEST(cc_needs_chunks_of_whole_granules)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = SZ_8M,
		.gfp = GFP_KERNEL,
	};

	wake_workers();
	shim_cc = true;
	shim_granule = SZ_4M;
	CHECK_EQ(init_fails(&params), -ENOMEM);
	CHECK_EQ(shim_page_bytes(), 0);
	CHECK_EQ(shim_shared_bytes(), 0);
}
