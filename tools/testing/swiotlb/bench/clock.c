// SPDX-License-Identifier: GPL-2.0
/*
 * What things cost in time: that of the thread's CPU, as the machine may have other
 * things to do; or, of single calls, the time stamp counter's
 */
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

u64 cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

u64 wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#ifdef __x86_64__
u64 ticks(void)
{
	u64 now;

	__builtin_ia32_lfence();
	now = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return now;
}
#else
u64 ticks(void)
{
	return wall_ns();
}
#endif

double ns_per_tick(void)
{
	static double ratio;
	u64 ns, start;

	if (ratio)
		return ratio;
	ns = wall_ns();
	start = ticks();
	while (wall_ns() - ns < 5000000)
		;
	ratio = (double)(wall_ns() - ns) / (ticks() - start);
	return ratio;
}

/* What taking the time adds to each time taken */
double ticks_overhead(void)
{
	static double overhead;
	u64 best = ~0ULL, start;
	unsigned int i;

	for (i = 0; !overhead && i < 10000; i++) {
		start = ticks();
		best = min(best, ticks() - start);
		if (i == 9999)
			overhead = best * ns_per_tick();
	}
	return overhead;
}

unsigned int nr_host_cpus(void)
{
	return max_t(long, sysconf(_SC_NPROCESSORS_ONLN), 1);
}

void pin_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % nr_host_cpus(), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Threads that the kernel would run elsewhere do not stay where their maker is pinned */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*fn)(void *arg), void *arg)
{
	cpu_set_t all, mine;
	int err;

	pthread_getaffinity_np(pthread_self(), sizeof(mine), &mine);
	memset(&all, 0xff, sizeof(all));
	pthread_setaffinity_np(pthread_self(), sizeof(all), &all);
	err = __real_pthread_create(thread, attr, fn, arg);
	pthread_setaffinity_np(pthread_self(), sizeof(mine), &mine);
	return err;
}

/* How often this thread had to stop although it wanted to go on */
unsigned long nr_preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Sixteen parts between two powers of two */
static unsigned int part_of(double ns)
{
	u64 value = ns < 1 ? 16 : (u64)(ns * 16);
	unsigned int order = ilog2(value);

	return (order - 4) * 16 + ((value >> (order - 4)) & 15);
}

void histogram_add(struct histogram *h, double ns)
{
	ns = max(ns, 0.0);
	h->nr++;
	h->sum += ns;
	h->max = max(h->max, ns);
	h->count[min_t(unsigned int, part_of(ns), ARRAY_SIZE(h->count) - 1)]++;
}

/* The time that @share of all do not exceed, to within a part */
double histogram_at(const struct histogram *h, double share)
{
	u64 wanted = share * h->nr, seen = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(h->count); i++) {
		seen += h->count[i];
		if (seen > wanted)
			return min((double)((16ULL + i % 16 + 1) << (i / 16)) / 16,
				   h->max);
	}
	return h->max;
}
