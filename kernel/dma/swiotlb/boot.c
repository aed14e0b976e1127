// SPDX-License-Identifier: GPL-2.0
/*
 * The default bounce memory's life: sized, made, converted, torn down
 *
 * An architecture calls swiotlb_init() while memblock rules; or swiotlb_init_late()
 * when the page allocator does; then, in a confidential guest,
 * swiotlb_update_mem_attributes() once page attributes can be changed; and
 * swiotlb_exit() if it found out that nobody needs to bounce. From then on it is
 * the administrator's, see select.c.
 *
 * A confidential guest bounces all of its I/O. Its platform says so by
 * swiotlb_setup_guest(), before anything else. If the pool cannot be made there,
 * or cannot be converted, another one is made as soon as the page allocator can
 * move others away, which is before any driver needs it.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/align.h>
#include <linux/cc_granule.h>
#include <linux/cc_platform.h>
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>

#include "internal.h"

static struct swiotlb_cmdline cmdline;

/* Size wanted, rounded as the number of areas demands once that is known */
static unsigned long default_nslabs = IO_TLB_DEFAULT_SIZE >> IO_TLB_SHIFT;
static unsigned int default_nr_areas;

/* What the platform wanted of memory that it made, and so wants of other memory */
static gfp_t default_zone;
static bool default_is_anywhere;
static bool default_remapped;

/*
 * What the platform of a confidential guest wants: the size, and the backend, unless
 * the user names them. Sizes are not rounded to a power of two there.
 */
static bool is_guest;
static bool guest_chose_size;
static const struct swiotlb_backend_ops *guest_backend;

/* There should be a pool, but it could not be made or shared so early */
static bool boot_failed;

/* The default memory: it changes under swiotlb_mutex only, or in early boot */
static struct swiotlb_mem *default_mem(void)
{
	return rcu_dereference_protected(swiotlb_default.mem, true);
}

/*
 * With areas, the size is a power of two of at least a segment per area: each
 * area is then equally large. That could double what a guest spends on its pool;
 * there one area is larger than the others.
 */
static bool round_up_nslabs(void)
{
	const unsigned long limit =
		rounddown_pow_of_two(ULONG_MAX >> IO_TLB_SHIFT);
	unsigned long nslabs = default_nslabs;

	if (!default_nr_areas)
		return false;

	nslabs = max(nslabs, (unsigned long)IO_TLB_SEGSIZE * default_nr_areas);
	if (!is_guest)
		nslabs = nslabs < limit ? roundup_pow_of_two(nslabs) : limit;
	if (nslabs == default_nslabs)
		return false;

	default_nslabs = nslabs;
	return true;
}

static void set_areas(unsigned int nr_areas)
{
	default_nr_areas = roundup_pow_of_two(nr_areas);
	pr_info("area num %u.\n", default_nr_areas);
	if (round_up_nslabs())
		pr_info("SWIOTLB bounce buffer size roundup to %luMB\n",
			default_nslabs >> (20 - IO_TLB_SHIFT));
}

static int __init swiotlb_setup(char *str)
{
	if (!str)
		return 0;

	swiotlb_parse_cmdline(str, &cmdline);
	if (cmdline.has_nslabs)
		default_nslabs = cmdline.nslabs;
	if (cmdline.nr_areas)
		set_areas(cmdline.nr_areas);
	return 0;
}
early_param("swiotlb", swiotlb_setup);

/**
 * swiotlb_size_or_default() - size of the default pool
 *
 * Before swiotlb_init() it is what is going to be tried. But where the size was
 * derived from the size of memory, it is what a machine with little memory tries:
 * those who ask want to know what a crash kernel is going to need.
 *
 * Context: any.
 * Return: bytes.
 */
unsigned long swiotlb_size_or_default(void)
{
	if (guest_chose_size)
		return IO_TLB_DEFAULT_SIZE;
	return default_nslabs << IO_TLB_SHIFT;
}

/**
 * swiotlb_adjust_size() - let the platform choose the size
 * @size: bytes
 *
 * Does nothing if the user chose one on the command line.
 *
 * Context: early boot, before swiotlb_init().
 */
void __init swiotlb_adjust_size(unsigned long size)
{
	if (cmdline.has_nslabs)
		return;

	default_nslabs = ALIGN(DIV_ROUND_UP(size, IO_TLB_SIZE), IO_TLB_SEGSIZE);
	round_up_nslabs();
	pr_info("SWIOTLB bounce buffer size adjusted to %luMB\n",
		default_nslabs >> (20 - IO_TLB_SHIFT));
}

/**
 * swiotlb_setup_guest() - let the platform of a confidential guest choose
 * @size:    bytes of the default pool
 * @backend: name of the default backend; if there is none, it is that of others
 *
 * Whatever the user chose on the command line wins. The pool lies below 4 GiB if
 * there is room, else anywhere.
 *
 * Context: early boot, after early parameters and before swiotlb_init().
 */
