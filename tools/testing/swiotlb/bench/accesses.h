/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Each access to memory of the sources under test, in a build of its own
 *
 * The compiler puts a call in front of each, as it does for ThreadSanitizer. The functions
 * that it calls are in accesses.c, and tell whoever counts or traces.
 */
#ifndef _SWIOTLB_BENCH_ACCESSES_H
#define _SWIOTLB_BENCH_ACCESSES_H

#include "shim.h"

/* Cache lines are of so many bytes */
#define LINE_SHIFT	6
#define LINE_BYTES	64

/* For the program to define, as is shim_count_lock(); called in any thread */
void on_access(const void *p, bool write);
/* Read, change and write at once */
void on_atomic(const void *p);
/* Of all memory, on the processor */
void on_fence(void);

/* Stacks, and the shims' data of a thread, which are warm in a kernel */
bool access_is_private(const void *p);

#endif /* _SWIOTLB_BENCH_ACCESSES_H */
