// SPDX-License-Identifier: GPL-2.0
/*
 * What an allocator's code does to memory, in order
 *
 * A lock announces itself by shim_count_lock() before the access that takes it; what lets
 * it go is a store to the same place. Contents of buffers are not traced: they are
 * copied by memcpy().
 */
#include "accesses.h"
#include "sim.h"

#define NR_HASHES	(1U << 20)
#define MAX_HELD	8

static struct {
	u64 number;
	u32 line;
} hashes[NR_HASHES];

static u32 nr_lines;
static __thread bool on;
static __thread bool is_lock;
static __thread u64 held[MAX_HELD];
static __thread unsigned int nr_held;
static struct step *steps;
static unsigned int nr_steps, max_steps;

static u32 line_of(u64 number)
{
	u32 i = (number * 0x9e3779b97f4a7c15ULL) >> 44;

	for (;; i++) {
		if (!hashes[i % NR_HASHES].number) {
			hashes[i % NR_HASHES].number = number;
			hashes[i % NR_HASHES].line = nr_lines++;
		}
		if (hashes[i % NR_HASHES].number == number)
			return hashes[i % NR_HASHES].line;
	}
}

static void step(const void *p, enum step_kind kind)
{
	u32 line = line_of((uintptr_t)p >> LINE_SHIFT);

	/* The same again is a hit, and close by */
	if (nr_steps && steps[nr_steps - 1].line == line &&
	    kind == steps[nr_steps - 1].kind && kind <= STEP_WRITE)
		return;
	if (nr_steps == max_steps) {
		fprintf(stderr, "sim: an operation of more than %u steps\n",
			max_steps);
		exit(2);
	}
	steps[nr_steps++] = (struct step){ .line = line, .kind = kind };
}

void on_access(const void *p, bool write)
{
	unsigned int i;

	if (!on || access_is_private(p))
		return;
	for (i = 0; write && i < nr_held; i++) {
		if (held[i] != (uintptr_t)p)
			continue;
		held[i] = held[--nr_held];
		step(p, STEP_UNLOCK);
		return;
	}
	step(p, write ? STEP_WRITE : STEP_READ);
}

void on_atomic(const void *p)
{
	if (!on || access_is_private(p))
		return;
	if (is_lock) {
		is_lock = false;
		if (nr_held < MAX_HELD)
			held[nr_held++] = (uintptr_t)p;
		step(p, STEP_LOCK);
		return;
	}
	on_access(p, true);
}

/* What it waits for is in the accesses already */
void on_fence(void)
{
}

void shim_count_lock(void)
{
	is_lock = on;
}

void trace_start(struct step *to, unsigned int max)
{
	steps = to;
	max_steps = max;
	nr_steps = 0;
	nr_held = 0;
	on = true;
}

unsigned int trace_stop(void)
{
	on = false;
	return nr_steps;
}

unsigned int trace_nr_lines(void)
{
	return nr_lines;
}
