// SPDX-License-Identifier: GPL-2.0
/*
 * The whole of it, as the DMA layer and the architectures see it: boot, map,
 * sync, unmap, and the end of it
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"

#define ORIG		0x2000000UL
#define MAX_BYTES	(256UL << 10)

TEST_DEVICE(dev);

static void boot(const char *cmdline, unsigned int flags)
{
	boot_early(cmdline, flags, NULL);
	swiotlb_dev_init(&dev);
}

static size_t used(void)
{
	struct swiotlb_mem *mem = default_mem();

	return mem->ops->used(mem);
}

static void unmap(dma_addr_t dma_addr, size_t size, enum dma_data_direction dir,
		  unsigned long attrs)
{
	swiotlb_tbl_unmap_single(&dev, dma_addr - dev.dma_offset, size, dir,
				 attrs);
}

TEST(api_boots_as_told)
{
	static const struct {
		const char *cmdline;
		unsigned long nslabs;
		bool force;
	} cases[] = {
		{ "", 32768, false },
		{ "force", 32768, true },
		{ "1024", 1024, false },
		{ "1024,4,force", 1024, true },
		/* Every area has a segment at least, and a power of two of them */
		{ "1024,16", 2048, false },
		{ "1000,3", 1024, false },
		{ "2048,force,fixed", 2048, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t child = fork();
		int status;

		if (child) {
			waitpid(child, &status, 0);
			CHECK_EQ(status, 0);
			continue;
		}
		test_note("swiotlb=\"%s\"", cases[i].cmdline);
		boot(cases[i].cmdline, SWIOTLB_VERBOSE);
		CHECK(is_swiotlb_allocated());
		CHECK(is_swiotlb_active(&dev));
		CHECK_EQ(is_swiotlb_force_bounce(&dev), cases[i].force);
		CHECK_EQ(swiotlb_size_or_default(),
			 cases[i].nslabs * IO_TLB_SIZE);
		CHECK_EQ(default_swiotlb_limit() + 1 - default_swiotlb_base(),
			 cases[i].nslabs * IO_TLB_SIZE);
		CHECK(default_swiotlb_base() % (256 << 10) == 0);
		CHECK(strstr(shim_log, "backend fixed\n"));
		CHECK_EQ(shim_take_warns(), 0);
		_exit(0);
	}
}

/* Without "=" there are no words, and nobody has memory yet to tell about */
TEST(api_boots_without_words)
{
	CHECK_EQ(shim_swiotlb_setup(NULL), 0);
	swiotlb_print_info();
	CHECK(shim_log_has("No low mem"));
	shim_clear_log();
	/* That one is told */
	boot("", SWIOTLB_VERBOSE);
	CHECK_EQ(swiotlb_size_or_default(), IO_TLB_DEFAULT_SIZE);
	CHECK(shim_log_has("mapped [mem"));
}

/* A platform may wish for a size, a user decides */
TEST(api_adjusts_size)
{
	swiotlb_adjust_size(100 << 20);
	CHECK_EQ(swiotlb_size_or_default(), 100 << 20);
	/* Then a power of two, as there are areas */
	boot("", 0);
	CHECK_EQ(swiotlb_size_or_default(), 128 << 20);
	CHECK_EQ(default_mem()->nslabs, 65536);
}

TEST(api_adjusts_no_size_that_was_asked_for)
{
	char value[] = "512";

	CHECK_EQ(shim_swiotlb_setup(value), 0);
	swiotlb_adjust_size(100 << 20);
	CHECK_EQ(swiotlb_size_or_default(), SZ_1M);
}

static void check_boots_without(const char *why)
{
	dma_addr_t addr;

	CHECK(!is_swiotlb_active(&dev));
	CHECK(!swiotlb_find_pool(&dev, ORIG));
	CHECK(!why || strstr(shim_log, why));
	shim_clear_log();
	addr = swiotlb_map(&dev, ORIG, 100, DMA_TO_DEVICE, 0);
	CHECK_EQ(addr, DMA_MAPPING_ERROR);
	CHECK_EQ(fails(SWIOTLB_FAIL_NOT_READY), 1);
	CHECK(strstr(shim_log, "swiotlb has no memory"));
	CHECK(swiotlb_max_mapping_size(&dev) > 0);
	swiotlb_exit();
}

