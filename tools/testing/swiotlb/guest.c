// SPDX-License-Identifier: GPL-2.0
/*
 * Confidential guests: how large the pool is and where it lies, and whole granules
 */
#include "guest.h"

int shim_rmem_swiotlb_setup(struct reserved_mem *rmem);

TEST(guest_gets_the_size_it_asks_for)
{
	boot_guest_early("", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	CHECK(default_mem()->start % SZ_2M == 0);
	CHECK(default_mem()->start + pool_bytes() <= SZ_4G);
	CHECK(shim_log_has("size adjusted to 166MB"));
	CHECK(shim_log_has("backend dynamic"));
	CHECK(!shim_log_has("roundup"));
	/* All of it at once */
	CHECK_EQ(shim_nr_conversions, 1);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(shim_shared_bytes(), GUEST_BYTES);
	CHECK_EQ(misses(), 0);
	boot_initcalls();
	use(&dev, true);
	use(&low_dev, true);
	CHECK_EQ(shim_nr_conversions, 1);
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), GUEST_BYTES >> IO_TLB_SHIFT);
	CHECK_EQ(number_in("swiotlb/io_tlb_leaked_bytes"), 0);
	CHECK_EQ(number_in("swiotlb/io_tlb_granule_misses"), 0);
}

TEST(guest_has_whole_granules)
{
	boot_guest_early("", GUEST_BYTES + 1);
	CHECK_EQ(pool_bytes(), GUEST_BYTES + SZ_2M);
}

/* One conversion, of which devices of any reach get some */
TEST(guest_has_cc)
{
	boot_guest_early("cc", GUEST_BYTES);
	CHECK(shim_log_has("backend cc"));
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	CHECK_EQ(shim_nr_conversions, 1);
	CHECK_EQ(shim_shared_bytes(), GUEST_BYTES);
	use(&dev, true);
	use(&low_dev, true);
	boot_initcalls();
	use(&dev, true);
	use(&low_dev, true);
	CHECK_EQ(shim_nr_conversions, 1);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(misses(), 0);
}

/* A crash kernel sees little memory, however much there is now */
TEST(guest_is_no_measure_for_a_crash_kernel)
{
	swiotlb_setup_guest(1UL << 30, "dynamic");
	CHECK_EQ(swiotlb_size_or_default(), IO_TLB_DEFAULT_SIZE);
}

TEST(guest_is_no_measure_for_a_crash_kernel_unless_the_user_is)
{
	char value[] = "16384";

	CHECK_EQ(shim_swiotlb_setup(value), 0);
	swiotlb_setup_guest(1UL << 30, "dynamic");
	CHECK_EQ(swiotlb_size_or_default(), 32UL << 20);
}

TEST(guest_user_chooses_the_size)
{
	boot_guest("16384", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), 32UL << 20);
	CHECK_EQ(swiotlb_size_or_default(), 32UL << 20);
	CHECK(shim_log_has("backend dynamic"));
	use(&dev, true);
}

/* Rounded for no areas */
TEST(guest_user_chooses_an_odd_size)
{
	boot_guest("20480,8", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), 40UL << 20);
	CHECK_EQ(swiotlb_size_or_default(), 40UL << 20);
	use(&dev, true);
}

/* And gets whole granules of it */
TEST(guest_user_chooses_a_small_size)
{
	boot_guest("512,1", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), SZ_2M);
	CHECK_EQ(shim_nr_misaligned, 0);
}

