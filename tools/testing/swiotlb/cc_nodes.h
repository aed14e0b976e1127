/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the cc backend on machines with nodes
 *
 * CPUs take turns to be of a node: with two of them, 0 and 2 are of the first.
 */
#ifndef _SWIOTLB_CC_NODES_H
#define _SWIOTLB_CC_NODES_H

#include "cc_spans.h"

static inline struct cc_depot *node(unsigned int nid)
{
	return &cc_of(&mem)->depots[CC_ANY + nid];
}

/* The CPUs with numbers below that of nodes are one of each */
static inline void make_nodes(unsigned int nr, size_t bytes)
{
	shim_nr_nodes = nr;
	make_cc_of(&mem, bytes);
	CHECK_EQ(node(0)->nr_chunks, cc_of(&mem)->nr_chunks[CC_ANY]);
}

static inline unsigned int nid_of(const struct swiotlb_span *span)
{
	return early_pfn_to_nid(PHYS_PFN(span_start(span)));
}

static inline unsigned int last_nid(void)
{
	CHECK(nr_spans);
	return nid_of(&spans[nr_spans - 1]);
}

/* Let a node have some, and nothing mapped there */
static inline void use_node(unsigned int nid)
{
	shim_cpu = nid;
	CHECK_EQ(take(SZ_64K), 0);
	drop(1);
	shim_settle();
	CHECK(node(nid)->nr_empty);
	cc_cpus_flush(cc_of(&mem), true);
}

/* Each on its own: what goes there is of that node, and nothing else is */
static inline void check_homes(void)
{
	struct cc_chunk *chunk;

	list_for_each_entry(chunk, &cc_of(&mem)->chunks, all) {
		int nid = early_pfn_to_nid(PHYS_PFN(chunk->pages.pool.start));

		CHECK(chunk->depot->nid == NUMA_NO_NODE || chunk->depot->nid == nid);
	}
}

#endif /* _SWIOTLB_CC_NODES_H */
