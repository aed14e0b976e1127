// SPDX-License-Identifier: GPL-2.0
/*
 * From a physical address to the pool that it lies in
 *
 * Every unmap and sync of every directly mapped device asks, nearly always for
 * an address that is in no pool, and sometimes for one that is not even RAM.
 * So the answer is a walk down a table made like a page table, with large
 * entries where a pool covers a whole granule:
 *
 *	root	one entry per 32 MiB	-> leaf
 *	leaf	one entry per 64 KiB	-> pool, or pages, or NULL
 *	pages	one entry per page	-> pool, or NULL
 *
 * The number of pools does not matter. Before the walk, inline, an address is
 * compared with the range that holds all pools.
 *
 * Reading takes no lock. Tables are never freed. An entry belongs to whoever owns
 * the memory that it stands for, and does not change while anything is mapped
 * there. So writing takes a lock only to add a table.
 *
 * What is left is that a CPU which got an address from another one must see the
 * entries for it. There are two ways to see to that:
 *
 * swiotlb_pool_publish() writes the entries and then waits for an RCU grace
 * period before there is any address to pass on. By then each CPU has executed a
 * full memory barrier, wherever it was, so whatever it loads after an address from
 * that pool is new enough. That makes mapping and lookup free, and publishing
 * slow.
 *
 * swiotlb_pool_publish_atomic() cannot wait. It orders its writes before whatever
 * passes the address on; and each load of the walk depends on the address, but for
 * those of the range and the root, which need not change then: both were made to
 * cover the memory by swiotlb_pool_expect(), which did wait.
 *
 * A granule is as small as the smallest pools that are many, parts of which `cc` cuts
 * its memory: they come and go without a table of pages, which would take longer to
 * walk and have to be made.
 *
 * The tables take 4 KiB per 32 MiB of address space that ever had a pool, and 128
 * bytes where a pool begins or ends within a granule. The root takes 256 KiB per TiB
 * of address space. Outgrown ones stay as well; a new one is at least twice as long,
 * so together they are smaller than it.
 *
 * Locking: lookup_lock serialises who adds tables, and who changes the range. It
 * is taken with interrupts off, nothing is taken inside it.
 */
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "internal.h"

#define GRANULE_SHIFT	(PAGE_SHIFT > 16 ? PAGE_SHIFT : 16)
#define GRANULE_BYTES	BIT_ULL(GRANULE_SHIFT)
#define LEAF_SHIFT	(GRANULE_SHIFT + 9)
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
	struct lookup_root *outgrown;
	struct lookup_leaf *leaf[];
};

/* In place of all that are missing, so that lookup need not ask */
static struct lookup_leaf empty_leaf;

static struct lookup_root empty_root;
static struct lookup_root *lookup_root = &empty_root;
static DEFINE_SPINLOCK(lookup_lock);

/* Where all CPUs are known to look: only ever widened, under lookup_lock */
static struct swiotlb_range expected = {
	.start_pfn = ULONG_MAX,
};

struct swiotlb_range swiotlb_range __read_mostly = {
	.start_pfn = ULONG_MAX,
};

/**
 * __swiotlb_find_pool() - find the pool of a bounce buffer
 * @dev:   device that mapped the buffer
 * @paddr: any physical address
 *
 * Out of line part of swiotlb_find_pool(). A pool of another domain than that of
 * @dev does not count: what one device got from its restricted pool may well be
 * mapped by another.
 *
 * Context: any.
 * Return: the pool, or %NULL.
 */
struct io_tlb_pool *__swiotlb_find_pool(struct device *dev, phys_addr_t paddr)
{
	const struct lookup_root *root = READ_ONCE(lookup_root);
	u64 part = (u64)paddr >> LEAF_SHIFT;
	struct io_tlb_pool *pool;
	struct lookup_leaf *leaf;
	unsigned long entry;

	if (part >= root->nr_leaves)
		return NULL;

	leaf = READ_ONCE(root->leaf[part]);
	entry = READ_ONCE(leaf->granule[(paddr >> GRANULE_SHIFT) % NR_GRANULES]);
	if (likely(!entry))
		return NULL;
	if (unlikely(entry & ENTRY_IS_PAGES)) {
		struct lookup_pages *pages = (void *)(entry - ENTRY_IS_PAGES);

		pool = READ_ONCE(pages->pool[PHYS_PFN(paddr) % NR_PAGES]);
	} else {
		pool = (struct io_tlb_pool *)entry;
	}

