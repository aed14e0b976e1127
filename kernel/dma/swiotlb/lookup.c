// SPDX-License-Identifier: GPL-2.0
/*
 * From a physical address to the pool that it lies in
 *
 * Every unmap and sync of every directly mapped device asks, nearly always for
 * an address that is in no pool, and sometimes for one that is not even RAM.
 * So the answer is a walk down a table made like a page table, with large
 * entries where a pool covers a whole granule:
 *
 *	root	one entry per GiB	-> leaf, or NULL
 *	leaf	one entry per 2 MiB	-> pool, or pages, or NULL
 *	pages	one entry per page	-> pool, or NULL
 *
 * The number of pools does not matter. Before the walk, inline, an address is
 * compared with the range that holds all pools.
 *
 * Reading takes no lock and no barrier. Tables are never freed, and an entry does
 * not change while a mapping lies below it. What is left is that a CPU which got
 * an address from another one must see the entries for it: swiotlb_pool_publish()
 * writes them and then waits for an RCU grace period before there is any address
 * to pass on. By then each CPU has executed a full memory barrier, wherever it
 * was, so whatever it loads after an address from that pool is new enough.
 * That makes mapping and lookup free, and publishing slow.
 *
 * The tables take 4 KiB per GiB of address space that ever had a pool, and
 * another 4 KiB where a pool begins or ends within a granule. Outgrown roots
 * stay as well; a new one is at least twice as long, so together they are
 * smaller than it.
 *
 * Locking: lookup_mutex serialises writers.
 */
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "internal.h"

#define GRANULE_SHIFT	21
#define GRANULE_BYTES	BIT_ULL(GRANULE_SHIFT)
#define LEAF_SHIFT	30
#define NR_GRANULES	(1U << (LEAF_SHIFT - GRANULE_SHIFT))
#define NR_PAGES	(1U << (GRANULE_SHIFT - PAGE_SHIFT))

/* Set in an entry of a leaf that leads to a table of pages */
#define ENTRY_IS_PAGES	1UL

/*
 * A table is complete before a walk can enter it. Pairs with the walk's own loads,
 * of which each depends on the one before.
 */
#define install(where, what)	smp_store_release(where, what)

struct lookup_pages {
	struct io_tlb_pool *pool[NR_PAGES];
};

struct lookup_leaf {
	unsigned long granule[NR_GRANULES];
};

struct lookup_root {
	unsigned long nr_leaves;
	struct lookup_root *outgrown;	/* for leak detectors only */
	struct lookup_leaf *leaf[];
};

static struct lookup_root empty_root;
static struct lookup_root *lookup_root = &empty_root;
static DEFINE_MUTEX(lookup_mutex);

struct swiotlb_range swiotlb_range __read_mostly = {
	.start_pfn = ULONG_MAX,
};

/**
 * __swiotlb_find_pool() - find the pool of a bounce buffer
 * @dev:   device that mapped the buffer
 * @paddr: any physical address
 *
 * Out of line part of swiotlb_find_pool(). A pool that belongs to other bounce
 * memory than that of @dev does not count: what one device got from its
 * restricted pool may well be mapped by another.
 *
 * Context: any.
 * Return: the pool, or %NULL.
 */
struct io_tlb_pool *__swiotlb_find_pool(struct device *dev, phys_addr_t paddr)
{
	const struct lookup_root *root = READ_ONCE(lookup_root);
	u64 gib = (u64)paddr >> LEAF_SHIFT;
	struct io_tlb_pool *pool;
	struct lookup_leaf *leaf;
	unsigned long entry;

	if (gib >= root->nr_leaves)
		return NULL;

	leaf = READ_ONCE(root->leaf[gib]);
	if (!leaf)
		return NULL;

	entry = READ_ONCE(leaf->granule[(paddr >> GRANULE_SHIFT) % NR_GRANULES]);
	if (unlikely(entry & ENTRY_IS_PAGES)) {
		struct lookup_pages *pages = (void *)(entry - ENTRY_IS_PAGES);

		pool = READ_ONCE(pages->pool[PHYS_PFN(paddr) % NR_PAGES]);
	} else {
		pool = (struct io_tlb_pool *)entry;
	}

