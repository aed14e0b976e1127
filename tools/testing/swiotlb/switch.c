// SPDX-License-Identifier: GPL-2.0
/*
 * From one backend to another on the live system: where mappings go and end, and
 * what becomes of memory that nobody uses any more
 */
#include "toy.h"

#define POOL_BYTES	(4UL << 20)
#define NR_BUFFERS	12

TEST_DEVICE(dev);

static struct buffer buffers[NR_BUFFERS];

static void set_up(void)
{
	unsigned int i;

	boot_with("2048,2");
	swiotlb_dev_init(&dev);
	toy_register();
	for (i = 0; i < NR_BUFFERS; i++)
		buffer_init(&buffers[i], i, 100 + i * 3333);
}

static void check_is_in(const struct buffer *buffer, const char *backend)
{
	struct io_tlb_pool *pool = buffer_pool(buffer);

	CHECK(pool);
	CHECK(!strcmp(pool->ops->name, backend));
}

/* No memory, no module, no work is left over from a backend */
static void check_is_gone(const char *backend)
{
	CHECK(!mem_named(backend));
	if (!strcmp(backend, "toy"))
		CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(shim_nr_timers(), 0);
}

/* Is all shared memory that of a single toy? */
static void check_only_toy_is_left(void)
{
	CHECK_EQ(nr_mems(), 1);
	check_backends("fixed dynamic cc [toy]");
	CHECK_EQ(shim_shared_bytes(), POOL_BYTES);
	CHECK_EQ(counted(&swiotlb_default_domain, leaked_bytes), 0);
}

TEST(switch_moves_new_mappings_only)
{
	set_up();
	check_backends("[fixed] dynamic cc toy");
	CHECK(buffer_map(&buffers[0], &dev));
	CHECK(buffer_map(&buffers[1], &dev));
	check_is_in(&buffers[0], "fixed");

	CHECK_EQ(switch_to("toy"), 0);
	check_backends("fixed dynamic cc [toy]");
	CHECK_EQ(shim_nr_switches, 1);
	CHECK(buffer_map(&buffers[2], &dev));
	check_is_in(&buffers[2], "toy");
	check_is_in(&buffers[0], "fixed");

	CHECK_EQ(switch_to("dynamic"), 0);
	check_backends("fixed [dynamic] cc toy");
	CHECK(buffer_map(&buffers[3], &dev));
	check_is_in(&buffers[3], "dynamic");

	/* Whatever happens to them, they end where they began */
	buffer_to_cpu(&buffers[0]);
	buffer_to_device(&buffers[1]);
	buffer_to_cpu(&buffers[2]);
	let_retire();
	CHECK_EQ(nr_mems(), 3);
	buffer_to_device(&buffers[0]);
	buffer_unmap(&buffers[2]);
	buffer_unmap(&buffers[1]);
	buffer_unmap(&buffers[0]);
	buffer_unmap(&buffers[3]);
	let_retire();
	CHECK_EQ(nr_mems(), 1);
	check_is_gone("fixed");
	check_is_gone("toy");
}

TEST(switch_to_the_active_one_does_nothing)
{
	struct swiotlb_mem *mem;

	set_up();
	mem = default_mem();
	CHECK_EQ(switch_to("fixed"), 0);
	CHECK(default_mem() == mem);
	CHECK_EQ(shim_nr_switches, 0);

	CHECK_EQ(switch_to("toy"), 0);
	mem = default_mem();
	CHECK_EQ(switch_to("toy"), 0);
	let_retire();
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(default_mem() == mem);
	CHECK_EQ(toy_nr_inits, 1);
	CHECK_EQ(module_refcount(&toy_module), 1);
	CHECK_EQ(shim_nr_switches, 1);
	CHECK_EQ(mem->nr_users, 1);
}

TEST(switch_retires_at_once_what_is_empty)
{
	set_up();
	CHECK_EQ(switch_to("toy"), 0);
	shim_settle();
	check_is_gone("fixed");
	check_only_toy_is_left();
	/* What the boot allocated is back; there are some tables of 4 KiB */
	CHECK(shim_page_bytes() <= POOL_BYTES + 8 * PAGE_SIZE);
}

