// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of pools: found, shared with the host, given back
 *
 * A conversion that fails leaves memory in a state that nobody knows. Such
 * memory is never used or freed again: it is leaked, counted, and said so.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/cc_platform.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kmemleak.h>
#include <linux/mem_encrypt.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <linux/topology.h>

#include "internal.h"

/*
 * What is too small to bother with: who cannot have one contiguous MiB is in
 * trouble anyway. Smaller sizes that were asked for are honoured.
 */
#define MIN_BYTES	SZ_1M
#define SEG_BYTES	((size_t)IO_TLB_SEGSIZE << IO_TLB_SHIFT)

/* Half of it, in whole segments; 0 when that is not worth it */
static size_t less_bytes(size_t bytes)
{
	if (bytes <= MIN_BYTES)
		return 0;
	return ALIGN(bytes / 2, SEG_BYTES);
}

static int call_remap(const struct swiotlb_params *params, void *vaddr,
		      size_t bytes)
{
	int err = 0;

	if (params->remap)
		err = params->remap(vaddr, bytes >> IO_TLB_SHIFT);
	if (err < 0)
		pr_warn("platform refuses %zu bytes of bounce buffers: %d\n",
			bytes, err);
	return min(err, 0);
}

/*
 * A pool begins at a multiple of a segment, so that alignments up to its size can
 * be had at the same place in each of them; a larger one at a multiple of 2 MiB,
 * so that no huge page of the host is shared in part at its start.
 */
static int __ref get_early(const struct swiotlb_params *params, void **vaddr,
			   size_t bytes)
{
	size_t align = bytes >= SZ_2M ? SZ_2M : SEG_BYTES;
	int err;

	if (params->flags & SWIOTLB_ANY)
		*vaddr = memblock_alloc(bytes, align);
	else
		*vaddr = memblock_alloc_low(bytes, align);
	if (!*vaddr) {
		pr_warn("cannot allocate %zu bytes of bounce buffers\n", bytes);
		return -ENOMEM;
	}

	err = call_remap(params, *vaddr, bytes);
	if (err)
		memblock_free(*vaddr, bytes);
	return err;
}

/* More than the page allocator has in one piece: others must be moved away */
static bool is_huge(size_t bytes)
{
	return get_order(bytes) > MAX_PAGE_ORDER;
}

static void *alloc_huge(size_t bytes, gfp_t gfp)
{
	struct page *page = NULL;

#ifdef CONFIG_CONTIG_ALLOC
	page = alloc_contig_pages(bytes >> PAGE_SHIFT, gfp, numa_mem_id(), NULL);
#endif
	if (!page)
		return NULL;
	return memset(page_address(page), 0, bytes);
}

static void free_late(void *vaddr, size_t bytes)
{
	if (is_huge(bytes))
		free_contig_range(PHYS_PFN(virt_to_phys(vaddr)),
				  bytes >> PAGE_SHIFT);
	else
		free_pages_exact(vaddr, bytes);
}

static int get_late(const struct swiotlb_params *params, void **vaddr,
		    size_t bytes)
{
	gfp_t gfp = params->gfp | __GFP_NOWARN;
	int err;

	if (is_huge(bytes))
		*vaddr = alloc_huge(bytes, gfp);
	else
		*vaddr = alloc_pages_exact(bytes, gfp | __GFP_ZERO);
	if (!*vaddr)
		return -ENOMEM;

	err = call_remap(params, *vaddr, bytes);
	if (err)
		free_late(*vaddr, bytes);
	return err;
}

/*
 * Zeroed, as one device must not see what the kernel or another device left. Memory
 * of confidential guests would have to be converted, which nobody can do here.
 */
static int get_atomic(const struct swiotlb_params *params, void **vaddr,
		      size_t bytes)
{
	gfp_t gfp = (params->gfp & GFP_ZONEMASK) | GFP_NOWAIT | __GFP_NOWARN |
		    __GFP_ZERO;

	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return -EOPNOTSUPP;

	*vaddr = (void *)__get_free_pages(gfp, get_order(bytes));
	return *vaddr ? 0 : -ENOMEM;
}

static int get_reserved(const struct swiotlb_params *params, void **vaddr)
{
	if (!PAGE_ALIGNED(params->base) || !PAGE_ALIGNED(params->bytes))
		return -EINVAL;

	*vaddr = phys_to_virt(params->base);
	return 0;
}

/**
 * swiotlb_pool_provision() - find memory for a pool
 * @mem:    whom it is for
 * @pool:   receives the memory in @start, @end, @vaddr, @phase
 * @params: what is wanted; settles for half of it, and half of that, down to
 *	    1 MiB, unless the memory is a given or for one mapping; that has as many
 *	    bytes as the next power of two, and is aligned to that
 *
 * The memory is private still. It holds no data of this kernel, unless it is
 * reserved memory.
 *
 * Context: early boot for %SWIOTLB_EARLY; any but NMI for %SWIOTLB_ATOMIC; else
 * process context, may sleep.
 * Return: 0, -ENOMEM, -EINVAL, -EOPNOTSUPP if memory cannot be had atomically
 * since it must be converted, or what the remap callback said last.
 */
