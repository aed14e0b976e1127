// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of pools: found, shared with the host, given back
 *
 * A conversion that fails leaves memory in a state that nobody knows. Such
 * memory is never used or freed again: it is leaked, counted, and said so.
 *
 * In a confidential guest memory comes in whole granules (cc_granule.h), so that
 * the host backs no block of it twice. Where there is none left, a part of a granule
 * will do, since I/O that fails is worse than a block of both kinds. That is counted,
 * and said.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/cc_granule.h>
#include <linux/cc_platform.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kmemleak.h>
#include <linux/mem_encrypt.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "internal.h"

/*
 * What is too small to bother with: who cannot have one contiguous MiB is in
 * trouble anyway. Smaller sizes that were asked for are honoured.
 */
#define MIN_BYTES	SZ_1M
#define SEG_BYTES	((size_t)IO_TLB_SEGSIZE << IO_TLB_SHIFT)

/* See swiotlb_leak_delay() */
#define LEAK_DELAY	(10UL * HZ)
#define MAX_LEAK_SHIFT	9U

/*
 * Half of it, in whole segments and granules; then a part of a granule; 0 when
 * that is not worth it
 */
static size_t less_bytes(size_t bytes)
{
	if (bytes <= MIN_BYTES)
		return 0;
	if (bytes <= cc_shared_granule())
		return MIN_BYTES;
	return cc_granule_align(ALIGN(bytes / 2, SEG_BYTES));
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
 * Low memory was tried. Where a backend has just one pool, devices that reach
 * nothing else are left with none, so less of low memory is better than that.
 */
static bool may_be_high(const struct swiotlb_mem *mem,
			const struct swiotlb_params *params, size_t bytes)
{
	if (params->flags & SWIOTLB_ANY)
		return true;
	return (params->flags & SWIOTLB_LOW_FIRST) &&
	       (mem->ops->grow || bytes <= IO_TLB_DEFAULT_SIZE);
}

/*
 * A pool begins at a multiple of a segment, so that alignments up to its size can
 * be had at the same place in each of them; a larger one at a multiple of 2 MiB,
 * so that no huge page of the host is shared in part at its start.
 */
static int __ref get_early(struct swiotlb_mem *mem,
			   const struct swiotlb_params *params, void **vaddr,
			   size_t bytes)
{
	size_t align = bytes >= SZ_2M ? SZ_2M : SEG_BYTES;
	int err;

	*vaddr = NULL;
	if (!(params->flags & SWIOTLB_ANY))
		*vaddr = memblock_alloc_low(bytes, align);
	if (!*vaddr && may_be_high(mem, params, bytes))
		*vaddr = memblock_alloc(bytes, align);
	if (!*vaddr) {
		pr_warn("cannot allocate %zu bytes of bounce buffers\n", bytes);
		return -ENOMEM;
	}

	err = call_remap(params, *vaddr, bytes);
	if (err)
		memblock_free(*vaddr, bytes);
	return err;
}

static int get_late(struct swiotlb_mem *mem,
		    const struct swiotlb_params *params, void **vaddr,
		    size_t bytes)
{
	int nid = params->flags & SWIOTLB_NODE ? params->nid : NUMA_NO_NODE;
	int err;

	*vaddr = swiotlb_pages_get(bytes, params->gfp, nid);
	if (!*vaddr && (params->flags & SWIOTLB_LOW_FIRST) &&
	    may_be_high(mem, params, bytes))
		*vaddr = swiotlb_pages_get(bytes, params->gfp & ~GFP_ZONEMASK,
					   nid);
	if (!*vaddr)
		return -ENOMEM;

	err = call_remap(params, *vaddr, bytes);
	if (err)
		swiotlb_pages_put(*vaddr, bytes);
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
	/* Its neighbours are not ours, and firmware can be told to do better */
	if (!cc_is_granules(params->base, params->bytes)) {
		pr_err("reserved memory of %zu bytes at %pa is not made of whole blocks of %zu bytes\n",
		       params->bytes, &params->base, cc_shared_granule());
		return -EINVAL;
	}

	*vaddr = phys_to_virt(params->base);
	return 0;
}

static void check_granules(struct swiotlb_account *account, phys_addr_t start,
			   size_t bytes)
{
	if (cc_is_granules(start, bytes))
		return;
	atomic_long_inc(&account->granule_misses);
	pr_warn_ratelimited("no whole block of %zu bytes to be had, taking %zu bytes at %pa\n",
			    cc_shared_granule(), bytes, &start);
}

/**
 * swiotlb_check_granules() - say so if memory is not made of whole granules
 * @start: its first physical address
 * @bytes: its size
 *
 * For memory that is going to be shared for DMA, but not by swiotlb.
 *
 * Context: any.
 */
void swiotlb_check_granules(phys_addr_t start, size_t bytes)
{
	check_granules(&swiotlb_default_domain.own, start, bytes);
}

/**
 * swiotlb_pool_provision() - find memory for a pool
 * @mem:    whom it is for
 * @pool:   receives the memory in @start, @end, @vaddr, @phase
 * @params: what is wanted; settles for half of it, and half of that, down to
 *	    1 MiB, but for %SWIOTLB_EXACT, and unless it is a given or for one mapping;
 *	    that has as many bytes as the next power of two, and is aligned to that
 *
 * In a confidential guest the pool consists of whole granules, so it may be larger
 * than wanted; or it is smaller than a granule, if there is none.
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
	if (params->phase == SWIOTLB_EARLY || params->phase == SWIOTLB_LATE)
		bytes = cc_granule_align(bytes);

	while (err && bytes) {
		switch (params->phase) {
		case SWIOTLB_RESERVED:
			err = get_reserved(params, &vaddr);
			if (err)
				return err;
			break;
		case SWIOTLB_EARLY:
			err = get_early(mem, params, &vaddr, bytes);
			break;
		case SWIOTLB_LATE:
			err = get_late(mem, params, &vaddr, bytes);
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
			bytes = params->flags & SWIOTLB_EXACT ? 0 : less_bytes(bytes);
	}
	if (err)
		return err;

	pool->vaddr = (__force void __swiotlb_shared *)vaddr;
	pool->start = virt_to_phys(vaddr);
	pool->end = pool->start + bytes;
	pool->phase = params->phase;
	if (params->phase != SWIOTLB_ATOMIC)
		check_granules(swiotlb_account_of(mem), pool->start, bytes);
	return 0;
}
EXPORT_SYMBOL_GPL(swiotlb_pool_provision);

static int leak(struct swiotlb_account *account, void *vaddr, size_t bytes,
		int err)
{
	phys_addr_t start = virt_to_phys(vaddr);

	atomic_long_add(bytes, &account->leaked_bytes);
	pr_err_ratelimited("conversion of %zu bytes at %pa failed: %d, leaking them\n",
			   bytes, &start, err);
	return err;
}

/**
 * swiotlb_leak_delay() - how long to try nothing after conversions failed
 * @nr_leaked: how many, one after the other
 *
 * Each costs memory that is lost for good. Where several may fail, who converts
 * counts them, and begins anew when one succeeds.
 *
 * Context: any.
 * Return: time in jiffies: 10 seconds, twice as long for each one more, up to
 * 85 minutes; 0 if none failed.
 */
unsigned long swiotlb_leak_delay(unsigned int nr_leaked)
{
	if (!nr_leaked)
		return 0;
	return LEAK_DELAY << min(nr_leaked - 1, MAX_LEAK_SHIFT);
}

/**
 * swiotlb_pages_share() - make pages accessible to the host
 * @account: where that is counted
 * @vaddr:   private pages
 * @bytes:   how many, whole pages
 *
 * What is in them may be scrambled by that.
 *
 * Context: process context, may sleep; in early boot where page attributes can be
 * changed so early.
 * Return: 0, or an errno; then they are leaked and counted, and only forgetting
 * them is left to the caller.
 */
int swiotlb_pages_share(struct swiotlb_account *account, void *vaddr,
			size_t bytes)
{
	u64 start_ns = local_clock();
	int err = set_memory_decrypted((unsigned long)vaddr,
				       bytes >> PAGE_SHIFT);

	if (err)
		return leak(account, vaddr, bytes, err);
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		atomic_long_inc(&account->shares);
		atomic_long_add(bytes, &account->shared_bytes);
		atomic_long_add(local_clock() - start_ns, &account->share_ns);
	}
	return 0;
}

