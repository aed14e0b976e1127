// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that map and unmap each other's buffers, and threads that disturb them
 */
#include <unistd.h>

#include "race_crowd.h"

#define MAX_OTHERS	4U
/* A busy machine may need so long */
#define ENOUGH_MS	20000U

struct buffer crowd_buffers[CROWD_MAPPERS + CROWD_WAITING];

static struct buffer *waiting[CROWD_WAITING];
static bool done;

struct buffer *crowd_swap(struct buffer *mine, unsigned int place)
{
	return __atomic_exchange_n(&waiting[place], mine, __ATOMIC_ACQ_REL);
}

bool crowd_is_done(void)
{
	return __atomic_load_n(&done, __ATOMIC_ACQUIRE);
}

void crowd_run(crowd_fn *mapper, crowd_fn *const others[],
	       unsigned int nr_others, bool (*is_enough)(void))
{
	pthread_t threads[CROWD_MAPPERS + MAX_OTHERS];
	unsigned int i, ms;

	CHECK(nr_others <= MAX_OTHERS);
	for (i = 0; i < ARRAY_SIZE(crowd_buffers); i++)
		buffer_init(&crowd_buffers[i], i, 1);
	for (i = 0; i < CROWD_WAITING; i++)
		waiting[i] = &crowd_buffers[CROWD_MAPPERS + i];

	shim_jitters = true;
	shim_run_clock(true);
	for (i = 0; i < CROWD_MAPPERS + nr_others; i++)
		CHECK(!pthread_create(&threads[i], NULL, i < CROWD_MAPPERS ?
				      mapper : others[i - CROWD_MAPPERS],
				      &crowd_buffers[i]));
	for (i = 0; i < CROWD_MAPPERS; i++)
		pthread_join(threads[i], NULL);
	for (ms = 0; is_enough && ms < ENOUGH_MS && !is_enough(); ms++)
		usleep(1000);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (; i < CROWD_MAPPERS + nr_others; i++)
		pthread_join(threads[i], NULL);
	shim_run_clock(false);
	__atomic_store_n(&shim_jitters, false, __ATOMIC_RELAXED);
}
