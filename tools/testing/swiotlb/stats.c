// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: each thing that happens is in the one that it should be in, in the sums
 * and at the backend, and stays there
 */
#include "toy.h"

int shim_rmem_swiotlb_setup(struct reserved_mem *rmem);

#define MAX_SIZE	SZ_2M

TEST_DEVICE(dev);
TEST_DEVICE(other);

static struct buffer a, b;

/* What the file says of a name; a line of it is "name number" */
static long stat_of(const char *path, const char *name)
{
	const char *line = shim_debugfs_read(path);
	size_t len = strlen(name);

	test_note("%s, %s", path, name);
	for (; line && *line; line = strchr(line, '\n') + 1) {
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtoul(line + len + 1, NULL, 10);
	}
	return -1;
}

static long stat(const char *name)
{
	return stat_of("swiotlb/stats", name);
}

static void check_stats(const char *prefix, const char *what, long value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", prefix, what);
	CHECK_EQ(stat(name), value);
}

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

TEST(stats_count_what_happens)
{
	static const char *const of[] = { "", "fixed." };
	unsigned int i;
	dma_addr_t addr;

	set_up();
	/* Only that it was set up has been counted so far */
	CHECK_EQ(stat("maps"), 0);
	CHECK_EQ(stat("fixed.size_bytes"), SZ_4M);

	CHECK(buffer_map(&a, &dev));
	CHECK(buffer_map(&b, &dev));
	buffer_to_device(&a);
	buffer_to_cpu(&a);
	buffer_to_cpu(&b);
	buffer_unmap(&b);
	/* These copy less */
	addr = swiotlb_map(&dev, b.orig, 10, DMA_TO_DEVICE, 0);
	swiotlb_sync_single_for_cpu(&dev, addr - dev.dma_offset, 10,
				    DMA_TO_DEVICE);
	swiotlb_tbl_unmap_single(&dev, addr - dev.dma_offset, 10,
				 DMA_TO_DEVICE, 0);

	for (i = 0; i < ARRAY_SIZE(of); i++) {
		check_stats(of[i], "maps", 3);
		check_stats(of[i], "unmaps", 2);
		check_stats(of[i], "syncs_for_device", 1);
		check_stats(of[i], "syncs_for_cpu", 3);
		check_stats(of[i], "bytes_to_device", 2 * a.size + b.size + 10);
		check_stats(of[i], "bytes_from_device", a.size + 2 * b.size);
		check_stats(of[i], "used_bytes", a.size);
		check_stats(of[i], "hiwater_bytes", a.size + IO_TLB_SIZE);
		check_stats(of[i], "allocs", 0);
		check_stats(of[i], "fail_exhausted", 0);
	}
	CHECK_EQ(stat("dynamic.maps"), -1);
	buffer_unmap(&a);
	CHECK_EQ(stat("unmaps"), 3);
	CHECK_EQ(stat("used_bytes"), 0);
	CHECK_EQ(stat("bytes_from_device"), 2 * a.size + 2 * b.size);
}

/* Only what was copied counts, not what was asked for */
TEST(stats_count_what_was_copied)
{
	set_up();
	CHECK(buffer_map(&b, &dev));
	swiotlb_sync_single_for_device(&dev, b.addr - dev.dma_offset + 60, 100,
				       DMA_TO_DEVICE);
	CHECK_EQ(shim_take_warns(), 1);
	CHECK_EQ(stat("bytes_to_device"), 140);
	CHECK_EQ(stat("syncs_for_device"), 1);
	buffer_unmap(&b);
}

TEST(stats_stay_when_memory_goes)
{
	set_up();
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&b, &dev));
	CHECK_EQ(stat("fixed.maps"), 1);
	CHECK_EQ(stat("toy.maps"), 1);
	CHECK_EQ(stat("toy.used_bytes"), TOY_SLOT_BYTES);
	CHECK_EQ(stat("maps"), 2);

	/* It is counted where it was mapped */
	buffer_unmap(&a);
	CHECK_EQ(stat("fixed.unmaps"), 1);
	CHECK_EQ(stat("toy.unmaps"), 0);
	let_retire();
	CHECK_EQ(nr_mems(), 1);
	CHECK_EQ(stat("fixed.maps"), 1);
	CHECK_EQ(stat("fixed.size_bytes"), 0);
	CHECK_EQ(stat("fixed.hiwater_bytes"), a.size);
	CHECK_EQ(stat("hiwater_bytes"), a.size + TOY_SLOT_BYTES);

	/* And goes on from there */
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(stat("fixed.maps"), 2);
	CHECK_EQ(stat("maps"), 3);

	CHECK_EQ(shim_debugfs_write("swiotlb/io_tlb_used_hiwater", 0), 0);
	CHECK_EQ(stat("fixed.hiwater_bytes"), a.size);
	CHECK_EQ(stat("toy.hiwater_bytes"), TOY_SLOT_BYTES);
	buffer_unmap(&b);
	buffer_unmap(&a);
	CHECK_EQ(shim_debugfs_write("swiotlb/io_tlb_used_hiwater", 0), 0);
	CHECK_EQ(stat("fixed.hiwater_bytes"), 0);
	CHECK_EQ(stat("toy.hiwater_bytes"), 0);
}

