// SPDX-License-Identifier: GPL-2.0
/*
 * From addresses to pools: each boundary probed from both sides
 */
#include "../../../kernel/dma/swiotlb/tests/lookup_cases.h"
#include "system.h"

#define MAX_POOLS	256

static struct swiotlb_domain domain, other_domain;
static struct io_tlb_mem iotlb = { .domain = &domain };
static struct io_tlb_mem other_iotlb = { .domain = &other_domain };
static struct swiotlb_mem mem = { .domain = &domain };
static struct swiotlb_mem other_mem = { .domain = &other_domain };
static struct device dev = { .dma_io_tlb_mem = &iotlb };
static struct io_tlb_pool pools[MAX_POOLS];
static unsigned int nr_pools;

static struct io_tlb_pool *add_pool(phys_addr_t start, phys_addr_t end)
{
	struct io_tlb_pool *pool = &pools[nr_pools++];

	*pool = (struct io_tlb_pool){ .start = start, .end = end, .mem = &mem };
	return pool;
}

/* What a look at all pools would say */
static struct io_tlb_pool *expected(phys_addr_t paddr)
{
	unsigned int i;

	for (i = 0; i < nr_pools; i++) {
		if (paddr >= pools[i].start && paddr < pools[i].end)
			return &pools[i];
	}
	return NULL;
}

static void probe(phys_addr_t paddr)
{
	test_note("address %#llx", (unsigned long long)paddr);
	CHECK(swiotlb_find_pool(&dev, paddr) == expected(paddr));
	/* And the table alone, whatever the inline part filters out */
	CHECK(__swiotlb_find_pool(&dev, paddr) == expected(paddr));
}

static void probe_around(phys_addr_t paddr)
{
	static const u64 steps[] = {
		0, 1, PAGE_SIZE, 1ULL << 21, 1ULL << 30, 1ULL << 31,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		probe(paddr + steps[i]);
		probe(paddr - steps[i]);
		probe(paddr + steps[i] - 1);
		probe(paddr - steps[i] - 1);
	}
}

static void probe_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_pools; i++) {
		probe_around(pools[i].start);
		probe_around(pools[i].end);
		probe((pools[i].start + pools[i].end) / 2);
	}
	probe_around(0);
	probe_around(1ULL << 32);
	probe_around(1ULL << 52);
	probe_around(1ULL << 63);
}

static void make_pools(const struct lookup_case *c)
{
	unsigned int i;

	nr_pools = 0;
	for (i = 0; i < LOOKUP_CASE_POOLS && c->pools[i].bytes; i++)
		add_pool(c->pools[i].start,
			 c->pools[i].start + c->pools[i].bytes);
}

TEST(lookup_before_any_pool)
{
	struct device unrelated = {};

	probe_all();
	CHECK(!swiotlb_find_pool(&unrelated, 0x1000));
}

TEST(lookup_hits_and_misses)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(lookup_cases); i++) {
		make_pools(&lookup_cases[i]);
		for (j = 0; j < nr_pools; j++)
			CHECK_EQ(swiotlb_pool_publish(&pools[j]), 0);
		probe_all();

		/* Each that goes leaves the others alone */
		while (nr_pools) {
			swiotlb_pool_retract(&pools[--nr_pools]);
			probe_around(pools[nr_pools].start);
			probe_around(pools[nr_pools].end);
			probe_all();
		}
	}
}

TEST(lookup_each_page_of_a_pool)
{
	struct io_tlb_pool *pool = add_pool(0x3ff7f000, 0x40481000);
	phys_addr_t paddr;

	CHECK_EQ(swiotlb_pool_publish(pool), 0);
	for (paddr = 0x3fc00000; paddr < 0x40800000; paddr += PAGE_SIZE) {
		probe(paddr);
		probe(paddr + PAGE_SIZE - 1);
	}
}

TEST(lookup_minds_whose_pool_it_is)
{
	struct device other = { .dma_io_tlb_mem = &other_iotlb };
	struct device twin = { .dma_io_tlb_mem = &(struct io_tlb_mem) {
		.domain = &domain,
	} };
	struct device none = {};

	add_pool(0x200000, 0x400000);
	add_pool(0x400000, 0x401000)->mem = &other_mem;
	CHECK_EQ(swiotlb_pool_publish(&pools[0]), 0);
	CHECK_EQ(swiotlb_pool_publish(&pools[1]), 0);

	CHECK(swiotlb_find_pool(&dev, 0x200000) == &pools[0]);
	CHECK(!swiotlb_find_pool(&other, 0x200000));
	CHECK(!swiotlb_find_pool(&none, 0x200000));
	/* Bound to something else, but in the same domain */
	CHECK(swiotlb_find_pool(&twin, 0x200000) == &pools[0]);
	CHECK(!swiotlb_find_pool(&dev, 0x400000));
	CHECK(swiotlb_find_pool(&other, 0x400000) == &pools[1]);
}

