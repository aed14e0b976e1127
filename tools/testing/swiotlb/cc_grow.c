// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: kccd, which makes chunks and gives them back
 */
#include "cc_spans.h"

/* A chunk that is used up is replaced ahead of need, by as much as is missing */
TEST(cc_grows_by_deficit)
{
	unsigned int empty;

	make_cc(&mem);
	/* What the classes lack together is less than 5 MiB */
	while (any()->nr_empty > 3) {
		CHECK_EQ(take(SZ_2M), 0);
		shim_settle();
	}
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	empty = any()->nr_empty;
	CHECK_EQ(take(SZ_2M), 0);
	shim_settle();
	CHECK_EQ(any()->nr_empty, empty);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES + CC_CHUNK_BYTES);
	/* Where there are free slots there is less to be made up */
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK_EQ(any()->nr_empty, 2);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES + CC_CHUNK_BYTES);
	CHECK_EQ(shim_nr_grows, 1);
	drop(nr_spans);
	drop_cc(&mem);
}

/* A burst that kccd cannot keep up with makes it look further ahead */
TEST(cc_doubles_under_pressure)
{
	unsigned int boost;
	size_t before;

	make_cc(&mem);
	for (boost = 1; boost <= 3; boost++) {
		before = cc_bytes(&mem);
		fill();
		shim_settle();
		/* Or more, if kccd was fast enough to fall behind twice */
		CHECK(any()->grower.boost >= boost);
		CHECK(cc_bytes(&mem) > before);
	}
	CHECK(any()->nr_empty >= 8);

	/* Ever less when there is peace */
	drop(nr_spans);
	shim_pass_ms(5000);
	CHECK_EQ(any()->grower.boost, 0);
	shim_pass_ms(20000);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	drop_cc(&mem);
}

/* A watermark of 0 does not kill a class, nor do all of them together */
TEST(cc_watermarks_may_be_zero)
{
	static const size_t sizes[] = { 1, 512, 1000, 2000, 4096, 5000, 65536,
					SZ_2M };
	unsigned int round, i;

	set("cc_watermarks", "0,0,0,0,0,0");
	make_cc(&mem);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			while (!take(sizes[i]) && nr_spans % 500)
				;
			/* Who found nothing gets something later */
			shim_settle();
			shim_pass_ms(200);
			CHECK_EQ(take(sizes[i]), 0);
		}
		drop(nr_spans);
	}
	drop_cc(&mem);
}

/* What is asked for is there, for each class */
TEST(cc_watermarks_count)
{
	make_cc_of(&mem, SZ_8M);
	CHECK_EQ(any()->nr_empty, 2);
	set("cc_watermarks", "0,0,0,0,20480");
	CHECK_EQ(take(1), 0);
	shim_settle();
	CHECK_EQ(any()->nr_empty, 10);
	drop(1);
	drop_cc(&mem);
}

TEST(cc_minds_its_cap)
{
	make_cc(&mem);
	set("cc_max", "20");
	fill();
	shim_settle();
	shim_pass_ms(1000);
	fill();
	shim_settle();
	CHECK_EQ(cc_bytes(&mem), 20UL << 20);
	/* Raised, it grows again */
	set("cc_max", "22");
	shim_pass_ms(3000);
	if (take(SZ_2M) == -ENOSPC) {
		shim_settle();
		CHECK_EQ(take(SZ_2M), 0);
	}
	CHECK_EQ(cc_bytes(&mem), 22UL << 20);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Half of 2 GiB */
TEST(cc_cap_is_half_of_memory)
{
	make_cc(&mem);
	CHECK_EQ(kccd_cap_bytes(cc_of(&mem)), SZ_1G);
	drop_cc(&mem);
}

/* Where memory is short it does not try again and again */
TEST(cc_backs_off)
{
	unsigned long nr, nr_io;
	unsigned int i;

	make_cc(&mem);
	nr_io = shim_nr_io_allocs();
	shim_max_block = 256;
	fill();
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_failures, 1);
	nr = shim_nr_blocking_allocs();
	for (i = 0; i < 50; i++) {
		CHECK_EQ(take(SZ_64K), -ENOSPC);
		shim_settle();
	}
	CHECK_EQ(shim_nr_blocking_allocs(), nr);
	shim_max_block = 0;
	shim_pass_ms(200);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_settle();
	CHECK_EQ(take(SZ_64K), 0);
	CHECK_EQ(shim_nr_io_allocs(), nr_io);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Let the last span be one whose memory CPUs may keep */
static void put_last_what_stacks_take(void)
{
	unsigned int i = nr_spans;
	struct swiotlb_span last;

	do {
		CHECK(i--);
	} while (container_of(spans[i].pool, struct cc_slab, pool)->stack ==
		 CC_NO_STACK);
	last = spans[i];
	spans[i] = spans[nr_spans - 1];
	spans[nr_spans - 1] = last;
}

/* What other CPUs keep is had back also while growth is not even tried */
TEST(cc_asks_slots_back_at_any_time)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	fill();
	shim_settle();
	for (i = 0; i < 5; i++) {
		/* Less than what passes until growth is tried again */
		shim_pass_ms(4);
		put_last_what_stacks_take();
		/* What it keeps is cut into pages, and then it keeps one of these */
		shim_cpu = 1;
		drop(1);
		CHECK_EQ(take(4096), 0);
		drop(1);
		shim_cpu = 0;
		CHECK_EQ(take(SZ_64K), -ENOSPC);
		shim_settle();
		CHECK_EQ(take(SZ_64K), 0);
	}
	drop(nr_spans);
	drop_cc(&mem);
}

