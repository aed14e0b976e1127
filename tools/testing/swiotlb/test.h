/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test is a function that runs in a process of its own. It fails at the first
 * check that does, or if it leaves a kernel warning behind, or if a sanitizer
 * complains.
 */
#ifndef _SWIOTLB_TEST_H
#define _SWIOTLB_TEST_H

#include "shim.h"

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *test);
void __attribute__((noreturn, format(printf, 3, 4)))
test_fail(const char *file, int line, const char *fmt, ...);
/* What to say besides when a check fails from now on: seed, parameters */
void __attribute__((format(printf, 1, 2))) test_note(const char *fmt, ...);

/*
 * For what can be done only once, as boot: true in a child, which ends by exit; the
 * caller waits for it, gets false, and fails if the child did.
 */
bool test_in_child(void);

#define TEST(fn) \
	static void fn(void); \
	static void __attribute__((constructor)) register_##fn(void) \
	{ \
		static struct test test = { .name = #fn, .run = fn }; \
		test_register(&test); \
	} \
	static void fn(void)

#define CHECK(cond) \
	((cond) ? (void)0 : test_fail(__FILE__, __LINE__, "%s", #cond))

#define CHECK_EQ(a, b) ({ \
	long long __a = (long long)(a), __b = (long long)(b); \
	if (__a != __b) \
		test_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld", \
			  #a, __a, __a, __b); \
})

/* For those that return what is wrong, or NULL */
#define CHECK_OK(call) ({ \
	const char *__wrong = (call); \
	if (__wrong) \
		test_fail(__FILE__, __LINE__, "%s: %s", #call, __wrong); \
})

#endif /* _SWIOTLB_TEST_H */
