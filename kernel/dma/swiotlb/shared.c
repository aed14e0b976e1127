// SPDX-License-Identifier: GPL-2.0
/*
 * What dma_alloc_*() gets in a confidential guest: memory that is shared already
 *
 * Coherent memory must be accessible to the host from the first to the last byte. To
 * convert it at each allocation takes time and a context that may sleep, and
 * leaves blocks of both kinds all over memory. So an allocation tries
 *
 *   1. the pool that the device's mappings use, in any context;
 *   2. a block that was shared before and has room, in any context;
 *   3. a new block, if it may sleep;
 *
 * and after that dma-direct does what it always did, which is counted as
 * io_tlb_alloc_fallbacks. Restricted devices get nothing here.
 *
 * A block is memory from the page allocator in whole granules (cc_granule.h), at
 * least as large as what it was made for, and is converted whole. A bitmap tells
 * which of its pages are in use, so that those who need less share it. Allocations
 * are aligned to their size rounded up to a power of two, up to the largest block
 * of the page allocator; what is larger is aligned to a granule.
 *
 * A block that becomes empty is kept for a minute: drivers that are reloaded, or
 * change the size of their rings, convert nothing. Then, or if memory is tight, it is
 * made private and given back by a worker. The shrinker does not do that itself:
 * conversion takes locks inside which others wait for memory.
 *
 * There are few blocks, as what is large and coherent is allocated once per device:
 * they are in a list, which is walked to allocate and to free.
 *
 * Locking: shared_lock protects the list, and the bitmaps; interrupts are off.
 * shared_mutex serialises those who give blocks back.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/bitmap.h>
#include <linux/cc_granule.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>

#include "internal.h"

/* How long an empty block is kept */
#define IDLE_TIME	(60 * HZ)

#define MAX_BLOCK	(PAGE_SIZE << MAX_PAGE_ORDER)

/**
 * struct shared_block - shared memory that allocations are cut from
 * @node:     in the list of all
 * @vaddr:    where it is
 * @start:    its physical address
 * @nr_pages: its size
 * @nr_used:  pages in use
 * @emptied:  when the last one became free, in jiffies
 * @map:      which ones are in use
 */
struct shared_block {
	struct list_head node;
	void *vaddr;
	phys_addr_t start;
	unsigned long nr_pages;
	unsigned long nr_used;
	unsigned long emptied;
	unsigned long map[];
};

static LIST_HEAD(blocks);
static DEFINE_SPINLOCK(shared_lock);
static DEFINE_MUTEX(shared_mutex);

/*
 * Conversions that failed, one after the other, and when to try the next one, in
 * jiffies. Who misses what another CPU writes tries once too often, or too late.
 */
static unsigned int nr_leaked;
static u64 not_before;

static void give_back_idle(struct work_struct *work);
static void give_back_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(idle_work, give_back_idle);
static DECLARE_DELAYED_WORK(pressure_work, give_back_all);

static size_t block_bytes(const struct shared_block *block)
{
	return block->nr_pages << PAGE_SHIFT;
}

/* All of that, so that it need not be known what part it will be */
static bool reaches(struct device *dev, phys_addr_t start, size_t bytes)
{
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);
	dma_addr_t dma_addr = phys_to_dma_unencrypted(dev, start);

	if (dma_addr == DMA_MAPPING_ERROR)
		return false;
	return !limit || (dma_addr <= limit && bytes - 1 <= limit - dma_addr);
}

/* Pages at a multiple of so many as can be told; NULL if there is no room */
static struct page *cut(struct shared_block *block, size_t size)
{
	size_t align = size > MAX_BLOCK ? cc_shared_granule() :
					  PAGE_SIZE << get_order(size);
	unsigned long align_mask = PHYS_PFN(align) - 1;
	unsigned long first, nr = PFN_UP(size);

	lockdep_assert_held(&shared_lock);
	if (nr > block->nr_pages - block->nr_used)
		return NULL;

	first = bitmap_find_next_zero_area_off(block->map, block->nr_pages, 0,
					       nr, align_mask,
					       PHYS_PFN(block->start) &
					       align_mask);
	if (first + nr > block->nr_pages)
		return NULL;

