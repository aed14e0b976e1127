// SPDX-License-Identifier: GPL-2.0
/*
 * From addresses to pools
 *
 * The pools here are of no memory. They lie where no machine has any, and are
 * gone when a test ends; the table keeps room for them.
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "../internal.h"
#include "lookup_cases.h"

/* 32 TiB */
#define NOWHERE		BIT_ULL(45)

#define MAX_POOLS	64

/**
 * struct lookup_fixture - pools of a test
 * @domain:   that of @mem and @iotlb
 * @mem:      who owns the pools
 * @iotlb:    what @dev is bound to
 * @dev:      device that finds them
 * @pools:    the pools
 * @nr_pools: number of those that are published
 */
struct lookup_fixture {
	struct swiotlb_domain domain;
	struct swiotlb_mem mem;
	struct io_tlb_mem iotlb;
	struct device dev;
	struct io_tlb_pool pools[MAX_POOLS];
	unsigned int nr_pools;
};

static int lookup_init(struct kunit *test)
{
	struct lookup_fixture *f;

	if (sizeof(phys_addr_t) < sizeof(u64))
		kunit_skip(test, "all addresses may be memory");

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->mem.domain = &f->domain;
	f->iotlb.domain = &f->domain;
	f->dev.dma_io_tlb_mem = &f->iotlb;
	test->priv = f;
	return 0;
}

static void retract_last(struct lookup_fixture *f)
{
	swiotlb_pool_retract(&f->pools[--f->nr_pools]);
}

static void lookup_exit(struct kunit *test)
{
	struct lookup_fixture *f = test->priv;

	while (f && f->nr_pools)
		retract_last(f);
}

static void publish(struct kunit *test, u64 start, u64 bytes)
{
	struct lookup_fixture *f = test->priv;
	struct io_tlb_pool *pool = &f->pools[f->nr_pools];

	pool->start = NOWHERE + start;
	pool->end = NOWHERE + start + bytes;
	pool->mem = &f->mem;
	KUNIT_ASSERT_EQ(test, swiotlb_pool_publish(pool), 0);
	f->nr_pools++;
}

static struct io_tlb_pool *find(struct lookup_fixture *f, u64 paddr)
{
	return __swiotlb_find_pool(&f->dev, paddr);
}

static struct io_tlb_pool *expected(struct lookup_fixture *f, u64 paddr)
{
	unsigned int i;

	for (i = 0; i < f->nr_pools; i++) {
		if (paddr >= f->pools[i].start && paddr < f->pools[i].end)
			return &f->pools[i];
	}
	return NULL;
}

static void probe_around(struct kunit *test, u64 paddr)
{
	static const u64 steps[] = {
		0, 1, PAGE_SIZE, LOOKUP_2M, LOOKUP_1G, NOWHERE / 2,
	};
	struct lookup_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		const u64 at[] = {
			paddr + steps[i], paddr + steps[i] - 1,
			paddr - steps[i], paddr - steps[i] - 1,
		};
		unsigned int j;

		for (j = 0; j < ARRAY_SIZE(at); j++)
			KUNIT_ASSERT_PTR_EQ_MSG(test, find(f, at[j]),
						expected(f, at[j]),
						"address %#llx", at[j]);
	}
}

static void probe_all(struct kunit *test)
{
	struct lookup_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < f->nr_pools; i++) {
		probe_around(test, f->pools[i].start);
		probe_around(test, f->pools[i].end);
	}
	probe_around(test, ~0ULL - 2 * NOWHERE);
}

KUNIT_ARRAY_PARAM_DESC(lookup, lookup_cases, name);

static void lookup_hits_and_misses(struct kunit *test)
{
	const struct lookup_case *c = test->param_value;
	struct lookup_fixture *f = test->priv;
	unsigned int i;

	if (PAGE_SIZE > LOOKUP_PAGE)
		kunit_skip(test, "pages are too large");

	for (i = 0; i < LOOKUP_CASE_POOLS && c->pools[i].bytes; i++)
		publish(test, c->pools[i].start, c->pools[i].bytes);
	probe_all(test);

	/* Each that goes leaves the others alone */
	while (f->nr_pools) {
		u64 start = f->pools[f->nr_pools - 1].start;

		retract_last(f);
		probe_around(test, start);
		probe_all(test);
	}
}

static void lookup_of_many_pools(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < MAX_POOLS; i++)
		publish(test, i * 37 % MAX_POOLS * (LOOKUP_1G / 4 + LOOKUP_2M / 2),
			(i % 7 + 1) * (LOOKUP_2M / 4));
	probe_all(test);
}

static void lookup_minds_whose_pool_it_is(struct kunit *test)
{
	struct lookup_fixture *f = test->priv;
	struct io_tlb_mem other = {};

	publish(test, 0, LOOKUP_2M);
	KUNIT_EXPECT_PTR_EQ(test, find(f, NOWHERE), &f->pools[0]);
	f->dev.dma_io_tlb_mem = &other;
	KUNIT_EXPECT_NULL(test, find(f, NOWHERE));
	f->dev.dma_io_tlb_mem = NULL;
	KUNIT_EXPECT_NULL(test, find(f, NOWHERE));
}

static struct kunit_case lookup_test_cases[] = {
	KUNIT_CASE_PARAM(lookup_hits_and_misses, lookup_gen_params),
	KUNIT_CASE(lookup_of_many_pools),
	KUNIT_CASE(lookup_minds_whose_pool_it_is),
	{}
};

static struct kunit_suite lookup_test_suite = {
	.name = "swiotlb_lookup",
	.init = lookup_init,
	.exit = lookup_exit,
	.test_cases = lookup_test_cases,
};

kunit_test_suite(lookup_test_suite);

MODULE_DESCRIPTION("Tests of swiotlb's lookup table");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