	return pool && pool->domain == io_tlb_mem_of(dev)->domain ? pool : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(__swiotlb_find_pool);

static void * __ref table_alloc(size_t bytes, gfp_t gfp)
{
	if (slab_is_available())
		return kvzalloc(bytes, gfp | __GFP_NOWARN);
	return memblock_alloc(bytes, SMP_CACHE_BYTES);
}

/* Make the root cover all addresses below @end */
static int grow_root(phys_addr_t end)
{
	struct lookup_root *old = READ_ONCE(lookup_root), *root;
	u64 nr = ((u64)end - 1) / (1ULL << LEAF_SHIFT) + 1;
	unsigned long flags, part;
	size_t bytes;

	if (nr <= old->nr_leaves)
		return 0;

	nr = max3(nr, 2ULL * old->nr_leaves,
		  (u64)max_pfn >> (LEAF_SHIFT - PAGE_SHIFT));
	bytes = struct_size(root, leaf, nr);
	root = table_alloc(bytes, GFP_KERNEL);
	if (!root)
		return -ENOMEM;

	root->nr_leaves = nr;
	for (part = 0; part < nr; part++)
		root->leaf[part] = &empty_leaf;

	spin_lock_irqsave(&lookup_lock, flags);
	old = lookup_root;
	if (old->nr_leaves < nr) {
		root->outgrown = old;
		memcpy(root->leaf, old->leaf,
		       flex_array_size(old, leaf, old->nr_leaves));
		install(&lookup_root, root);
		root = NULL;
	}
	spin_unlock_irqrestore(&lookup_lock, flags);

	/* Another CPU was faster, so there is slab */
	kvfree(root);
	return 0;
}

static struct lookup_leaf **leaf_slot(phys_addr_t paddr)
{
	return &READ_ONCE(lookup_root)->leaf[(u64)paddr >> LEAF_SHIFT];
}

static unsigned long *granule_entry(struct lookup_leaf *leaf, phys_addr_t paddr)
{
	return &leaf->granule[(paddr >> GRANULE_SHIFT) % NR_GRANULES];
}

/* Have a leaf at @paddr */
static struct lookup_leaf *need_leaf(phys_addr_t paddr, gfp_t gfp)
{
	struct lookup_leaf *leaf = READ_ONCE(*leaf_slot(paddr)), *new;
	u64 part = (u64)paddr >> LEAF_SHIFT;
	struct lookup_root *root;
	unsigned long flags;

	if (leaf != &empty_leaf)
		return leaf;

	new = table_alloc(sizeof(*new), gfp);
	if (!new)
		return NULL;

	/*
	 * Under the lock, so that none goes to a root that was just copied. A
	 * CPU may still see an outgrown one: it gets the leaf, too. The oldest
	 * is empty_root, which has no part.
	 */
	spin_lock_irqsave(&lookup_lock, flags);
	leaf = *leaf_slot(paddr);
	if (leaf == &empty_leaf) {
		for (root = lookup_root; part < root->nr_leaves;
		     root = root->outgrown)
			install(&root->leaf[part], new);
		leaf = new;
		new = NULL;
	}
	spin_unlock_irqrestore(&lookup_lock, flags);

	/* Not of memblock: nobody else is there so early */
	kvfree(new);
	return leaf;
}

/* Have a table of pages at @paddr, where a pool takes only part of a granule */
static int need_pages(struct lookup_leaf *leaf, phys_addr_t paddr, gfp_t gfp)
{
	unsigned long *entry = granule_entry(leaf, paddr), flags;
	struct lookup_pages *new;

	if (READ_ONCE(*entry) & ENTRY_IS_PAGES)
		return 0;

	new = table_alloc(sizeof(*new), gfp);
	if (!new)
		return -ENOMEM;

	spin_lock_irqsave(&lookup_lock, flags);
	if (!(*entry & ENTRY_IS_PAGES)) {
		install(entry, (unsigned long)new + ENTRY_IS_PAGES);
		new = NULL;
	}
	spin_unlock_irqrestore(&lookup_lock, flags);

	/* As in the function above */
	kvfree(new);
	return 0;
}

/* Where the part of a range from @start that is in one granule ends */
static phys_addr_t part_end(phys_addr_t start, phys_addr_t end)
{
	return min_t(u64, end, round_down((u64)start, GRANULE_BYTES) +
			       GRANULE_BYTES);
}

/* Have all tables that entries for a range need; the root is long enough */
static int need_tables(phys_addr_t start, phys_addr_t end, gfp_t gfp)
{
	phys_addr_t next;

	for (; start < end; start = next) {
		struct lookup_leaf *leaf = need_leaf(start, gfp);

		next = part_end(start, end);
		if (!leaf)
			return -ENOMEM;
		if (next - start != GRANULE_BYTES &&
		    need_pages(leaf, start, gfp))
			return -ENOMEM;
	}
	return 0;
}

/* Let all pages of a range, for which there are tables, lead to @pool */
static void set_range(phys_addr_t start, phys_addr_t end,
		      struct io_tlb_pool *pool)
{
	phys_addr_t next;

