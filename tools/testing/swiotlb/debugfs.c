// SPDX-License-Identifier: GPL-2.0
/*
 * What debugfs says, with several backends at once
 */
#include "toy.h"

#define POOL_NSLABS	2048
#define TOY_NSLABS	(TOY_SLOT_BYTES >> IO_TLB_SHIFT)

TEST_DEVICE(dev);
TEST_DEVICE(other);

static struct buffer a, b;

static void set_up(void)
{
	boot_with("2048,2");
	toy_register();
	swiotlb_dev_init(&dev);
	swiotlb_dev_init(&other);
	shim_device_add(&other, &pci_bus_type, "0000:00:01.0");
	buffer_init(&a, 0, 3 * IO_TLB_SIZE);
	buffer_init(&b, 1, 100);
}

/* Does the file have these lines, one behind the other? */
static void check_lines(const char *lines)
{
	const char *text = shim_debugfs_read("swiotlb/state");

	test_note("\"%s\"", text);
	CHECK(strstr(text, lines));
}

TEST(debugfs_counts_all_memory)
{
	set_up();
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), POOL_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 0);
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 3);

	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&b, &dev));
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), 2 * POOL_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 3 + TOY_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_used_hiwater"), 3 + TOY_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_transient_nslabs"), 0);

	buffer_unmap(&a);
	let_retire();
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), POOL_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), TOY_NSLABS);
	CHECK_EQ(number_in("swiotlb/io_tlb_used_hiwater"), 3 + TOY_NSLABS);
	CHECK_EQ(shim_debugfs_write("swiotlb/io_tlb_used_hiwater", 1), -EINVAL);
	CHECK_EQ(shim_debugfs_write("swiotlb/io_tlb_used_hiwater", 0), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_used_hiwater"), TOY_NSLABS);
	buffer_unmap(&b);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 0);
}

TEST(debugfs_tells_what_each_is_for)
{
	set_up();
	check_lines("leaked_bytes 0\nbackend fixed active\nnslabs 2048\nused 0\n");
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(shim_device_write(&other, "swiotlb_backend", "dynamic"), 0);
	check_lines("backend fixed active\nnslabs 2048\nused 3\n");
	check_lines("backend dynamic pinned\nnslabs 2048\nused 0\n");

	CHECK_EQ(switch_to("toy"), 0);
	check_lines("backend fixed retiring\nnslabs 2048\nused 3\n");
	check_lines("backend dynamic pinned\n");
	check_lines("backend toy active\nnslabs 2048\nused 0\ntoys 64\n");

	/* Active is who serves the default, whoever else it serves */
	CHECK_EQ(switch_to("dynamic"), 0);
	check_lines("backend dynamic active\n");
	CHECK_EQ(switch_to("toy"), 0);

	buffer_unmap(&a);
	let_retire();
	CHECK(!strstr(shim_debugfs_read("swiotlb/state"), "backend fixed"));
	CHECK_EQ(shim_device_write(&other, "swiotlb_backend", "default"), 0);
	let_retire();
	check_file("swiotlb/state", "leaked_bytes 0\nbackend toy active\n"
				    "nslabs 2048\nused 0\ntoys 64\n");
}

TEST(debugfs_of_who_says_nothing)
{
	set_up();
	toy_ops.show = NULL;
	CHECK_EQ(switch_to("toy"), 0);
	let_retire();
	check_file("swiotlb/state", "leaked_bytes 0\nbackend toy active\n"
				    "nslabs 2048\nused 0\n");
}

TEST(debugfs_of_nothing)
{
	boot_with("noforce");
	check_file("swiotlb/state", "leaked_bytes 0\n");
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_used_hiwater"), 0);
	buffer_init(&a, 0, 10);
	CHECK(!buffer_map(&a, &dev));
	check_file("swiotlb/failures", "invalid 0\nnot_ready 1\ntoo_large 0\n"
				       "out_of_reach 0\nfragmented 0\nexhausted 0\n");
}

TEST(debugfs_counts_what_is_lost)
{
	set_up();
	shim_refuse_conversions = 1;
	CHECK_EQ(switch_to("toy"), -EIO);
	check_lines("leaked_bytes 4194304\n");
}
