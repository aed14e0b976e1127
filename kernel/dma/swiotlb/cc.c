// SPDX-License-Identifier: GPL-2.0
/*
 * The `cc` backend: size classes, a cache for each CPU, memory that comes and goes
 *
 * Made for confidential guests, in which all I/O bounces and memory has to be
 * converted before it can be used; of use wherever much is bounced.
 *
 *	CPU	stacks of free slots of 256 bytes to 4 KiB	cc_cpu.c
 *	depot	chunks and slabs by what they have free		cc_depot.c, cc_shelf.c
 *	slab	64 KiB of a chunk, in slots of 256 to 2K bytes	cc_chunk.c
 *	chunk	2 MiB in slots of 4 KiB, converted once, as a	cc_chunk.c,
 *		whole, alone or together with the next one	cc_pair.c
 *	kccd	makes chunks ahead of need, gives them back	kccd.c
 *
 * A buffer gets
 *
 *	up to 4 KiB:	a slot of 256, 512, 1K, 2K or 4K bytes, whichever is just
 *			large enough, also for the alignment that it needs
 *	up to 16 KiB:	a run of 2K slots, if that takes less than 4K slots
 *	up to 2 MiB:	a run of 4K slots
 *
 * so that a buffer of more than 128 bytes wastes less than half of what it gets. The
 * address bits that a device wants to be kept (min_align_mask) count as part of the
 * size, up to 4 KiB; if any of them is set it is 2 KiB at least.
 *
 * Slots of less than 4 KiB come from slabs. A slab serves one class; when it is empty
 * it becomes slots of 4 KiB again. So of each class there is less than 64 KiB that
 * lies idle for want of buffers of just that size, but for what is scattered over
 * slabs in use. If there is no room for a slab a buffer goes to slots of other classes
 * that are large enough; then to memory that devices of little
 * reach may need more. A request that finds nothing is told so in a bounded number
 * of steps, stated in cc_depot.c: nothing is searched in proportion to how much
 * memory there is, or how full it is.
 *
 * There are two reaches. Devices that do not reach all memory get chunks below
 * 4 GiB, of which there are few; the others get chunks anywhere, of the node of the CPU
 * that maps if there are several (cc_nodes.c).
 *
 * The memory made at boot has the size that was asked for, and stays. Where nobody
 * asked, and the platform did not, it is 8 MiB. The rest is up to kccd; that
 * memory is there in time is probable, but cannot be promised.
 *
 * Whoever asks how much can be mapped at a time is told 2 MiB, less what alignment
 * costs. But if `cc` was chosen on the running system that is 256 KiB, as with any
 * other backend: a larger promise would make it impossible to go back.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"
#include "cc_cpu.h"
#include "internal.h"

/* Boot memory where nobody asked for anything else */
#define FLOOR_BYTES	SZ_8M

/* One of this many chunks is for those who reach little, but four at most */
#define LOW_ONE_OF	8U
#define MAX_LOW		4U

static int cc_grow(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		   struct swiotlb_span *span)
{
	struct cc *cc = mem->backend;

	kccd_ask_for(cc_nodes_home(cc, cc_reaches(req, mem->end) ? cc->main :
								    CC_LOW));
	return -ENOSPC;
}

/* The longest part of a chunk that no boundary cuts */
static u64 longest_part(u64 start, u64 bytes, u64 boundary_mask)
{
	u64 first = min(bytes, boundary_mask - (start & boundary_mask) + 1);

	return max(first, min(bytes - first, boundary_mask + 1));
}

/*
 * What fits between boundaries in an empty chunk, less what the worst address costs:
 * the offset into the first slot, or the slots passed over until min_align_mask is
 * met. Where that mask covers the boundary, buffers lie between boundaries just as
 * their originals do, and nothing is lost. Where the bus shifts addresses by no
 * multiple of 4 KiB, which no bus does, there is nothing.
 */
static size_t cc_max_mapping(struct swiotlb_mem *mem,
			     const struct swiotlb_limits *limits)
{
	const struct cc *cc = mem->backend;
	u64 boundary_mask = min(limits->boundary_mask, U64_MAX >> 1);
	u64 lost = ALIGN((u64)limits->min_align_mask, SZ_2K);
	u64 bytes = CC_CHUNK_BYTES;

	if (limits->dma_offset & (SZ_4K - 1))
		return 0;
	bytes = longest_part(limits->dma_offset & (CC_CHUNK_BYTES - 1), bytes,
			     boundary_mask);
	if (cc && cc->live)
		bytes = min_t(u64, bytes, SZ_256K);

	if (limits->min_align_mask >= boundary_mask)
		return bytes;
	if (lost >= bytes)
		lost = min_t(u64, limits->min_align_mask, bytes - 1);
	return bytes - lost;
}

