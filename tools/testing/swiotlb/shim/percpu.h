/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory per CPU, at the same distance for any two neighbours. Threads may play the
 * same CPU, so what they do to it is atomic.
 */
#ifndef _SHIM_PERCPU_H
#define _SHIM_PERCPU_H

/* As much as a CPU can have of one allocation */
#define SHIM_PERCPU_BYTES	1024UL

/* The kernel has room for the first ones before there is slab */
#define alloc_percpu(type) \
	({ static_assert(sizeof(type) <= SHIM_PERCPU_BYTES); \
	   (type *)shim_alloc_percpu(); })
void *shim_alloc_percpu(void);
void free_percpu(void *p);

#define per_cpu_ptr(p, cpu) \
	((typeof(p))((char *)(p) + (cpu) * SHIM_PERCPU_BYTES))
#define this_cpu_ptr(p)		per_cpu_ptr(p, shim_cpu)
#define this_cpu_add(lvalue, n) \
	((void)__atomic_fetch_add(this_cpu_ptr(&(lvalue)), n, __ATOMIC_RELAXED))
#define this_cpu_inc(lvalue)	this_cpu_add(lvalue, 1)

#endif /* _SHIM_PERCPU_H */
