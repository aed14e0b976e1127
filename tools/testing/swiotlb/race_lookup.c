// SPDX-License-Identifier: GPL-2.0
/*
 * Many publish at once, in the same granules, while tables grow
 */
#include "system.h"

#define NR_THREADS	4
#define NR_ROUNDS	250
#define NR_POOLS	(2 * NR_ROUNDS)

/* Each round in a granule, and in a GiB, where nobody was before */
#define ROUND_START(round)	((round) * (1UL << 30 | 7UL << 21))
#define END			ROUND_START(NR_ROUNDS)

static struct swiotlb_mem mem = { .domain = &swiotlb_default_domain };
static struct device dev;
static struct io_tlb_pool pools[NR_THREADS][NR_POOLS];
static pthread_barrier_t barrier;

static void publish(struct io_tlb_pool *pool, phys_addr_t start)
{
	*pool = (struct io_tlb_pool){
		.start = start, .end = start + PAGE_SIZE, .mem = &mem,
	};
	CHECK_EQ(swiotlb_pool_publish_atomic(pool), 0);
	CHECK(swiotlb_find_pool(&dev, start) == pool);
}

static void *publish_all(void *arg)
{
	struct io_tlb_pool *mine = arg;
	unsigned int me = (mine - pools[0]) / NR_POOLS;
	unsigned int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		phys_addr_t start = ROUND_START(round) + me * PAGE_SIZE;

		/* All of them at the same moment */
		pthread_barrier_wait(&barrier);
		/* The root outgrows itself, again and again */
		if (round % 25 == 0)
			CHECK_EQ(swiotlb_pool_expect(0, END << (round / 25 + 1)),
				 0);
		publish(&mine[2 * round], start);
		publish(&mine[2 * round + 1], start + NR_THREADS * PAGE_SIZE);
		if (round % 3 == me)
			swiotlb_pool_retract(&mine[2 * round]);
	}
	return NULL;
}

TEST(race_of_publishers)
{
	pthread_t threads[NR_THREADS];
	unsigned int i, j;

	CHECK_EQ(swiotlb_pool_expect(0, END), 0);
	shim_jitters = true;
	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, publish_all, pools[i]));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);

	for (i = 0; i < NR_THREADS; i++) {
		for (j = 0; j < NR_POOLS; j++) {
			struct io_tlb_pool *pool = &pools[i][j];
			bool gone = j % 2 == 0 && j / 2 % 3 == i;

			test_note("thread %u, pool %u", i, j);
			CHECK(swiotlb_find_pool(&dev, pool->start) ==
			      (gone ? NULL : pool));
		}
	}
}
