/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUs, contexts, and locks that cost about what the kernel's do
 *
 * In place of ../../shim/locks.h, where the benchmark is built: nothing is checked. A
 * spinlock takes four bytes, as in the kernel, so that structures have the size that they
 * have there. Taking a free one is one atomic operation and letting it go a plain
 * store. Interrupts and preemption are counters of the thread: cheaper
 * than the real thing for all sides.
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
#define get_cpu()		(preempt_disable(), shim_cpu)
#define put_cpu()		preempt_enable()
#define num_possible_cpus()	shim_nr_cpus
#define num_online_cpus()	shim_nr_cpus
#define nr_cpu_ids		shim_nr_cpus
#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)
#define for_each_online_cpu(cpu)	for_each_possible_cpu(cpu)

struct shim_context {
	bool in_interrupt;
	unsigned int spinlocks;
	unsigned int irqs_off;
	unsigned int rcu_readers;
	unsigned int noio;
};

extern __thread struct shim_context shim_context;

#define shim_may_sleep()	true
#define shim_might_sleep(who)	((void)(who))
#define might_sleep()		((void)0)
#define cond_resched()		(sched_yield(), 0)
#define in_interrupt()		shim_context.in_interrupt
#define in_atomic()		(shim_context.spinlocks || irqs_disabled())
#define irqs_disabled()		(shim_context.irqs_off || in_interrupt())
#define local_irq_save(flags) \
	do { (flags) = shim_context.irqs_off++; barrier(); } while (0)
#define local_irq_restore(flags) \
	do { barrier(); shim_context.irqs_off = (flags); } while (0)
#define preempt_disable() \
	do { shim_context.spinlocks++; barrier(); } while (0)
#define preempt_enable() \
	do { barrier(); shim_context.spinlocks--; } while (0)
#define shim_jitter()		((void)0)

/*
 * A thread that is a CPU can be interrupted by others, in the midst of what it does
 * unless its interrupts are off
 */
void shim_be_cpu(unsigned int cpu);
void shim_leave_cpu(void);
int smp_call_function_single(int cpu, void (*func)(void *info), void *info,
			     int wait);
#define cpus_read_lock()	((void)0)
#define cpus_read_unlock()	((void)0)
#define cpu_online(cpu)		((cpu) < shim_nr_cpus)

struct task_struct {
	unsigned int flags;
};

#define PF_MEMALLOC	0x800
extern __thread struct task_struct shim_current;
#define current		(&shim_current)

struct mutex {
	pthread_mutex_t lock;
	unsigned long owner;
};

/* The whole word is 0 if nobody has it and nobody is next in line */
typedef struct {
	union {
		u32 word;
		struct {
			u8 locked;
			u8 pending;
		};
	};
} spinlock_t;

typedef spinlock_t raw_spinlock_t;

#define DEFINE_MUTEX(name) \
	struct mutex name = { .lock = PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_SPINLOCK(name)		spinlock_t name = {}
#define DEFINE_RAW_SPINLOCK(name)	spinlock_t name = {}
#define __SPIN_LOCK_UNLOCKED(name)	{}
#define mutex_destroy(l)		((void)(l))
#define spin_lock_init(l)		((void)((l)->word = 0))
#define raw_spin_lock_init(l)		spin_lock_init(l)

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
#define mutex_lock_nested(l, class)		mutex_lock(l)
#define mutex_lock_interruptible(l)		(mutex_lock(l), 0)
#define mutex_lock_killable(l)			(mutex_lock(l), 0)
#define mutex_is_locked(l)			(!!READ_ONCE((l)->owner))

/* What it takes to get a lock that another one has: it spins, see locks.c */
void shim_spin(spinlock_t *lock);

#ifdef BENCH_TOUCH
void shim_count_lock(void);
#else
#define shim_count_lock()	((void)0)
#endif

static __always_inline bool shim_trylock(spinlock_t *lock)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&lock->word, &free, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static __always_inline void spin_lock(spinlock_t *lock)
{
	preempt_disable();
	shim_count_lock();
	if (unlikely(!shim_trylock(lock)))
		shim_spin(lock);
}

static __always_inline bool spin_trylock(spinlock_t *lock)
{
	bool got;

	preempt_disable();
	shim_count_lock();
	got = !__atomic_load_n(&lock->word, __ATOMIC_RELAXED) &&
	      shim_trylock(lock);
	if (!got)
		preempt_enable();
	return got;
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

#define raw_spin_lock(l)			spin_lock(l)
#define raw_spin_trylock(l)			spin_trylock(l)
#define raw_spin_unlock(l)			spin_unlock(l)
#define spin_is_locked(l) \
	(!!__atomic_load_n(&(l)->locked, __ATOMIC_RELAXED))
#define spin_lock_nested(l, class)		spin_lock(l)
#define spin_lock_bh(l)				spin_lock(l)
#define spin_unlock_bh(l)			spin_unlock(l)
#define spin_lock_irq(l) \
	do { shim_context.irqs_off++; spin_lock(l); } while (0)
#define spin_unlock_irq(l) \
	do { spin_unlock(l); shim_context.irqs_off--; } while (0)
#define spin_lock_irqsave(l, flags) \
	do { local_irq_save(flags); spin_lock(l); } while (0)
#define spin_lock_irqsave_nested(l, flags, class) spin_lock_irqsave(l, flags)
#define spin_unlock_irqrestore(l, flags) \
	do { spin_unlock(l); local_irq_restore(flags); } while (0)
#define spin_trylock_irqsave(l, flags) ({ \
	bool __got; \
	local_irq_save(flags); \
	__got = spin_trylock(l); \
	if (!__got) \
		local_irq_restore(flags); \
	__got; })
#define raw_spin_lock_irq(l)			spin_lock_irq(l)
#define raw_spin_unlock_irq(l)			spin_unlock_irq(l)
#define raw_spin_lock_irqsave(l, flags)		spin_lock_irqsave(l, flags)
#define raw_spin_unlock_irqrestore(l, flags)	spin_unlock_irqrestore(l, flags)
#define raw_spin_trylock_irqsave(l, flags)	spin_trylock_irqsave(l, flags)

#define shim_lock_is_held(l)		((void)(l), true)
#define lockdep_is_held(l)		((void)(l), true)
#define lockdep_assert_held(l)		((void)(l))
#define lockdep_assert_not_held(l)	((void)(l))
#define lockdep_assert_irqs_disabled()	((void)0)
#define lockdep_assert_preemption_disabled()	((void)0)
#define lockdep_set_class(l, class)	((void)(l))
#define lockdep_set_subclass(l, sub)	((void)(l))

#endif /* _SHIM_LOCKS_H */
