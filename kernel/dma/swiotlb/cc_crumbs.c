// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages of the `cc` backend to use for buffers of a single page
 *
 * Most buffers that take a page take just one, and any will do. So they should go
 * where nothing else fits, and long runs should stay whole, or become whole again. A
 * chunk is looked at as blocks of 16 pages. A block in which some pages are free, but
 * not all, has crumbs: single pages come from the blocks with the fewest free ones,
 * whatever chunk these are in. What is left alone, since it has many, gets ever
 * emptier as its buffers go, until all of it is free. That makes room for
 * slabs, which take a whole block, and for large buffers. Were pages taken in any other
 * order, in a pool that is full but for a tenth there would soon be a page or two free
 * in each block, and nowhere more.
 *
 * A chunk is in a list by its block with the fewest free pages. A bitmap says which
 * lists are not empty. So to find the best chunk takes a few steps, to find
 * the blocks in it 32, and to note a change a few for each block.
 *
 * Locking: the depot's lock is held.
 */
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/swiotlb.h>

#include "cc.h"

/* Blocks with no more than that are all used at a time, so that a batch is soon full */
#define FEW_PAGES	4U

#define ALL_FREE	((1UL << CC_BLOCK_PAGES) - 1)
#define BLOCKS_PER_WORD	(BITS_PER_LONG / CC_BLOCK_PAGES)

/* Which pages of a block are free */
static unsigned long block_bits(const struct cc_chunk *chunk, unsigned int block)
{
	return chunk->free[block / BLOCKS_PER_WORD] >>
	       block % BLOCKS_PER_WORD * CC_BLOCK_PAGES & ALL_FREE;
}

/* One block more with so many free pages, or one less */
static void count(struct cc_blocks *blocks, unsigned int nr_free, int delta)
{
	blocks->nr_with[nr_free] += delta;
	__assign_bit(nr_free, &blocks->levels, blocks->nr_with[nr_free]);
}

/* The fewest free pages of any block that has crumbs; 0 if there is none */
static unsigned int level_of(const struct cc_blocks *blocks)
{
	unsigned long levels = blocks->levels & GENMASK(CC_BLOCK_PAGES - 1, 1);

	return levels ? __ffs(levels) : 0;
}

static void move(struct cc_crumbs *crumbs, struct cc_blocks *blocks,
		 unsigned int level)
{
	unsigned int old = blocks->level;

	if (level == old)
		return;
	list_del_init(&blocks->node);
	if (old && list_empty(&crumbs->chunks[old]))
		crumbs->filled &= ~BIT(old);
	if (level) {
		list_add(&blocks->node, &crumbs->chunks[level]);
		crumbs->filled |= BIT(level);
	}
	blocks->level = level;
}

/**
 * cc_crumbs_changed() - pages of a chunk came into use, or are no longer
 * @crumbs: of the depot
 * @chunk:  the bits in its bitmap have changed already
 * @first:  the first page that may have changed
 * @last:   the last that may have
 */
void cc_crumbs_changed(struct cc_crumbs *crumbs, struct cc_chunk *chunk,
		       unsigned int first, unsigned int last)
{
	struct cc_blocks *blocks = &chunk->blocks;
	unsigned int block, nr;

	for (block = first / CC_BLOCK_PAGES; block <= last / CC_BLOCK_PAGES;
	     block++) {
		nr = hweight_long(block_bits(chunk, block));
		if (nr == blocks->nr_free[block])
			continue;
		count(blocks, blocks->nr_free[block], -1);
		count(blocks, nr, 1);
		blocks->nr_free[block] = nr;
	}
	move(crumbs, blocks, level_of(blocks));
}

/**
 * cc_crumbs_find() - the chunk to take single pages from
 * @crumbs: of the depot
 *
 * Return: the chunk, or %NULL if there are free pages in whole blocks only.
 */
struct cc_chunk *cc_crumbs_find(const struct cc_crumbs *crumbs)
{
	if (!crumbs->filled)
		return NULL;
	return list_first_entry(&crumbs->chunks[__ffs(crumbs->filled)],
				struct cc_chunk, blocks.node);
}

/**
 * cc_crumbs_take() - take single pages
 * @chunk: from cc_crumbs_find()
 * @refs:  receives them, those to be used first at the end
 * @nr:	   how many are wanted
 *
 * How many are free is for the depot to count.
 *
 * Return: how many of them there are not; so many @refs at the start are untouched.
 */
unsigned int cc_crumbs_take(struct cc_chunk *chunk, struct cc_ref *refs,
			    unsigned int nr)
{
	struct cc_blocks *blocks = &chunk->blocks;
	unsigned int most = max(blocks->level, FEW_PAGES), block;

	for (block = 0; block < CC_CHUNK_BLOCKS && nr; block++) {
		unsigned long bits;

		if (blocks->nr_free[block] > most)
			continue;
		bits = block_bits(chunk, block);
		for (; bits && nr; bits &= bits - 1) {
			unsigned int page = block * CC_BLOCK_PAGES + __ffs(bits);

			nr--;
			refs[nr].pool = &chunk->pages.pool;
			refs[nr].slot = page;
			__clear_bit(page, chunk->free);
		}
	}
	return nr;
}

/**
 * cc_crumbs_add() - a chunk, all of which is free, has no crumbs yet
 * @chunk: the chunk
 */
void cc_crumbs_add(struct cc_chunk *chunk)
{
	struct cc_blocks *blocks = &chunk->blocks;

	memset(blocks, 0, sizeof(*blocks));
	memset(blocks->nr_free, CC_BLOCK_PAGES, sizeof(blocks->nr_free));
	count(blocks, CC_BLOCK_PAGES, CC_CHUNK_BLOCKS);
	INIT_LIST_HEAD(&blocks->node);
}

/**
 * cc_crumbs_init() - nothing is there yet
 * @crumbs: zeroed
 */
void cc_crumbs_init(struct cc_crumbs *crumbs)
{
	unsigned int level;

	for (level = 0; level < CC_BLOCK_PAGES; level++)
		INIT_LIST_HEAD(&crumbs->chunks[level]);
}
