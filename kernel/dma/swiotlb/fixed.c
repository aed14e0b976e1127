// SPDX-License-Identifier: GPL-2.0
/*
 * The `fixed` backend: one pool, sized once
 *
 * The pool is a row of 2 KiB slots in segments of 128, no buffer crosses a
 * segment, so 256 KiB is the largest buffer there is. To keep CPUs out of each
 * other's way the segments are dealt out to areas, about one per CPU, each with
 * a lock, a slot map and cache lines of its own. A mapping tries the area of
 * its CPU first and then the others; a buffer goes back to the area it came
 * from, whoever frees it.
 *
 * Locking: fixed_area.lock protects the area's slot map and its count of
 * reported slots. It is taken with interrupts off, nothing is taken inside it.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/cache.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "internal.h"
#include "slots.h"

/*
 * An area tells the core of its use only when it changed by a 1024th of its size,
 * or by this many slots if that is more, so that the common mapping touches no
 * shared counter. The high water mark of several areas together may be too low by
 * as much per area; that of a single area is kept exactly, next to its lock.
 */
#define MIN_REPORT_SLOTS	16

/**
 * struct fixed_area - a part of the pool with a lock of its own
 * @lock:	 protects the rest
 * @nr_reported: slots in use as last reported to the core
 * @nr_peak:	 most slots ever in use, or since peak() was told to start over
 * @map:	 its slots
 */
struct fixed_area {
	spinlock_t lock; /* protects the rest */
	unsigned int nr_reported;
	unsigned int nr_peak;
	struct slot_map map;
} ____cacheline_aligned_in_smp;

/**
 * struct fixed_layout - how the slots are dealt out to areas
 * @nr_slots:	   number of slots of the pool
 * @nr_areas:	   number of areas, a power of two
 * @nr_area_slots: slots of each area, whole segments; the last area has what is
 *		   left, too
 */
struct fixed_layout {
	unsigned int nr_slots;
	unsigned int nr_areas;
	unsigned int nr_area_slots;
};

/**
 * struct fixed_pool - the pool
 * @pool:	what the core sees
 * @layout:	how its slots are dealt out
 * @meta_bytes:	size of the allocation that holds this structure and all that
 *		hangs on it
 * @areas:	the areas
 */
struct fixed_pool {
	struct io_tlb_pool pool;
	struct fixed_layout layout;
	size_t meta_bytes;
	struct fixed_area areas[] ____cacheline_aligned_in_smp;
};

static_assert(SLOTS_PER_SEG == IO_TLB_SEGSIZE);
static_assert(SLOTS_PER_SEG <= SWIOTLB_MAX_SPAN_SLOTS);
static_assert((SLOTS_PER_SEG << IO_TLB_SHIFT) <= SWIOTLB_MAX_OFFSET);

/* Areas and their maps' memory must not share cache lines */
static size_t area_map_bytes(unsigned int nr_slots)
{
	return L1_CACHE_ALIGN(slot_map_bytes(nr_slots));
}

static unsigned int area_slots(const struct fixed_layout *layout,
			       unsigned int i)
{
	if (i + 1 < layout->nr_areas)
		return layout->nr_area_slots;
	return layout->nr_slots - i * layout->nr_area_slots;
}

/* As many areas as wanted, but a power of two and each at least a segment */
static struct fixed_layout deal_out(unsigned int nr_slots,
				    unsigned int nr_areas)
{
	unsigned int nr_segs = max(nr_slots / SLOTS_PER_SEG, 1U);
	struct fixed_layout layout = { .nr_slots = nr_slots };

	layout.nr_areas = rounddown_pow_of_two(clamp(nr_areas, 1U, nr_segs));
	layout.nr_area_slots = nr_segs / layout.nr_areas * SLOTS_PER_SEG;
	return layout;
}

/*
 * fixed_fit() - translate a request into slots
 *
 * Bits of min_align_mask below the alignment of the span are taken care of by
 * an offset into it, the higher ones by choosing its first slot. A mapping of a
 * page and more is page-aligned when nobody asks for anything else: drivers
 * came to rely on that before alignments could be asked for.
 */
