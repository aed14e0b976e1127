// SPDX-License-Identifier: GPL-2.0
/*
 * call_rcu(): a thread waits for a grace period, and then calls, as an interrupt
 *
 * For both kinds of RCU: the tests', and the benchmark's.
 */
#include "shim.h"

static struct rcu_head *callbacks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool caller_runs, caller_is_busy;

static void *call_back(void *arg)
{
	struct rcu_head *head, *next;

	pthread_mutex_lock(&lock);
	for (;;) {
		while (!callbacks) {
			caller_is_busy = false;
			pthread_cond_broadcast(&cond);
			pthread_cond_wait(&cond, &lock);
		}
		caller_is_busy = true;
		head = callbacks;
		callbacks = NULL;
		pthread_mutex_unlock(&lock);

		synchronize_rcu();
		shim_context.in_interrupt = true;
		for (; head; head = next) {
			next = head->next;
			head->func(head);
		}
		shim_context.in_interrupt = false;
		pthread_mutex_lock(&lock);
	}
	return NULL;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&lock);
	head->next = callbacks;
	callbacks = head;
	if (!caller_runs) {
		caller_runs = true;
		shim_thread(call_back, NULL);
	}
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
}

void rcu_barrier(void)
{
	might_sleep();
	pthread_mutex_lock(&lock);
	while (callbacks || caller_is_busy)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
}