/**
 * swiotlb_pages_unshare() - make pages private again
 * @account: where that is counted
 * @vaddr:   shared pages
 * @bytes:   how many, whole pages
 *
 * Context: process context, may sleep.
 * Return: as swiotlb_pages_share().
 */
int swiotlb_pages_unshare(struct swiotlb_account *account, void *vaddr,
			  size_t bytes)
{
	u64 start_ns = local_clock();
	int err = set_memory_encrypted((unsigned long)vaddr,
				       bytes >> PAGE_SHIFT);

	if (err)
		return leak(account, vaddr, bytes, err);
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		atomic_long_inc(&account->unshares);
		atomic_long_add(bytes, &account->unshared_bytes);
		atomic_long_add(local_clock() - start_ns, &account->unshare_ns);
	}
	return 0;
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
	void *vaddr = (__force void *)pool->vaddr;
	size_t bytes = pool->end - pool->start;
	int err;

	/* The default pool may have been made late, and is shared already */
	if (pool->shared)
		return 0;

	err = swiotlb_pages_share(swiotlb_account_of(mem), vaddr, bytes);
	if (err)
		return err;

	/*
	 * Conversion may scramble memory, and firmware may leave anything. The
	 * early pool can be large, and a write makes the host back it.
	 */
	if (pool->phase == SWIOTLB_RESERVED ||
	    (pool->phase == SWIOTLB_LATE && cc_platform_has(CC_ATTR_MEM_ENCRYPT)))
		memset(vaddr, 0, bytes);
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
	void *vaddr = (__force void *)pool->vaddr;
	size_t bytes = pool->end - pool->start;

	if (pool->shared &&
	    swiotlb_pages_unshare(swiotlb_account_of(mem), vaddr, bytes))
		return;
	pool->shared = false;

	if (pool->phase == SWIOTLB_RESERVED)
		return;
	if (pool->phase == SWIOTLB_LATE)
		swiotlb_pages_put(vaddr, bytes);
	else if (pool->phase == SWIOTLB_ATOMIC)
		free_pages((unsigned long)vaddr, get_order(bytes));
	else if (slab_is_available())
		free_boot_memory(vaddr, bytes);
	else
		memblock_free(vaddr, bytes);
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
	/* What cannot be done without it is said by name, once, by who asked for that */
	return kvzalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
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
