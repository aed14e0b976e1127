// SPDX-License-Identifier: GPL-2.0
/*
 * What an allocator touches: cache lines, atomics and locks per operation
 *
 * For a build of its own: the compiler puts a call in front of each access to memory,
 * as it does for ThreadSanitizer, and these are the functions that are called.
 * Stacks and the shims' data of a thread are left out: in a kernel they
 * are warm. Nothing here is timed.
 */
#include "bench.h"

#define NR_LINES	BIT(18)
#define LINE_SHIFT	6

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

static bool is_near(const void *p, const void *q)
{
	return (uintptr_t)p - (uintptr_t)q + 65536 < 2 * 65536;
}

/* Each line is counted once per operation, and once more when it is written */
static void touch(const void *p, bool write)
{
	u64 number = (uintptr_t)p >> LINE_SHIFT;
	u32 i = (number * 0x9e3779b97f4a7c15ULL) >> 40;
	struct line *line;

	if (!on || is_near(p, __builtin_frame_address(0)) ||
	    is_near(p, &shim_context))
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

#define ACCESS(bytes) \
	void __tsan_read##bytes(void *p); \
	void __tsan_read##bytes(void *p) { touch(p, false); } \
	void __tsan_write##bytes(void *p); \
	void __tsan_write##bytes(void *p) { touch(p, true); } \
	void __tsan_unaligned_read##bytes(void *p); \
	void __tsan_unaligned_read##bytes(void *p) { touch(p, false); } \
	void __tsan_unaligned_write##bytes(void *p); \
	void __tsan_unaligned_write##bytes(void *p) { touch(p, true); } \
	static_assert(true)

ACCESS(1);
ACCESS(2);
ACCESS(4);
ACCESS(8);
ACCESS(16);

void __tsan_read_range(void *p, long bytes);
void __tsan_read_range(void *p, long bytes)
{
	long at;

	for (at = 0; at < bytes; at += 1 << LINE_SHIFT)
		touch((char *)p + at, false);
}

void __tsan_write_range(void *p, long bytes);
void __tsan_write_range(void *p, long bytes)
{
	long at;

	for (at = 0; at < bytes; at += 1 << LINE_SHIFT)
		touch((char *)p + at, true);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

static void rmw(void *p)
{
	nr_atomics += on;
	touch(p, true);
}

#define FETCH(type, bits, op) \
	type __tsan_atomic##bits##_fetch_##op(type *p, type v, int order); \
	type __tsan_atomic##bits##_fetch_##op(type *p, type v, int order) \
	{ \
		rmw(p); \
		return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST); \
	} \
	static_assert(true)

#define CAS(type, bits, strength) \
	bool __tsan_atomic##bits##_compare_exchange_##strength(type *p, \
		type *old, type new, int order, int fail_order); \
	bool __tsan_atomic##bits##_compare_exchange_##strength(type *p, \
		type *old, type new, int order, int fail_order) \
	{ \
		rmw(p); \
		return __atomic_compare_exchange_n(p, old, new, false, \
						   __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST); \
	} \
	static_assert(true)

#define ATOMICS(type, bits) \
	type __tsan_atomic##bits##_load(const type *p, int order); \
	type __tsan_atomic##bits##_load(const type *p, int order) \
	{ \
		touch(p, false); \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
	} \
	void __tsan_atomic##bits##_store(type *p, type v, int order); \
	void __tsan_atomic##bits##_store(type *p, type v, int order) \
	{ \
		touch(p, true); \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
	} \
	type __tsan_atomic##bits##_exchange(type *p, type v, int order); \
	type __tsan_atomic##bits##_exchange(type *p, type v, int order) \
	{ \
		rmw(p); \
		return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
	} \
	FETCH(type, bits, add); \
	FETCH(type, bits, sub); \
	FETCH(type, bits, and); \
	FETCH(type, bits, or); \
	FETCH(type, bits, xor); \
	CAS(type, bits, strong); \
	CAS(type, bits, weak)

ATOMICS(u8, 8);
ATOMICS(u16, 16);
ATOMICS(u32, 32);
ATOMICS(u64, 64);

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	nr_fences += on && order == __ATOMIC_SEQ_CST;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
}
