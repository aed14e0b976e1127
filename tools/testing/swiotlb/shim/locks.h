/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs, contexts, and locks
 *
 * Threads play CPUs: each sets shim_cpu to the number it wants to have. What may
 * sleep warns where that is forbidden: with a spinlock held, with interrupts off,
 * in an RCU read section, or while the test says that it is an interrupt.
 */
#ifndef _SHIM_LOCKS_H
#define _SHIM_LOCKS_H

#include <pthread.h>
#include <sched.h>

extern __thread unsigned int shim_cpu;
extern unsigned int shim_nr_cpus;

#define raw_smp_processor_id()	shim_cpu
#define cpu_is_isolated(cpu)	((void)(cpu), false)
#define smp_processor_id()	shim_cpu
#define get_cpu()		shim_cpu
#define put_cpu()		((void)0)
#define num_possible_cpus()	shim_nr_cpus
#define num_online_cpus()	shim_nr_cpus
#define nr_cpu_ids		shim_nr_cpus
#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)
#define for_each_online_cpu(cpu)	for_each_possible_cpu(cpu)

/* What the thread is doing */
struct shim_context {
	bool in_interrupt;		/* for tests to set */
	unsigned int spinlocks;
	unsigned int irqs_off;
	unsigned int rcu_readers;
	unsigned int preempt_count;
	unsigned int noio;
};

extern __thread struct shim_context shim_context;

bool shim_may_sleep(void);
void shim_might_sleep(const char *who);
#define might_sleep()		shim_might_sleep(__func__)
#define cond_resched()		(might_sleep(), sched_yield(), 0)
#define in_interrupt()		shim_context.in_interrupt
#define in_atomic()		(!shim_may_sleep())
#define irqs_disabled()		(shim_context.irqs_off || in_interrupt())
#define local_irq_save(flags)	((flags) = shim_context.irqs_off++)
#define local_irq_restore(flags) \
	((void)(flags), (void)shim_context.irqs_off--)

/*
 * Of the threads that play a CPU, one runs at a time while it is not preemptible.
 * It may do so within itself, as an interrupt does
 */
void preempt_disable(void);
void preempt_enable(void);

/* All CPUs are online but one, if any; what one does for another is done while that does nothing */
extern unsigned int shim_offline_cpu;
#define cpus_read_lock()	might_sleep()
#define cpus_read_unlock()	((void)0)
#define cpu_online(cpu)		((cpu) < shim_nr_cpus && (cpu) != shim_offline_cpu)
int smp_call_function_single(int cpu, void (*func)(void *info), void *info,
			     int wait);

/* As much of a task as is asked for */
struct task_struct {
	unsigned int flags;
};

#define PF_MEMALLOC	0x800
extern __thread struct task_struct shim_current;
#define current		(&shim_current)

/*
 * Where a thread may be held up at just the wrong moment, it is now and then, if
 * the test sets shim_jitters
 */
extern bool shim_jitters;
void shim_hold_up(void);
#define shim_jitter()	\
	do { \
		if (__atomic_load_n(&shim_jitters, __ATOMIC_RELAXED)) \
			shim_hold_up(); \
	} while (0)

/* @owner is who holds it, 0 for nobody */
struct mutex {
	pthread_mutex_t lock;
	unsigned long owner;
};

typedef struct mutex spinlock_t;
typedef struct mutex raw_spinlock_t;

#define SHIM_LOCK_INIT		{ .lock = PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_MUTEX(name)	struct mutex name = SHIM_LOCK_INIT
#define DEFINE_SPINLOCK(name)	spinlock_t name = SHIM_LOCK_INIT
#define __SPIN_LOCK_UNLOCKED(name)	SHIM_LOCK_INIT
#define mutex_init(l)		shim_lock_init(l)
#define mutex_destroy(l)	((void)(l))
#define spin_lock_init(l)	shim_lock_init(l)
#define raw_spin_lock_init(l)	shim_lock_init(l)

void shim_lock_init(struct mutex *lock);
void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
#define mutex_lock_nested(l, class)		mutex_lock(l)
#define mutex_lock_interruptible(l)		(mutex_lock(l), 0)
#define mutex_lock_killable(l)			(mutex_lock(l), 0)
#define mutex_is_locked(l)			(!!READ_ONCE((l)->owner))

void spin_lock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
#define spin_lock_nested(l, class)		spin_lock(l)
#define spin_lock_bh(l)				spin_lock(l)
#define spin_unlock_bh(l)			spin_unlock(l)
#define spin_lock_irq(l) \
	do { shim_context.irqs_off++; spin_lock(l); } while (0)
#define spin_unlock_irq(l) \
	do { spin_unlock(l); shim_context.irqs_off--; } while (0)
#define spin_lock_irqsave(l, flags) \
	do { (flags) = shim_context.irqs_off; spin_lock_irq(l); } while (0)
#define spin_lock_irqsave_nested(l, flags, class) spin_lock_irqsave(l, flags)
#define spin_unlock_irqrestore(l, flags) \
	do { \
		spin_unlock_irq(l); \
		if ((flags) != shim_context.irqs_off) \
			shim_warn("%s: flags of another lock\n", __func__); \
	} while (0)
#define raw_spin_lock_irqsave(l, flags)		spin_lock_irqsave(l, flags)
#define raw_spin_unlock_irqrestore(l, flags)	spin_unlock_irqrestore(l, flags)

bool shim_lock_is_held(const struct mutex *lock);
#define lockdep_is_held(l)	shim_lock_is_held(l)
#define lockdep_assert_held(l) \
	((void)(shim_lock_is_held(l) || \
		(shim_warn("%s: lock is not held\n", __func__), true)))
#define lockdep_assert_not_held(l) \
	((void)(!shim_lock_is_held(l) || \
		(shim_warn("%s: lock is held\n", __func__), true)))
#define lockdep_assert_irqs_disabled() ((void)WARN_ON(!irqs_disabled()))
#define lockdep_assert_preemption_disabled() \
	((void)WARN_ON(!shim_context.preempt_count && !irqs_disabled()))
#define lockdep_set_class(l, class)	((void)(l))
#define lockdep_set_subclass(l, sub)	((void)(l))

#endif /* _SHIM_LOCKS_H */
