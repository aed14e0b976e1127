// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the simulation for all allocators and numbers of CPUs, and prints tables
 */
#include <unistd.h>

#include "allocator.h"
#include "sim.h"

static const struct load loads[] = {
	{
		.name = "20 disks, I/O completed where it was submitted",
		.submit_ns = 1500, .complete_ns = 1000, .copy_ns = 400,
		.disk_ns = 20000, .disk_gap_ns = 400, .nr_disks = 20,
		.depth = 32, .size = 4096,
	}, {
		.name = "20 disks, one I/O in four completed by another CPU",
		.submit_ns = 1500, .complete_ns = 1000, .copy_ns = 400,
		.disk_ns = 20000, .disk_gap_ns = 400, .nr_disks = 20,
		.depth = 32, .remote = 25, .size = 4096,
	}, {
		.name = "nothing but map and unmap, 32 mappings each",
		.submit_ns = 1, .complete_ns = 1, .disk_ns = 2000,
		.disk_gap_ns = 1, .nr_disks = 20, .depth = 32, .remote = 25,
		.size = 4096,
	},
};

static const unsigned int counts[] = { 1, 2, 4, 8, 16, 32, 48, 64, 96 };

/* It saturates where it gives less than this of what free bouncing would */
#define SATURATED	0.8

static struct costs costs = { .access = 1, .transfer = 100 };
static unsigned int only_cpus;

static void print_row(const char *name, const struct load *load,
		      struct allocator *a, unsigned int nr, double ideal,
		      unsigned int *saturated)
{
	struct result result;

	machine_run(a, nr, load, &costs, &result);
	printf("%-18s %4u %8.2f %7.2f %7.0f %7.0f %7.0f %7.1f %6lu\n", name, nr,
	       result.iops / 1e6, result.iops / ideal, result.ns_per_io,
	       result.lock_ns_per_io, result.transfer_ns_per_io,
	       result.transfers_per_io, result.fails);
	fflush(stdout);
	if (!*saturated && result.iops < SATURATED * ideal)
		*saturated = nr;
}

static void run(const struct load *load, const char *only)
{
	double ideal[ARRAY_SIZE(counts)];
	struct result result;
	struct allocator *a;
	unsigned int i, saturated;

	printf("%s\n%-18s %4s %8s %7s %7s %7s %7s %7s %6s\n", load->name,
	       "allocator", "CPUs", "M/s", "of free", "ns/IO", "locks",
	       "lines", "moves", "fails");
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		machine_run(NULL, counts[i], load, &costs, &result);
		ideal[i] = result.iops;
	}
	for_each_allocator(a) {
		if (only && strcmp(a->name, only))
			continue;
		saturated = 0;
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			if (only_cpus && counts[i] != only_cpus)
				continue;
			print_row(a->name, load, a, counts[i], ideal[i],
				  &saturated);
		}
		if (load->submit_ns <= 1)
			printf("\n");
		else if (saturated)
			printf("%-18s saturates at %u CPUs or before\n\n",
			       a->name, saturated);
		else
			printf("%-18s does not saturate\n\n", a->name);
	}
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned int i;
	int option;

	while ((option = getopt(argc, argv, "a:n:t:")) >= 0) {
		switch (option) {
		case 'a':
			only = optarg;
			break;
		case 'n':
			only_cpus = atoi(optarg);
			break;
		case 't':
			costs.transfer = atoi(optarg);
			break;
		default:
			fprintf(stderr, "%s [-a ALLOCATOR] [-n CPUS] [-t NS]\n",
				argv[0]);
			return 2;
		}
	}
	printf("an access %u ns, a cache line that moves %u ns\n"
	       "M/s: million I/Os a second; ns/IO: in swiotlb, and of that\n"
	       "waiting for locks, for lines; moves: of lines, for each I/O\n\n",
	       costs.access, costs.transfer);
	for (i = 0; i < ARRAY_SIZE(loads); i++)
		run(&loads[i], only);
	return 0;
}