/*
 * Buffers are counted where they are allocated and freed, so some of these numbers
 * may be negative. While nothing new comes they only fall, and so the sum is never
 * less than what is in use in the end.
 */
static size_t cc_used(struct swiotlb_mem *mem)
{
	struct cc *cc = mem->backend;
	struct cc_depot *d;
	unsigned int cpu;
	long bytes = 0;

	for_each_possible_cpu(cpu)
		bytes += cc_cpu_used(&cc->cpus[cpu]);
	for (d = cc->depots; d < cc_depots_end(cc); d++)
		bytes += READ_ONCE(d->used_bytes);
	return max(bytes, 0L);
}

/* How much of so many chunks is for those who reach little, if others reach more */
static unsigned int nr_low(unsigned int nr)
{
	return min(DIV_ROUND_UP(nr, LOW_ONE_OF), MAX_LOW);
}

static unsigned int region_chunks(const struct io_tlb_pool *region)
{
	return (region->end - region->start) >> CC_CHUNK_SHIFT;
}

/* Boot memory in whole chunks, aligned as such; what is left over goes back */
static int provision_early(struct cc *cc, enum cc_reach reach,
			   const struct swiotlb_params *params)
{
	struct io_tlb_pool *region = &cc->regions[reach];
	struct io_tlb_pool rest;
	int err;

	err = swiotlb_pool_provision(cc->mem, region, params);
	if (err)
		return err;

	rest = *region;
	region->end = region->start +
		      ALIGN_DOWN(region->end - region->start, CC_CHUNK_BYTES);
	rest.start = region->end;
	rest.vaddr = region->vaddr + (region->end - region->start);
	if (rest.start < rest.end)
		swiotlb_pool_release(cc->mem, &rest);
	return region->start < region->end ? 0 : -ENOMEM;
}

static void __ref add_early(struct cc *cc, struct cc_chunk *chunk,
			    phys_addr_t start, enum cc_reach reach)
{
	struct io_tlb_pool *pool = &chunk->pages.pool;
	int nid = early_pfn_to_nid(PHYS_PFN(start));

	pool->start = start;
	pool->end = start + CC_CHUNK_BYTES;
	pool->vaddr = (__force void __swiotlb_shared *)phys_to_virt(start);
	pool->phase = SWIOTLB_EARLY;
	list_add_tail(&chunk->all, &cc->chunks);
	cc->nr_boot++;
	cc_depot_add(cc_nodes_depot(cc, reach, nid), chunk);
}

static void __ref free_array(struct cc *cc)
{
	unsigned int i;

	for (i = 0; i < cc->nr_array; i++)
		cc_chunk_exit(&cc->chunk_array[i]);
	if (cc->chunk_array)
		swiotlb_meta_free(cc->chunk_array,
				  cc->nr_array * sizeof(*cc->chunk_array),
				  SWIOTLB_EARLY);
	cc->nr_array = 0;
	cc->chunk_array = NULL;
}

/* All that is known of boot chunks, but for where they are */
static int make_array(struct cc *cc, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	cc->chunk_array = swiotlb_meta_alloc(nr * sizeof(*cc->chunk_array),
					     SWIOTLB_EARLY);
	if (!cc->chunk_array)
		return -ENOMEM;
	cc->nr_array = nr;
	for (i = 0; i < nr && !err; i++) {
		cc->chunk_array[i].phase = SWIOTLB_EARLY;
		err = cc_chunk_init(cc, &cc->chunk_array[i]);
	}
	return err;
}

static void __ref release_regions(struct cc *cc)
{
	unsigned int reach;

	for (reach = 0; reach < CC_NR_REACHES; reach++) {
		if (cc->regions[reach].end > cc->regions[reach].start)
			swiotlb_pool_release(cc->mem, &cc->regions[reach]);
	}
}

/*
 * The boot memory: one piece. If that is below 4 GiB some of it is for those who do
 * not reach more; else they get a piece of their own.
 */
