// SPDX-License-Identifier: GPL-2.0
/*
 * The dynamic backend: what it gives back, what it says, and its parameters
 */
#include "dynamic_mem.h"

#define BLOCK		32768UL
#define MAX_SPANS	4096

static struct swiotlb_mem mem;
static struct swiotlb_span spans[MAX_SPANS];
static unsigned int nr_spans;

static void take(size_t bytes)
{
	struct swiotlb_req req = PLAIN_REQ(BLOCK);

	for (; bytes; bytes -= BLOCK) {
		CHECK(nr_spans < MAX_SPANS);
		CHECK_EQ(span_alloc(&mem, &req, &spans[nr_spans++]), 0);
	}
}

static void drop(unsigned int nr)
{
	while (nr--)
		span_free(&spans[--nr_spans]);
}

/* Let it have @nr pools, empty ones, besides the first */
static void grow(unsigned int nr)
{
	make_dynamic(&mem);
	while (dynamic_of(&mem)->nr_grown < nr) {
		take(BLOCK);
		shim_settle();
	}
	drop(nr_spans);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + nr * POOL_BYTES);
	check_room(&dynamic_of(&mem)->set);
}

static void set_idle(const char *ms)
{
	CHECK_EQ(shim_param_set("dynamic_idle_ms", ms), 0);
}

TEST(shrink_gives_back_what_is_idle)
{
	struct device dev = {};
	unsigned int before;
	phys_addr_t paddr;

	grow(3);
	shim_pass_ms(4800);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + 3 * POOL_BYTES);
	before = shim_grace_periods;
	shim_pass_ms(1400);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	/* All at once */
	CHECK_EQ(shim_grace_periods, before + 1);
	for (paddr = SHIM_HIGH_START; paddr < SHIM_HIGH_START + 4 * POOL_BYTES;
	     paddr += PAGE_SIZE)
		CHECK(!swiotlb_find_pool(&dev, paddr));
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);
	CHECK_EQ(shim_nr_shrinks, 3);
	check_room(&dynamic_of(&mem)->set);
	/* There is nothing left to watch */
	CHECK_EQ(shim_nr_timers(), 0);
	drop_dynamic(&mem);
}

TEST(shrink_makes_memory_private)
{
	shim_cc = true;
	grow(2);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES + 2 * POOL_BYTES);
	shim_pass_ms(7000);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES);
	/* And it can be had again */
	take(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES + POOL_BYTES);
	drop(nr_spans);
	drop_dynamic(&mem);
}

/* A pool that cannot be made private again is lost, but nothing else is */
TEST(shrink_survives_failed_conversions)
{
	shim_cc = true;
	grow(2);
	shim_refuse_conversions = 1;
	shim_pass_ms(7000);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	CHECK_EQ(shim_doubtful_bytes(), POOL_BYTES);
	CHECK_EQ(shim_shared_bytes(), FIRST_BYTES);
	drop_pool(&mem);
	CHECK_EQ(shim_page_bytes(), POOL_BYTES);
}

TEST(shrink_minds_the_time)
{
	set_idle("100");
	grow(1);
	shim_pass_ms(80);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + POOL_BYTES);
	shim_pass_ms(70);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	drop_dynamic(&mem);
}

/* Short use starts the time over, even if nobody saw it */
TEST(shrink_minds_short_use)
{
	struct swiotlb_req req = PLAIN_REQ(BLOCK);
	struct swiotlb_span span;
	unsigned int i;

	/* One who reaches but little has a pool to himself */
	make_dynamic(&mem);
	req.addr_limit = REACH_24;
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	shim_settle();
	span_free(&span);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + SZ_1M);
	for (i = 0; i < 20; i++) {
		shim_pass_ms(1010);
		CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + SZ_1M);
		CHECK_EQ(span_alloc(&mem, &req, &span), 0);
		CHECK(span.pool->phase != SWIOTLB_ATOMIC);
		span_free(&span);
	}
	shim_pass_ms(7000);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	drop_dynamic(&mem);
}

/* What is left must be free by half */
TEST(shrink_keeps_some_room)
{
	grow(4);
	take(FIRST_BYTES * 7 / 4);
	shim_pass_ms(20000);
	/* 3.5 MiB in use need 7 MiB */
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + 2 * POOL_BYTES);
	drop(nr_spans - 1);
	shim_pass_ms(20000);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	drop(1);
	drop_dynamic(&mem);
}

/* A pool in which a single slot is used must stay, whole and usable */
TEST(shrink_leaves_what_is_in_use)
{
	struct swiotlb_span keep;
	unsigned int i;

	grow(3);
	take(FIRST_BYTES + POOL_BYTES + BLOCK);
	keep = spans[--nr_spans];
	CHECK(keep.pool->start != mem.start);
	drop(nr_spans);
	shim_pass_ms(20000);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES + POOL_BYTES);

	take(FIRST_BYTES + POOL_BYTES - BLOCK);
	for (i = 0; i < nr_spans; i++)
		CHECK(spans[i].pool->phase != SWIOTLB_ATOMIC);
	drop(nr_spans);
	span_free(&keep);
	drop_dynamic(&mem);
}