VISIBLE_IF_KUNIT int fixed_fit(const struct swiotlb_req *req,
			       phys_addr_t pool_start, struct slot_fit *fit,
			       unsigned int *offset)
{
	unsigned int align_mask = req->alloc_align_mask;
	unsigned int match_mask;
	size_t bytes;

	*offset = req->orig_addr & req->min_align_mask &
		  (align_mask | (IO_TLB_SIZE - 1));
	if (req->size > (SLOTS_PER_SEG << IO_TLB_SHIFT))
		return -E2BIG;
	bytes = req->size + *offset;
	if (req->align_end)
		bytes = ALIGN(bytes, (size_t)align_mask + 1);
	if (bytes > (SLOTS_PER_SEG << IO_TLB_SHIFT))
		return -E2BIG;

	if (!align_mask && !req->min_align_mask && bytes >= PAGE_SIZE)
		align_mask = PAGE_SIZE - 1;
	align_mask |= IO_TLB_SIZE - 1;
	match_mask = req->min_align_mask & ~align_mask;

	fit->nr_slots = DIV_ROUND_UP(bytes, IO_TLB_SIZE);
	fit->mask = (align_mask | match_mask) >> IO_TLB_SHIFT;
	fit->bits = (req->orig_addr & match_mask) >> IO_TLB_SHIFT;
	fit->boundary = req->boundary_mask >> IO_TLB_SHIFT;
	fit->base = (pool_start + req->dma_offset) >> IO_TLB_SHIFT;

	/* Can the buffer keep within the boundary at all? */
	if (fit->nr_slots - 1 > fit->boundary ||
	    (*offset & req->boundary_mask) + req->size - 1 > req->boundary_mask)
		return -E2BIG;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(fixed_fit);

/* Called with the area's lock held */
static void area_report(struct swiotlb_mem *mem, struct fixed_area *area)
{
	int delta = area->map.nr_used - area->nr_reported;
	int batch = max(area->map.nr_slots / 1024, MIN_REPORT_SLOTS);

	lockdep_assert_held(&area->lock);
	if (area->map.nr_used > area->nr_peak)
		area->nr_peak = area->map.nr_used;
	if (likely(abs(delta) < batch))
		return;

	area->nr_reported = area->map.nr_used;
	swiotlb_report_used(mem, (long)delta << IO_TLB_SHIFT);
}

static int area_alloc(struct swiotlb_mem *mem, struct fixed_area *area,
		      const struct slot_fit *fit)
{
	unsigned long flags;
	int slot;

	spin_lock_irqsave(&area->lock, flags);
	slot = slot_map_alloc(&area->map, fit);
	if (slot >= 0)
		area_report(mem, area);
	spin_unlock_irqrestore(&area->lock, flags);
	return slot;
}

int swiotlb_fixed_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			struct swiotlb_span *span)
{
	struct fixed_pool *fp = mem->backend;
	unsigned int first, i, start, offset;
	struct slot_fit fit;
	unsigned long base;
	int err, slot;

	if (fp->pool.start + req->dma_offset > req->addr_limit)
		return -ENXIO;
	err = fixed_fit(req, fp->pool.start, &fit, &offset);
	if (err)
		return err;

	base = fit.base;
	first = raw_smp_processor_id() & (fp->layout.nr_areas - 1);
	i = first;
	do {
		start = i * fp->layout.nr_area_slots;
		fit.base = base + start;
		slot = area_alloc(mem, &fp->areas[i], &fit);
		if (likely(slot >= 0)) {
			span->pool = &fp->pool;
			span->slot = start + slot;
			span->nr_slots = fit.nr_slots;
			span->offset = offset;
			return 0;
		}
		i = (i + 1) & (fp->layout.nr_areas - 1);
	} while (i != first);

	return -ENOSPC;
}

