// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that are pinned to a backend, live and at boot
 */
#include "toy.h"

#define POOL_BYTES	(4UL << 20)

TEST_DEVICE(one);
TEST_DEVICE(two);
TEST_DEVICE(three);

static struct buffer buffers[8];

static void add(struct device *dev, const struct bus_type *bus,
		const char *name)
{
	swiotlb_dev_init(dev);
	shim_device_add(dev, bus, name);
}

static void set_up(void)
{
	unsigned int i;

	boot_with("2048,2");
	toy_register();
	add(&one, &pci_bus_type, "0000:00:01.0");
	add(&two, &pci_bus_type, "0000:00:02.0");
	add(&three, &platform_bus_type, "ahci.0");
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffer_init(&buffers[i], i, 1000 + i * 5001);
}

static int pin(struct device *dev, const char *backend)
{
	return shim_device_write(dev, "swiotlb_backend", backend);
}

/* Where do new mappings of the device go? */
static void check_maps_to(struct device *dev, const char *backend)
{
	static struct buffer probe;

	buffer_init(&probe, 100, 4000);
	CHECK(buffer_map(&probe, dev));
	CHECK(!strcmp(buffer_pool(&probe)->ops->name, backend));
	buffer_unmap(&probe);
}

static void check_toy_is_gone(void)
{
	let_retire();
	CHECK(!mem_named("toy"));
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(toy_nr_inits, toy_nr_exits);
	CHECK_EQ(shim_nr_timers(), 0);
}

TEST(device_follows_the_default)
{
	set_up();
	check_backends_of(&one, "[default] fixed dynamic cc toy");
	check_backends_of(&three, "[default] fixed dynamic cc toy");
	check_maps_to(&one, "fixed");
	CHECK_EQ(switch_to("toy"), 0);
	check_backends_of(&one, "[default] fixed dynamic cc toy");
	check_maps_to(&one, "toy");
	check_maps_to(&three, "toy");
}

/* Without a mask it does no DMA; on other buses there is no file */
TEST(device_without_dma_has_no_file)
{
	static struct device dumb;
	char line[PAGE_SIZE];

	set_up();
	shim_device_add(&dumb, &platform_bus_type, "dumb");
	CHECK_EQ(shim_device_read(&dumb, "swiotlb_backend", line), -ENOENT);
	shim_device_del(&dumb);
}

TEST(device_is_pinned_alone)
{
	set_up();
	CHECK(buffer_map(&buffers[0], &one));
	CHECK_EQ(pin(&one, "toy"), 0);
	check_backends_of(&one, "default fixed dynamic cc [toy]");
	check_backends_of(&two, "[default] fixed dynamic cc toy");
	check_backends("[fixed] dynamic cc toy");
	check_maps_to(&one, "toy");
	check_maps_to(&two, "fixed");
	check_maps_to(&three, "fixed");
	CHECK(buffer_map(&buffers[1], &one));
	CHECK(is_swiotlb_active(&one));
	CHECK_EQ(swiotlb_max_mapping_size(&one), TOY_SLOT_BYTES);
	CHECK_EQ(shim_nr_switches, 0);
	CHECK_EQ(module_refcount(&toy_module), 1);

	/* Back again: each mapping ends where it began */
	CHECK_EQ(pin(&one, "default"), 0);
	check_backends_of(&one, "[default] fixed dynamic cc toy");
	check_maps_to(&one, "fixed");
	buffer_to_cpu(&buffers[0]);
	buffer_to_device(&buffers[1]);
	let_retire();
	CHECK_EQ(nr_mems(), 2);
	buffer_unmap(&buffers[0]);
	buffer_unmap(&buffers[1]);
	check_toy_is_gone();
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
}

TEST(device_stays_when_the_default_moves)
{
	struct swiotlb_mem *fixed, *toy;

	set_up();
	fixed = default_mem();
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK_EQ(pin(&two, "fixed"), 0);
	toy = mem_named("toy");
	CHECK_EQ(fixed->nr_users, 2);

	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem() == toy);
	CHECK_EQ(toy->nr_users, 2);
	CHECK_EQ(module_refcount(&toy_module), 1);
	let_retire();
	check_maps_to(&one, "toy");
	check_maps_to(&two, "fixed");
	check_maps_to(&three, "toy");
	check_backends_of(&two, "default [fixed] dynamic cc toy");

	CHECK_EQ(switch_to("dynamic"), 0);
	let_retire();
	check_maps_to(&one, "toy");
	check_maps_to(&two, "fixed");
	check_maps_to(&three, "dynamic");
	CHECK_EQ(nr_mems(), 3);

	CHECK_EQ(pin(&two, "dynamic"), 0);
	let_retire();
	CHECK(!mem_named("fixed"));
	CHECK_EQ(pin(&one, "default"), 0);
	check_toy_is_gone();
	CHECK_EQ(nr_mems(), 1);
	CHECK_EQ(default_mem()->nr_users, 2);
}

