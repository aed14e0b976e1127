// SPDX-License-Identifier: GPL-2.0
/*
 * One thread: map and unmap, maps that fail, lookups, copies alone, memory
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define NS_PER_MS	1000000ULL

/* How long a repetition takes; one that measures single calls may take longer */
static u64 budget_ns(void)
{
	return param("ms", 12) * NS_PER_MS;
}

static struct load others;
static struct request request;

static struct request request_of(const char *prefix, u32 size)
{
	struct request req = { .size = size };
	char name[32];

	scnprintf(name, sizeof(name), "%smix", prefix);
	req.pattern = param(name, 0) ? PATTERN_MIX : PATTERN_SAME;
	scnprintf(name, sizeof(name), "%soffset", prefix);
	req.offset = param(name, 0);
	scnprintf(name, sizeof(name), "%ssteps", prefix);
	req.steps = param(name, 0);
	return req;
}

/* What else is mapped, so that there are holes of all sizes and ages */
static void occupy(void)
{
	struct request req = request_of("fill-", param("fill-size", 4096));
	u64 bytes = machine_bytes() / 100 * param("full", 0);

	load_init(&others, machine_bytes() / 128 + 1);
	if (!bytes)
		return;
	load_fill(&others, &req, machine_bytes());
	load_thin(&others, bytes);
}

/* pair: the oldest of @flight mappings goes, a new one comes */
static struct mapping *flight;
static u32 nr_flight, next_flight;

/* What the loop itself takes counts on all sides, so it is kept short */
static void pairs(void *arg)
{
	size_t nr = *(size_t *)arg;
	const u32 offset = request.offset, size = request.size;
	u32 i = next_flight;

	while (nr--) {
		struct mapping *map = &flight[i];

		if (likely(map->size))
			bench_unmap(map->tlb_addr, map->size);
		map->tlb_addr = bench_map(origin_of(i) + offset, size);
		map->size = map->tlb_addr == DMA_MAPPING_ERROR ? 0 : size;
		if (unlikely(++i == nr_flight))
			i = 0;
	}
	next_flight = i;
}

static void pair_prepare(void)
{
	size_t nr = 1000;
	u64 end;

	occupy();
	request = request_of("", param("size", 4096));
	nr_flight = param("flight", 1);
	flight = calloc(nr_flight, sizeof(*flight));
	/* Search indices have been everywhere, within reason */
	for (end = wall_ns() + param("warm", 60) * NS_PER_MS; wall_ns() < end;)
		pairs(&nr);
}

static void pair_run(void)
{
	size_t nr = 0, chunk = 16, steps;
	u64 start = cpu_ns(), now;
	unsigned int i, missing = 0;

	do {
		pairs(&chunk);
		nr += chunk;
		now = cpu_ns();
		if (now - start < budget_ns() / 64)
			chunk *= 2;
	} while (now - start < budget_ns());
	result("ns", (double)(now - start) / nr);

	for (i = 0; i < nr_flight; i++)
		missing += !flight[i].size;
	result("fails", (double)missing / nr_flight);
	steps = param("steps", 0) * (instructions_are_cheap() ? 1000 : 1);
	if (steps)
		result_instructions(pairs, steps);
#ifdef BENCH_TOUCH
	nr = 64;
	touch_start();
	pairs(&nr);
	touch_stop();
	touch_results(nr);
#endif
}

const struct scenario pair_scenario = { "pair", pair_prepare, pair_run };

/* fail: there is no place; or free space, but each piece is too small */
static int by_address(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->tlb_addr < y->tlb_addr ? -1 : x->tlb_addr > y->tlb_addr;
}

static void fail_prepare(void)
{
	struct request req = { .size = IO_TLB_SIZE };
	size_t i;

	load_init(&others, machine_bytes() / IO_TLB_SIZE * 4 + 64);
	load_fill(&others, &req, ~0ULL);
	if (!param("fragmented", 0))
		return;
	qsort(others.maps, others.nr, sizeof(*others.maps), by_address);
	for (i = 0; i < others.nr; i += 2)
		bench_unmap(others.maps[i].tlb_addr, others.maps[i].size);
}

static void fail_run(void)
{
	phys_addr_t orig = origin_of(0);
	size_t nr = 0, fits = 0;
	u64 start = cpu_ns(), now;
	u32 size = param("size", 4096);

	do {
		phys_addr_t tlb_addr = bench_map(orig, size);

		if (tlb_addr != DMA_MAPPING_ERROR) {
			fits++;
			bench_unmap(tlb_addr, size);
		}
		if (++nr % 8)
			continue;
		now = cpu_ns();
	} while (nr % 8 || now - start < budget_ns());
	result("ns", (double)(now - start) / nr);
	result("fits", (double)fits / nr);
}