	for (; start < end; start = next) {
		unsigned long *entry = granule_entry(*leaf_slot(start), start);
		struct lookup_pages *pages;

		next = part_end(start, end);
		if (!(*entry & ENTRY_IS_PAGES)) {
			install(entry, (unsigned long)pool);
			continue;
		}
		pages = (void *)(*entry - ENTRY_IS_PAGES);
		for (; start < next; start += PAGE_SIZE)
			install(&pages->pool[PHYS_PFN(start) % NR_PAGES], pool);
	}
}

static void grow_range(struct swiotlb_range *range, phys_addr_t start,
		       phys_addr_t end)
{
	unsigned long flags;

	spin_lock_irqsave(&lookup_lock, flags);
	WRITE_ONCE(range->start_pfn, min(range->start_pfn, PHYS_PFN(start)));
	WRITE_ONCE(range->end_pfn, max(range->end_pfn, PHYS_PFN(end)));
	spin_unlock_irqrestore(&lookup_lock, flags);
}

/* Let all CPUs see what was written, in whatever they do from now on */
static void wait_for_all_cpus(void)
{
	if (slab_is_available())
		synchronize_rcu();
}

/**
 * swiotlb_pool_expect() - prepare for swiotlb_pool_publish_atomic()
 * @start: lowest physical address that any such pool may have
 * @end:   just behind the highest one
 *
 * From now on a lookup walks the table for each address in between.
 *
 * Context: process context, or early boot; may sleep.
 * Return: 0, or -ENOMEM.
 */
int swiotlb_pool_expect(phys_addr_t start, phys_addr_t end)
{
	int err = grow_root(end);

	if (err)
		return err;
	grow_range(&swiotlb_range, start, end);
	wait_for_all_cpus();
	grow_range(&expected, start, end);
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_expect);

/**
 * swiotlb_pool_publish() - let addresses in a pool lead to it
 * @pool: complete but for @pool->domain, overlapping no other pool
 *
 * For backends, before they give out the pool's first span.
 *
 * Context: process context, or early boot; may sleep.
 * Return: 0, or -ENOMEM with nothing published.
 */
int swiotlb_pool_publish(struct io_tlb_pool *pool)
{
	int err;

	pool->domain = pool->mem->domain;
	err = grow_root(pool->end);
	if (!err)
		err = need_tables(pool->start, pool->end, GFP_KERNEL);
	if (err)
		return err;

	set_range(pool->start, pool->end, pool);
	grow_range(&swiotlb_range, pool->start, pool->end);
	wait_for_all_cpus();
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_publish);

/* Let addresses in @pool lead to @to from now on, for all who get one later */
static void lead_to(const struct io_tlb_pool *pool, struct io_tlb_pool *to)
{
	set_range(pool->start, pool->end, to);
	/*
	 * Pairs with the address dependencies of whoever gets an address from
	 * this CPU and looks it up. A full one, since tables on the way may have
	 * been added by other CPUs.
	 */
	smp_mb();
}

/**
 * swiotlb_pool_publish_atomic() - let addresses in a pool lead to it, at once
 * @pool: complete but for @pool->domain, overlapping no other pool; or within
 *	  one, which gets its addresses back by swiotlb_pool_return()
 *
 * Context: any but NMI.
 * Return: 0; -ERANGE if swiotlb_pool_expect() was not told of such addresses;
 * -ENOMEM. Nothing is published then.
 */
int swiotlb_pool_publish_atomic(struct io_tlb_pool *pool)
{
	int err;

	if (PHYS_PFN(pool->start) < READ_ONCE(expected.start_pfn) ||
	    PHYS_PFN(pool->end) > READ_ONCE(expected.end_pfn))
		return -ERANGE;

	pool->domain = pool->mem->domain;
	err = need_tables(pool->start, pool->end, GFP_NOWAIT);
	if (err)
		return err;

	lead_to(pool, pool);
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_publish_atomic);

/**
 * swiotlb_pool_return() - let addresses in a pool lead to the pool around it again
 * @pool:   pool in which nothing is mapped any more; what it lies in was had by
 *	    swiotlb_pool_expect()
 * @around: pool that is published, and lost these addresses to @pool
 *
 * Who looked up an address just before may still have @pool: it must neither be
 * freed nor be changed until an RCU grace period is over.
 *
 * Context: any but NMI.
 */
void swiotlb_pool_return(struct io_tlb_pool *pool, struct io_tlb_pool *around)
{
	lead_to(pool, around);
}
EXPORT_SYMBOL_GPL(swiotlb_pool_return);

/**
 * swiotlb_pool_retract() - the reverse of publishing
 * @pool: pool in which nothing is mapped any more
 *
 * Whoever frees what @pool lies in waits for an RCU grace period first.
 *
 * Context: any but NMI.
 */
void swiotlb_pool_retract(struct io_tlb_pool *pool)
{
	set_range(pool->start, pool->end, NULL);
}
EXPORT_SYMBOL_GPL(swiotlb_pool_retract);
