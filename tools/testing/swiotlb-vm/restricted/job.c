// SPDX-License-Identifier: GPL-2.0
/*
 * Job of the scenario `restricted`: disks that may touch nothing but their pool
 *
 * A program, since the arm64 guest has no shell. Speaks KTAP.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"

#define SLOT_BYTES	2048
#define SETTLE_MS	5000
#define LARGE_REQUEST	(512u << 10)
#define SMALL_REQUEST	(64u << 10)

/* A ring of 256 descriptors of 16 bytes, and what goes with it. */
#define RING_SLOTS	((256 * 16) / SLOT_BYTES)

static char reason[512];
static const char *skipped;
static long idle_slots[NR_POOLS];	/* in use while no disk is */

int fail(const char *fmt, ...)
{
	va_list ap;

	/* Later failures are mostly consequences of the first one. */
	if (!reason[0]) {
		va_start(ap, fmt);
		vsnprintf(reason, sizeof(reason), fmt, ap);
		va_end(ap);
	}
	return -1;
}

static void result(const char *key, long val)
{
	FILE *file = fopen(getenv("RESULTS"), "a");

	if (file) {
		fprintf(file, "%s=%ld\n", key, val);
		fclose(file);
	}
}

static size_t max_request(const struct device *dev)
{
	return dev->pool == &pools[1] ? SMALL_REQUEST : LARGE_REQUEST;
}

/* Requests end a moment after their caller was woken. */
static int settle(const struct pool *pool, long want)
{
	long used = -1;

	for (int waited_ms = 0; waited_ms < SETTLE_MS; waited_ms += 10) {
		used = pool_value(pool, "io_tlb_used");
		if (used == want)
			return 0;
		usleep(10 * 1000);
	}
	return fail("%s: expected %ld slots in use, got %ld", pool->name, want, used);
}

static int test_size(void)
{
	for (int i = 0; i < NR_POOLS; i++) {
		const struct pool *pool = &pools[i];
		long want = (pool->end - pool->start) / SLOT_BYTES;
		long got = pool_value(pool, "io_tlb_nslabs");

		if (got != want)
			return fail("%s: expected %ld slots, got %ld", pool->name, want, got);
		if (!pool_has_line(pool, "state", "backend fixed"))
			return fail("%s: its backend is not fixed", pool->name);
	}
	return 0;
}

static int test_backend_file(void)
{
	bool absent = false, any_absent = false;

	for (int i = 0; i < NR_DEVICES; i++) {
		if (devices[i].pool && device_refuses_backends(&devices[i], &absent))
			return -1;
		any_absent |= absent;
	}
	if (any_absent)
		skipped = "this kernel has no file swiotlb_backend";
	return 0;
}

/* A ring is coherent memory: without its driver a device uses nothing, with it a ring. */
static int test_coherent(void)
{
	for (int i = 0; i < NR_DEVICES; i++)
		if (device_bind(&devices[i], false))
			return -1;
	for (int i = 0; i < NR_POOLS; i++)
		if (settle(&pools[i], 0))
			return -1;
	if (trace_restart())
		return -1;
	for (int i = 0; i < NR_DEVICES; i++) {
		char path[256];

		if (device_bind(&devices[i], true) || device_disk(&devices[i], path, sizeof(path)))
			return -1;
	}
	for (int i = 0; i < NR_DEVICES; i++) {
		const struct device *dev = &devices[i];
		struct addresses found;

		if (trace_addresses(dev, &found))
			return -1;
		if (!found.nr_coherent)
			return fail("%s: the trace has no coherent memory of it", dev->what);
		if (dev->pool ? found.nr_outside : found.nr_inside)
			return fail("%s: got coherent memory from elsewhere", dev->what);
	}
	for (int i = 0; i < NR_POOLS; i++) {
		idle_slots[i] = pool_value(&pools[i], "io_tlb_used");
		if (idle_slots[i] < RING_SLOTS * (long)pools[i].nr_devices)
			return fail("%s: %ld slots are less than its rings", pools[i].name,
				    idle_slots[i]);
	}
	return 0;
}

static int test_data(void)
{
	for (int i = 0; i < NR_POOLS; i++)
		if (pool_restart_hiwater(&pools[i]))
			return -1;
	if (trace_restart())
		return -1;
	for (int i = 0; i < NR_DEVICES; i++)
		if (disk_verify(&devices[i], max_request(&devices[i])))
			return -1;
	return 0;
}

