// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs, contexts, and locks
 */
#include <unistd.h>

#include "shim.h"

__thread unsigned int shim_cpu;
__thread struct shim_context shim_context;
unsigned int shim_nr_cpus = 4;
unsigned int shim_offline_cpu = UINT_MAX;
int shim_fence;
bool shim_jitters;

__thread struct task_struct shim_current;

#define MAX_CPUS	256
static pthread_mutex_t cpu_locks[MAX_CPUS] = {
	[0 ... MAX_CPUS - 1] = PTHREAD_MUTEX_INITIALIZER
};

static __thread unsigned int locked_cpu;

/* Makes an RCU reader, too. No interrupt comes while it is done by half */
void preempt_disable(void)
{
	shim_jitter();
	shim_context.irqs_off++;
	if (!shim_context.preempt_count++) {
		locked_cpu = shim_cpu % MAX_CPUS;
		pthread_mutex_lock(&cpu_locks[locked_cpu]);
		shim_reader_begin();
	}
	shim_context.spinlocks++;
	shim_context.irqs_off--;
}

void preempt_enable(void)
{
	shim_context.irqs_off++;
	shim_context.spinlocks--;
	if (!--shim_context.preempt_count) {
		shim_reader_end();
		pthread_mutex_unlock(&cpu_locks[locked_cpu]);
	}
	shim_context.irqs_off--;
}

int smp_call_function_single(int cpu, void (*func)(void *info), void *info,
			     int wait)
{
	unsigned int my_cpu = shim_cpu;
	bool was_in_interrupt = shim_context.in_interrupt;

	might_sleep();
	if (!cpu_online(cpu))
		return -ENXIO;
	shim_cpu = cpu;
	preempt_disable();
	shim_context.in_interrupt = true;
	func(info);
	shim_context.in_interrupt = was_in_interrupt;
	preempt_enable();
	shim_cpu = my_cpu;
	return 0;
}

/* In early boot there is nobody to wait for, and nothing says no */
bool shim_may_sleep(void)
{
	const struct shim_context *c = &shim_context;

	return !shim_slab || !(c->in_interrupt || c->spinlocks || c->irqs_off ||
			       c->rcu_readers);
}

void shim_might_sleep(const char *who)
{
	const struct shim_context *c = &shim_context;

	if (!shim_may_sleep())
		shim_warn("%s may sleep, in %u spinlocks, %u irqs off, %u RCU readers%s\n",
			  who, c->spinlocks, c->irqs_off, c->rcu_readers,
			  c->in_interrupt ? ", an interrupt" : "");
}

void shim_hold_up(void)
{
	static __thread u32 seed;
	static u32 nr_threads;

	while (!seed)
		seed = __atomic_add_fetch(&nr_threads, 1, __ATOMIC_RELAXED) *
		       2654435761U;
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	if (!(seed & 0x1ff))
		usleep(seed >> 24);
	else if (!(seed & 0x1f))
		sched_yield();
}

void shim_lock_init(struct mutex *lock)
{
	memset(lock, 0, sizeof(*lock));
	pthread_mutex_init(&lock->lock, NULL);
}

bool shim_lock_is_held(const struct mutex *lock)
{
	return READ_ONCE(lock->owner) == (unsigned long)pthread_self();
}

static void lock(struct mutex *mutex, const char *who)
{
	/* It would hang, and nobody would know where */
	if (shim_lock_is_held(mutex)) {
		fprintf(stderr, "%s: it is held already\n", who);
		abort();
	}
	pthread_mutex_lock(&mutex->lock);
	WRITE_ONCE(mutex->owner, (unsigned long)pthread_self());
}

static bool trylock(struct mutex *mutex)
{
	if (pthread_mutex_trylock(&mutex->lock))
		return false;
	WRITE_ONCE(mutex->owner, (unsigned long)pthread_self());
	return true;
}

static void unlock(struct mutex *mutex)
{
	lockdep_assert_held(mutex);
	WRITE_ONCE(mutex->owner, 0);
	pthread_mutex_unlock(&mutex->lock);
}

void mutex_lock(struct mutex *mutex)
{
	might_sleep();
	lock(mutex, __func__);
}

bool mutex_trylock(struct mutex *mutex)
{
	return trylock(mutex);
}

void mutex_unlock(struct mutex *mutex)
{
	unlock(mutex);
}

void spin_lock(spinlock_t *l)
{
	lock(l, __func__);
	shim_context.spinlocks++;
}

bool spin_trylock(spinlock_t *l)
{
	bool got = trylock(l);

	shim_context.spinlocks += got;
	return got;
}

void spin_unlock(spinlock_t *l)
{
	shim_context.spinlocks--;
	unlock(l);
}

void shim_free_kfree(void *p)
{
	if (!IS_ERR(*(void **)p))
		kfree(*(void **)p);
}

void shim_free_kvfree(void *p)
{
	shim_free_kfree(p);
}
