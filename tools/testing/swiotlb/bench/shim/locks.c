// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs, contexts, and locks that cost about what the kernel's do
 */
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "shim.h"

#define MAX_CPUS	256

/* As often as a paravirtualised spinlock of x86 looks before its CPU halts */
#define SPIN_THRESHOLD	BIT(15)

__thread unsigned int shim_cpu;
__thread struct shim_context shim_context;
unsigned int shim_nr_cpus = 4;
int shim_fence;
bool shim_jitters;
__thread struct task_struct shim_current;

static pthread_t cpu_threads[MAX_CPUS];
static bool cpu_has_thread[MAX_CPUS];
static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*call_func)(void *info);
static void *call_info;
static bool call_done;
static sem_t call_over;

/* An interrupt, by a signal; who has them off is asked again later */
static void on_call(int signal)
{
	int err = errno;

	if (!shim_context.irqs_off) {
		shim_context.in_interrupt = true;
		call_func(call_info);
		shim_context.in_interrupt = false;
		call_done = true;
	}
	sem_post(&call_over);
	errno = err;
}

static void __attribute__((constructor)) expect_calls(void)
{
	struct sigaction action = {
		.sa_handler = on_call,
		.sa_flags = SA_RESTART,
	};

	sem_init(&call_over, 0, 0);
	sigaction(SIGUSR2, &action, NULL);
}

void shim_be_cpu(unsigned int cpu)
{
	pthread_mutex_lock(&call_lock);
	shim_cpu = cpu;
	cpu_threads[cpu] = pthread_self();
	cpu_has_thread[cpu] = true;
	pthread_mutex_unlock(&call_lock);
	/* It need not lock, but may be preempted only where it says so */
	if (!shim_reader.known)
		shim_new_reader();
}

void shim_leave_cpu(void)
{
	pthread_mutex_lock(&call_lock);
	cpu_has_thread[shim_cpu] = false;
	pthread_mutex_unlock(&call_lock);
}

static void call_thread(int cpu)
{
	if (pthread_equal(cpu_threads[cpu], pthread_self())) {
		call_func(call_info);
		return;
	}
	for (call_done = false; !call_done;) {
		pthread_kill(cpu_threads[cpu], SIGUSR2);
		while (sem_wait(&call_over))
			;
		if (!call_done)
			usleep(10);
	}
}

int smp_call_function_single(int cpu, void (*func)(void *info), void *info,
			     int wait)
{
	unsigned int my_cpu = shim_cpu;

	pthread_mutex_lock(&call_lock);
	call_func = func;
	call_info = info;
	if (cpu_has_thread[cpu]) {
		call_thread(cpu);
	} else {
		/* It is idle */
		shim_cpu = cpu;
		func(info);
		shim_cpu = my_cpu;
	}
	pthread_mutex_unlock(&call_lock);
	return 0;
}

/* Whoever is waited for may not be running: there can be more threads than processors */
static void relax(unsigned int *nr)
{
	cpu_relax();
	if (!(++*nr % SPIN_THRESHOLD))
		sched_yield();
}

/*
 * Who waits first is next, and who comes later cannot overtake, as the kernel has it:
 * the owner of a lock must not be able to take it again and again. Of those who wait
 * behind him, any may be the one who follows.
 */
void shim_spin(spinlock_t *lock)
{
	unsigned int nr = 0;

	while (__atomic_exchange_n(&lock->pending, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&lock->pending, __ATOMIC_RELAXED))
			relax(&nr);
	}
	while (__atomic_load_n(&lock->locked, __ATOMIC_ACQUIRE))
		relax(&nr);
	__atomic_store_n(&lock->locked, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->pending, 0, __ATOMIC_RELEASE);
}

void mutex_init(struct mutex *mutex)
{
	pthread_mutex_init(&mutex->lock, NULL);
	mutex->owner = 0;
}

void mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(&mutex->lock);
	WRITE_ONCE(mutex->owner, (unsigned long)pthread_self());
}

bool mutex_trylock(struct mutex *mutex)
{
	if (pthread_mutex_trylock(&mutex->lock))
		return false;
	WRITE_ONCE(mutex->owner, (unsigned long)pthread_self());
	return true;
}

void mutex_unlock(struct mutex *mutex)
{
	WRITE_ONCE(mutex->owner, 0);
	pthread_mutex_unlock(&mutex->lock);
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
