// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of the DMA layer where each access is counted, see touch.c
 *
 * A file of its own, since what the benchmark itself touches is not counted.
 */
#include "bench.h"

phys_addr_t bench_map(phys_addr_t orig, size_t size)
{
	touch_next();
	return swiotlb_map(&bench_dev, orig, size, bench_dir,
			   DMA_ATTR_NO_WARN);
}

void bench_unmap(phys_addr_t tlb_addr, size_t size)
{
	touch_next();
	swiotlb_tbl_unmap_single(&bench_dev, tlb_addr, size, bench_dir, 0);
}
