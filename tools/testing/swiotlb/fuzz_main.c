// SPDX-License-Identifier: GPL-2.0
/*
 * A driver for fuzz targets that needs no more than gcc
 *
 *	fuzz-x FILE|DIR...		play them
 *	fuzz-x -x HEX			play these bytes
 *	fuzz-x -t SECONDS [-s SEED] [-o DIR] DIR...
 *					start with the files in the folders, change and
 *					mix them; keep what reaches new code in DIR
 *
 * As fuzzers do: sources under test are compiled with -fsanitize-coverage=trace-pc,
 * which calls us for each branch taken. An input that takes some branch, or takes it
 * about twice as often as any before, is kept, and further inputs are made from it.
 * A failure ends it all: the input is shortened, explained, and printed.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "fuzz_shrink.h"

#define MAX_INPUTS	4096U
#define MAP_SIZE	65536U
#define MAX_LEN		4096U
#define MAX_SECONDS	60	/* for one input */
#define NR_PAST		64U	/* how far back the cause of a failure may be */

struct input {
	u8 *bytes;
	size_t len;
};

/**
 * struct shared - what the parent has to know if the child dies
 * @nr_runs: how many inputs were played
 * @past:    the last of them, and the one being played, modulo %NR_PAST
 */
struct shared {
	unsigned long nr_runs;
	struct {
		size_t len;
		u8 bytes[MAX_LEN];
	} past[NR_PAST];
};

static struct input inputs[MAX_INPUTS];
static unsigned int nr_inputs;
static struct shared *shared;
static const char *out_dir;
static u64 seed = 1;
static double seconds;

/* How often each branch was taken by this input; and as a set of bits, by any */
static u8 taken[MAP_SIZE], seen[MAP_SIZE];
static __thread uintptr_t last_pc;

void __attribute__((no_sanitize("address", "undefined")))
__sanitizer_cov_trace_pc(void)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);
	u8 *count = &taken[(pc ^ last_pc << 1 ^ pc >> 16) % MAP_SIZE];

	/* Threads may lose a count, which does not matter */
	if (*count < 255)
		++*count;
	last_pc = pc;
}

static u32 random_below(u32 limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % limit;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Bit k: some branch was taken 2^k times or more */
static bool is_new(void)
{
	bool new = false;
	unsigned int i;

	for (i = 0; i < MAP_SIZE; i++) {
		u8 bit;

		if (!taken[i])
			continue;
		bit = 1 << (31 - __builtin_clz(taken[i]));
		new |= !(seen[i] & bit);
		seen[i] |= bit;
	}
	return new;
}

static unsigned int nr_branches(void)
{
	unsigned int nr = 0, i;

	for (i = 0; i < MAP_SIZE; i++)
		nr += !!seen[i];
	return nr;
}

static void add_input(const u8 *bytes, size_t len)
{
	struct input *input = &inputs[nr_inputs];

	if (nr_inputs == MAX_INPUTS)
		input = &inputs[random_below(MAX_INPUTS)];
	else
		nr_inputs++;
	free(input->bytes);
	input->bytes = malloc(len + 1);
	memcpy(input->bytes, bytes, len);
	input->len = len;
}

static void read_file(const char *path)
{
	static u8 bytes[MAX_LEN];
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file) {
		perror(path);
		exit(2);
	}
	len = fread(bytes, 1, fuzz_max_len, file);
	fclose(file);
	add_input(bytes, len);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_path(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int nr, i;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		read_file(path);
		return;
	}
	nr = scandir(path, &entries, NULL, by_name);
	for (i = 0; i < nr; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			read_file(name);
		free(entries[i]);
	}
	free(entries);
}

static void keep_file(const u8 *bytes, size_t len)
{
	char name[4096];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%04u", out_dir, nr_inputs);
	file = fopen(name, "wb");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file)) {
		perror(name);
		exit(2);
	}
}

/* Where a unit begins, at random, up to the end itself */
static size_t some_unit(size_t len)
{
	return random_below(len / fuzz_unit + 1) * fuzz_unit;
}

/* One small change; the new length */
static size_t change(u8 *bytes, size_t len)
{
	const struct input *other = &inputs[random_below(nr_inputs)];
	size_t at = some_unit(len), from, n;

	switch (random_below(6)) {
	case 0:		/* a bit */
		if (len)
			bytes[random_below(len)] ^= 1 << random_below(8);
		return len;
	case 1:		/* a byte */
		if (len)
			bytes[random_below(len)] = random_below(256);
		return len;
	case 2:		/* leave something out */
		n = some_unit(len - at) % (16 * fuzz_unit);
		memmove(bytes + at, bytes + at + n, len - at - n);
		return len - n;
	case 3:		/* something new */
		n = (random_below(8) + 1) * fuzz_unit;
		if (len + n > fuzz_max_len)
			return len;
		memmove(bytes + at + n, bytes + at, len - at);
		while (n--)
			bytes[at + n] = random_below(256), len++;
		return len;
	case 4:		/* something from elsewhere */
		from = some_unit(other->len);
		n = some_unit(other->len - from);
		if (len + n > fuzz_max_len)
			return len;
		memmove(bytes + at + n, bytes + at, len - at);
		memcpy(bytes + at, other->bytes + from, n);
		return len + n;
	default:	/* the same again */
		n = some_unit(len - at) % (8 * fuzz_unit);
		if (len + n > fuzz_max_len)
			return len;
		memmove(bytes + at + n, bytes + at, len - at);
		return len + n;
	}
}