/* Its memory is no good for the others, and stays for the one */
TEST(device_stays_where_others_cannot_go)
{
	set_up();
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK(swiotlb_max_mapping_size(&two) > TOY_SLOT_BYTES);
	CHECK_EQ(switch_to("toy"), -ERANGE);
	let_retire();
	CHECK_EQ(mem_named("toy")->nr_users, 1);
	check_maps_to(&one, "toy");
	check_maps_to(&two, "fixed");
}

TEST(device_pins_are_shared)
{
	set_up();
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK_EQ(pin(&two, "toy"), 0);
	/* Once more changes nothing */
	CHECK_EQ(pin(&two, "toy"), 0);
	CHECK_EQ(toy_nr_inits, 1);
	CHECK_EQ(module_refcount(&toy_module), 1);
	CHECK(one.dma_io_tlb_mem == two.dma_io_tlb_mem);
	CHECK_EQ(pin(&one, "fixed"), 0);
	let_retire();
	check_maps_to(&two, "toy");
	CHECK_EQ(pin(&two, "default"), 0);
	CHECK_EQ(pin(&two, "default"), 0);
	check_toy_is_gone();

	/* And begin anew */
	CHECK_EQ(pin(&two, "toy"), 0);
	check_maps_to(&two, "toy");
	CHECK_EQ(toy_nr_inits, 2);
	CHECK_EQ(pin(&two, "default"), 0);
	check_toy_is_gone();
}

/* A device that is unplugged holds nothing but what is still mapped */
TEST(device_that_goes_is_unpinned)
{
	char line[PAGE_SIZE];

	set_up();
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK_EQ(pin(&three, "toy"), 0);
	CHECK(buffer_map(&buffers[0], &three));
	shim_device_del(&one);
	CHECK_EQ(shim_device_read(&one, "swiotlb_backend", line), -ENOENT);
	let_retire();
	check_maps_to(&three, "toy");
	shim_device_del(&three);
	let_retire();
	CHECK(mem_named("toy"));
	buffer_unmap(&buffers[0]);
	check_toy_is_gone();

	/* And comes back as a new one */
	add(&one, &pci_bus_type, "0000:00:01.0");
	check_backends_of(&one, "[default] fixed dynamic cc toy");
	check_maps_to(&one, "fixed");
}

/* Each device that goes takes along just its own pin */
TEST(device_that_goes_leaves_others_alone)
{
	set_up();
	CHECK_EQ(pin(&two, "toy"), 0);
	shim_device_del(&one);
	shim_device_del(&three);
	let_retire();
	check_maps_to(&two, "toy");
	CHECK_EQ(mem_named("toy")->nr_users, 1);
}

TEST(device_cannot_have_what_is_unknown)
{
	static const char *const names[] = {
		"", "nope", "Default", "default fixed", "[default]", " toy",
	};
	unsigned int i;

	set_up();
	CHECK_EQ(pin(&one, "toy"), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		test_note("\"%s\"", names[i]);
		CHECK_EQ(pin(&one, names[i]), -EINVAL);
		check_maps_to(&one, "toy");
	}
	CHECK_EQ(pin(&one, "default"), 0);
	check_toy_is_gone();
}

/* Whatever fails, it stays where it was, pinned or not */
static void check_pin_fails(const char *backend, int err)
{
	long shared = shim_shared_bytes();

	CHECK_EQ(pin(&one, backend), err);
	CHECK_EQ(pin(&two, backend), err);
	let_retire();
	check_backends_of(&one, "default fixed [dynamic] cc toy");
	check_backends_of(&two, "[default] fixed dynamic cc toy");
	check_maps_to(&one, "dynamic");
	check_maps_to(&two, "fixed");
	CHECK_EQ(mem_named("dynamic")->nr_users, 1);
	CHECK_EQ(mem_named("fixed")->nr_users, 1);
	CHECK_EQ(shim_shared_bytes(), shared);
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(nr_mems(), 2);
}

