// SPDX-License-Identifier: GPL-2.0
/*
 * Memory per CPU, for as many CPUs as a test may play
 */
#include "shim.h"

#define MAX_CPUS	256

void *shim_alloc_percpu(void)
{
	if (shim_must_fail())
		return NULL;
	__atomic_fetch_add(&shim_live, 1, __ATOMIC_RELAXED);
	return calloc(MAX_CPUS, SHIM_PERCPU_BYTES);
}

void free_percpu(void *p)
{
	kfree(p);
}
