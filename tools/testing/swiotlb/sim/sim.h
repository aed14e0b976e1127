/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A simulation of many CPUs: what its parts share
 */
#ifndef _SWIOTLB_SIM_H
#define _SWIOTLB_SIM_H

#include "shim.h"

#define SIM_MAX_CPUS	96U
#define SIM_MAX_STEPS	65536U

/**
 * enum step_kind - what an operation does to a cache line
 * @STEP_READ:	 read
 * @STEP_WRITE:	 write, plainly or atomically
 * @STEP_LOCK:	 take the spinlock in it
 * @STEP_UNLOCK: let it go
 */
enum step_kind {
	STEP_READ,
	STEP_WRITE,
	STEP_LOCK,
	STEP_UNLOCK,
};

struct step {
	u32 line;
	enum step_kind kind;
};

/* trace.c: what the allocator's code does between start and stop, in order */
void trace_start(struct step *steps, unsigned int max);
unsigned int trace_stop(void);
unsigned int trace_nr_lines(void);

/**
 * struct costs - in nanoseconds, see README.md for where they come from
 * @access:   any access, with the few instructions around it
 * @transfer: a line that another CPU had comes, or others have to drop it
 */
struct costs {
	unsigned int access;
	unsigned int transfer;
};

/**
 * struct cpu_stats - where the time of an operation went
 * @busy_ns:	  in the allocator, all in all
 * @lock_ns:	  waiting for locks
 * @transfer_ns:  waiting for lines
 * @nr_transfers: lines that came
 */
struct cpu_stats {
	u64 busy_ns;
	u64 lock_ns;
	u64 transfer_ns;
	u64 nr_transfers;
};

/* When a CPU does its next step; cost.c brings it forward if it gets a lock */
extern u64 sim_next_at[SIM_MAX_CPUS];

/* cost.c: when are the steps of the CPUs done, that get in each other's way? */
void cost_reset(const struct costs *costs);
/* A CPU begins, at @now, what was traced */
void cost_begin(unsigned int cpu, const struct step *steps, unsigned int nr,
		u64 now, struct cpu_stats *stats);
/* Do what comes next of a CPU: %true if it is done with all; false: again at *@next */
bool cost_advance(unsigned int cpu, u64 now, u64 *next);

/**
 * struct load - what the machine does
 * @name:	  for the table
 * @submit_ns:	  CPU time to submit an I/O, without swiotlb
 * @complete_ns:  and to complete it
 * @copy_ns:	  to copy the data
 * @disk_ns:	  how long a disk takes
 * @disk_gap_ns:  between two completions of a disk
 * @nr_disks:	  how many
 * @depth:	  I/Os under way for each CPU
 * @remote:	  of 100 I/Os, so many are completed by another CPU
 * @size:	  bytes of each
 */
struct load {
	const char *name;
	unsigned int submit_ns;
	unsigned int complete_ns;
	unsigned int copy_ns;
	unsigned int disk_ns;
	unsigned int disk_gap_ns;
	unsigned int nr_disks;
	unsigned int depth;
	unsigned int remote;
	size_t size;
};

struct result {
	double iops;
	double ns_per_io;
	double lock_ns_per_io;
	double transfer_ns_per_io;
	double transfers_per_io;
	unsigned long fails;
};

struct allocator;

/* machine.c: @a may be %NULL: what it would be if bouncing cost nothing but the copies */
void machine_run(struct allocator *a, unsigned int nr_cpus,
		 const struct load *load, const struct costs *costs,
		 struct result *result);

#endif /* _SWIOTLB_SIM_H */
