/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Atomics and barriers: those of the tests, less what only ThreadSanitizer needs
 */
#ifndef _SHIM_BENCH_ATOMIC_H
#define _SHIM_BENCH_ATOMIC_H

#include <shim/atomic.h>

#undef READ_ONCE
#undef smp_mb
#undef smp_wmb
#undef smp_rmb
#undef cpu_relax

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)

#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax()		__builtin_ia32_pause()
/* What returns a value is a full barrier already */
#undef smp_mb__before_atomic
#undef smp_mb__after_atomic
#define smp_mb__before_atomic()	barrier()
#define smp_mb__after_atomic()	barrier()
#else
#define cpu_relax()		barrier()
#endif

#endif /* _SHIM_BENCH_ATOMIC_H */
