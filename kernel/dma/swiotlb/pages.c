// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for bounce memory, once the page allocator is there
 *
 * In a confidential guest they are whole granules (cc_granule.h). Where there is none
 * left, others are moved out of one, if nobody can be waiting for that.
 */
#include <linux/cc_granule.h>
#include <linux/dma-direct.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/sched/mm.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <linux/topology.h>

#include "internal.h"

/* More than the page allocator has in one piece: others must be moved away */
static bool is_huge(size_t bytes)
{
	return get_order(bytes) > MAX_PAGE_ORDER;
}

static void free_contig(void *vaddr, size_t bytes)
{
	free_contig_range(PHYS_PFN(virt_to_phys(vaddr)), bytes >> PAGE_SHIFT);
}

/*
 * Aligned to its size if that is a power of two; else to nothing, by contract: then
 * take a granule more, and give back what is before and behind.
 */
static void *alloc_contig(size_t bytes, gfp_t gfp, int nid)
{
	size_t more = is_power_of_2(bytes) ? 0 :
		      cc_shared_granule() - PAGE_SIZE;
	struct page *page = NULL;
	size_t before = 0;
	void *vaddr;

	/* How hard to try is not its business, and refused */
	gfp &= GFP_ZONEMASK | GFP_KERNEL | __GFP_NOWARN;
#ifdef CONFIG_CONTIG_ALLOC
	page = alloc_contig_pages((bytes + more) >> PAGE_SHIFT, gfp,
				  nid == NUMA_NO_NODE ? numa_mem_id() : nid,
				  NULL);
#endif
	if (!page)
		return NULL;

	vaddr = page_address(page);
	if (more)
		before = cc_granule_align(page_to_phys(page)) -
			 page_to_phys(page);
	if (before)
		free_contig(vaddr, before);
	if (more > before)
		free_contig(vaddr + before + bytes, more - before);
	return memset(vaddr + before, 0, bytes);
}

/*
 * Moving others away waits for I/O that is under way on their pages, whatever gfp
 * says: not for those who must not wait for I/O, nor for those who I/O waits for.
 * It is also a lot of work, which a granule is worth to nobody who would rather
 * take less.
 */
static bool may_move(size_t bytes, gfp_t gfp)
{
	gfp = current_gfp_context(gfp);
	if ((gfp & GFP_KERNEL) != GFP_KERNEL || (gfp & __GFP_NORETRY))
		return false;
	return is_huge(bytes) ||
	       (!(gfp & __GFP_RETRY_MAYFAIL) && bytes >= cc_shared_granule() &&
		cc_shared_granule() > PAGE_SIZE);
}

/* A block as alloc_pages_exact() has it, which knows no nodes, but for early boot */
static void *alloc_block(size_t bytes, gfp_t gfp, int nid)
{
	unsigned int order = get_order(bytes);
	struct page *page = alloc_pages_node(nid, gfp, order);

	if (!page)
		return NULL;
	split_page(page, order);
	return page_address(page);
}

/**
 * swiotlb_pages_get() - pages for bounce memory
 * @bytes: how many, whole pages; more than any block of the page allocator will do
 * @gfp:   zone, and how hard to try: others are moved away only by plain %GFP_KERNEL
 *	   and, for more than the largest block, with %__GFP_RETRY_MAYFAIL
 * @nid:   the node to try first, if @bytes are a power of two; or %NUMA_NO_NODE for
 *	   that of this CPU
 *
 * Context: process context, may sleep.
 * Return: zeroed private memory, or %NULL. It is aligned to its size if that is
 * a power of two, else to what is smaller, a granule or the largest block.
 */
void *swiotlb_pages_get(size_t bytes, gfp_t gfp, int nid)
{
	void *vaddr = NULL;

	gfp |= __GFP_NOWARN;
	if (!is_huge(bytes) && nid != NUMA_NO_NODE && is_power_of_2(bytes))
		vaddr = alloc_block(bytes, gfp | __GFP_ZERO, nid);
	else if (!is_huge(bytes))
		vaddr = alloc_pages_exact(bytes, gfp | __GFP_ZERO);
	if (!vaddr && may_move(bytes, gfp))
		vaddr = alloc_contig(bytes, gfp, nid);
	return vaddr;
}

/**
 * swiotlb_pages_put() - give pages back that are private
 * @vaddr: from swiotlb_pages_get()
 * @bytes: as it was told
 *
 * Context: process context.
 */
void swiotlb_pages_put(void *vaddr, size_t bytes)
{
	if (is_huge(bytes))
		free_contig(vaddr, bytes);
	else
		free_pages_exact(vaddr, bytes);
}

/**
 * swiotlb_zone() - the zone to try first for memory that a device reaches
 * @last: the last physical address that it reaches
 *
 * The zone is not narrower than it must be: what is had there may still be out of
 * reach.
 *
 * Context: any.
 * Return: a zone modifier.
 */
gfp_t swiotlb_zone(u64 last)
{
	if (last <= zone_dma_limit)
		return __GFP_DMA;
	if (last <= DMA_BIT_MASK(32))
		return __GFP_DMA32;
	return 0;
}

/**
 * swiotlb_lower_zone() - the zone to try when memory was out of reach
 * @zone: the last one, changed to the next one
 *
 * Not for when there was none: zones that are lower were tried then, as far as
 * they are not reserved.
 *
 * Context: any.
 * Return: %false if that was the lowest one.
 */
bool swiotlb_lower_zone(gfp_t *zone)
{
	if (IS_ENABLED(CONFIG_ZONE_DMA32) && !*zone)
		*zone = __GFP_DMA32;
	else if (IS_ENABLED(CONFIG_ZONE_DMA) && *zone != __GFP_DMA)
		*zone = __GFP_DMA;
	else
		return false;
	return true;
}
