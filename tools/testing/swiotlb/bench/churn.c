// SPDX-License-Identifier: GPL-2.0
/*
 * Churn: any mapping goes, a new one of the mix comes, so that the pool stays about as
 * full as it is
 *
 * In each step what is mapped is compared with the target, and either a mapping is made
 * or an arbitrary one ends. Each call is timed by itself. Times of calls during
 * which the thread had to stop are not counted, as far as that can be known.
 */
#include "bench.h"

#define NS_PER_MS	1000000ULL
#define CHUNK		64
#define LARGE		(16U << 10)

static struct load load;
static struct request request;
static u64 target;
static struct histogram maps, unmaps;
static u64 nr_tried, nr_failed, nr_large, nr_large_failed, nr_dropped;

static bool step_is_map(void)
{
	/* A failed one must not be tried for ever */
	return load.bytes < target && (next_random(&load.random) & 7);
}

static void step(void)
{
	if (step_is_map())
		load_request(&load, &request);
	else if (load.nr)
		load_unmap(&load, next_random(&load.random) % load.nr);
}

static void steps(void *arg)
{
	size_t nr = *(size_t *)arg;

	while (nr--)
		step();
}

static void churn_prepare(void)
{
	size_t nr = 512, i;
	u64 end;

	request = (struct request) { .pattern = PATTERN_MIX };
	target = machine_bytes() / 100 * param("full", 90);
	load_init(&load, machine_bytes() / 512 + 1);
	load_fill(&load, &request, target);
	/* Holes of all ages, as far as there is time */
	for (end = cpu_ns() + param("warm", 400) * NS_PER_MS, i = 0;
	     i < 2 * load.nr + 20000 && cpu_ns() < end; i += nr)
		steps(&nr);
}

static double timed_map(u32 size, phys_addr_t orig, bool *ok)
{
	u64 start = ticks();
	phys_addr_t tlb_addr = bench_map(orig, size);
	double ns = (ticks() - start) * ns_per_tick() - ticks_overhead();

	*ok = tlb_addr != DMA_MAPPING_ERROR;
	if (*ok) {
		load.maps[load.nr++] = (struct mapping) {
			.tlb_addr = tlb_addr,
			.size = size,
		};
		load.bytes += ALIGN((u64)size, IO_TLB_SIZE);
		load.sum += size;
	}
	return ns;
}

static double timed_unmap(void)
{
	size_t i = next_random(&load.random) % load.nr;
	struct mapping *map = &load.maps[i];
	u64 start;
	double ns;

	start = ticks();
	bench_unmap(map->tlb_addr, map->size);
	ns = (ticks() - start) * ns_per_tick() - ticks_overhead();
	load.bytes -= ALIGN((u64)map->size, IO_TLB_SIZE);
	load.sum -= map->size;
	*map = load.maps[--load.nr];
	return ns;
}

static void timed_chunk(void)
{
	double map_ns[CHUNK], unmap_ns[CHUNK];
	unsigned int nr_maps = 0, nr_unmaps = 0, i;
	unsigned long preemptions = nr_preemptions();

	for (i = 0; i < CHUNK; i++) {
		if (step_is_map() && load.nr < load.max) {
			u32 size = mix_size(&load.random);
			bool ok;

			map_ns[nr_maps++] = timed_map(size, origin_of(i), &ok);
			nr_tried++;
			nr_failed += !ok;
			nr_large += size > LARGE;
			nr_large_failed += size > LARGE && !ok;
		} else if (load.nr) {
			unmap_ns[nr_unmaps++] = timed_unmap();
		}
	}
	if (preemptions != nr_preemptions()) {
		nr_dropped += CHUNK;
		return;
	}
	while (nr_maps)
		histogram_add(&maps, map_ns[--nr_maps]);
	while (nr_unmaps)
		histogram_add(&unmaps, unmap_ns[--nr_unmaps]);
}

static void churn_run(void)
{
	u64 budget = param("ms", 20) * NS_PER_MS, start, now, nr = 0;
	size_t nr_steps = param("steps", 0) *
			  (instructions_are_cheap() ? 1000 : 1);
	size_t chunk = 64;

	/* Untimed, so that one call overlaps with the next, as it would */
	start = cpu_ns();
	do {
		steps(&chunk);
		nr += chunk;
		now = cpu_ns();
	} while (now - start < budget / 2);
	result("ns", (double)(now - start) / nr);

	memset(&maps, 0, sizeof(maps));
	memset(&unmaps, 0, sizeof(unmaps));
	nr_tried = 0;
	nr_failed = 0;
	nr_large = 0;
	nr_large_failed = 0;
	nr_dropped = 0;
	start = wall_ns();
	do
		timed_chunk();
	while (wall_ns() - start < budget || maps.nr < 2000);
	result("map", maps.sum / maps.nr);
	result("map_p50", histogram_at(&maps, 0.5));
	result("map_p99", histogram_at(&maps, 0.99));
	result("map_p999", histogram_at(&maps, 0.999));
	result("map_max", maps.max);
	result("unmap", unmaps.sum / unmaps.nr);
	result("unmap_p999", histogram_at(&unmaps, 0.999));
	result("unmap_max", unmaps.max);
	result("fails", (double)nr_failed / nr_tried);
	result("large_fails", (double)nr_large_failed / max(nr_large, 1ULL));
	result("full", (double)load.bytes / machine_bytes());
	result("dropped", (double)nr_dropped / (nr_dropped + maps.nr + unmaps.nr));
	if (nr_steps)
		result_instructions(steps, nr_steps);
#ifdef BENCH_TOUCH
	chunk = 1024;
	touch_start();
	steps(&chunk);
	touch_stop();
	touch_results(chunk);
#endif
}

const struct scenario churn_scenario = { "churn", churn_prepare, churn_run };
