// SPDX-License-Identifier: GPL-2.0
/*
 * Cost of bouncing one buffer, counted in cycles of the time stamp counter.
 *
 * Under QEMU's -icount the counter advances by one per instruction, so that
 * "cycles" are instructions and the same run gives the same numbers again.
 * Built out of tree, unchanged for every kernel: all it calls is the DMA API.
 *
 * Reading <debugfs>/swiotlb_bench/results runs the whole table. Each line is
 *
 *   <row>=<hundredths of cycles per operation>
 *
 * where a row names the operation, the size, the direction, the device's
 * min_align_mask and how much of the pool is occupied. See results_show().
 *
 * Measured with interrupts off, in batches that walk through all free slots of
 * the pool twice. So the search meets the occupied stretches as often as
 * a long-running load would, and not just never or just once.
 *
 * Needs swiotlb=force: then the platform device made here bounces everything.
 */

#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timex.h>

#include "bench.h"

#define WALKS		2

static unsigned int pool_slots;
module_param(pool_slots, uint, 0444);
MODULE_PARM_DESC(pool_slots, "Slots in the default pool, as in debugfs swiotlb/io_tlb_nslabs");

struct platform_device *bench_pdev;
void *bench_buffer;

static struct dentry *debugfs;
static void *copy;	/* SEGMENT_BYTES */

/* Mappings that only occupy the pool, one per 256 KiB segment of it. */
static dma_addr_t *occupied;

struct bench_case {
	size_t bytes;
	enum dma_data_direction dir;
	unsigned long unmap_attrs;
	unsigned int occupancy_percent;
};

struct bench_cost {
	u64 map_cycles;
	u64 unmap_cycles;
	unsigned int nr_ops;
};

static unsigned int nr_segments(void)
{
	return pool_slots / (SEGMENT_BYTES / SLOT_BYTES);
}

/* Spread evenly, so that a search always has to get past occupied segments. */
static bool segment_wanted(unsigned int i, unsigned int percent)
{
	return (i + 1) * percent / 100 != i * percent / 100;
}

static void release_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_segments(); i++) {
		if (occupied[i] == DMA_MAPPING_ERROR)
			continue;
		dma_unmap_single(dev(), occupied[i], SEGMENT_BYTES, DMA_TO_DEVICE);
		occupied[i] = DMA_MAPPING_ERROR;
	}
}

/* Fill the whole pool, then give back all that is not to stay occupied. */
static int occupy(unsigned int percent)
{
	unsigned int i;

	for (i = 0; percent && i < nr_segments(); i++) {
		occupied[i] = dma_map_single(dev(), bench_buffer, SEGMENT_BYTES, DMA_TO_DEVICE);
		if (dma_mapping_error(dev(), occupied[i])) {
			dev_err(dev(), "segment %u of %u cannot be mapped\n", i, nr_segments());
			release_all();
			return -ENOSPC;
		}
	}
	for (i = 0; percent && i < nr_segments(); i++) {
		if (segment_wanted(i, percent))
			continue;
		dma_unmap_single(dev(), occupied[i], SEGMENT_BYTES, DMA_TO_DEVICE);
		occupied[i] = DMA_MAPPING_ERROR;
	}
	return 0;
}

/* Exactly as many as fit, so that it does not matter where the search starts. */
static unsigned int batch_size(const struct bench_case *c)
{
	unsigned int nr_free = 0, i;

	for (i = 0; i < nr_segments(); i++)
		nr_free += occupied[i] == DMA_MAPPING_ERROR;
	return WALKS * nr_free * (SEGMENT_BYTES / (roundup_pow_of_two(max(c->bytes, SLOT_BYTES))));
}

static int measure(const struct bench_case *c, struct bench_cost *cost)
{
	unsigned long flags;
	unsigned int i;
	int ret = 0;

	*cost = (struct bench_cost){ .nr_ops = batch_size(c) };
	local_irq_save(flags);
	for (i = 0; i < cost->nr_ops; i++) {
		u64 t0, t1, t2;
		dma_addr_t addr;

		t0 = get_cycles();
		addr = dma_map_single(dev(), bench_buffer, c->bytes, c->dir);
		t1 = get_cycles();
		if (dma_mapping_error(dev(), addr)) {
			ret = -ENOSPC;
			break;
		}
		dma_unmap_single_attrs(dev(), addr, c->bytes, c->dir, c->unmap_attrs);
		t2 = get_cycles();
		cost->map_cycles += t1 - t0;
		cost->unmap_cycles += t2 - t1;
	}
	local_irq_restore(flags);
	return ret;
}

/* What copying alone costs, to be able to tell bookkeeping from copying. */
static void bench_memcpy(struct seq_file *s, size_t bytes)
{
	unsigned int nr_ops = 256, i;
	unsigned long flags;
	u64 cycles = 0, t0;

	local_irq_save(flags);
	for (i = 0; i < nr_ops; i++) {
		t0 = get_cycles();
		memcpy(copy, bench_buffer, bytes);
		cycles += get_cycles() - t0;
	}
	local_irq_restore(flags);
	seq_printf(s, "memcpy.%zu=%llu\n", bytes, hundredths(cycles, nr_ops));
}

