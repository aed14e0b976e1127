// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs allocate and free coherent memory, some in interrupts, and give each other's
 * back; meanwhile memory is tight, and backends change
 */
#include "system.h"

#define NR_THREADS	4
#define NR_ROUNDS	3000
#define NR_KEPT		24

TEST_DEVICE(dev);

/* Whoever swaps something in owns what it swaps out */
struct kept {
	struct page *page;
	size_t size;
	u8 mark;
};

static struct kept *kept[NR_KEPT];
static bool is_over;

static void release(struct kept *k)
{
	u8 *p;

	if (!k)
		return;
	p = page_address(k->page);
	CHECK_EQ(p[0], k->mark);
	CHECK_EQ(p[k->size / 2], k->mark);
	CHECK_EQ(p[k->size - 1], k->mark);
	CHECK(swiotlb_free_shared(&dev, k->page, k->size));
	free(k);
}

static void *work(void *arg)
{
	unsigned int me = (unsigned long)arg, round;
	u64 seed = me + 1;

	shim_cpu = me;
	for (round = 0; round < NR_ROUNDS; round++) {
		struct kept *k = malloc(sizeof(*k));

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		k->size = seed >> 63 ? (seed >> 40) % SZ_1M + 1 :
				       (seed >> 40) % 65536 + 1;
		k->mark = seed >> 32;
		shim_context.in_interrupt = round % 3 == 0;
		k->page = swiotlb_alloc_shared(&dev, k->size, round % 3 ?
					       GFP_KERNEL : GFP_ATOMIC);
		if (k->page) {
			u8 *p = page_address(k->page);

			p[0] = k->mark;
			p[k->size / 2] = k->mark;
			p[k->size - 1] = k->mark;
		} else {
			free(k);
			k = NULL;
		}
		k = __atomic_exchange_n(&kept[(seed >> 20) % NR_KEPT], k,
					__ATOMIC_ACQ_REL);
		release(k);
		shim_context.in_interrupt = false;
	}
	return NULL;
}

static void *disturb(void *arg)
{
	unsigned int i;

	for (i = 0; !READ_ONCE(is_over); i++) {
		shim_shrink();
		switch_to(i % 2 ? "dynamic" : "fixed");
		sched_yield();
	}
	return NULL;
}

TEST(race_shared_alloc)
{
	pthread_t threads[NR_THREADS], disturber;
	unsigned long i;

	boot_guest("", SZ_8M);
	swiotlb_dev_init(&dev);
	shim_jitters = true;
	CHECK(!pthread_create(&disturber, NULL, disturb, NULL));
	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)i));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	WRITE_ONCE(is_over, true);
	pthread_join(disturber, NULL);

	for (i = 0; i < NR_KEPT; i++)
		release(kept[i]);
	shim_pass_ms(200000);
	CHECK_EQ(atomic_long_read(&swiotlb_default_domain.alloc_bytes), 0);
	CHECK_EQ(used_bytes("fixed") + used_bytes("dynamic"), 0);
	CHECK_EQ(shim_doubtful_bytes(), 0);
	CHECK_EQ(shim_nr_misaligned, 0);
}