/* What the requests of the test before were mapped to */
static int test_addresses(void)
{
	unsigned int nr_inside = 0, nr_free = 0;

	for (int i = 0; i < NR_DEVICES; i++) {
		const struct device *dev = &devices[i];
		struct addresses found;

		if (trace_addresses(dev, &found))
			return -1;
		if (!found.nr_mapped)
			return fail("%s: the trace has no mapping of it", dev->what);
		if (dev->pool && found.nr_outside)
			return fail("%s: %u of %u addresses are not in its pool", dev->what,
				    found.nr_outside, found.nr_mapped);
		if (!dev->pool && found.nr_inside)
			return fail("%s: %u of %u addresses are in a pool", dev->what,
				    found.nr_inside, found.nr_mapped);
		*(dev->pool ? &nr_inside : &nr_free) += found.nr_mapped;
	}
	result("addresses_restricted", nr_inside);
	result("addresses_free", nr_free);
	return 0;
}

static int test_use(void)
{
	for (int i = 0; i < NR_POOLS; i++) {
		long hiwater = pool_value(&pools[i], "io_tlb_used_hiwater");

		if (settle(&pools[i], idle_slots[i]))
			return -1;
		if (hiwater <= idle_slots[i])
			return fail("%s: I/O used no more than %ld slots", pools[i].name, hiwater);
		result(i ? "hiwater_small" : "hiwater_large", hiwater);
	}
	return 0;
}

/* Mappings that failed because of what others had */
static long no_room(const struct pool *pool)
{
	return pool_failures(pool, "exhausted") + pool_failures(pool, "fragmented");
}

static int test_exhaustion(void)
{
	const struct device *dev = &devices[2];
	long full = no_room(dev->pool), failures = pool_failures(dev->pool, NULL);

	if (disk_crowd(dev))
		return -1;
	full = no_room(dev->pool) - full;
	failures = pool_failures(dev->pool, NULL) - failures;
	if (!full)
		return fail("%s: the pool never ran dry, so this proved nothing", dev->what);
	if (failures != full)
		return fail("%s: %ld failures had other reasons", dev->what, failures - full);
	result("refused_small", full);
	return settle(dev->pool, idle_slots[1]);
}

/* The memory of everybody else was never used. */
static int test_default_pool(void)
{
	long hiwater = pool_value(NULL, "io_tlb_used_hiwater");

	return hiwater > 0 ? fail("%ld slots of the default pool were used", hiwater) : 0;
}

/* Not even a device that is gone keeps anything. */
static int test_release(void)
{
	for (int i = 0; i < NR_DEVICES; i++)
		if (device_bind(&devices[i], false))
			return -1;
	for (int i = 0; i < NR_POOLS; i++)
		if (settle(&pools[i], 0))
			return -1;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = {
	{ "pools are as large as the device tree says, less pages that are not whole", test_size },
	{ "a restricted device refuses every backend", test_backend_file },
	{ "coherent memory comes from the pool, and goes back", test_coherent },
	{ "data of requests of all sizes", test_data },
	{ "every DMA address was in the device's own pool", test_addresses },
	{ "I/O used the pools, and gave all back", test_use },
	{ "a pool that runs dry says so, and no byte is wrong", test_exhaustion },
	{ "nothing came from the default pool", test_default_pool },
	{ "devices without driver use nothing", test_release },
};

#define NR_TESTS	((int)ARRAY_SIZE(tests))

int main(void)
{
	int nr_failed = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (find_pools()) {
		fprintf(stderr, "job: %s\n", reason);
		return 1;
	}
	printf("KTAP version 1\n1..%d\n", NR_TESTS);
	for (int i = 0; i < NR_TESTS; i++) {
		bool failed = tests[i].run();

		if (failed) {
			printf("# %s\n", reason);
			fprintf(stderr, "job: %s\n", reason);
			reason[0] = '\0';
		}
		nr_failed += failed;
		printf("%sok %d %s%s%s\n", failed ? "not " : "", i + 1, tests[i].name,
		       skipped ? " # SKIP " : "", skipped ?: "");
		skipped = NULL;
	}
	return nr_failed != 0;
}
