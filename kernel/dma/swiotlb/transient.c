// SPDX-License-Identifier: GPL-2.0
/*
 * Transient pools of the `dynamic` backend: one mapping each
 *
 * The last resort of a mapping that finds no room, while a worker makes more: it
 * gets memory from the page allocator that is not waited for, and a pool of one
 * slot around it. When the mapping ends, the pool goes to a list, since addresses
 * may still be looked up in it and pages cannot be freed with interrupts off on all
 * architectures. A worker takes the whole list, waits for one RCU grace period and
 * frees it all.
 *
 * The memory is a power of two of pages, aligned to its size. So all alignments up
 * to that hold at its start, and no boundary above that cuts it; the bits that the
 * device wants the buffer to share with the original are its offset from there.
 *
 * Memory of a confidential guest would have to be converted, for which there is no
 * time: there are no transient pools. What helps there is that pools are made ahead
 * of need, see resize.c.
 *
 * What waits there or is in use counts against the cap of the backend.
 *
 * Locking: there is none. A pool belongs to its mapping, then to the list.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>

#include "dynamic.h"
#include "internal.h"

/**
 * struct transient - a pool for one mapping
 * @pool:      what the core sees
 * @slot:      the record of its only slot
 * @published: addresses in it lead to it
 * @node:      in the list of those no longer in use
 */
struct transient {
	struct io_tlb_pool pool;
	struct swiotlb_slot slot;
	bool published;
	struct llist_node node;
};

static size_t pool_bytes(const struct transient *tr)
{
	return tr->pool.end - tr->pool.start;
}

static void reap_all(struct transients *t)
{
	struct llist_node *list = llist_del_all(&t->freed);
	struct transient *tr, *next;

	if (!list)
		return;

	llist_for_each_entry(tr, list, node) {
		if (tr->published)
			swiotlb_pool_retract(&tr->pool);
	}
	/* For lookups, and for those who put them on the list */
	synchronize_rcu();

	llist_for_each_entry_safe(tr, next, list, node) {
		atomic_long_sub(pool_bytes(tr), &t->held_bytes);
		swiotlb_pool_release(t->mem, &tr->pool);
		kfree(tr);
	}
}

static void reap(struct work_struct *work)
{
	reap_all(container_of(to_delayed_work(work), struct transients, reap));
}

static void discard(struct transients *t, struct transient *tr)
{
	llist_add(&tr->node, &t->freed);
	/* If it is too early in boot, the next one takes this one along */
	swiotlb_queue_work(&t->reap, 0);
}

/* Size of a pool that can serve a request, or 0 if none can */
static size_t bytes_needed(const struct swiotlb_req *req, unsigned int offset)
{
	size_t bytes = req->size + offset;
	size_t align;

	if (req->min_align_mask > SWIOTLB_MAX_OFFSET ||
	    req->alloc_align_mask > SWIOTLB_MAX_OFFSET ||
	    (offset & req->boundary_mask) + req->size - 1 > req->boundary_mask)
		return 0;

	/* So much ends where it must, too: it is a multiple of any smaller power of two */
	align = max(req->min_align_mask, req->alloc_align_mask) + 1UL;
	bytes = roundup_pow_of_two(max3(bytes, align, PAGE_SIZE));

	/* If the bus shifts addresses by less, alignment is lost */
	return IS_ALIGNED(req->dma_offset, bytes) ? bytes : 0;
}

