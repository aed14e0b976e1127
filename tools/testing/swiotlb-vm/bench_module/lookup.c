// SPDX-License-Identifier: GPL-2.0
/*
 * Cost of finding out whether an address is one of a bounce buffer.
 *
 * Each unmap and each sync of a device asks. Measured through the DMA API, with
 * what is around the lookup: the pristine kernel has it, too.
 *
 *	echo <n> >hold	have n segments mapped, to be looked up. Makes time for
 *			workers after each, so that pools can grow.
 *	cat lookup	measure. Lines are as in results, but without what reading
 *			the counter costs.
 *
 * A hit is a sync that has nothing to copy, for each mapping that is held: the
 * mean of all, and the worst one. A miss is a sync and an unmap of an address that
 *
 *	near	lies right behind a pool; so have all of every pool mapped
 *	ram	belongs to an ordinary buffer
 *	far	is beyond all memory
 *
 * and fresh is an unmap by a device that never bounced anything, of that buffer.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timex.h>

#include "bench.h"

#define MAX_HELD	8192
#define NR_OPS		64
#define FAR_ADDR	BIT_ULL(40)

/* What an operation costs, in cycles */
#define CYCLES(operation)			\
({						\
	u64 start_ = get_cycles();		\
						\
	operation;				\
	get_cycles() - start_;			\
})

/* A device that never bounced anything */
static struct platform_device *fresh_pdev;

static dma_addr_t *held;
static unsigned int nr_held;
static DEFINE_MUTEX(held_mutex);

static void release(unsigned int nr)
{
	while (nr_held > nr)
		dma_unmap_single(dev(), held[--nr_held], SEGMENT_BYTES, DMA_TO_DEVICE);
}

static int hold_get(void *unused, u64 *nr)
{
	*nr = nr_held;
	return 0;
}

static int hold_set(void *unused, u64 nr)
{
	dma_addr_t addr;

	if (nr > MAX_HELD)
		return -EINVAL;

	guard(mutex)(&held_mutex);
	release(nr);
	while (nr_held < nr) {
		addr = dma_map_single_attrs(dev(), bench_buffer, SEGMENT_BYTES, DMA_TO_DEVICE,
					    DMA_ATTR_NO_WARN);
		if (dma_mapping_error(dev(), addr))
			return -ENOSPC;
		held[nr_held++] = addr;
		usleep_range(1000, 2000);
	}
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(hold_fops, hold_get, hold_set, "%llu\n");

/* Not what a sync of a buffer costs that a device wrote: that is the copying */
static void bench_hits(struct seq_file *s, u64 empty)
{
	u64 sum = 0, worst = 0, cycles;
	struct device *d = dev();
	unsigned long flags;
	unsigned int i, n;

	for (i = 0; i < nr_held; i++) {
		cycles = 0;
		local_irq_save(flags);
		for (n = 0; n < NR_OPS; n++)
			cycles += CYCLES(dma_sync_single_for_cpu(d, held[i], SLOT_BYTES,
								 DMA_TO_DEVICE));
		local_irq_restore(flags);
		sum += cycles;
		worst = max(worst, cycles);
	}
	seq_printf(s, "hit=%llu\n", hundredths(sum, nr_held * NR_OPS) - empty);
	seq_printf(s, "hit_worst=%llu\n", hundredths(worst, NR_OPS) - empty);
}

static u64 unmap_cycles(struct device *d, dma_addr_t addr)
{
	unsigned long flags;
	u64 cycles = 0;
	unsigned int n;

	local_irq_save(flags);
	for (n = 0; n < NR_OPS; n++)
		cycles += CYCLES(dma_unmap_single(d, addr, SLOT_BYTES, DMA_FROM_DEVICE));
	local_irq_restore(flags);
	return hundredths(cycles, NR_OPS);
}

static u64 sync_cycles(struct device *d, dma_addr_t addr)
{
	unsigned long flags;
	u64 cycles = 0;
	unsigned int n;

	local_irq_save(flags);
	for (n = 0; n < NR_OPS; n++)
		cycles += CYCLES(dma_sync_single_for_cpu(d, addr, SLOT_BYTES, DMA_FROM_DEVICE));
	local_irq_restore(flags);
	return hundredths(cycles, NR_OPS);
}

static void bench_miss(struct seq_file *s, const char *name, dma_addr_t addr, u64 empty)
{
	seq_printf(s, "%s.sync=%llu\n", name, sync_cycles(dev(), addr) - empty);
	seq_printf(s, "%s.unmap=%llu\n", name, unmap_cycles(dev(), addr) - empty);
}

static bool is_held(dma_addr_t addr)
{
	unsigned int i;

	for (i = 0; i < nr_held; i++)
		if (addr >= held[i] && addr - held[i] < SEGMENT_BYTES)
			return true;
	return false;
}

/* Right behind a held segment, and not in another one: behind its pool */
static int near_address(dma_addr_t *addr)
{
	unsigned int i;

	for (i = 0; i < nr_held; i++) {
		*addr = held[i] + SEGMENT_BYTES;
		if (!is_held(*addr))
			return 0;
	}
	return -ENOENT;
}

static int lookup_show(struct seq_file *s, void *unused)
{
	dma_addr_t near, ram = virt_to_phys(bench_buffer);
	u64 empty = bench_empty();

	guard(mutex)(&held_mutex);
	if (near_address(&near)) {
		dev_err(dev(), "nothing is held that could be looked up\n");
		return -ENOENT;
	}
	bench_hits(s, empty);
	bench_miss(s, "near", near, empty);
	bench_miss(s, "ram", ram, empty);
	bench_miss(s, "far", FAR_ADDR, empty);
	seq_printf(s, "fresh.unmap=%llu\n", unmap_cycles(&fresh_pdev->dev, ram) - empty);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lookup);

/**
 * bench_lookup_init() - get ready
 * @dir: where the files go; whoever made it removes it, before bench_lookup_exit()
 *
 * Return: 0, or an errno.
 */
int bench_lookup_init(struct dentry *dir)
{
	int err;

	held = kvmalloc_array(MAX_HELD, sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;

	fresh_pdev = platform_device_register_simple("swiotlb_bench_fresh", PLATFORM_DEVID_NONE,
						     NULL, 0);
	if (IS_ERR(fresh_pdev)) {
		kvfree(held);
		return PTR_ERR(fresh_pdev);
	}

	err = dma_coerce_mask_and_coherent(&fresh_pdev->dev, DMA_BIT_MASK(64));
	if (err) {
		platform_device_unregister(fresh_pdev);
		kvfree(held);
		return err;
	}

	debugfs_create_file("hold", 0600, dir, NULL, &hold_fops);
	debugfs_create_file("lookup", 0400, dir, NULL, &lookup_fops);
	return 0;
}

/**
 * bench_lookup_exit() - the reverse of bench_lookup_init()
 */
void bench_lookup_exit(void)
{
	release(0);
	platform_device_unregister(fresh_pdev);
	kvfree(held);
}