TEST(guest_user_chooses_the_backend)
{
	boot_guest("fixed,,8", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	CHECK(shim_log_has("area num 8."));
	CHECK(!strcmp(default_mem()->ops->name, "fixed"));
	use(&dev, true);
	use(&low_dev, true);
}

TEST(guest_user_chooses_none)
{
	boot_guest("noforce", GUEST_BYTES);
	CHECK(!is_swiotlb_allocated());
	CHECK_EQ(shim_nr_conversions, 0);
}

TEST(guest_without_such_a_backend_has_the_default)
{
	shim_cc = true;
	swiotlb_setup_guest(SZ_64M, "no such");
	shim_slab = false;
	swiotlb_init(true, SWIOTLB_FORCE);
	CHECK(shim_log_has("backend fixed"));
}

/* High memory is better than less memory, and 32-bit devices have their own */
TEST(guest_goes_high_if_it_must)
{
	struct buffer buffer;

	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_guest_early("", GUEST_BYTES);
	shim_zone_is_empty[SHIM_DMA] = false;
	shim_zone_is_empty[SHIM_DMA32] = false;
	boot_initcalls();
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	use(&dev, true);
	/* What is there for them stays, however long nobody needs it */
	use(&low_dev, true);
	shim_pass_ms(60000);
	use(&low_dev, true);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(pool_bytes(), GUEST_BYTES + SZ_4M);

	/* Not so where a pool is low anyway */
	swiotlb_dev_init(&dev);
	buffer_init(&buffer, 1, 100);
	CHECK(buffer_map(&buffer, &dev));
	buffer_unmap(&buffer);
}

/* Pools that were grown go when they are idle, but for the last that is low */
TEST(guest_keeps_low_memory_when_it_shrinks)
{
	static struct buffer many[200];
	unsigned int i, nr_mapped = 0;
	size_t first;

	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_guest_early("2048", GUEST_BYTES);
	shim_zone_is_empty[SHIM_DMA] = false;
	shim_zone_is_empty[SHIM_DMA32] = false;
	boot_initcalls();
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	first = pool_bytes();
	CHECK_EQ(first, SZ_4M + SZ_4M);

	swiotlb_dev_init(&dev);
	swiotlb_dev_init(&low_dev);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		buffer_init(&many[i], i, 60000);
		nr_mapped += buffer_map(&many[i], i % 2 ? &low_dev : &dev);
		shim_settle();
	}
	CHECK(nr_mapped > ARRAY_SIZE(many) * 3 / 4);
	CHECK(pool_bytes() >= first + SZ_4M);
	CHECK(shim_zone_bytes(SHIM_DMA32) > SZ_4M);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		if (many[i].addr != DMA_MAPPING_ERROR)
			buffer_unmap(&many[i]);
	}
	shim_pass_ms(200000);
	CHECK_EQ(pool_bytes(), first);
	CHECK_EQ(shim_zone_bytes(SHIM_DMA32), SZ_4M);
	use(&low_dev, true);
}

/* As much when it is made by a switch */
TEST(guest_switches_to_high_memory)
{
	boot_guest("fixed", GUEST_BYTES);
	/* What is left there is too little */
	CHECK(alloc_contig_pages((256UL << 20) >> PAGE_SHIFT, GFP_KERNEL |
				 GFP_DMA32, 0, NULL));
	CHECK_EQ(switch_to("dynamic"), 0);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	CHECK_EQ(pool_bytes(), GUEST_BYTES + SZ_4M);
	use(&low_dev, true);
	CHECK_EQ(shim_nr_misaligned, 0);
}

/* The cap leaves room for less than a granule: there is none */
TEST(guest_keeps_to_the_cap)
{
	static struct buffer many[60];
	unsigned int i;

	CHECK_EQ(shim_param_set("dynamic_max_mib", "5"), 0);
	boot_guest("1024", GUEST_BYTES);
	swiotlb_dev_init(&dev);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		buffer_init(&many[i], i, 60000);
		buffer_map(&many[i], &dev);
		shim_settle();
	}
	CHECK_EQ(pool_bytes(), SZ_4M);
}

TEST(guest_goes_high_with_fixed)
{
	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_guest("fixed", GUEST_BYTES);
	/* A quarter: there could have been less of low memory, which is better */
	CHECK_EQ(pool_bytes(), 42UL << 20);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	use(&dev, true);
	use(&low_dev, false);
	CHECK_EQ(fails(SWIOTLB_FAIL_REACH), 1);
	/* As at boot */
	CHECK_EQ(switch_to("dynamic"), 0);
	CHECK_EQ(pool_bytes(), 42UL << 20);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	CHECK_EQ(shim_nr_misaligned, 0);
}

