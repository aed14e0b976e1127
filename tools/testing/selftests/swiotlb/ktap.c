// SPDX-License-Identifier: GPL-2.0
/*
 * Tests and verdicts: KTAP lines on stdout, one per test, and after each group
 * one more which checks that the group gave all of the pool back.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "device.h"

#define MAX_TESTS	512
#define MAX_DIAGS	24

bool quick;
u64 seed = 20261121;

/* Groups which must be asked for by name, see README.md. */
static const char * const opt_in[] = { "overflow", "reach", "strict" };

static struct test tests[MAX_TESTS];
static unsigned int nr_tests;

static pthread_mutex_t diag_lock = PTHREAD_MUTEX_INITIALIZER;
static char diags[MAX_DIAGS][256];
static unsigned int nr_diags;
static char skip_reason[256];

void add_test(const char *group, int (*run)(const struct test *test),
	      u64 arg0, u64 arg1, u64 arg2, const char *fmt, ...)
{
	struct test *test = &tests[nr_tests];
	va_list ap;

	if (nr_tests++ == MAX_TESTS) {
		fprintf(stderr, "swiotlb_test: more than %d tests\n", MAX_TESTS);
		exit(1);
	}
	test->group = group;
	test->run = run;
	test->arg[0] = arg0;
	test->arg[1] = arg1;
	test->arg[2] = arg2;
	va_start(ap, fmt);
	vsnprintf(test->name, sizeof(test->name), fmt, ap);
	va_end(ap);
}

static void vdiag(const char *fmt, va_list ap)
{
	pthread_mutex_lock(&diag_lock);
	if (nr_diags < MAX_DIAGS)
		vsnprintf(diags[nr_diags], sizeof(diags[0]), fmt, ap);
	nr_diags++;
	pthread_mutex_unlock(&diag_lock);
}

void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag(fmt, ap);
	va_end(ap);
}

int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag(fmt, ap);
	va_end(ap);
	return -1;
}

int skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, sizeof(skip_reason), fmt, ap);
	va_end(ap);
	return TEST_SKIP;
}

static void flush_diags(void)
{
	unsigned int i;

	for (i = 0; i < nr_diags && i < MAX_DIAGS; i++)
		printf("# %s\n", diags[i]);
	if (nr_diags > MAX_DIAGS)
		printf("# (%u more)\n", nr_diags - MAX_DIAGS);
	nr_diags = 0;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Is @name a word of the comma list @list? */
static bool in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, name, len) && (!list[len] || list[len] == ','))
			return true;
	}
	return false;
}

/* Is each word of the comma list a group? Says which one is not. */
bool groups_exist(const char *groups)
{
	do {
		size_t len = strcspn(groups, ",");
		unsigned int i;
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)len, groups);
		for (i = 0; i < nr_tests; i++)
			if (!strcmp(tests[i].group, word))
				break;
		if (i == nr_tests && strcmp(word, "all")) {
			fprintf(stderr, "swiotlb_test: no group is called '%s'\n",
				word);
			return false;
		}
		groups += len;
	} while (*groups++);
	return true;
}

static bool selected(const char *groups, const char *group)
{
	unsigned int i;

	if (groups)
		return in_list(groups, group) || in_list(groups, "all");
	for (i = 0; i < ARRAY_SIZE(opt_in); i++)
		if (!strcmp(opt_in[i], group))
			return false;
	return true;
}

static bool last_of_group(unsigned int i)
{
	return i + 1 == nr_tests || strcmp(tests[i].group, tests[i + 1].group);
}

struct counts {
	unsigned int run, failed, skipped;
};

static void report(struct counts *counts, int ret, const char *group,
		   const char *name)
{
	bool failed = ret && ret != TEST_SKIP;

	flush_diags();
	printf("%s %u %s.%s", failed ? "not ok" : "ok", ++counts->run, group,
	       name);
	if (ret == TEST_SKIP)
		printf(" # SKIP %s", skip_reason);
	printf("\n");
	fflush(stdout);
	counts->failed += failed;
	counts->skipped += ret == TEST_SKIP;
}

/* Returns what the program exits with. */
int run_tests(const char *groups)
{
	struct counts counts = {};
	unsigned int i, plan = 0;
	long start_ms = 0, nr_used = 0;
	bool first = true;
	int ret;

	for (i = 0; i < nr_tests; i++)
		if (selected(groups, tests[i].group))
			plan += 1 + last_of_group(i);
	printf("1..%u\n", plan);

	for (i = 0; i < nr_tests; i++) {
		if (!selected(groups, tests[i].group))
			continue;
		if (first) {
			nr_used = pool_nr_used();
			start_ms = now_ms();
		}
		ret = dev_params(DMA_MASK_64, BOUNDARY_4G, 0);
		if (!ret)
			ret = tests[i].run(&tests[i]);
		ctx_close_all();
		report(&counts, ret, tests[i].group, tests[i].name);

		first = last_of_group(i);
		if (!first)
			continue;
		if (nr_used < 0)
			ret = skip("no io_tlb_used in debugfs");
		else
			ret = pool_settle(nr_used);
		diag("%s: %ld ms", tests[i].group, now_ms() - start_ms);
		report(&counts, ret, tests[i].group, "gives-the-pool-back");
	}

	printf("# Totals: pass:%u fail:%u skip:%u\n",
	       counts.run - counts.failed - counts.skipped, counts.failed,
	       counts.skipped);
	return counts.failed ? 1 : 0;
}

void list_tests(void)
{
	unsigned int i;

	for (i = 0; i < nr_tests; i++)
		printf("%s.%s%s\n", tests[i].group, tests[i].name,
		       selected(NULL, tests[i].group) ? "" : " (opt-in)");
}
