// SPDX-License-Identifier: GPL-2.0
/*
 * What the compiler calls in front of each access to memory, see accesses.h
 *
 * As ThreadSanitizer does, atomic operations are done here, all of them in full order.
 */
#include "accesses.h"

static bool is_near(const void *p, const void *q)
{
	return (uintptr_t)p - (uintptr_t)q + 65536 < 2 * 65536;
}

bool access_is_private(const void *p)
{
	return is_near(p, __builtin_frame_address(0)) ||
	       is_near(p, &shim_context);
}

#define ACCESS(bytes) \
	void __tsan_read##bytes(void *p); \
	void __tsan_read##bytes(void *p) { on_access(p, false); } \
	void __tsan_write##bytes(void *p); \
	void __tsan_write##bytes(void *p) { on_access(p, true); } \
	void __tsan_unaligned_read##bytes(void *p); \
	void __tsan_unaligned_read##bytes(void *p) { on_access(p, false); } \
	void __tsan_unaligned_write##bytes(void *p); \
	void __tsan_unaligned_write##bytes(void *p) { on_access(p, true); } \
	static_assert(true)

ACCESS(1);
ACCESS(2);
ACCESS(4);
ACCESS(8);
ACCESS(16);

static void on_range(char *p, long bytes, bool write)
{
	long at;

	for (at = 0; at < bytes; at += LINE_BYTES)
		on_access(p + at, write);
}

void __tsan_read_range(void *p, long bytes);
void __tsan_read_range(void *p, long bytes)
{
	on_range(p, bytes, false);
}

void __tsan_write_range(void *p, long bytes);
void __tsan_write_range(void *p, long bytes)
{
	on_range(p, bytes, true);
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
		on_atomic(p); \
		return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST); \
	} \
	static_assert(true)

#define CAS(type, bits, strength) \
	bool __tsan_atomic##bits##_compare_exchange_##strength(type *p, \
		type *old, type new, int order, int fail_order); \
	bool __tsan_atomic##bits##_compare_exchange_##strength(type *p, \
		type *old, type new, int order, int fail_order) \
	{ \
		on_atomic(p); \
		return __atomic_compare_exchange_n(p, old, new, false, \
						   __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST); \
	} \
	static_assert(true)

#define ATOMICS(type, bits) \
	type __tsan_atomic##bits##_load(const type *p, int order); \
	type __tsan_atomic##bits##_load(const type *p, int order) \
	{ \
		on_access(p, false); \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
	} \
	void __tsan_atomic##bits##_store(type *p, type v, int order); \
	void __tsan_atomic##bits##_store(type *p, type v, int order) \
	{ \
		on_access(p, true); \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
	} \
	type __tsan_atomic##bits##_exchange(type *p, type v, int order); \
	type __tsan_atomic##bits##_exchange(type *p, type v, int order) \
	{ \
		on_atomic(p); \
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
	if (order == __ATOMIC_SEQ_CST)
		on_fence();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
}
