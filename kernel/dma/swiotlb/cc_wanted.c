// SPDX-License-Identifier: GPL-2.0
/*
 * The `cc` backend: how many chunks should be empty
 *
 * Each class has a watermark (`swiotlb.cc_watermarks`), so many bytes should be free for
 * it; for pages a 32nd of all memory, or two chunks for each CPU but a quarter at most,
 * if that is more. What the classes lack together, rounded up to chunks, should be there as
 * empty chunks, which are of use to all of them. Free pages count only as far as they are
 * in long runs. For those who do not reach all memory one empty chunk will do, once there
 * is anybody.
 *
 * With several nodes each that is in use should have its part, one as large as the other:
 * if nothing is free on shelves they want no more together than one would, but for what
 * is rounded up.
 *
 * If that was too little, as kccd tells, it is doubled: up to half of the node's part of
 * all there is.
 */
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "cc.h"

/* Depots of a reach that are in use; one at least, for whoever divides by it */
static unsigned int nr_used(struct cc *cc, enum cc_reach reach)
{
	struct cc_depot *d;
	unsigned int nr = 0;

	for (d = cc->depots; d < cc_depots_end(cc); d++)
		nr += d->reach == reach && READ_ONCE(d->was_used);
	return max(nr, 1U);
}

/* How many chunks the classes lack together: with what is free on shelves, or with nothing */
static unsigned int nr_missing(struct cc *cc, const struct cc_shelf *shelves)
{
	unsigned int class, nr = nr_used(cc, cc->main);
	u64 missing = 0;

	for (class = 0; class < CC_NR_MARKS; class++) {
		u64 mark = cc_mark_bytes(class, kccd_all_bytes(cc)), free = 0;

		mark = div_u64(mark, nr);
		if (shelves)
			free = class == CC_PAGES ? shelves[class].nr_long :
						   shelves[class].nr_free;
		free <<= cc_classes[class].shift;
		missing += mark > free ? mark - free : 0;
	}
	return DIV_ROUND_UP_ULL(missing, CC_CHUNK_BYTES);
}

/**
 * cc_most_wanted() - how many should be empty if nothing else is free
 * @d: where
 *
 * That much may be wanted at any time, as what is used up on shelves goes unnoticed.
 *
 * Context: any.
 * Return: number of chunks.
 */
unsigned int cc_most_wanted(const struct cc_depot *d)
{
	return d->reach == d->cc->main ? nr_missing(d->cc, NULL) : 1;
}

/**
 * cc_wanted() - how many chunks should be empty
 * @d: where
 *
 * Context: process context.
 * Return: number of chunks.
 */
unsigned int cc_wanted(struct cc_depot *d)
{
	unsigned int boost, nr, most;

	if (!READ_ONCE(d->was_used))
		return 0;
	if (d->reach == d->cc->main) {
		spin_lock_irq(&d->lock);
		nr = nr_missing(d->cc, d->shelves);
		spin_unlock_irq(&d->lock);
	} else {
		nr = 1;
	}
	boost = READ_ONCE(d->grower.boost);
	/*
	 * There is no memory of which more than half can always be empty. A node may have
	 * none of its own, and yet use its part
	 */
	most = READ_ONCE(d->cc->nr_chunks[d->reach]) / 2 /
		nr_used(d->cc, d->reach);
	return clamp(max(nr, boost ? 1U : 0) << boost, nr, max(nr, most));
}

/**
 * cc_surplus() - how many more chunks are empty than should be, wherever they are
 * @cc:	   whose
 * @reach: in all depots of that reach together
 *
 * Context: process context.
 * Return: number of chunks; less than 0 if some are missing.
 */
int cc_surplus(struct cc *cc, enum cc_reach reach)
{
	struct cc_depot *d;
	int nr = 0;

	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		if (d->reach == reach)
			nr += READ_ONCE(d->nr_empty) - cc_wanted(d);
	}
	return nr;
}

/**
 * cc_has_empty() - is any chunk empty, wherever it is
 * @cc:	   whose
 * @reach: in the depots of that reach
 *
 * Context: any.
 * Return: %true if so.
 */
bool cc_has_empty(struct cc *cc, enum cc_reach reach)
{
	struct cc_depot *d;

	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		if (d->reach == reach && READ_ONCE(d->nr_empty))
			return true;
	}
	return false;
}
