// SPDX-License-Identifier: GPL-2.0
/*
 * Memory per CPU: what a thread has in each allocation, or all CPUs side by side
 */
#include "shim.h"

#define MAX_CPUS	256
#define MAX_ALLOCS	16

#ifdef SHIM_PERCPU_IS_THREAD
static __thread char areas[MAX_ALLOCS][SHIM_PERCPU_BYTES] ____cacheline_aligned;
static unsigned int nr_allocs;

/* Not where it is, but how far that is from where the thread's own data is */
void *shim_alloc_percpu(void)
{
	if (nr_allocs == MAX_ALLOCS)
		return NULL;
	return (void *)(areas[nr_allocs++] - (char *)__builtin_thread_pointer());
}

void free_percpu(void *p)
{
}
#else
void *shim_alloc_percpu(void)
{
	return calloc(MAX_CPUS, SHIM_PERCPU_BYTES);
}

void free_percpu(void *p)
{
	free(p);
}
#endif
