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
static int take(size_t bytes)
{
	const struct swiotlb_req req = PLAIN_REQ(bytes);
	int err;

	guard(rcu)();
	CHECK(nr_spans < MAX_SPANS);
	if (cc_alloc_fast(&mem, &req, &spans[nr_spans]))
		err = 0;
	else
		err = mem.ops->alloc(&mem, &req, &spans[nr_spans]);
	nr_spans += !err;
	return err;
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

/* Of each chunk, let the stacks of CPU 0 have a slot: all that is free besides is in pieces */
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
	for (j = 0; j < nr_last; j++)
		span_free(&last[j]);
	CHECK(nr_kept(0) >= nr_last - 1);
}

/* What a CPU keeps itself never is in the way of its own request */
TEST(cc_cpu_gives_up_what_it_keeps)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	for (i = 0; i < 5; i++) {
		keep_of_each_chunk();
		CHECK_EQ(take(SZ_1M), 0);
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
	drop_cc(&mem);
}
