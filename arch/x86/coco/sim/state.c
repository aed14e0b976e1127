// SPDX-License-Identifier: GPL-2.0
/*
 * The state of each page: what the host of a confidential guest would keep.
 *
 * Three bitmaps with a bit per 4 KiB page, 2 MiB each for 64 GiB of RAM:
 *
 * ram		is memory, as opposed to a device's or a hole
 * shared	was converted to shared, and not back
 * unknown	a conversion began, and has not ended well: pages stay here after a
 *		failure, because a platform then promises nothing about them, and
 *		leave when another conversion succeeds
 *
 * They are written under state_lock and read without a lock: who looks at a page
 * while somebody else converts it has no claim to a certain answer.
 */

#define pr_fmt(fmt) "coco_sim: " fmt

#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "sim.h"

#define BLOCK_PAGES	(PMD_SIZE / PAGE_SIZE)

static DEFINE_RAW_SPINLOCK(state_lock);
static unsigned long nr_pages __ro_after_init;	/* a multiple of BLOCK_PAGES */
static unsigned long *ram __ro_after_init;
static unsigned long *shared __ro_after_init;
static unsigned long *unknown __ro_after_init;

static unsigned long *__init alloc_bitmap(void)
{
	unsigned long *map = memblock_alloc(BITS_TO_LONGS(nr_pages) * sizeof(long),
					    SMP_CACHE_BYTES);

	if (!map)
		panic("coco_sim: no memory for the state of %lu pages", nr_pages);
	return map;
}

/**
 * sim_state_alloc() - all memory is private
 *
 * Context: early boot, as long as memblock allocates and its list of memory is
 * complete. Memory that is plugged in later cannot be shared.
 */
void __init sim_state_alloc(void)
{
	unsigned long start, end;
	int i;

	nr_pages = round_up(max_pfn, BLOCK_PAGES);
	ram = alloc_bitmap();
	unknown = alloc_bitmap();
	shared = alloc_bitmap();
	for_each_mem_pfn_range(i, MAX_NUMNODES, &start, &end, NULL) {
		end = min(end, nr_pages);
		if (start < end)
			bitmap_set(ram, start, end - start);
	}
}

/* Physically contiguous pages at *vaddr, at most npages: how many, and their first pfn */
static int next_run(unsigned long vaddr, int npages, unsigned long *pfn)
{
	if (is_vmalloc_addr((void *)vaddr)) {
		*pfn = vmalloc_to_pfn((void *)vaddr);
		return 1;
	}
	*pfn = __pa(vaddr) >> PAGE_SHIFT;
	return npages;
}

/* What is no RAM of ours, such as a window of the VGA card, has no state. */
static int clip(unsigned long pfn, int npages)
{
	if (pfn >= nr_pages)
		return 0;
	return min_t(unsigned long, npages, nr_pages - pfn);
}

/**
 * sim_state_begin() - a conversion begins, the state is unknown until it ends
 * @vaddr:  virtual address, may be vmalloc's
 * @npages: pages of 4 KiB
 */
void sim_state_begin(unsigned long vaddr, int npages)
{
	unsigned long pfn, flags;
	int n;

	for (; npages > 0; npages -= n, vaddr += (unsigned long)n << PAGE_SHIFT) {
		n = next_run(vaddr, npages, &pfn);
		raw_spin_lock_irqsave(&state_lock, flags);
		bitmap_set(unknown, pfn, clip(pfn, n));
		raw_spin_unlock_irqrestore(&state_lock, flags);
	}
}

/**
 * sim_state_end() - a conversion succeeded
 * @vaddr:  virtual address, may be vmalloc's
 * @npages: pages of 4 KiB
 * @enc:    private from now on, rather than shared
 */
void sim_state_end(unsigned long vaddr, int npages, bool enc)
{
	unsigned long pfn, flags;
	int n;

	for (; npages > 0; npages -= n, vaddr += (unsigned long)n << PAGE_SHIFT) {
		n = next_run(vaddr, npages, &pfn);
		raw_spin_lock_irqsave(&state_lock, flags);
		if (enc)
			bitmap_clear(shared, pfn, clip(pfn, n));
		else
			bitmap_set(shared, pfn, clip(pfn, n));
		bitmap_clear(unknown, pfn, clip(pfn, n));
		raw_spin_unlock_irqrestore(&state_lock, flags);
	}
}

/**
 * sim_first_unshared() - find memory that a device must not get
 * @pfn:    first page
 * @npages: how many
 *
 * Context: any.
 * Return: the first page that is RAM, but not known to be shared, or SIM_NO_PFN.
 */
unsigned long sim_first_unshared(unsigned long pfn, unsigned long npages)
{
	unsigned long end = min(pfn + npages, nr_pages);

	for (; pfn < end; pfn++) {
		if (test_bit(pfn, ram) &&
		    (!test_bit(pfn, shared) || test_bit(pfn, unknown)))
			return pfn;
	}
	return SIM_NO_PFN;
}

/**
 * sim_first_unfree() - find memory that the page allocator must not get
 * @pfn:    first page
 * @npages: how many
 *
 * Context: any.
 * Return: the first page that is not known to be private, or SIM_NO_PFN.
 */
unsigned long sim_first_unfree(unsigned long pfn, unsigned long npages)
{
	unsigned long end = min(pfn + npages, nr_pages), found;

	if (pfn >= end)
		return SIM_NO_PFN;
	found = find_next_bit(shared, end, pfn);
	if (found >= end)
		found = find_next_bit(unknown, end, pfn);
	return found < end ? found : SIM_NO_PFN;
}

/**
 * sim_overlaps() - does a part of virtual memory lie in a physical range?
 * @vaddr:  virtual address, may be vmalloc's
 * @npages: pages of 4 KiB
 * @start:  first physical address
 * @end:    first physical address behind
 *
 * Return: whether a page does.
 */
bool sim_overlaps(unsigned long vaddr, int npages, u64 start, u64 end)
{
	unsigned long pfn;
	int n;

	for (; npages > 0; npages -= n, vaddr += (unsigned long)n << PAGE_SHIFT) {
		n = next_run(vaddr, npages, &pfn);
		if (PFN_PHYS(pfn) < end && PFN_PHYS(pfn + n) > start)
			return true;
	}
	return false;
}

/**
 * sim_state_totals() - count pages and blocks
 * @totals: result; approximate while memory is converted
 */
void sim_state_totals(struct sim_totals *totals)
{
	unsigned long pfn;

	*totals = (struct sim_totals){};
	for (pfn = 0; pfn < nr_pages; pfn += BLOCK_PAGES) {
		unsigned long *s = shared + BIT_WORD(pfn);
		unsigned long *r = ram + BIT_WORD(pfn);
		unsigned int nr_ram, nr_shared;

		totals->unknown_pages += bitmap_weight(unknown + BIT_WORD(pfn),
						       BLOCK_PAGES);
		nr_shared = bitmap_weight_and(s, r, BLOCK_PAGES);
		if (!nr_shared)
			continue;
		nr_ram = bitmap_weight(r, BLOCK_PAGES);
		totals->shared_pages += nr_shared;
		if (nr_shared == nr_ram)
			totals->shared_blocks++;
		else
			totals->mixed_blocks++;
	}
}
