// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb.devices=: backends of single devices, chosen at boot
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include <sys/wait.h>
#include <unistd.h>

#include "toy.h"

TEST_DEVICE(early);
TEST_DEVICE(late);

static void boot_with_devices(const char *devices)
{
	/* Before slab it is not copied */
	shim_slab = false;
	CHECK_EQ(shim_param_set("devices", devices), 0);
	boot_early("2048,2", 0, NULL);
	/* Buses are older than what listens to them */
	swiotlb_dev_init(&early);
	shim_device_add(&early, &platform_bus_type, "40000000.ahci");
	boot_initcalls();
	swiotlb_dev_init(&late);
	shim_device_add(&late, &pci_bus_type, "0000:00:04.0");
}

static void check_chosen(const char *of_early, const char *of_late)
{
	test_note("%s", of_early);
	check_backends_of(&early, of_early);
	check_backends_of(&late, of_late);
}

#define DEFAULT		"[default] fixed dynamic cc"
#define FIXED		"default [fixed] dynamic cc"
#define DYNAMIC		"default fixed [dynamic] cc"

TEST(device_is_pinned_at_boot)
{
	char line[PAGE_SIZE];

	boot_with_devices("0000:00:04.0=dynamic");
	check_chosen(DEFAULT, DYNAMIC);
	CHECK_EQ(nr_mems(), 2);
	CHECK(strstr(shim_log, "0000:00:04.0: swiotlb backend dynamic\n"));
	CHECK(shim_param_get("devices", line) > 0);
	CHECK(!strcmp(line, "0000:00:04.0=dynamic\n"));
	CHECK_EQ(shim_device_write(&late, "swiotlb_backend", "default"), 0);
	let_retire();
	CHECK_EQ(nr_mems(), 1);
}

TEST(device_list_pins_each)
{
	boot_with_devices("0000:00:04.0=dynamic,40000000.ahci=fixed");
	check_chosen(FIXED, DYNAMIC);
}

TEST(device_before_the_list_is_heeded_is_pinned)
{
	boot_with_devices("40000000.ahci=dynamic");
	check_chosen(DYNAMIC, DEFAULT);
}

/* One that comes later is pinned as well, and so is one that comes back */
TEST(device_is_pinned_whenever_it_comes)
{
	boot_with_devices("0000:00:04.0=dynamic");
	CHECK(strstr(shim_log, "no device \"0000:00:04.0\" so far"));
	shim_device_del(&late);
	let_retire();
	CHECK(!mem_named("dynamic"));
	shim_device_add(&late, &pci_bus_type, "0000:00:04.0");
	check_chosen(DEFAULT, DYNAMIC);
}

/* The last word counts */
TEST(device_that_is_named_twice)
{
	boot_with_devices("40000000.ahci=dynamic,40000000.ahci=fixed");
	check_chosen(FIXED, DEFAULT);
	let_retire();
	CHECK_EQ(nr_mems(), 1);
}

/* All of these are ignored, and said to be */
TEST(device_list_may_be_junk)
{
	static const struct {
		const char *devices;
		const char *says;
	} junk[] = {
		{ "40000000.ahci=nope", "unknown backend \"nope\" of device \"40000000.ahci\"" },
		{ "40000000.ahci", "unknown backend \"\" of device \"40000000.ahci\"" },
		{ "40000000.ahci=", "unknown backend \"\"" },
		{ "=dynamic", "no device \"\"" },
		{ "=", "unknown backend" },
		{ ",", "unknown backend" },
		{ "ahci=dynamic", "no device \"ahci\"" },
		{ "40000000.ahc=dynamic", "no device \"40000000.ahc\"" },
		{ "40000000.ahci =dynamic", "no device \"40000000.ahci \"" },
		{ "40000000.ahci= dynamic", "unknown backend \" dynamic\"" },
		{ "40000000.ahci==dynamic", "unknown backend" },
		{ "40000000.ahci=dynamically_no_backend", "unknown backend" },
		{ "a-name-of-a-device-that-is-longer-than-any-that-was-ever-seen-by-anybody-in-sysfs=fixed",
		  "no device \"a-name" },
		/* Not there when it matters */
		{ "40000000.ahci=toy", "unknown backend \"toy\"" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(junk); i++) {
		if (!test_in_child())
			continue;
		toy_register();
		boot_with_devices(junk[i].devices);
		test_note("swiotlb.devices=\"%s\"", junk[i].devices);
		CHECK(strstr(shim_log, junk[i].says));
		check_backends_of(&early, "[default] fixed dynamic cc toy");
		check_backends_of(&late, "[default] fixed dynamic cc toy");
		CHECK_EQ(nr_mems(), 1);
		CHECK_EQ(shim_take_warns(), 0);
		_exit(0);
	}
}

/* Junk does not hide what is good beside it */
TEST(device_list_with_junk_in_it)
{
	boot_with_devices(",x=y,,0000:00:04.0=dynamic,40000000.ahci,=,nobody=fixed,");
	check_chosen(DEFAULT, DYNAMIC);
}

TEST(device_list_is_empty)
{
	boot_with_devices("");
	check_chosen(DEFAULT, DEFAULT);
	CHECK(!strstr(shim_log, "devices"));
}

TEST(device_at_boot_where_memory_is_unwanted)
{
	shim_slab = false;
	CHECK_EQ(shim_param_set("devices", "40000000.ahci=dynamic"), 0);
	boot_early("noforce", 0, NULL);
	swiotlb_dev_init(&early);
	shim_device_add(&early, &platform_bus_type, "40000000.ahci");
	boot_initcalls();
	check_backends_of(&early, DEFAULT);
	CHECK(strstr(shim_log, "cannot have backend dynamic"));
}

/* No input may crash it, and AddressSanitizer guards the end of each */
TEST(device_list_survives_random_input)
{
	static const char alphabet[] = ",,,===0000:00:04.0dynamicfixed ";
	u64 seed = 1;
	unsigned int round, len, i;

	boot_with_devices("");
	for (round = 0; round < 20000; round++) {
		char *value;

		len = model_random_below(&seed, 90);
		value = malloc(len + 1);
		for (i = 0; i < len; i++)
			value[i] = alphabet[model_random_below(&seed,
							       sizeof(alphabet) - 1)];
		value[len] = '\0';
		test_note("round %u: swiotlb.devices=\"%s\"", round, value);
		/* Not copied so early, so its end is where it is */
		shim_slab = false;
		CHECK_EQ(shim_param_set("devices", value), 0);
		shim_slab = true;
		CHECK_EQ(shim_swiotlb_device_check(), 0);
		shim_device_del(&late);
		shim_device_add(&late, &pci_bus_type, "0000:00:04.0");
		free(value);
	}
}
