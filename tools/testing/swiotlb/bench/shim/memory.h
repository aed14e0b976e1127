/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated physical memory: as in the tests, but larger, backed by huge pages, and
 * nothing is kept track of
 */
#ifndef _SHIM_BENCH_MEMORY_H
#define _SHIM_BENCH_MEMORY_H

#define SHIM_RAM_BYTES	(3UL << 30)
#define SHIM_FREE_START	(1UL << 30)
#define SHIM_RAM_END	(8UL << 30)

#include <shim/memory.h>

extern char *shim_ram_start;

#define shim_ram(paddr)		((void *)(shim_ram_start + (paddr)))
#define phys_to_virt(paddr)	shim_ram(paddr)
#define virt_to_phys(vaddr) \
	((phys_addr_t)((const char *)(vaddr) - shim_ram_start))
#define shim_check_private(paddr, bytes, who)	((void)(who))

/* Back with memory what was given out of a zone so far; nobody freed any */
void shim_touch(void);

/*
 * The copies between buffers and bounce buffers, in the files that make them: they
 * can be left out, to see what all the rest costs
 */
extern bool shim_copies;
#ifdef BENCH_COPIES
static __always_inline void *shim_copy(void *to, const void *from, size_t bytes)
{
	return shim_copies ? __builtin_memcpy(to, from, bytes) : to;
}

#define memcpy(to, from, bytes)	shim_copy(to, from, bytes)
#endif

#endif /* _SHIM_BENCH_MEMORY_H */
