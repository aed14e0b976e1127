/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a mapping has to succeed
 */
#ifndef _SWIOTLB_DIFF_MUST_H
#define _SWIOTLB_DIFF_MUST_H

#include "allocator.h"

/**
 * struct diff_room - what is known of the room in an allocator
 * @bytes:    its memory when it was opened
 * @piece_bytes: see &struct allocator
 * @keeps_low: see &struct allocator
 * @honest:   what it says of the largest mapping of a device is true
 * @nr_live:  number of live buffers
 * @nr_slots: slots of 2 KiB that they take if each takes what upstream takes
 */
struct diff_room {
	size_t bytes;
	size_t piece_bytes;
	bool keeps_low;
	bool honest;
	unsigned int nr_live;
	unsigned long nr_slots;
};

bool diff_must_map(const struct diff_room *room, const struct device *dev,
		   size_t promised, phys_addr_t orig, size_t size,
		   unsigned int alloc_align_mask);
bool diff_must_alloc(const struct diff_room *room, const struct device *dev,
		     size_t size);

#endif /* _SWIOTLB_DIFF_MUST_H */
