// SPDX-License-Identifier: GPL-2.0
/*
 * RCU whose readers cost next to nothing
 *
 * A reader stores its generation, and then reads what is protected: the processor may
 * well do that in the other order. membarrier() has each thread of the process
 * execute a barrier, so a reader either began behind it, and sees all that was
 * written before; or its generation is seen behind it.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

unsigned int shim_grace_periods;
unsigned long shim_generation = 1;
__thread struct shim_reader shim_reader;

static struct shim_reader *readers;
static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long completed;

static void __attribute__((constructor)) register_membarrier(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
		    0, 0)) {
		perror("swiotlb bench: membarrier");
		exit(2);
	}
}

static void all_threads_barrier(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static void forget_reader(void *arg)
{
	struct shim_reader **link;

	pthread_mutex_lock(&readers_lock);
	for (link = &readers; *link; link = &(*link)->next) {
		if (*link == arg) {
			*link = (*link)->next;
			break;
		}
	}
	pthread_mutex_unlock(&readers_lock);
}

static pthread_key_t exit_key;

static void __attribute__((constructor)) make_key(void)
{
	pthread_key_create(&exit_key, forget_reader);
	shim_new_reader();
}

void shim_new_reader(void)
{
	pthread_mutex_lock(&readers_lock);
	shim_reader.known = true;
	shim_reader.spinlocks = &shim_context.spinlocks;
	shim_reader.next = readers;
	readers = &shim_reader;
	pthread_mutex_unlock(&readers_lock);
	pthread_setspecific(exit_key, &shim_reader);
}

void synchronize_rcu(void)
{
	struct shim_reader *reader;
	unsigned long now;

	__atomic_fetch_add(&shim_grace_periods, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&readers_lock);
	now = __atomic_add_fetch(&shim_generation, 1, __ATOMIC_SEQ_CST);
	all_threads_barrier();
	for (reader = readers; reader; reader = reader->next) {
		for (;;) {
			unsigned long began = __atomic_load_n(&reader->began,
							      __ATOMIC_ACQUIRE);

			if (!began || began >= now)
				break;
			usleep(20);
		}
		while (__atomic_load_n(reader->spinlocks, __ATOMIC_ACQUIRE) &&
		       reader != &shim_reader)
			usleep(20);
	}
	all_threads_barrier();
	__atomic_store_n(&completed, now, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&readers_lock);
}

unsigned long get_state_synchronize_rcu(void)
{
	return __atomic_load_n(&shim_generation, __ATOMIC_SEQ_CST) + 1;
}

static void nothing(struct rcu_head *head)
{
	kfree(head);
}

unsigned long start_poll_synchronize_rcu(void)
{
	unsigned long cookie = get_state_synchronize_rcu();
	struct rcu_head *head = kzalloc(sizeof(*head), GFP_ATOMIC);

	if (head)
		call_rcu(head, nothing);
	return cookie;
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	return (long)(__atomic_load_n(&completed, __ATOMIC_ACQUIRE) - cookie) >= 0;
}