void swiotlb_fixed_free(const struct swiotlb_span *span)
{
	struct fixed_pool *fp = container_of(span->pool, struct fixed_pool,
					     pool);
	unsigned int i = min(span->slot / fp->layout.nr_area_slots,
			     fp->layout.nr_areas - 1);
	struct fixed_area *area = &fp->areas[i];
	unsigned long flags;

	spin_lock_irqsave(&area->lock, flags);
	WARN_ON_ONCE(!slot_map_free(&area->map,
				    span->slot - i * fp->layout.nr_area_slots,
				    span->nr_slots));
	area_report(to_swiotlb_mem(fp->pool.mem), area);
	spin_unlock_irqrestore(&area->lock, flags);
}

/* The longest part of a piece of memory that no boundary cuts */
static u64 longest_part(u64 start, u64 bytes, u64 boundary_mask)
{
	u64 first = min(bytes, boundary_mask - (start & boundary_mask) + 1);

	return max(first, min(bytes - first, boundary_mask + 1));
}

/*
 * A segment, or what fits between boundaries, less what the worst address
 * costs: the offset into the first slot, or the slots passed over until
 * min_align_mask is met; in whole slots, unless that leaves nothing. Where that
 * mask covers the boundary, buffers lie between boundaries just as their
 * originals do, and nothing is lost.
 */
static size_t fixed_max_mapping(struct swiotlb_mem *mem,
				const struct swiotlb_limits *limits)
{
	u64 boundary_mask = min(limits->boundary_mask, U64_MAX >> 1);
	u64 lost = ALIGN((u64)limits->min_align_mask, IO_TLB_SIZE);
	u64 seg_bytes = SLOTS_PER_SEG << IO_TLB_SHIFT;
	u64 bytes = seg_bytes;

	/*
	 * Segments need not begin at multiples of their size in restricted
	 * pools, which can even be shorter than one. Of two segments, a wide
	 * boundary cuts at most one.
	 */
	if (mem->nslabs && (boundary_mask < 2 * seg_bytes ||
			    mem->nslabs < 2 * SLOTS_PER_SEG))
		bytes = longest_part(mem->start + limits->dma_offset,
				     min(bytes, (u64)mem->nslabs << IO_TLB_SHIFT),
				     boundary_mask);

	if (limits->min_align_mask >= boundary_mask)
		return bytes;
	if (lost >= bytes)
		lost = min(limits->min_align_mask, bytes - 1);
	return bytes - lost;
}

static size_t fixed_used(struct swiotlb_mem *mem)
{
	struct fixed_pool *fp = mem->backend;
	size_t nr_used = 0;
	unsigned int i;

	for (i = 0; i < fp->layout.nr_areas; i++)
		nr_used += READ_ONCE(fp->areas[i].map.nr_used);
	return nr_used << IO_TLB_SHIFT;
}

static size_t fixed_peak(struct swiotlb_mem *mem, bool reset)
{
	struct fixed_pool *fp = mem->backend;
	unsigned int i, nr_peak = 0;
	unsigned long flags;

	for (i = 0; i < fp->layout.nr_areas; i++) {
		struct fixed_area *area = &fp->areas[i];

		spin_lock_irqsave(&area->lock, flags);
		nr_peak = max(nr_peak, area->nr_peak);
		if (reset)
			area->nr_peak = area->map.nr_used;
		spin_unlock_irqrestore(&area->lock, flags);
	}
	return (size_t)nr_peak << IO_TLB_SHIFT;
}

static void fixed_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	struct fixed_pool *fp = mem->backend;
	unsigned int i;

	seq_printf(m, "areas %u\n", fp->layout.nr_areas);
	for (i = 0; i < fp->layout.nr_areas; i++)
		seq_printf(m, "area %u: slots %u used %u\n", i,
			   area_slots(&fp->layout, i),
			   READ_ONCE(fp->areas[i].map.nr_used));
}

/*
 * One allocation holds everything but the buffers:
 *
 *	fixed_pool, areas | records | head_dist | slot map of area 0, 1, ...
 */
