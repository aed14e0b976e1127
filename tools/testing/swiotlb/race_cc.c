// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: CPUs and interrupts map and unmap at once, while chunks come and go
 *
 * Load comes in waves, see race_waves.h. Two threads play each CPU: of these, one is
 * the interrupts that the other gets, which the shim's preempt_disable() holds off; and
 * signals, which it does not, are interrupts at any instruction.
 */
#include <signal.h>
#include <unistd.h>

#include "cc_mem.h"
#include "race_waves.h"

static struct swiotlb_mem mem;

static struct swiotlb_req random_req(u64 *seed)
{
	static const unsigned int sizes[] = { 256, 512, 2048, 4096, 4096, 65536 };
	unsigned int most = sizes[model_random_below(seed, ARRAY_SIZE(sizes))];
	struct swiotlb_req req = PLAIN_REQ(model_random_below(seed, most) + 1);

	req.min_align_mask = model_random_below(seed, 4) ? 0 : 0xfff;
	req.orig_addr += model_random_below(seed, 8192);
	if (!model_random_below(seed, 8))
		req.addr_limit = REACH_32;
	return req;
}

static void race(const char *max_mib)
{
	const struct waves waves = {
		.mem = &mem,
		.nr_threads = 6,
		.per_cpu = 2,
		.nr_waves = 10,
		.nr_spans = 300,
		.may_fail = true,
		.next_req = random_req,
		.is_wrong = span_is_wrong,
	};

	CHECK_EQ(shim_param_set("cc_idle_ms", "100"), 0);
	CHECK_EQ(shim_param_set("cc_max", max_mib), 0);
	make_cc(&mem);
	shim_run_clock(true);
	waves_ride(&waves);
	CHECK_EQ(mem.ops->used(&mem), 0);
	shim_run_clock(false);
	shim_settle();
	printf("  cap %s MiB: grown %lu, shrunk %lu, failed %lu\n", max_mib,
	       cc_of(&mem)->nr_grows, cc_of(&mem)->nr_shrinks,
	       cc_of(&mem)->nr_failures);
	drop_cc(&mem);
}

TEST(race_cc_with_room)
{
	race("0");
}

TEST(race_cc_at_its_cap)
{
	race("18");
}

TEST(race_cc_in_a_confidential_guest)
{
	shim_cc = true;
	race("0");
}

/* CPUs take memory of nodes and give back that of others, and each grows and shrinks */
TEST(race_cc_on_two_nodes)
{
	shim_nr_nodes = 2;
	race("0");
}

TEST(race_cc_on_full_nodes)
{
	shim_nr_nodes = 3;
	shim_node_is_empty[1] = true;
	race("24");
}

/* The end comes at any time: before a work, in it, after it */
TEST(race_cc_cut_short)
{
	static struct cc_span spans[FIRST_BYTES / SZ_64K];
	struct swiotlb_req req = PLAIN_REQ(SZ_64K);
	unsigned int i, k, nr;
	u64 seed = 1;

	for (i = 0; i < 40; i++) {
		make_cc(&mem);
		for (nr = 0; nr < ARRAY_SIZE(spans); nr++) {
			if (span_alloc(&mem, &req, &spans[nr].span))
				break;
		}
		for (k = 0; k < nr; k++)
			span_free(&spans[k].span);
		if (i % 2)
			usleep(model_random_below(&seed, 2000));
		drop_cc(&mem);
	}
}

/*
 * Signals: at any instruction, the thread does what an interrupt might. A lock that
 * it may just hold is taken with interrupts off, so these are not taken then.
 */
struct cpu {
	unsigned int nr;
	unsigned long nr_interrupts;
	struct waves_rider rider;
};

static struct cpu cpus[2];
static __thread struct cpu *my_cpu;
static bool signals_stop;

static void interrupt(int nr)
{
	struct cpu *cpu = my_cpu;
	struct swiotlb_span spans[4];
	struct swiotlb_req req = PLAIN_REQ(2000);
	unsigned int i, got = 0;

	if (!cpu || shim_context.irqs_off || shim_context.in_interrupt ||
	    !shim_context.rcu_readers)
		return;
	shim_context.in_interrupt = true;
	for (i = 0; i < ARRAY_SIZE(spans); i++)
		got += !mem.ops->alloc(&mem, &req, &spans[got]);
	for (i = 0; i < got; i++) {
		memset(shim_ram(buffer_of(&spans[i])), 0x5a, req.size);
		mem.ops->free(&spans[i]);
	}
	shim_context.in_interrupt = false;
	WRITE_ONCE(cpu->nr_interrupts, cpu->nr_interrupts + 1);
}

static void *get_interrupts(void *arg)
{
	struct cpu *cpu = arg;
	u64 seed = cpu->nr;
	struct waves_rider *rider = &cpu->rider;

	shim_cpu = cpu->nr;
	my_cpu = cpu;
	while (!READ_ONCE(signals_stop)) {
		rcu_read_lock();
		/* In it, signals are interrupts */
		while (rider->nr_mapped < WAVES_MAX_SPANS / 2) {
			struct swiotlb_req req = PLAIN_REQ(model_random_below(&seed, 4096) + 1);

			if (mem.ops->alloc(&mem, &req, waves_next(rider)))
				break;
			waves_mapped(rider, &req, &seed);
		}
		rcu_read_unlock();
		while (rider->nr_mapped > 20)
			waves_unmap_one(rider, &seed);
	}
	while (rider->nr_mapped)
		waves_unmap_one(rider, &seed);
	return NULL;
}

TEST(race_cc_with_interrupts)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	unsigned int i, nr_threads = 2;
	unsigned long nr_interrupts = 0;
	pthread_t threads[2];

	sigaction(SIGUSR1, &action, NULL);
	make_cc(&mem);
	for (i = 0; i < nr_threads; i++) {
		cpus[i].nr = i;
		CHECK(!pthread_create(&threads[i], NULL, get_interrupts,
				      &cpus[i]));
	}
	/* Some come when they are not wanted, more so on a busy machine */
	while (nr_interrupts < 200) {
		for (i = 0, nr_interrupts = 0; i < nr_threads; i++) {
			pthread_kill(threads[i], SIGUSR1);
			nr_interrupts += READ_ONCE(cpus[i].nr_interrupts);
		}
		usleep(20);
	}
	WRITE_ONCE(signals_stop, true);
	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i], NULL);
	shim_settle();
	drop_cc(&mem);
}
