/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a CPU keeps for itself of the `cc` backend's memory, and the fast path, which is
 * inlined into the core: see cc_cpu.c
 *
 * Map and unmap of a small buffer are some hundred instructions, all in all. That
 * the place of a buffer need not be passed on in memory, from function to function,
 * saves a third of their time.
 *
 * What does not succeed here has changed nothing, and goes to the backend as usual.
 */
#ifndef _KERNEL_DMA_SWIOTLB_CC_CPU_H
#define _KERNEL_DMA_SWIOTLB_CC_CPU_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

#include "cc.h"

/**
 * struct cc_cache - free slots of one class
 * @nr:		how many
 * @limit:	how many there may be
 * @nr_allocs:	how many buffers got one
 * @nr_bytes:	and how many bytes they had
 * @nr_frees:	how many buffers gave one back
 * @refs:	the slots, the last one is the next to be used
 * @counted:	@nr_allocs less @nr_frees, as far as it is in &cc_cpu.cached_bytes
 *
 * What each map and unmap needs is in one or two cache lines.
 */
struct cc_cache {
	unsigned int nr;
	unsigned int limit;
	unsigned long nr_allocs;
	unsigned long nr_bytes;
	unsigned long nr_frees;
	struct cc_ref refs[CC_CACHE_SLOTS];
	long counted;
} ____cacheline_aligned;

/* Of runs, a CPU keeps so many at most */
#define CC_CACHE_RUNS	8U
/* and none that have more slots */
#define CC_RUN_SLOTS	64U

/**
 * struct cc_runs - free runs of slots of 4 KiB
 * @nr:		how many
 * @nr_slots:	of all of them together, by &enum cc_reach
 * @nr_allocs:	slots that buffers got
 * @nr_frees:	slots that buffers gave back
 * @nr_buffers:	how many buffers got a run
 * @nr_bytes:	and how many bytes they had
 * @runs:	the runs, the last one was freed last
 */
struct cc_runs {
	unsigned int nr;
	unsigned int nr_slots[CC_NR_REACHES];
	unsigned long nr_allocs;
	unsigned long nr_frees;
	unsigned long nr_buffers;
	unsigned long nr_bytes;
	struct swiotlb_span runs[CC_CACHE_RUNS];
} ____cacheline_aligned;

/**
 * struct cc_cpu - what belongs to a CPU
 * @busy:	somebody is at it; whoever interrupts him goes to the depot
 * @cached_bytes: in use by buffers: slots that were allocated here less those that
 *		were freed here, as of when each of @caches was filled or emptied last
 * @reported:	of what was allocated here less what was freed here what the core knows
 * @seen:	how many slots buffers had got when kccd looked last
 * @runs_seen:	and how many of runs
 * @spilled_at:	when it gave back all that it keeps to serve a request, in jiffies
 * @caches:	free slots, see cc_stack()
 * @runs:	free runs, see cc_cpu_runs.c
 */
struct cc_cpu {
	bool busy;
	long cached_bytes;
	long reported;
	unsigned long seen;
	unsigned long runs_seen;
	u64 spilled_at;
	struct cc_cache caches[CC_NR_STACKS];
	struct cc_runs runs;
} ____cacheline_aligned;

/* Get this CPU's stacks; false if they are busy. Preemption is off */
static __always_inline bool __cc_cpu_enter(struct cc_cpu *cpus,
					   struct cc_cpu **cpu)
{
	struct cc_cpu *c;

	lockdep_assert_preemption_disabled();
	c = &cpus[smp_processor_id()];
	if (unlikely(c->busy))
		return false;
	c->busy = true;
	barrier();
	*cpu = c;
	return true;
}

static __always_inline void __cc_cpu_leave(struct cc_cpu *c)
{
	barrier();
	c->busy = false;
}

/* The same for whoever may be preempted, but not from now on */
static inline bool cc_cpu_enter(struct cc_cpu *cpus, struct cc_cpu **cpu)
{
	preempt_disable();
	if (likely(__cc_cpu_enter(cpus, cpu)))
		return true;
	preempt_enable();
	return false;
}

static inline void cc_cpu_leave(struct cc_cpu *c)
{
	__cc_cpu_leave(c);
	preempt_enable();
}

/* Classes of single slots are the powers of two */
static __always_inline long cc_slot_bytes(enum cc_class class)
{
	return 256L << class;
}

/* Found once: compilers like to do the arithmetic for each member */
static __always_inline struct cc_cache *cc_cache(struct cc_cpu *c,
						 unsigned int stack)
{
	struct cc_cache *cache = &c->caches[stack];

	OPTIMIZER_HIDE_VAR(cache);
	return cache;
}

/* A buffer gets the slot on top of the stack, which is not empty */
static __always_inline void cc_pop(struct cc_cache *cache, size_t size,
				   struct swiotlb_span *span)
{
	unsigned int nr = cache->nr - 1;

