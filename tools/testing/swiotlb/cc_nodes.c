// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend on machines with nodes: CPUs have their memory nearby, or else that of others
 */
#include "cc_nodes.h"

/* Of which node is what is had? -1 if nothing is */
static int nid_of_pool(const struct swiotlb_params *params)
{
	struct io_tlb_pool pool = {};
	int nid;

	if (swiotlb_pool_provision(&mem, &pool, params))
		return -1;
	nid = early_pfn_to_nid(PHYS_PFN(pool.start));
	swiotlb_pool_release(&mem, &pool);
	return nid;
}

/* Memory comes from the node that is asked, if it has any; else from others, if they will do */
TEST(cc_nodes_are_asked_for_memory)
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = CC_CHUNK_BYTES,
		.flags = SWIOTLB_EXACT | SWIOTLB_NODE,
		.gfp = GFP_KERNEL | __GFP_NORETRY,
	};

	mem.ops = &swiotlb_cc;
	mem.domain = &swiotlb_default_domain;
	shim_nr_nodes = 3;
	shim_cpu = 1;
	for (params.nid = 0; params.nid < 3; params.nid++)
		CHECK_EQ(nid_of_pool(&params), params.nid);

	params.nid = 2;
	shim_node_is_empty[2] = true;
	CHECK_EQ(nid_of_pool(&params), 0);
	params.gfp |= __GFP_THISNODE;
	CHECK_EQ(nid_of_pool(&params), -1);

	/* Who does not say wants that of his CPU */
	params.gfp &= ~__GFP_THISNODE;
	params.flags &= ~SWIOTLB_NODE;
	CHECK_EQ(nid_of_pool(&params), 1);
	/* So it is for what takes no block of the page allocator */
	params.flags |= SWIOTLB_NODE;
	params.nid = 0;
	params.gfp = GFP_KERNEL;
	params.bytes = 2UL * PAGE_SIZE << MAX_PAGE_ORDER;
	CHECK_EQ(nid_of_pool(&params), 0);
	CHECK_EQ(shim_page_bytes(), 0);
}

/* CPUs have memory of their node, as soon as they asked for any */
TEST(cc_nodes_have_memory_nearby)
{
	static const size_t sizes[] = { 200, 2000, 4096, 5000, SZ_64K, SZ_1M };
	unsigned int i;

	make_nodes(2, FIRST_BYTES);
	CHECK_EQ(node(1)->nr_chunks, 0);
	use_node(1);
	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		shim_cpu = i % 2;
		CHECK_EQ(take(sizes[i / 2]), 0);
		CHECK_EQ(last_nid(), shim_cpu);
		shim_settle();
	}
	check_homes();
	/* It is not of use to devices that reach little */
	CHECK_EQ(take_from(2000, REACH_32), 0);
	CHECK(spans[nr_spans - 1].pool->end <= SZ_4G);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* How much a CPU gets until it is refused */
static unsigned int how_many(unsigned int cpu, size_t bytes)
{
	unsigned int nr;

	shim_cpu = cpu;
	for (nr = 0; !take(bytes); nr++)
		;
	drop(nr);
	shim_settle();
	cc_cpus_flush(cc_of(&mem), true);
	shim_cpu = 0;
	return nr;
}

/* A node that has nothing takes all that others have, in batches, before it is refused */
TEST(cc_nodes_lend_memory)
{
	static const size_t sizes[] = { 2000, 4096, 8192, SZ_64K, SZ_2M };
	unsigned int i;

	make_nodes(3, FIRST_BYTES);
	stop_growth(&mem);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		test_note("%zu bytes", sizes[i]);
		CHECK_EQ(how_many(1, sizes[i]), how_many(0, sizes[i]));
	}
	shim_cpu = 2;
	CHECK_EQ(take(2000), 0);
	CHECK_EQ(cc_of(&mem)->cpus[2].caches[cc_stack(CC_ANY, CC_2K)].nr, CC_BATCH - 1);
	/* Who reaches little looks there, too */
	shim_cpu = 1;
	while (!take_from(SZ_64K, REACH_32))
		;
	CHECK_EQ(nr_spans, 1 + CC_CHUNK_BYTES / SZ_64K);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

static unsigned int nr_pages_kept(unsigned int cpu)
{
	return cc_of(&mem)->cpus[cpu].caches[cc_stack(CC_ANY, CC_PAGES)].nr;
}

