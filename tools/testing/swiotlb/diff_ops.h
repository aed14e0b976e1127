/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operation language: any bytes are a sequence of operations on an allocator
 *
 * Each operation is a record of DIFF_OP_BYTES bytes, so that leaving some of them
 * out, or swapping them, makes another sequence. Missing bytes are zero.
 *
 *	byte 0	low bits: what; high bits: which CPU, in an interrupt or not,
 *		DMA_ATTR_SKIP_CPU_SYNC or not
 *	byte 1	the device
 *	byte 2	the buffer
 *	byte 3	the direction
 *	byte 4,5	size: power of two, and more of it; or DIFF_PROMISED
 *	byte 6,7	position: offset of the original, or in the buffer
 */
#ifndef _SWIOTLB_DIFF_OPS_H
#define _SWIOTLB_DIFF_OPS_H

#include "shim.h"

#define DIFF_OP_BYTES		8UL
#define DIFF_NR_CPUS		4U
#define DIFF_PROMISED		63U
#define DIFF_MAX_BYTES		(2UL << 20)

/* Byte 0 of two of them */
#define DIFF_BYTE_MAP		0
#define DIFF_BYTE_RESET		15

enum diff_kind {
	DIFF_MAP,	/* a buffer, if it is not mapped */
	DIFF_TBL_MAP,	/* the same for an IOMMU, which wants whole pages */
	DIFF_UNMAP,	/* a buffer, if it is mapped; so for all below */
	DIFF_SYNC_CPU,	/* a part of it */
	DIFF_SYNC_DEVICE,
	DIFF_DEVICE_WRITES,
	DIFF_CPU_WRITES,
	DIFF_ALLOC,	/* coherent memory, or free it if there is some */
	DIFF_FILL,	/* map many small buffers */
	DIFF_DRAIN,	/* unmap some of them */
	DIFF_PROBE,	/* what does a stray address lead to? */
	DIFF_TIME,	/* passes */
	DIFF_NO_MEMORY,	/* an allocation of pages fails, or pages are in pieces */
	DIFF_RESET,	/* unmap all */
};

/**
 * struct diff_op - an operation
 * @kind:	  what
 * @cpu:	  where
 * @in_interrupt: nothing may sleep
 * @skip_sync:	  %DMA_ATTR_SKIP_CPU_SYNC, at unmap
 * @device:	  number of the device
 * @buffer:	  number of the buffer
 * @dir:	  direction of a mapping
 * @alloc_align_mask: of %DIFF_TBL_MAP
 * @size:	  bytes of a mapping; else a number for any use
 * @as_promised:  the mapping has the largest size that the device was promised, instead
 * @pos:	  offset of an original; else a number for any use
 */
struct diff_op {
	enum diff_kind kind;
	unsigned int cpu;
	bool in_interrupt;
	bool skip_sync;
	unsigned int device;
	unsigned int buffer;
	enum dma_data_direction dir;
	unsigned int alloc_align_mask;
	size_t size;
	bool as_promised;
	unsigned int pos;
};

/* The operation at the start of @len bytes */
void diff_decode(const u8 *bytes, size_t len, struct diff_op *op);
void diff_describe(const struct diff_op *op, char *buf, size_t size);
/* A line for each operation in @len bytes */
void diff_print_ops(const u8 *bytes, size_t len);
/* A random sequence of @len bytes, with a mix that makes sense */
void diff_random_ops(u64 *seed, u8 *bytes, size_t len);

/* The devices: limits in all combinations, see diff_ops.c */
#define DIFF_NR_DEVICES		48U
/* @middle is an address in the middle of the allocator's memory */
void diff_device_init(struct device *dev, u64 *dma_mask, unsigned int nr,
		      phys_addr_t middle);

#endif /* _SWIOTLB_DIFF_OPS_H */
