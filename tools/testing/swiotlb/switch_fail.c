// SPDX-License-Identifier: GPL-2.0
/*
 * Switching that fails: whatever the reason, all is as it was before, and nothing
 * is lost but what cannot be converted
 */
#include "toy.h"

#define POOL_BYTES	(4UL << 20)

TEST_DEVICE(dev);

static struct buffer mapped, probe;

/* One buffer is mapped all the time */
static void set_up(const char *cmdline)
{
	boot_with(cmdline);
	swiotlb_dev_init(&dev);
	toy_register();
	buffer_init(&mapped, 0, 5000);
	buffer_init(&probe, 1, 20000);
	if (is_swiotlb_active(&dev))
		CHECK(buffer_map(&mapped, &dev));
}

/* New mappings still go to @backend, and the old one is well */
static void check_nothing_changed(const char *backend)
{
	CHECK(!strcmp(default_mem()->ops->name, backend));
	CHECK(buffer_map(&probe, &dev));
	CHECK(!strcmp(buffer_pool(&probe)->ops->name, backend));
	buffer_to_cpu(&mapped);
	buffer_unmap(&probe);
	CHECK_EQ(shim_nr_switches, 0);
	CHECK_EQ(nr_mems(), 1);
	CHECK_EQ(shim_nr_timers(), 0);
	CHECK_EQ(module_refcount(&toy_module), 0);
}

TEST(switch_to_what_is_unknown)
{
	static const char *const names[] = {
		"", "nope", "toys", "to", " toy", "toy toy", "[toy]", "Toy",
		"default", "force", "fixed dynamic", "fixed,",
		"a name that is much longer than any name of a backend could be",
	};
	unsigned int i;

	set_up("2048,2");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		test_note("\"%s\"", names[i]);
		CHECK_EQ(switch_to(names[i]), -EINVAL);
	}
	check_nothing_changed("fixed");
}

TEST(switch_is_not_for_those_who_want_no_memory)
{
	set_up("noforce");
	CHECK_EQ(switch_to("fixed"), -EPERM);
	CHECK_EQ(switch_to("dynamic"), -EPERM);
	CHECK_EQ(switch_to("toy"), -EPERM);
	CHECK_EQ(switch_to("nope"), -EINVAL);
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(nr_mems(), 0);
	CHECK_EQ(shim_page_bytes(), 0);
	check_backends("fixed dynamic cc toy");
}

static int remap(void *tlb, unsigned long nslabs)
{
	return 0;
}

TEST(switch_is_not_for_platforms_that_remap)
{
	boot_early("2048,2", 0, remap);
	boot_initcalls();
	toy_register();
	swiotlb_dev_init(&dev);
	buffer_init(&mapped, 0, 5000);
	buffer_init(&probe, 1, 20000);
	CHECK(buffer_map(&mapped, &dev));
	CHECK_EQ(switch_to("toy"), -EOPNOTSUPP);
	CHECK_EQ(switch_to("dynamic"), -EOPNOTSUPP);
	/* It is that already, so there is nothing to be refused */
	CHECK_EQ(switch_to("fixed"), 0);
	check_nothing_changed("fixed");
}

TEST(switch_fails_as_the_backend_does)
{
	static const int errs[] = { -ENOMEM, -EIO, -EBUSY, -EINVAL };
	unsigned int i;

	set_up("2048,2");
	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		toy_wish.init_err = errs[i];
		shim_clear_log();
		CHECK_EQ(switch_to("toy"), errs[i]);
		CHECK(strstr(shim_log, "backend toy could not set up"));
		check_nothing_changed("fixed");
	}
	toy_wish.init_err = 0;
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(module_refcount(&toy_module), 1);
}

/*
 * Each allocation fails in turn: either less memory will do, or it is as if nobody
 * had ever tried. Tables of lookup.c stay, they are used the next time.
 */
static void fail_each_allocation(const char *to)
{
	size_t bytes = shim_page_bytes();
	unsigned int nth, nr_failed = 0;
	int err;

	for (nth = 1; ; nth++) {
		test_note("%s, allocation %u fails", to, nth);
		shim_fail_alloc(nth);
		err = switch_to(to);
		if (!shim_alloc_failed())
			break;
		if (err) {
			CHECK_EQ(err, -ENOMEM);
			nr_failed++;
		} else {
			CHECK(!strcmp(default_mem()->ops->name, to));
			CHECK_EQ(switch_to("fixed"), 0);
		}
		let_retire();
		CHECK(!strcmp(default_mem()->ops->name, "fixed"));
		CHECK_EQ(nr_mems(), 1);
		CHECK_EQ(shim_nr_timers(), 0);
		CHECK_EQ(module_refcount(&toy_module), 0);
		CHECK(shim_page_bytes() <= bytes + 4 * PAGE_SIZE);
		CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
		buffer_to_device(&mapped);
	}
	CHECK_EQ(err, 0);
	CHECK(nr_failed >= 2);
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), 0);
}

