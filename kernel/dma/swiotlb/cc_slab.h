/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the memory of the `cc` backend is made of: classes, slabs, chunks
 */
#ifndef _KERNEL_DMA_SWIOTLB_CC_SLAB_H
#define _KERNEL_DMA_SWIOTLB_CC_SLAB_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

struct cc_cpu;
struct cc_depot;

#define CC_CHUNK_SHIFT		21
#define CC_CHUNK_BYTES		((size_t)1 << CC_CHUNK_SHIFT)
/* So much is converted at a time at most, see cc_pair.c */
#define CC_PAIR_BYTES		(2 * CC_CHUNK_BYTES)

/* The slots of a chunk, which need not be pages of the machine */
#define CC_PAGE_SHIFT		12
#define CC_CHUNK_PAGES		(CC_CHUNK_BYTES >> CC_PAGE_SHIFT)
#define CC_CHUNK_WORDS		BITS_TO_LONGS(CC_CHUNK_PAGES)

/* As small as what lookup.c finds without a table of pages */
#define CC_SLAB_SHIFT		(PAGE_SHIFT > 16 ? PAGE_SHIFT : 16)
#define CC_SLAB_BYTES		((size_t)1 << CC_SLAB_SHIFT)
#define CC_SLAB_PAGES		(CC_SLAB_BYTES >> CC_PAGE_SHIFT)

/*
 * What memory is used for. Of the first ones a buffer gets one slot, of the others a
 * run of slots; of pages, too, if there is no room elsewhere.
 */
enum cc_class {
	CC_256,
	CC_512,
	CC_1K,
	CC_2K,
	CC_PAGES,
	CC_RUN_2K,
	CC_LAST,
	CC_KEPT,
	CC_COHERENT,
	CC_NR_CLASSES,
	CC_NR_SINGLES = CC_RUN_2K,
	/* Of these users say how much should be free */
	CC_NR_MARKS = CC_LAST,
	/* Sizes of slots that slabs are cut into */
	CC_NR_GEOMS = CC_PAGES,
	/* In slabs of these sizes records are packed: see cc_slab_init() */
	CC_NR_PACKED = CC_2K,
};

/**
 * struct cc_class_def - what a class is
 * @name:	for users
 * @shift:	log2 of the size of a slot
 * @max_slots:	longest span
 */
struct cc_class_def {
	const char *name;
	u8 shift;
	u16 max_slots;
};

extern const struct cc_class_def cc_classes[CC_NR_CLASSES];

/* Is it made of slabs? Else of chunks */
static inline bool cc_has_slabs(enum cc_class class)
{
	return class < CC_PAGES || class == CC_RUN_2K;
}

/* Slots of a slab, or of a chunk */
static inline unsigned int cc_nr_slots(enum cc_class class)
{
	return (cc_has_slabs(class) ? CC_SLAB_BYTES : CC_CHUNK_BYTES) >>
	       cc_classes[class].shift;
}

/* The memory that only those use who do not reach all, and the memory of the others */
enum cc_reach {
	CC_LOW,
	CC_ANY,
	CC_NR_REACHES
};

/**
 * struct cc_fit - what a run of free slots must be like
 * @nr_slots: its length
 * @mask:     bits of the number of the run's first slot that matter
 * @bits:     what these bits must be
 * @boundary: the run must not cross a multiple of this plus 1; of the form
 *	      2^n - 1
 * @base:     number of slot 0; all numbers above start with it
 * @dma_offset: see &struct swiotlb_req, for @base
 */
struct cc_fit {
	unsigned int nr_slots;
	unsigned long mask;
	unsigned long bits;
	unsigned long boundary;
	unsigned long base;
	u64 dma_offset;
};

/**
 * struct cc_word - what is known of the runs of free slots in a word of a bitmap
 * @head: how long the one is that begins with the lowest bit
 * @tail: and the one that ends with the highest
 * @most: and the longest of all
 */
struct cc_word {
	u8 head;
	u8 tail;
	u8 most;
};

