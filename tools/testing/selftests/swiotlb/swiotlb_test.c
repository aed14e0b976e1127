// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb_test - does the kernel bounce DMA right?
 *
 * Needs the swiotlb_test module, which plays a device through the DMA addresses
 * that the kernel hands out. The legacy kernel/dma/swiotlb.c is taken as the
 * specification. Speaks KTAP; exits with 0 only if nothing failed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "device.h"

#define KSFT_SKIP	4

static const char usage[] =
	"usage: swiotlb_test [-q] [-l] [-g group[,group...]] [-s seed]\n"
	"  -q  quick: fewer sizes and turns, for slow (debug) kernels\n"
	"  -l  list the tests and exit\n"
	"  -g  run these groups only; 'all' includes those that are opt-in\n"
	"  -s  seed of everything random\n";

static int skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return KSFT_SKIP;
}

static bool bounces(void)
{
	struct ctx *ctx = ctx_open(PAGE_BYTES);
	bool ret = false;
	struct mapping m;

	if (ctx && !map(ctx, 0, 1, TO, 0, &m))
		ret = m.bounced;
	ctx_close_all();
	return ret;
}

int main(int argc, char **argv)
{
	const char *groups = NULL;
	bool list = false;
	char *end;
	int opt;

	while ((opt = getopt(argc, argv, "qlg:s:h")) != -1) {
		switch (opt) {
		case 'q':
			quick = true;
			break;
		case 'l':
			list = true;
			break;
		case 'g':
			groups = optarg;
			break;
		case 's':
			errno = 0;
			seed = strtoull(optarg, &end, 0);
			if (errno || *end || end == optarg) {
				fprintf(stderr, "swiotlb_test: not a seed: '%s'\n",
					optarg);
				return 2;
			}
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:	/* getopt() has said why */
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "swiotlb_test: unexpected argument '%s'\n",
			argv[optind]);
		return 2;
	}

	add_transfer_tests();
	add_data_tests();
	add_placement_tests();
	add_pool_tests();
	add_stress_tests();
	if (list) {
		list_tests();
		return 0;
	}

	if (groups && !groups_exist(groups))
		return 2;

	printf("KTAP version 1\n");
	if (dev_init())
		return skip_all("no /dev/swiotlb_test: needs root, swiotlb_test.ko, an edu device");
	if (!bounces())
		return skip_all("DMA is not bounced: boot with swiotlb=force");
	patterns_init();
	printf("# seed %llu%s, pool of %ld slots, %ld in use\n",
	       seed, quick ? ", quick" : "",
	       pool_nr_slots(), pool_nr_used());
	return run_tests(groups);
}
