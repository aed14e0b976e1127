// SPDX-License-Identifier: GPL-2.0
/*
 * What an allocator touches: cache lines, atomics and locks per operation
 *
 * For a build of its own, see accesses.h. Nothing here is timed.
 */
#include "accesses.h"
#include "bench.h"

#define NR_LINES	BIT(18)

struct line {
	u64 number;
	u64 op;
	bool written;
};

static struct line lines[NR_LINES];
static u64 op, nr_read, nr_written, nr_atomics, nr_locks, nr_fences;
static __thread bool on;

void touch_start(void)
{
	nr_read = 0;
	nr_written = 0;
	nr_atomics = 0;
	nr_locks = 0;
	nr_fences = 0;
	on = true;
	op++;
}

void touch_stop(void)
{
	on = false;
}

/* What follows belongs to the next operation */
void touch_next(void)
{
	op++;
}

void touch_results(double nr_ops)
{
	result("lines", nr_read / nr_ops);
	result("lines_written", nr_written / nr_ops);
	result("atomics", nr_atomics / nr_ops);
	result("locks", nr_locks / nr_ops);
	result("fences", nr_fences / nr_ops);
}

void shim_count_lock(void)
{
	nr_locks += on;
}

/* Each line is counted once per operation, and once more when it is written */
void on_access(const void *p, bool write)
{
	u64 number = (uintptr_t)p >> LINE_SHIFT;
	u32 i = (number * 0x9e3779b97f4a7c15ULL) >> 40;
	struct line *line;

	if (!on || access_is_private(p))
		return;
	for (;; i++) {
		line = &lines[i % NR_LINES];
		if (line->op != op) {
			*line = (struct line){ .number = number, .op = op };
			nr_read++;
			break;
		}
		if (line->number == number)
			break;
	}
	nr_written += write && !line->written;
	line->written |= write;
}

void on_atomic(const void *p)
{
	nr_atomics += on;
	on_access(p, true);
}

void on_fence(void)
{
	nr_fences += on;
}
