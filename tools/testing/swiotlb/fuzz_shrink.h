/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bytes that make something fail: does it, how few of them are enough
 */
#ifndef _SWIOTLB_FUZZ_SHRINK_H
#define _SWIOTLB_FUZZ_SHRINK_H

#include "shim.h"

/*
 * Does not return if the bytes make it fail, or returns false. What may hang sets an
 * alarm.
 */
typedef bool (*fuzz_fn)(const u8 *bytes, size_t len);

/* Runs in a child, so from scratch. A quiet one says nothing of what goes wrong */
bool fuzz_fails(fuzz_fn run, const u8 *bytes, size_t len, bool quiet);
/* Leave out what is not needed, in units of @unit bytes; the new length */
size_t fuzz_shrink(fuzz_fn run, u8 *bytes, size_t len, size_t unit);
/* Two hex digits for each byte, and back; 0 if it is not that */
void fuzz_print_hex(const u8 *bytes, size_t len);
size_t fuzz_parse_hex(const char *hex, u8 *bytes, size_t max);

#endif /* _SWIOTLB_FUZZ_SHRINK_H */