/* Who finds no room looks in low memory, too, but nobody needs more of that for it */
TEST(cc_wants_low_chunks_for_those_who_need_them)
{
	struct cc_depot *low;

	make_cc(&mem);
	stop_growth(&mem);
	low = &cc_of(&mem)->depots[CC_LOW];
	fill();
	shim_settle();
	disable_delayed_work_sync(&cc_of(&mem)->grow);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	CHECK(!low->starved);
	CHECK_EQ(take_from(SZ_64K, REACH_32), -ENOSPC);
	CHECK(low->starved);
	enable_work(&cc_of(&mem)->grow.work);
	drop(nr_spans);
	drop_cc(&mem);
}

/* When there is nothing to be had, kccd does not run for each map */
TEST(cc_is_quiet_when_starved)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	fill();
	shim_settle();
	for (i = 0; i < 10; i++) {
		CHECK_EQ(take(SZ_64K), -ENOSPC);
		shim_settle();
	}
	/* Each time that it ran for nothing it would have thought of more */
	CHECK(any()->grower.boost <= 2);
	CHECK_EQ(cc_of(&mem)->nr_failures, 0);
	drop(nr_spans);
	drop_cc(&mem);
}

/* Half a chunk is of no use, so it is not even taken */
TEST(cc_takes_no_half_chunks)
{
	shim_cc = true;
	shim_granule = SZ_2M;
	make_cc(&mem);
	shim_max_block = SZ_1M / PAGE_SIZE;
	fill();
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_failures, 1);
	CHECK_EQ(counted(mem.domain, granule_misses), 0);
	CHECK(!shim_log_has("no whole block"));
	drop(nr_spans);
	drop_cc(&mem);
}

/* What cannot be shared is lost and counted, but nothing else is */
TEST(cc_survives_failed_conversions)
{
	shim_cc = true;
	make_cc(&mem);
	shim_refuse_conversions = 1;
	fill_at_once();
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES);
	CHECK_EQ(counted(mem.domain, leaked_bytes), CC_PAIR_BYTES);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	/* That costs memory, so it is not tried again soon */
	shim_pass_ms(5000);
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_settle();
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	/* After that nobody has to fail first */
	shim_pass_ms(6000);
	CHECK(cc_bytes(&mem) > FIRST_BYTES);
	CHECK_EQ(take(SZ_64K), 0);
	drop(nr_spans);

	/* Nor is it given back if it cannot be made private */
	shim_refuse_conversions = 1;
	shim_pass_ms(30000);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), CC_PAIR_BYTES + CC_CHUNK_BYTES);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES);
	drop_pool(&mem);
	CHECK_EQ(shim_page_bytes(), CC_PAIR_BYTES + CC_CHUNK_BYTES);
}

/* Whatever cannot be had: nothing breaks, and nothing is lost */
TEST(cc_survives_failed_allocations)
{
	unsigned int nth;
	bool failed = true;

	for (nth = 1; failed; nth++) {
		make_cc(&mem);
		shim_fail_alloc(nth);
		fill();
		shim_settle();
		failed = shim_alloc_failed();
		drop(nr_spans);
		shim_pass_ms(30000);
		drop_cc(&mem);
		CHECK_EQ(counted(mem.domain, leaked_bytes), 0);
	}
	CHECK(nth > 10);
}

