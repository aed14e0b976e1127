/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Atomics and barriers
 */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

/* An address dependency orders; ThreadSanitizer is told so by "acquire" */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

/* ThreadSanitizer knows no fences, but a variable that all change will do */
extern int shim_fence;
#define smp_mb()		((void)__atomic_fetch_add(&shim_fence, 0, \
							  __ATOMIC_SEQ_CST))
#define smp_wmb()		smp_mb()
#define smp_rmb()		smp_mb()
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define smp_store_mb(x, v)	do { WRITE_ONCE(x, v); smp_mb(); } while (0)
#define cpu_relax()		sched_yield()

#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new) \
	({ typeof(*(p)) __old = (old); \
	   (void)try_cmpxchg(p, &__old, new); __old; })

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	s64 counter;
} atomic64_t;

#define ATOMIC_INIT(v)		{ v }
#define ATOMIC_LONG_INIT(v)	{ v }
#define ATOMIC64_INIT(v)	{ v }

/* For any of the three; only what returns a value is ordered */
#define shim_a_read(a)		__atomic_load_n(&(a)->counter, __ATOMIC_RELAXED)
#define shim_a_set(a, v)	__atomic_store_n(&(a)->counter, v, __ATOMIC_RELAXED)
#define shim_a_add(v, a) \
	((void)__atomic_add_fetch(&(a)->counter, v, __ATOMIC_RELAXED))
#define shim_a_add_return(v, a) \
	__atomic_add_fetch(&(a)->counter, v, __ATOMIC_SEQ_CST)
#define shim_a_fetch_add(v, a) \
	__atomic_fetch_add(&(a)->counter, v, __ATOMIC_SEQ_CST)
/* Returns what it was, whether anything was added or not */
#define shim_a_fetch_add_unless(a, v, u) ({ \
	__auto_type __was = shim_a_read(a); \
	while (__was != (u) && !try_cmpxchg(&(a)->counter, &__was, __was + (v))) \
		; \
	__was; })

#define atomic_read(a)			shim_a_read(a)
#define atomic_read_acquire(a)		smp_load_acquire(&(a)->counter)
#define atomic_set(a, v)		shim_a_set(a, v)
#define atomic_set_release(a, v)	smp_store_release(&(a)->counter, v)
#define atomic_add(v, a)		shim_a_add(v, a)
#define atomic_sub(v, a)		shim_a_add(-(v), a)
#define atomic_inc(a)			shim_a_add(1, a)
#define atomic_dec(a)			shim_a_add(-1, a)
#define atomic_add_return(v, a)		shim_a_add_return(v, a)
#define atomic_sub_return(v, a)		shim_a_add_return(-(v), a)
#define atomic_inc_return(a)		shim_a_add_return(1, a)
#define atomic_dec_return(a)		shim_a_add_return(-1, a)
#define atomic_fetch_add(v, a)		shim_a_fetch_add(v, a)
#define atomic_fetch_inc(a)		shim_a_fetch_add(1, a)
#define atomic_dec_and_test(a)		(shim_a_add_return(-1, a) == 0)
#define atomic_sub_and_test(v, a)	(shim_a_add_return(-(v), a) == 0)
#define atomic_add_unless(a, v, u)	(shim_a_fetch_add_unless(a, v, u) != (u))
#define atomic_inc_not_zero(a)		atomic_add_unless(a, 1, 0)
#define atomic_xchg(a, v)		xchg(&(a)->counter, v)
#define atomic_cmpxchg(a, old, new)	cmpxchg(&(a)->counter, old, new)
#define atomic_try_cmpxchg(a, old, new)	try_cmpxchg(&(a)->counter, old, new)

#define atomic_long_read(a)		shim_a_read(a)
#define atomic_long_read_acquire(a)	smp_load_acquire(&(a)->counter)
#define atomic_long_set(a, v)		shim_a_set(a, v)
#define atomic_long_add(v, a)		shim_a_add(v, a)
#define atomic_long_sub(v, a)		shim_a_add(-(long)(v), a)
#define atomic_long_inc(a)		shim_a_add(1, a)
#define atomic_long_dec(a)		shim_a_add(-1, a)
#define atomic_long_add_return(v, a)	shim_a_add_return(v, a)
#define atomic_long_sub_return(v, a)	shim_a_add_return(-(long)(v), a)
#define atomic_long_inc_return(a)	shim_a_add_return(1, a)
#define atomic_long_dec_return(a)	shim_a_add_return(-1, a)
#define atomic_long_fetch_add(v, a)	shim_a_fetch_add(v, a)
#define atomic_long_dec_and_test(a)	(shim_a_add_return(-1, a) == 0)
#define atomic_long_sub_and_test(v, a)	(shim_a_add_return(-(long)(v), a) == 0)
#define atomic_long_add_unless(a, v, u)	(shim_a_fetch_add_unless(a, v, u) != (u))
#define atomic_long_inc_not_zero(a)	atomic_long_add_unless(a, 1, 0)
#define atomic_long_xchg(a, v)		xchg(&(a)->counter, v)
#define atomic_long_cmpxchg(a, old, new)	cmpxchg(&(a)->counter, old, new)
#define atomic_long_try_cmpxchg(a, old, new) \
	try_cmpxchg(&(a)->counter, old, new)

#define atomic64_read(a)		shim_a_read(a)
#define atomic64_set(a, v)		shim_a_set(a, v)
#define atomic64_add(v, a)		shim_a_add(v, a)
#define atomic64_sub(v, a)		shim_a_add(-(s64)(v), a)
#define atomic64_inc(a)			shim_a_add(1, a)
#define atomic64_add_return(v, a)	shim_a_add_return(v, a)
#define atomic64_try_cmpxchg(a, old, new)	try_cmpxchg(&(a)->counter, old, new)

typedef struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n)		{ .refs = ATOMIC_INIT(n) }
#define refcount_set(r, n)		atomic_set(&(r)->refs, n)
#define refcount_read(r)		atomic_read(&(r)->refs)
#define refcount_inc(r)			atomic_inc(&(r)->refs)
#define refcount_inc_not_zero(r)	atomic_inc_not_zero(&(r)->refs)
#define refcount_dec_and_test(r)	atomic_dec_and_test(&(r)->refs)

#endif /* _SHIM_ATOMIC_H */
