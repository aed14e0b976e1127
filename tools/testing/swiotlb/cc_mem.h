/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the cc backend, as on a machine that has booted: 16 MiB to begin with,
 * of which 2 MiB are for those who reach little
 */
#ifndef _SWIOTLB_CC_MEM_H
#define _SWIOTLB_CC_MEM_H

#include "../../../kernel/dma/swiotlb/cc.h"
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "fixed_pool.h"
#include "system.h"

#define FIRST_BYTES	((size_t)SZ_16M)
#define REACH_32	0xffffffffULL
#define REACH_24	0xffffffULL

static inline struct cc *cc_of(struct swiotlb_mem *mem)
{
	return mem->backend;
}

static inline size_t cc_bytes(struct swiotlb_mem *mem)
{
	return READ_ONCE(mem->nslabs) << IO_TLB_SHIFT;
}

static inline void wake_workers(void)
{
	static bool are_awake;

	if (!are_awake)
		CHECK_EQ(shim_swiotlb_wq_init(), 0);
	are_awake = true;
}

static inline void make_cc_of(struct swiotlb_mem *mem, size_t bytes)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = bytes,
		.nr_areas = 4,
		.gfp = GFP_KERNEL,
	};

	wake_workers();
	memset(mem, 0, sizeof(*mem));
	mem->ops = &swiotlb_cc;
	mem->domain = &swiotlb_default_domain;
	CHECK_EQ(mem->ops->init(mem, &params), 0);
	CHECK_EQ(cc_bytes(mem), bytes);
}

static inline void make_cc(struct swiotlb_mem *mem)
{
	make_cc_of(mem, FIRST_BYTES);
}

/* Nothing is mapped: no slot is lost, and no chunk */
static inline void check_nothing_lost(struct swiotlb_mem *mem)
{
	struct cc *cc = cc_of(mem);
	unsigned int nr_free, nr_chunks[CC_NR_REACHES] = {}, nr_last[CC_NR_REACHES] = {};
	struct cc_depot *d;
	unsigned int reach;

	cc_cpus_flush(cc, true);
	mutex_lock(&cc->lock);
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		cc_depot_tidy(d);
		nr_free = d->nr_empty * CC_CHUNK_PAGES +
			  d->shelves[CC_LAST].nr_free +
			  d->shelves[CC_KEPT].nr_free;
		CHECK_EQ(nr_free, d->nr_chunks * CC_CHUNK_PAGES);
		nr_last[d->reach] += d->shelves[CC_LAST].nr;
		nr_chunks[d->reach] += d->nr_chunks;
	}
	for (reach = 0; reach < CC_NR_REACHES; reach++) {
		CHECK_EQ(nr_last[reach], !!nr_chunks[reach]);
		CHECK_EQ(nr_chunks[reach], cc->nr_chunks[reach]);
	}
	CHECK_EQ(nr_chunks[CC_LOW] + nr_chunks[CC_ANY], cc->nr_boot + cc->nr_grown);
	mutex_unlock(&cc->lock);
}

/* All that it had is given back, and all that it reported taken back */
static inline void drop_cc(struct swiotlb_mem *mem)
{
	CHECK_EQ(mem->ops->used(mem), 0);
	check_nothing_lost(mem);
	drop_pool(mem);
	CHECK_EQ(shim_page_bytes(), 0);
	CHECK_EQ(shim_shared_bytes(), 0);
	CHECK_EQ(shim_nr_timers(), 0);
	CHECK_EQ(atomic_long_read(&mem->domain->own.level.used), 0);
}

/* Let it have no more than it has, so that it can be filled */
static inline void stop_growth(struct swiotlb_mem *mem)
{
	char mib[16];

	snprintf(mib, sizeof(mib), "%zu", cc_bytes(mem) / SZ_1M);
	CHECK_EQ(shim_param_set("cc_max", mib), 0);
}

/* As dma_alloc_*() asks for pages */
static inline void make_coherent(struct swiotlb_req *req)
{
	req->orig_addr = SWIOTLB_NO_ORIG;
	req->alloc_align_mask = (PAGE_SIZE << get_order(req->size)) - 1;
}

/**
 * struct cc_span - a span, and what it was asked for
 */
struct cc_span {
	struct swiotlb_span span;
	struct swiotlb_req req;
};

/* Physical address of the buffer */
static inline phys_addr_t buffer_of(const struct swiotlb_span *span)
{
	return span_start(span) + span->offset;
}

/* Is it what was asked for? In bytes, and without any of the backend's arithmetic */
static inline const char *span_is_wrong(const struct swiotlb_span *span,
					const struct swiotlb_req *req)
{
	size_t slot = (size_t)1 << span->pool->slot_shift;
	phys_addr_t start = span_start(span), end = start + span->nr_slots * slot;
	u64 dma = buffer_of(span) + req->dma_offset;

	if (start < span->pool->start || end > span->pool->end)
		return "not in its pool";
	if (span->slot + span->nr_slots > span->pool->nr_slots)
		return "beyond the last record";
	if (buffer_of(span) + req->size > end)
		return "too short";
	if (span->pool->packed &&
	    (span->nr_slots > 1 || span->offset || req->size > SZ_2K ||
	     req->orig_addr >> 52))
		return "more than a packed record holds";
	if (span->nr_slots > 1 && !span->pool->head_dist)
		return "longer than the records allow";
	if ((dma ^ req->orig_addr) & req->min_align_mask)
		return "other address bits";
	if ((start + req->dma_offset) & req->alloc_align_mask)
		return "not aligned";
	if (req->align_end && end - span_start(span) <
	    ALIGN(span->offset + req->size, (size_t)req->alloc_align_mask + 1))
		return "end not aligned";
	if (!req->min_align_mask && !req->alloc_align_mask &&
	    req->size >= PAGE_SIZE && !PAGE_ALIGNED(dma))
		return "not page-aligned";
	if ((dma & ~req->boundary_mask) !=
	    ((dma + req->size - 1) & ~req->boundary_mask))
		return "crosses the boundary";
	if (dma + req->size - 1 > req->addr_limit)
		return "out of reach";
	return NULL;
}

/* The mix of sizes that a guest asks for, see bench/load.c */
static inline size_t mix_size(u64 *seed)
{
	unsigned int share = model_random_below(seed, 1000);

	if (share < 35)
		return 64 * (1 + model_random_below(seed, 8));
	if (share < 577)
		return 512 * (2 + model_random_below(seed, 3));
	if (share < 913)
		return 512 * (5 + model_random_below(seed, 4));
	if (share < 960)
		return SZ_4K * (2 + model_random_below(seed, 3));
	return min(SZ_4K * (5UL + model_random_below(seed, 124)), SZ_256K);
}

/* By the linker: those that there are, and who is called in their place */
int __real_cc_find_run(const unsigned long *free, unsigned int nr_slots,
		       unsigned int first, const struct cc_fit *fit);
int __wrap_cc_find_run(const unsigned long *free, unsigned int nr_slots,
		       unsigned int first, const struct cc_fit *fit);
void __real_spin_lock(spinlock_t *lock);
void __wrap_spin_lock(spinlock_t *lock);

#endif /* _SWIOTLB_CC_MEM_H */
