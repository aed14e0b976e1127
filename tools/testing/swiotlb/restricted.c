// SPDX-License-Identifier: GPL-2.0
/*
 * Restricted pools: devices that have nothing else, and that nobody else has
 */
#include "toy.h"

int shim_rmem_swiotlb_setup(struct reserved_mem *rmem);

#define BASE		0x6000000UL
#define BYTES		SZ_1M

TEST_DEVICE(dev);
TEST_DEVICE(twin);
TEST_DEVICE(other);

static struct reserved_mem rmem = {
	.name = "pool@6000000",
	.base = BASE,
	.size = BYTES,
};
static struct buffer a, b, c;

static void set_up(void)
{
	boot_with("2048,2");
	toy_register();
	swiotlb_dev_init(&dev);
	swiotlb_dev_init(&twin);
	swiotlb_dev_init(&other);
	shim_device_add(&dev, &platform_bus_type, "6000000.dma");
	CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), 0);
	buffer_init(&a, 0, 5000);
	buffer_init(&b, 1, 5000);
	buffer_init(&c, 2, 5000);
}

static bool is_inside(const struct buffer *buffer)
{
	phys_addr_t tlb_addr = buffer->addr - buffer->dev->dma_offset;

	return tlb_addr >= BASE && tlb_addr < BASE + BYTES;
}

TEST(restricted_devices_share_a_pool)
{
	struct page *page;

	set_up();
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	CHECK_EQ(rmem.ops->device_init(&rmem, &twin), 0);
	CHECK(is_swiotlb_force_bounce(&dev));
	CHECK(is_swiotlb_for_alloc(&dev));
	CHECK(is_swiotlb_active(&dev));
	CHECK(buffer_map(&a, &dev));
	CHECK(buffer_map(&b, &twin));
	CHECK(buffer_map(&c, &other));
	CHECK(is_inside(&a));
	CHECK(is_inside(&b));
	CHECK(!is_inside(&c));

	/* Nobody finds what is not his */
	CHECK(!swiotlb_find_pool(&other, a.addr - dev.dma_offset));
	CHECK(!swiotlb_find_pool(&dev, c.addr - dev.dma_offset));
	CHECK(swiotlb_find_pool(&twin, a.addr - dev.dma_offset));

	page = swiotlb_alloc(&dev, 8192);
	CHECK(page && page_to_phys(page) >= BASE &&
	      page_to_phys(page) < BASE + BYTES);
	CHECK(!swiotlb_free(&other, page, 8192));
	CHECK(swiotlb_free(&dev, page, 8192));
	buffer_unmap(&a);
	buffer_unmap(&b);
	buffer_unmap(&c);
	CHECK_EQ(nr_mems(), 1);
}

TEST(restricted_pool_has_numbers_of_its_own)
{
	set_up();
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	CHECK(buffer_map(&a, &dev));
	CHECK_EQ(number_in("swiotlb/pool@6000000/io_tlb_nslabs"), 512);
	CHECK_EQ(number_in("swiotlb/pool@6000000/io_tlb_used"), 3);
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), 2048);
	CHECK_EQ(number_in("swiotlb/io_tlb_used"), 0);
	CHECK(strstr(shim_debugfs_read("swiotlb/pool@6000000/state"),
		     "backend fixed active\n"));
	CHECK_EQ(swiotlb_map(&dev, 0x2000000, 1 << 20, DMA_TO_DEVICE, 0),
		 DMA_MAPPING_ERROR);
	CHECK(strstr(shim_debugfs_read("swiotlb/pool@6000000/failures"),
		     "too_large 1\n"));
	CHECK(strstr(shim_debugfs_read("swiotlb/failures"), "too_large 0\n"));
	buffer_unmap(&a);
}

TEST(restricted_devices_are_never_switched)
{
	set_up();
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	CHECK(buffer_map(&a, &dev));
	check_backends_of(&dev, "[restricted]");
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "toy"), -EPERM);
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "fixed"), -EPERM);
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "default"), -EPERM);
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&b, &dev));
	CHECK(is_inside(&b));
	let_retire();
	buffer_to_cpu(&a);
	buffer_unmap(&a);
	buffer_unmap(&b);
	let_retire();
	CHECK(buffer_map(&a, &dev));
	CHECK(is_inside(&a));
	/* What it was promised is no business of others */
	CHECK(swiotlb_max_mapping_size(&dev) > TOY_SLOT_BYTES);
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK_EQ(switch_to("toy"), 0);
	buffer_unmap(&a);
}

TEST(restricted_device_was_pinned)
{
	set_up();
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "toy"), 0);
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	let_retire();
	CHECK(!mem_named("toy"));
	CHECK(buffer_map(&a, &dev));
	CHECK(is_inside(&a));
	buffer_unmap(&a);

	/* Its driver goes, and it is as others are */
	rmem.ops->device_release(&rmem, &dev);
	check_backends_of(&dev, "[default] fixed dynamic cc toy");
	CHECK(!is_swiotlb_force_bounce(&dev));
	CHECK(buffer_map(&a, &dev));
	CHECK(!is_inside(&a));
	buffer_unmap(&a);
	CHECK_EQ(shim_device_write(&dev, "swiotlb_backend", "toy"), 0);
	/* And goes itself, restricted again */
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	shim_device_del(&dev);
	let_retire();
	CHECK_EQ(module_refcount(&toy_module), 0);
}