TEST(api_boots_without_when_told)
{
	boot("noforce", 0);
	check_boots_without(NULL);
	CHECK(!is_swiotlb_allocated());
}

/* As ever: no size is the least size, a segment for each area */
TEST(api_size_zero_is_the_least)
{
	boot("0,2", 0);
	CHECK(is_swiotlb_active(&dev));
	CHECK_EQ(default_mem()->nslabs, 2 * IO_TLB_SEGSIZE);
}

/* Down to 1 MiB, and then not at all */
TEST(api_settles_for_less)
{
	shim_max_block = (33UL << 20) >> PAGE_SHIFT;
	boot("32768,1", 0);
	CHECK_EQ(swiotlb_size_or_default(), 32UL << 20);
	CHECK(strstr(shim_log, "adjusted 32768 -> 16384 slabs"));
}

/* Whatever cannot be had: it boots, and bounces if there is memory */
TEST(api_boots_without_any_one_allocation)
{
	unsigned int nth;

	for (nth = 1; nth < 12; nth++) {
		pid_t child = fork();
		dma_addr_t addr;
		int status;

		if (child) {
			waitpid(child, &status, 0);
			CHECK_EQ(status, 0);
			continue;
		}
		test_note("allocation %u fails", nth);
		shim_fail_alloc(nth);
		boot("2048,2", 0);
		shim_alloc_failed();
		boot_initcalls();
		addr = swiotlb_map(&dev, ORIG, 100, DMA_TO_DEVICE, 0);
		CHECK_EQ(addr == DMA_MAPPING_ERROR, !is_swiotlb_active(&dev));
		CHECK_EQ(nr_mems(), is_swiotlb_active(&dev));
		if (is_swiotlb_active(&dev))
			unmap(addr, 100, DMA_TO_DEVICE, 0);
		else
			CHECK_EQ(switch_to("fixed"), 0);
		CHECK_EQ(shim_take_warns(), 0);
		_exit(0);
	}
}

static int refusals, refused;

static int refuse(void *tlb, unsigned long nslabs)
{
	CHECK(!((unsigned long)tlb % (256 << 10)) || nslabs < 128);
	if (refusals-- > 0) {
		refused++;
		return -EPERM;
	}
	return 0;
}

TEST(api_boots_without_when_the_platform_refuses)
{
	refusals = 100;
	boot_early("", 0, refuse);
	swiotlb_dev_init(&dev);
	/* 64 MiB, 32, ... 1 */
	CHECK_EQ(refused, 7);
	check_boots_without("no bounce buffers");
	/* Nothing is left but the account of the backend that tried */
	CHECK_EQ(shim_live, 2);
}

TEST(api_boots_with_less_when_the_platform_refuses)
{
	refusals = 2;
	boot_early("", 0, refuse);
	CHECK_EQ(swiotlb_size_or_default(), 16UL << 20);
}

TEST(api_boots_without_when_conversion_fails)
{
	shim_refuse_conversions = 1;
	boot("1024", 0);
	check_boots_without("cannot share");
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), 2 << 20);
	CHECK_EQ(shim_doubtful_bytes(), 2 << 20);
	/* Nobody is ever going to touch it again, but there is other memory */
	boot_initcalls();
	let_retire();
	CHECK_EQ(nr_mems(), 1);
	CHECK(is_swiotlb_active(&dev));
	CHECK_EQ(shim_shared_bytes(), 2 << 20);
	CHECK_EQ(shim_doubtful_bytes(), 2 << 20);
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), 2 << 20);
}

TEST(api_init_late)
{
	swiotlb_dev_init(&dev);
	CHECK(!is_swiotlb_active(&dev));
	CHECK_EQ(swiotlb_init_late(4 << 20, GFP_KERNEL, NULL), 0);
	CHECK(is_swiotlb_active(&dev));
	CHECK_EQ(default_mem()->nslabs, (4 << 20) >> IO_TLB_SHIFT);
	/* What is made later is as large */
	CHECK_EQ(swiotlb_size_or_default(), 4 << 20);
	/* There is one already */
	CHECK_EQ(swiotlb_init_late(8 << 20, GFP_KERNEL, NULL), 0);
	CHECK_EQ(default_mem()->nslabs, (4 << 20) >> IO_TLB_SHIFT);
	swiotlb_exit();
	CHECK(!is_swiotlb_active(&dev));
	CHECK(!is_swiotlb_allocated());
}