static void play(const u8 *bytes, size_t len)
{
	unsigned int i = shared->nr_runs % NR_PAST;

	memcpy(shared->past[i].bytes, bytes, len);
	shared->past[i].len = len;
	memset(taken, 0, sizeof(taken));
	alarm(MAX_SECONDS);
	LLVMFuzzerTestOneInput(shared->past[i].bytes, len);
	shared->nr_runs++;
}

/* In the child: all that were given, then new ones until the time is up */
static bool fuzz(const u8 *unused, size_t unused_len)
{
	double start = now();
	unsigned int i, nr;

	LLVMFuzzerInitialize(NULL, NULL);
	for (i = 0; i < nr_inputs; i++) {
		play(inputs[i].bytes, inputs[i].len);
		is_new();
	}
	while (now() - start < seconds) {
		static u8 bytes[MAX_LEN];
		const struct input *input = &inputs[random_below(nr_inputs)];
		size_t len = input->len;

		memcpy(bytes, input->bytes, len);
		for (nr = 1 << random_below(4); nr; nr--)
			len = change(bytes, len);
		play(bytes, len);
		if (is_new()) {
			if (out_dir)
				keep_file(bytes, len);
			add_input(bytes, len);
		}
	}
	if (seconds)
		printf("%lu inputs played, %u kept, %u branches\n",
		       shared->nr_runs, nr_inputs, nr_branches());
	else
		printf("%u inputs played\n", nr_inputs);
	return true;
}

/* A single input, from scratch */
static bool play_fresh(const u8 *bytes, size_t len)
{
	alarm(2 * MAX_SECONDS);
	LLVMFuzzerInitialize(NULL, NULL);
	LLVMFuzzerTestOneInput(bytes, len);
	return true;
}

/* The last @nr inputs as one; its length */
static size_t join_past(u8 *bytes, unsigned int nr)
{
	size_t len = 0;

	while (nr--) {
		unsigned int i = (shared->nr_runs - nr) % NR_PAST;

		memcpy(bytes + len, shared->past[i].bytes, shared->past[i].len);
		len += shared->past[i].len;
		if (nr)
			len += fuzz_separator(bytes + len, MAX_LEN);
	}
	return len;
}

/* The last input alone may be enough, or some of those before are needed, too */
static void report(const char *program)
{
	u8 *bytes = malloc(2 * NR_PAST * MAX_LEN);
	unsigned int nr = 1, max = NR_PAST;
	size_t len;

	if (max > shared->nr_runs + 1)
		max = shared->nr_runs + 1;
	printf("FAILED after %lu inputs\n", shared->nr_runs);
	for (;;) {
		len = join_past(bytes, nr);
		if (fuzz_fails(play_fresh, bytes, len, true)) {
			len = fuzz_shrink(play_fresh, bytes, len, fuzz_unit);
			fuzz_fails(play_fresh, bytes, len, false);
			break;
		}
		if (nr == max || !fuzz_separator(bytes, MAX_LEN)) {
			printf("not by the last %u inputs: what was before matters\n",
			       nr);
			len = join_past(bytes, 1);
			break;
		}
		nr = 2 * nr < max ? 2 * nr : max;
	}
	fuzz_describe(bytes, len);
	printf("  again: %s -x ", program);
	fuzz_print_hex(bytes, len);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static void usage(const char *program)
{
	fprintf(stderr, "%s [-t SECONDS] [-s SEED] [-o DIR] [-x HEX] [FILE|DIR]...\n",
		program);
	exit(2);
}

int main(int argc, char **argv)
{
	static u8 bytes[MAX_LEN];
	size_t len;
	int option;

	while ((option = getopt(argc, argv, "t:s:o:x:")) >= 0) {
		switch (option) {
		case 't':
			seconds = atof(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			out_dir = optarg;
			break;
		case 'x':
			len = fuzz_parse_hex(optarg, bytes, MAX_LEN);
			if (!len)
				usage(argv[0]);
			add_input(bytes, len);
			break;
		default:
			usage(argv[0]);
		}
	}
	for (; optind < argc; optind++)
		read_path(argv[optind]);
	if (!nr_inputs)
		usage(argv[0]);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("fuzz: mmap");
		return 2;
	}
	if (seconds)
		printf("seed %llu\n", (unsigned long long)seed);
	if (fuzz_fails(fuzz, NULL, 0, false))
		report(argv[0]);
	return 0;
}