/* A published pool of @bytes; -ERANGE if its memory is out of reach */
static struct transient *provision(struct transients *t,
				   const struct swiotlb_req *req, gfp_t zone,
				   size_t bytes)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_ATOMIC,
		.bytes = bytes,
		.gfp = zone,
	};
	struct transient *tr;
	int err;

	tr = kzalloc(sizeof(*tr), GFP_NOWAIT | __GFP_NOWARN);
	if (!tr)
		return ERR_PTR(-ENOMEM);

	tr->pool.mem = t->mem;
	tr->pool.ops = t->mem->ops;
	tr->pool.slots = &tr->slot;
	tr->pool.slot_shift = ilog2(bytes);
	tr->pool.nr_slots = 1;
	err = swiotlb_pool_provision(t->mem, &tr->pool, &params);
	if (err) {
		kfree(tr);
		return ERR_PTR(err);
	}

	/*
	 * Memory that must be converted was refused where cc_platform_has()
	 * tells. Other architectures convert without sleeping, or not at all.
	 */
	if (!IS_ENABLED(CONFIG_ARCH_HAS_CC_PLATFORM)) {
		err = swiotlb_pool_share(t->mem, &tr->pool);
		if (err) {
			kfree(tr);
			return ERR_PTR(err);
		}
	}

	atomic_long_add(bytes, &t->held_bytes);
	err = -ERANGE;
	if (tr->pool.start + req->dma_offset <= req->addr_limit &&
	    tr->pool.end - 1 + req->dma_offset <= req->addr_limit)
		err = swiotlb_pool_publish_atomic(&tr->pool);
	if (err) {
		discard(t, tr);
		return ERR_PTR(err);
	}
	tr->published = true;
	return tr;
}

/**
 * transient_alloc() - make a pool for one mapping
 * @t:	       where it belongs
 * @req:       what the mapping needs
 * @end_pfn:   its device reaches the pages below this one
 * @room_bytes: how much memory they may take
 * @span:      receives the place
 *
 * Context: any but NMI; in an RCU read section.
 * Return: 0, or -ENOSPC.
 */
int transient_alloc(struct transients *t, const struct swiotlb_req *req,
		    unsigned long end_pfn, u64 room_bytes,
		    struct swiotlb_span *span)
{
	unsigned int offset = req->orig_addr & req->min_align_mask;
	gfp_t zone = dynamic_zone(t->mem, end_pfn);
	size_t bytes = bytes_needed(req, offset);
	struct transient *tr;

	if (!bytes || !end_pfn || READ_ONCE(t->refused))
		return -ENOSPC;

	do {
		if (bytes > room_bytes)
			return -ENOSPC;
		tr = provision(t, req, zone, bytes);
	} while (tr == ERR_PTR(-ERANGE) && swiotlb_lower_zone(&zone));

	if (IS_ERR(tr)) {
		/* Memory that must be converted: not today, nor tomorrow */
		if (tr == ERR_PTR(-EOPNOTSUPP))
			WRITE_ONCE(t->refused, true);
		return -ENOSPC;
	}

	atomic_long_inc(&t->nr_made);
	atomic_long_add(bytes, &t->used_bytes);
	swiotlb_report_transient(t->mem, bytes);

	span->pool = &tr->pool;
	span->slot = 0;
	span->nr_slots = 1;
	span->offset = offset;
	return 0;
}

/**
 * transient_free() - the mapping has ended
 * @t:	  where the pool belongs
 * @span: as transient_alloc() gave it
 *
 * Context: any but NMI; in an RCU read section.
 */
void transient_free(struct transients *t, const struct swiotlb_span *span)
{
	struct transient *tr = container_of(span->pool, struct transient, pool);

	atomic_long_sub(pool_bytes(tr), &t->used_bytes);
	swiotlb_report_transient(t->mem, -(long)pool_bytes(tr));
	discard(t, tr);
}

/**
 * transients_init() - there is none yet
 * @t:	 to be set up, zeroed
 * @mem: whose they will be
 *
 * Context: any, however early.
 */
void transients_init(struct transients *t, struct swiotlb_mem *mem)
{
	t->mem = mem;
	init_llist_head(&t->freed);
	INIT_DELAYED_WORK(&t->reap, reap);
}

/**
 * transients_exit() - free all
 * @t: none is in use; an RCU grace period has passed since the last one was freed
 *
 * Context: process context, may sleep.
 */
void transients_exit(struct transients *t)
{
	cancel_delayed_work_sync(&t->reap);
	reap_all(t);
}
