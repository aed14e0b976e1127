// SPDX-License-Identifier: GPL-2.0
/*
 * Many CPUs at once, under ThreadSanitizer
 *
 * Each thread maps, writes as a device would, syncs, checks, and unmaps what it
 * or another thread mapped. Every buffer is full of its owner's own pattern, so
 * that two mappings of the same slots show even without the sanitizer.
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "fixed_pool.h"

#define NR_THREADS	6
#define NR_ROUNDS	1500
#define NR_HANDOVERS	16
#define MAX_BYTES	20000

static struct swiotlb_mem mem;
/* Follows the default, and so finds all pools of the default domain */
static struct device dev;
static bool may_fail;

/**
 * struct mapping - a buffer in use
 * @span:    as the backend gave it
 * @orig:    the original
 * @size:    bytes, 0 if it is not mapped now
 * @pattern: what it is full of
 */
struct mapping {
	struct swiotlb_span span;
	phys_addr_t orig;
	size_t size;
	u8 pattern;
};

/* Each has room of its own for the original; a thread has one in hand */
static struct mapping mappings[NR_HANDOVERS + NR_THREADS];

/* The others wait to be unmapped by whoever comes, as interrupts do */
static struct mapping *handovers[NR_HANDOVERS];

static phys_addr_t buffer_of(const struct mapping *mapping)
{
	return span_start(&mapping->span) + mapping->span.offset;
}

static void map(struct mapping *mapping, u64 *seed)
{
	struct swiotlb_req req = PLAIN_REQ(model_random_below(seed, MAX_BYTES) + 1);
	int err;

	req.orig_addr = 0x1000000 + (mapping - mappings) * 0x10000 +
			model_random_below(seed, 4096);
	req.min_align_mask = model_random_below(seed, 2) ? 0xfff : 0;
	rcu_read_lock();
	err = span_alloc(&mem, &req, &mapping->span);
	rcu_read_unlock();
	if (err) {
		CHECK(may_fail && err == -ENOSPC);
		return;
	}

	mapping->orig = req.orig_addr;
	mapping->size = req.size;
	mapping->pattern = model_random(seed);
	memset(phys_to_virt(req.orig_addr), mapping->pattern, req.size);
	swiotlb_record(&mapping->span, req.orig_addr, req.size);
	swiotlb_bounce(&dev, buffer_of(mapping), req.size, DMA_TO_DEVICE,
		       mapping->span.pool);
}

static void check_pattern(phys_addr_t paddr, size_t size, u8 pattern)
{
	const u8 *byte = phys_to_virt(paddr);

	while (size && *byte == pattern) {
		byte++;
		size--;
	}
	CHECK_EQ(size, 0);
}

static void unmap(struct mapping *mapping)
{
	struct swiotlb_span span;
	struct io_tlb_pool *pool;

	if (!mapping->size)
		return;

	pool = swiotlb_find_pool(&dev, buffer_of(mapping));
	CHECK(pool == mapping->span.pool);
	check_pattern(buffer_of(mapping), mapping->size, mapping->pattern);

	/* The device writes, the CPU reads */
	mapping->pattern ^= 0x5a;
	memset(shim_ram(buffer_of(mapping)), mapping->pattern, mapping->size);
	swiotlb_bounce(&dev, buffer_of(mapping), mapping->size, DMA_FROM_DEVICE,
		       pool);
	check_pattern(mapping->orig, mapping->size, mapping->pattern);

	CHECK_EQ(swiotlb_forget(pool, buffer_of(mapping), &span), mapping->size);
	CHECK_EQ(span.slot, mapping->span.slot);
	CHECK_EQ(span.nr_slots, mapping->span.nr_slots);
	rcu_read_lock();
	span_free(&span);
	rcu_read_unlock();
	mapping->size = 0;
}

static void *map_and_unmap(void *arg)
{
	struct mapping *mine = arg;
	u64 seed = mine - mappings;
	unsigned int round;

	shim_cpu = mine - mappings;
	for (round = 0; round < NR_ROUNDS; round++) {
		unsigned int place = model_random_below(&seed, NR_HANDOVERS);

		map(mine, &seed);
		if (round % 8)
			mine = __atomic_exchange_n(&handovers[place], mine,
						   __ATOMIC_ACQ_REL);
		unmap(mine);
	}
	return NULL;
}

static void race(unsigned int nr_slots, unsigned int nr_areas)
{
	pthread_t threads[NR_THREADS];
	unsigned int i;

	make_pool(&mem, nr_slots, nr_areas);
	for (i = 0; i < NR_HANDOVERS; i++)
		handovers[i] = &mappings[NR_THREADS + i];
	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, map_and_unmap,
				      &mappings[i]));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < ARRAY_SIZE(mappings); i++)
		unmap(&mappings[i]);
	CHECK(atomic_long_read(&swiotlb_default_domain.own.level.used) >= 0);
	drop_pool(&mem);
}

TEST(race_with_an_area_each)
{
	race(8 * SLOTS_PER_SEG, 8);
}

TEST(race_for_one_area)
{
	race(4 * SLOTS_PER_SEG, 1);
}

TEST(race_when_exhausted)
{
	may_fail = true;
	race(SLOTS_PER_SEG - 2, 1);
}

#define NR_PASSING	40
#define PASSING_START	0x100000000UL
#define PASSING_STRIDE	0x3fff1000UL
#define PASSING_BYTES	0x433000UL

static struct io_tlb_pool passing[NR_PASSING];
static bool done;

static void *publish_and_retract(void *arg)
{
	unsigned int i, round;

	for (round = 0; round < 30; round++) {
		for (i = 0; i < NR_PASSING; i++) {
			if (round % 2)
				CHECK_EQ(swiotlb_pool_publish(&passing[i]), 0);
			else
				CHECK_EQ(swiotlb_pool_publish_atomic(&passing[i]), 0);
			CHECK(swiotlb_find_pool(&dev, passing[i].start) ==
			      &passing[i]);
		}
		for (i = 0; i < NR_PASSING; i++)
			swiotlb_pool_retract(&passing[i]);
		synchronize_rcu();
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * Lookups go on while tables grow, and while pools come and go elsewhere. Nobody
 * looks up an address in a pool that is not his; but right beside it he may.
 */
TEST(race_of_lookup_with_publish)
{
	pthread_t thread;
	phys_addr_t paddr;
	unsigned int i;

	make_pool(&mem, 1024, 4);
	CHECK_EQ(swiotlb_pool_expect(0, PASSING_START +
				     NR_PASSING * PASSING_STRIDE), 0);
	for (i = 0; i < NR_PASSING; i++) {
		passing[i].start = PASSING_START + i * PASSING_STRIDE;
		passing[i].end = passing[i].start + PASSING_BYTES;
		passing[i].mem = &mem;
	}
	CHECK(!pthread_create(&thread, NULL, publish_and_retract, NULL));
	do {
		for (paddr = POOL_BASE - PAGE_SIZE;
		     paddr < POOL_BASE + (2 << 20) + PAGE_SIZE; paddr += PAGE_SIZE)
			CHECK_EQ(!!swiotlb_find_pool(&dev, paddr),
				 paddr >= mem.start && paddr < mem.end);
		for (i = 0; i < NR_PASSING; i++) {
			paddr = PASSING_START + i * PASSING_STRIDE;
			CHECK(!swiotlb_find_pool(&dev, paddr - 1));
			CHECK(!swiotlb_find_pool(&dev, paddr + PASSING_BYTES));
			CHECK(!swiotlb_find_pool(&dev, paddr + SZ_16M));
		}
	} while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	drop_pool(&mem);
}
