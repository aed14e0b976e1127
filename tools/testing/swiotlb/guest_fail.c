// SPDX-License-Identifier: GPL-2.0
/*
 * Confidential guests: memory that is not there, and conversions that fail
 */
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* The pool that is in doubt is replaced before any driver needs it */
static void check_made_anew(const char *cmdline)
{
	boot_guest_early(cmdline, GUEST_BYTES);
	CHECK(!is_swiotlb_allocated());
	CHECK_EQ(leaked(), GUEST_BYTES);
	boot_initcalls();
	CHECK(shim_log_has("bounce buffers made anew"));
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	CHECK_EQ(leaked(), GUEST_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), GUEST_BYTES);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_leaked_bytes"), GUEST_BYTES);
	CHECK_EQ(nr_mems(), 1);
	use(&dev, true);
	use(&low_dev, true);
}

TEST(guest_pool_that_cannot_be_shared_is_replaced)
{
	shim_refuse_conversions = 1;
	check_made_anew("");
}

TEST(guest_pool_that_cannot_be_shared_is_replaced_with_fixed)
{
	shim_refuse_conversions = 1;
	check_made_anew("fixed");
}

TEST(guest_pool_that_cannot_be_shared_is_replaced_with_cc)
{
	shim_refuse_conversions = 1;
	check_made_anew("cc");
}

/* The second one cannot be shared either: it is smaller from then on */
TEST(guest_pool_that_cannot_be_shared_twice)
{
	shim_refuse_conversions = 2;
	boot_guest("fixed", GUEST_BYTES);
	CHECK(pool_bytes() < GUEST_BYTES);
	CHECK(pool_bytes() >= GUEST_BYTES / 5);
	CHECK_EQ(leaked(), 2 * GUEST_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), leaked());
	CHECK_EQ(shim_nr_misaligned, 0);
	use(&dev, true);
}

TEST(guest_without_any_conversion)
{
	shim_refuse_conversions = 1000000;
	boot_guest("", GUEST_BYTES);
	CHECK(!is_swiotlb_allocated());
	CHECK_EQ(shim_doubtful_bytes(), leaked());
	/* But no memory is lost without end */
	CHECK(leaked() < 5 * (long)GUEST_BYTES / 2);
	use(&dev, false);
	CHECK_EQ(fails(SWIOTLB_FAIL_NOT_READY), 1);
}

/* There was no memory so early, but there is later on */
TEST(guest_pool_that_cannot_be_made_is_made_later)
{
	unsigned int z;

	for (z = 0; z < SHIM_NR_ZONES; z++)
		shim_zone_is_empty[z] = true;
	boot_guest_early("", GUEST_BYTES);
	CHECK(!is_swiotlb_allocated());
	for (z = 0; z < SHIM_NR_ZONES; z++)
		shim_zone_is_empty[z] = false;
	boot_initcalls();
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	use(&dev, true);
	CHECK_EQ(leaked(), 0);
}

/* Whatever an unconfidential machine could not do, nothing is done later */
TEST(guest_is_who_is_made_later)
{
	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_early("", 0, NULL);
	shim_zone_is_empty[SHIM_DMA32] = false;
	boot_initcalls();
	CHECK(!is_swiotlb_allocated());
}

static struct buffer busy[120];

/* A life: boot, I/O that makes the pool grow, switches, coherent memory, idleness */
static void live(const char *cmdline)
{
	static const char *const backends[] = { "fixed", "dynamic" };
	struct page *small = NULL, *large = NULL;
	unsigned int i, j;

	boot_guest(cmdline, SZ_8M);
	swiotlb_dev_init(&dev);
	for (j = 0; j < 2; j++) {
		for (i = 0; i < ARRAY_SIZE(busy); i++) {
			buffer_init(&busy[i], i, 60000);
			buffer_map(&busy[i], &dev);
			shim_settle();
		}
		small = swiotlb_alloc_shared(&dev, 8192, GFP_KERNEL);
		large = swiotlb_alloc_shared(&dev, SZ_1M, GFP_KERNEL);
		switch_to(backends[j]);
		for (i = 0; i < ARRAY_SIZE(busy); i++) {
			if (busy[i].addr != DMA_MAPPING_ERROR)
				buffer_unmap(&busy[i]);
		}
		if (small)
			CHECK(swiotlb_free_shared(&dev, small, 8192));
		if (large)
			CHECK(swiotlb_free_shared(&dev, large, SZ_1M));
		/* Longer than anything is kept */
		shim_pass_ms(200000);
	}
}

/* The one that fails may be any, at boot or later, of either direction */
TEST(guest_survives_each_failing_conversion)
{
	static const char *const cmdlines[] = { "", "fixed", "cc" };
	unsigned int i, nth, nr[ARRAY_SIZE(cmdlines)] = {};

	for (i = 0; i < ARRAY_SIZE(cmdlines); i++) {
		for (nth = 1; ; nth++) {
			pid_t child = fork();
			int status;

			CHECK(nth < 100);
			if (child) {
				waitpid(child, &status, 0);
				if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
					break;
				test_note("swiotlb=%s, conversion %u", cmdlines[i],
					  nth);
				CHECK_EQ(status, 0);
				continue;
			}
			test_note("swiotlb=%s, conversion %u fails",
				  cmdlines[i], nth);
			shim_fail_conversion(nth);
			live(cmdlines[i]);
			if (!shim_conversion_failed())
				_exit(77);
			CHECK_EQ(leaked(), shim_doubtful_bytes());
			CHECK(leaked() > 0);
			CHECK_EQ(number_in("swiotlb/io_tlb_leaked_bytes"),
				 leaked());
			use(&dev, true);
			CHECK_EQ(shim_nr_misaligned, 0);
			CHECK_EQ(shim_take_warns(), 0);
			_exit(0);
		}
		nr[i] = nth;
	}
	/* The test would be none if there were hardly any */
	CHECK(nr[0] > 8);
	CHECK(nr[1] > 6);
	CHECK(nr[2] > 6);
}

/* All that begins at some point, and for good */
TEST(guest_survives_when_all_conversions_fail)
{
	unsigned int nth;

	for (nth = 1; nth < 12; nth++) {
		test_note("from conversion %u on all fail", nth);
		if (!test_in_child())
			continue;
		shim_work_conversions = nth - 1;
		shim_refuse_conversions = 1000000;
		live("");
		CHECK_EQ(leaked(), shim_doubtful_bytes());
		CHECK(leaked() > 0);
		use(&dev, nth > 1);
		CHECK_EQ(shim_take_warns(), 0);
		_exit(0);
	}
}
