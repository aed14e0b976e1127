/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What things cost in instructions; includes nothing of the shims
 */
#ifndef _SWIOTLB_BENCH_INSTRUCTIONS_H
#define _SWIOTLB_BENCH_INSTRUCTIONS_H

#include <stdbool.h>

/* How many @fn executes; less than 0 where they cannot be counted */
double count_instructions(void (*fn)(void *arg), void *arg);
/* Else the processor stops after each, which takes microseconds */
bool instructions_are_cheap(void);

#endif /* _SWIOTLB_BENCH_INSTRUCTIONS_H */
