/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plays sequences of operations on allocators, and compares them with the model
 */
#ifndef _SWIOTLB_DIFF_RUN_H
#define _SWIOTLB_DIFF_RUN_H

#include "allocator.h"

/**
 * struct diff_counts - what a sequence came to
 * @maps:    mappings that succeeded
 * @fails:   that did not
 * @musts:   that had to, by the rules in diff_must.c
 * @checks:  comparisons of a buffer with the model
 */
struct diff_counts {
	unsigned long maps;
	unsigned long fails;
	unsigned long musts;
	unsigned long checks;
};

/* Open the allocators whose names begin with one of these words, between commas; NULL: all */
void diff_open(const char *words);
/* Their names on one line, and who is left out */
void diff_print_players(void);
/* Give everything back; what is wrong, or NULL */
const char *diff_close(void);
/* Play on each in turn; what is wrong, or NULL. Leaves nothing mapped */
const char *diff_play(const u8 *bytes, size_t len);
/* Which allocator, and which operation went wrong */
const char *diff_where(void);
const struct diff_counts *diff_counts_of(const struct allocator *a);

#endif /* _SWIOTLB_DIFF_RUN_H */
