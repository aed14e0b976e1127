// SPDX-License-Identifier: GPL-2.0
/*
 * What dma_alloc_*() gets in a confidential guest: from the pool, from shared
 * blocks, or not; and that it goes back to where it came from
 */
#include <sys/wait.h>
#include <unistd.h>

#include "toy.h"

int shim_rmem_swiotlb_setup(struct reserved_mem *rmem);

#define POOL_BYTES	((size_t)SZ_4M)
#define LARGE		((size_t)SZ_1M)
#define IDLE_MS		60000

TEST_DEVICE(dev);

static u64 low_mask = 0xffffffff;
static struct device low_dev = {
	.dma_mask = &low_mask,
	.coherent_dma_mask = 0xffffffff,
	.seg_boundary = 0xffffffff,
};

static void boot(const char *cmdline)
{
	boot_guest(cmdline, POOL_BYTES);
	swiotlb_dev_init(&dev);
	swiotlb_dev_init(&low_dev);
}

static struct page *get_for(struct device *by, size_t size, gfp_t gfp)
{
	struct page *page = swiotlb_alloc_shared(by, size, gfp);

	if (page)
		CHECK(page_to_phys(page) % (PAGE_SIZE << get_order(size)) == 0 ||
		      size > SZ_4M);
	return page;
}

static struct page *get(size_t size)
{
	return get_for(&dev, size, GFP_KERNEL);
}

static void put(struct page *page, size_t size)
{
	CHECK(swiotlb_free_shared(&dev, page, size));
}

static bool in_pool(const struct page *page)
{
	return swiotlb_find_pool(&dev, page_to_phys(page));
}

static long fallbacks(void)
{
	return atomic_long_read(&swiotlb_default_domain.own.alloc_fallbacks);
}

static size_t block_bytes(void)
{
	return atomic_long_read(&swiotlb_default_domain.alloc_bytes);
}

static long nr_fails(void)
{
	long nr = 0;
	unsigned int i;

	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		nr += fails(i);
	return nr;
}

TEST(shared_alloc_comes_from_the_pool)
{
	static const size_t sizes[] = { 1, 4096, 5000, 8192, 65536, 100000, 262144 };
	struct page *pages[ARRAY_SIZE(sizes)];
	unsigned long nr;
	unsigned int i;

	boot("");
	nr = shim_nr_conversions;
	CHECK(!get(0));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pages[i] = get(sizes[i]);
		CHECK(pages[i]);
		CHECK(in_pool(pages[i]));
	}
	CHECK(used_bytes("dynamic") >= 262144 + 100000 + 65536);
	CHECK_EQ(number_in("swiotlb/io_tlb_alloc_nslabs"),
		 2 * (1 + 1 + 2 + 2 + 16 + 25 + 64));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		put(pages[i], sizes[i]);
	CHECK_EQ(used_bytes("dynamic"), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_alloc_nslabs"), 0);
	CHECK_EQ(shim_nr_conversions, nr);
	CHECK_EQ(block_bytes(), 0);
	CHECK_EQ(fallbacks(), 0);
}

/* Any other machine gets nothing of that, and nothing is counted */
TEST(shared_alloc_is_for_confidential_guests)
{
	struct page *page;

	boot_with("2048,2,force");
	swiotlb_dev_init(&dev);
	page = alloc_page(GFP_KERNEL);
	CHECK(!get(4096));
	CHECK(!swiotlb_free_shared(&dev, page, 4096));
	CHECK(!is_swiotlb_for_alloc(&dev));
	CHECK_EQ(fallbacks(), 0);
	CHECK_EQ(used_bytes("fixed"), 0);
}

static struct reserved_mem rmem = {
	.name = "pool@6000000",
	.base = 0x6000000,
	.size = SZ_2M,
};