/* Rather a slot of the right size elsewhere than a page of this node */
TEST(cc_nodes_waste_no_pages)
{
	make_nodes(2, FIRST_BYTES);
	use_node(1);
	stop_growth(&mem);
	/* On node 1 there are pages, but no room for a slab */
	shim_cpu = 1;
	while (node(1)->nr_empty || node(1)->shelves[CC_PAGES].nr_free)
		CHECK_EQ(take(SZ_64K), 0);
	while (last_nid() != 1)
		drop(1);
	drop(1);
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(node(1)->shelves[CC_PAGES].nr_free, SZ_64K / SZ_4K);
	while (node(1)->shelves[CC_PAGES].nr_free || nr_pages_kept(1))
		CHECK_EQ(take(4096), 0);
	CHECK_EQ(last_nid(), 1);
	drop(2);
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(node(1)->shelves[CC_PAGES].nr_free, 2);
	CHECK_EQ(take(1000), 0);
	CHECK_EQ(spans[nr_spans - 1].pool->slot_shift, 10);
	CHECK_EQ(last_nid(), 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* What was freed on another node is used there as long as it is hot, and then goes home */
TEST(cc_nodes_get_back_what_is_theirs)
{
	struct swiotlb_span span;
	unsigned int nr_empty;

	make_nodes(2, FIRST_BYTES);
	use_node(1);
	nr_empty = node(0)->nr_empty;
	shim_cpu = 0;
	CHECK_EQ(take(2000), 0);
	CHECK_EQ(take(SZ_64K), 0);
	shim_settle();
	span = spans[0];
	shim_cpu = 1;
	drop(2);
	CHECK_EQ(take(2000), 0);
	CHECK_EQ(span_start(&spans[0]), span_start(&span));
	CHECK_EQ(take(SZ_64K), 0);
	CHECK_EQ(last_nid(), 0);
	drop(2);
	CHECK(node(0)->nr_empty < nr_empty);
	cc_cpus_flush(cc_of(&mem), true);
	cc_depot_tidy(node(0));
	CHECK_EQ(node(0)->nr_empty, nr_empty);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Of the last chunk there is one, wherever; what is grown on other nodes is for all uses */
TEST(cc_nodes_have_one_last_chunk)
{
	make_nodes(2, FIRST_BYTES);
	use_node(1);
	CHECK_EQ(node(0)->shelves[CC_LAST].nr, 1);
	CHECK_EQ(node(1)->shelves[CC_LAST].nr, 0);
	stop_growth(&mem);
	/* It is had before anybody is refused */
	CHECK_EQ(how_many(1, SZ_2M), cc_of(&mem)->nr_boot + cc_of(&mem)->nr_grown);
	drop_cc(&mem);
}

/* What is kept for those who free memory is for them on any node, and the very last */
TEST(cc_nodes_share_their_reserve)
{
	make_nodes(2, 256UL << 20);
	use_node(1);
	stop_growth(&mem);
	CHECK_EQ(node(0)->shelves[CC_KEPT].nr_empty, 1);
	CHECK_EQ(node(1)->shelves[CC_KEPT].nr, 0);
	shim_cpu = 0;
	while (node(0)->nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	/* On node 1 there is room for anybody */
	current->flags |= PF_MEMALLOC;
	CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(last_nid(), 1);
	current->flags &= ~PF_MEMALLOC;
	while (!take(SZ_2M))
		;
	CHECK_EQ(node(0)->shelves[CC_LAST].nr_empty, 0);
	CHECK_EQ(node(0)->shelves[CC_KEPT].nr_empty, 1);
	shim_cpu = 1;
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	current->flags |= PF_MEMALLOC;
	CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(node(0)->shelves[CC_KEPT].nr_empty, 0);
	/* That was all: it is open for a while */
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	current->flags &= ~PF_MEMALLOC;
	drop(1);
	CHECK_EQ(take(SZ_2M), 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}

/* Buffers take what is left of chunks with coherent memory when no node has anything else */
TEST(cc_nodes_keep_coherent_memory_apart)
{
	struct swiotlb_req page = PLAIN_REQ(PAGE_SIZE);

	make_coherent(&page);
	make_nodes(2, FIRST_BYTES);
	use_node(1);
	stop_growth(&mem);
	shim_cpu = 1;
	CHECK_EQ(take_req(&page), 0);
	CHECK_EQ(last_nid(), 1);
	CHECK_EQ(node(1)->shelves[CC_COHERENT].nr, 1);
	while (node(1)->nr_empty || node(0)->nr_empty)
		CHECK_EQ(take(SZ_2M), 0);
	CHECK_EQ(node(1)->shelves[CC_COHERENT].nr_free, CC_CHUNK_PAGES - 1);

	/* Nor does coherent memory break a chunk of buffers if there is one for it elsewhere */
	drop(1);
	CHECK_EQ(take(SZ_64K), 0);
	shim_cpu = 1 - last_nid();
	CHECK_EQ(take_req(&page), 0);
	CHECK_EQ(last_nid(), 1);
	CHECK_EQ(node(1)->shelves[CC_COHERENT].nr_free, CC_CHUNK_PAGES - 2);
	CHECK_EQ(node(0)->shelves[CC_COHERENT].nr, 0);
	drop(nr_spans);
	shim_cpu = 0;
	drop_cc(&mem);
}
