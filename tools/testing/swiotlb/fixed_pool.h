/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of the fixed backend at a place of the test's choice
 */
#ifndef _SWIOTLB_FIXED_POOL_H
#define _SWIOTLB_FIXED_POOL_H

#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "../../../kernel/dma/swiotlb/areas.h"
#include "bounce.h"
#include "cc_cpu.h"
#include "../../../kernel/dma/swiotlb/internal.h"
#include "counted.h"
#include "test.h"

/* A segment's worth of alignment, in memory that is the tests' own */
#define POOL_BASE	0x4000000UL

/* Any request that is not asking for anything special */
#define PLAIN_REQ(bytes) ((struct swiotlb_req){ \
	.orig_addr = 0x1000000, \
	.size = (bytes), \
	.boundary_mask = U64_MAX, \
	.addr_limit = U64_MAX, \
})

static inline void make_pool_at(struct swiotlb_mem *mem, phys_addr_t base,
				unsigned int nr_slots, unsigned int nr_areas)
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_RESERVED,
		.base = base,
		.bytes = (size_t)nr_slots << IO_TLB_SHIFT,
		.nr_areas = nr_areas,
	};

	memset(mem, 0, sizeof(*mem));
	mem->ops = &swiotlb_fixed;
	mem->domain = &swiotlb_default_domain;
	CHECK_EQ(mem->ops->init(mem, &params), 0);
	CHECK_EQ(mem->nslabs, nr_slots);
	CHECK_EQ(mem->ops->used(mem), 0);
}

static inline void make_pool(struct swiotlb_mem *mem, unsigned int nr_slots,
			     unsigned int nr_areas)
{
	make_pool_at(mem, POOL_BASE, nr_slots, nr_areas);
}

/* As the core calls them: `cc` first for what this CPU keeps, if it is a mapping */
static inline bool span_alloc_fast(struct swiotlb_mem *mem,
				   const struct swiotlb_req *req,
				   struct swiotlb_span *span)
{
	guard(preempt)();
	return mem->ops == &swiotlb_cc && req->orig_addr != SWIOTLB_NO_ORIG &&
	       cc_alloc_fast(mem, req, span);
}

static inline int span_alloc(struct swiotlb_mem *mem,
			     const struct swiotlb_req *req,
			     struct swiotlb_span *span)
{
	int err;

	guard(rcu)();
	if (span_alloc_fast(mem, req, span))
		return 0;
	err = mem->ops->alloc(mem, req, span);
	if (err == -ENOSPC && mem->ops->grow)
		err = mem->ops->grow(mem, req, span);
	return err;
}

static inline void span_free(const struct swiotlb_span *span)
{
	guard(rcu)();
	scoped_guard(preempt) {
		if (span->pool->ops == &swiotlb_cc && cc_free_fast(span))
			return;
	}
	span->pool->ops->free(span);
}

/* Nothing is going on: do the bitmaps say what the areas have? */
static inline void check_room(const struct area_set *set)
{
	unsigned int nr, order;

	for (nr = 0; nr < set->nr_areas; nr++) {
		const struct area_pool *ap =
			rcu_dereference_raw(set->pools[nr / AREAS_PER_GROUP]);
		unsigned int orders = 0;

		if (ap && nr - ap->first_nr < ap->layout.nr_areas)
			orders = ap->areas[nr - ap->first_nr].map.nr_orders;
		for (order = 0; order < SLOT_ORDERS; order++)
			CHECK_EQ(test_bit(nr, set->room + order *
					      BITS_TO_LONGS(set->nr_areas)),
				 order < orders);
	}
}

static inline void drop_pool(struct swiotlb_mem *mem)
{
	CHECK_EQ(mem->ops->used(mem), 0);
	/* Others may still be growing */
	if (mem->ops == &swiotlb_fixed)
		check_room(mem->backend);
	mem->ops->exit(mem);
	CHECK(!mem->backend && !mem->nslabs && !mem->start && !mem->end);
}

static inline phys_addr_t span_start(const struct swiotlb_span *span)
{
	return span->pool->start +
	       ((phys_addr_t)span->slot << span->pool->slot_shift);
}

#endif /* _SWIOTLB_FIXED_POOL_H */