/* A module that comes back finds its numbers, whatever its name lay in */
TEST(stats_outlive_modules)
{
	set_up();
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&a, &dev));
	buffer_unmap(&a);
	CHECK_EQ(stat("toy.used_bytes"), 0);
	CHECK_EQ(stat("toy.hiwater_bytes"), TOY_SLOT_BYTES);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	toy_unregister();
	CHECK_EQ(stat("toy.maps"), 1);
	toy_register();
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(stat("toy.maps"), 2);
	buffer_unmap(&a);
}

TEST(stats_of_all_cpus)
{
	unsigned int cpu;

	set_up();
	for (cpu = 0; cpu < shim_nr_cpus; cpu++) {
		shim_cpu = cpu;
		CHECK(buffer_map(&a, &dev));
		shim_cpu = (cpu + 1) % shim_nr_cpus;
		buffer_unmap(&a);
	}
	CHECK(shim_nr_cpus > 1);
	CHECK_EQ(stat("maps"), shim_nr_cpus);
	CHECK_EQ(stat("unmaps"), shim_nr_cpus);
	CHECK_EQ(stat("bytes_to_device"), shim_nr_cpus * a.size);
}

TEST(stats_of_growth)
{
	static struct buffer buffers[128];
	unsigned int nr = 0, i;

	set_up();
	CHECK_EQ(switch_to("dynamic"), 0);
	while (!shim_nr_grows) {
		CHECK(nr < ARRAY_SIZE(buffers));
		buffer_init(&buffers[nr], nr + 2, 0x10000);
		CHECK(buffer_map(&buffers[nr++], &dev));
		shim_settle();
	}
	CHECK_EQ(stat("dynamic.grows"), shim_nr_grows);
	CHECK_EQ(stat("grown_bytes"), stat("size_bytes") - SZ_4M);
	CHECK_EQ(stat("shrinks"), 0);
	for (i = 0; i < nr; i++)
		buffer_unmap(&buffers[i]);
	shim_pass_ms(20000);
	CHECK(shim_nr_shrinks);
	CHECK_EQ(stat("dynamic.shrinks"), shim_nr_shrinks);
	CHECK_EQ(stat("shrunk_bytes"), stat("grown_bytes"));
}

TEST(stats_of_coherent_memory)
{
	struct page *small, *large;

	boot_guest("", SZ_4M);
	swiotlb_dev_init(&dev);
	CHECK_EQ(stat("dynamic.shares"), 1);
	CHECK_EQ(stat("dynamic.shared_bytes"), SZ_4M);

	small = swiotlb_alloc_shared(&dev, PAGE_SIZE, GFP_KERNEL);
	CHECK(small);
	CHECK_EQ(stat("dynamic.allocs"), 1);
	CHECK_EQ(stat("maps"), 0);
	CHECK_EQ(stat("bytes_to_device"), 0);
	CHECK(!swiotlb_alloc_shared(&dev, SZ_1M, GFP_ATOMIC));
	CHECK_EQ(stat("alloc_fallbacks"), 1);

	/* What is no backend's is in the sum alone */
	large = swiotlb_alloc_shared(&dev, SZ_1M, GFP_KERNEL);
	CHECK(large);
	CHECK_EQ(stat("shares"), 2);
	CHECK_EQ(stat("shared_bytes"), SZ_4M + SZ_2M);
	CHECK_EQ(stat("dynamic.shares"), 1);
	CHECK(swiotlb_free_shared(&dev, large, SZ_1M));
	shim_pass_ms(120000);
	CHECK_EQ(stat("unshares"), 1);
	CHECK_EQ(stat("unshared_bytes"), SZ_2M);
	CHECK(swiotlb_free_shared(&dev, small, PAGE_SIZE));
	CHECK_EQ(stat("frees"), 1);
	CHECK_EQ(stat("unmaps"), 0);
}

/* Where memory is not private to begin with, nothing is converted */
TEST(stats_of_conversions_that_are_none)
{
	set_up();
	CHECK_EQ(switch_to("dynamic"), 0);
	CHECK_EQ(stat("shares"), 0);
	CHECK_EQ(stat("shared_bytes"), 0);
}

