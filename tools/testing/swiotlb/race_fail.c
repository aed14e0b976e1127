// SPDX-License-Identifier: GPL-2.0
/*
 * Everything goes wrong while backends change and everybody maps
 *
 * Mappers map, sync and unmap, some of them as interrupts; one thread switches from
 * backend to backend, built-in ones all. Pools are small, so that who can grow grows,
 * and shrinks again, as time passes fast. Meanwhile a saboteur has single
 * allocations fail, single conversions, and all allocations of large blocks. What has to
 * hold all the same: no mapping that was made loses data, whoever ends it; what is
 * reported as leaked is what failed to convert, no more and no less; and nothing else
 * is lost.
 */
#include <unistd.h>

#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "race_crowd.h"

#define NR_ROUNDS	2500
#define MAX_BYTES	40000

TEST_DEVICE(dev0);
TEST_DEVICE(dev1);

static char names[64];
static unsigned int nr_switches, nr_refused, nr_mapped;

static void end(struct buffer *buffer, unsigned int round)
{
	phys_addr_t tlb_addr;

	if (buffer->addr == DMA_MAPPING_ERROR)
		return;
	tlb_addr = buffer->addr - buffer->dev->dma_offset;
	if (round % 3 == 0)
		buffer_to_cpu(buffer);
	if (round % 5 == 0)
		buffer_to_device(buffer);
	buffer_unmap(buffer);

	/* Its pool may be about to go, or others may have it already */
	guard(rcu)();
	swiotlb_find_pool(buffer->dev, tlb_addr);
}

static void *map_and_unmap(void *arg)
{
	struct buffer *mine = arg;
	u64 seed = mine - crowd_buffers;
	unsigned int round;

	shim_cpu = mine - crowd_buffers;
	for (round = 0; round < NR_ROUNDS; round++) {
		struct device *dev = model_random_below(&seed, 2) ? &dev0 : &dev1;
		unsigned int place = model_random_below(&seed, CROWD_WAITING);

		shim_context.in_interrupt = model_random_below(&seed, 3) == 0;
		mine->size = model_random_below(&seed, MAX_BYTES) + 1;
		if (buffer_map(mine, dev))
			__atomic_add_fetch(&nr_mapped, 1, __ATOMIC_RELAXED);
		if (round % 4)
			mine = crowd_swap(mine, place);
		end(mine, round);
	}
	shim_context.in_interrupt = false;
	return NULL;
}

static void *switch_about(void *arg)
{
	char copy[sizeof(names)], *rest, *name;
	int err;

	while (!crowd_is_done()) {
		memcpy(copy, names, sizeof(copy));
		rest = copy;
		while ((name = strsep(&rest, " "))) {
			err = switch_to(name);
			CHECK(!err || err == -ENOMEM || err == -EIO);
			WRITE_ONCE(nr_switches, nr_switches + !err);
			WRITE_ONCE(nr_refused, nr_refused + !!err);
			usleep(500);
		}
	}
	return NULL;
}

static void *sabotage(void *arg)
{
	u64 seed = 5;

	while (!crowd_is_done()) {
		unsigned int nth = model_random_below(&seed, 6) + 1;

		switch (model_random_below(&seed, 4)) {
		case 0:
			shim_fail_alloc(nth);
			break;
		case 1:
			shim_fail_conversion(nth);
			break;
		case 2:
			WRITE_ONCE(shim_max_block, 1UL << nth);
			break;
		case 3:
			WRITE_ONCE(shim_max_block, 0);
			break;
		}
		usleep(model_random_below(&seed, 400));
	}
	shim_alloc_failed();
	shim_conversion_failed();
	WRITE_ONCE(shim_max_block, 0);
	return NULL;
}

static size_t what_is_leaked(void)
{
	return counted(&swiotlb_default_domain, leaked_bytes);
}

/* It did go wrong, and it did work: until then those who disturb go on */
static bool has_all_happened(void)
{
	return READ_ONCE(nr_switches) > 10 && READ_ONCE(nr_refused) &&
	       what_is_leaked();
}

static void check_nothing_is_lost(void)
{
	struct swiotlb_domain *domain = &swiotlb_default_domain;
	size_t leaked;

	CHECK_EQ(switch_to("fixed"), 0);
	shim_pass_ms(20000);
	leaked = what_is_leaked();
	test_note("%u switches, %u refused, %u mappings, %zu bytes leaked",
		  nr_switches, nr_refused, nr_mapped, leaked);
	CHECK_EQ(nr_mems(), 1);
	CHECK_EQ(used_bytes("fixed"), 0);
	CHECK_EQ(transient_bytes(domain), 0);
	CHECK_EQ(leaked, shim_doubtful_bytes());
	CHECK_EQ(shim_shared_bytes(), default_mem()->nslabs << IO_TLB_SHIFT);
	CHECK_EQ(shim_nr_timers(), 0);

	CHECK(has_all_happened());
	CHECK(nr_mapped > CROWD_MAPPERS * NR_ROUNDS / 4);
}

TEST(race_while_everything_fails)
{
	crowd_fn *const others[] = { switch_about, sabotage };
	unsigned int i;

	CHECK_EQ(shim_param_set("dynamic_idle_ms", "100"), 0);
	boot_with("256,2");
	swiotlb_show_backends(NULL, names, sizeof(names));
	swiotlb_dev_init(&dev0);
	swiotlb_dev_init(&dev1);
	crowd_run(map_and_unmap, others, ARRAY_SIZE(others), has_all_happened);

	for (i = 0; i < ARRAY_SIZE(crowd_buffers); i++)
		end(&crowd_buffers[i], 1);
	check_nothing_is_lost();
}
