// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests, all of them or those whose names contain an argument, or begin
 * with one that begins with "^"
 *
 * Each runs in a child: it starts with the variables as the kernel has them at
 * boot, and takes nobody down with it. Last line: "N passed, N failed".
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static struct test *tests, **last = &tests;
static char note[512];

/* Longer than any test takes, even under a sanitizer on a slow machine */
#define MAX_SECONDS	600

void test_register(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(note, sizeof(note), fmt, args);
	va_end(args);
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	/* Only the first of several threads that fail gets further */
	shim_freeze_log();
	printf("  %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	if (note[0])
		printf("\n  with %s", note);
	if (shim_log[0])
		printf("\n  log: %s", shim_log);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

bool test_in_child(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		return true;
	CHECK(child > 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	return false;
}

static int run(const struct test *test)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("swiotlb tests: fork");
		exit(2);
	}
	if (!child) {
		alarm(MAX_SECONDS);
		test->run();
		/* Whatever was put off until now may warn as well */
		shim_settle();
		if (shim_take_warns())
			test_fail(__FILE__, __LINE__, "a kernel warning");
		/* exit(), as that is where leaks are looked for */
		exit(0);
	}

	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("  signal %d%s\n", WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? ": it hangs" : "");
	printf("%s %s\n", status ? "FAILED" : "ok", test->name);
	return status;
}

/* Has the name the word in it, or at its start if the word begins with "^"? */
static bool matches(const char *name, const char *word)
{
	return word[0] == '^' ? strstr(name, word + 1) == name :
				!!strstr(name, word);
}

static bool is_wanted(const struct test *test, int nr_words, char **words)
{
	int i;

	for (i = 0; i < nr_words; i++) {
		if (matches(test->name, words[i]))
			return true;
	}
	return !nr_words;
}

int main(int argc, char **argv)
{
	unsigned int nr_passed = 0, nr_failed = 0;
	struct test *test;

	for (test = tests; test; test = test->next) {
		if (!is_wanted(test, argc - 1, argv + 1))
			continue;
		if (run(test))
			nr_failed++;
		else
			nr_passed++;
	}

	printf("%u passed, %u failed\n", nr_passed, nr_failed);
	return nr_failed || !nr_passed;
}
