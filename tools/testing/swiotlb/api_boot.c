// SPDX-License-Identifier: GPL-2.0
/*
 * The whole of it, as architectures see it: boot in all its ways, late set-up, and
 * the end of it
 */
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"

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
		if (!test_in_child())
			continue;
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

/* No power of two that a size can have is as large as that */
TEST(api_adjusts_size_down_to_a_power_of_two)
{
	char value[] = ",4";

	CHECK_EQ(shim_swiotlb_setup(value), 0);
	swiotlb_adjust_size(BIT(63) + BIT(62));
	CHECK_EQ(swiotlb_size_or_default(), BIT(63));
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

/* Devices that reach all memory need no pool, but a user may want one */
TEST(api_boots_without_unless_somebody_needs_it)
{
	static const struct {
		const char *cmdline;
		bool addressing_limited, has_pool;
	} cases[] = {
		{ "", false, false },
		{ "", true, true },
		{ "force", false, true },
		{ "noforce", false, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char value[16];

		if (!test_in_child())
			continue;
		test_note("swiotlb=\"%s\", limited %d", cases[i].cmdline,
			  cases[i].addressing_limited);
		strscpy(value, cases[i].cmdline, sizeof(value));
		shim_slab = false;
		CHECK_EQ(shim_swiotlb_setup(value), 0);
		swiotlb_init(cases[i].addressing_limited, 0);
		CHECK_EQ(is_swiotlb_allocated(), cases[i].has_pool);
		/* And count what was reached */
		exit(0);
	}
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
		dma_addr_t addr;

		if (!test_in_child())
			continue;
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
