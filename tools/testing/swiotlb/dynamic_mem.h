/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the dynamic backend, as on a machine that has booted: 2 MiB to begin
 * with, in 4 areas, below 4 GiB
 */
#ifndef _SWIOTLB_DYNAMIC_MEM_H
#define _SWIOTLB_DYNAMIC_MEM_H

#include "../../../kernel/dma/swiotlb/dynamic.h"
#include "fixed_pool.h"
#include "system.h"

#define FIRST_BYTES	((size_t)SZ_2M)
#define POOL_BYTES	((size_t)SZ_4M)
#define REACH_32	0xffffffffULL
#define REACH_24	0xffffffULL

static inline struct dynamic *dynamic_of(struct swiotlb_mem *mem)
{
	return mem->backend;
}

static inline size_t dynamic_bytes(struct swiotlb_mem *mem)
{
	return READ_ONCE(mem->nslabs) << IO_TLB_SHIFT;
}

static inline void make_dynamic(struct swiotlb_mem *mem)
{
	static const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = FIRST_BYTES,
		.nr_areas = 4,
		.gfp = GFP_KERNEL | GFP_DMA32,
	};

	static bool has_workers;

	if (!has_workers)
		CHECK_EQ(shim_swiotlb_wq_init(), 0);
	has_workers = true;
	memset(mem, 0, sizeof(*mem));
	mem->ops = &swiotlb_dynamic;
	mem->domain = &swiotlb_default_domain;
	CHECK_EQ(mem->ops->init(mem, &params), 0);
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);
}

/* All that it had is given back, and all that it reported taken back */
static inline void drop_dynamic(struct swiotlb_mem *mem)
{
	drop_pool(mem);
	CHECK_EQ(shim_page_bytes(), 0);
	CHECK_EQ(shim_shared_bytes(), 0);
	CHECK_EQ(shim_nr_timers(), 0);
	CHECK_EQ(atomic_long_read(&mem->domain->own.level.used), 0);
	CHECK_EQ(transient_bytes(mem->domain), 0);
}

#endif /* _SWIOTLB_DYNAMIC_MEM_H */
