/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that bounces through the default memory, as the DMA layer has it do so
 */
#ifndef _SWIOTLB_API_H
#define _SWIOTLB_API_H

#include "system.h"

#define ORIG		0x2000000UL

TEST_DEVICE(dev);

static inline void boot(const char *cmdline, unsigned int flags)
{
	boot_early(cmdline, flags, NULL);
	swiotlb_dev_init(&dev);
}

static inline size_t used(void)
{
	struct swiotlb_mem *mem = default_mem();

	return mem->ops->used(mem);
}

static inline void unmap(dma_addr_t dma_addr, size_t size,
			 enum dma_data_direction dir, unsigned long attrs)
{
	swiotlb_tbl_unmap_single(&dev, dma_addr - dev.dma_offset, size, dir,
				 attrs);
}

#endif /* _SWIOTLB_API_H */
