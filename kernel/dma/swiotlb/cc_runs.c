// SPDX-License-Identifier: GPL-2.0
/*
 * Runs of free slots in a chunk of the `cc` backend, and what run a request takes
 *
 * A chunk has a bit per slot, set if it is free. The whole bitmap is treated as
 * one long number. Shifted down by k and combined with itself, it has a bit
 * set wherever k + 1 free slots begin, and so on by doubling:
 *
 *   slot    0 1 2 3 4 5 6 7 ...
 *   free    1 1 0 1 1 1 1 0
 *   2 free  1 0 0 1 1 1 0 0
 *   3 free  0 0 0 1 1 0 0 0
 *
 * A chunk has 512 slots, 8 words of 64 bits, and slabs have fewer: so the steps have
 * a bound, whatever is free.
 *
 * How long the longest run is has to be known whenever slots come and go. So it is
 * known for each word, of which few change at a time, and how the runs in them join.
 *
 * Pure code: no lock, no memory of its own.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/swiotlb.h>

#include "cc.h"

/*
 * The bitmap shifted down by @shift and combined with itself; is any bit left?
 * @nr_words words, and behind them one that is 0. Those below @first are not looked at.
 */
static bool and_shifted(unsigned long *map, unsigned int first,
			unsigned int nr_words, unsigned int shift)
{
	unsigned int skip = shift / BITS_PER_LONG, bits = shift % BITS_PER_LONG;
	unsigned long any = 0;
	unsigned int i;

	for (i = first; i + skip < nr_words; i++) {
		const unsigned long *from = &map[i + skip];

		/* In two steps: a shift by all bits is undefined */
		map[i] &= from[0] >> bits |
			  from[1] << 1 << (BITS_PER_LONG - 1 - bits);
		any |= map[i];
	}
	for (; i < nr_words; i++)
		map[i] = 0;
	return any;
}

/* Where in each word the low, contiguous bits of the mask let a run start */
static unsigned long allowed_starts(const struct cc_fit *fit)
{
	unsigned int every = 1U << min_t(unsigned int, ffz(fit->mask),
					 ilog2(BITS_PER_LONG) - 1);

	return (~0UL / ((1UL << every) - 1)) <<
	       ((fit->bits - fit->base) & (every - 1));
}

/**
 * cc_fits() - is a place right for a run
 * @fit:  what the run must be like
 * @slot: number of its first slot
 *
 * Return: %true if it is, provided that the slots are free.
 */
bool cc_fits(const struct cc_fit *fit, unsigned int slot)
{
	unsigned long nr = fit->base + slot;

	return (nr & fit->mask) == fit->bits &&
	       (nr & fit->boundary) + fit->nr_slots - 1 <= fit->boundary;
}

/**
 * cc_find_run() - find the first fitting run of free slots
 * @free:     bit per slot
 * @nr_slots: number of slots, up to %CC_CHUNK_PAGES
 * @first:    no slot is free in the words below this one
 * @fit:      what the run must be like
 *
 * Return: number of its first slot, or -ENOSPC.
 */
int cc_find_run(const unsigned long *free, unsigned int nr_slots,
		unsigned int first, const struct cc_fit *fit)
{
	unsigned int nr_words = BITS_TO_LONGS(nr_slots), len, step, i, slot;
	unsigned long starts = allowed_starts(fit);
	unsigned long runs[CC_CHUNK_WORDS + 1];

	if (fit->nr_slots > 1) {
		if (fit->nr_slots > nr_slots)
			return -ENOSPC;
		for (i = first; i < nr_words; i++)
			runs[i] = free[i];
		runs[nr_words] = 0;
		for (len = 1; len < fit->nr_slots; len += step) {
			step = min(len, fit->nr_slots - len);
			if (!and_shifted(runs, first, nr_words, step))
				return -ENOSPC;
		}
		free = runs;
	}

	for (i = first; i < nr_words; i++) {
		unsigned long w = free[i] & starts;

		for (; w; w &= w - 1) {
			slot = i * BITS_PER_LONG + __ffs(w);
			/* All that allowed_starts() did not see to */
			if (cc_fits(fit, slot))
				return slot;
		}
	}
	return -ENOSPC;
}

/* The longest run in a word: double the length, then halve the steps, as above */
static unsigned int longest_in(unsigned long w)
{
	unsigned int len = 1, step;

	if (!w)
		return 0;
	for (; len < BITS_PER_LONG && w & (w >> len); len *= 2)
		w &= w >> len;
	for (step = len / 2; step; step /= 2) {
		if (w & (w >> step)) {
			w &= w >> step;
			len += step;
		}
	}
	return len;
}

