/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random sequences of operations on a slot map, and a short reproducer when one
 * of them goes wrong.
 */
#ifndef _SWIOTLB_SLOTS_OPS_H
#define _SWIOTLB_SLOTS_OPS_H

#include "../../../kernel/dma/swiotlb/tests/slots_model.h"

/* Fails the test, with the seed and the shortest sequence that still fails */
void slots_ops_run(u64 seed, unsigned int nr_slots);

#endif /* _SWIOTLB_SLOTS_OPS_H */