void __init swiotlb_setup_guest(unsigned long size, const char *backend)
{
	is_guest = true;
	guest_backend = swiotlb_find_builtin(backend);
	if (cmdline.has_nslabs) {
		/* It may have been rounded before this was known to be a guest */
		default_nslabs = cmdline.nslabs;
		round_up_nslabs();
		return;
	}

	guest_chose_size = true;
	swiotlb_adjust_size(cc_granule_align(size));
}

/**
 * swiotlb_print_info() - tell where the default pool lies
 *
 * Context: process context, or early boot.
 */
void swiotlb_print_info(void)
{
	struct swiotlb_mem *mem = default_mem();
	phys_addr_t end;

	if (!mem) {
		pr_warn("No low mem\n");
		return;
	}

	end = mem->start + (mem->nslabs << IO_TLB_SHIFT);
	pr_info("mapped [mem %pa-%pa] (%luMB)\n", &mem->start, &end,
		mem->nslabs >> (20 - IO_TLB_SHIFT));
}

static int make_default(struct swiotlb_params *params)
{
	const struct swiotlb_backend_ops *ops;
	unsigned long nslabs = params->bytes >> IO_TLB_SHIFT;
	struct swiotlb_mem *mem;

	params->nr_areas = default_nr_areas;
	default_remapped = params->remap;
	ops = cmdline.backend ?: guest_backend ?: swiotlb_default_backend();

	guard(mutex)(&swiotlb_mutex);
	mem = swiotlb_mem_create(&swiotlb_default_domain, ops, params);
	if (IS_ERR(mem)) {
		pr_warn("no bounce buffers: backend %s could not set up %zu bytes: %pe\n",
			ops->name, params->bytes, mem);
		return PTR_ERR(mem);
	}

	if (mem->nslabs != nslabs)
		pr_info("SWIOTLB bounce buffer size adjusted %lu -> %lu slabs\n",
			nslabs, mem->nslabs);
	default_nslabs = mem->nslabs;
	swiotlb_mem_bind(&swiotlb_default, mem);
	pr_info("backend %s\n", ops->name);
	return 0;
}

/*
 * The zone that is as low as what memblock_alloc_low() gives. The lowest one is
 * tiny on some architectures, but then there is another one up to 4 GiB.
 */
static gfp_t low_zone(void)
{
	const u64 limit = ARCH_LOW_ADDRESS_LIMIT;

	if (IS_ENABLED(CONFIG_ZONE_DMA32) && limit >= DMA_BIT_MASK(32))
		return GFP_DMA32;
	return GFP_DMA;
}

/**
 * swiotlb_live_params() - what memory should be like that is made from now on
 * @params: receives the answer: as large, and as low, as at boot
 *
 * Context: process context; swiotlb_mutex is held.
 * Return: 0; -EPERM if the user wanted no bounce memory; -EOPNOTSUPP if the
 * platform remaps it, which cannot be done late.
 */
int swiotlb_live_params(struct swiotlb_params *params)
{
	if (!default_nr_areas)
		set_areas(num_possible_cpus());
	*params = (struct swiotlb_params) {
		.phase = SWIOTLB_LATE,
		.bytes = default_nslabs << IO_TLB_SHIFT,
		.nr_areas = default_nr_areas,
		.gfp = GFP_KERNEL | default_zone,
	};
	if (!default_is_anywhere)
		params->gfp |= low_zone();
	if (is_guest)
		params->flags = SWIOTLB_LOW_FIRST;
	if (cmdline.noforce)
		return -EPERM;
	return default_remapped ? -EOPNOTSUPP : 0;
}

/* In a confidential guest all that devices see must be shared */
static void set_up_alloc(void)
{
	swiotlb_default.for_alloc = cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT);
}

/**
 * swiotlb_init_remap() - make the default pool early
 * @addressing_limited: some device may not reach all memory
 * @flags:		%SWIOTLB_VERBOSE, %SWIOTLB_FORCE, %SWIOTLB_ANY
 * @remap:		told of the memory before use, may refuse it; or %NULL
 *
 * Does nothing if nobody is going to bounce. If there is no memory the machine
 * boots without, and mappings that must bounce fail.
 *
 * Context: early boot, memblock is there and slab is not.
 */
void __init swiotlb_init_remap(bool addressing_limited, unsigned int flags,
			       int (*remap)(void *tlb, unsigned long nslabs))
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_EARLY,
		.flags = flags,
		.remap = remap,
	};

	set_up_alloc();
	if (!addressing_limited && !cmdline.force)
		return;
	if (cmdline.noforce)
		return;

	swiotlb_default.force_bounce = cmdline.force || (flags & SWIOTLB_FORCE);
	default_is_anywhere = flags & SWIOTLB_ANY;

	if (!default_nr_areas)
		set_areas(num_possible_cpus());
	params.bytes = default_nslabs << IO_TLB_SHIFT;
	if (!cmdline.has_nslabs && !guest_chose_size)
		params.flags |= SWIOTLB_UNSIZED;
	if (is_guest && !remap)
		params.flags |= SWIOTLB_LOW_FIRST;
	if (make_default(&params))
		boot_failed = is_guest;
	else if (flags & SWIOTLB_VERBOSE)
		swiotlb_print_info();
}

