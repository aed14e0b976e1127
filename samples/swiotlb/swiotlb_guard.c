// SPDX-License-Identifier: GPL-2.0
/*
 * The `guard` backend: who writes outside of his bounce buffer?
 *
 * For those who debug a driver or a device; and the example for those who write
 * a backend, through which Documentation/core-api/swiotlb-backends.rst walks.
 *
 * The pool is a row of pages with a bit for each. A mapping gets as many as its
 * buffer needs, which are its span, and one more at either side:
 *
 *	| guard page |   . . . B U F F E R . .   | guard page |
 *		     ^ span->slot		 ^ span->slot + span->nr_slots
 *
 * All these pages are its own. All but the buffer is filled with a pattern when it
 * is mapped, and compared when it is unmapped. If anything has changed, then the
 * device did it, and the core says so in the log. Nothing needs to be repaired: the
 * next mapping there begins with filling.
 *
 * Each byte of the pattern depends on its place, so that no two neighbours are
 * alike, and on a number that is drawn for each mapping. So a device is noticed
 * that clears too much, and also a disk that rounds up what it transfers, and
 * returns the very pattern that it got from another mapping.
 *
 * Not noticed are reads; a single wrong byte in one case of 256; and what a device
 * that is not cache-coherent wrote while a CPU had the pattern in its cache. Who
 * writes still further off hits the pages of somebody else, who is blamed.
 *
 * Locking: guard_pool.lock protects the bitmap and the count of its bits. It is
 * taken with interrupts off, nothing is taken inside it. Filling and comparing
 * take no lock: the pages belong to whoever owns the mapping.
 */
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

/*
 * As in `fixed`: devices that are promised more could not be switched back to it.
 * Besides, io_tlb_pool.head_dist has a byte for each slot of a span.
 */
#define MAX_SPAN_BYTES	((size_t)IO_TLB_SEGSIZE << IO_TLB_SHIFT)
static_assert(MAX_SPAN_BYTES >> PAGE_SHIFT <= 256);

/**
 * struct guard_mapping - what there is to know of a mapping, besides its span
 * @seed:  what its pattern is made of
 * @start: first byte that is not guarded, counted from the guard page before it
 * @end:   just behind the last one
 */
struct guard_mapping {
	u32 seed;
	u32 start;
	u32 end;
};

/**
 * struct guard_pool - the pool
 * @pool:      what the core sees; a slot is a page
 * @mappings:  one for each slot, that of a span's first slot is in use
 * @nr_strays: mappings whose device wrote outside of the buffer
 * @lock:      protects the rest
 * @nr_taken:  pages in use, guard pages included
 * @taken:     one bit for each slot, set if it is in use
 */
struct guard_pool {
	struct io_tlb_pool pool;
	struct guard_mapping *mappings;
	atomic_long_t nr_strays;
	spinlock_t lock; /* protects the rest */
	unsigned long nr_taken;
	unsigned long *taken;
};

static struct guard_pool *to_guard_pool(const struct swiotlb_span *span)
{
	return container_of(span->pool, struct guard_pool, pool);
}

/* All that a mapping takes: its span between two guard pages */
static unsigned int nr_pages(const struct swiotlb_span *span)
{
	return span->nr_slots + 2;
}

/* What is read there was either not touched, or makes a device a suspect */
static u8 *first_page(const struct swiotlb_span *span)
{
	return (__force u8 *)span->pool->vaddr +
	       ((size_t)(span->slot - 1) << PAGE_SHIFT);
}

static u8 pattern(u32 seed, u32 pos)
{
	return ((seed + pos) * GOLDEN_RATIO_32) >> 24;
}

/*
 * A caller that wants an aligned span wants padding in it, which it may write, as
 * dma-iommu does. Of such a span nothing is guarded but what surrounds it.
 */
static void fill(const struct swiotlb_span *span, const struct swiotlb_req *req,
		 struct guard_mapping *mapping)
{
	u8 *page = first_page(span);
	u32 pos, bytes = nr_pages(span) << PAGE_SHIFT;

	mapping->seed = get_random_u32();
	mapping->start = PAGE_SIZE;
	mapping->end = bytes - PAGE_SIZE;
	if (!req->alloc_align_mask) {
		mapping->start += span->offset;
		mapping->end = mapping->start + req->size;
	}

	for (pos = 0; pos < mapping->start; pos++)
		page[pos] = pattern(mapping->seed, pos);
	for (pos = mapping->end; pos < bytes; pos++)
		page[pos] = pattern(mapping->seed, pos);
}

static const u8 *guard_stray(const struct swiotlb_span *span, size_t size)
{
	struct guard_pool *gp = to_guard_pool(span);
	const struct guard_mapping *mapping = &gp->mappings[span->slot];
	u32 pos, bytes = nr_pages(span) << PAGE_SHIFT;
	const u8 *page = first_page(span);

	for (pos = 0; pos < bytes; pos++) {
		if (pos == mapping->start)
			pos = mapping->end;
		/* The device may still write: what is read once counts */
		if (READ_ONCE(page[pos]) != pattern(mapping->seed, pos)) {
			atomic_long_inc(&gp->nr_strays);
			return page + pos;
		}
	}
	return NULL;
}