	span->pool = cache->refs[nr].pool;
	span->slot = cache->refs[nr].slot;
	span->nr_slots = 1;
	WRITE_ONCE(cache->nr, nr);
	WRITE_ONCE(cache->nr_allocs, cache->nr_allocs + 1);
	WRITE_ONCE(cache->nr_bytes, cache->nr_bytes + size);
}

/* The stack, which is not full, gets the slot of a buffer */
static __always_inline void cc_push(struct cc_cache *cache,
				    const struct swiotlb_span *span)
{
	unsigned int nr = cache->nr;

	cache->refs[nr].pool = span->pool;
	cache->refs[nr].slot = span->slot;
	WRITE_ONCE(cache->nr, nr + 1);
	WRITE_ONCE(cache->nr_frees, cache->nr_frees + 1);
}

/*
 * The class of a buffer that one slot will do for, else CC_NR_SINGLES. Slots are
 * aligned to their size. Who needs alignment or bits of the address needs a slot as
 * large as that; who begins within a slot one of those whose records are not packed.
 */
static __always_inline unsigned int
cc_single_class(const struct swiotlb_req *req, unsigned int *offset)
{
	u64 masks = req->min_align_mask | req->alloc_align_mask;
	u64 bytes;

	/* Larger slots would cross the boundary, or not be aligned for the device */
	if (unlikely((~req->boundary_mask | req->dma_offset) & (SZ_4K - 1)))
		return CC_NR_SINGLES;

	*offset = req->orig_addr & req->min_align_mask;
	bytes = max_t(u64, req->size + (u64)*offset, masks + 1);
	/* Devices that there are want 12 bits of the address, which is more than that */
	if (unlikely(*offset) && bytes < cc_slot_bytes(CC_NR_PACKED))
		bytes = cc_slot_bytes(CC_NR_PACKED);
	if (bytes > SZ_4K)
		return CC_NR_SINGLES;
	/* The lowest bit is for 128 bytes and less, of which the logarithm would be negative */
	return __fls((unsigned int)(bytes - 1) >> 7 | 1);
}

/* A slot of just that class, if this CPU has one. Preemption is off */
static __always_inline bool
cc_alloc_single(struct cc *cc, enum cc_reach reach, enum cc_class class,
		size_t size, struct swiotlb_span *span)
{
	struct cc_cache *cache;
	struct cc_cpu *c;
	bool has_any;

	if (unlikely(!__cc_cpu_enter(cc->cpus, &c)))
		return false;

	cache = cc_cache(c, cc_stack(reach, class));
	has_any = cache->nr;
	if (likely(has_any))
		cc_pop(cache, size, span);
	__cc_cpu_leave(c);
	return has_any;
}

/**
 * cc_alloc_fast() - find a place for a small buffer, if this CPU has one
 * @mem:  as for &swiotlb_backend_ops.alloc
 * @req:  as for &swiotlb_backend_ops.alloc; of a buffer that has an original
 * @span: receives the place
 *
 * Context: any but NMI; preemption is off.
 * Return: %false to ask swiotlb_cc_alloc(), which looks everywhere.
 */
static __always_inline bool cc_alloc_fast(struct swiotlb_mem *mem,
					  const struct swiotlb_req *req,
					  struct swiotlb_span *span)
{
	struct cc *cc = mem->backend;
	unsigned int class, offset;

	class = cc_single_class(req, &offset);
	if (unlikely(class == CC_NR_SINGLES) ||
	    unlikely(!cc_reaches(req, mem->end)) ||
	    unlikely(!cc_alloc_single(cc, cc->main, class, req->size, span)))
		return false;
	span->offset = offset;
	return true;
}

/**
 * cc_free_fast() - take a span back, if it is a slot, and this CPU has room for it
 * @span: as for &swiotlb_backend_ops.free
 *
 * Context: any but NMI; preemption is off.
 * Return: %false to ask swiotlb_cc_free(), which takes all spans.
 */
static __always_inline bool cc_free_fast(const struct swiotlb_span *span)
{
	struct cc_slab *f = container_of(span->pool, struct cc_slab, pool);
	unsigned int stack = f->stack;
	struct cc_cache *cache;
	struct cc_cpu *c;
	bool has_room;

	if (unlikely(stack == CC_NO_STACK) || unlikely(span->nr_slots > 1) ||
	    unlikely(!__cc_cpu_enter(f->cpus, &c)))
		return false;

	cache = cc_cache(c, stack);
	has_room = cache->nr < READ_ONCE(cache->limit);
	if (likely(has_room))
		cc_push(cache, span);
	__cc_cpu_leave(c);
	return has_room;
}

#endif /* _KERNEL_DMA_SWIOTLB_CC_CPU_H */