TEST(shared_alloc_is_not_for_restricted_devices)
{
	struct page *page;

	boot("");
	CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), 0);
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	CHECK(!get(4096));
	CHECK(!get(LARGE));
	CHECK_EQ(fallbacks(), 0);
	page = swiotlb_alloc(&dev, 4096);
	CHECK(page);
	CHECK(!swiotlb_free_shared(&dev, page, 4096));
	CHECK(!swiotlb_free_shared(&low_dev, page, 4096));
	CHECK(swiotlb_free(&dev, page, 4096));
}

/* What is freed here may have been allocated in the ordinary way */
TEST(shared_alloc_knows_its_own)
{
	struct page *page, *large;

	boot("");
	large = get(LARGE);
	page = alloc_pages(GFP_KERNEL, 8);
	CHECK(!swiotlb_free_shared(&dev, page, LARGE));
	__free_pages(page, 8);
	put(large, LARGE);
}

/* In a whole granule that several share */
TEST(shared_alloc_of_more_than_the_pool_has)
{
	static const size_t bytes = 300 << 10;
	struct page *pages[4], *more;
	unsigned int i, j;

	boot("");
	for (i = 0; i < 4; i++) {
		pages[i] = get(bytes);
		CHECK(pages[i] && !in_pool(pages[i]));
		memset(page_address(pages[i]), i, bytes);
		for (j = 0; j < i; j++)
			CHECK(pages[i] != pages[j]);
	}
	CHECK_EQ(block_bytes(), SZ_2M);
	CHECK_EQ(number_in("swiotlb/io_tlb_alloc_bytes"), SZ_2M);
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES + SZ_2M);
	more = get(bytes);
	CHECK(more);
	CHECK_EQ(block_bytes(), 2 * SZ_2M);
	memset(page_address(more), 4, bytes);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(*(u8 *)page_address(pages[i]), i);
		CHECK_EQ(*((u8 *)page_address(pages[i]) + bytes - 1), i);
		put(pages[i], bytes);
	}
	put(more, bytes);
	CHECK_EQ(shim_nr_misaligned, 0);
	/* It was no failure that the pool had none */
	CHECK_EQ(nr_fails(), 0);
	CHECK_EQ(fallbacks(), 0);
}

TEST(shared_alloc_of_any_size)
{
	static const size_t sizes[][2] = {
		{ LARGE, SZ_2M }, { SZ_2M, SZ_2M }, { SZ_2M + 1, SZ_4M },
		{ 3 * SZ_1M, SZ_4M }, { SZ_4M, SZ_4M }, { 5 * SZ_1M, 6 * SZ_1M },
		{ 16 * SZ_1M, 16 * SZ_1M }, { 31 * SZ_1M, 32 * SZ_1M },
	};
	unsigned int i;

	boot("");
	/* So that nothing is aligned by luck */
	CHECK(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct page *page = get(sizes[i][0]);

		test_note("%zu bytes", sizes[i][0]);
		CHECK(page);
		CHECK(page_to_phys(page) % SZ_2M == 0);
		CHECK_EQ(block_bytes(), sizes[i][1]);
		memset(page_address(page), 1, sizes[i][0]);
		put(page, sizes[i][0]);
		shim_pass_ms(2 * IDLE_MS);
		CHECK_EQ(block_bytes(), 0);
		CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
	}
	CHECK_EQ(shim_nr_misaligned, 0);
}

/* Drivers that come and go convert nothing */
TEST(shared_alloc_keeps_blocks)
{
	unsigned int i;

	boot("");
	put(get(LARGE), LARGE);
	shim_nr_conversions = 0;
	for (i = 0; i < 50; i++) {
		struct page *pages[3] = { get(LARGE), get(4096), get(300000) };

		CHECK(pages[0] && pages[1] && pages[2]);
		put(pages[2], 300000);
		put(pages[0], LARGE);
		put(pages[1], 4096);
		shim_pass_ms(1000);
	}
	CHECK_EQ(shim_nr_conversions, 0);
	CHECK_EQ(block_bytes(), SZ_2M);

	/* But not for ever */
	shim_pass_ms(IDLE_MS - 2000);
	CHECK_EQ(block_bytes(), SZ_2M);
	shim_pass_ms(IDLE_MS / 2);
	CHECK_EQ(block_bytes(), 0);
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
	CHECK_EQ(shim_nr_conversions, 1);
	CHECK_EQ(shim_nr_timers(), 0);
}