/*
 * The bits of min_align_mask below the alignment of the span are taken care of by
 * an offset into it, the higher ones by choosing its first page. A mapping without
 * any mask begins with a page, as drivers expect of one of a page and more.
 */
static u64 span_mask(const struct swiotlb_req *req)
{
	return req->alloc_align_mask | (PAGE_SIZE - 1);
}

/* May a span begin at the DMA address @dma? */
static bool suits(const struct swiotlb_req *req, u64 dma, unsigned int offset)
{
	u64 match_mask = req->min_align_mask & ~span_mask(req);
	u64 pos = (dma + offset) & req->boundary_mask;

	return !((dma ^ req->orig_addr) & match_mask) &&
	       pos + req->size - 1 <= req->boundary_mask;
}

/* Translate a request into pages; where they are is still open */
static int fit(const struct guard_pool *gp, const struct swiotlb_req *req,
	       struct swiotlb_span *span)
{
	u64 lowest = req->orig_addr & req->min_align_mask & ~span_mask(req);
	size_t bytes;

	/* No bus shifts addresses by parts of a page: nothing could be aligned */
	if (req->dma_offset & ~PAGE_MASK)
		return -EINVAL;
	if (gp->pool.start + PAGE_SIZE + req->dma_offset > req->addr_limit)
		return -ENXIO;
	if (req->size > MAX_SPAN_BYTES)
		return -E2BIG;

	span->offset = req->orig_addr & req->min_align_mask & span_mask(req);
	bytes = req->size + span->offset;
	if (req->align_end)
		bytes = ALIGN(bytes, (size_t)req->alloc_align_mask + 1);
	span->nr_slots = DIV_ROUND_UP(bytes, PAGE_SIZE);

	/* Is it too long, or does it cross the boundary wherever it is? */
	if (bytes > MAX_SPAN_BYTES || nr_pages(span) > gp->pool.nr_slots ||
	    !suits(req, lowest, span->offset))
		return -E2BIG;
	return 0;
}

/* Find the first place where the pages are free, in reach and suitable */
static int place(const struct guard_pool *gp, const struct swiotlb_req *req,
		 struct swiotlb_span *span)
{
	u64 dma, base = gp->pool.start + req->dma_offset + PAGE_SIZE;
	unsigned long align_mask = span_mask(req) >> PAGE_SHIFT;
	unsigned long align_offset = (base >> PAGE_SHIFT) & align_mask;
	unsigned long page;

	lockdep_assert_held(&gp->lock);
	for (page = 0;; page++) {
		page = bitmap_find_next_zero_area_off(gp->taken,
						      gp->pool.nr_slots, page,
						      nr_pages(span), align_mask,
						      align_offset);
		dma = base + ((u64)page << PAGE_SHIFT);
		if (page + nr_pages(span) > gp->pool.nr_slots ||
		    dma + span->offset + req->size - 1 > req->addr_limit)
			return -ENOSPC;
		if (suits(req, dma, span->offset))
			break;
	}
	span->slot = page + 1;
	return 0;
}

static int guard_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		       struct swiotlb_span *result)
{
	struct guard_pool *gp = mem->backend;
	struct swiotlb_span span = { .pool = &gp->pool };
	unsigned long flags;
	int err;

	err = fit(gp, req, &span);
	if (err)
		return err;

	spin_lock_irqsave(&gp->lock, flags);
	err = place(gp, req, &span);
	if (!err) {
		bitmap_set(gp->taken, span.slot - 1, nr_pages(&span));
		gp->nr_taken += nr_pages(&span);
		swiotlb_report_used(mem, (long)nr_pages(&span) * PAGE_SIZE);
	}
	spin_unlock_irqrestore(&gp->lock, flags);
	if (err)
		return err;

	fill(&span, req, &gp->mappings[span.slot]);
	*result = span;
	return 0;
}

static void guard_free(const struct swiotlb_span *span)
{
	struct guard_pool *gp = to_guard_pool(span);
	unsigned long flags;

	spin_lock_irqsave(&gp->lock, flags);
	bitmap_clear(gp->taken, span->slot - 1, nr_pages(span));
	gp->nr_taken -= nr_pages(span);
	swiotlb_report_used(gp->pool.mem, -(long)(nr_pages(span) * PAGE_SIZE));
	spin_unlock_irqrestore(&gp->lock, flags);
}

/*
 * A span, or what boundaries leave of the pool, less what the worst address costs:
 * the offset into the first page, or the pages passed over until min_align_mask is
 * met; in whole units of swiotlb, unless that leaves nothing. Pages passed over cost
 * something only when the pool is small, but in `fixed` they always do, and a device
 * must not be promised more than it has when it is switched there. Where the mask
 * covers the boundary, buffers lie between boundaries just as their originals do.
 */
