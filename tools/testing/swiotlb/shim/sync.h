/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks and atomics on those of the C library and the compiler
 *
 * Threads play CPUs: each sets shim_cpu to the number it wants to have.
 */
#ifndef _SHIM_SYNC_H
#define _SHIM_SYNC_H

#include <pthread.h>

extern __thread unsigned int shim_cpu;
extern unsigned int shim_nr_cpus;

#define raw_smp_processor_id()	shim_cpu
#define num_possible_cpus()	shim_nr_cpus

/* An address dependency orders; ThreadSanitizer is told so by "acquire" */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)

typedef struct {
	long value;
} atomic_long_t;

#define atomic_long_read(a)	__atomic_load_n(&(a)->value, __ATOMIC_RELAXED)
#define atomic_long_set(a, v)	__atomic_store_n(&(a)->value, v, __ATOMIC_RELAXED)
#define atomic_long_inc(a)	((void)atomic_long_add_return(1, a))
#define atomic_long_add(v, a)	((void)atomic_long_add_return(v, a))
#define atomic_long_add_return(v, a) \
	__atomic_add_fetch(&(a)->value, v, __ATOMIC_SEQ_CST)
#define atomic_long_try_cmpxchg(a, old, new) \
	__atomic_compare_exchange_n(&(a)->value, old, new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

struct mutex {
	pthread_mutex_t lock;
	pthread_t owner;
	bool held;
};

typedef struct mutex spinlock_t;

#define DEFINE_MUTEX(name) \
	struct mutex name = { .lock = PTHREAD_MUTEX_INITIALIZER }
#define spin_lock_init(l)	pthread_mutex_init(&(l)->lock, NULL)
#define spin_lock_irqsave(l, flags) \
	do { (flags) = 0; mutex_lock(l); } while (0)
#define spin_unlock_irqrestore(l, flags) \
	do { (void)(flags); mutex_unlock(l); } while (0)

static inline void mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(&mutex->lock);
	mutex->owner = pthread_self();
	mutex->held = true;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	mutex->held = false;
	pthread_mutex_unlock(&mutex->lock);
}

#define lockdep_assert_held(l) \
	((l)->held && pthread_equal((l)->owner, pthread_self()) ? (void)0 : \
	 shim_warn("%s: lock is not held\n", __func__))

extern unsigned int shim_grace_periods;
#define synchronize_rcu()	((void)shim_grace_periods++)

#endif /* _SHIM_SYNC_H */
