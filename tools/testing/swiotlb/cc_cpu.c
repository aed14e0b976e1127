// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: what CPUs keep for themselves, and when they give it back
 */
#include "cc_mem.h"

#define MAX_SPANS	8192

static struct swiotlb_mem mem;
static struct swiotlb_span spans[MAX_SPANS];
static unsigned int nr_spans;

/* No worker is asked: what is not there at the first attempt is not there */
static int take_from(size_t bytes, u64 addr_limit)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);
	struct swiotlb_span *span = &spans[nr_spans];
	int err = 0;

	req.addr_limit = addr_limit;
	guard(rcu)();
	CHECK(nr_spans < MAX_SPANS);
	if (!span_alloc_fast(&mem, &req, span))
		err = mem.ops->alloc(&mem, &req, span);
	if (err)
		return err;
	CHECK_OK(span_is_wrong(span, &req));
	nr_spans++;
	return 0;
}

static int take(size_t bytes)
{
	return take_from(bytes, U64_MAX);
}

static void drop(unsigned int i)
{
	span_free(&spans[i]);
	spans[i] = spans[--nr_spans];
}

static void drop_all(void)
{
	while (nr_spans)
		drop(nr_spans - 1);
}

static unsigned int nr_kept(unsigned int cpu)
{
	unsigned int i, nr = 0;

	for (i = 0; i < CC_NR_STACKS; i++)
		nr += cc_of(&mem)->cpus[cpu].caches[i].nr;
	return nr;
}

static const struct cc_runs *runs_of(unsigned int cpu)
{
	return &cc_of(&mem)->cpus[cpu].runs;
}

/*
 * Of each chunk, let the stacks of CPU 0 have a slot. Of those whose slots no CPU keeps
 * one is mapped: nowhere is a whole chunk free
 */
static void keep_of_each_chunk(void)
{
	static struct swiotlb_span last[64];
	unsigned int i, j, nr_last = 0;

	while (!take(4096))
		;
	for (i = 0; i < nr_spans; i++) {
		for (j = 0; j < nr_last; j++) {
			if (last[j].pool == spans[i].pool)
				break;
		}
		if (j < nr_last)
			continue;
		CHECK(nr_last < ARRAY_SIZE(last));
		last[nr_last++] = spans[i];
		spans[i--] = spans[--nr_spans];
	}
	drop_all();
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(nr_kept(0), 0);
	for (j = 0; j < nr_last; j++) {
		if (container_of(last[j].pool, struct cc_slab, pool)->stack ==
		    CC_NO_STACK)
			spans[nr_spans++] = last[j];
		else
			span_free(&last[j]);
	}
	CHECK(nr_kept(0) >= 6);
	CHECK_EQ(nr_kept(0) + nr_spans, nr_last);
}

/* What a CPU keeps itself never is in the way of its own request, once per jiffy */
TEST(cc_cpu_gives_up_what_it_keeps)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	for (i = 0; i < 5; i++) {
		keep_of_each_chunk();
		shim_pass_ms(4);
		CHECK_EQ(take(SZ_2M), 0);
		CHECK_EQ(nr_kept(0), 0);
		drop_all();
		keep_of_each_chunk();
		CHECK_EQ(take(SZ_2M), -ENOSPC);
		drop_all();
	}
	drop_cc(&mem);
}

/* A CPU that is interrupted at it cannot be helped; who interrupts takes what he needs */
TEST(cc_cpu_interrupts_take_one)
{
	struct cc_shelf *shelf;
	struct cc_cpu *c;

	make_cc(&mem);
	c = &cc_of(&mem)->cpus[0];
	shelf = &cc_of(&mem)->depots[CC_ANY].shelves[CC_2K];
	c->busy = true;
	CHECK_EQ(take(2048), 0);
	CHECK_EQ(shelf->nr_peak, 1);
	CHECK_EQ(nr_kept(0), 0);
	/* Nor does it help to spill them, while they are in use */
	CHECK_EQ(take(SZ_4M), -E2BIG);
	drop_all();
	CHECK_EQ(nr_kept(0), 0);
	/* Nor can he leave anything there */
	CHECK_EQ(take(65536), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 0);
	CHECK_EQ(mem.ops->used(&mem), 0);
	c->busy = false;
	CHECK_EQ(take(2048), 0);
	CHECK(shelf->nr_peak > 1);
	CHECK_EQ(mem.ops->used(&mem), 2048);
	drop_all();
	drop_cc(&mem);
}