static size_t guard_max_mapping(struct swiotlb_mem *mem,
				const struct swiotlb_limits *limits)
{
	const struct guard_pool *gp = mem->backend;
	u64 boundary_mask = min(limits->boundary_mask, U64_MAX >> 1);
	u64 lost = ALIGN((u64)limits->min_align_mask, IO_TLB_SIZE);
	bool covered = limits->min_align_mask >= boundary_mask;
	u64 bytes = MAX_SPAN_BYTES, start, room, first;

	if (gp) {
		start = gp->pool.start + limits->dma_offset + PAGE_SIZE;
		room = (u64)(gp->pool.nr_slots - 2) << PAGE_SHIFT;
		first = boundary_mask - (start & boundary_mask) + 1;
		if (!covered && first < room)
			room = max(first, min(room - first, boundary_mask + 1));
		bytes = min(bytes, room);
	}

	if (lost >= bytes)
		lost = min(limits->min_align_mask, bytes - 1);
	return covered ? min(bytes - lost, boundary_mask + 1) : bytes - lost;
}

static size_t guard_used(struct swiotlb_mem *mem)
{
	const struct guard_pool *gp = mem->backend;

	return READ_ONCE(gp->nr_taken) << PAGE_SHIFT;
}

static void guard_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	struct guard_pool *gp = mem->backend;

	seq_printf(m, "strays %ld\n", atomic_long_read(&gp->nr_strays));
}

static void free_meta(struct guard_pool *gp)
{
	bitmap_free(gp->taken);
	kvfree(gp->mappings);
	kvfree(gp->pool.head_dist);
	kvfree(gp->pool.slots);
	kfree(gp);
}

/* Have all that mapping is going to need, since it must not allocate */
static int alloc_meta(struct guard_pool *gp)
{
	unsigned long nr = (gp->pool.end - gp->pool.start) >> PAGE_SHIFT;

	/* A page between two guard pages is the least; bits are numbered by ints */
	if (nr < 3 || nr > INT_MAX)
		return -EINVAL;

	gp->pool.slot_shift = PAGE_SHIFT;
	gp->pool.nr_slots = nr;
	gp->pool.slots = kvcalloc(nr, sizeof(*gp->pool.slots), GFP_KERNEL);
	gp->pool.head_dist = kvzalloc(nr, GFP_KERNEL);
	gp->mappings = kvcalloc(nr, sizeof(*gp->mappings), GFP_KERNEL);
	gp->taken = bitmap_zalloc(nr, GFP_KERNEL);
	return gp->pool.slots && gp->pool.head_dist && gp->mappings &&
	       gp->taken ? 0 : -ENOMEM;
}

static int guard_init(struct swiotlb_mem *mem,
		      const struct swiotlb_params *params)
{
	struct guard_pool *gp;
	int err;

	/* Modules come after boot, and restricted pools are not for debugging */
	if (params->phase != SWIOTLB_LATE)
		return -EOPNOTSUPP;

	gp = kzalloc(sizeof(*gp), GFP_KERNEL);
	if (!gp)
		return -ENOMEM;

	spin_lock_init(&gp->lock);
	gp->pool.mem = mem;
	gp->pool.ops = mem->ops;
	err = swiotlb_pool_provision(mem, &gp->pool, params);
	if (err)
		goto err_meta;
	err = alloc_meta(gp);
	if (err)
		goto err_release;
	/* When this fails, the core has written the memory off */
	err = swiotlb_pool_share(mem, &gp->pool);
	if (err)
		goto err_meta;
	err = swiotlb_pool_publish(&gp->pool);
	if (err)
		goto err_release;

	mem->backend = gp;
	mem->start = gp->pool.start;
	mem->end = gp->pool.end;
	mem->nslabs = (gp->pool.end - gp->pool.start) >> IO_TLB_SHIFT;
	return 0;

err_release:
	swiotlb_pool_release(mem, &gp->pool);
err_meta:
	free_meta(gp);
	return err;
}

/*
 * The last free may not have returned yet, and somebody may be looking up an
 * address. After a grace period both are through: nobody knows the pool, and all
 * the use that was reported has been taken back.
 */
static void guard_exit(struct swiotlb_mem *mem)
{
	struct guard_pool *gp = mem->backend;

	swiotlb_pool_retract(&gp->pool);
	synchronize_rcu();
	swiotlb_pool_release(mem, &gp->pool);
	free_meta(gp);
}

static const struct swiotlb_backend_ops guard_ops = {
	.alloc		= guard_alloc,
	.free		= guard_free,
	.stray		= guard_stray,
	.max_mapping	= guard_max_mapping,
	.used		= guard_used,
	.init		= guard_init,
	.exit		= guard_exit,
	.show		= guard_show,
	.name		= "guard",
	.owner		= THIS_MODULE,
};

static int __init swiotlb_guard_init(void)
{
	return swiotlb_register_backend(&guard_ops);
}
module_init(swiotlb_guard_init);

/* Does not run while memory of the backend lives */
static void __exit swiotlb_guard_exit(void)
{
	swiotlb_unregister_backend(&guard_ops);
}
module_exit(swiotlb_guard_exit);

MODULE_DESCRIPTION("swiotlb backend with guard pages around each bounce buffer");
MODULE_LICENSE("GPL");