/* The user's number of areas counts late, too; with noforce there is no pool */
TEST(api_init_late_minds_the_user)
{
	char areas[] = "2048,8", noforce[] = "noforce";

	swiotlb_dev_init(&dev);
	CHECK_EQ(default_swiotlb_base(), 0);
	CHECK_EQ(default_swiotlb_limit(), PHYS_ADDR_MAX);
	CHECK_EQ(shim_swiotlb_setup(areas), 0);
	CHECK_EQ(swiotlb_init_late(4 << 20, GFP_KERNEL, NULL), 0);
	CHECK(shim_log_has("area num 8."));
	CHECK(!shim_log_has("area num 4."));
	CHECK_EQ(default_swiotlb_base(), default_mem()->start);
	CHECK_EQ(default_swiotlb_limit(), default_mem()->end - 1);
	swiotlb_exit();
	CHECK_EQ(shim_swiotlb_setup(noforce), 0);
	CHECK_EQ(swiotlb_init_late(4 << 20, GFP_KERNEL, NULL), 0);
	CHECK(!is_swiotlb_allocated());
}

TEST(api_init_late_without_memory)
{
	swiotlb_dev_init(&dev);
	shim_fail_alloc(1);
	CHECK_EQ(swiotlb_init_late(SZ_1M, GFP_KERNEL, NULL), -ENOMEM);
	CHECK(shim_alloc_failed());
	check_boots_without("no bounce buffers");
}

/* Fill memory, map, let the device write a part, unmap: in every direction */
static void bounce(size_t size, unsigned int offset, enum dma_data_direction dir)
{
	static u8 before[MAX_BYTES + 8192], expected[MAX_BYTES + 8192];
	u8 *orig = shim_ram(ORIG);
	dma_addr_t addr;
	u64 seed = size;
	size_t i;

	test_note("%zu bytes at %#x, direction %d", size, offset, dir);
	for (i = 0; i < sizeof(before); i++)
		before[i] = model_random(&seed);
	memcpy(orig, before, sizeof(before));
	memcpy(expected, before, sizeof(before));

	addr = swiotlb_map(&dev, ORIG + offset, size, dir, 0);
	CHECK(addr != DMA_MAPPING_ERROR);
	CHECK(!((addr ^ (ORIG + offset)) & dev.min_align_mask));
	CHECK(!memcmp(device_view(&dev, addr), before + offset, size));

	memset(device_view(&dev, addr) + size / 3, 0x77, size - size / 3);
	if (dir != DMA_TO_DEVICE)
		memset(expected + offset + size / 3, 0x77, size - size / 3);
	unmap(addr, size, dir, 0);
	CHECK(!memcmp(orig, expected, sizeof(expected)));
}

TEST(api_maps_in_every_direction)
{
	static const size_t sizes[] = {
		1, 2, 100, 2047, 2048, 2049, 4096, 4097, 65536, 100000, 200000,
	};
	static const unsigned int masks[] = { 0, 0xfff, 0x1ff, 0xe00, 0x1fff };
	unsigned int i, m, offset;

	boot("1024,2,force", 0);
	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		dev.min_align_mask = masks[m];
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			for (offset = 0; offset < 4096; offset += 819) {
				bounce(sizes[i], offset, DMA_TO_DEVICE);
				bounce(sizes[i], offset, DMA_FROM_DEVICE);
				bounce(sizes[i], offset, DMA_BIDIRECTIONAL);
			}
		}
	}
	CHECK_EQ(used(), 0);
}

