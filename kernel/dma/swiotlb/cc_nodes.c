// SPDX-License-Identifier: GPL-2.0
/*
 * The `cc` backend on machines with nodes: which depot
 *
 * To copy into memory of another node takes longer. So each node has a depot, of chunks
 * whose memory is of that node. Low memory is little, and of one node as a rule: it has
 * one depot for all. Where all memory is low that is the only one.
 *
 * A request looks in the depot of its CPU's node first, and then in those of the other
 * nodes, as far as they have any memory, in the order of their numbers from its own on.
 *
 *  - Small buffers get slots of less than 4 KiB on any node before they get pages.
 *  - All get what is there for buffers on any node before they get what is set aside
 *    on one: last, kept and coherent chunks. But then they get that of any node, too. What
 *    a node keeps for those who free memory is for all of these.
 *  - What is kept by CPUs is not told apart: a slot that was freed on a CPU of another
 *    node is still in that CPU's caches. It goes home when the CPU gives it back.
 *
 * A node is in use as long as its CPUs look for memory, wherever they find it, or anything
 * is mapped in its own; that with the last chunk always is. Then it should have some that
 * is free, else none: see cc_wanted.c.
 *
 * Locking: nobody has the locks of two depots.
 */
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>
#include <linux/topology.h>

#include "cc.h"

/**
 * cc_nodes_depots() - how many depots there must be
 * @reach: that of those who reach all memory
 *
 * Context: any, however early.
 * Return: number of &cc.depots.
 */
unsigned int cc_nodes_depots(enum cc_reach reach)
{
	return reach == CC_LOW ? 1 : CC_ANY + nr_node_ids;
}

/**
 * cc_nodes_init() - empty depots
 * @cc:	 zeroed, but for how many there are, and for whom
 * @end: no memory is behind that address
 *
 * Context: any, however early.
 */
void cc_nodes_init(struct cc *cc, u64 end)
{
	unsigned int i;

	cc_depot_init(cc, &cc->depots[CC_LOW], CC_LOW, NUMA_NO_NODE, SZ_4G);
	for (i = CC_ANY; i < cc->nr_depots; i++)
		cc_depot_init(cc, &cc->depots[i], CC_ANY, i - CC_ANY, end);
	/* Of one node this will be true */
	cc_nodes_home(cc, cc->main)->was_used = true;
}

/**
 * cc_nodes_depot() - where memory belongs
 * @cc:	   whose
 * @reach: for whom it is
 * @nid:   its node
 *
 * Context: any.
 * Return: the depot.
 */
struct cc_depot *cc_nodes_depot(struct cc *cc, enum cc_reach reach, int nid)
{
	return &cc->depots[reach == CC_LOW ? CC_LOW : CC_ANY + nid];
}

/**
 * cc_nodes_home() - where a request looks first
 * @cc:	   whose
 * @reach: that its device has
 *
 * Context: any. Who may be preempted may be on another node before this returns.
 * Return: the depot.
 */
struct cc_depot *cc_nodes_home(struct cc *cc, enum cc_reach reach)
{
	return cc_nodes_depot(cc, reach, numa_mem_id());
}

/**
 * cc_nodes_next() - where a request looks next
 * @d:	  where it found nothing
 * @home: where it looked first
 *
 * Context: any.
 * Return: another depot with the same reach that has any memory; @home if there are no
 * more.
 */
struct cc_depot *cc_nodes_next(struct cc_depot *d, struct cc_depot *home)
{
	struct cc *cc = home->cc;

	if (home->reach == CC_LOW)
		return home;
	do {
		if (++d == cc_depots_end(cc))
			d = &cc->depots[CC_ANY];
	} while (d != home && !READ_ONCE(d->nr_chunks));
	return d;
}