static int __ref make_early(struct cc *cc, const struct swiotlb_params *params)
{
	struct io_tlb_pool *regions = cc->regions;
	struct swiotlb_params p = *params;
	unsigned int i, nr[CC_NR_REACHES];
	struct cc_chunk *chunk;
	int err;

	p.bytes = ALIGN(p.bytes, CC_CHUNK_BYTES);
	if (p.flags & SWIOTLB_UNSIZED && p.bytes <= IO_TLB_DEFAULT_SIZE)
		p.bytes = FLOOR_BYTES;
	err = provision_early(cc, cc->main, &p);
	if (err)
		return err;

	nr[CC_ANY] = 0;
	nr[CC_LOW] = region_chunks(&regions[cc->main]);
	if (cc->main != CC_LOW) {
		nr[CC_ANY] = nr[CC_LOW];
		nr[CC_LOW] = nr_low(nr[CC_ANY]);
		if (regions[CC_ANY].end > cc->depots[CC_LOW].end) {
			p.flags = 0;
			p.bytes = nr[CC_LOW] * CC_CHUNK_BYTES;
			if (provision_early(cc, CC_LOW, &p))
				nr[CC_LOW] = 0;
			else
				nr[CC_LOW] = region_chunks(&regions[CC_LOW]);
		} else {
			nr[CC_ANY] -= nr[CC_LOW];
		}
	}

	err = make_array(cc, nr[CC_LOW] + nr[CC_ANY]);
	if (err) {
		release_regions(cc);
		return err;
	}

	chunk = cc->chunk_array;
	for (i = 0; i < nr[CC_ANY]; i++)
		add_early(cc, chunk++, regions[CC_ANY].start + i * CC_CHUNK_BYTES,
			  CC_ANY);
	/* They have a region of their own, or the end of the other */
	for (i = 0; i < nr[CC_LOW]; i++)
		add_early(cc, chunk++, region_chunks(&regions[CC_LOW]) ?
			  regions[CC_LOW].start + i * CC_CHUNK_BYTES :
			  regions[CC_ANY].end - (i + 1) * CC_CHUNK_BYTES,
			  CC_LOW);

	list_for_each_entry(chunk, &cc->chunks, all) {
		if (cc_chunk_publish(chunk))
			return -ENOMEM;
	}
	return 0;
}

/* Chunk by chunk, as many as there are */
static int make_late(struct cc *cc, const struct swiotlb_params *params)
{
	unsigned int nr = DIV_ROUND_UP(params->bytes, CC_CHUNK_BYTES);
	unsigned int i, for_low = nr_low(nr);
	struct swiotlb_params p = *params;
	int err = 0;

	p.bytes = CC_CHUNK_BYTES;
	p.flags |= SWIOTLB_EXACT;
	for (i = 0; i < nr && err >= 0; i++) {
		bool is_low = cc->main == CC_LOW || i >= nr - for_low;

		if (is_low && cc->main != CC_LOW)
			p.gfp = (params->gfp & ~GFP_ZONEMASK) |
				(IS_ENABLED(CONFIG_ZONE_DMA32) ? GFP_DMA32 :
								 GFP_DMA);
		err = cc_add_chunks(cc, is_low ? CC_LOW : CC_ANY, &p, false);
	}
	return cc->nr_boot ? 0 : err;
}

/* Take all apart that there is; nothing is mapped any more */
static void cc_destroy(struct cc *cc)
{
	struct cc_chunk *chunk, *next;
	enum swiotlb_phase phase = cc->phase;
	struct cc_depot *d;

	for (d = cc->depots; d < cc_depots_end(cc); d++)
		cc_depot_exit(d);
	list_for_each_entry(chunk, &cc->chunks, all)
		swiotlb_pool_retract(&chunk->pages.pool);
	/* Early in boot nobody reads */
	if (slab_is_available())
		synchronize_rcu();
	list_for_each_entry_safe(chunk, next, &cc->chunks, all) {
		swiotlb_pool_release(cc->mem, &chunk->pages.pool);
		if (chunk->phase != SWIOTLB_EARLY)
			cc_free_chunk(chunk);
	}
	cc_slabs_exit(cc);
	free_array(cc);
	if (cc->spill)
		swiotlb_meta_free(cc->spill, CC_MAX_SPILL * sizeof(*cc->spill),
				  phase);
	if (cc->cpus)
		swiotlb_meta_free(cc->cpus, cc_cpus_bytes(), phase);
	swiotlb_meta_free(cc, struct_size(cc, depots, cc->nr_depots), phase);
}