TEST(api_syncs_as_directed)
{
	u8 *orig = shim_ram(ORIG), *view;
	phys_addr_t tlb;
	dma_addr_t addr;

	boot("1024,2", 0);
	addr = swiotlb_map(&dev, ORIG, 8192, DMA_BIDIRECTIONAL, 0);
	tlb = addr - dev.dma_offset;
	view = device_view(&dev, addr);

	memset(orig, 1, 8192);
	swiotlb_sync_single_for_device(&dev, tlb + 5000, 10, DMA_TO_DEVICE);
	CHECK(view[4999] == 0 && view[5000] == 1 && view[5009] == 1 &&
	      view[5010] == 0);
	swiotlb_sync_single_for_device(&dev, tlb, 8192, DMA_FROM_DEVICE);
	CHECK(view[4999] == 0);
	swiotlb_sync_single_for_device(&dev, tlb, 8192, DMA_BIDIRECTIONAL);
	CHECK(view[0] == 1 && view[8191] == 1);

	memset(view, 2, 8192);
	swiotlb_sync_single_for_cpu(&dev, tlb, 8192, DMA_TO_DEVICE);
	CHECK(orig[0] == 1);
	swiotlb_sync_single_for_cpu(&dev, tlb + 4095, 2, DMA_FROM_DEVICE);
	CHECK(orig[4094] == 1 && orig[4095] == 2 && orig[4096] == 2 &&
	      orig[4097] == 1);
	swiotlb_sync_single_for_cpu(&dev, tlb, 8192, DMA_BIDIRECTIONAL);
	CHECK(orig[0] == 2 && orig[8191] == 2);

	/* Dropped, as the caller wishes */
	memset(view, 3, 8192);
	unmap(addr, 8192, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
	CHECK(orig[0] == 2);
	CHECK_EQ(shim_take_warns(), 0);

	/* What is not bounced is none of our business */
	swiotlb_sync_single_for_cpu(&dev, ORIG, 8192, DMA_BIDIRECTIONAL);
	unmap(ORIG + dev.dma_offset, 8192, DMA_BIDIRECTIONAL, 0);

	/* Unmapped twice: said, and harmless */
	unmap(addr, 8192, DMA_TO_DEVICE, 0);
	CHECK_EQ(shim_take_warns(), 1);
	CHECK_EQ(used(), 0);
}

TEST(api_mapping_ends_skipped_syncs)
{
	boot("1024,2", 0);
	dev.skips_sync = true;
	unmap(swiotlb_map(&dev, ORIG, 1, DMA_TO_DEVICE, 0), 1, DMA_TO_DEVICE, 0);
	CHECK(!dev.skips_sync);
}

/* In the log, in the counter, and in the tracepoint */
static void check_failure(size_t size, enum swiotlb_fail why, const char *says)
{
	const char *backend = default_mem() ? "fixed" : "none";
	long before = fails(why);

	shim_clear_log();
	CHECK_EQ(swiotlb_map(&dev, ORIG, size, DMA_TO_DEVICE, 0),
		 DMA_MAPPING_ERROR);
	CHECK_EQ(fails(why), before + 1);
	CHECK(strstr(shim_log, says));
	CHECK(!strcmp(shim_fail_reason, swiotlb_fail_names[why]));
	CHECK(!strcmp(shim_fail_backend, backend));

	shim_fail_reason = NULL;
	shim_clear_log();
	CHECK_EQ(swiotlb_map(&dev, ORIG, size, DMA_TO_DEVICE, DMA_ATTR_NO_WARN),
		 DMA_MAPPING_ERROR);
	CHECK_EQ(fails(why), before + 2);
	CHECK(!strcmp(shim_fail_reason, swiotlb_fail_names[why]));
	CHECK_EQ(strlen(shim_log), 0);
}

/* The names tell them apart, and so do the messages that are looked for here */
TEST(api_failures_have_names)
{
	dma_addr_t addrs[64];
	unsigned int i, nr;

	for (i = 0; i < SWIOTLB_NR_FAILS; i++) {
		for (nr = 0; nr < i; nr++)
			CHECK(strcmp(swiotlb_fail_names[i],
				     swiotlb_fail_names[nr]));
	}

	swiotlb_dev_init(&dev);
	check_failure(1, SWIOTLB_FAIL_NOT_READY, "has no memory to bounce");
	boot("256,1", 0);
	check_failure(0, SWIOTLB_FAIL_INVALID, "is invalid");
	check_failure(MAX_BYTES + 1, SWIOTLB_FAIL_TOO_LARGE, "too large");

	dev_mask = default_swiotlb_base() + dev.dma_offset - 1;
	check_failure(1, SWIOTLB_FAIL_REACH, "out of reach");
	/* The start is within reach, and the end of the buffer is not */
	dev_mask += 4096;
	check_failure(4097, SWIOTLB_FAIL_REACH, "out of reach");
	dev_mask = U64_MAX;

	for (nr = 0; nr < 64; nr++) {
		addrs[nr] = swiotlb_map(&dev, ORIG, 16384, DMA_TO_DEVICE, 0);
		if (addrs[nr] == DMA_MAPPING_ERROR)
			break;
	}
	CHECK_EQ(nr, 32);
	CHECK_EQ(fails(SWIOTLB_FAIL_EXHAUSTED), 1);
	check_failure(1, SWIOTLB_FAIL_EXHAUSTED, "swiotlb buffer is full (sz: ");

	/* Each second one in space */
	for (i = 0; i < nr; i++) {
		if (addrs[i] & 16384)
			unmap(addrs[i], 16384, DMA_TO_DEVICE, 0);
	}
	check_failure(20000, SWIOTLB_FAIL_FRAGMENTED, "fragmented");
	for (i = 0; i < nr; i++) {
		if (!(addrs[i] & 16384))
			unmap(addrs[i], 16384, DMA_TO_DEVICE, 0);
	}
	CHECK_EQ(fails(SWIOTLB_FAIL_INVALID), 2);
	CHECK_EQ(used(), 0);
}

/* For dma-iommu: whole IOMMU pages, and nothing else in them */
TEST(api_tbl_map_single_takes_whole_granules)
{
	phys_addr_t tlb;

	boot("1024,2", 0);
	dev.min_align_mask = 0xffff;
	tlb = swiotlb_tbl_map_single(&dev, ORIG + 0x4321, 0x8000, 0xffff,
				     DMA_TO_DEVICE, 0);
	CHECK_EQ(tlb & 0xffff, 0x4321);
	CHECK_EQ(used(), 0x10000);
	swiotlb_tbl_unmap_single(&dev, tlb, 0x8000, DMA_TO_DEVICE, 0);
	CHECK_EQ(used(), 0);
}

TEST(api_alloc_gives_aligned_pages)
{
	static const size_t sizes[] = { 1, 4096, 4097, 12288, 65536, 200000 };
	struct page *pages[ARRAY_SIZE(sizes)];
	unsigned int i;

	boot("1024,1", 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pages[i] = swiotlb_alloc(&dev, sizes[i]);
		test_note("%zu bytes", sizes[i]);
		CHECK(pages[i]);
		CHECK((page_to_phys(pages[i]) + dev.dma_offset) %
		      (PAGE_SIZE << get_order(sizes[i])) == 0);
	}
	CHECK(!swiotlb_alloc(&dev, MAX_BYTES + 1));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK(swiotlb_free(&dev, pages[i], sizes[i]));
	CHECK(!swiotlb_free(&dev, pfn_to_page(ORIG >> PAGE_SHIFT), 4096));
	CHECK_EQ(used(), 0);
}

static void check_nothing_is_left(void)
{
	shim_settle();
	CHECK_EQ(nr_mems(), 0);
	CHECK_EQ(shim_shared_bytes(), 0);
	CHECK_EQ(atomic_long_read(&swiotlb_default_domain.own.level.used), 0);
	/* But for tables of lookup.c, of 4 KiB each */
	CHECK(shim_page_bytes() <= 4 * PAGE_SIZE);
	check_boots_without(NULL);
	CHECK(!is_swiotlb_allocated());
}

TEST(api_exit_leaves_nothing)
{
	boot("1024,2", 0);
	boot_initcalls();
	swiotlb_exit();
	check_nothing_is_left();
}

/* Nobody is there to do it so early, but it is not forgotten */
TEST(api_early_exit_leaves_nothing)
{
	boot("1024,2", 0);
	swiotlb_exit();
	CHECK(shim_page_bytes() >= 2 << 20);
	boot_initcalls();
	check_nothing_is_left();
}

TEST(api_exit_keeps_what_is_in_use)
{
	dma_addr_t addr;

	boot("1024,2", 0);
	addr = swiotlb_map(&dev, ORIG, 1000, DMA_TO_DEVICE, 0);
	swiotlb_exit();
	CHECK(is_swiotlb_active(&dev));
	CHECK(strstr(shim_log, "in use"));
	unmap(addr, 1000, DMA_TO_DEVICE, 0);
	CHECK_EQ(shim_take_warns(), 0);
}

TEST(api_exit_minds_force)
{
	boot("1024,force", 0);
	swiotlb_exit();
	CHECK(is_swiotlb_active(&dev));
}