TEST(switch_without_memory_to_a_module)
{
	set_up("2048,2");
	fail_each_allocation("toy");
}

TEST(switch_without_memory_to_dynamic)
{
	set_up("2048,2");
	fail_each_allocation("dynamic");
}

/* There are pages, but no large blocks: less will do, down to 1 MiB */
TEST(switch_settles_for_less)
{
	set_up("2048,2");
	shim_max_block = (1 << 20) >> PAGE_SHIFT;
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(default_mem()->nslabs, (1 << 20) >> IO_TLB_SHIFT);
	CHECK(strstr(shim_log, "backend toy, 512 slabs"));
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();

	shim_max_block /= 2;
	CHECK_EQ(switch_to("toy"), -ENOMEM);
	shim_max_block = 0;
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(default_mem()->nslabs, POOL_BYTES >> IO_TLB_SHIFT);
}

/* As large as was asked for at boot, though the page allocator has no such block */
TEST(switch_to_a_large_pool)
{
	set_up("32768,2");
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(default_mem()->nslabs, 32768);
	buffer_unmap(&mapped);
	let_retire();
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK_EQ(default_mem()->nslabs, 32768);
	let_retire();
	CHECK_EQ(shim_shared_bytes(), 64UL << 20);
}

/*
 * Nothing of what was in the memory before is in it when it is used; nor is it
 * when it is shown to the host, which the conversion itself looks for
 */
static void check_is_blank(const char *cmdline, bool cc)
{
	static const u8 blank[SHIM_OLD_BYTES];
	phys_addr_t paddr;
	struct page *dirty;

	shim_cc = cc;
	set_up(cmdline);
	/* So that it cannot be known that it is zero */
	dirty = alloc_contig_pages(SZ_64M >> PAGE_SHIFT, GFP_DMA32, 0, NULL);
	free_contig_range(page_to_pfn(dirty), SZ_64M >> PAGE_SHIFT);
	CHECK_EQ(switch_to("toy"), 0);
	for (paddr = default_mem()->start; paddr < default_mem()->end;
	     paddr += PAGE_SIZE)
		CHECK(!memcmp(shim_ram(paddr), blank, sizeof(blank)));
	buffer_unmap(&mapped);
}

TEST(switch_to_a_pool_without_old_data)
{
	check_is_blank("2048,2", false);
}

TEST(switch_to_a_large_pool_without_old_data)
{
	check_is_blank("16384,2", false);
}

TEST(switch_to_a_pool_without_scrambled_data)
{
	check_is_blank("2048,2", true);
}

/* Low memory was wanted at boot, and so it is later, if it can be had */
TEST(switch_stays_below_4_gib)
{
	set_up("2048,2");
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem()->end <= 1UL << 32);
	CHECK_EQ(switch_to("fixed"), 0);
	buffer_unmap(&mapped);
	CHECK_EQ(switch_to("toy"), 0);
	let_retire();
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK(default_mem()->end <= 1UL << 32);
}

TEST(switch_goes_high_where_that_will_do)
{
	boot_early("2048,2", SWIOTLB_ANY, NULL);
	boot_initcalls();
	toy_register();
	CHECK(default_mem()->start >= 1UL << 32);
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem()->start >= 1UL << 32);
}

/* Who made memory late said where it should be */
TEST(switch_stays_in_the_zone_of_late_memory)
{
	boot_initcalls();
	toy_register();
	CHECK_EQ(swiotlb_init_late(SZ_1M, GFP_KERNEL | GFP_DMA, NULL), 0);
	CHECK(default_mem()->end <= SHIM_DMA_END);
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem()->end <= SHIM_DMA_END);
}

TEST(switch_goes_where_late_memory_was)
{
	boot_initcalls();
	toy_register();
	CHECK_EQ(swiotlb_init_late(SZ_1M, GFP_KERNEL, NULL), 0);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem()->start >= SHIM_HIGH_START);
}

TEST(switch_leaks_what_cannot_be_shared)
{
	size_t bytes;

	set_up("2048,2");
	bytes = shim_page_bytes();
	shim_refuse_conversions = 1;
	CHECK_EQ(switch_to("toy"), -EIO);
	check_nothing_changed("fixed");
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), POOL_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), POOL_BYTES);
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
	CHECK_EQ(shim_page_bytes(), bytes + POOL_BYTES);

	/* The next attempt gets other memory */
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&probe, &dev));
	buffer_unmap(&probe);
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), POOL_BYTES);
}

