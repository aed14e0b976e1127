/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory per CPU: a CPU is a thread, and what interrupts it counts nothing. As the
 * kernel has a CPU's offset in a segment register, so has the C library a thread's:
 * to add something takes one instruction. Where accesses are counted, or there is no
 * such register, CPUs are what they are in the tests.
 */
#ifndef _SHIM_PERCPU_H
#define _SHIM_PERCPU_H

#define SHIM_PERCPU_BYTES	1024UL

#define alloc_percpu(type) \
	({ static_assert(sizeof(type) <= SHIM_PERCPU_BYTES); \
	   (type *)shim_alloc_percpu(); })
void *shim_alloc_percpu(void);
void free_percpu(void *p);

#if defined(__SEG_FS) && !defined(BENCH_TOUCH)
#define SHIM_PERCPU_IS_THREAD
/* Nobody looks at the numbers of others */
#define per_cpu_ptr(p, cpu) \
	((typeof(p))((char *)__builtin_thread_pointer() + (long)(p)))
#define this_cpu_ptr(p)		per_cpu_ptr(p, shim_cpu)
#define this_cpu_add(lvalue, n) \
	((void)(*(__seg_fs typeof(lvalue) *)(uintptr_t)&(lvalue) += (n)))
#else
#define per_cpu_ptr(p, cpu) \
	((typeof(p))((char *)(p) + (cpu) * SHIM_PERCPU_BYTES))
#define this_cpu_ptr(p)		per_cpu_ptr(p, shim_cpu)
#define this_cpu_add(lvalue, n)	((void)(*this_cpu_ptr(&(lvalue)) += (n)))
#endif
#define this_cpu_inc(lvalue)	this_cpu_add(lvalue, 1)

#endif /* _SHIM_PERCPU_H */