/* Where nothing was ever added, too; and CPUs that are used again are looked at again */
TEST(cc_cpu_keeps_nothing_while_idle)
{
	unsigned int i, cpu;

	make_cc(&mem);
	shim_settle();
	for (i = 0; i < 3; i++) {
		for (cpu = 0; cpu < 3; cpu++) {
			shim_cpu = cpu;
			CHECK_EQ(take(2048), 0);
			CHECK_EQ(take(200), 0);
			drop_all();
			CHECK(nr_kept(cpu));
		}
		shim_settle();
		shim_pass_ms(10000);
		CHECK(!cc_cpus_have_any(cc_of(&mem)));
		CHECK_EQ(shim_nr_timers(), 0);
	}
	shim_cpu = 0;

	/* The second comes from a chunk in use: for nothing else need kccd look */
	for (i = 0; i < 2; i++) {
		CHECK_EQ(take(4096), 0);
		shim_settle();
		CHECK(nr_kept(0));
		shim_pass_ms(10000);
		CHECK(!cc_cpus_have_any(cc_of(&mem)));
		CHECK_EQ(shim_nr_timers(), 0);
	}
	drop_all();
	drop_cc(&mem);
}

static bool is_same(const struct swiotlb_span *a, const struct swiotlb_span *b)
{
	return a->pool == b->pool && a->slot == b->slot &&
	       a->nr_slots == b->nr_slots;
}

/* The last one of just that length is used next, without the depot */
TEST(cc_cpu_keeps_runs)
{
	static const size_t sizes[] = { 65536, 8192, 69632, 45056 };
	struct swiotlb_span was[ARRAY_SIZE(sizes)];
	unsigned int i;

	make_cc(&mem);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK_EQ(take(sizes[i]), 0);
		was[i] = spans[i];
	}
	CHECK_EQ(mem.ops->used(&mem), 65536 + 8192 + 69632 + 45056);
	drop_all();
	CHECK_EQ(mem.ops->used(&mem), 0);
	CHECK_EQ(runs_of(0)->nr, ARRAY_SIZE(sizes));
	/* Not in the order in which they lie there */
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int k = i ^ 2;

		CHECK_EQ(take(sizes[k] - 100), 0);
		CHECK(is_same(&spans[i], &was[k]));
	}
	CHECK_EQ(runs_of(0)->nr, 0);
	CHECK_EQ(runs_of(0)->nr_slots[CC_ANY], 0);
	CHECK_EQ(mem.ops->used(&mem), 65536 + 8192 + 69632 + 45056);

	/* Another CPU frees, and so it has them */
	shim_cpu = 1;
	drop_all();
	CHECK_EQ(take(65536), 0);
	CHECK(is_same(&spans[0], &was[0]));
	shim_cpu = 0;
	drop_all();
	CHECK_EQ(mem.ops->used(&mem), 0);
	drop_cc(&mem);
}

/* Of so much memory they might keep longer ones */
TEST(cc_cpu_keeps_no_long_runs)
{
	make_cc_of(&mem, SZ_64M);
	CHECK_EQ(take(CC_RUN_SLOTS * SZ_4K), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 1);
	CHECK_EQ(take((CC_RUN_SLOTS + 1) * SZ_4K), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 1);
	CHECK_EQ(mem.ops->used(&mem), 0);
	drop_cc(&mem);
}

/* A run of the right length may not be in the right place */
TEST(cc_cpu_runs_are_where_they_must_be)
{
	struct swiotlb_req req = PLAIN_REQ(16384);
	phys_addr_t low, low_end;

	/* Low chunks besides the last one, of which no CPU keeps anything */
	make_cc_of(&mem, SZ_64M);
	CHECK_EQ(take(16384), 0);
	drop_all();
	CHECK_EQ(take_from(16384, REACH_32), 0);
	CHECK_EQ(runs_of(0)->nr, 1);
	low = span_start(&spans[0]);
	low_end = spans[0].pool->end;
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 2);
	/* What is low stays with those who need it */
	CHECK_EQ(take(16384), 0);
	CHECK_EQ(take(16384), 0);
	CHECK_EQ(runs_of(0)->nr, 1);
	CHECK(span_start(&spans[0]) != low && span_start(&spans[1]) != low);
	/* Who does not reach all of that chunk has another, if there is one */
	take_from(16384, low_end - 2);
	CHECK_EQ(runs_of(0)->nr, 1);
	CHECK_EQ(take_from(16384, REACH_32), 0);
	CHECK_EQ(span_start(&spans[nr_spans - 1]), low);
	drop_all();

	/* It lies at a multiple of 32 KiB, or does not; this asks for the opposite */
	CHECK_EQ(take(16384), 0);
	req.min_align_mask = 0x7fff;
	req.orig_addr += span_start(&spans[0]) % 0x8000 ? 0 : 0x4000;
	drop_all();
	CHECK_EQ(span_alloc(&mem, &req, &spans[nr_spans++]), 0);
	CHECK_OK(span_is_wrong(&spans[0], &req));
	drop_all();
	drop_cc(&mem);
}

