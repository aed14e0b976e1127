// SPDX-License-Identifier: GPL-2.0
/*
 * What an allocator's code does to memory, in order
 *
 * The compiler calls us for each access, as it calls ThreadSanitizer. The stack is left out,
 * and so are the shims' variables of a thread. A lock announces itself by
 * shim_count_lock() before the access that takes it; what lets it go is a store to
 * the same place. Contents of buffers are not traced: they are copied by memcpy().
 */
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
	u32 line = line_of((uintptr_t)p >> 6);

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

static bool is_near(const void *p, const void *q)
{
	return (uintptr_t)p - (uintptr_t)q + 65536 < 2 * 65536;
}

static bool is_private(const void *p)
{
	return is_near(p, __builtin_frame_address(0)) ||
	       is_near(p, &shim_context);
}

static void touch(const void *p, bool write)
{
	unsigned int i;

	if (!on || is_private(p))
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

static void rmw(const void *p)
{
	if (!on || is_private(p))
		return;
	if (is_lock) {
		is_lock = false;
		if (nr_held < MAX_HELD)
			held[nr_held++] = (uintptr_t)p;
		step(p, STEP_LOCK);
		return;
	}
	touch(p, true);
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

static void touch_range(char *p, long bytes, bool write)
{
	long at;

	for (at = 0; at < bytes; at += 64)
		touch(p + at, write);
}

void __tsan_read_range(void *p, long bytes);
void __tsan_read_range(void *p, long bytes)
{
	touch_range(p, bytes, false);
}

void __tsan_write_range(void *p, long bytes);
void __tsan_write_range(void *p, long bytes)
{
	touch_range(p, bytes, true);
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
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
}