/**
 * struct cc_slab - memory cut into slots of one size: a chunk, or 64 KiB of one
 * @pool:    what the core sees of it
 * @cpus:    &cc.cpus
 * @chunk:   the chunk; %NULL while in reserve
 * @node:    in &cc_shelf.bucket, in &cc_depot.empty, or in &cc_reserve.slabs
 * @free:    which slots are free; private memory, as all of this
 * @words:   of each word of @free, if there are runs
 * @grace:   in reserve: may be used when that RCU grace period is over, as
 *	     addresses may have been looked up in @pool
 * @nr_free: slots that are free
 * @offer:   how many of them a buffer can have: one if there are any; or in how long
 *	     a run. By that it lies in its bucket
 * @first:   no slot is free in the words of @free below this one
 * @class:   what it is used for, an &enum cc_class; changed only while all is free
 * @reach:   where it belongs, an &enum cc_reach
 * @stack:   which of &cc_cpu.caches its slots go to
 * @phase:   how this structure was had, an &enum swiotlb_phase
 */
struct cc_slab {
	struct io_tlb_pool pool;
	struct cc_cpu *cpus;
	struct cc_chunk *chunk;
	struct list_head node;
	unsigned long *free;
	struct cc_word *words;
	unsigned long grace;
	u16 nr_free;
	u16 offer;
	u8 first;
	u8 class;
	u8 reach;
	u8 stack;
	u8 phase;
};

/**
 * struct cc_reserve - slabs with slots of one size that are ready for use
 * @slabs:    the slabs, those first that have waited longest
 * @nr:	      how many
 * @nr_made:  how many there are, in use and not
 * @low_mark: with fewer kccd must be asked
 * @missed:   there was none when one was needed, nor memory to make one
 */
struct cc_reserve {
	struct list_head slabs;
	unsigned int nr;
	unsigned int nr_made;
	unsigned int low_mark;
	bool missed;
};

/* What single pages are taken from, see cc_crumbs.c */
#define CC_BLOCK_PAGES		16U
#define CC_CHUNK_BLOCKS		(CC_CHUNK_PAGES / CC_BLOCK_PAGES)

/**
 * struct cc_blocks - the blocks of a chunk
 * @node:    in &cc_crumbs.chunks
 * @level:   number of that list
 * @nr_free: pages that are free in each block
 * @nr_with: number of blocks by that
 * @levels:  of which there are any, a bit for each
 */
struct cc_blocks {
	struct list_head node;
	unsigned int level;
	unsigned long levels;
	u8 nr_free[CC_CHUNK_BLOCKS];
	u8 nr_with[CC_BLOCK_PAGES + 1];
};

/**
 * struct cc_crumbs - chunks by the fewest free pages in a block of theirs
 * @chunks: those where that is so many; 0 and all pages do not count
 * @filled: which of these lists are not empty, a bit for each
 */
struct cc_crumbs {
	struct list_head chunks[CC_BLOCK_PAGES];
	unsigned long filled;
};

/**
 * struct cc_chunk - 2 MiB of bounce memory
 * @pages:     all of it, in slots of 4 KiB
 * @depot:     where it belongs
 * @all:       in &cc.chunks
 * @emptied:   when all of it became free, in jiffies of 64 bits
 * @phase:     how this structure was had
 * @grown:     was added later, and may be given back
 * @free:      for @pages
 * @words:     for @pages
 * @blocks:    of @pages, while it is on the shelf of &CC_PAGES
 * @head_dist: for @pages
 */
struct cc_chunk {
	struct cc_slab pages;
	struct cc_depot *depot;
	struct list_head all;
	u64 emptied;
	enum swiotlb_phase phase;
	bool grown;
	unsigned long free[CC_CHUNK_WORDS];
	struct cc_word words[CC_CHUNK_WORDS];
	struct cc_blocks blocks;
	u8 head_dist[CC_CHUNK_PAGES];
};

#endif /* _KERNEL_DMA_SWIOTLB_CC_SLAB_H */
