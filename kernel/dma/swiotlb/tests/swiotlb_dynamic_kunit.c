// SPDX-License-Identifier: GPL-2.0
/*
 * The dynamic backend, with memory of the test's own: it grows, and shrinks when
 * it is taken apart
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>

#include "../internal.h"

#define FIRST_BYTES	SZ_1M
#define BLOCK		((size_t)SZ_32K)
#define NR_BLOCKS	(4 * FIRST_BYTES / BLOCK)

struct dynamic_test {
	struct swiotlb_domain domain;
	struct swiotlb_mem mem;
	struct swiotlb_span spans[NR_BLOCKS];
	unsigned int nr_spans;
};

/* As the core does */
static int take(struct dynamic_test *dt, u64 addr_limit)
{
	const struct swiotlb_req req = {
		.size = BLOCK,
		.boundary_mask = U64_MAX,
		.addr_limit = addr_limit,
	};
	struct swiotlb_mem *mem = &dt->mem;
	struct swiotlb_span *span = &dt->spans[dt->nr_spans];
	int err;

	guard(rcu)();
	err = mem->ops->alloc(mem, &req, span);
	if (err == -ENOSPC)
		err = mem->ops->grow(mem, &req, span);
	if (!err)
		dt->nr_spans++;
	return err;
}

static void drop_all(struct dynamic_test *dt)
{
	guard(rcu)();
	while (dt->nr_spans) {
		const struct swiotlb_span *span = &dt->spans[--dt->nr_spans];

		span->pool->ops->free(span);
	}
}

static void exit_mem(void *data)
{
	struct dynamic_test *dt = data;

	drop_all(dt);
	dt->mem.ops->exit(&dt->mem);
}

static struct dynamic_test *make_dynamic(struct kunit *test)
{
	static const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = FIRST_BYTES,
		.nr_areas = 2,
		.gfp = GFP_KERNEL,
	};
	struct dynamic_test *dt;

	dt = kunit_kzalloc(test, sizeof(*dt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dt);
	INIT_LIST_HEAD(&dt->domain.mems);
	dt->mem.ops = &swiotlb_dynamic;
	dt->mem.domain = &dt->domain;
	KUNIT_ASSERT_EQ(test, dt->mem.ops->init(&dt->mem, &params), 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, exit_mem, dt));
	return dt;
}

/* Workers take their time, above all on machines that debug everything */
static void wait_for_growth(struct kunit *test, struct dynamic_test *dt,
			    unsigned long nslabs)
{
	unsigned int i;

	for (i = 0; i < 1000 && READ_ONCE(dt->mem.nslabs) == nslabs; i++)
		msleep(20);
	KUNIT_ASSERT_GT(test, READ_ONCE(dt->mem.nslabs), nslabs);
}

static void dynamic_grows_ahead_of_need(struct kunit *test)
{
	struct dynamic_test *dt = make_dynamic(test);
	unsigned long nslabs = dt->mem.nslabs;

	while (dt->nr_spans < FIRST_BYTES / BLOCK * 7 / 8)
		KUNIT_ASSERT_EQ(test, take(dt, U64_MAX), 0);
	wait_for_growth(test, dt, nslabs);
	while (dt->nr_spans < FIRST_BYTES / BLOCK * 3 / 2)
		KUNIT_ASSERT_EQ(test, take(dt, U64_MAX), 0);

	KUNIT_EXPECT_EQ(test, dt->mem.ops->used(&dt->mem),
			dt->nr_spans * BLOCK);
	drop_all(dt);
	KUNIT_EXPECT_EQ(test, dt->mem.ops->used(&dt->mem), 0);
}

/* No two share a byte, wherever they are */
static void expect_apart(struct kunit *test, struct dynamic_test *dt)
{
	unsigned int i, k;

	for (i = 0; i < dt->nr_spans; i++) {
		const struct swiotlb_span *a = &dt->spans[i];
		phys_addr_t start = a->pool->start +
				    ((phys_addr_t)a->slot << a->pool->slot_shift);

		KUNIT_EXPECT_LE(test, start + BLOCK, a->pool->end);
		for (k = 0; k < i; k++) {
			const struct swiotlb_span *b = &dt->spans[k];

			KUNIT_ASSERT_TRUE(test, a->pool != b->pool ||
					  a->slot + a->nr_slots <= b->slot ||
					  b->slot + b->nr_slots <= a->slot);
		}
	}
}

/* Faster than any worker; what is freed in between is reaped in between */
static void dynamic_serves_bursts(struct kunit *test)
{
	struct dynamic_test *dt = make_dynamic(test);
	unsigned int round;
	int err;

	for (round = 0; round < 5; round++) {
		err = 0;
		while (!err && dt->nr_spans < NR_BLOCKS)
			err = take(dt, U64_MAX);
		/* Confidential guests cannot be so fast, nor can those short of memory */
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENOSPC);
		KUNIT_EXPECT_GE(test, dt->nr_spans, FIRST_BYTES / BLOCK);
		expect_apart(test, dt);
		KUNIT_EXPECT_EQ(test, dt->mem.ops->used(&dt->mem),
				dt->nr_spans * BLOCK);
		drop_all(dt);
		KUNIT_EXPECT_EQ(test, dt->mem.ops->used(&dt->mem), 0);
	}
	KUNIT_EXPECT_EQ(test, atomic_long_read(&dt->domain.own.transient), 0);
}

/* What it reported of itself is taken back with it */
static void dynamic_leaves_no_trace(struct kunit *test)
{
	struct dynamic_test *dt = make_dynamic(test);

	while (dt->nr_spans < FIRST_BYTES / BLOCK)
		KUNIT_ASSERT_EQ(test, take(dt, U64_MAX), 0);
	kunit_release_action(test, exit_mem, dt);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&dt->domain.own.level.used), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&dt->domain.own.transient), 0);
	KUNIT_EXPECT_EQ(test, dt->mem.nslabs, 0);
}

static struct kunit_case dynamic_test_cases[] = {
	KUNIT_CASE(dynamic_grows_ahead_of_need),
	KUNIT_CASE(dynamic_serves_bursts),
	KUNIT_CASE(dynamic_leaves_no_trace),
	{}
};

static struct kunit_suite dynamic_test_suite = {
	.name = "swiotlb_dynamic",
	.test_cases = dynamic_test_cases,
};

kunit_test_suite(dynamic_test_suite);

MODULE_DESCRIPTION("Tests of swiotlb's dynamic backend");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