/* What the host can still read must not be used for anything else, ever */
TEST(switch_leaks_what_cannot_be_made_private)
{
	size_t bytes;

	set_up("2048,2");
	CHECK_EQ(switch_to("toy"), 0);
	bytes = shim_page_bytes();
	/* This is revived, so that nothing is converted but what retires */
	shim_refuse_conversions = 1;
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK(!mem_named("toy"));
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), POOL_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), POOL_BYTES);
	CHECK_EQ(shim_page_bytes(), bytes);
	CHECK(shim_log_has("leaking them"));

	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&probe, &dev));
	buffer_unmap(&probe);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), POOL_BYTES);
	buffer_unmap(&mapped);
}

/* Drivers were told what they may map, and they will not ask again */
TEST(switch_keeps_promises)
{
	size_t promised;

	set_up("2048,2");
	/* Nobody was told anything yet */
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();

	dev.min_align_mask = 0xfff;
	promised = swiotlb_max_mapping_size(&dev);
	CHECK_EQ(promised, (256 << 10) - 4096);
	shim_clear_log();
	CHECK_EQ(switch_to("toy"), -ERANGE);
	CHECK(strstr(shim_log, "were promised 258048"));
	shim_settle();
	shim_nr_switches = 0;
	check_nothing_changed("fixed");

	/* Most of what was promised to anybody counts, not the last */
	dev.min_align_mask = 0x1ffff;
	CHECK(swiotlb_max_mapping_size(&dev) < promised);
	dev.min_align_mask = 0;
	toy_wish.max_mapping = promised - 1;
	CHECK_EQ(switch_to("toy"), -ERANGE);
	toy_wish.max_mapping = promised;
	CHECK_EQ(switch_to("toy"), 0);

	/* Who is there already is asked for nothing, even if he changed his mind */
	toy_wish.max_mapping = 1;
	CHECK_EQ(switch_to("toy"), 0);
	check_backends("fixed dynamic cc [toy]");
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK_EQ(switch_to("toy"), -ERANGE);
	let_retire();
	CHECK(!mem_named("toy"));
	CHECK_EQ(module_refcount(&toy_module), 0);
}

/* A promise is one however it came about: made while there was no memory at all */
TEST(switch_keeps_early_promises)
{
	boot_early("2048,2", 0, NULL);
	swiotlb_dev_init(&dev);
	swiotlb_exit();
	boot_initcalls();
	shim_settle();
	toy_register();
	CHECK_EQ(swiotlb_max_mapping_size(&dev), 256 << 10);
	CHECK_EQ(switch_to("toy"), -ERANGE);
	shim_settle();
	CHECK_EQ(nr_mems(), 0);
	CHECK(!is_swiotlb_active(&dev));
	CHECK_EQ(switch_to("fixed"), 0);
}

static void *ask(void *answer)
{
	*(size_t *)answer = swiotlb_max_mapping_size(&dev);
	return NULL;
}

static void *go_to_fixed(void *err)
{
	*(int *)err = switch_to("fixed");
	return NULL;
}

/* One device is just being told what it may map, by who will not be asked again */
TEST(switch_keeps_promises_under_way)
{
	pthread_t asks, goes;
	size_t answer;
	int err;

	set_up("2048,2");
	toy_wish.max_mapping = 1 << 20;
	CHECK_EQ(switch_to("toy"), 0);
	/* Pairs with the acquire in toy.c */
	smp_store_release(&toy_wish.max_stalls, true);
	CHECK(!pthread_create(&asks, NULL, ask, &answer));
	while (!READ_ONCE(toy_nr_stalled))
		sched_yield();
	CHECK(!pthread_create(&goes, NULL, go_to_fixed, &err));
	msleep(40);
	/* As above */
	smp_store_release(&toy_wish.max_stalls, false);
	pthread_join(asks, NULL);
	pthread_join(goes, NULL);

	CHECK_EQ(answer, 1 << 20);
	CHECK_EQ(err, -ERANGE);
	check_backends("fixed dynamic cc [toy]");
	buffer_unmap(&mapped);
}

/* Failures are counted wherever they happen, and name who failed */
TEST(switch_names_who_failed)
{
	struct buffer many[POOL_BYTES / TOY_SLOT_BYTES];
	unsigned int i;

	set_up("2048,2");
	CHECK_EQ(switch_to("toy"), 0);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		buffer_init(&many[i], i + 2, 100);
		CHECK(buffer_map(&many[i], &dev));
	}
	shim_clear_log();
	CHECK(!buffer_map(&probe, &dev));
	CHECK_EQ(fails(SWIOTLB_FAIL_EXHAUSTED), 1);
	CHECK(strstr(shim_log, "is full"));
	CHECK(strstr(shim_log, "backend toy"));
	/* There is room elsewhere, and it can be had */
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK(buffer_map(&probe, &dev));
	buffer_unmap(&probe);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		buffer_unmap(&many[i]);
}
