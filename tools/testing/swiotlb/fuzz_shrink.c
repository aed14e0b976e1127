// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes that make something fail: does it, how few of them are enough
 *
 * Delta debugging: leave out halves, quarters, ... single units as long as it
 * still fails, any way it likes. Then what can be zero becomes zero, which reads better.
 * All in children: a failure may be a crash, and state must not pile up.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_shrink.h"

/* Where coverage is counted, so it is by those that end without exit() */
#ifdef SHIM_COVERAGE
void __gcov_dump(void);
#else
#define __gcov_dump()	((void)0)
#endif

/* SHRINK_SECONDS in the environment says otherwise */
#define MAX_SHRINK_SECONDS	60

bool fuzz_fails(fuzz_fn run, const u8 *bytes, size_t len, bool quiet)
{
	int status, null;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (!child) {
		null = quiet ? open("/dev/null", O_WRONLY) : -1;
		if (null >= 0) {
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
		}
		status = !run(bytes, len);
		fflush(stdout);
		/* Looking for leaks takes longer than all the rest */
		if (quiet) {
			__gcov_dump();
			_exit(status);
		}
		exit(status);
	}
	while (waitpid(child, &status, 0) < 0)
		;
	if (!quiet && WIFSIGNALED(status))
		printf("  signal %d\n", WTERMSIG(status));
	return status;
}

static bool out_of_time(time_t start)
{
	const char *max = getenv("SHRINK_SECONDS");

	return time(NULL) - start >= (max ? atoi(max) : MAX_SHRINK_SECONDS);
}

/* Without @part bytes at @pos */
static bool fails_without(fuzz_fn run, const u8 *bytes, size_t len,
			  size_t pos, size_t part, u8 *rest)
{
	memcpy(rest, bytes, pos);
	memcpy(rest + pos, bytes + pos + part, len - pos - part);
	return fuzz_fails(run, rest, len - part, true);
}

static size_t drop(fuzz_fn run, u8 *bytes, size_t len, size_t unit,
		   time_t start)
{
	size_t nr = (len + unit - 1) / unit, part, pos;
	u8 *rest = malloc(len);

	for (part = nr / 2; part; part /= 2) {
		/* From the end, as what follows the failure goes first */
		for (pos = nr > part ? nr - part : 0; !out_of_time(start);
		     pos -= part < pos ? part : pos) {
			size_t from = pos * unit, bytes_out = part * unit;

			if (from + bytes_out > len)
				bytes_out = len - from;
			if (bytes_out < len &&
			    fails_without(run, bytes, len, from, bytes_out,
					  rest)) {
				len -= bytes_out;
				memcpy(bytes, rest, len);
			}
			if (!pos)
				break;
		}
		nr = (len + unit - 1) / unit;
	}
	free(rest);
	return len;
}

static void zero(fuzz_fn run, u8 *bytes, size_t len, time_t start)
{
	size_t i;

	for (i = 0; i < len && !out_of_time(start); i++) {
		u8 was = bytes[i];

		if (!was)
			continue;
		bytes[i] = 0;
		if (!fuzz_fails(run, bytes, len, true))
			bytes[i] = was;
	}
}

size_t fuzz_shrink(fuzz_fn run, u8 *bytes, size_t len, size_t unit)
{
	time_t start = time(NULL);
	size_t before;

	do {
		before = len;
		len = drop(run, bytes, len, unit, start);
	} while (len < before && !out_of_time(start));
	if (len <= 64 * unit)
		zero(run, bytes, len, start);
	return len;
}

void fuzz_print_hex(const u8 *bytes, size_t len)
{
	while (len--)
		printf("%02x", *bytes++);
}

size_t fuzz_parse_hex(const char *hex, u8 *bytes, size_t max)
{
	size_t len;
	unsigned int byte;

	for (len = 0; len < max && *hex; len++, hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1 || !hex[1])
			return 0;
		bytes[len] = byte;
	}
	return *hex ? 0 : len;
}
