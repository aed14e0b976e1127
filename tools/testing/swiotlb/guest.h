/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A confidential guest with a pool of 166 MiB, and devices that use it
 */
#ifndef _SWIOTLB_GUEST_H
#define _SWIOTLB_GUEST_H

#include "system.h"

#define GUEST_BYTES	((size_t)166 << 20)
#define REACH_32	0xffffffffULL

TEST_DEVICE(dev);

static u64 low_mask = REACH_32;
static struct device low_dev = {
	.dma_mask = &low_mask,
	.coherent_dma_mask = REACH_32,
	.seg_boundary = 0xffffffff,
};

static inline size_t pool_bytes(void)
{
	return READ_ONCE(default_mem()->nslabs) << IO_TLB_SHIFT;
}

static inline long leaked(void)
{
	return counted(&swiotlb_default_domain, leaked_bytes);
}

static inline long misses(void)
{
	return counted(&swiotlb_default_domain, granule_misses);
}

static inline void use(struct device *by, bool works)
{
	struct buffer buffer;

	swiotlb_dev_init(by);
	CHECK(is_swiotlb_force_bounce(by));
	buffer_init(&buffer, 0, 5000);
	CHECK_EQ(buffer_map(&buffer, by), works);
	if (works)
		buffer_unmap(&buffer);
}

#endif /* _SWIOTLB_GUEST_H */