/* They keep a 16th of the memory at most, and eight */
TEST(cc_cpu_keeps_few_runs)
{
	unsigned int i, cpu, nr_slots = 0;

	make_cc(&mem);
	stop_growth(&mem);
	for (cpu = 0; cpu < 3; cpu++) {
		shim_cpu = cpu;
		for (i = 0; i < 20; i++)
			CHECK_EQ(take(i % 2 ? 65536 : 8192), 0);
		drop_all();
		CHECK(runs_of(cpu)->nr && runs_of(cpu)->nr <= CC_CACHE_RUNS);
		CHECK(runs_of(cpu)->nr_slots[CC_ANY] * SZ_4K <=
		      FIRST_BYTES / 16 / num_online_cpus());
		nr_slots += runs_of(cpu)->nr_slots[CC_ANY];
	}
	CHECK(nr_slots * SZ_4K <= FIRST_BYTES / 16);
	CHECK_EQ(mem.ops->used(&mem), 0);
	shim_cpu = 0;

	/* Nor are they in the way of what is larger */
	while (!take(SZ_64K))
		;
	drop_all();
	CHECK(runs_of(0)->nr);
	CHECK_EQ(take(SZ_1M), 0);
	drop_all();
	drop_cc(&mem);
}

/* The core knows what is in use, to within what may be unreported */
TEST(cc_cpu_reports_runs)
{
	unsigned int i;
	long used;

	make_cc(&mem);
	for (i = 0; i < 6; i++)
		CHECK_EQ(take(131072), 0);
	drop_all();
	for (i = 0; i < 100; i++) {
		CHECK_EQ(take(131072), 0);
		if (i % 4 == 3)
			drop_all();
		used = atomic_long_read(&mem.domain->own.level.used);
		CHECK(abs(used - (long)mem.ops->used(&mem)) <= SZ_256K);
	}
	drop_all();
	drop_cc(&mem);
}

/* What is in use is not less than that while runs go back: it may be asked just then */
TEST(cc_cpu_runs_go_back_uncounted)
{
	unsigned int i, cpu;
	long used = 0;

	make_cc(&mem);
	for (i = 0; i < 4; i++)
		CHECK_EQ(take(65536), 0);
	span_free(&spans[--nr_spans]);
	span_free(&spans[--nr_spans]);
	CHECK_EQ(mem.ops->used(&mem), 2 * 65536);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		used += cc_cpu_used(&cc_of(&mem)->cpus[cpu]);
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(runs_of(0)->nr, 0);
	for (i = 0; i < CC_NR_REACHES; i++)
		used += cc_of(&mem)->depots[i].used_bytes;
	CHECK_EQ(used, 2 * 65536);
	CHECK_EQ(mem.ops->used(&mem), 2 * 65536);
	drop_all();

	/* Nor does the core think of it otherwise */
	cc_cpus_flush(cc_of(&mem), true);
	CHECK(abs(atomic_long_read(&mem.domain->own.level.used)) <= SZ_256K);
	drop_cc(&mem);
}

/* They go back when nobody uses them, also where nothing else happens, or much else */
TEST(cc_cpu_keeps_no_runs_while_idle)
{
	unsigned int i;

	make_cc_of(&mem, SZ_64M);
	shim_settle();
	shim_pass_ms(20000);
	CHECK_EQ(take(65536), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 1);
	shim_settle();
	shim_pass_ms(10000);
	CHECK_EQ(runs_of(0)->nr, 0);

	CHECK_EQ(take(65536), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 1);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(take(200), 0);
		drop_all();
		shim_settle();
		shim_pass_ms(100);
	}
	CHECK_EQ(runs_of(0)->nr, 0);
	CHECK(nr_kept(0));
	drop_cc(&mem);
}

