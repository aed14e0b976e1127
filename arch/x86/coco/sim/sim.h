/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulated confidential guest. What each file does:
 *
 * sim.c	the parameter coco_sim, and the platform's part in a conversion:
 *		cost, and failure on demand
 * state.c	which pages are shared, private, or of unknown state
 * exposure.c	what devices and the page allocator get is checked against that
 * debugfs.c	figures
 */
#ifndef _COCO_SIM_H
#define _COCO_SIM_H

#include <linux/atomic.h>
#include <linux/types.h>

/* Addresses that end a search: no page */
#define SIM_NO_PFN	(~0UL)

/* sim.c */
bool sim_active(void);

/**
 * struct sim_calls - conversions since boot
 * @started:        of each direction, [1] to private
 * @injected:       how many were made to fail
 * @injected_bytes: and their bytes
 */
struct sim_calls {
	atomic64_t started[2];
	atomic64_t injected;
	atomic64_t injected_bytes;
};

extern struct sim_calls sim_calls;

/* state.c */

/**
 * struct sim_totals - the state of all memory
 * @shared_pages:  of 4 KiB, in RAM
 * @unknown_pages: whose conversion failed, or is going on
 * @shared_blocks: of 2 MiB, all of whose RAM is shared
 * @mixed_blocks:  of 2 MiB, with both shared and private RAM
 */
struct sim_totals {
	u64 shared_pages;
	u64 unknown_pages;
	u64 shared_blocks;
	u64 mixed_blocks;
};

void sim_state_alloc(void);
void sim_state_begin(unsigned long vaddr, int npages);
void sim_state_end(unsigned long vaddr, int npages, bool enc);
unsigned long sim_first_unshared(unsigned long pfn, unsigned long npages);
unsigned long sim_first_unfree(unsigned long pfn, unsigned long npages);
bool sim_overlaps(unsigned long vaddr, int npages, u64 start, u64 end);
void sim_state_totals(struct sim_totals *totals);

/* exposure.c */

/**
 * struct sim_checks - what the check of DMA addresses found since boot
 * @checked:      addresses, of mappings, of allocations, and at each sync
 * @unchecked:    those of devices whose DMA operations hide where they lead
 * @exposed:      private pages, or pages of unknown state, that a device got
 * @freed_shared: blocks of pages freed while not private
 * @alloc_shared: blocks of pages allocated while not private
 */
struct sim_checks {
	u64 checked;
	u64 unchecked;
	u64 exposed;
	u64 freed_shared;
	u64 alloc_shared;
};

void sim_exposure_totals(struct sim_checks *checks);

#endif /* _COCO_SIM_H */