const struct scenario fail_scenario = { "fail", fail_prepare, fail_run };

/* copy: the floor, nothing but the copies, to one place or all over the pool */
static char *copy_to;
static size_t copy_bytes, copy_at;

static void copy_prepare(void)
{
	copy_bytes = max_t(size_t, param("size", 4096),
			   (size_t)param("spread", 0) << 20);
	copy_to = aligned_alloc(SZ_2M, ALIGN(copy_bytes, SZ_2M));
	madvise(copy_to, ALIGN(copy_bytes, SZ_2M), MADV_HUGEPAGE);
	memset(copy_to, 1, ALIGN(copy_bytes, SZ_2M));
}

static void copy_run(void)
{
	u32 size = param("size", 4096), i = 0;
	u64 start = cpu_ns(), now;
	size_t nr = 0;

	do {
		for (i = 0; i < 64; i++) {
			__builtin_memcpy(copy_to + copy_at,
					 shim_ram(origin_of(i)), size);
			copy_at += ALIGN(size, IO_TLB_SIZE);
			if (copy_at + size > copy_bytes)
				copy_at = 0;
		}
		nr += i;
		now = cpu_ns();
	} while (now - start < budget_ns());
	result("ns", (double)(now - start) / nr);
}

const struct scenario copy_scenario = { "copy", copy_prepare, copy_run };

/* lookup: is it in a pool? */
#define NR_ADDRESSES	1024

static phys_addr_t hits[NR_ADDRESSES];
static struct device other_dev;
static volatile bool sink;

static void lookup_prepare(void)
{
	unsigned int nr = param("pools", 1), i;
	phys_addr_t at[256] = {};
	u64 random = 4711;

	at[0] = bench_map(origin_of(0), IO_TLB_SIZE);
	if (nr > ARRAY_SIZE(at) || !machine_add_pools(nr - 1, at + 1)) {
		fprintf(stderr, "swiotlb bench: no %u pools\n", nr);
		exit(2);
	}
	for (i = 0; i < NR_ADDRESSES; i++)
		hits[i] = at[(next_random(&random) >> 32) % nr];
	other_dev = bench_dev;
	swiotlb_dev_init(&other_dev);
}

static double ns_per_lookup(struct device *dev, const phys_addr_t *addresses,
			    bool expected)
{
	u64 start = cpu_ns(), now;
	unsigned int i;
	size_t nr = 0;
	bool wrong = false;

	do {
		for (i = 0; i < NR_ADDRESSES; i++)
			wrong |= !!swiotlb_find_pool(dev, addresses[i]) !=
				 expected;
		nr += i;
		now = cpu_ns();
	} while (now - start < budget_ns() / 4);
	sink = wrong;
	if (wrong) {
		fprintf(stderr, "swiotlb bench: a lookup is wrong\n");
		exit(2);
	}
	return (double)(now - start) / nr;
}

static void lookup_run(void)
{
	static phys_addr_t near[NR_ADDRESSES], far[NR_ADDRESSES];
	unsigned int i;

	/* Between the pools, and where RAM ends */
	for (i = 0; i < NR_ADDRESSES; i++) {
		near[i] = SHIM_FREE_START + (i + 600) * SZ_1M;
		far[i] = 0xfe00000000ULL + i * PAGE_SIZE;
	}
	result("hit", ns_per_lookup(&bench_dev, hits, true));
	result("miss", ns_per_lookup(&bench_dev, near, false));
	result("far", ns_per_lookup(&bench_dev, far, false));
	result("other", ns_per_lookup(&other_dev, near, false));
}

const struct scenario lookup_scenario = {
	"lookup", lookup_prepare, lookup_run
};

/* memory: what is mapped, and what it takes, when the first mapping fails */
static size_t heap_at_start;

static void memory_prepare(void)
{
	request = request_of("", param("size", 4096));
	load_init(&others, machine_bytes() / 64);
	heap_at_start = heap_bytes();
}

static void memory_run(void)
{
	size_t meta;

	while (load_request(&others, &request))
		;
	shim_settle();
	meta = shim_page_bytes() - machine_bytes() + heap_bytes() -
	       heap_at_start + heap_after_boot - heap_before_boot;
	result("requested", (double)others.sum / machine_bytes());
	result("mappings", others.nr);
	result("reserved", machine_bytes());
	result("metadata", (double)meta / machine_bytes());
	load_thin(&others, 0);
}

const struct scenario memory_scenario = {
	"memory", memory_prepare, memory_run
};
