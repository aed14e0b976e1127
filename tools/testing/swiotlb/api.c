// SPDX-License-Identifier: GPL-2.0
/*
 * The whole of it, as the DMA layer sees it: map, sync, unmap, allocate, and all
 * that can fail
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "api.h"

#define MAX_BYTES	(256UL << 10)

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
	dev.skips_sync = true;
	CHECK(swiotlb_tbl_map_single(&dev, ORIG, 1, 0, DMA_TO_DEVICE, 0) !=
	      (phys_addr_t)DMA_MAPPING_ERROR);
	CHECK(!dev.skips_sync);
}

/* The lower of what a device and its bus reach counts, if either says anything */
TEST(api_maps_within_reach_of_bus_and_device)
{
	static const u64 all = U64_MAX;
	u64 start, end;
	struct {
		const u64 *mask, *bus;
		bool works;
	} cases[] = {
		{ &all, &end, true }, { &all, &start, false },
		{ &end, &all, true }, { &start, &all, false },
		{ &end, &end, true }, { &start, &end, false },
	};
	unsigned int i;

	boot("1024,1", 0);
	start = default_swiotlb_base() + dev.dma_offset - 1;
	end = default_swiotlb_limit() + dev.dma_offset;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		dma_addr_t addr;

		test_note("case %u", i);
		dev_mask = *cases[i].mask;
		dev.bus_dma_limit = *cases[i].bus;
		addr = swiotlb_map(&dev, ORIG, 100, DMA_TO_DEVICE, 0);
		CHECK_EQ(addr != DMA_MAPPING_ERROR, cases[i].works);
		if (cases[i].works)
			unmap(addr, 100, DMA_TO_DEVICE, 0);
	}
	/* A driver that set no mask has been warned, and reaches what its bus does */
	dev_mask = 0;
	dev.bus_dma_limit = start;
	CHECK_EQ(swiotlb_map(&dev, ORIG, 100, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	dev.bus_dma_limit = end;
	unmap(swiotlb_map(&dev, ORIG, 100, DMA_TO_DEVICE, 0), 100, DMA_TO_DEVICE, 0);
	CHECK_EQ(shim_take_warns(), 0);
	CHECK_EQ(used(), 0);
}

/* Slots of 4 KiB are of no use where the bus shifts addresses by less */
TEST(api_promises_what_the_bus_leaves)
{
	boot("4096,cc", 0);
	CHECK(swiotlb_max_mapping_size(&dev) > SZ_256K);
	dev.dma_offset += SZ_2K;
	CHECK_EQ(swiotlb_max_mapping_size(&dev), 0);
	dev.dma_offset += SZ_2K;
	CHECK(swiotlb_max_mapping_size(&dev) > SZ_256K);
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
	static const size_t invalid[] = { 0, SZ_4G };
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
	check_failure(SZ_4G, SWIOTLB_FAIL_INVALID, "is invalid");
	for (i = 0; i < ARRAY_SIZE(invalid); i++) {
		CHECK_EQ(swiotlb_tbl_map_single(&dev, ORIG, invalid[i], 0,
						DMA_TO_DEVICE, DMA_ATTR_NO_WARN),
			 (phys_addr_t)DMA_MAPPING_ERROR);
		CHECK(!swiotlb_alloc(&dev, invalid[i]));
	}
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
	CHECK_EQ(fails(SWIOTLB_FAIL_INVALID), 8);
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