TEST(switch_retires_when_the_last_mapping_ends)
{
	unsigned int i;

	set_up();
	for (i = 0; i < NR_BUFFERS; i++)
		CHECK(buffer_map(&buffers[i], &dev));
	CHECK_EQ(switch_to("toy"), 0);
	for (i = 0; i < NR_BUFFERS; i++) {
		let_retire();
		CHECK_EQ(nr_mems(), 2);
		CHECK(used_bytes("fixed") >= buffers[i].size);
		buffer_to_cpu(&buffers[i]);
		buffer_unmap(&buffers[i]);
	}
	CHECK_EQ(used_bytes("fixed"), 0);
	/* It is asked once a second at least */
	shim_pass_ms(1100);
	check_is_gone("fixed");
	check_only_toy_is_left();
	CHECK(shim_page_bytes() <= POOL_BYTES + 8 * PAGE_SIZE);
}

/* Often at first, when it is likely to be over soon; and then without haste */
TEST(switch_asks_ever_less_often)
{
	unsigned int asked;

	set_up();
	CHECK(buffer_map(&buffers[0], &dev));
	CHECK_EQ(switch_to("toy"), 0);
	shim_settle();
	asked = shim_grace_periods;
	shim_pass_ms(100);
	CHECK_EQ(shim_grace_periods, asked + 1);
	shim_pass_ms(10000);
	CHECK(shim_grace_periods - asked >= 10);
	CHECK(shim_grace_periods - asked <= 15);

	/* Another one that retires is not kept waiting by that */
	CHECK_EQ(switch_to("dynamic"), 0);
	shim_pass_ms(1100);
	check_is_in(&buffers[0], "fixed");
	CHECK(!mem_named("toy"));
	buffer_unmap(&buffers[0]);
	let_retire();
	check_is_gone("fixed");
}

TEST(switch_back_revives)
{
	struct swiotlb_mem *fixed, *toy;
	unsigned int i;

	set_up();
	fixed = default_mem();
	CHECK(buffer_map(&buffers[0], &dev));
	CHECK_EQ(switch_to("toy"), 0);
	toy = default_mem();
	CHECK(buffer_map(&buffers[1], &dev));

	/* However often, there are never more than these two */
	for (i = 0; i < 50; i++) {
		CHECK_EQ(switch_to("fixed"), 0);
		CHECK(default_mem() == fixed);
		CHECK_EQ(fixed->nr_users, 1);
		CHECK_EQ(toy->nr_users, 0);
		if (i % 3 == 0)
			shim_pass_ms(500);
		CHECK_EQ(switch_to("toy"), 0);
		CHECK(default_mem() == toy);
		CHECK_EQ(nr_mems(), 2);
	}
	CHECK_EQ(toy_nr_inits, 1);
	CHECK_EQ(module_refcount(&toy_module), 1);

	/* Revived in the moment between its last mapping and its end */
	shim_settle();
	buffer_unmap(&buffers[0]);
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK(mem_named("fixed") == fixed);
	CHECK(buffer_map(&buffers[0], &dev));
	check_is_in(&buffers[0], "fixed");
	buffer_unmap(&buffers[1]);
	let_retire();
	check_is_gone("toy");
	CHECK_EQ(toy_nr_exits, 1);
	buffer_unmap(&buffers[0]);
}

TEST(switch_there_and_back_many_times)
{
	unsigned int i;
	size_t bytes;
	long live;

	set_up();
	for (i = 0; i < 2; i++) {
		CHECK_EQ(switch_to("toy"), 0);
		let_retire();
		CHECK_EQ(switch_to("dynamic"), 0);
		let_retire();
		CHECK_EQ(switch_to("fixed"), 0);
		let_retire();
	}
	live = shim_live;
	bytes = shim_page_bytes();
	for (i = 0; i < 30; i++) {
		CHECK_EQ(switch_to(i % 2 ? "toy" : "dynamic"), 0);
		CHECK(buffer_map(&buffers[1], &dev));
		CHECK_EQ(switch_to("fixed"), 0);
		buffer_unmap(&buffers[1]);
		let_retire();
	}
	CHECK_EQ(shim_live, live);
	CHECK_EQ(shim_page_bytes(), bytes);
	CHECK_EQ(atomic_long_read(&swiotlb_default_domain.own.level.used), 0);
}

TEST(switch_keeps_a_module_while_its_memory_lives)
{
	set_up();
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(module_refcount(&toy_module), 1);
	CHECK(buffer_map(&buffers[0], &dev));
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK_EQ(module_refcount(&toy_module), 1);
	buffer_unmap(&buffers[0]);
	let_retire();
	CHECK_EQ(module_refcount(&toy_module), 0);

	/* It can go now, and its name goes with it */
	toy_module.going = true;
	CHECK_EQ(switch_to("toy"), -EINVAL);
	toy_unregister();
	CHECK_EQ(switch_to("toy"), -EINVAL);
	check_backends("[fixed] dynamic cc");
	toy_module.going = false;
	toy_register();
	CHECK_EQ(switch_to("toy"), 0);
}