	bitmap_set(block->map, first, nr);
	block->nr_used += nr;
	return pfn_to_page(PHYS_PFN(block->start) + first);
}

static struct page *alloc_cached(struct device *dev, size_t size)
{
	struct shared_block *block;
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&shared_lock, flags);
	list_for_each_entry(block, &blocks, node) {
		if (!reaches(dev, block->start, block_bytes(block)))
			continue;
		page = cut(block, size);
		if (page)
			break;
	}
	spin_unlock_irqrestore(&shared_lock, flags);
	return page;
}

/* Private pages that the device reaches */
static void *find_pages(struct device *dev, size_t bytes, gfp_t gfp)
{
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);
	gfp_t zone = swiotlb_zone(dma_to_phys(dev, limit ?: U64_MAX));
	void *vaddr;

	do {
		vaddr = swiotlb_pages_get(bytes, gfp | zone, NUMA_NO_NODE);
		if (!vaddr || reaches(dev, virt_to_phys(vaddr), bytes))
			return vaddr;
		swiotlb_pages_put(vaddr, bytes);
	} while (swiotlb_lower_zone(&zone));
	return NULL;
}

static void back_off(void)
{
	unsigned int nr = READ_ONCE(nr_leaked) + 1;

	WRITE_ONCE(nr_leaked, nr);
	WRITE_ONCE(not_before, get_jiffies_64() + swiotlb_leak_delay(nr));
}

static struct page *alloc_new(struct device *dev, size_t size, gfp_t gfp)
{
	struct shared_block *block;
	struct page *page;
	size_t bytes;

	bytes = cc_granule_align(size);
	/* How hard to try is all that matters of it */
	gfp &= ~(GFP_ZONEMASK | __GFP_ZERO | __GFP_COMP);
	gfp |= __GFP_RETRY_MAYFAIL;
	if (READ_ONCE(nr_leaked) &&
	    time_before64(get_jiffies_64(), READ_ONCE(not_before)))
		return NULL;

	block = kzalloc(struct_size(block, map,
				    BITS_TO_LONGS(bytes >> PAGE_SHIFT)), gfp);
	if (!block)
		return NULL;
	block->nr_pages = bytes >> PAGE_SHIFT;
	block->vaddr = find_pages(dev, bytes, gfp);
	if (!block->vaddr)
		goto err_free;
	if (swiotlb_pages_share(&swiotlb_default_domain.own, block->vaddr,
				bytes)) {
		/* The pages are leaked */
		back_off();
		goto err_free;
	}
	WRITE_ONCE(nr_leaked, 0);
	block->start = virt_to_phys(block->vaddr);
	atomic_long_add(bytes, &swiotlb_default_domain.alloc_bytes);

	spin_lock_irq(&shared_lock);
	page = cut(block, size);
	list_add_tail(&block->node, &blocks);
	spin_unlock_irq(&shared_lock);
	return page;

err_free:
	kfree(block);
	return NULL;
}

/**
 * swiotlb_alloc_shared() - allocate shared pages
 * @dev:  for whom
 * @size: bytes
 * @gfp:  whether it may sleep, and how hard to try
 *
 * For dma-direct. The pages need not be converted, neither now nor when they are
 * freed. They are not zeroed.
 *
 * Context: any that @gfp allows.
 * Return: contiguous pages that the device reaches, with an address in the direct
 * mapping; or %NULL if they are to be had in the ordinary way: always so but in
 * a confidential guest.
 */
struct page *swiotlb_alloc_shared(struct device *dev, size_t size, gfp_t gfp)
{
	const struct io_tlb_mem *iotlb = io_tlb_mem_of(dev);
	struct page *page;

	if (!iotlb->for_alloc || iotlb->restricted || !size)
		return NULL;

	page = swiotlb_alloc_in_pool(dev, size, true);
	if (!page)
		page = alloc_cached(dev, size);
	if (!page && gfpflags_allow_blocking(gfp))
		page = alloc_new(dev, size, gfp);
	if (page)
		return page;

	atomic_long_inc(&iotlb->domain->own.alloc_fallbacks);
	dev_dbg(dev, "no shared memory for an allocation of %zu bytes\n", size);
	return NULL;
}

static struct shared_block *block_at(phys_addr_t paddr)
{
	struct shared_block *block;