/* No second try: its memory may be in doubt. And nobody bounces elsewhere */
TEST(restricted_pool_that_cannot_be_shared)
{
	set_up();
	shim_refuse_conversions = 1;
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), -EIO);
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), -EIO);
	CHECK_EQ(rmem.ops->device_init(&rmem, &twin), -EIO);
	CHECK_EQ(shim_doubtful_bytes(), BYTES);
	CHECK_EQ(nr_mems(), 1);
}

TEST(restricted_pool_without_memory)
{
	unsigned int nth;
	int err;

	set_up();
	for (nth = 1; ; nth++) {
		rmem.priv = NULL;
		shim_fail_alloc(nth);
		err = rmem.ops->device_init(&rmem, &dev);
		if (!shim_alloc_failed())
			break;
		CHECK_EQ(err, -ENOMEM);
		/* Only the default pool is shared */
		CHECK_EQ(shim_shared_bytes(), 4 << 20);
		CHECK(!is_swiotlb_for_alloc(&dev));
	}
	CHECK_EQ(err, 0);
	CHECK(nth >= 4);
}

TEST(restricted_pool_must_be_suitable)
{
	static const char *const unsuitable[] = {
		"no-map", "reusable", "linux,cma-default", "linux,dma-default",
	};
	unsigned int i;

	boot_with("2048,2");
	for (i = 0; i < ARRAY_SIZE(unsuitable); i++) {
		shim_dt_prop = unsuitable[i];
		CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), -EINVAL);
		CHECK(!rmem.ops);
	}
	shim_dt_prop = "reg";
	CHECK_EQ(shim_rmem_swiotlb_setup(&rmem), 0);
	shim_highmem_start = BASE;
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), -EINVAL);
	CHECK(!rmem.priv);
}

/* Whole pages are used; of what has none, no pool is made */
TEST(restricted_pool_has_whole_pages)
{
	struct reserved_mem none = rmem, tiny = rmem, odd = rmem;

	boot_with("2048,2");
	swiotlb_dev_init(&dev);
	none.base = BASE + IO_TLB_SIZE;
	none.size = PAGE_SIZE;
	CHECK_EQ(shim_rmem_swiotlb_setup(&none), 0);
	CHECK_EQ(none.ops->device_init(&none, &dev), -EINVAL);
	tiny.base = BASE + IO_TLB_SIZE;
	tiny.size = IO_TLB_SIZE / 2;
	CHECK_EQ(shim_rmem_swiotlb_setup(&tiny), 0);
	CHECK_EQ(tiny.ops->device_init(&tiny, &dev), -EINVAL);
	/* Nor is there another try */
	tiny.size = BYTES;
	CHECK_EQ(tiny.ops->device_init(&tiny, &dev), -EINVAL);
	odd.base = BASE + IO_TLB_SIZE;
	CHECK_EQ(shim_rmem_swiotlb_setup(&odd), 0);
	CHECK_EQ(odd.ops->device_init(&odd, &dev), 0);
	CHECK(!swiotlb_find_pool(&dev, BASE + IO_TLB_SIZE));
	CHECK(swiotlb_find_pool(&dev, BASE + PAGE_SIZE));
	CHECK(swiotlb_find_pool(&dev, BASE + BYTES - 1));
	CHECK(!swiotlb_find_pool(&dev, BASE + BYTES));
}

/* More than there is in it at all */
TEST(restricted_pool_is_smaller_than_a_mapping)
{
	struct reserved_mem tiny = rmem;

	boot_with("2048,2");
	swiotlb_dev_init(&dev);
	tiny.size = SZ_64K;
	CHECK_EQ(shim_rmem_swiotlb_setup(&tiny), 0);
	CHECK_EQ(tiny.ops->device_init(&tiny, &dev), 0);
	CHECK_EQ(swiotlb_map(&dev, 0x2000000, SZ_64K + 1, DMA_TO_DEVICE, 0),
		 DMA_MAPPING_ERROR);
	CHECK(strstr(shim_debugfs_read("swiotlb/pool@6000000/failures"),
		     "fragmented 0\nexhausted 1\n"));
}

/* Half of the pool is out of reach of what is coherent, and there is nothing else */
TEST(restricted_pool_half_in_reach)
{
	struct page *page;
	unsigned int nr;

	set_up();
	CHECK_EQ(rmem.ops->device_init(&rmem, &dev), 0);
	dev.coherent_dma_mask = dev.dma_offset + BASE + BYTES / 2 - 1;
	for (nr = 0; (page = swiotlb_alloc(&dev, SZ_64K)); nr++)
		CHECK(page_to_phys(page) + SZ_64K <= BASE + BYTES / 2);
	CHECK(nr);
	CHECK(strstr(shim_debugfs_read("swiotlb/pool@6000000/failures"),
		     "out_of_reach 1\n"));
	CHECK_EQ(number_in("swiotlb/pool@6000000/io_tlb_used"),
		 nr * SZ_64K >> IO_TLB_SHIFT);
}
