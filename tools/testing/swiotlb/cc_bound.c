// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: how many searches a request takes, and how many locks one that must fail
 */
#include "cc_spans.h"

static void drop_one(unsigned int i)
{
	span_free(&spans[i]);
	spans[i] = spans[--nr_spans];
}

/* So many nodes, all of which have memory */
static void make_spread(unsigned int nr_nodes, size_t bytes)
{
	shim_nr_nodes = nr_nodes;
	make_cc_of(&mem, bytes);
	for (shim_cpu = 0; nr_nodes > 1 && shim_cpu < nr_nodes; shim_cpu++) {
		CHECK_EQ(take(SZ_64K), 0);
		shim_settle();
		CHECK(cc_of(&mem)->depots[CC_ANY + shim_cpu].nr_chunks);
	}
	shim_cpu = 0;
	drop(nr_spans);
	stop_growth(&mem);
}

static const struct {
	unsigned int nr_nodes;
	size_t bytes;
} cases[] = {
	{ .nr_nodes = 1, .bytes = SZ_16M },
	{ .nr_nodes = 1, .bytes = 128UL << 20 },
	{ .nr_nodes = 4, .bytes = SZ_16M },
};

static unsigned int nr_searches;

int __wrap_cc_find_run(const unsigned long *free, unsigned int nr_slots,
		       unsigned int first, const struct cc_fit *fit)
{
	__atomic_fetch_add(&nr_searches, 1, __ATOMIC_RELAXED);
	return __real_cc_find_run(free, nr_slots, first, fit);
}

/* Searches for a request, as hard as can be: a bound, whatever is free, and how much */
TEST(cc_searches_have_a_bound)
{
	unsigned int i, round, before, nr, most = 0, worst = 0;
	u64 seed = 11;

	for (round = 0; round < ARRAY_SIZE(cases); round++) {
		make_spread(cases[round].nr_nodes, cases[round].bytes);
		for (i = 0; i < 60000 && nr_spans < MAX_SPANS - 1; i++) {
			struct swiotlb_req req = PLAIN_REQ(mix_size(&seed));

			if (!model_random_below(&seed, 3))
				req.min_align_mask = (1U << model_random_below(&seed, 17)) - 1;
			if (!model_random_below(&seed, 3))
				req.boundary_mask = U64_MAX >> model_random_below(&seed, 52);
			req.orig_addr += 512 * model_random_below(&seed, 4096);
			before = READ_ONCE(nr_searches);
			shim_cpu = model_random_below(&seed, cases[round].nr_nodes);
			take_req(&req);
			nr = READ_ONCE(nr_searches) - before;
			worst = max(worst, nr);
			most = cc_max_searches(cc_of(&mem));
			CHECK(nr <= most);
			if (nr_spans && model_random_below(&seed, 100) < 45)
				drop_one(model_random_below(&seed, nr_spans));
			if (i % 256 == 0)
				shim_settle();
		}
		drop(nr_spans);
		shim_cpu = 0;
		drop_cc(&mem);
	}
	printf("  %u searches at most, %u allowed\n", worst, most);
	CHECK(worst > 2 * CC_TRIES);
}

static __thread unsigned int nr_locks;

void __wrap_spin_lock(spinlock_t *lock)
{
	nr_locks++;
	__real_spin_lock(lock);
}

/*
 * Where the bitmaps of buckets say that there is nothing, nothing is searched, and no
 * lock is taken: so a map that must fail says so at once, however much memory there is
 */
TEST(cc_fails_in_constant_time)
{
	unsigned int i, round, before, before_locks;

	for (round = 0; round < ARRAY_SIZE(cases); round++) {
		make_spread(cases[round].nr_nodes, cases[round].bytes);
		while (!take(SZ_64K))
			;
		/* Holes of 64 KiB everywhere */
		for (i = 0; i < nr_spans; i += 2)
			drop_one(i);
		/* The first gives back what the CPU keeps, and time stands still */
		for (shim_cpu = 0; shim_cpu < nr_cpu_ids; shim_cpu++)
			CHECK_EQ(take(SZ_1M), -ENOSPC);
		shim_settle();
		before = READ_ONCE(nr_searches);
		before_locks = nr_locks;
		for (i = 0; i < 100; i++) {
			shim_cpu = i % nr_cpu_ids;
			CHECK_EQ(take(SZ_1M), -ENOSPC);
			CHECK_EQ(take(SZ_512K), -ENOSPC);
		}
		CHECK_EQ(READ_ONCE(nr_searches), before);
		CHECK_EQ(nr_locks, before_locks);
		shim_cpu = 0;
		drop(nr_spans);
		/* They are counted, or this would say nothing */
		CHECK(nr_locks > before_locks);
		drop_cc(&mem);
	}
}