static void *map_slowly(void *arg)
{
	CHECK(buffer_map(arg, &dev));
	return NULL;
}

/* One that saw the old memory is just about to take some of it */
TEST(switch_waits_for_mappings_under_way)
{
	pthread_t thread;

	set_up();
	/* So that it need not be made anew, which would wait just as well */
	CHECK(buffer_map(&buffers[2], &dev));
	CHECK_EQ(switch_to("toy"), 0);
	shim_settle();
	/* Pairs with the acquire in toy.c */
	smp_store_release(&toy_wish.stalls, true);
	CHECK(!pthread_create(&thread, NULL, map_slowly, &buffers[0]));
	while (!READ_ONCE(toy_nr_stalled))
		sched_yield();

	CHECK_EQ(switch_to("fixed"), 0);
	shim_run_clock(true);
	msleep(20);
	CHECK(buffer_map(&buffers[1], &dev));
	check_is_in(&buffers[1], "fixed");
	/* As above */
	smp_store_release(&toy_wish.stalls, false);
	pthread_join(thread, NULL);
	shim_run_clock(false);
	check_is_in(&buffers[0], "toy");
	let_retire();
	CHECK_EQ(toy_nr_exits, 0);

	buffer_to_cpu(&buffers[0]);
	buffer_unmap(&buffers[0]);
	let_retire();
	CHECK_EQ(toy_nr_exits, 1);
	buffer_unmap(&buffers[1]);
	buffer_unmap(&buffers[2]);
}

TEST(switch_serves_interrupts_all_along)
{
	set_up();
	shim_context.in_interrupt = true;
	CHECK(buffer_map(&buffers[0], &dev));
	shim_context.in_interrupt = false;
	CHECK_EQ(switch_to("toy"), 0);
	shim_context.in_interrupt = true;
	CHECK(buffer_map(&buffers[1], &dev));
	buffer_to_cpu(&buffers[0]);
	buffer_unmap(&buffers[0]);
	buffer_unmap(&buffers[1]);
	CHECK_EQ(swiotlb_map(&dev, 0x2000000, 0x10001, DMA_TO_DEVICE, 0),
		 DMA_MAPPING_ERROR);
	CHECK(swiotlb_max_mapping_size(&dev));
	shim_context.in_interrupt = false;
}

/*
 * Only `dynamic` has more when all is taken: a pool for each mapping, here, as
 * there are no blocks that are large enough for more
 */
TEST(switch_to_dynamic_has_more)
{
	unsigned int i;

	boot_with("256,1");
	swiotlb_dev_init(&dev);
	for (i = 0; i < NR_BUFFERS; i++)
		buffer_init(&buffers[i], i, 60000);
	for (i = 0; buffer_map(&buffers[i], &dev); i++)
		;
	CHECK(i < 9);
	CHECK_EQ(fails(SWIOTLB_FAIL_EXHAUSTED), 1);
	while (i--)
		buffer_unmap(&buffers[i]);

	CHECK_EQ(switch_to("dynamic"), 0);
	shim_settle();
	shim_max_block = SZ_256K >> PAGE_SHIFT;
	for (i = 0; i < NR_BUFFERS; i++) {
		shim_context.in_interrupt = i % 2;
		CHECK(buffer_map(&buffers[i], &dev));
		shim_context.in_interrupt = false;
	}
	CHECK(number_in("swiotlb/io_tlb_transient_nslabs") > 0);
	CHECK(number_in("swiotlb/io_tlb_used") <= 256);
	CHECK_EQ(number_in("swiotlb/io_tlb_nslabs"), 256);

	/* They end wherever they were, and memory does not retire before */
	shim_max_block = 0;
	CHECK_EQ(switch_to("fixed"), 0);
	let_retire();
	CHECK(mem_named("dynamic"));
	for (i = 0; i < NR_BUFFERS; i++)
		buffer_unmap(&buffers[i]);
	let_retire();
	CHECK(!mem_named("dynamic"));
	CHECK_EQ(number_in("swiotlb/io_tlb_transient_nslabs"), 0);
	CHECK_EQ(shim_shared_bytes(), 256 << IO_TLB_SHIFT);
}

