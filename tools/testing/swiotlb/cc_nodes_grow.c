// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend on machines with nodes: where it grows and shrinks, and by how much
 */
#include "cc_nodes.h"

static unsigned int all_wanted(void)
{
	unsigned int nid, nr = 0;

	for (nid = 0; nid < shim_nr_nodes; nid++)
		nr += cc_wanted(node(nid));
	return nr;
}

/* Who asked has more of it; who did not has none, nor does anybody who is of that node */
TEST(cc_nodes_grow_where_memory_is_used)
{
	unsigned int nr;

	make_nodes(3, FIRST_BYTES);
	shim_cpu = 2;
	nr = node(0)->nr_chunks;
	while (cc_of(&mem)->nr_grown < 8) {
		CHECK_EQ(take(SZ_1M), 0);
		shim_settle();
	}
	CHECK_EQ(node(0)->nr_chunks, nr);
	CHECK_EQ(node(1)->nr_chunks, 0);
	CHECK_EQ(node(2)->nr_chunks, 8);
	CHECK(!node(1)->was_used);
	CHECK_EQ(cc_wanted(node(1)), 0);
	check_homes();
	/* A node that lends to others need not have more for that */
	CHECK_EQ(node(0)->grower.boost, 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Together they want what one would, and as much for each, but for what is rounded up */
TEST(cc_nodes_share_the_watermarks)
{
	unsigned int nid, alone;

	make_nodes(4, 256UL << 20);
	/* All that is free is in chunks of the first node */
	alone = all_wanted();
	CHECK_EQ(alone, 9);
	for (nid = 1; nid < 4; nid++) {
		WRITE_ONCE(node(nid)->was_used, true);
		CHECK(all_wanted() >= alone);
		CHECK(all_wanted() <= alone + nid);
		CHECK_EQ(cc_wanted(node(nid)), cc_most_wanted(node(0)));
	}
	CHECK_EQ(cc_wanted(node(3)), 3);
	drop_cc(&mem);
}

/* A node without free memory gets none as long as others have enough, and no others' */
TEST(cc_nodes_that_are_full_make_do)
{
	unsigned int i, rounds;

	make_nodes(2, FIRST_BYTES);
	shim_node_is_empty[1] = true;
	shim_cpu = 1;
	for (i = 0; i < 5; i++) {
		CHECK_EQ(take(SZ_64K), 0);
		CHECK_EQ(last_nid(), 0);
		shim_pass_ms(200);
	}
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	/* That is no want of memory */
	CHECK_EQ(cc_of(&mem)->nr_failures, 0);

	/* It grows ahead all the same, wherever that may be, before anybody is refused */
	while (cc_of(&mem)->nr_grown < 4) {
		CHECK_EQ(take(SZ_2M), 0);
		shim_pass_ms(200);
	}
	CHECK_EQ(node(1)->nr_chunks, 0);
	CHECK_EQ(cc_surplus(cc_of(&mem), CC_ANY), 0);
	/* Two chunks of that node were not to be had, but that was all */
	CHECK(!shim_strained_a_node);
	check_homes();
	/* Nor does that go as long as node 1 needs it */
	i = cc_of(&mem)->nr_grows;
	for (rounds = 0; rounds < 30; rounds++) {
		CHECK_EQ(take(SZ_64K), 0);
		drop(1);
		shim_pass_ms(1000);
		CHECK_EQ(cc_of(&mem)->nr_grows, i);
		CHECK_EQ(cc_of(&mem)->nr_shrinks, 0);
		CHECK(node(1)->was_used);
	}
	drop(nr_spans);
	shim_pass_ms(30000);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	CHECK(!node(1)->was_used);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Who is refused gets memory of any node, though there was none nearby a moment ago */
TEST(cc_nodes_that_are_full_need_not_fail)
{
	struct cc *cc;
	unsigned int i;

	make_nodes(2, FIRST_BYTES);
	cc = cc_of(&mem);
	shim_node_is_empty[1] = true;
	shim_cpu = 1;
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK(node(1)->grower.only_near);
	CHECK_EQ(cc->nr_grown, 0);
	WRITE_ONCE(cc->squeezed_until, get_jiffies_64() + HZ);
	while (!take(SZ_2M))
		;
	/* All of that in one jiffy */
	shim_settle();
	CHECK_EQ(cc->nr_grown, 1);
	CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(last_nid(), 0);

	/* But no conversion that fails is tried on one node after the other */
	shim_refuse_conversions = 2;
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	shim_settle();
	for (i = 0; i < 5; i++) {
		CHECK_EQ(take(SZ_2M), -ENOSPC);
		shim_settle();
		shim_pass_ms(500);
	}
	CHECK_EQ(shim_doubtful_bytes(), CC_CHUNK_BYTES);
	shim_refuse_conversions = 0;
	drop(nr_spans);
	shim_cpu = 0;
	drop_pool(&mem);
}

/* Also if nothing is wanted ahead */
TEST(cc_nodes_that_are_full_need_no_watermarks)
{
	set("cc_watermarks", "0,0,0,0,0,0");
	make_nodes(2, FIRST_BYTES);
	shim_node_is_empty[1] = true;
	shim_cpu = 1;
	/* What kccd makes for who took the last one must not reach who is refused */
	shim_hold_works(true);
	while (!take(SZ_2M))
		;
	shim_hold_works(false);
	shim_settle();
	/* One that was needed, and one more as that was too little */
	CHECK_EQ(cc_of(&mem)->nr_grown, 2);
	CHECK_EQ(take(SZ_2M), 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Nor do others wait for memory of that node, or have it made there by others */
TEST(cc_nodes_that_are_full_are_left_alone)
{
	unsigned int i;

	make_nodes(2, FIRST_BYTES);
	shim_node_is_empty[1] = true;
	shim_cpu = 1;
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK(node(1)->grower.only_near);
	CHECK(!shim_strained_a_node);

	/* Who found no room is helped by what is empty by now, wherever it is */
	CHECK(node(0)->nr_empty);
	for (i = 0; i < 3; i++) {
		kccd_ask_for(node(1));
		shim_settle();
		CHECK(!node(1)->grower.urgent);
		CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	}
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* If all nodes together have too little, that some had none does not matter any more */
TEST(cc_nodes_that_are_full_need_not_wait)
{
	make_nodes(2, FIRST_BYTES);
	shim_node_is_empty[1] = true;
	shim_cpu = 1;
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK(node(1)->grower.only_near);
	while (node(0)->nr_empty > 1)
		CHECK_EQ(take(SZ_2M), 0);
	/* No time has passed */
	shim_settle();
	CHECK(cc_of(&mem)->nr_grown);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* What a node wants is doubled though it has nothing: up to half of its part of all */
TEST(cc_nodes_without_memory_want_more)
{
	unsigned int nr, boost;

	make_nodes(2, 256UL << 20);
	stop_growth(&mem);
	WRITE_ONCE(node(1)->was_used, true);
	nr = cc_wanted(node(1));
	CHECK(nr);
	for (boost = 1; boost < 3; boost++) {
		node(1)->grower.boost = boost;
		CHECK_EQ(cc_wanted(node(1)), nr << boost);
	}
	node(1)->grower.boost = 6;
	CHECK_EQ(cc_wanted(node(1)), node(0)->nr_chunks / 4);
	drop_cc(&mem);
}

/* Chunks that are kept are empty, too: a node that nobody uses has none */
TEST(cc_nodes_keep_nothing_for_nobody)
{
	set("cc_watermarks", "64,64,128,512,131072,0");
	make_nodes(2, FIRST_BYTES);
	shim_cpu = 1;
	CHECK_EQ(take(SZ_64K), 0);
	drop(1);
	shim_pass_ms(1000);
	CHECK(node(1)->nr_chunks > 32);
	CHECK_EQ(node(1)->shelves[CC_KEPT].nr, 1);
	shim_pass_ms(60000);
	/* Though what it has is what the other one lacks */
	CHECK(!node(1)->was_used);
	CHECK_EQ(cc_wanted(node(1)), 0);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* A conversion that fails is one, and not a want of memory nearby */
TEST(cc_nodes_lose_no_count_of_conversions)
{
	make_nodes(2, FIRST_BYTES);
	shim_refuse_conversions = 1;
	shim_cpu = 1;
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK_EQ(cc_of(&mem)->nr_failures, 1);
	CHECK(!node(1)->grower.only_near);
	shim_pass_ms(5000);
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	CHECK_EQ(node(1)->nr_chunks, 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_pool(&mem);
}

/* Who looks there because his own node has nothing does not have kccd do more for others */
TEST(cc_nodes_are_not_starved_by_others)
{
	make_nodes(3, FIRST_BYTES);
	stop_growth(&mem);
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	disable_delayed_work_sync(&cc_of(&mem)->grow);
	shim_cpu = 2;
	fill();
	CHECK(node(2)->starved);
	CHECK(!node(0)->starved);
	shim_cpu = 0;
	CHECK_EQ(take(SZ_64K), -ENOSPC);
	CHECK(node(0)->starved);
	enable_work(&cc_of(&mem)->grow.work);
	drop(nr_spans);
	drop_cc(&mem);
}

/* CPUs keep as many runs of a node that has little memory as of others */
TEST(cc_nodes_with_little_memory_have_runs)
{
	unsigned int i;

	make_nodes(2, FIRST_BYTES);
	use_node(1);
	CHECK(node(1)->nr_chunks < 4);
	shim_cpu = 1;
	for (i = 0; i < 4; i++)
		CHECK_EQ(take(SZ_64K), 0);
	CHECK_EQ(last_nid(), 1);
	drop(nr_spans);
	CHECK_EQ(cc_of(&mem)->cpus[1].runs.nr, 4);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* What a node does not need any more goes, whatever the other one does */
TEST(cc_nodes_shrink_one_by_one)
{
	unsigned int i;

	make_nodes(2, FIRST_BYTES);
	for (i = 0; i < 40; i++) {
		shim_cpu = i % 2;
		CHECK_EQ(take(SZ_1M), 0);
		shim_settle();
	}
	CHECK(node(0)->nr_empty_grown && node(1)->nr_empty_grown);
	/* All of node 0, and all but a bit of node 1 */
	for (i = 0; i < 40; i++) {
		if (i != 39)
			span_free(&spans[i]);
	}
	spans[0] = spans[39];
	nr_spans = 1;
	CHECK_EQ(last_nid(), 1);
	for (i = 0; i < 20; i++) {
		shim_cpu = 1;
		CHECK_EQ(take(SZ_2M), 0);
		drop(1);
		shim_pass_ms(1000);
	}
	CHECK_EQ(node(0)->nr_empty_grown, 0);
	CHECK(node(1)->nr_chunks > 1);
	CHECK(node(1)->was_used);

	/* Nor is a node forgotten where something is mapped, though nobody maps more */
	shim_pass_ms(15000);
	CHECK(node(1)->was_used);
	CHECK_EQ(node(1)->nr_empty, cc_wanted(node(1)));

	/* And all of it when it is not used any more */
	drop(1);
	shim_pass_ms(30000);
	CHECK_EQ(cc_of(&mem)->nr_grown, 0);
	CHECK_EQ(node(1)->nr_chunks, 0);
	CHECK(!node(1)->was_used);
	CHECK_EQ(cc_bytes(&mem), FIRST_BYTES);
	CHECK_EQ(shim_nr_timers(), 0);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* If memory is tight that of all nodes goes */
TEST(cc_nodes_shrink_if_memory_is_tight)
{
	make_nodes(2, FIRST_BYTES);
	use_node(1);
	CHECK(shim_shrink() >= node(1)->nr_chunks * (CC_CHUNK_BYTES / PAGE_SIZE));
	shim_settle();
	CHECK_EQ(node(1)->nr_chunks, 0);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Early boot knows which node memory is of */
TEST(cc_nodes_know_boot_memory)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_EARLY,
		.flags = SWIOTLB_ANY,
		.bytes = SZ_16M,
	};

	wake_workers();
	mem.ops = &swiotlb_cc;
	mem.domain = &swiotlb_default_domain;
	shim_nr_nodes = 2;
	shim_node_is_empty[0] = true;
	shim_slab = false;
	/* There is none below 4 GiB */
	CHECK_EQ(mem.ops->init(&mem, &params), 0);
	shim_slab = true;
	CHECK_EQ(node(1)->nr_chunks, SZ_16M / CC_CHUNK_BYTES);
	CHECK_EQ(node(1)->shelves[CC_LAST].nr, 1);
	CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(last_nid(), 1);
	drop(1);
	mem.ops->exit(&mem);
}

/* A line for each that has memory or wants it, and the sum */
TEST(cc_nodes_are_shown)
{
	struct seq_file m = {}, one = {};
	char line[64];

	make_nodes(4, FIRST_BYTES);
	mem.ops->show(&mem, &one);
	CHECK(strstr(one.text, "\treach any: chunks 7 empty 6 wanted 3 boost 0\n"));
	use_node(1);
	mem.ops->show(&mem, &m);
	snprintf(line, sizeof(line), "\treach any: chunks %u empty %u ",
		 7 + node(1)->nr_chunks, node(0)->nr_empty + node(1)->nr_empty);
	CHECK(strstr(m.text, line));
	CHECK(strstr(m.text, "\tnode 0: chunks 7 empty "));
	snprintf(line, sizeof(line), "\tnode 1: chunks %u empty %u wanted %u boost %u\n",
		 node(1)->nr_chunks, node(1)->nr_empty, cc_wanted(node(1)),
		 node(1)->grower.boost);
	CHECK(strstr(m.text, line));
	CHECK(!strstr(m.text, "node 2"));
	CHECK(!strstr(m.text, "node -1"));
	shim_cpu = 0;
	drop_cc(&mem);
}
