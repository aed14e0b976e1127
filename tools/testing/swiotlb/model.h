/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bouncing should do to memory: a model to compare allocators with
 *
 * The model knows each live buffer by its addresses, what each byte of the original
 * has to be, and what each byte of every page has to be that a bounce buffer touches,
 * slack and neighbours included. Whoever acts on the memory tells the model, which
 * changes its copies by the rules of the DMA API, and compares.
 *
 * All functions that return text return what is wrong, or %NULL.
 */
#ifndef _SWIOTLB_MODEL_H
#define _SWIOTLB_MODEL_H

#include "shim.h"

#define MODEL_GUARD	64UL	/* bytes watched around an original */

/**
 * struct model_buffer - a buffer, mapped or not
 * @dev:	   by whom it is mapped; %NULL if it is not
 * @orig:	   physical address of the original; 0 for memory of the device's
 * @tlb:	   physical address of the bounce buffer
 * @size:	   bytes
 * @dir:	   direction
 * @alloc_align_mask: it shares no block of so many bytes plus 1
 * @expected:	   what the original has to be, guards included; kept for the next
 * @capacity:	   bytes of it, without the guards
 * @nr:		   place in the list of those that are mapped
 */
struct model_buffer {
	const struct device *dev;
	phys_addr_t orig;
	phys_addr_t tlb;
	size_t size;
	enum dma_data_direction dir;
	unsigned int alloc_align_mask;
	u8 *expected;
	size_t capacity;
	unsigned int nr;
};

/* The original is about to be mapped: it is as it should be */
void model_orig(struct model_buffer *b, phys_addr_t orig, size_t size);
/* It was mapped, @dev, @tlb, @dir and @alloc_align_mask say how */
const char *model_mapped(struct model_buffer *b);
/* It was allocated: there is no original, and nothing is known of the contents */
const char *model_allocated(struct model_buffer *b);
/* A part was written by the device or by the CPU, or is about to be synced */
void model_device_wrote(struct model_buffer *b, size_t pos, const u8 *data,
			size_t size);
void model_cpu_wrote(struct model_buffer *b, size_t pos, const u8 *data,
		     size_t size);
void model_sync_for_cpu(struct model_buffer *b, size_t pos, size_t size);
void model_sync_for_device(struct model_buffer *b, size_t pos, size_t size);
/* It is unmapped: the original changes by the rules */
void model_unmap(struct model_buffer *b, bool skip_sync);
/* It was: compare the original a last time, and the neighbours, and forget it */
const char *model_unmapped(struct model_buffer *b);

/* Original and all pages of the bounce buffer */
const char *model_compare(const struct model_buffer *b);
const char *model_compare_all(void);
unsigned int model_nr_mapped(void);
/* Slots of 2 KiB in use, if each took what upstream takes */
unsigned long model_nr_slots(void);
/* Forget all */
void model_reset(void);

/* Text about what is wrong, valid until the next */
__printf(1, 2) const char *complain(const char *fmt, ...);

#endif /* _SWIOTLB_MODEL_H */
