/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workqueues: those of the tests. But to queue what is queued already takes no lock, as
 * it takes none in the kernel: allocators do that for each mapping that fails.
 */
#ifndef _SHIM_BENCH_WORK_H
#define _SHIM_BENCH_WORK_H

#include <shim/work.h>

#ifdef BENCH_ALLOCATOR
static __always_inline bool bench_queue_work(struct workqueue_struct *wq,
					     struct work_struct *work)
{
	return READ_ONCE(work->pending) ? false : queue_work(wq, work);
}

static __always_inline bool bench_queue_delayed(struct workqueue_struct *wq,
						struct delayed_work *work,
						unsigned long delay)
{
	return READ_ONCE(work->work.pending) ? false :
					       queue_delayed_work(wq, work, delay);
}

#define queue_work(wq, work)			bench_queue_work(wq, work)
#define queue_delayed_work(wq, work, delay)	bench_queue_delayed(wq, work, delay)
#endif

#endif /* _SHIM_BENCH_WORK_H */
