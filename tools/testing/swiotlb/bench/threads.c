// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads: together, apart, more than there are processors, handing over
 *
 * What two threads can do at best depends on the machine: so the same is done by two
 * processes that share nothing, at the same time, each with a copy of the pool.
 *
 * The machine may have other things to do, and then threads that should run at the same
 * time do not. So they work in bursts of some microseconds. Before each they wait for
 * each other without giving way: whoever sees the last one arrive is running. The
 * median of the bursts is what counts; those during which one had to stop are far from
 * it.
 */
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define NS_PER_MS	1000000ULL
#define MAX_THREADS	64
#define MAX_BURSTS	1024
#define BURST		64

/**
 * struct arena - what threads, or processes, of a repetition share
 * @nr_threads: how many there are
 * @stop:	they are to end
 * @done:	what each did, and how many bursts it has begun
 */
struct arena {
	unsigned int nr_threads;
	bool stop;
	struct {
		unsigned long nr_begun;
		u64 ops;
		u64 wall_ns;
		double p999;
		double max;
		bool failed;
		unsigned int nr_bursts;
		double burst_ns[MAX_BURSTS];
	} done[MAX_THREADS] __attribute__((aligned(64)));
};

static struct arena *arena;
static u32 size;
static u64 budget;

/*
 * False if there is no next burst, and then for all: who stops them has not begun
 * it, and nobody gets ahead of him
 */
static bool begin_burst(unsigned int cpu)
{
	unsigned long mine = arena->done[cpu].nr_begun + 1;
	unsigned int i;

	if (READ_ONCE(arena->stop))
		return false;
	/* What was done before it is seen by all who see this, just below */
	smp_store_release(&arena->done[cpu].nr_begun, mine);
	for (i = 0; i < arena->nr_threads; i++) {
		/* Pairs with the release of the others, just above */
		while (smp_load_acquire(&arena->done[i].nr_begun) < mine) {
			if (READ_ONCE(arena->stop))
				return false;
			cpu_relax();
		}
	}
	return true;
}

static void end_burst(unsigned int cpu, u64 start, u64 deadline)
{
	double ns = (ticks() - start) * ns_per_tick() - ticks_overhead();
	unsigned int nr = arena->done[cpu].nr_bursts;

	if (nr < MAX_BURSTS) {
		arena->done[cpu].burst_ns[nr] = ns / BURST;
		arena->done[cpu].nr_bursts++;
	}
	if (wall_ns() > deadline)
		WRITE_ONCE(arena->stop, true);
}

static bool map_and_unmap(phys_addr_t orig)
{
	phys_addr_t tlb_addr = bench_map(orig, size);

	if (tlb_addr == DMA_MAPPING_ERROR)
		return false;
	bench_unmap(tlb_addr, size);
	return true;
}

static phys_addr_t origin_for(unsigned int cpu)
{
	return origin_of(cpu * 2);
}

static void warm_up(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < 5000; i++)
		map_and_unmap(origin_for(cpu));
}

static void work(unsigned int cpu)
{
	phys_addr_t orig = origin_for(cpu);
	u64 deadline, start;
	unsigned int i;

	warm_up(cpu);
	deadline = wall_ns() + budget;
	while (begin_burst(cpu)) {
		start = ticks();
		for (i = 0; i < BURST; i++) {
			if (unlikely(!map_and_unmap(orig)))
				arena->done[cpu].failed = true;
		}
		end_burst(cpu, start, deadline);
	}
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median_of(unsigned int cpu)
{
	unsigned int nr = arena->done[cpu].nr_bursts;
	double *ns = arena->done[cpu].burst_ns;

	if (arena->done[cpu].failed || !nr)
		return NAN;
	qsort(ns, nr, sizeof(*ns), by_value);
	return ns[nr / 2];
}

static double mean_ns(void)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < arena->nr_threads; i++)
		sum += median_of(i);
	return sum / arena->nr_threads;
}

static void start_over(unsigned int nr_threads)
{
	memset(arena, 0, sizeof(*arena));
	arena->nr_threads = nr_threads;
}

static void (*work_fn)(unsigned int cpu);

static void *work_thread(void *arg)
{
	unsigned int cpu = (uintptr_t)arg;

	pin_to_cpu(cpu);
	shim_be_cpu(cpu);
	work_fn(cpu);
	shim_leave_cpu();
	return NULL;
}

static void together(unsigned int nr, void (*fn)(unsigned int cpu))
{
	pthread_t threads[MAX_THREADS];
	unsigned int i;

	start_over(nr);
	shim_leave_cpu();
	work_fn = fn;
	for (i = 0; i < nr; i++)
		pthread_create(&threads[i], NULL, work_thread,
			       (void *)(uintptr_t)i);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	shim_be_cpu(0);
}

