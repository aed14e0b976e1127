// SPDX-License-Identifier: GPL-2.0
/*
 * The `cc` backend: free runs that a CPU keeps for itself
 *
 * Disks ask for the same few lengths again and again. So each CPU keeps the last
 * runs of 2 to 64 slots of 4 KiB that were freed on it, as they are. A buffer that
 * takes just as many slots gets the one that was freed last, which is still in
 * the CPU's caches, without the depot's lock, and without a search. When there are
 * too many, the oldest go back to the depot.
 *
 * Too many are more than eight, or than a 16th of the reach's memory divided by the
 * CPUs that are online. Runs in low memory are for those who reach no other.
 *
 * What is counted is buffers: a run that goes back to the depot changes nothing.
 *
 * Locking: as in cc_cpu.c, whose other stacks are busy when this one is.
 */
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "cc.h"
#include "cc_cpu.h"

/* All CPUs together keep so much of a reach's memory at most: a 16th */
#define RUNS_SHARE	16

static unsigned int max_slots(const struct cc_depot *d)
{
	return READ_ONCE(d->cc->nr_chunks[d->reach]) *
	       (unsigned int)(CC_CHUNK_BYTES / SZ_4K / RUNS_SHARE) /
	       num_online_cpus();
}

static enum cc_reach reach_of(const struct swiotlb_span *run)
{
	return container_of(run->pool, struct cc_slab, pool)->reach;
}

/* The run that was freed first of all that are kept for that reach; there is one */
static unsigned int oldest_of(const struct cc_runs *r, enum cc_reach reach)
{
	unsigned int i = 0;

	while (reach_of(&r->runs[i]) != reach)
		i++;
	return i;
}

static void take_out(struct cc_runs *r, unsigned int i,
		     struct swiotlb_span *span)
{
	unsigned int *nr_slots;

	*span = r->runs[i];
	nr_slots = &r->nr_slots[reach_of(span)];
	WRITE_ONCE(*nr_slots, *nr_slots - span->nr_slots);
	WRITE_ONCE(r->nr, r->nr - 1);
	memmove(&r->runs[i], &r->runs[i + 1],
		(r->nr - i) * sizeof(r->runs[0]));
}

static bool is_fit(const struct swiotlb_span *run, enum cc_reach reach,
		   const struct swiotlb_req *req, struct cc_fit *fit)
{
	if (run->nr_slots != fit->nr_slots || reach_of(run) != reach ||
	    !cc_reaches(req, run->pool->end))
		return false;
	fit->base = (run->pool->start + req->dma_offset) >> run->pool->slot_shift;
	return cc_fits(fit, run->slot);
}

/**
 * cc_runs_alloc() - find a run for a request among those that this CPU keeps
 * @cc:	   whose
 * @reach: where they must lie
 * @req:   the request
 * @span:  receives the place
 *
 * Context: any but NMI.
 * Return: %false if there is none.
 */
bool cc_runs_alloc(struct cc *cc, enum cc_reach reach,
		   const struct swiotlb_req *req, struct swiotlb_span *span)
{
	unsigned int offset, i;
	struct cc_fit fit;
	struct cc_cpu *c;
	long delta = 0;
	bool found = false;

	if (!cc_fit(req, CC_PAGES, &fit, &offset) ||
	    fit.nr_slots > CC_RUN_SLOTS || !cc_cpu_enter(cc->cpus, &c))
		return false;

	for (i = c->runs.nr; i-- && !found;) {
		found = is_fit(&c->runs.runs[i], reach, req, &fit);
		if (!found)
			continue;
		take_out(&c->runs, i, span);
		WRITE_ONCE(c->runs.nr_allocs,
			   c->runs.nr_allocs + span->nr_slots);
		WRITE_ONCE(c->runs.nr_buffers, c->runs.nr_buffers + 1);
		WRITE_ONCE(c->runs.nr_bytes, c->runs.nr_bytes + req->size);
		span->offset = offset;
		delta = cc_cpu_unreported(cc, c);
	}
	cc_cpu_leave(c);

	if (delta)
		swiotlb_report_used(cc->mem, delta);
	return found;
}

/**
 * cc_runs_free() - keep a span that was freed, if it is a run that may be of use
 * @span: the span
 *
 * Context: any but NMI.
 * Return: %false if it has to go to the depot.
 */
bool cc_runs_free(const struct swiotlb_span *span)
{
	struct cc_slab *f = container_of(span->pool, struct cc_slab, pool);
	struct swiotlb_span oldest[CC_CACHE_RUNS];
	struct cc_depot *d = f->chunk->depot;
	unsigned int nr = 0, max, *nr_slots;
	struct cc_runs *r;
	struct cc_cpu *c;
	long delta;

	if (f->class != CC_PAGES || span->nr_slots < 2 ||
	    span->nr_slots > CC_RUN_SLOTS)
		return false;
	max = max_slots(d);
	if (span->nr_slots > max || !cc_cpu_enter(f->cpus, &c))
		return false;

	r = &c->runs;
	nr_slots = &r->nr_slots[f->reach];
	while (*nr_slots + span->nr_slots > max)
		take_out(r, oldest_of(r, f->reach), &oldest[nr++]);
	if (r->nr == CC_CACHE_RUNS)
		take_out(r, 0, &oldest[nr++]);
	r->runs[r->nr] = *span;
	WRITE_ONCE(*nr_slots, *nr_slots + span->nr_slots);
	WRITE_ONCE(r->nr, r->nr + 1);
	WRITE_ONCE(r->nr_frees, r->nr_frees + span->nr_slots);
	delta = cc_cpu_unreported(d->cc, c);
	cc_cpu_leave(c);

	if (delta)
		swiotlb_report_used(d->cc->mem, delta);
	while (nr--)
		cc_depot_put_run(&oldest[nr]);
	return true;
}

/**
 * cc_runs_empty() - take all runs out that a CPU keeps
 * @c:	  the CPU's; the caller has entered it, or interrupts nobody there
 * @runs: receives up to %CC_CACHE_RUNS, for cc_depot_put_run()
 *
 * Context: any but NMI.
 * Return: how many there were.
 */
unsigned int cc_runs_empty(struct cc_cpu *c, struct swiotlb_span *runs)
{
	unsigned int nr = 0;

	while (c->runs.nr)
		take_out(&c->runs, c->runs.nr - 1, &runs[nr++]);
	return nr;
}
