// SPDX-License-Identifier: GPL-2.0
/*
 * The same random operations on all allocators, compared with the model
 *
 * Each stream is played in a process of its own, on fresh allocators. If that fails, the
 * stream is shortened, and what is left is printed twice: as text, and as
 * hexadecimal digits that `fuzz-ops -x` plays again.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "diff_ops.h"
#include "diff_run.h"
#include "fuzz_shrink.h"
#include "test.h"

#define NR_STREAMS	40
#define STREAM_OPS	800UL
#define MAX_SECONDS	120	/* for one stream */

static u8 stream[STREAM_OPS * DIFF_OP_BYTES];

/* What streams came to, for each allocator; shared with the children */
static struct diff_counts *totals;

static bool play_fresh(const u8 *bytes, size_t len)
{
	struct diff_counts *total = totals;
	struct allocator *a;
	const char *wrong;

	alarm(MAX_SECONDS);
	diff_open(NULL);
	wrong = diff_play(bytes, len);
	if (wrong) {
		printf("  %s\n    %s\n", wrong, diff_where());
		return false;
	}
	for_each_allocator(a) {
		const struct diff_counts *counts = diff_counts_of(a);

		total->maps += counts->maps;
		total->fails += counts->fails;
		total->musts += counts->musts;
		total++->checks += counts->checks;
	}
	wrong = diff_close();
	if (wrong)
		printf("  %s\n", wrong);
	return !wrong;
}

static void print_stream(const u8 *bytes, size_t len)
{
	diff_print_ops(bytes, len);
	printf("  again: build/swiotlb-tests/asan/fuzz-ops -x ");
	fuzz_print_hex(bytes, len);
	printf("\n");
}

static void play_stream(size_t len)
{
	if (!fuzz_fails(play_fresh, stream, len, true))
		return;

	len = fuzz_shrink(play_fresh, stream, len, DIFF_OP_BYTES);
	fuzz_fails(play_fresh, stream, len, false);
	print_stream(stream, len);
	test_fail(__FILE__, __LINE__, "allocators do not match the model");
}

/* Nobody is compared with nothing: all of it has to happen, and often */
static void check_totals(void)
{
	const struct diff_counts *total = totals;
	struct allocator *a;

	for_each_allocator(a) {
		test_note("%s: %lu mappings, %lu failed, %lu had to succeed, %lu syncs checked",
			  a->name, total->maps, total->fails, total->musts,
			  total->checks);
		CHECK(total->maps > 20000);
		CHECK(total->fails > 500);
		/* Of large pieces there are so few that hardly any is sure */
		CHECK(total->musts > (a->piece_bytes ? 20 : 4000));
		CHECK(total->checks > 1000);
		total++;
	}
}

static void share_totals(void)
{
	totals = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(totals != MAP_FAILED);
}

TEST(diff_allocators_match_the_model)
{
	u64 seed, random;

	share_totals();
	for (seed = 1; seed <= NR_STREAMS; seed++) {
		test_note("seed %llu", (unsigned long long)seed);
		random = seed;
		diff_random_ops(&random, stream, sizeof(stream));
		play_stream(sizeof(stream));
	}
	check_totals();
}

/* The largest mapping of each device, where nothing else is, at various addresses */
TEST(diff_promises_are_kept)
{
	static const unsigned int offsets[] = { 0, 1, 0x7ff, 0xfff, 0x1200, 0xffff };
	unsigned int dev, i;
	size_t len = 0;

	share_totals();
	for (dev = 0; dev < DIFF_NR_DEVICES; dev++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			const u8 ops[] = {
				DIFF_BYTE_MAP, dev, 0, 0, DIFF_PROMISED, 0,
				offsets[i] >> 8, offsets[i] & 0xff,
				DIFF_BYTE_RESET, 0, 0, 0, 0, 0, 0, 0,
			};

			CHECK(len + sizeof(ops) <= sizeof(stream));
			memcpy(stream + len, ops, sizeof(ops));
			len += sizeof(ops);
		}
	}
	play_stream(len);
	/* All but those that lie across the boundary themselves */
	CHECK(totals->musts > len / DIFF_OP_BYTES / 2 * 2 / 3);
}
