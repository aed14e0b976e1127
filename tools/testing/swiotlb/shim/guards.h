/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ends by itself at the end of a block, as in the kernel's cleanup.h
 */
#ifndef _SHIM_GUARDS_H
#define _SHIM_GUARDS_H

/* guard(mutex)(&l) holds the lock up to the end of the block */
#define guard(kind) \
	__cleanup(shim_exit_##kind) __maybe_unused struct shim_guard \
	__UNIQUE_ID(guard) = shim_enter_##kind
#define scoped_guard(kind, args...) \
	for (struct shim_guard scope __cleanup(shim_exit_##kind) = \
		shim_enter_##kind(args), *once = NULL; !once; once = &scope)

struct shim_guard {
	void *lock;
};

#define SHIM_GUARD(kind, type, lock_it, unlock_it) \
	static __always_inline struct shim_guard shim_enter_##kind(type *lock) \
	{ \
		lock_it(lock); \
		return (struct shim_guard){ lock }; \
	} \
	static __always_inline void shim_exit_##kind(struct shim_guard *guard) \
	{ \
		unlock_it((type *)guard->lock); \
	} \
	static __always_inline void shim_exit_##kind(struct shim_guard *guard)

SHIM_GUARD(mutex, struct mutex, mutex_lock, mutex_unlock);
SHIM_GUARD(spinlock, spinlock_t, spin_lock, spin_unlock);
SHIM_GUARD(spinlock_irq, spinlock_t, spin_lock_irq, spin_unlock_irq);
SHIM_GUARD(spinlock_irqsave, spinlock_t, spin_lock_irq, spin_unlock_irq);
SHIM_GUARD(raw_spinlock, spinlock_t, spin_lock, spin_unlock);
SHIM_GUARD(raw_spinlock_irqsave, spinlock_t, spin_lock_irq, spin_unlock_irq);

/* guard(rcu)() */
static __always_inline struct shim_guard shim_enter_rcu(void)
{
	rcu_read_lock();
	return (struct shim_guard){};
}

static __always_inline void shim_exit_rcu(struct shim_guard *guard)
{
	rcu_read_unlock();
}

/* guard(preempt)() */
static __always_inline struct shim_guard shim_enter_preempt(void)
{
	preempt_disable();
	return (struct shim_guard){};
}

static __always_inline void shim_exit_preempt(struct shim_guard *guard)
{
	preempt_enable();
}

/* T *p __free(kfree) = ...; frees it */
#define __free(fn)		__cleanup(shim_free_##fn)
#define no_free_ptr(p)		({ typeof(p) __p = (p); (p) = NULL; __p; })
#define return_ptr(p)		return no_free_ptr(p)
void shim_free_kfree(void *p);
void shim_free_kvfree(void *p);

#endif /* _SHIM_GUARDS_H */