static int cc_init(struct swiotlb_mem *mem, const struct swiotlb_params *params)
{
	/* Memory may be plugged in */
	const u64 end = (u64)max_t(u64, max_pfn, max_possible_pfn) << PAGE_SHIFT;
	const enum cc_reach reach = end > SZ_4G ? CC_ANY : CC_LOW;
	const unsigned int nr_depots = cc_nodes_depots(reach);
	const struct cc_chunk *chunk;
	struct cc_depot *d;
	struct cc *cc;
	int err;

	/* What is given need not consist of chunks */
	if (params->phase != SWIOTLB_EARLY && params->phase != SWIOTLB_LATE)
		return -EOPNOTSUPP;

	cc = swiotlb_meta_alloc(struct_size(cc, depots, nr_depots), params->phase);
	if (!cc)
		return -ENOMEM;
	cc->nr_depots = nr_depots;
	cc->mem = mem;
	cc->phase = params->phase;
	cc->growable = !params->remap;
	cc->live = params->phase == SWIOTLB_LATE;
	cc->main = reach;
	kccd_init(cc);
	cc_slabs_init(cc);
	cc_nodes_init(cc, end);

	err = -ENOMEM;
	cc->cpus = swiotlb_meta_alloc(cc_cpus_bytes(), params->phase);
	cc->spill = swiotlb_meta_alloc(CC_MAX_SPILL * sizeof(*cc->spill),
				       params->phase);
	if (!cc->cpus || !cc->spill)
		goto err_destroy;
	err = swiotlb_pool_expect(0, end);
	if (!err && params->phase == SWIOTLB_EARLY)
		err = make_early(cc, params);
	else if (!err)
		err = make_late(cc, params);
	if (err)
		goto err_destroy;
	kccd_resized(cc);
	err = cc_reserves_fill(cc, cc->phase);
	if (err)
		goto err_destroy;
	/* Early in boot there is less in reserve than there should be */
	cc->ask = params->phase == SWIOTLB_EARLY;

	mem->start = PHYS_ADDR_MAX;
	mem->end = 0;
	list_for_each_entry(chunk, &cc->chunks, all) {
		mem->start = min(mem->start, chunk->pages.pool.start);
		mem->end = max(mem->end, chunk->pages.pool.end);
	}
	if (cc->growable)
		mem->end = max_t(u64, mem->end, end);
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		d->low_mark = d->nr_empty;
		d->min_empty = d->nr_empty;
	}
	mem->backend = cc;
	return 0;

err_destroy:
	cc_destroy(cc);
	mem->nslabs = 0;
	return err;
}

static int cc_finalize(struct swiotlb_mem *mem)
{
	struct cc *cc = mem->backend;
	struct cc_chunk *chunk;
	unsigned int reach;
	int err;

	for (reach = 0; reach < CC_NR_REACHES; reach++) {
		struct io_tlb_pool *region = &cc->regions[reach];

		if (region->start == region->end)
			continue;
		err = swiotlb_pool_share(mem, region);
		if (err)
			return err;
	}
	list_for_each_entry(chunk, &cc->chunks, all)
		chunk->pages.pool.shared = true;
	return 0;
}

static void cc_exit(struct swiotlb_mem *mem)
{
	struct cc *cc = mem->backend;
	struct cc_depot *d;
	unsigned int cpu;
	long reported = 0;

	kccd_exit(cc);
	/* Who freed last may still be counting */
	synchronize_rcu();
	for_each_possible_cpu(cpu)
		reported += cc->cpus[cpu].reported;
	for (d = cc->depots; d < cc_depots_end(cc); d++)
		reported += d->reported;
	swiotlb_report_used(mem, -reported);

	cc_destroy(cc);
	mem->backend = NULL;
	mem->start = 0;
	mem->end = 0;
	mem->nslabs = 0;
}

const struct swiotlb_backend_ops swiotlb_cc = {
	.alloc		= swiotlb_cc_alloc,
	.grow		= cc_grow,
	.free		= swiotlb_cc_free,
	.max_mapping	= cc_max_mapping,
	.used		= cc_used,
	.init		= cc_init,
	.finalize	= cc_finalize,
	.exit		= cc_exit,
	.class		= swiotlb_cc_class,
	.show		= swiotlb_cc_show,
	.name		= "cc",
};
EXPORT_SYMBOL_IF_KUNIT(swiotlb_cc);