static void apart(unsigned int nr)
{
	unsigned int i;

	start_over(nr);
	for (i = 0; i < nr; i++) {
		if (!fork()) {
			pin_to_cpu(i);
			shim_be_cpu(i);
			work(i);
			_exit(0);
		}
	}
	for (i = 0; i < nr; i++)
		wait(NULL);
}

static void threads_prepare(void)
{
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size = param("size", 4096);
	budget = param("ms", 12) * NS_PER_MS;
	/* Measured once, not by each of several at once */
	ns_per_tick();
	ticks_overhead();
}

static void threads_run(void)
{
	unsigned int nr = min_t(unsigned int, param("threads", 2), nr_host_cpus());
	double one, alone, shared;

	together(1, work);
	one = mean_ns();
	apart(nr);
	alone = mean_ns();
	together(nr, work);
	shared = mean_ns();
	result("one", one);
	result("apart", alone);
	result("ns", shared);
	result("speedup_apart", nr * one / alone);
	result("speedup", nr * one / shared);
	result("efficiency", alone / shared);
}

const struct scenario threads_scenario = {
	"threads", threads_prepare, threads_run
};

/* More threads than processors: whoever has a lock may have to stop */
static void crowd_work(unsigned int cpu)
{
	static __thread struct histogram times;
	u64 start = wall_ns(), last = ticks(), now, nr = 0;
	unsigned int i;

	memset(&times, 0, sizeof(times));
	do {
		for (i = 0; i < BURST; i++) {
			if (!map_and_unmap(origin_for(cpu)))
				arena->done[cpu].failed = true;
			now = ticks();
			histogram_add(&times, (now - last) * ns_per_tick());
			last = now;
		}
		nr += BURST;
	} while (wall_ns() - start < budget);
	arena->done[cpu].wall_ns = wall_ns() - start;
	arena->done[cpu].ops = nr;
	arena->done[cpu].p999 = histogram_at(&times, 0.999);
	arena->done[cpu].max = times.max;
}

static void crowd_run(void)
{
	unsigned int nr = param("threads", 2 * nr_host_cpus()), i;
	double ops = 0, ns = 0, p999 = 0, worst = 0;
	bool failed = false;

	together(nr, crowd_work);
	for (i = 0; i < nr; i++) {
		failed |= arena->done[i].failed;
		ops += arena->done[i].ops;
		ns = fmax(ns, arena->done[i].wall_ns);
		p999 = fmax(p999, arena->done[i].p999);
		worst = fmax(worst, arena->done[i].max);
	}
	result("ns", failed ? NAN : ns * min(nr, nr_host_cpus()) / ops);
	result("p999", p999);
	result("max", worst);
}

const struct scenario crowd_scenario = { "crowd", threads_prepare, crowd_run };

/*
 * Handing over: one maps, the other unmaps what the first one mapped in the burst
 * before, as with interrupts that come to another CPU
 */
static phys_addr_t handed[2][BURST];

static void mapper(unsigned int cpu)
{
	u64 deadline, start;
	unsigned int i, side = 0;

	warm_up(cpu);
	deadline = wall_ns() + budget;
	for (i = 0; i < BURST; i++)
		handed[1][i] = bench_map(origin_for(cpu), size);
	while (begin_burst(cpu)) {
		start = ticks();
		for (i = 0; i < BURST; i++)
			handed[side][i] = bench_map(origin_for(cpu), size);
		end_burst(cpu, start, deadline);
		for (i = 0; i < BURST; i++) {
			if (handed[side][i] == DMA_MAPPING_ERROR)
				arena->done[cpu].failed = true;
		}
		side = !side;
	}
}

static void unmapper(unsigned int cpu)
{
	unsigned int i, side = 1;
	u64 start;

	while (begin_burst(cpu)) {
		start = ticks();
		for (i = 0; i < BURST; i++)
			bench_unmap(handed[side][i], size);
		end_burst(cpu, start, ~0ULL);
		side = !side;
	}
	for (i = 0; i < BURST; i++)
		bench_unmap(handed[side][i], size);
}

static void hand_over(unsigned int cpu)
{
	if (cpu)
		unmapper(cpu);
	else
		mapper(cpu);
}

static void remote_run(void)
{
	together(2, hand_over);
	result("map", median_of(0));
	result("unmap", median_of(1));
	result("ns", median_of(0) + median_of(1));
}

const struct scenario remote_scenario = {
	"remote", threads_prepare, remote_run
};