TEST(lookup_of_256_pools)
{
	unsigned int i;

	for (i = 0; i < MAX_POOLS; i++) {
		/* Dense, sparse, and of any size; in an order that jumps */
		u64 nr = i * 37 % MAX_POOLS;
		u64 start = nr * 0x12345000ULL;
		struct io_tlb_pool *pool;

		pool = add_pool(start, start + ((nr % 7 + 1) * 0x33000));
		CHECK_EQ(swiotlb_pool_publish(pool), 0);
	}
	probe_all();
	for (i = 0; i < MAX_POOLS / 2; i++)
		swiotlb_pool_retract(&pools[i]);
	memmove(pools, pools + MAX_POOLS / 2, sizeof(pools) / 2);
	nr_pools = MAX_POOLS / 2;
	for (i = 0; i < nr_pools; i++) {
		/* They moved, so they must be published anew */
		CHECK(swiotlb_find_pool(&dev, pools[i].start));
		swiotlb_pool_retract(&pools[i]);
		CHECK_EQ(swiotlb_pool_publish(&pools[i]), 0);
	}
	probe_all();
}

TEST(lookup_after_republishing)
{
	struct io_tlb_pool *pool = add_pool(0x1ff000, 0x601000);
	unsigned int i;
	long live;

	CHECK_EQ(swiotlb_pool_publish(pool), 0);
	live = shim_live;
	for (i = 0; i < 100; i++) {
		swiotlb_pool_retract(pool);
		CHECK(!swiotlb_find_pool(&dev, pool->start));
		CHECK_EQ(swiotlb_pool_publish(pool), 0);
		probe_all();
	}
	/* Tables are used again */
	CHECK_EQ(shim_live, live);
}

/* Another pool may come to where a whole granule or its pages led elsewhere */
TEST(lookup_of_changing_granules)
{
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x400000, 0x600000)), 0);
	probe_all();
	swiotlb_pool_retract(&pools[0]);
	nr_pools = 0;
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x400000, 0x500000)), 0);
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x500000, 0x600000)), 0);
	probe_all();
	swiotlb_pool_retract(&pools[0]);
	swiotlb_pool_retract(&pools[1]);
	nr_pools = 0;
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x400000, 0x600000)), 0);
	probe_all();
}

TEST(lookup_waits_until_all_cpus_see)
{
	struct io_tlb_pool *pool = add_pool(0x1ff000, 0x601000);

	CHECK_EQ(swiotlb_pool_publish(pool), 0);
	CHECK_EQ(shim_grace_periods, 1);
}

TEST(lookup_works_before_slab)
{
	shim_slab = false;
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x1ff000, 0x601000)), 0);
	probe_all();
	/* There is one CPU, and nothing yet to wait with */
	CHECK_EQ(shim_grace_periods, 0);
	shim_slab = true;
	CHECK_EQ(swiotlb_pool_publish(add_pool(0x601000, 0x1ff601000)), 0);
	probe_all();
}

/* Each allocation in turn fails: nothing is published, and others stay */
TEST(lookup_without_memory)
{
	unsigned int i, nth;

	for (i = 0; i < ARRAY_SIZE(lookup_cases); i++) {
		/* Far from where earlier rounds left their tables */
		u64 shift = (u64)(i + 1) << 37;

		for (nth = 1; ; nth++) {
			struct io_tlb_pool *pool;
			int err;

			nr_pools = 0;
			pool = add_pool(shift + lookup_cases[i].pools[0].start,
					shift + lookup_cases[i].pools[0].start +
					lookup_cases[i].pools[0].bytes);
			shim_fail_alloc(nth);
			err = swiotlb_pool_publish(pool);
			if (!shim_alloc_failed()) {
				CHECK_EQ(err, 0);
				probe_all();
				break;
			}

			CHECK_EQ(err, -ENOMEM);
			nr_pools = 0;
			probe_around(pool->start);
			probe_around(pool->end);
			probe((pool->start + pool->end) / 2);
			/* As good as new: tables made so far are used again */
			shift += 1ULL << 33;
		}
		swiotlb_pool_retract(&pools[0]);
	}
}

/* No machine has longer physical addresses */
TEST(lookup_reaches_52_bits)
{
	CHECK_EQ(swiotlb_pool_publish(add_pool((1ULL << 52) - 0x201000,
					       1ULL << 52)), 0);
	probe_all();
}

/* The root for such an address would be as large as memory */
TEST(lookup_refuses_the_end_of_the_world)
{
	struct io_tlb_pool *pool = add_pool(1ULL << 62, (1ULL << 62) + 0x1000);

	CHECK_EQ(swiotlb_pool_publish(pool), -ENOMEM);
	/* The page allocator may wonder */
	shim_take_warns();
	nr_pools = 0;
	probe_around(pool->start);
	CHECK_EQ(shim_live, 0);
}