/* What is low has a share of its own, and a small one */
TEST(cc_cpu_low_runs_push_out_none)
{
	unsigned int i, nr, max;

	make_cc_of(&mem, SZ_64M);
	for (i = 0; i < 5; i++)
		CHECK_EQ(take(65536), 0);
	drop_all();
	nr = runs_of(0)->nr_slots[CC_ANY];
	CHECK_EQ(nr, 5 * 16);
	/* A 16th of what is low, for each CPU. The second is one too many */
	max = cc_of(&mem)->depots[CC_LOW].nr_chunks * (SZ_2M / 16) /
	      num_online_cpus();
	CHECK(max && max <= CC_RUN_SLOTS * SZ_4K);
	CHECK_EQ(take_from(max, REACH_32), 0);
	CHECK_EQ(take_from(max, REACH_32), 0);
	drop_all();
	CHECK_EQ(runs_of(0)->nr_slots[CC_ANY], nr);
	CHECK_EQ(runs_of(0)->nr_slots[CC_LOW] * SZ_4K, max);
	drop_cc(&mem);
}

/* Nobody takes away what a CPU is just looking at, and who interrupts it cannot either */
TEST(cc_cpu_is_left_alone_while_busy)
{
	struct cc_cpu *c;
	unsigned int nr;

	make_cc(&mem);
	stop_growth(&mem);
	c = &cc_of(&mem)->cpus[0];
	CHECK_EQ(take(2048), 0);
	drop_all();
	nr = nr_kept(0);
	CHECK(nr);
	c->busy = true;
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(nr_kept(0), nr);
	while (!take(SZ_64K))
		;
	CHECK_EQ(nr_kept(0), nr);
	c->busy = false;
	/* Whether that is enough or not */
	take(SZ_64K);
	CHECK_EQ(nr_kept(0), 0);
	drop_all();
	drop_cc(&mem);
}

/* What a CPU had when it went offline is had by the others */
TEST(cc_cpu_keeps_nothing_while_offline)
{
	make_cc(&mem);
	stop_growth(&mem);
	shim_cpu = 1;
	CHECK_EQ(take(2048), 0);
	CHECK_EQ(take(65536), 0);
	drop_all();
	CHECK(nr_kept(1));
	CHECK(runs_of(1)->nr);
	shim_cpu = 0;
	shim_offline_cpu = 1;
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(nr_kept(1), 0);
	CHECK_EQ(runs_of(1)->nr, 0);
	drop_cc(&mem);
}

/* The last that was freed is the next, and where in it a buffer begins is its own affair */
TEST(cc_cpu_takes_the_last_run)
{
	struct swiotlb_req req = PLAIN_REQ(65536 - SZ_2K);
	phys_addr_t last;

	make_cc_of(&mem, SZ_64M);
	CHECK_EQ(take(65536), 0);
	CHECK_EQ(take(65536), 0);
	last = span_start(&spans[0]);
	drop_all();
	CHECK_EQ(runs_of(0)->nr, 2);
	CHECK_EQ(take(65536), 0);
	CHECK_EQ(span_start(&spans[0]), last);
	CHECK_EQ(runs_of(0)->nr, 1);

	req.min_align_mask = SZ_4K - 1;
	req.orig_addr = 0x2000000 + SZ_2K;
	CHECK_EQ(span_alloc(&mem, &req, &spans[1]), 0);
	CHECK_OK(span_is_wrong(&spans[1], &req));
	nr_spans++;
	CHECK_EQ(runs_of(0)->nr, 0);
	drop_all();
	drop_cc(&mem);
}

/* Nor are the runs that it keeps */
TEST(cc_cpu_gives_up_runs)
{
	unsigned int i, nr_chunks;

	make_cc(&mem);
	stop_growth(&mem);
	nr_chunks = cc_bytes(&mem) / SZ_2M;
	for (i = 0; i < nr_chunks; i++)
		CHECK_EQ(take(SZ_64K), 0);
	while (!take(SZ_64K))
		;
	drop_all();
	CHECK(runs_of(0)->nr);
	shim_pass_ms(4);
	for (i = 0; i < nr_chunks; i++)
		CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(runs_of(0)->nr, 0);
	drop_all();
	drop_cc(&mem);
}

/* kccd does not rest before those that were just in use have gone back, too */
TEST(cc_cpu_keeps_no_runs_when_kccd_rests)
{
	unsigned int i;

	make_cc_of(&mem, SZ_64M);
	/* So that nothing else wakes it: the others come from the same chunk */
	CHECK_EQ(take(65536), 0);
	shim_settle();
	shim_pass_ms(20000);
	CHECK(!delayed_work_pending(&cc_of(&mem)->trim));
	for (i = 0; i < 3; i++) {
		CHECK_EQ(take(65536), 0);
		drop(1);
	}
	CHECK_EQ(runs_of(0)->nr, 1);
	CHECK_EQ(nr_kept(0), 0);
	shim_settle();
	shim_pass_ms(10000);
	CHECK_EQ(runs_of(0)->nr, 0);
	drop_all();
	drop_cc(&mem);
}