/**
 * swiotlb_init() - make the default pool early
 * @addressing_limited: some device may not reach all memory
 * @flags:		%SWIOTLB_VERBOSE, %SWIOTLB_FORCE, %SWIOTLB_ANY
 *
 * Context: as swiotlb_init_remap().
 */
void __init swiotlb_init(bool addressing_limited, unsigned int flags)
{
	swiotlb_init_remap(addressing_limited, flags, NULL);
}

/**
 * swiotlb_init_late() - make the default pool when there is none yet
 * @size:     bytes
 * @gfp_mask: zone that the memory should come from
 * @remap:    told of the memory before use, may refuse it; or %NULL
 *
 * Context: process context, may sleep.
 * Return: 0, also if there is one already or with swiotlb=noforce; or an errno.
 */
int swiotlb_init_late(size_t size, gfp_t gfp_mask,
		      int (*remap)(void *tlb, unsigned long nslabs))
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.gfp = gfp_mask,
		.remap = remap,
	};
	int err;

	set_up_alloc();
	if (is_swiotlb_allocated() || cmdline.noforce)
		return 0;

	/* A confidential guest's devices bounce, whoever makes the pool */
	swiotlb_default.force_bounce |= cmdline.force;
	default_is_anywhere = true;
	default_zone = gfp_mask & GFP_ZONEMASK;
	if (!default_nr_areas)
		set_areas(num_possible_cpus());
	params.bytes = ALIGN(size >> IO_TLB_SHIFT, IO_TLB_SEGSIZE)
		       << IO_TLB_SHIFT;

	err = make_default(&params);
	if (!err)
		swiotlb_print_info();
	return err;
}

/**
 * swiotlb_update_mem_attributes() - share the early pool with the host
 *
 * Architectures with confidential guests call it as soon as page attributes can
 * be changed, before the first device appears.
 *
 * Context: early boot, on some architectures before slab.
 */
void __init swiotlb_update_mem_attributes(void)
{
	struct swiotlb_mem *mem = default_mem();
	int err;

	if (!mem)
		return;

	/* Who is chosen so early is built in, and has it */
	err = mem->ops->finalize(mem);
	if (err) {
		/* Never to be used, nor to be taken apart: it is leaked */
		list_del(&mem->node);
		RCU_INIT_POINTER(swiotlb_default.mem, NULL);
		boot_failed = true;
		pr_err("no bounce buffers: backend %s cannot share them: %d\n",
		       mem->ops->name, err);
	} else if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT)) {
		pr_info("memory is private, DMA goes through shared bounce buffers\n");
	}
}

/*
 * Make the pool that could not be made or shared early. Each conversion that fails
 * costs its memory, so try with ever less, and never with much of what there is.
 */
static int __init swiotlb_boot_again(void)
{
	struct swiotlb_params params;
	size_t bytes;
	int err;

	if (!boot_failed)
		return 0;

	mutex_lock(&swiotlb_mutex);
	err = swiotlb_live_params(&params);
	mutex_unlock(&swiotlb_mutex);
	if (err)
		return 0;

	bytes = min_t(u64, params.bytes, ((u64)totalram_pages() << PAGE_SHIFT) / 8);
	do {
		params.bytes = ALIGN(bytes, IO_TLB_SEGSIZE << IO_TLB_SHIFT);
		err = make_default(&params);
		bytes /= 4;
	} while (err && bytes >= SZ_1M);
	if (err)
		return 0;

	pr_info("bounce buffers made anew: %lu bytes\n",
		default_nslabs << IO_TLB_SHIFT);
	swiotlb_print_info();
	return 0;
}
core_initcall_sync(swiotlb_boot_again);

/**
 * swiotlb_exit() - give the default pool back
 *
 * Does nothing if the user asked to bounce everything, and refuses if anything
 * is mapped. The memory is given back by a worker.
 *
 * Context: process context during boot.
 */
void __init swiotlb_exit(void)
{
	struct swiotlb_mem *mem;
	size_t used;

	guard(mutex)(&swiotlb_mutex);
	mem = default_mem();
	if (cmdline.force || !mem)
		return;

	used = mem->ops->used(mem);
	if (used) {
		pr_err("keeping the default memory pool, %zu bytes are in use\n",
		       used);
		return;
	}

	pr_info("tearing down default memory pool\n");
	swiotlb_mem_bind(&swiotlb_default, NULL);
}