/* Nor when it is set up */
TEST(cc_init_survives_failed_allocations)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = SZ_4M,
		.nr_areas = 4,
		.gfp = GFP_KERNEL,
	};
	unsigned int nth;
	long live;
	int err = -1;

	wake_workers();
	for (nth = 1; err || shim_alloc_failed(); nth++) {
		memset(&mem, 0, sizeof(mem));
		mem.ops = &swiotlb_cc;
		mem.domain = &swiotlb_default_domain;
		live = shim_live;
		shim_fail_alloc(nth);
		err = mem.ops->init(&mem, &params);
		if (!err && !shim_alloc_failed())
			break;
		if (err) {
			CHECK_EQ(err, -ENOMEM);
			CHECK(!mem.backend);
			/* Lookup keeps its tables */
			CHECK(shim_live <= live + 2);
		} else {
			/* Less than was asked for */
			CHECK(cc_bytes(&mem) < SZ_4M || nth > 1);
			drop_cc(&mem);
		}
		CHECK_EQ(shim_page_bytes(), 0);
		err = -1;
	}
	CHECK(nth > 10);
	drop_cc(&mem);
}

/* Devices that reach little have memory to themselves, and more when they need it */
TEST(cc_has_two_reaches)
{
	struct cc_depot *low;
	unsigned int i;

	make_cc(&mem);
	low = &cc_of(&mem)->depots[CC_LOW];
	CHECK_EQ(low->nr_chunks, 1);
	CHECK_EQ(take_from(SZ_64K, REACH_32), 0);
	CHECK(spans[0].pool->end <= SZ_4G);
	shim_settle();
	/* One to spare, or more as there was none before */
	CHECK(low->nr_empty);
	/* The others do not touch it as long as they have any */
	for (i = 0; i < 6; i++) {
		CHECK_EQ(take(SZ_2M), 0);
		CHECK(spans[nr_spans - 1].pool->start >= SZ_4G);
		shim_settle();
	}
	for (i = 0; i < 200; i++) {
		CHECK_EQ(take_from(3000, REACH_32), 0);
		if (i % 16 == 0)
			shim_settle();
	}
	CHECK_EQ(take_from(1, REACH_24), -ENXIO);
	/* But rather than fail */
	stop_growth(&mem);
	fill();
	for (i = 0; i < nr_spans && spans[i].pool->start >= SZ_4G; i++)
		;
	CHECK(i < nr_spans);
	drop(nr_spans);
	shim_pass_ms(30000);
	drop_cc(&mem);
}

/* Who reaches little is not served from what he does not reach, nor is all of it looked at */
TEST(cc_low_memory_is_used_up)
{
	unsigned int i;

	make_cc_of(&mem, 64UL << 20);
	stop_growth(&mem);
	while (!take_from(SZ_2M, REACH_32))
		;
	CHECK(nr_spans);
	for (i = 0; i < nr_spans; i++)
		CHECK(spans[i].pool->end <= SZ_4G);
	CHECK(any()->nr_empty > CC_TRIES);
	drop(nr_spans);
	drop_cc(&mem);
}

/* The last chunks are for those who need memory to free memory */
TEST(cc_keeps_a_reserve)
{
	make_cc_of(&mem, 256UL << 20);
	stop_growth(&mem);
	while (!take(SZ_2M))
		;
	CHECK_EQ(any()->shelves[CC_KEPT].nr, 1);
	CHECK_EQ(any()->shelves[CC_KEPT].nr_empty, 1);
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	current->flags |= PF_MEMALLOC;
	CHECK_EQ(take(SZ_2M), 0);
	current->flags &= ~PF_MEMALLOC;
	drop(nr_spans);
	drop_cc(&mem);
}

/* A chunk that was kept where there were many goes like the others once it is free */
TEST(cc_keeps_no_reserve_of_little)
{
	struct cc_shelf *kept;
	struct swiotlb_span span;

	make_cc(&mem);
	kept = &any()->shelves[CC_KEPT];
	while (!kept->nr) {
		CHECK(nr_spans < 100);
		take(SZ_2M);
		shim_settle();
	}
	stop_growth(&mem);
	fill();
	CHECK_EQ(kept->nr_empty, 1);
	current->flags |= PF_MEMALLOC;
	CHECK_EQ(take(SZ_64K), 0);
	current->flags &= ~PF_MEMALLOC;
	CHECK_EQ(kept->nr_empty, 0);
	span = spans[--nr_spans];
	drop(nr_spans);
	set("cc_max", "0");
	shim_pass_ms(30000);
	CHECK_EQ(kept->nr, 1);
	CHECK_EQ(cc_of(&mem)->nr_grown, 1);
	span_free(&span);
	shim_pass_ms(30000);
	CHECK_EQ(kept->nr, 0);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	drop_cc(&mem);
}