/* One that is in use is not given back, however old */
TEST(shared_alloc_keeps_blocks_in_use)
{
	struct page *page, *other;

	boot("");
	page = get(LARGE);
	other = get(LARGE);
	CHECK_EQ(block_bytes(), SZ_2M);
	put(page, LARGE);
	shim_pass_ms(3 * IDLE_MS);
	shim_shrink();
	shim_settle();
	CHECK_EQ(block_bytes(), SZ_2M);
	put(other, LARGE);
	shim_pass_ms(3 * IDLE_MS);
	CHECK_EQ(block_bytes(), 0);
}

TEST(shared_alloc_gives_back_under_pressure)
{
	struct page *page, *other;

	boot("");
	page = get(SZ_2M);
	other = get(SZ_4M);
	CHECK_EQ(shim_shrink(), 0);
	put(other, SZ_4M);
	CHECK_EQ(shim_shrink(), SZ_4M >> PAGE_SHIFT);
	shim_settle();
	CHECK_EQ(block_bytes(), SZ_2M);
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES + SZ_2M);
	put(page, SZ_2M);
}

/* Who cannot wait is served by what is shared already, or in the ordinary way */
TEST(shared_alloc_for_those_who_cannot_wait)
{
	struct page *small, *large;

	boot("");
	shim_context.in_interrupt = true;
	small = get_for(&dev, 65536, GFP_ATOMIC);
	CHECK(small && in_pool(small));
	CHECK(!get_for(&dev, LARGE, GFP_ATOMIC));
	CHECK_EQ(fallbacks(), 1);
	CHECK_EQ(shim_nr_conversions, 1);
	shim_context.in_interrupt = false;
	CHECK_EQ(number_in("swiotlb/io_tlb_alloc_fallbacks"), 1);

	put(get(LARGE), LARGE);
	shim_context.in_interrupt = true;
	large = get_for(&dev, LARGE, GFP_ATOMIC);
	CHECK(large);
	put(large, LARGE);
	put(small, 65536);
	shim_context.in_interrupt = false;
	CHECK_EQ(fallbacks(), 1);
	CHECK_EQ(used_bytes("dynamic"), 0);
}

/* A pool that is full: there is a block, which also others get small pieces of */
TEST(shared_alloc_when_the_pool_is_full)
{
	static struct page *pages[4096];
	unsigned int nr = 0, i;

	boot("fixed");
	while (nr < ARRAY_SIZE(pages) && block_bytes() <= SZ_2M)
		pages[nr++] = get(16384);
	CHECK_EQ(nr, (POOL_BYTES + SZ_2M) / 16384 + 1);
	CHECK_EQ(fallbacks(), 0);
	CHECK_EQ(nr_fails(), 0);
	for (i = 0; i < nr; i++)
		put(pages[i], 16384);
	CHECK_EQ(used_bytes("fixed"), 0);
	shim_pass_ms(2 * IDLE_MS);
	CHECK_EQ(block_bytes(), 0);
}

