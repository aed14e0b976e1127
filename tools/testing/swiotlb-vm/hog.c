// SPDX-License-Identifier: GPL-2.0
/*
 * Take more memory than there is, so that the rest goes to swap, and see that it comes
 * back as it was
 *
 *	hog <MiB> <processes> <rounds>
 *
 * Each process has its part of the memory. In each round it writes all of its pages, a
 * word in each sector, and then reads them in another order. The exit status says
 * whether all words were right.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_WORDS	512
#define SECTOR_WORDS	64

/* Each word says whose it is, when it was written and where it belongs */
static uint64_t word_of(unsigned int process, unsigned int round, size_t at)
{
	return ((uint64_t)process << 56) ^ ((uint64_t)round << 48) ^ (at * 0x9e3779b97f4a7c15ULL);
}

static void fill(uint64_t *memory, size_t nr_words, unsigned int process, unsigned int round)
{
	for (size_t at = 0; at < nr_words; at += SECTOR_WORDS)
		memory[at] = word_of(process, round, at);
}

/* From the last page to the first: what was written last may still be there */
static int check(const uint64_t *memory, size_t nr_words, unsigned int process, unsigned int round)
{
	for (size_t page = nr_words; page; page -= PAGE_WORDS) {
		for (size_t at = page - PAGE_WORDS; at < page; at += SECTOR_WORDS) {
			uint64_t wanted = word_of(process, round, at);

			if (memory[at] == wanted)
				continue;
			printf("process %u, round %u, word %zu: %#llx, not %#llx\n", process, round,
			       at, (unsigned long long)memory[at], (unsigned long long)wanted);
			return 1;
		}
	}
	return 0;
}

static int hog(size_t nr_bytes, unsigned int process, unsigned int nr_rounds)
{
	size_t nr_words = nr_bytes / sizeof(uint64_t);
	uint64_t *memory = mmap(NULL, nr_bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (unsigned int round = 1; round <= nr_rounds; round++) {
		fill(memory, nr_words, process, round);
		if (check(memory, nr_words, process, round))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int nr_processes, nr_rounds;
	size_t nr_bytes;
	int status, failed = 0;

	if (argc != 4 || !atoi(argv[1]) || !atoi(argv[2])) {
		fprintf(stderr, "usage: hog <MiB> <processes> <rounds>\n");
		return 2;
	}
	nr_processes = atoi(argv[2]);
	nr_rounds = atoi(argv[3]);
	nr_bytes = (((size_t)atoi(argv[1]) << 20) / nr_processes) & ~(size_t)4095;

	for (unsigned int process = 0; process < nr_processes; process++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (!pid)
			return hog(nr_bytes, process, nr_rounds);
	}
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status);
	printf("%u of %u processes found what they wrote\n", nr_processes - failed, nr_processes);
	return failed != 0;
}