/* All memory is low: it grows there, and who reaches less than all has the same */
TEST(cc_grows_where_memory_is_low)
{
	struct seq_file m = {};

	max_pfn = PHYS_PFN(SZ_4G);
	shim_zone_is_empty[SHIM_NORMAL] = true;
	make_cc(&mem);
	CHECK_EQ(cc_of(&mem)->nr_depots, 1);
	mem.ops->show(&mem, &m);
	CHECK(strstr(m.text, "reach low: chunks 8 "));
	CHECK(!strstr(m.text, "reach any"));
	fill();
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	shim_settle();
	CHECK(cc_bytes(&mem) > FIRST_BYTES);
	CHECK_EQ(take(SZ_64K), 0);
	CHECK_EQ(take_from(SZ_64K, REACH_32), 0);
	/* Neither does it help that there is no other memory, if this is out of reach */
	CHECK_EQ(take_from(SZ_64K, REACH_24), -ENXIO);
	drop(nr_spans);
	shim_pass_ms(30000);
	drop_cc(&mem);
}

/* Formats that are short, and may not be used yet, make nothing fail */
TEST(cc_geometry_changes_under_readers)
{
	unsigned int i, k;

	make_cc(&mem);
	stop_growth(&mem);
	for (i = 0; i < 50; i++) {
		size_t bytes = 200UL << i % 10;

		/* The same format again needs no grace period */
		rcu_read_lock();
		for (k = 0; k < 1000; k++) {
			while (nr_spans < 40 && !take(bytes))
				;
			CHECK(nr_spans > 9);
			drop(nr_spans);
		}
		rcu_read_unlock();
		shim_settle();
	}
	drop_cc(&mem);
}

/* There is a record for each slot, and not more of them than there may be */
TEST(cc_metadata_is_small)
{
	static const struct {
		size_t size;
		unsigned int permille;
	} limits[] = { { 256, 39 }, { 512, 24 }, { 1024, 16 }, { 4096, 5 },
		       { 65536, 5 }, { SZ_2M, 5 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct cc_slab *slab;
		size_t bytes;

		make_cc(&mem);
		CHECK_EQ(take(limits[i].size), 0);
		slab = container_of(spans[0].pool, struct cc_slab, pool);
		/* Of all memory, as if kmalloc() had just these sizes */
		bytes = CC_CHUNK_PAGES * sizeof(struct swiotlb_slot) +
			sizeof(struct cc_chunk);
		if (cc_has_slabs(slab->class))
			bytes += (192 + swiotlb_records_bytes(&slab->pool)) *
				 (CC_CHUNK_BYTES / CC_SLAB_BYTES);
		test_note("%zu bytes for a chunk of %zu byte slots", bytes,
			  limits[i].size);
		CHECK(bytes * 1000 <= CC_CHUNK_BYTES * limits[i].permille);
		drop(1);
		drop_cc(&mem);
	}
}

TEST(cc_parameters_have_ranges)
{
	static const char *const good[][2] = {
		{ "cc_idle_ms", "100" }, { "cc_idle_ms", "3600000" },
		{ "cc_max", "0" }, { "cc_max", "4194304" },
		{ "cc_watermarks", "1" }, { "cc_watermarks", "1,2,3\n" },
		{ "cc_watermarks", "0,0,0,0,0,1048577" },
	};
	static const char *const bad[][2] = {
		{ "cc_idle_ms", "99" }, { "cc_idle_ms", "3600001" },
		{ "cc_max", "4194305" }, { "cc_max", "1G" },
		{ "cc_watermarks", "" }, { "cc_watermarks", "1,,2" },
		{ "cc_watermarks", "1,2,3,4,5,6,7" },
		{ "cc_watermarks", "-1" }, { "cc_watermarks", "64K" },
		{ "cc_watermarks", "11111111111111111111" },
		{ "cc_watermarks", "5,x" },
	};
	char buf[PAGE_SIZE];
	unsigned int i;

	CHECK(shim_param_get("cc_watermarks", buf) > 0);
	CHECK(!strcmp(buf, "64,64,128,512,4096,0\n"));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_EQ(shim_param_set(good[i][0], good[i][1]), 0);
	CHECK(shim_log_has("watermark 1048577 KiB of class 2K-runs is too high"));
	set("cc_watermarks", "1,2,3");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		test_note("%s=%s", bad[i][0], bad[i][1]);
		CHECK(shim_param_set(bad[i][0], bad[i][1]) < 0);
	}
	/* What was refused has changed nothing */
	CHECK(shim_param_get("cc_watermarks", buf) > 0);
	CHECK(!strcmp(buf, "1,2,3,0,0,1048576\n"));
}