/* Where the pool that is switched to is as large as that */
TEST(guest_switches_to_high_memory_with_fixed)
{
	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_guest("", GUEST_BYTES);
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK_EQ(pool_bytes(), 42UL << 20);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
}

static int remap_nothing(void *tlb, unsigned long nslabs)
{
	return 0;
}

/* A platform that remaps the pool wants it low, whatever it takes */
TEST(guest_stays_low_where_memory_is_remapped)
{
	shim_cc = true;
	shim_slab = false;
	swiotlb_setup_guest(GUEST_BYTES, "dynamic");
	shim_zone_is_empty[SHIM_DMA32] = true;
	swiotlb_init_remap(true, SWIOTLB_FORCE, remap_nothing);
	CHECK(default_mem()->end <= SHIM_DMA_END);
}

TEST(guest_goes_high_with_cc)
{
	struct buffer buffer;

	shim_zone_is_empty[SHIM_DMA] = true;
	shim_zone_is_empty[SHIM_DMA32] = true;
	boot_guest("cc", GUEST_BYTES);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	use(&dev, true);
	/* There is no low memory so early, and kccd makes some when it is asked once there is */
	use(&low_dev, false);
	shim_settle();
	shim_zone_is_empty[SHIM_DMA] = false;
	shim_zone_is_empty[SHIM_DMA32] = false;
	shim_pass_ms(60000);
	buffer_init(&buffer, 0, 5000);
	if (buffer_map(&buffer, &low_dev))
		buffer_unmap(&buffer);
	shim_settle();
	use(&low_dev, true);
	CHECK_EQ(shim_nr_misaligned, 0);
}

TEST(guest_settles_for_less)
{
	shim_max_block = (100UL << 20) >> PAGE_SHIFT;
	boot_guest_early("", GUEST_BYTES);
	/* Half of it would be 83 MiB */
	CHECK_EQ(pool_bytes(), 84UL << 20);
	CHECK(default_mem()->start + pool_bytes() <= SZ_4G);
	CHECK_EQ(misses(), 0);
}

/* The page allocator has no block that is large enough, as long as it moves nothing */
static bool are_moved(size_t bytes, gfp_t gfp)
{
	void *pages;

	shim_fail_alloc(1);
	pages = swiotlb_pages_get(bytes, gfp, NUMA_NO_NODE);
	CHECK(shim_alloc_failed());
	if (pages)
		swiotlb_pages_put(pages, bytes);
	return pages;
}

/* For a granule it is worth the work, unless who asks may not wait, or takes less */
TEST(guest_moves_pages_for_a_granule)
{
	unsigned int noio;

	shim_cc = true;
	shim_granule = SZ_2M;
	CHECK(are_moved(SZ_2M, GFP_KERNEL));
	CHECK(are_moved(SZ_4M, GFP_KERNEL));
	CHECK(!are_moved(SZ_1M, GFP_KERNEL));
	CHECK(!are_moved(SZ_2M, GFP_NOWAIT));
	CHECK(!are_moved(SZ_2M, GFP_NOIO));
	CHECK(!are_moved(SZ_2M, GFP_KERNEL | __GFP_NORETRY));
	CHECK(!are_moved(SZ_2M, GFP_KERNEL | __GFP_RETRY_MAYFAIL));
	noio = memalloc_noio_save();
	CHECK(!are_moved(SZ_2M, GFP_KERNEL));
	memalloc_noio_restore(noio);
	/* Where any page may be shared there are no granules */
	shim_granule = PAGE_SIZE;
	CHECK(!are_moved(SZ_2M, GFP_KERNEL));
	CHECK_EQ(shim_page_bytes(), 0);
}

