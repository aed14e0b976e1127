// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: sequences of operations on all allocators, see diff_ops.h
 *
 * The allocators stay open from input to input, and everything is unmapped after
 * each. Where they put the next buffer may depend on what was before.
 * ALLOCATOR=name,... in the environment leaves out those with other names.
 */
#include "diff_ops.h"
#include "diff_run.h"
#include "fuzz.h"

const size_t fuzz_unit = DIFF_OP_BYTES;
const size_t fuzz_max_len = 256 * DIFF_OP_BYTES;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	diff_open(getenv("ALLOCATOR"));
	diff_print_players();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	const char *wrong = diff_play(bytes, len);

	if (!wrong)
		return 0;
	printf("  %s\n    %s\n", wrong, diff_where());
	fflush(stdout);
	abort();
}

/* As at the end of an input: all is unmapped, and nothing is going to fail */
size_t fuzz_separator(u8 *bytes, size_t max)
{
	static const u8 ops[] = {
		DIFF_BYTE_RESET, 0, 0, 0, 0, 0, 0, 0,
		DIFF_BYTE_RESET, 1, 0, 0, 0, 0, 0, 0,
	};

	memcpy(bytes, ops, min(max, sizeof(ops)));
	return min(max, sizeof(ops));
}

void fuzz_describe(const u8 *bytes, size_t len)
{
	diff_print_ops(bytes, len);
}
