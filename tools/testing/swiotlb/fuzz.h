/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a fuzz target is: libFuzzer's interface, and a bit more for our own driver
 */
#ifndef _SWIOTLB_FUZZ_H
#define _SWIOTLB_FUZZ_H

#include "shim.h"

/* Called once; then for each input, which it plays, and aborts if anything is wrong */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

/* Inputs are made of units of so many bytes, and new ones no longer than this */
extern const size_t fuzz_unit, fuzz_max_len;
/* What between two inputs makes one of them; the number of bytes, 0 if they stand alone */
size_t fuzz_separator(u8 *bytes, size_t max);
/* The compiler has each branch of the sources under test call this */
void __sanitizer_cov_trace_pc(void);
/* Print what the bytes mean, in lines */
void fuzz_describe(const u8 *bytes, size_t len);

#endif /* _SWIOTLB_FUZZ_H */