TEST(stats_of_restricted_pools)
{
	static struct reserved_mem rmem = {
		.name = "pool@6000000",
		.base = 0x6000000,
		.size = SZ_1M,
	};

	set_up();
	CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), 0);
	CHECK_EQ(rmem.ops->device_init(&rmem, &other), 0);
	CHECK(buffer_map(&a, &other));
	CHECK_EQ(stat_of("swiotlb/pool@6000000/stats", "fixed.maps"), 1);
	CHECK_EQ(stat_of("swiotlb/pool@6000000/size_histogram", "6144"), 1);
	CHECK_EQ(stat_of("swiotlb/size_histogram", "6144"), 0);
	CHECK_EQ(stat("maps"), 0);
	buffer_unmap(&a);
}

/* The steps in their own words: quarters of what is between two powers of two */
static unsigned int index_by_counting(size_t size)
{
	unsigned int i = 0;
	size_t limit, step;

	for (limit = 128; limit < MAX_SIZE; limit *= 2) {
		for (step = 0; step < 4; step++, i++) {
			if (size <= limit + step * limit / 4)
				return i;
		}
	}
	return size <= limit ? i : i + 1;
}

TEST(stats_sizes_are_in_steps)
{
	size_t size, limit;
	unsigned int i;

	for (size = 1; size <= MAX_SIZE + 10; size++) {
		test_note("%zu", size);
		CHECK_EQ(swiotlb_size_index(size), index_by_counting(size));
	}
	CHECK_EQ(swiotlb_size_index(U32_MAX), SWIOTLB_NR_SIZES - 1);
	for (i = 0; i < SWIOTLB_NR_SIZES - 1; i++) {
		limit = swiotlb_size_limit(i);
		CHECK_EQ(swiotlb_size_index(limit), i);
		CHECK_EQ(swiotlb_size_index(limit + 1), i + 1);
	}
	CHECK_EQ(limit, MAX_SIZE);
}

TEST(stats_histogram)
{
	static const size_t sizes[] = { 1, 128, 129, 512, 2048, 2049, 4096,
					16384, 65536 };
	static const char *const limits[] = { "128", "128", "160", "512",
		"2048", "2560", "4096", "16384", "65536" };
	unsigned long sum = 0, nr_lines = 0;
	const char *line;
	unsigned int i;

	set_up();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buffer_init(&a, 0, sizes[i]);
		CHECK(buffer_map(&a, &dev));
		buffer_unmap(&a);
	}
	CHECK_EQ(stat_of("swiotlb/size_histogram", "128"), 2);
	for (i = 2; i < ARRAY_SIZE(sizes); i++)
		CHECK_EQ(stat_of("swiotlb/size_histogram", limits[i]), 1);
	/* What the request mix of the documents is about */
	CHECK_EQ(stat_of("swiotlb/size_histogram", "524288"), 0);
	CHECK_EQ(stat_of("swiotlb/size_histogram", "inf"), 0);

	line = shim_debugfs_read("swiotlb/size_histogram");
	for (; *line; line = strchr(line, '\n') + 1, nr_lines++)
		sum += strtoul(strchr(line, ' '), NULL, 10);
	CHECK_EQ(sum, ARRAY_SIZE(sizes));
	CHECK_EQ(nr_lines, SWIOTLB_NR_SIZES);
	CHECK_EQ(stat("maps"), ARRAY_SIZE(sizes));
}

static const char *const cc_names[] = {
	"256", "512", "1K", "2K", "pages", "2K-runs", "last", "kept",
	"coherent",
};

static long class_stat(const char *class, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "cc.%s.%s", class, what);
	return stat(name);
}

/* All classes together are the backend */
static long all_classes(const char *what)
{
	long sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cc_names); i++) {
		CHECK(class_stat(cc_names[i], what) >= 0);
		sum += class_stat(cc_names[i], what);
	}
	return sum;
}