/* A part of a granule is better than nothing */
TEST(guest_without_a_whole_granule)
{
	shim_max_block = SZ_1M >> PAGE_SHIFT;
	boot_guest("", GUEST_BYTES);
	CHECK_EQ(pool_bytes(), SZ_1M);
	CHECK_EQ(number_in("swiotlb/io_tlb_granule_misses"), 1);
	CHECK(shim_log_has("no whole block of 2097152 bytes to be had, taking 1048576"));
	CHECK_EQ(shim_nr_misaligned, 1);
	use(&dev, true);
}

/* Pools that are made later: by a switch, by growth */
TEST(guest_has_whole_granules_for_good)
{
	static struct buffer many[600];
	unsigned int i;

	boot_guest("1024", GUEST_BYTES);
	swiotlb_dev_init(&dev);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		buffer_init(&many[i], i, 60000);
		CHECK(buffer_map(&many[i], &dev));
		shim_settle();
	}
	CHECK(pool_bytes() > 30 * SZ_1M);
	CHECK_EQ(switch_to("fixed"), 0);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		buffer_unmap(&many[i]);
	let_retire();
	CHECK(!mem_named("dynamic"));
	CHECK_EQ(pool_bytes(), SZ_2M);
	CHECK_EQ(shim_shared_bytes(), SZ_2M);
	CHECK_EQ(shim_nr_misaligned, 0);
	CHECK_EQ(misses(), 0);
	CHECK_EQ(leaked(), 0);
}

/* No power of two, and more than any block: moved away, cut to size */
TEST(guest_switches_to_an_odd_size)
{
	size_t bytes;

	boot_guest("fixed", GUEST_BYTES);
	/* The next free page is not that of a granule */
	CHECK(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL | GFP_DMA32));
	bytes = shim_page_bytes();
	CHECK_EQ(switch_to("dynamic"), 0);
	CHECK_EQ(pool_bytes(), GUEST_BYTES);
	CHECK(default_mem()->start % SZ_2M == 0);
	CHECK_EQ(shim_nr_misaligned, 0);
	let_retire();
	CHECK_EQ(shim_shared_bytes(), GUEST_BYTES);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(shim_shared_bytes(), GUEST_BYTES);
	/* The first pool is made of pages now, so there is no less than before */
	CHECK(shim_page_bytes() <= bytes);
	/* And once more, of which nothing stays: what was cut off is given back */
	bytes = shim_page_bytes();
	CHECK_EQ(switch_to("dynamic"), 0);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(shim_page_bytes(), bytes);
	CHECK_EQ(misses(), 0);
}

/* Growth, where no two MiB are left together */
TEST(guest_grows_by_less_than_a_granule)
{
	static struct buffer many[60];
	unsigned int i;

	boot_guest("1024", GUEST_BYTES);
	swiotlb_dev_init(&dev);
	shim_max_block = SZ_1M >> PAGE_SHIFT;
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		buffer_init(&many[i], i, 60000);
		CHECK(buffer_map(&many[i], &dev));
		shim_settle();
	}
	CHECK(misses() > 1);
	CHECK_EQ(pool_bytes(), SZ_2M + misses() * SZ_1M);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		buffer_unmap(&many[i]);
}

static struct reserved_mem rmem = {
	.name = "pool@6000000",
	.base = 0x6000000,
	.size = SZ_2M,
};

TEST(guest_refuses_reserved_memory_of_mixed_blocks)
{
	boot_guest("1024", GUEST_BYTES);
	CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), 0);
	rmem.base += SZ_1M;
	swiotlb_dev_init(&dev);
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), -EINVAL);
	CHECK(shim_log_has("not made of whole blocks of 2097152"));
	CHECK_EQ(shim_shared_bytes(), SZ_2M);
	rmem.base -= SZ_1M;
	rmem.priv = NULL;
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	CHECK(is_swiotlb_for_alloc(&dev));
	CHECK_EQ(shim_nr_misaligned, 0);
}