static void look_at(struct cc_word *word, unsigned long free)
{
	if (free == ~0UL) {
		word->head = BITS_PER_LONG;
		word->tail = BITS_PER_LONG;
		word->most = BITS_PER_LONG;
		return;
	}
	word->head = ffz(free);
	word->tail = BITS_PER_LONG - 1 - __fls(~free);
	word->most = longest_in(free);
}

/**
 * cc_longest_run() - length of the longest run of free slots
 * @free:     bit per slot
 * @words:    what is known of the words
 * @nr_words: how many there are
 * @from:     the first that has changed
 * @to:	      the last that has
 *
 * Return: number of slots.
 */
unsigned int cc_longest_run(const unsigned long *free, struct cc_word *words,
			    unsigned int nr_words, unsigned int from,
			    unsigned int to)
{
	unsigned int run = 0, longest = 0, i;

	for (i = from; i <= to; i++)
		look_at(&words[i], free[i]);
	for (i = 0; i < nr_words; i++) {
		const struct cc_word *w = &words[i];

		run += w->head;
		if (w->head == BITS_PER_LONG)
			continue;
		longest = max3(longest, run, (unsigned int)w->most);
		run = w->tail;
	}
	return max(longest, run);
}

/**
 * cc_bucket_of() - the bucket of chunks that have so much to offer
 * @nr: how many slots, up to %CC_CHUNK_PAGES
 *
 * Exact below 16. Above that a bucket is an eighth of an octave.
 *
 * Return: number of the bucket; 0 only for none.
 */
unsigned int cc_bucket_of(unsigned int nr)
{
	unsigned int octave;

	if (nr < 16)
		return nr;
	octave = ilog2(nr);
	return 16 + (octave - 4) * 8 + ((nr >> (octave - 3)) & 7);
}

/**
 * cc_bucket_above() - the first bucket in which all chunks have enough
 * @nr: how many slots, up to %CC_CHUNK_PAGES
 *
 * Return: number of the bucket.
 */
unsigned int cc_bucket_above(unsigned int nr)
{
	return nr ? cc_bucket_of(nr - 1) + 1 : 0;
}

/**
 * cc_fit() - translate a request into slots of a class
 * @req:    the request
 * @class:  the class
 * @fit:    receives what the run must be like, but for its @base
 * @offset: receives where in the first slot the buffer begins, in bytes
 *
 * Bits of min_align_mask below the alignment of the span are taken care of by an
 * offset into it, the higher ones by choosing its first slot. A mapping of a page
 * and more is page-aligned when nobody asks for anything else.
 *
 * Return: %false if nothing of that class can ever have such a run.
 */
bool cc_fit(const struct swiotlb_req *req, enum cc_class class,
	    struct cc_fit *fit, unsigned int *offset)
{
	const struct cc_class_def *def = &cc_classes[class];
	u64 slot_mask = BIT_ULL(def->shift) - 1;
	u64 align_mask = req->alloc_align_mask, match_mask, bytes;

	/* Most classes are asked for more than they ever have: say that first */
	if (req->size > (u64)def->max_slots << def->shift)
		return false;
	/* What the device sees must be aligned as slots are */
	if (req->dma_offset & (SZ_4K - 1))
		return false;

	*offset = req->orig_addr & req->min_align_mask &
		  (align_mask | slot_mask);
	/* A packed record has no room for it */
	if (*offset && class < CC_NR_PACKED)
		return false;
	bytes = (u64)req->size + *offset;
	if (req->align_end)
		bytes = ALIGN(bytes, align_mask + 1);
	if (bytes > (u64)def->max_slots << def->shift)
		return false;

	if (!align_mask && !req->min_align_mask && bytes >= PAGE_SIZE)
		align_mask = PAGE_SIZE - 1;
	align_mask |= slot_mask;
	match_mask = req->min_align_mask & ~align_mask;

	fit->nr_slots = (bytes + slot_mask) >> def->shift;
	fit->mask = (align_mask | match_mask) >> def->shift;
	fit->bits = (req->orig_addr & match_mask) >> def->shift;
	fit->dma_offset = req->dma_offset;
	fit->boundary = min_t(u64, req->boundary_mask >> def->shift,
			      ULONG_MAX >> 1);

	/* Can the buffer keep within the boundary at all? */
	if (fit->nr_slots - 1 > fit->boundary ||
	    (*offset & req->boundary_mask) + req->size - 1 > req->boundary_mask)
		return false;
	/* Can it be aligned? A chunk or a slab lies at a multiple of its size */
	return fit->mask < cc_nr_slots(class);
}