static struct fixed_pool *fixed_alloc_meta(const struct io_tlb_pool *pool,
					   unsigned int nr_areas)
{
	u64 nr_slots = (pool->end - pool->start) >> IO_TLB_SHIFT;
	size_t bytes, records, dists, maps;
	struct fixed_layout layout;
	struct fixed_pool *fp;
	unsigned int i;
	void *meta;

	/* Slot numbers are ints; 4 TiB of bounce buffers will do */
	if (nr_slots > INT_MAX)
		return NULL;

	layout = deal_out(nr_slots, nr_areas);
	records = L1_CACHE_ALIGN(struct_size(fp, areas, layout.nr_areas));
	dists = records + array_size(nr_slots, sizeof(struct swiotlb_slot));
	maps = L1_CACHE_ALIGN(dists + nr_slots);
	bytes = maps;
	for (i = 0; i < layout.nr_areas; i++)
		bytes += area_map_bytes(area_slots(&layout, i));

	meta = swiotlb_meta_alloc(bytes, pool->phase);
	if (!meta)
		return NULL;

	fp = meta;
	fp->pool = *pool;
	fp->pool.slot_shift = IO_TLB_SHIFT;
	fp->pool.nr_slots = nr_slots;
	fp->pool.slots = meta + records;
	fp->pool.head_dist = meta + dists;
	fp->layout = layout;
	fp->meta_bytes = bytes;

	for (i = 0; i < layout.nr_areas; i++) {
		spin_lock_init(&fp->areas[i].lock);
		slot_map_init(&fp->areas[i].map, area_slots(&layout, i),
			      meta + maps);
		maps += area_map_bytes(area_slots(&layout, i));
	}
	return fp;
}

static int fixed_init(struct swiotlb_mem *mem,
		      const struct swiotlb_params *params)
{
	struct io_tlb_pool pool = { .mem = &mem->pub, .ops = &swiotlb_fixed };
	struct fixed_pool *fp;
	int err;

	err = swiotlb_pool_provision(mem, &pool, params);
	if (err)
		return err;

	fp = fixed_alloc_meta(&pool, params->nr_areas);
	if (!fp) {
		pr_warn("no memory to manage %llu bytes of bounce buffers\n",
			(u64)(pool.end - pool.start));
		err = -ENOMEM;
		goto err_release;
	}

	if (params->phase != SWIOTLB_EARLY) {
		err = swiotlb_pool_share(mem, &fp->pool);
		if (err)
			goto err_free_meta;
	}

	err = swiotlb_pool_publish(&fp->pool);
	if (err) {
		pool = fp->pool;
		swiotlb_meta_free(fp, fp->meta_bytes, fp->pool.phase);
		goto err_release;
	}

	mem->backend = fp;
	mem->start = fp->pool.start;
	mem->end = fp->pool.end;
	mem->nslabs = fp->pool.nr_slots;
	return 0;

err_free_meta:
	/* Nobody knows what state the memory is in: it is leaked, and counted */
	swiotlb_meta_free(fp, fp->meta_bytes, fp->pool.phase);
	return err;
err_release:
	swiotlb_pool_release(mem, &pool);
	return err;
}

static int fixed_finalize(struct swiotlb_mem *mem)
{
	struct fixed_pool *fp = mem->backend;

	return swiotlb_pool_share(mem, &fp->pool);
}

static void fixed_exit(struct swiotlb_mem *mem)
{
	struct fixed_pool *fp = mem->backend;

	swiotlb_pool_retract(&fp->pool);
	swiotlb_pool_release(mem, &fp->pool);
	swiotlb_meta_free(fp, fp->meta_bytes, fp->pool.phase);
	mem->backend = NULL;
	mem->start = 0;
	mem->end = 0;
	mem->nslabs = 0;
}

const struct swiotlb_backend_ops swiotlb_fixed = {
	.alloc		= swiotlb_fixed_alloc,
	.free		= swiotlb_fixed_free,
	.max_mapping	= fixed_max_mapping,
	.used		= fixed_used,
	.peak		= fixed_peak,
	.init		= fixed_init,
	.finalize	= fixed_finalize,
	.exit		= fixed_exit,
	.show		= fixed_show,
	.name		= "fixed",
};
EXPORT_SYMBOL_IF_KUNIT(swiotlb_fixed);
