// SPDX-License-Identifier: GPL-2.0
/*
 * Growth, shrinking, transient pools and their end, while CPUs map and unmap
 *
 * Load comes in waves, so that pools come and go all the time. Each buffer is full
 * of a pattern of its own, and memory that was given back is reused at once, so that
 * whoever is given what is not his shows.
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include <unistd.h>

#include "dynamic_mem.h"

#define NR_THREADS	4
#define NR_WAVES	12
#define MAX_SPANS	220
#define MAX_BYTES	65536

static struct swiotlb_mem mem;
static struct device dev;
static bool refuse;

struct mapping {
	struct swiotlb_span span;
	size_t size;
	u8 pattern;
};

struct cpu {
	unsigned int nr;
	unsigned int nr_mapped;
	struct mapping mappings[MAX_SPANS];
};

static struct cpu cpus[NR_THREADS];

/* The others wait to be unmapped elsewhere */
static struct mapping *handover;

static u8 *buffer_of(const struct mapping *mapping)
{
	return shim_ram(span_start(&mapping->span) + mapping->span.offset);
}

static bool map(struct mapping *mapping, u64 *seed)
{
	struct swiotlb_req req = PLAIN_REQ(model_random_below(seed, MAX_BYTES) + 1);
	int err;

	req.min_align_mask = model_random_below(seed, 2) ? 0xfff : 0;
	req.orig_addr += model_random_below(seed, 8192);
	if (!model_random_below(seed, 4))
		req.addr_limit = REACH_32;
	err = span_alloc(&mem, &req, &mapping->span);
	if (err) {
		CHECK(refuse && err == -ENOSPC);
		return false;
	}

	CHECK(span_start(&mapping->span) + mapping->span.offset + req.size - 1 <=
	      req.addr_limit);
	mapping->size = req.size;
	mapping->pattern = model_random(seed);
	swiotlb_record(&mapping->span, req.orig_addr, req.size);
	memset(buffer_of(mapping), mapping->pattern, mapping->size);
	return true;
}

static void unmap(const struct mapping *mapping)
{
	phys_addr_t paddr = span_start(&mapping->span) + mapping->span.offset;
	const u8 *byte = buffer_of(mapping);
	size_t left = mapping->size;
	struct io_tlb_pool *pool;
	struct swiotlb_span span;

	while (left && *byte++ == mapping->pattern)
		left--;
	CHECK_EQ(left, 0);
	pool = swiotlb_find_pool(&dev, paddr);
	CHECK(pool == mapping->span.pool);
	CHECK_EQ(swiotlb_forget(pool, paddr, &span), mapping->size);
	span_free(&span);
}

static void unmap_one(struct cpu *cpu, u64 *seed)
{
	unsigned int i = model_random_below(seed, cpu->nr_mapped);

	unmap(&cpu->mappings[i]);
	cpu->mappings[i] = cpu->mappings[--cpu->nr_mapped];
}

/* Let another CPU unmap it, and unmap one for another */
static void hand_over(struct cpu *cpu)
{
	struct mapping *mine = malloc(sizeof(*mine));

	*mine = cpu->mappings[--cpu->nr_mapped];
	mine = __atomic_exchange_n(&handover, mine, __ATOMIC_ACQ_REL);
	if (mine)
		unmap(mine);
	free(mine);
}

static void *ride_waves(void *arg)
{
	struct cpu *cpu = arg;
	u64 seed = cpu->nr;
	unsigned int wave, i;

	shim_cpu = cpu->nr;
	for (wave = 0; wave < NR_WAVES; wave++) {
		for (i = 0; i < MAX_SPANS && cpu->nr_mapped < MAX_SPANS; i++) {
			if (map(&cpu->mappings[cpu->nr_mapped], &seed))
				cpu->nr_mapped++;
			if (cpu->nr_mapped && !model_random_below(&seed, 4))
				unmap_one(cpu, &seed);
			if (cpu->nr_mapped && !model_random_below(&seed, 16))
				hand_over(cpu);
		}
		while (cpu->nr_mapped)
			unmap_one(cpu, &seed);
		/* A trough, long enough for some of the pools to go */
		usleep(model_random_below(&seed, 4000));
	}
	return NULL;
}

static void race(const char *max_mib)
{
	pthread_t threads[NR_THREADS];
	struct dynamic *d;
	unsigned int i;

	CHECK_EQ(shim_param_set("dynamic_idle_ms", "100"), 0);
	CHECK_EQ(shim_param_set("dynamic_max_mib", max_mib), 0);
	make_dynamic(&mem);
	shim_run_clock(true);
	for (i = 0; i < NR_THREADS; i++) {
		cpus[i].nr = i;
		CHECK(!pthread_create(&threads[i], NULL, ride_waves, &cpus[i]));
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	if (handover)
		unmap(handover);
	free(handover);

	/* The waves were no use if no pool has gone yet */
	d = dynamic_of(&mem);
	mutex_lock(&d->lock);
	while (!d->nr_shrinks) {
		mutex_unlock(&d->lock);
		usleep(1000);
		mutex_lock(&d->lock);
	}
	printf("  cap %s MiB: grown %lu, shrunk %lu, transient %ld\n", max_mib,
	       d->nr_grows, d->nr_shrinks,
	       atomic_long_read(&d->transients.nr_made));
	mutex_unlock(&d->lock);

	/* The end comes while works may still be about */
	shim_run_clock(false);
	drop_dynamic(&mem);
}

TEST(race_dynamic_with_room)
{
	race("0");
}

TEST(race_dynamic_at_its_cap)
{
	refuse = true;
	race("10");
}

TEST(race_dynamic_in_a_confidential_guest)
{
	refuse = true;
	shim_cc = true;
	race("0");
}

/* The end comes at any time: before a work, in it, after it */
TEST(race_dynamic_cut_short)
{
	struct swiotlb_req req = PLAIN_REQ(32768);
	struct swiotlb_span spans[2 * FIRST_BYTES / 32768];
	unsigned int i, k;
	u64 seed = 1;

	for (i = 0; i < 60; i++) {
		make_dynamic(&mem);
		for (k = 0; k < ARRAY_SIZE(spans); k++)
			CHECK_EQ(span_alloc(&mem, &req, &spans[k]), 0);
		while (k--)
			span_free(&spans[k]);
		if (i % 2)
			usleep(model_random_below(&seed, 2000));
		drop_dynamic(&mem);
	}
}