/* Closing areas one by one: if the last is in use, the others open again */
TEST(shrink_opens_areas_again)
{
	struct area_pool *ap;
	unsigned int nr = 0, i;

	grow(1);
	/* And no more than that */
	CHECK_EQ(shim_param_set("dynamic_max_mib", "6"), 0);
	ap = area_set_next(&dynamic_of(&mem)->set, &nr);
	CHECK(ap == dynamic_of(&mem)->set.first);
	ap = area_set_next(&dynamic_of(&mem)->set, &nr);
	CHECK(ap && !area_set_next(&dynamic_of(&mem)->set, &nr));

	take(FIRST_BYTES + POOL_BYTES);
	for (i = 0; i < nr_spans; i++) {
		if (spans[i].pool == &ap->pool &&
		    spans[i].slot >= 3 * ap->layout.nr_area_slots)
			continue;
		span_free(&spans[i]);
		spans[i--] = spans[--nr_spans];
	}
	CHECK_EQ(nr_spans, POOL_BYTES / 4 / BLOCK);
	CHECK(!area_pool_close(ap));
	check_room(&dynamic_of(&mem)->set);
	take(FIRST_BYTES + POOL_BYTES / 4 * 3);
	for (i = 0; i < nr_spans; i++)
		CHECK(spans[i].pool->phase != SWIOTLB_ATOMIC);
	drop(nr_spans);

	/* Closed, it gives nothing, even to those whose bits are out of date */
	CHECK(area_pool_close(ap));
	memset(dynamic_of(&mem)->set.room, 0xff,
	       dynamic_of(&mem)->set.nr_areas / 8 * SLOT_ORDERS);
	take(FIRST_BYTES);
	for (i = 0; i < nr_spans; i++)
		CHECK(spans[i].pool != &ap->pool);
	drop(nr_spans);
	mem.ops->exit(&mem);
}

/* Nor is there anything to be had from pools that are gone, whatever the bits say */
TEST(shrink_leaves_nothing_behind)
{
	struct area_set *set;

	grow(3);
	shim_pass_ms(7000);
	CHECK_EQ(dynamic_bytes(&mem), FIRST_BYTES);
	set = &dynamic_of(&mem)->set;
	/* As somebody may still see them: until it was all there, and a bit longer */
	set->high_end += 3 * AREAS_PER_GROUP;
	memset(set->room, 0xff, set->nr_areas / 8 * SLOT_ORDERS);
	take(FIRST_BYTES + BLOCK);
	CHECK_EQ(spans[nr_spans - 1].pool->phase, SWIOTLB_ATOMIC);
	set->high_end -= 3 * AREAS_PER_GROUP;
	drop(nr_spans);
	mem.ops->exit(&mem);
}

/* Numbers of pools are used again, the lowest first */
TEST(shrink_numbers_can_be_had_again)
{
	struct area_set *set;
	unsigned int i, end;

	grow(3);
	set = &dynamic_of(&mem)->set;
	end = set->high_end;
	CHECK_EQ(end, set->high_start + 3 * AREAS_PER_GROUP);
	CHECK_EQ(set->low_end, AREAS_PER_GROUP);
	for (i = 0; i < 5; i++) {
		shim_pass_ms(7000);
		CHECK_EQ(set->high_end, set->high_start);
		while (dynamic_of(&mem)->nr_grown < 3) {
			take(BLOCK);
			shim_settle();
		}
		drop(nr_spans);
		CHECK_EQ(set->high_end, end);
	}
	drop_dynamic(&mem);
}

TEST(shrink_may_be_cut_short)
{
	grow(3);
	shim_pass_ms(3000);
	CHECK_EQ(shim_nr_timers(), 1);
	drop_dynamic(&mem);
}

TEST(dynamic_shows_its_pools)
{
	const char *line;
	struct seq_file m = {};

	CHECK_EQ(shim_param_set("dynamic_max_mib", "64"), 0);
	grow(1);
	take(BLOCK);
	mem.ops->show(&mem, &m);
	test_note("\"%s\"", m.text);
	line = strstr(m.text, "\tpool ");
	CHECK(line && strstr(line, ": areas 4 slots 1024 used 16\n"));
	line = strstr(line + 1, "\tpool 0x100000000: ");
	CHECK(line && strstr(line, ": areas 4 slots 2048 used 0\n"));
	CHECK(!strncmp(m.text, "\tcap_mib 64\n\tgrown 1 shrunk 0 failed 0\n", 39));
	drop(1);
	drop_dynamic(&mem);
}

TEST(dynamic_parameters_have_ranges)
{
	static const char *const good[][2] = {
		{ "dynamic_idle_ms", "100" }, { "dynamic_idle_ms", "3600000" },
		{ "dynamic_max_mib", "0" }, { "dynamic_max_mib", "4194304" },
	};
	static const char *const bad[][2] = {
		{ "dynamic_idle_ms", "99" }, { "dynamic_idle_ms", "3600001" },
		{ "dynamic_idle_ms", "" }, { "dynamic_idle_ms", "-1" },
		{ "dynamic_max_mib", "4194305" }, { "dynamic_max_mib", "1G" },
	};
	char buf[PAGE_SIZE];
	unsigned int i;

	CHECK_EQ(shim_param_get("dynamic_idle_ms", buf), 5);
	CHECK(!strcmp(buf, "5000\n"));
	CHECK_EQ(shim_param_get("dynamic_max_mib", buf), 2);
	CHECK(!strcmp(buf, "0\n"));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_EQ(shim_param_set(good[i][0], good[i][1]), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(shim_param_set(bad[i][0], bad[i][1]) < 0);
	/* What was refused has changed nothing */
	CHECK(shim_param_get("dynamic_idle_ms", buf) > 0);
	CHECK(!strcmp(buf, "3600000\n"));
}

/* A quarter of 2 GiB */
TEST(dynamic_cap_is_a_quarter_of_memory)
{
	make_dynamic(&mem);
	CHECK_EQ(dynamic_room_bytes(dynamic_of(&mem)), (512UL << 20) - FIRST_BYTES);
	drop_dynamic(&mem);
}