int swiotlb_pool_provision(struct swiotlb_mem *mem, struct io_tlb_pool *pool,
			   const struct swiotlb_params *params)
{
	size_t bytes = PAGE_ALIGN(params->bytes);
	void *vaddr = NULL;
	int err = -ENOMEM;

	if (!bytes)
		return -EINVAL;

	while (err && bytes) {
		switch (params->phase) {
		case SWIOTLB_RESERVED:
			err = get_reserved(params, &vaddr);
			if (err)
				return err;
			break;
		case SWIOTLB_EARLY:
			err = get_early(params, &vaddr, bytes);
			break;
		case SWIOTLB_LATE:
			err = get_late(params, &vaddr, bytes);
			break;
		case SWIOTLB_ATOMIC:
			/* For one mapping, which needs all of it */
			bytes = PAGE_SIZE << get_order(bytes);
			err = get_atomic(params, &vaddr, bytes);
			if (err)
				return err;
			break;
		}
		if (err)
			bytes = less_bytes(bytes);
	}
	if (err)
		return err;

	pool->vaddr = vaddr;
	pool->start = virt_to_phys(vaddr);
	pool->end = pool->start + bytes;
	pool->phase = params->phase;
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_provision);

static void count_leak(struct swiotlb_mem *mem, struct io_tlb_pool *pool, int err)
{
	size_t bytes = pool->end - pool->start;

	atomic_long_add(bytes, &mem->domain->leaked);
	pr_err_ratelimited("conversion of %zu bytes at %pa failed: %d, leaking them\n",
			   bytes, &pool->start, err);
}

/**
 * swiotlb_pool_share() - make a pool's memory accessible to the host
 * @mem:  whom it is for
 * @pool: provisioned
 *
 * Does nothing, successfully, where memory is not private to begin with. What is
 * in the memory afterwards comes from the host or was zero, and never from this
 * kernel.
 *
 * Context: process context, may sleep; in early boot where page attributes can be
 * changed so early.
 * Return: 0, or an errno; then the memory is leaked and counted, and only
 * forgetting it is left to the caller.
 */
int swiotlb_pool_share(struct swiotlb_mem *mem, struct io_tlb_pool *pool)
{
	size_t bytes = pool->end - pool->start;
	int err;

	/* The default pool may have been made late, and is shared already */
	if (pool->shared)
		return 0;

	err = set_memory_decrypted((unsigned long)pool->vaddr,
				   bytes >> PAGE_SHIFT);
	if (err) {
		count_leak(mem, pool, err);
		return err;
	}

	/*
	 * Conversion may scramble memory, and firmware may leave anything. Not
	 * so in the early pool: it can be large, is not all used at once, and
	 * a write makes the host back it.
	 */
	if (pool->phase == SWIOTLB_RESERVED ||
	    (pool->phase == SWIOTLB_LATE && cc_platform_has(CC_ATTR_MEM_ENCRYPT)))
		memset(pool->vaddr, 0, bytes);
	pool->shared = true;
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_share);

/* Memory that came from memblock goes to the page allocator */
static void free_boot_memory(void *vaddr, size_t bytes)
{
	kmemleak_free_part_phys(virt_to_phys(vaddr), bytes);
	free_reserved_area(vaddr, vaddr + bytes, -1, NULL);
}

/**
 * swiotlb_pool_release() - give a pool's memory back
 * @mem:  whom it was for
 * @pool: provisioned, perhaps shared, and not in use
 *
 * Makes the memory private first; if that fails it is leaked and counted.
 * Memory that firmware reserved has nowhere to go, it only becomes private.
 *
 * Context: process context, may sleep; early boot only if it was never shared.
 */
void __ref swiotlb_pool_release(struct swiotlb_mem *mem,
				struct io_tlb_pool *pool)
{
	size_t bytes = pool->end - pool->start;
	int err = 0;

	if (pool->shared)
		err = set_memory_encrypted((unsigned long)pool->vaddr,
					   bytes >> PAGE_SHIFT);
	if (err) {
		count_leak(mem, pool, err);
		return;
	}
	pool->shared = false;

	if (pool->phase == SWIOTLB_RESERVED)
		return;
	if (pool->phase == SWIOTLB_LATE)
		free_late(pool->vaddr, bytes);
	else if (pool->phase == SWIOTLB_ATOMIC)
		free_pages((unsigned long)pool->vaddr, get_order(bytes));
	else if (slab_is_available())
		free_boot_memory(pool->vaddr, bytes);
	else
		memblock_free(pool->vaddr, bytes);
}
EXPORT_SYMBOL_GPL(swiotlb_pool_release);

/**
 * swiotlb_meta_alloc() - memory for a backend's own data
 * @bytes: how much
 * @phase: as given to &swiotlb_backend_ops.init
 *
 * The memory is private, zeroed, and page-aligned, as whole pages are.
 *
 * Context: as &swiotlb_backend_ops.init.
 * Return: the memory, or %NULL.
 */
void __ref *swiotlb_meta_alloc(size_t bytes, enum swiotlb_phase phase)
{
	bytes = PAGE_ALIGN(bytes);
	if (phase == SWIOTLB_EARLY)
		return memblock_alloc(bytes, PAGE_SIZE);
	return kvzalloc(bytes, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(swiotlb_meta_alloc);

/**
 * swiotlb_meta_free() - give a backend's own data back
 * @meta:  from swiotlb_meta_alloc()
 * @bytes: as it was told
 * @phase: as it was told
 *
 * Context: as swiotlb_meta_alloc(), or process context.
 */
void __ref swiotlb_meta_free(void *meta, size_t bytes, enum swiotlb_phase phase)
{
	bytes = PAGE_ALIGN(bytes);
	if (phase != SWIOTLB_EARLY)
		kvfree(meta);
	else if (slab_is_available())
		free_boot_memory(meta, bytes);
	else
		memblock_free(meta, bytes);
}
EXPORT_SYMBOL_GPL(swiotlb_meta_free);