TEST(shared_alloc_keeps_to_the_mask)
{
	struct page *small, *large, *any;

	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot("fixed");
	shim_zone_is_empty[SHIM_DMA] = false;
	shim_zone_is_empty[SHIM_DMA32] = false;
	CHECK(default_mem()->start >= SHIM_HIGH_START);

	any = get(LARGE);
	CHECK(page_to_phys(any) >= SHIM_HIGH_START);
	/* Neither the pool nor that block is of use */
	small = get_for(&low_dev, 4096, GFP_KERNEL);
	CHECK(small && page_to_phys(small) < SZ_4G);
	large = get_for(&low_dev, LARGE, GFP_KERNEL);
	CHECK(large && page_to_phys(large) < SZ_4G);
	CHECK_EQ(block_bytes(), 2 * SZ_2M);
	CHECK(swiotlb_free_shared(&low_dev, small, 4096));
	CHECK(swiotlb_free_shared(&low_dev, large, LARGE));

	/* A device behind a bus that reaches less, and one that reaches next to nothing */
	low_dev.coherent_dma_mask = U64_MAX;
	low_dev.bus_dma_limit = SHIM_DMA_END - 1;
	small = get_for(&low_dev, 4096, GFP_KERNEL);
	CHECK(small && page_to_phys(small) < SHIM_DMA_END);
	CHECK(swiotlb_free_shared(&low_dev, small, 4096));
	low_dev.bus_dma_limit = SHIM_DMA_START - 1;
	CHECK(!get_for(&low_dev, 4096, GFP_KERNEL));
	CHECK_EQ(fallbacks(), 1);
	/* Not all of any block: another part of it might be asked for */
	low_dev.bus_dma_limit = SHIM_DMA_START + SZ_1M - 1;
	CHECK(!get_for(&low_dev, 4096, GFP_KERNEL));
	CHECK_EQ(fallbacks(), 2);
	put(any, LARGE);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(nr_fails(), 0);
}

/* A driver that set no mask has been warned, and gets what its bus reaches */
TEST(shared_alloc_without_a_mask)
{
	static const struct {
		size_t size;
		u64 bus_limit;
		bool works;
	} cases[] = {
		{ 4096, 0, true }, { LARGE, 0, true },
		{ 4096, 0xffffffff, true }, { LARGE, 0xffffffff, true },
		{ 4096, SHIM_DMA_START - 1, false }, { LARGE, SHIM_DMA_START - 1, false },
	};
	unsigned int i;

	boot("");
	low_dev.coherent_dma_mask = 0;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct page *page;

		test_note("case %u", i);
		low_dev.bus_dma_limit = cases[i].bus_limit;
		page = get_for(&low_dev, cases[i].size, GFP_KERNEL);
		CHECK_EQ(!!page, cases[i].works);
		if (page)
			CHECK(swiotlb_free_shared(&low_dev, page, cases[i].size));
	}
	CHECK_EQ(fallbacks(), 2);
	CHECK_EQ(nr_fails(), 0);
}

/* The pool begins in reach and ends beyond */
TEST(shared_alloc_keeps_to_the_mask_within_a_pool)
{
	struct page *pages[64];
	unsigned int i;

	boot("fixed");
	low_dev.coherent_dma_mask = default_mem()->start + SZ_1M + 8191;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = get_for(&low_dev, 65536, GFP_KERNEL);
		CHECK(pages[i]);
		CHECK(page_to_phys(pages[i]) + 65536 - 1 <=
		      low_dev.coherent_dma_mask);
	}
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		CHECK(swiotlb_free_shared(&low_dev, pages[i], 65536));
	CHECK_EQ(used_bytes("fixed"), 0);
	CHECK_EQ(nr_fails(), 0);
}

TEST(shared_alloc_without_a_pool)
{
	struct page *page;

	boot("noforce");
	page = get(8192);
	CHECK(page);
	CHECK_EQ(block_bytes(), SZ_2M);
	put(page, 8192);
	CHECK_EQ(nr_fails(), 0);
}

TEST(shared_alloc_from_a_module)
{
	struct page *page;

	boot("");
	toy_register();
	CHECK_EQ(switch_to("toy"), 0);
	page = get(4096);
	CHECK(page && in_pool(page));
	CHECK_EQ(used_bytes("toy"), TOY_SLOT_BYTES);
	put(page, 4096);
	CHECK_EQ(used_bytes("toy"), 0);
}

/* A buffer that is held goes back to the memory that it came from */
TEST(shared_alloc_is_held_while_backends_change)
{
	struct page *small, *large, *other;

	boot("");
	small = get(100000);
	large = get(LARGE);
	memset(page_address(small), 0x5c, 100000);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	other = get(100000);
	CHECK_EQ(used_bytes("fixed"), ALIGN(100000, IO_TLB_SIZE));
	CHECK_EQ(used_bytes("dynamic"), ALIGN(100000, IO_TLB_SIZE));
	CHECK_EQ(*((u8 *)page_address(small) + 99999), 0x5c);
	put(small, 100000);
	put(large, LARGE);
	put(other, 100000);
	let_retire();
	CHECK(!mem_named("dynamic"));
	CHECK_EQ(used_bytes("fixed"), 0);
	CHECK_EQ(shim_nr_misaligned, 0);
}

