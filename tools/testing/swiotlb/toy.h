/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A backend of a module, as simple as can be: one pool of 64 KiB slots, a buffer
 * in each. It watches whether the core keeps to the contract, and fails on demand.
 */
#ifndef _SWIOTLB_TOY_H
#define _SWIOTLB_TOY_H

#include "system.h"

#define TOY_SLOT_BYTES	0x10000UL

extern struct module toy_module;
extern struct swiotlb_backend_ops toy_ops;

/**
 * struct toy_wish - what tests want it to do
 * @init_err:	 what init shall return, before it does anything
 * @max_mapping: what it shall claim to be able to map, if not 0
 * @stalls:	 alloc shall not return until this is false again
 * @max_stalls:	 nor shall max_mapping, after it found its answer, if it is a device
 *		 that asks
 * @stray:	 what it shall claim to find outside of a buffer: bytes from its start
 */
struct toy_wish {
	int init_err;
	size_t max_mapping;
	bool stalls;
	bool max_stalls;
	long stray;
};

extern struct toy_wish toy_wish;
/* How often it was set up, and taken apart */
extern unsigned int toy_nr_inits, toy_nr_exits;
/* How many are in alloc, or in max_mapping, just now */
extern unsigned int toy_nr_stalled;

void toy_register(void);
void toy_unregister(void);

#endif /* _SWIOTLB_TOY_H */