	lockdep_assert_held(&shared_lock);
	list_for_each_entry(block, &blocks, node) {
		if (paddr >= block->start &&
		    paddr - block->start < block_bytes(block))
			return block;
	}
	return NULL;
}

/* False if they are not of a block, or are not all in use */
static bool uncut(struct shared_block *block, phys_addr_t paddr, size_t size)
{
	unsigned long first = PHYS_PFN(paddr - block->start);
	unsigned long nr = PFN_UP(size);

	lockdep_assert_held(&shared_lock);
	if (nr > block->nr_pages - first ||
	    find_next_zero_bit(block->map, first + nr, first) < first + nr)
		return false;

	bitmap_clear(block->map, first, nr);
	block->nr_used -= nr;
	block->emptied = jiffies;
	return true;
}

/**
 * swiotlb_free_shared() - free pages, if they are shared ones
 * @dev:  for whom they were
 * @page: first page
 * @size: bytes
 *
 * It is the address that tells: what was allocated in the ordinary way is freed so.
 *
 * Context: any.
 * Return: %false if they did not come from swiotlb_alloc_shared().
 */
bool swiotlb_free_shared(struct device *dev, struct page *page, size_t size)
{
	const struct io_tlb_mem *iotlb = io_tlb_mem_of(dev);
	phys_addr_t paddr = page_to_phys(page);
	struct shared_block *block;
	bool was_used = true;
	unsigned long flags;

	if (!iotlb->for_alloc || iotlb->restricted)
		return false;
	if (swiotlb_free(dev, page, size))
		return true;

	spin_lock_irqsave(&shared_lock, flags);
	block = block_at(paddr);
	if (block)
		was_used = uncut(block, paddr, size);
	spin_unlock_irqrestore(&shared_lock, flags);
	if (!block)
		return false;

	dev_WARN_ONCE(dev, !was_used,
		      "frees %zu bytes of shared memory at %pa that are not in use\n",
		      size, &paddr);
	swiotlb_queue_work(&idle_work, IDLE_TIME);
	return true;
}

/* Give back the blocks that have been empty for so long, in jiffies */
static void give_back(unsigned long idle)
{
	struct shared_block *block, *next;
	bool is_any_empty = false;
	LIST_HEAD(leaving);

	guard(mutex)(&shared_mutex);
	spin_lock_irq(&shared_lock);
	list_for_each_entry_safe(block, next, &blocks, node) {
		if (block->nr_used)
			continue;
		if (time_before(jiffies, block->emptied + idle))
			is_any_empty = true;
		else
			list_move(&block->node, &leaving);
	}
	spin_unlock_irq(&shared_lock);

	list_for_each_entry_safe(block, next, &leaving, node) {
		atomic_long_sub(block_bytes(block),
				&swiotlb_default_domain.alloc_bytes);
		if (!swiotlb_pages_unshare(&swiotlb_default_domain.own,
					   block->vaddr, block_bytes(block)))
			swiotlb_pages_put(block->vaddr, block_bytes(block));
		kfree(block);
	}
	if (is_any_empty)
		swiotlb_queue_work(&idle_work, IDLE_TIME / 4);
}

static void give_back_idle(struct work_struct *work)
{
	give_back(IDLE_TIME);
}

static void give_back_all(struct work_struct *work)
{
	give_back(0);
}

static unsigned long count_empty(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct shared_block *block;
	unsigned long nr = 0, flags;

	spin_lock_irqsave(&shared_lock, flags);
	list_for_each_entry(block, &blocks, node) {
		if (!block->nr_used)
			nr += block->nr_pages;
	}
	spin_unlock_irqrestore(&shared_lock, flags);
	return nr;
}

static unsigned long ask_for_empty(struct shrinker *shrinker,
				   struct shrink_control *sc)
{
	swiotlb_queue_work(&pressure_work, 0);
	return SHRINK_STOP;
}

static int __init swiotlb_shared_init(void)
{
	struct shrinker *shrinker;

	if (!swiotlb_default.for_alloc)
		return 0;

	shrinker = shrinker_alloc(0, "swiotlb-shared");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = count_empty;
	shrinker->scan_objects = ask_for_empty;
	shrinker_register(shrinker);
	return 0;
}
postcore_initcall(swiotlb_shared_init);