TEST(shared_alloc_of_a_pinned_device)
{
	struct page *page;

	boot("");
	shim_device_add(&dev, &pci_bus_type, "0000:00:04.0");
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "fixed"), 0);
	page = get(4096);
	CHECK(page);
	CHECK_EQ(used_bytes("fixed"), 4096);
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "default"), 0);
	put(page, 4096);
	let_retire();
	CHECK(!mem_named("fixed"));
}

TEST(shared_alloc_freed_twice)
{
	struct page *page;

	boot("");
	page = get(LARGE);
	put(page, LARGE);
	put(page, LARGE);
	CHECK_EQ(shim_take_warns(), 1);
	CHECK(shim_log_has("that are not in use"));
	/* Nothing is lost by that */
	page = get(SZ_2M);
	CHECK_EQ(block_bytes(), SZ_2M);
	put(page, SZ_2M);
}

/* More than was allocated */
TEST(shared_alloc_freed_beyond_its_end)
{
	struct page *page;

	boot("");
	page = get(LARGE);
	put(page, SZ_2M);
	CHECK_EQ(shim_take_warns(), 1);
	put(page, SZ_4M);
	CHECK_EQ(shim_take_warns(), 1);
	put(page, LARGE);
	page = get(SZ_2M);
	put(page, SZ_4M);
	CHECK_EQ(shim_take_warns(), 1);
	put(page, SZ_2M);
}

TEST(shared_alloc_leaks_what_is_in_doubt)
{
	struct page *page;

	boot("");
	shim_fail_conversion(1);
	CHECK(!get(LARGE));
	CHECK(shim_conversion_failed());
	CHECK_EQ(fallbacks(), 1);
	CHECK_EQ(number_in("swiotlb/io_tlb_leaked_bytes"), SZ_2M);
	CHECK_EQ(shim_doubtful_bytes(), SZ_2M);
	CHECK_EQ(block_bytes(), 0);

	/* So much is not lost at once again; each failure in a row costs more time */
	CHECK(!get(LARGE));
	shim_pass_ms(11 * MSEC_PER_SEC);
	shim_fail_conversion(1);
	CHECK(!get(LARGE));
	CHECK(shim_conversion_failed());
	CHECK_EQ(shim_doubtful_bytes(), 2 * SZ_2M);
	shim_pass_ms(11 * MSEC_PER_SEC);
	CHECK(!get(LARGE));
	shim_pass_ms(11 * MSEC_PER_SEC);
	CHECK_EQ(shim_doubtful_bytes(), 2 * SZ_2M);

	/* Then it gets other memory; and what cannot be made private is lost too */
	page = get(3 * SZ_1M);
	CHECK(page);
	put(page, 3 * SZ_1M);
	shim_fail_conversion(1);
	shim_pass_ms(2 * IDLE_MS);
	CHECK(shim_conversion_failed());
	CHECK_EQ(block_bytes(), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_leaked_bytes"), 2 * SZ_2M + SZ_4M);
	CHECK_EQ(shim_doubtful_bytes(), 2 * SZ_2M + SZ_4M);
}

/* Each allocation that it takes may fail: then there is none, and no trace */
TEST(shared_alloc_without_memory)
{
	unsigned int nth;
	struct page *page;
	long live;

	boot("");
	live = shim_live;
	for (nth = 1; ; nth++) {
		shim_fail_alloc(nth);
		page = get(LARGE);
		if (!shim_alloc_failed())
			break;
		/* Not even others are moved away: that waits for I/O */
		CHECK(!page);
		CHECK_EQ(shim_live, live);
		CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
	}
	CHECK(nth > 2);
	CHECK(page);
	put(page, LARGE);
}
