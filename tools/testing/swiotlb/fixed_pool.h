/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of the fixed backend at a place of the test's choice
 */
#ifndef _SWIOTLB_FIXED_POOL_H
#define _SWIOTLB_FIXED_POOL_H

#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "../../../kernel/dma/swiotlb/internal.h"
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
	CHECK_EQ(mem->ops->init(mem, &params), 0);
	CHECK_EQ(mem->nslabs, nr_slots);
	CHECK_EQ(mem->ops->used(mem), 0);
}

static inline void make_pool(struct swiotlb_mem *mem, unsigned int nr_slots,
			     unsigned int nr_areas)
{
	make_pool_at(mem, POOL_BASE, nr_slots, nr_areas);
}

static inline void drop_pool(struct swiotlb_mem *mem)
{
	CHECK_EQ(mem->ops->used(mem), 0);
	mem->ops->exit(mem);
	CHECK(!mem->backend && !mem->nslabs && !mem->start && !mem->end);
}

static inline phys_addr_t span_start(const struct swiotlb_span *span)
{
	return span->pool->start + ((phys_addr_t)span->slot << IO_TLB_SHIFT);
}

#endif /* _SWIOTLB_FIXED_POOL_H */
