// SPDX-License-Identifier: GPL-2.0
/*
 * RCU on a generation counter
 *
 * A reader notes in a variable of its thread the generation that it began in, or
 * 0 when it is done. synchronize_rcu() begins a new generation, and waits until
 * no thread is left that notes an older one. Who reads the generation just
 * before it changes, and notes it too late to be seen, sees all that was
 * written before it changed, which is as good as beginning afterwards.
 */
#include <unistd.h>

#include "shim.h"

/**
 * struct reader - a thread that ever was a reader
 * @began: generation that its outermost section began in, or 0
 * @nesting: sections it is in
 * @next:  in the list of all; threads that are gone stay in it
 */
struct reader {
	unsigned long began;
	unsigned int nesting;
	struct reader *next;
};

unsigned int shim_grace_periods;

static unsigned long generation = 1;
static struct reader *readers;
static __thread struct reader *me;

static struct reader *new_reader(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	struct reader *first = READ_ONCE(readers);

	do
		reader->next = first;
	while (!try_cmpxchg(&readers, &first, reader));
	return reader;
}

/* No interrupt comes while it is done by half */
void shim_reader_begin(void)
{
	if (!me)
		me = new_reader();
	/* In this order: seen by who waits, before anything is read */
	shim_context.irqs_off++;
	if (!me->nesting++)
		__atomic_exchange_n(&me->began, READ_ONCE(generation),
				    __ATOMIC_SEQ_CST);
	shim_context.irqs_off--;
}

void shim_reader_end(void)
{
	shim_context.irqs_off++;
	if (!--me->nesting)
		smp_store_release(&me->began, 0UL);
	shim_context.irqs_off--;
}

void rcu_read_lock(void)
{
	shim_reader_begin();
	shim_context.rcu_readers++;
}

void rcu_read_unlock(void)
{
	if (!shim_context.rcu_readers) {
		shim_warn("rcu_read_unlock() without rcu_read_lock()\n");
		return;
	}
	shim_context.rcu_readers--;
	shim_reader_end();
}

void synchronize_rcu(void)
{
	struct reader *reader;
	unsigned long now;

	might_sleep();
	__atomic_fetch_add(&shim_grace_periods, 1, __ATOMIC_RELAXED);
	if (me && me->nesting)
		return;

	now = __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
	for (reader = READ_ONCE(readers); reader; reader = reader->next) {
		for (;;) {
			unsigned long began = __atomic_load_n(&reader->began,
							      __ATOMIC_SEQ_CST);

			if (!began || began >= now)
				break;
			usleep(20);
		}
	}
}

unsigned long get_state_synchronize_rcu(void)
{
	return __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
}

bool poll_state_synchronize_rcu(unsigned long state)
{
	struct reader *reader;

	for (reader = READ_ONCE(readers); reader; reader = reader->next) {
		unsigned long began = __atomic_load_n(&reader->began,
						      __ATOMIC_SEQ_CST);

		if (began && began < state)
			return false;
	}
	return true;
}