/* What is mapped, to the byte: who got it where, whoever gives it back */
TEST(stats_of_classes)
{
	static const struct {
		size_t size;
		const char *class;
		size_t used;
	} cases[] = {
		{ 200, "256", 256 },
		{ 500, "512", 512 },
		{ 1000, "1K", 1024 },
		{ 2000, "2K", 2048 },
		{ 3000, "pages", 4096 },
		{ 5000, "2K-runs", 6144 },
		{ SZ_64K, "pages", SZ_64K },
		{ 40000, "pages", 40960 },
	};
	static struct buffer buffers[ARRAY_SIZE(cases)];
	long used, nr, bytes, total = 0, all = 0, asked = 0;
	unsigned int i, round;

	boot_with("8192,cc");
	swiotlb_dev_init(&dev);
	CHECK_EQ(stat("cc.256.hiwater_bytes"), 0);
	for (round = 1; round <= 3; round++) {
		/* The last time what the first CPU keeps is of no use */
		shim_cpu = round == 3;
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			const char *class = cases[i].class;

			used = class_stat(class, "used_bytes");
			nr = class_stat(class, "buffers");
			bytes = class_stat(class, "buffer_bytes");
			buffer_init(&buffers[i], i, cases[i].size);
			CHECK(buffer_map(&buffers[i], &dev));
			test_note("%zu", cases[i].size);
			CHECK_EQ(class_stat(class, "used_bytes"),
				 used + (long)cases[i].used);
			CHECK_EQ(class_stat(class, "buffers"), nr + 1);
			CHECK_EQ(class_stat(class, "buffer_bytes"),
				 bytes + (long)cases[i].size);
			CHECK(class_stat(class, "hiwater_bytes") >= used + (long)cases[i].used);
			CHECK(class_stat(class, "size_bytes") >=
			      class_stat(class, "hiwater_bytes"));
			total += cases[i].used;
			asked += cases[i].size;
			CHECK_EQ(all_classes("used_bytes"), total);
			CHECK_EQ(all_classes("used_bytes"), stat("cc.used_bytes"));
			CHECK_EQ(all_classes("buffers"), ++all);
			CHECK_EQ(all_classes("buffer_bytes"), asked);
		}
		/* Where it was not mapped, or where it was */
		shim_cpu = round == 1;
		for (i = 0; i < ARRAY_SIZE(cases); i++)
			buffer_unmap(&buffers[i]);
		total = 0;
		CHECK_EQ(all_classes("used_bytes"), 0);
	}
	CHECK_EQ(stat("cc.maps"), all);

	/* What CPUs give back is no buffer's */
	shim_pass_ms(60000);
	CHECK_EQ(all_classes("used_bytes"), 0);
	CHECK_EQ(all_classes("buffers"), all);
	CHECK_EQ(stat("cc.2K.hiwater_bytes") % 2048, 0);
}

/* Classes are of memory that there is, and of backends that have any */
TEST(stats_of_classes_go_with_memory)
{
	set_up();
	CHECK_EQ(stat("fixed.256.buffers"), -1);
	CHECK_EQ(switch_to("cc"), 0);
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(all_classes("buffers"), 1);
	buffer_unmap(&a);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(stat("cc.maps"), 1);
	CHECK_EQ(stat("cc.pages.buffers"), -1);
}

/* A CPU keeps slots by then, but has none for a size that makes no sense */
TEST(stats_of_invalid_sizes)
{
	static const size_t invalid[] = { 0, SZ_4G };
	dma_addr_t addr;
	unsigned int i;

	boot_with("8192,2");
	swiotlb_dev_init(&dev);
	CHECK_EQ(switch_to("cc"), 0);
	addr = swiotlb_map(&dev, PAGE_SIZE, 1, DMA_TO_DEVICE, 0);
	swiotlb_tbl_unmap_single(&dev, addr - dev.dma_offset, 1, DMA_TO_DEVICE, 0);
	for (i = 0; i < ARRAY_SIZE(invalid); i++) {
		CHECK_EQ(swiotlb_tbl_map_single(&dev, PAGE_SIZE, invalid[i], 0,
						DMA_TO_DEVICE, 0),
			 (phys_addr_t)DMA_MAPPING_ERROR);
		CHECK_EQ(stat("cc.fail_invalid"), i + 1);
	}
	CHECK_EQ(stat("cc.maps"), 1);
}

/* Refused mappings are failures, and nothing else */
TEST(stats_of_failures)
{
	set_up();
	CHECK_EQ(swiotlb_map(&dev, a.orig, SZ_1M, DMA_TO_DEVICE, 0),
		 DMA_MAPPING_ERROR);
	CHECK_EQ(stat("fail_too_large"), 1);
	CHECK_EQ(stat("fixed.fail_too_large"), 1);
	CHECK_EQ(stat("maps"), 0);
	CHECK_EQ(stat("bytes_to_device"), 0);
	CHECK_EQ(stat_of("swiotlb/failures", "too_large"), 1);
}

TEST(stats_of_nobody)
{
	boot_with("noforce");
	swiotlb_dev_init(&dev);
	buffer_init(&a, 0, 10);
	CHECK(!buffer_map(&a, &dev));
	CHECK_EQ(stat("fail_not_ready"), 1);
	CHECK_EQ(stat("size_bytes"), 0);
	CHECK_EQ(stat("fixed.maps"), -1);
}
