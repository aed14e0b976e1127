// SPDX-License-Identifier: GPL-2.0
/*
 * Backends change while everybody maps, under ThreadSanitizer
 *
 * Mappers map, sync and unmap buffers, half of the time those that another
 * thread mapped, some of them as interrupts would. Meanwhile one thread switches
 * the default, one pins devices, and one has a device come and go. Time passes fast,
 * so that memory retires all the while. Every buffer is compared after every step;
 * in the end nothing must be left.
 */
#include <unistd.h>

#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "race_crowd.h"
#include "toy.h"

#define NR_ROUNDS	1500
#define NR_RETIRED	20
/* Something is stuck by then */
#define MAX_ROUNDS	(40 * NR_ROUNDS)

TEST_DEVICE(dev0);
TEST_DEVICE(dev1);
TEST_DEVICE(dev2);
TEST_DEVICE(plug);

static struct device *const devices[] = { &dev0, &dev1, &dev2 };
static const char *const names[] = { "fixed", "toy", "dynamic", "cc" };

/**
 * struct setting - what a race is like
 * @cmdline:	how large memory is
 * @pool_bytes: that, in bytes
 * @max_bytes:	size of the largest buffers
 * @may_fail:	there need not be room for all of them
 */
static const struct setting {
	const char *cmdline;
	size_t pool_bytes;
	size_t max_bytes;
	bool may_fail;
} with_room = {
	.cmdline = "2048,2",
	.pool_bytes = 4 << 20,
	.max_bytes = 20000,
}, under_pressure = {
	.cmdline = "256,2",
	.pool_bytes = 512 << 10,
	.max_bytes = MAX_BUFFER_BYTES,
	.may_fail = true,
}, *setting;

static void ask_something(struct device *dev)
{
	CHECK(is_swiotlb_active(dev));
	CHECK(is_swiotlb_allocated());
	CHECK(swiotlb_max_mapping_size(dev));
	CHECK(default_swiotlb_base());
	CHECK(!swiotlb_find_pool(dev, 0x3000000));
}

static void *map_and_unmap(void *arg)
{
	struct buffer *mine = arg;
	u64 seed = mine - crowd_buffers;
	unsigned int round;

	shim_cpu = mine - crowd_buffers;
	/* At least so often, and until the toy was taken apart so often */
	for (round = 0; round < NR_ROUNDS ||
	     READ_ONCE(toy_nr_exits) < NR_RETIRED; round++) {
		struct device *dev = devices[model_random_below(&seed, 3)];
		unsigned int place = model_random_below(&seed, CROWD_WAITING);

		CHECK(round < MAX_ROUNDS);
		/* Whoever switches may have to wait for a CPU */
		if (round >= 4 * NR_ROUNDS)
			usleep(100);
		shim_context.in_interrupt = model_random_below(&seed, 4) == 0;
		mine->size = model_random_below(&seed, setting->max_bytes) + 1;
		if (!buffer_map(mine, dev))
			CHECK(setting->may_fail);
		else if (round % 4 == 0)
			buffer_to_device(mine);
		if (round % 2)
			mine = crowd_swap(mine, place);
		if (mine->addr != DMA_MAPPING_ERROR) {
			if (round % 3 == 0)
				buffer_to_cpu(mine);
			buffer_unmap(mine);
		}
		if (round % 16 == 0)
			ask_something(dev);
	}
	shim_context.in_interrupt = false;
	return NULL;
}

static void *switch_about(void *arg)
{
	u64 seed = 1;

	while (!crowd_is_done()) {
		CHECK_EQ(switch_to(names[model_random_below(&seed, ARRAY_SIZE(names))]), 0);
		usleep(model_random_below(&seed, 1000));
	}
	return NULL;
}

static void *pin_about(void *arg)
{
	u64 seed = 2;

	while (!crowd_is_done()) {
		struct device *dev = devices[model_random_below(&seed, 3)];
		unsigned int name = model_random_below(&seed, ARRAY_SIZE(names) + 2);

		if (name < ARRAY_SIZE(names))
			CHECK_EQ(shim_device_write(dev, "swiotlb_backend",
						   names[name]), 0);
		else if (name == ARRAY_SIZE(names))
			CHECK_EQ(shim_device_write(dev, "swiotlb_backend",
						   "default"), 0);
		else
			CHECK(shim_debugfs_read("swiotlb/state"));
		usleep(model_random_below(&seed, 1000));
	}
	return NULL;
}

