// SPDX-License-Identifier: GPL-2.0
/*
 * Pools that are published where nobody can wait
 */
#include "system.h"

#define START		0x40000000UL
#define END		0x17ff00000UL

static struct swiotlb_mem mem = { .domain = &swiotlb_default_domain };
static struct device dev;
static struct io_tlb_pool pools[64];

static struct io_tlb_pool *make(unsigned int i, phys_addr_t start, size_t bytes)
{
	pools[i] = (struct io_tlb_pool){
		.start = start, .end = start + bytes, .mem = &mem,
	};
	return &pools[i];
}

/* At both ends, and right beside them */
static void check_found(const struct io_tlb_pool *pool, bool found)
{
	test_note("pool at %#lx", (unsigned long)pool->start);
	CHECK_EQ(swiotlb_find_pool(&dev, pool->start) == pool, found);
	CHECK_EQ(swiotlb_find_pool(&dev, pool->end - 1) == pool, found);
	CHECK(swiotlb_find_pool(&dev, pool->start - 1) != pool);
	CHECK(swiotlb_find_pool(&dev, pool->end) != pool);
	if (found)
		CHECK(pool->domain == mem.domain);
}

static void check_fails(struct io_tlb_pool *pool, int err)
{
	CHECK_EQ(swiotlb_pool_publish_atomic(pool), err);
	check_found(pool, false);
}

TEST(lookup_atomic_only_where_expected)
{
	check_fails(make(0, START, SZ_2M), -ERANGE);
	CHECK_EQ(swiotlb_pool_expect(START, END), 0);
	CHECK_EQ(swiotlb_pool_publish_atomic(&pools[0]), 0);
	check_found(&pools[0], true);
	check_fails(make(1, START - SZ_1M, SZ_1M), -ERANGE);
	check_fails(make(1, START - PAGE_SIZE, 2 * PAGE_SIZE), -ERANGE);
	check_fails(make(1, END - PAGE_SIZE, 2 * PAGE_SIZE), -ERANGE);
	check_fails(make(1, END, PAGE_SIZE), -ERANGE);
	check_fails(make(1, 0, PAGE_SIZE), -ERANGE);
	check_fails(make(1, 1UL << 50, PAGE_SIZE), -ERANGE);
	CHECK_EQ(swiotlb_pool_publish_atomic(make(1, END - PAGE_SIZE,
						  PAGE_SIZE)), 0);
	check_found(&pools[1], true);

	/* More may be expected later, never less */
	CHECK_EQ(swiotlb_pool_expect(END, 4 * END), 0);
	CHECK_EQ(swiotlb_pool_publish_atomic(make(2, 4 * END - SZ_4M, SZ_4M)), 0);
	CHECK_EQ(swiotlb_pool_publish_atomic(make(3, START + SZ_4M, SZ_4M)), 0);
	check_found(&pools[0], true);
	check_found(&pools[1], true);
	check_found(&pools[2], true);
	check_found(&pools[3], true);
}

/* What a lookup needs before it reaches the address is waited for in advance */
TEST(lookup_expects_patiently)
{
	CHECK_EQ(swiotlb_pool_expect(START, END), 0);
	CHECK_EQ(shim_grace_periods, 1);
	CHECK_EQ(swiotlb_pool_publish_atomic(make(0, START, PAGE_SIZE)), 0);
	swiotlb_pool_retract(&pools[0]);
	CHECK_EQ(shim_grace_periods, 1);
}

TEST(lookup_expects_before_slab)
{
	shim_slab = false;
	CHECK_EQ(swiotlb_pool_expect(START, END), 0);
	CHECK_EQ(shim_grace_periods, 0);
	shim_slab = true;
	CHECK_EQ(swiotlb_pool_publish_atomic(make(0, START, PAGE_SIZE)), 0);
	check_found(&pools[0], true);
}

/* It warns if anything here may sleep */
TEST(lookup_atomic_in_interrupts)
{
	unsigned long flags, blocking;
	DEFINE_SPINLOCK(lock);
	unsigned int i;

	CHECK_EQ(swiotlb_pool_expect(0, END), 0);
	blocking = shim_nr_blocking_allocs();
	rcu_read_lock();
	shim_context.in_interrupt = true;
	spin_lock_irqsave(&lock, flags);
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		make(i, START / 4 * i + i * PAGE_SIZE, (i % 5 + 1) * SZ_1M);
		CHECK_EQ(swiotlb_pool_publish_atomic(&pools[i]),
			 pools[i].end <= END ? 0 : -ERANGE);
	}
	for (i = 0; i < ARRAY_SIZE(pools); i++)
		check_found(&pools[i], pools[i].end <= END);
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		if (pools[i].end > END)
			break;
		swiotlb_pool_retract(&pools[i]);
		check_found(&pools[i], false);
	}
	spin_unlock_irqrestore(&lock, flags);
	shim_context.in_interrupt = false;
	rcu_read_unlock();
	CHECK(i > 20);
	CHECK_EQ(shim_nr_blocking_allocs(), blocking);
}

/* Each allocation in turn fails: nothing is published, and others stay */
TEST(lookup_atomic_without_memory)
{
	unsigned int nth, i;

	shim_fail_alloc(1);
	CHECK_EQ(swiotlb_pool_expect(START, END), -ENOMEM);
	CHECK(shim_alloc_failed());
	check_fails(make(0, START, PAGE_SIZE), -ERANGE);
	CHECK_EQ(swiotlb_pool_expect(START, END), 0);
	CHECK_EQ(swiotlb_pool_publish_atomic(&pools[0]), 0);

	for (i = 1; i < 4; i++) {
		for (nth = 1; ; nth++) {
			int err;

			/* Across two GiB, each part of it of its own granule */
			make(i, START * (i + 1) - SZ_2M - PAGE_SIZE,
			     SZ_4M + PAGE_SIZE);
			shim_fail_alloc(nth);
			err = swiotlb_pool_publish_atomic(&pools[i]);
			if (!shim_alloc_failed()) {
				CHECK_EQ(err, 0);
				break;
			}
			CHECK_EQ(err, -ENOMEM);
			check_found(&pools[i], false);
			check_found(&pools[0], true);
		}
		check_found(&pools[i], true);
		check_found(&pools[0], true);
	}
}