/* What others ask of the default memory is answered by who is active */
TEST(switch_changes_the_answers)
{
	struct swiotlb_mem *toy;

	set_up();
	CHECK_EQ(switch_to("toy"), 0);
	toy = default_mem();
	CHECK_EQ(default_swiotlb_base(), toy->start);
	CHECK_EQ(default_swiotlb_limit(), toy->end - 1);
	CHECK(is_swiotlb_allocated());
	CHECK(is_swiotlb_active(&dev));
	CHECK_EQ(swiotlb_max_mapping_size(&dev), TOY_SLOT_BYTES);
	shim_clear_log();
	swiotlb_print_info();
	CHECK(strstr(shim_log, "(4MB)"));
}

/* Use is that of all memory, and so is its high water mark */
TEST(switch_adds_up_what_is_in_use)
{
	struct swiotlb_domain *domain = &swiotlb_default_domain;
	size_t fixed, toys = 4 * TOY_SLOT_BYTES;
	unsigned int i;

	set_up();
	for (i = 0; i < 4; i++)
		CHECK(buffer_map(&buffers[i], &dev));
	fixed = used_bytes("fixed");
	CHECK_EQ(switch_to("toy"), 0);
	for (i = 4; i < 8; i++)
		CHECK(buffer_map(&buffers[i], &dev));

	mutex_lock(&swiotlb_mutex);
	CHECK_EQ(swiotlb_used_bytes(domain), fixed + toys);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), fixed + toys);
	mutex_unlock(&swiotlb_mutex);
	for (i = 0; i < 8; i++)
		buffer_unmap(&buffers[i]);
	let_retire();

	mutex_lock(&swiotlb_mutex);
	CHECK_EQ(swiotlb_used_bytes(domain), 0);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), fixed + toys);
	swiotlb_reset_hiwater(domain);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), 0);
	mutex_unlock(&swiotlb_mutex);
	CHECK_EQ(atomic_long_read(&domain->own.level.used), 0);
}

/* Nobody has memory until somebody chooses a backend */
TEST(switch_from_nothing)
{
	set_up();
	swiotlb_exit();
	shim_settle();
	CHECK_EQ(nr_mems(), 0);
	check_backends("fixed dynamic cc toy");
	CHECK(!buffer_map(&buffers[0], &dev));
	CHECK_EQ(fails(SWIOTLB_FAIL_NOT_READY), 1);

	CHECK_EQ(switch_to("toy"), 0);
	CHECK_EQ(shim_nr_switches, 1);
	check_only_toy_is_left();
	CHECK(buffer_map(&buffers[0], &dev));
	check_is_in(&buffers[0], "toy");
	buffer_unmap(&buffers[0]);
}

/* Said is how far off the first wrong byte is, and what it holds */
TEST(switch_tells_of_strays)
{
	phys_addr_t tlb_addr;

	set_up();
	CHECK_EQ(switch_to("toy"), 0);
	CHECK(buffer_map(&buffers[3], &dev));
	toy_wish.stray = -1;
	buffer_unmap(&buffers[3]);
	CHECK(strstr(shim_log, "of 10099 bytes: first wrong byte 0 is 1 before it"));
	CHECK(buffer_map(&buffers[3], &dev));
	toy_wish.stray = 10099 + 5;
	buffer_unmap(&buffers[3]);
	CHECK(strstr(shim_log, "of 10099 bytes: first wrong byte 0 is 5 behind it"));

	/* Whether or not anything is copied back; and if nobody looks, nobody says so */
	shim_clear_log();
	tlb_addr = swiotlb_tbl_map_single(&dev, buffers[3].orig, 100, 0,
					  DMA_TO_DEVICE, 0);
	swiotlb_tbl_unmap_single(&dev, tlb_addr, 100, DMA_TO_DEVICE, 0);
	CHECK(strstr(shim_log, "of 100 bytes: first wrong byte"));
	shim_clear_log();
	toy_ops.stray = NULL;
	tlb_addr = swiotlb_tbl_map_single(&dev, buffers[3].orig, 100, 0,
					  DMA_TO_DEVICE, 0);
	swiotlb_tbl_unmap_single(&dev, tlb_addr, 100, DMA_TO_DEVICE, 0);
	CHECK(buffer_map(&buffers[3], &dev));
	buffer_unmap(&buffers[3]);
	CHECK(!shim_log_has("wrong byte"));
}
