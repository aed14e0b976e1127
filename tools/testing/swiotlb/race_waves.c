// SPDX-License-Identifier: GPL-2.0
/*
 * Load on a backend that comes in waves
 */
#include <unistd.h>

#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "race_waves.h"

#define MAX_THREADS	8U

static struct waves_rider riders[MAX_THREADS];
static const struct waves *waves;
static struct device dev;

/* It waits to be unmapped elsewhere */
static struct waves_mapping *handover;

static phys_addr_t start_of(const struct waves_mapping *mapping)
{
	return span_start(&mapping->span) + mapping->span.offset;
}

struct swiotlb_span *waves_next(struct waves_rider *rider)
{
	return &rider->mappings[rider->nr_mapped].span;
}

void waves_mapped(struct waves_rider *rider, const struct swiotlb_req *req,
		  u64 *seed)
{
	struct waves_mapping *mapping = &rider->mappings[rider->nr_mapped++];

	mapping->size = req->size;
	mapping->pattern = model_random(seed);
	swiotlb_record(&mapping->span, req->orig_addr, req->size);
	memset(shim_ram(start_of(mapping)), mapping->pattern, mapping->size);
}

static void map_one(struct waves_rider *rider, u64 *seed)
{
	struct swiotlb_span *span = waves_next(rider);
	struct swiotlb_req req = waves->next_req(seed);
	int err = span_alloc(waves->mem, &req, span);

	if (err) {
		CHECK(waves->may_fail && err == -ENOSPC);
		return;
	}
	CHECK_OK(waves->is_wrong(span, &req));
	waves_mapped(rider, &req, seed);
}

static void unmap(const struct waves_mapping *mapping)
{
	phys_addr_t paddr = start_of(mapping);
	const u8 *byte = shim_ram(paddr);
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

void waves_unmap_one(struct waves_rider *rider, u64 *seed)
{
	unsigned int i = model_random_below(seed, rider->nr_mapped);

	unmap(&rider->mappings[i]);
	rider->mappings[i] = rider->mappings[--rider->nr_mapped];
}

/* Let another CPU unmap it, and unmap one for another */
static void hand_over(struct waves_rider *rider)
{
	struct waves_mapping *mine = malloc(sizeof(*mine));

	*mine = rider->mappings[--rider->nr_mapped];
	mine = __atomic_exchange_n(&handover, mine, __ATOMIC_ACQ_REL);
	if (mine)
		unmap(mine);
	free(mine);
}

static void *ride(void *arg)
{
	struct waves_rider *rider = arg;
	u64 seed = rider->nr;
	unsigned int wave, i;

	shim_cpu = rider->nr / waves->per_cpu;
	for (wave = 0; wave < waves->nr_waves; wave++) {
		for (i = 0; i < waves->nr_spans; i++) {
			map_one(rider, &seed);
			if (rider->nr_mapped && !model_random_below(&seed, 4))
				waves_unmap_one(rider, &seed);
			if (rider->nr_mapped && !model_random_below(&seed, 16))
				hand_over(rider);
		}
		while (rider->nr_mapped)
			waves_unmap_one(rider, &seed);
		/* A trough, long enough for some of the memory to go */
		usleep(model_random_below(&seed, 4000));
	}
	return NULL;
}

void waves_ride(const struct waves *these)
{
	pthread_t threads[MAX_THREADS];
	unsigned int i;

	waves = these;
	CHECK(waves->nr_threads <= MAX_THREADS &&
	      waves->nr_spans <= WAVES_MAX_SPANS);
	for (i = 0; i < waves->nr_threads; i++) {
		riders[i].nr = i;
		CHECK(!pthread_create(&threads[i], NULL, ride, &riders[i]));
	}
	for (i = 0; i < waves->nr_threads; i++)
		pthread_join(threads[i], NULL);
	if (handover)
		unmap(handover);
	free(handover);
	handover = NULL;
}