TEST(device_stays_if_pinning_fails)
{
	size_t bytes;

	set_up();
	CHECK_EQ(pin(&one, "dynamic"), 0);
	toy_wish.init_err = -ENOMEM;
	check_pin_fails("toy", -ENOMEM);
	toy_wish.init_err = -EIO;
	check_pin_fails("toy", -EIO);
	toy_wish.init_err = 0;

	/* All devices count that were ever told anything */
	bytes = swiotlb_max_mapping_size(&three);
	toy_wish.max_mapping = bytes - 1;
	check_pin_fails("toy", -ERANGE);
	toy_wish.max_mapping = bytes;
	CHECK_EQ(pin(&one, "toy"), 0);
	check_maps_to(&one, "toy");
}

TEST(device_stays_without_memory)
{
	unsigned int nth, nr_failed = 0;
	int err;

	set_up();
	CHECK_EQ(pin(&one, "dynamic"), 0);
	for (nth = 1; ; nth++) {
		test_note("allocation %u fails", nth);
		shim_fail_alloc(nth);
		err = pin(&one, "toy");
		if (!shim_alloc_failed())
			break;
		if (err) {
			CHECK_EQ(err, -ENOMEM);
			nr_failed++;
		} else {
			CHECK_EQ(pin(&one, "dynamic"), 0);
		}
		let_retire();
		check_maps_to(&one, "dynamic");
		check_toy_is_gone();
	}
	CHECK_EQ(err, 0);
	/* The pin, its memory, the backend's own data, tables */
	CHECK(nr_failed >= 3);
	check_maps_to(&one, "toy");
}

TEST(device_stays_where_memory_is_unwanted)
{
	boot_with("noforce");
	toy_register();
	add(&one, &pci_bus_type, "0000:00:01.0");
	CHECK_EQ(pin(&one, "fixed"), -EPERM);
	CHECK_EQ(pin(&one, "toy"), -EPERM);
	CHECK_EQ(pin(&one, "default"), 0);
	check_backends_of(&one, "[default] fixed dynamic cc toy");
	CHECK(!is_swiotlb_active(&one));
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(nr_mems(), 0);
}

static int remap(void *tlb, unsigned long nslabs)
{
	return 0;
}

TEST(device_stays_where_memory_is_remapped)
{
	boot_early("2048,2", 0, remap);
	boot_initcalls();
	toy_register();
	add(&one, &pci_bus_type, "0000:00:01.0");
	CHECK_EQ(pin(&one, "toy"), -EOPNOTSUPP);
	CHECK_EQ(pin(&one, "dynamic"), -EOPNOTSUPP);
	/* There is memory of this one */
	CHECK_EQ(pin(&one, "fixed"), 0);
	check_backends_of(&one, "default [fixed] dynamic cc toy");
	check_maps_to(&one, "fixed");
	CHECK_EQ(pin(&one, "default"), 0);
	check_maps_to(&one, "fixed");
}

/* Memory for a pinned device is made even if others have none */
TEST(device_is_pinned_where_others_have_nothing)
{
	set_up();
	swiotlb_exit();
	shim_settle();
	CHECK(!is_swiotlb_active(&one));
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK(is_swiotlb_active(&one));
	CHECK(!is_swiotlb_active(&two));
	check_maps_to(&one, "toy");
	CHECK(!is_swiotlb_allocated());
	CHECK(!buffer_map(&buffers[0], &two));
	CHECK_EQ(pin(&one, "default"), 0);
	check_toy_is_gone();
	CHECK(!buffer_map(&buffers[0], &one));
	CHECK_EQ(fails(SWIOTLB_FAIL_NOT_READY), 2);
}

TEST(device_bounces_all_if_all_do)
{
	boot_with("2048,2,force");
	toy_register();
	add(&one, &pci_bus_type, "0000:00:01.0");
	CHECK(is_swiotlb_force_bounce(&one));
	CHECK_EQ(pin(&one, "toy"), 0);
	CHECK(is_swiotlb_force_bounce(&one));
	CHECK(!is_swiotlb_for_alloc(&one));
	CHECK_EQ(pin(&one, "default"), 0);
	CHECK(is_swiotlb_force_bounce(&one));
}

/* The file is missing, the device works */
TEST(device_without_memory_for_its_file)
{
	char line[PAGE_SIZE];

	boot_with("2048,2");
	shim_fail_alloc(1);
	add(&one, &pci_bus_type, "0000:00:01.0");
	CHECK(shim_alloc_failed());
	CHECK(strstr(shim_log, "0000:00:01.0: no file"));
	CHECK_EQ(shim_device_read(&one, "swiotlb_backend", line), -ENOENT);
	check_maps_to(&one, "fixed");
	shim_device_del(&one);
}