static void *plug_and_unplug(void *arg)
{
	struct buffer buffer;
	u64 seed = 3;

	buffer_init(&buffer, 100, 5000);
	while (!crowd_is_done()) {
		swiotlb_dev_init(&plug);
		shim_device_add(&plug, &pci_bus_type, "0000:00:09.0");
		CHECK_EQ(shim_device_write(&plug, "swiotlb_backend",
					   names[model_random_below(&seed, ARRAY_SIZE(names))]), 0);
		if (buffer_map(&buffer, &plug)) {
			usleep(model_random_below(&seed, 1000));
			buffer_unmap(&buffer);
		} else {
			CHECK(setting->may_fail);
		}
		shim_device_del(&plug);
	}
	return NULL;
}

/* All that the kernel was lent is back, but for one pool and some tables */
static void check_nothing_is_left(void)
{
	struct swiotlb_domain *domain = &swiotlb_default_domain;
	unsigned int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(shim_device_write(devices[i], "swiotlb_backend",
					   "default"), 0);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(nr_mems(), 1);
	CHECK_EQ(default_mem()->nr_users, 1);
	CHECK_EQ(used_bytes("fixed"), 0);
	for (i = 0; i < SWIOTLB_NR_FAILS; i++) {
		if (!setting->may_fail || (i != SWIOTLB_FAIL_EXHAUSTED &&
					   i != SWIOTLB_FAIL_FRAGMENTED))
			CHECK_EQ(counted(domain, fails[i]), 0);
	}
	CHECK_EQ(counted(domain, leaked_bytes), 0);
	CHECK_EQ(transient_bytes(domain), 0);
	CHECK(counted(domain, maps) > 0);
	CHECK_EQ(counted(domain, maps), counted(domain, unmaps));
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(toy_nr_inits, toy_nr_exits);
	CHECK_EQ(shim_shared_bytes(), setting->pool_bytes);
	CHECK_EQ(shim_nr_timers(), 0);
	/* And what is left goes as well */
	CHECK_EQ(switch_to("toy"), 0);
	let_retire();
	CHECK_EQ(atomic_long_read(&domain->own.level.used), 0);
	CHECK(shim_page_bytes() <= setting->pool_bytes + 16 * PAGE_SIZE);
}

static void race(const struct setting *with, crowd_fn *const others[],
		 unsigned int nr_others)
{
	unsigned int i;

	setting = with;
	boot_with(setting->cmdline);
	toy_register();
	/* Whatever anybody was promised, it keeps */
	toy_wish.max_mapping = 256 << 10;
	for (i = 0; i < 3; i++) {
		swiotlb_dev_init(devices[i]);
		shim_device_add(devices[i], &pci_bus_type, "dev");
	}
	crowd_run(map_and_unmap, others, nr_others, NULL);

	for (i = 0; i < ARRAY_SIZE(crowd_buffers); i++) {
		if (crowd_buffers[i].addr != DMA_MAPPING_ERROR)
			buffer_unmap(&crowd_buffers[i]);
	}
	check_nothing_is_left();
}

TEST(race_switch_the_default)
{
	crowd_fn *const routines[] = { switch_about };

	race(&with_room, routines, ARRAY_SIZE(routines));
}

TEST(race_switch_devices)
{
	crowd_fn *const routines[] = { pin_about, plug_and_unplug };

	race(&with_room, routines, ARRAY_SIZE(routines));
}

TEST(race_switch_everything)
{
	crowd_fn *const routines[] = {
		switch_about, pin_about, plug_and_unplug,
	};

	race(&with_room, routines, ARRAY_SIZE(routines));
}

/* There, `dynamic` grows, shrinks, and makes memory for single mappings */
TEST(race_switch_under_pressure)
{
	crowd_fn *const routines[] = { switch_about, pin_about };

	CHECK_EQ(shim_param_set("dynamic_idle_ms", "100"), 0);
	race(&under_pressure, routines, ARRAY_SIZE(routines));
	CHECK(shim_nr_grows && shim_nr_shrinks);
}
