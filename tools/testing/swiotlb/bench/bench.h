/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark: one program for each side, which does one scenario
 *
 * All sides are built from the same files, but for the allocator and machine_*.c. What
 * is measured are the calls that the DMA layer makes: swiotlb_map() and
 * swiotlb_tbl_unmap_single(), with the inline functions of the side's own
 * <linux/swiotlb.h>. bench.py has the sides take turns.
 */
#ifndef _SWIOTLB_BENCH_H
#define _SWIOTLB_BENCH_H

#include "shim.h"

#include <linux/swiotlb.h>

#include "instructions.h"

/* machine_*.c: boot one side */
struct machine {
	size_t bytes;		/* of memory to begin with */
	unsigned int nr_areas;
	const char *backend;	/* NULL for the default one */
	bool may_grow;		/* there is other memory to be had later */
};

void machine_boot(const struct machine *machine);
/* Print the names of the backends that there are */
void machine_list(void);
/* Bytes of bounce memory now, and bytes in use as the side counts them */
size_t machine_bytes(void);
size_t machine_used(void);
/* Have so many pools of 1 MiB besides what there is; an address in each goes to @at */
bool machine_add_pools(unsigned int nr, phys_addr_t *at);

/* clock.c: what things cost */
u64 cpu_ns(void);
u64 wall_ns(void);
u64 ticks(void);
double ns_per_tick(void);
double ticks_overhead(void);
void pin_to_cpu(unsigned int cpu);
unsigned int nr_host_cpus(void);
unsigned long nr_preemptions(void);
/* Bytes that the C library gave out, as slab memory among others */
size_t heap_bytes(void);

/* Times in ns by size: up to some per cent wide, so that all fit */
struct histogram {
	u64 nr;
	double sum;
	double max;
	u32 count[64 * 16];
};

void histogram_add(struct histogram *h, double ns);
double histogram_at(const struct histogram *h, double share);

/* load.c: what is mapped */
struct mapping {
	phys_addr_t tlb_addr;
	u32 size;
	u32 number;
};

/**
 * struct load - mappings that live at the same time
 * @maps:   the mappings
 * @nr:	    how many there are
 * @max:    how many there can be
 * @bytes:  theirs, each rounded up to 2 KiB
 * @sum:    theirs, as they are
 * @random: state of the generator
 */
struct load {
	struct mapping *maps;
	size_t nr;
	size_t max;
	u64 bytes;
	u64 sum;
	u64 random;
};

enum pattern { PATTERN_SAME, PATTERN_MIX };

/**
 * struct request - what is asked for
 * @pattern: all of @size, or the request mix
 * @size:    bytes
 * @offset:  where in a page buffers begin; steps of this size, from 0 on, if @steps
 * @steps:   see @offset
 */
struct request {
	enum pattern pattern;
	u32 size;
	u32 offset;
	bool steps;
};

#define ORIGIN_START	(64UL << 20)
/* Originals take turns on so much memory, which stays in the CPU's caches */
#define ORIGIN_BYTES	(64UL << 10)

static inline phys_addr_t origin_of(u32 number)
{
	return ORIGIN_START + ((number * PAGE_SIZE) & (ORIGIN_BYTES - 1));
}

extern struct device bench_dev;
extern enum dma_data_direction bench_dir;
extern size_t mix_limit;
u64 next_random(u64 *state);
u32 mix_size(u64 *state);
void load_init(struct load *load, size_t max);
bool load_map(struct load *load, u32 size, phys_addr_t orig);
void load_unmap(struct load *load, size_t i);
bool load_request(struct load *load, const struct request *req);
void load_fill(struct load *load, const struct request *req, u64 bytes);
void load_thin(struct load *load, u64 bytes);
u32 request_size(struct load *load, const struct request *req);

#ifdef BENCH_TOUCH
/* calls.c, touch.c: cache lines, atomics, locks, in an instrumented build */
phys_addr_t bench_map(phys_addr_t orig, size_t size);
void bench_unmap(phys_addr_t tlb_addr, size_t size);
void touch_start(void);
void touch_next(void);
void touch_stop(void);
void touch_results(double nr_ops);
#else
static inline phys_addr_t bench_map(phys_addr_t orig, size_t size)
{
	return swiotlb_map(&bench_dev, orig, size, bench_dir,
			   DMA_ATTR_NO_WARN);
}

static inline void bench_unmap(phys_addr_t tlb_addr, size_t size)
{
	swiotlb_tbl_unmap_single(&bench_dev, tlb_addr, size, bench_dir, 0);
}
#endif

/* main.c: parameters, by name; and results, which go out as a line of JSON */
long param(const char *name, long otherwise);
const char *param_text(const char *name, const char *otherwise);
void result(const char *name, double value);
/* What @steps steps of @fn take, each on average; @fn gets the number of them */
void result_instructions(void (*fn)(void *arg), size_t steps);
/* How much more slab memory is used than before boot, and by what else since */
extern size_t heap_before_boot, heap_after_boot;

/**
 * struct scenario - something that can be measured
 * @name:    as bench.py calls it
 * @prepare: once, after boot
 * @run:     one repetition; calls result()
 */
struct scenario {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
};

extern const struct scenario pair_scenario, fail_scenario, copy_scenario,
	churn_scenario, threads_scenario, crowd_scenario, remote_scenario,
	lookup_scenario, memory_scenario;

#endif /* _SWIOTLB_BENCH_H */