/**
 * bench_empty() - what reading the counter costs
 *
 * That is part of every other number.
 *
 * Return: hundredths of cycles.
 */
u64 bench_empty(void)
{
	unsigned int nr_ops = 256, i;
	unsigned long flags;
	u64 cycles = 0, t0;

	local_irq_save(flags);
	for (i = 0; i < nr_ops; i++) {
		t0 = get_cycles();
		barrier();
		cycles += get_cycles() - t0;
	}
	local_irq_restore(flags);
	return hundredths(cycles, nr_ops);
}

static int bench_case(struct seq_file *s, const struct bench_case *c, unsigned int mask)
{
	const char *dir = c->dir == DMA_TO_DEVICE ? "to" : c->unmap_attrs ? "from_skip" : "from";
	struct bench_cost cost;
	int ret;

	if (c->bytes > dma_max_mapping_size(dev()))
		return 0;
	ret = measure(c, &cost);
	if (ret) {
		dev_err(dev(), "cannot map %zu bytes at %u%% occupancy\n", c->bytes,
			c->occupancy_percent);
		return ret;
	}
	seq_printf(s, "map.%zu.%s.%x.%u=%llu\n", c->bytes, dir, mask, c->occupancy_percent,
		   hundredths(cost.map_cycles, cost.nr_ops));
	seq_printf(s, "unmap.%zu.%s.%x.%u=%llu\n", c->bytes, dir, mask, c->occupancy_percent,
		   hundredths(cost.unmap_cycles, cost.nr_ops));
	return 0;
}

static int bench_sizes(struct seq_file *s, unsigned int mask, unsigned int percent)
{
	static const size_t sizes[] = {
		64, 512, SZ_2K, SZ_4K, SZ_16K, SZ_64K, SZ_256K - SZ_4K, SZ_256K,
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(sizes) && !ret; i++) {
		struct bench_case c = { .bytes = sizes[i], .occupancy_percent = percent };

		c.dir = DMA_TO_DEVICE;
		ret = bench_case(s, &c, mask);
		c.dir = DMA_FROM_DEVICE;
		if (!ret)
			ret = bench_case(s, &c, mask);
		c.unmap_attrs = DMA_ATTR_SKIP_CPU_SYNC;
		if (!ret)
			ret = bench_case(s, &c, mask);
		if (!mask && !percent)
			bench_memcpy(s, c.bytes);
	}
	return ret;
}

/* Every combination of mask and occupancy, with all sizes and directions. */
static int results_show(struct seq_file *s, void *unused)
{
	static const unsigned int masks[] = { 0, 0xfff };
	static const unsigned int percents[] = { 0, 50, 90 };
	unsigned int m, p;
	int ret;

	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		for (p = 0; p < ARRAY_SIZE(percents); p++) {
			/* Whole segments cannot be mapped with a mask set. */
			dma_set_min_align_mask(dev(), 0);
			ret = occupy(percents[p]);
			if (ret)
				return ret;
			dma_set_min_align_mask(dev(), masks[m]);
			ret = bench_sizes(s, masks[m], percents[p]);
			dma_set_min_align_mask(dev(), 0);
			release_all();
			if (ret)
				return ret;
		}
	}
	seq_printf(s, "empty=%llu\n", bench_empty());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

static int __init swiotlb_bench_init(void)
{
	unsigned int i;
	int ret = -ENOMEM;

	if (!nr_segments()) {
		pr_err("swiotlb_bench: pool_slots= is missing or smaller than a segment\n");
		return -EINVAL;
	}
	bench_buffer = kzalloc(SEGMENT_BYTES, GFP_KERNEL);
	copy = kzalloc(SEGMENT_BYTES, GFP_KERNEL);
	occupied = kmalloc_array(nr_segments(), sizeof(*occupied), GFP_KERNEL);
	if (!bench_buffer || !copy || !occupied)
		goto free;
	for (i = 0; i < nr_segments(); i++)
		occupied[i] = DMA_MAPPING_ERROR;
	bench_pdev = platform_device_register_simple("swiotlb_bench", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(bench_pdev)) {
		ret = PTR_ERR(bench_pdev);
		goto free;
	}
	ret = dma_coerce_mask_and_coherent(dev(), DMA_BIT_MASK(64));
	if (ret)
		goto unregister;
	debugfs = debugfs_create_dir("swiotlb_bench", NULL);
	debugfs_create_file("results", 0400, debugfs, NULL, &results_fops);
	ret = bench_lookup_init(debugfs);
	if (ret)
		goto remove;
	return 0;

remove:
	debugfs_remove(debugfs);
unregister:
	platform_device_unregister(bench_pdev);
free:
	kfree(occupied);
	kfree(copy);
	kfree(bench_buffer);
	return ret;
}

static void __exit swiotlb_bench_exit(void)
{
	debugfs_remove(debugfs);
	bench_lookup_exit();
	platform_device_unregister(bench_pdev);
	kfree(occupied);
	kfree(copy);
	kfree(bench_buffer);
}

module_init(swiotlb_bench_init);
module_exit(swiotlb_bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Count what bouncing a DMA buffer costs");
