/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of swiotlb_bench share with each other
 */
#ifndef _SWIOTLB_BENCH_H
#define _SWIOTLB_BENCH_H

#include <linux/math64.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct dentry;

#define SLOT_BYTES	((size_t)SZ_2K)
#define SEGMENT_BYTES	((size_t)SZ_256K)

/* cost.c: the device that bounces, and what it maps, SEGMENT_BYTES of it */
extern struct platform_device *bench_pdev;
extern void *bench_buffer;
u64 bench_empty(void);

/* lookup.c */
int bench_lookup_init(struct dentry *dir);
void bench_lookup_exit(void);

static inline struct device *dev(void)
{
	return &bench_pdev->dev;
}

/* The average of a few operations need not be whole */
static inline u64 hundredths(u64 cycles, unsigned int nr_ops)
{
	return div_u64(cycles * 100, nr_ops);
}

#endif /* _SWIOTLB_BENCH_H */
