// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend on machines with nodes: of several, CPUs have their memory nearby
 *
 * CPUs take turns to be of a node: with two of them, 0 and 2 are of the first.
 */
#include "cc_spans.h"

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