	return pool && pool->mem == dev->dma_io_tlb_mem ? pool : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(__swiotlb_find_pool);

static void * __ref table_alloc(size_t bytes)
{
	if (slab_is_available())
		return kvzalloc(bytes, GFP_KERNEL);
	return memblock_alloc(bytes, SMP_CACHE_BYTES);
}

/* Make the root cover all addresses below @end */
static int grow_root(phys_addr_t end)
{
	struct lookup_root *old = lookup_root, *root;
	u64 nr = ((u64)end - 1) / (1ULL << LEAF_SHIFT) + 1;

	lockdep_assert_held(&lookup_mutex);
	if (nr <= old->nr_leaves)
		return 0;

	nr = max3(nr, 2ULL * old->nr_leaves,
		  (u64)max_pfn >> (LEAF_SHIFT - PAGE_SHIFT));
	root = table_alloc(struct_size(root, leaf, nr));
	if (!root)
		return -ENOMEM;

	root->nr_leaves = nr;
	root->outgrown = old;
	memcpy(root->leaf, old->leaf,
	       flex_array_size(old, leaf, old->nr_leaves));
	install(&lookup_root, root);
	return 0;
}

/* The entry of the granule at @paddr, or NULL if there is no memory for it */
static unsigned long *granule_entry(phys_addr_t paddr)
{
	struct lookup_leaf **slot = &lookup_root->leaf[(u64)paddr >> LEAF_SHIFT];

	if (!*slot) {
		struct lookup_leaf *leaf = table_alloc(sizeof(*leaf));

		if (!leaf)
			return NULL;
		install(slot, leaf);
	}
	return &(*slot)->granule[(paddr >> GRANULE_SHIFT) % NR_GRANULES];
}

/* Let all pages from @start to @end, which share a granule, lead to @pool */
static int set_granule(phys_addr_t start, phys_addr_t end,
		       struct io_tlb_pool *pool)
{
	unsigned long *entry = granule_entry(start);
	struct lookup_pages *pages;
	phys_addr_t page;

	if (!entry)
		return -ENOMEM;

	if (!(*entry & ENTRY_IS_PAGES)) {
		if (end - start == GRANULE_BYTES) {
			install(entry, (unsigned long)pool);
			return 0;
		}
		pages = table_alloc(sizeof(*pages));
		if (!pages)
			return -ENOMEM;
		install(entry, (unsigned long)pages + ENTRY_IS_PAGES);
	}

	pages = (void *)(*entry - ENTRY_IS_PAGES);
	for (page = start; page < end; page += PAGE_SIZE)
		install(&pages->pool[PHYS_PFN(page) % NR_PAGES], pool);
	return 0;
}

/* Returns how far it got, @end if it did not run out of memory */
static phys_addr_t set_range(phys_addr_t start, phys_addr_t end,
			     struct io_tlb_pool *pool)
{
	phys_addr_t next;

	for (; start < end; start = next) {
		next = min_t(u64, end, round_down((u64)start, GRANULE_BYTES) +
				       GRANULE_BYTES);
		if (set_granule(start, next, pool))
			break;
	}
	return start;
}

/**
 * swiotlb_pool_publish() - let addresses in a pool lead to it
 * @pool: complete in all its members, overlapping no other pool
 *
 * For backends, before they give out the pool's first span.
 *
 * Context: process context, or early boot; may sleep.
 * Return: 0, or -ENOMEM with nothing published.
 */
int swiotlb_pool_publish(struct io_tlb_pool *pool)
{
	phys_addr_t done = pool->start;
	int err;

	mutex_lock(&lookup_mutex);
	err = grow_root(pool->end);
	if (!err) {
		done = set_range(pool->start, pool->end, pool);
		if (done != pool->end) {
			/* These entries have their tables, so this works */
			set_range(pool->start, done, NULL);
			err = -ENOMEM;
		}
	}
	if (!err) {
		WRITE_ONCE(swiotlb_range.start_pfn,
			   min(swiotlb_range.start_pfn,
			       PHYS_PFN(pool->start)));
		WRITE_ONCE(swiotlb_range.end_pfn,
			   max(swiotlb_range.end_pfn, PHYS_PFN(pool->end)));
	}
	mutex_unlock(&lookup_mutex);

	if (!err && slab_is_available())
		synchronize_rcu();
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_pool_publish);

/**
 * swiotlb_pool_retract() - the reverse of swiotlb_pool_publish()
 * @pool: pool in which nothing is mapped any more
 *
 * Context: process context, may sleep.
 */
void swiotlb_pool_retract(struct io_tlb_pool *pool)
{
	mutex_lock(&lookup_mutex);
	set_range(pool->start, pool->end, NULL);
	mutex_unlock(&lookup_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_pool_retract);
