// SPDX-License-Identifier: GPL-2.0
/*
 * The fast path of the `cc` backend: free slots that a CPU keeps for itself
 *
 * Nearly all buffers take one slot of 256 bytes to 4 KiB. Each CPU has a stack of
 * free slots of each such size. The last one freed is used next, as it is still in
 * the CPU's caches: to copy into cold memory takes longer than all the rest. When a
 * stack is empty, eight come from the depot; when it is full, the eight go back that
 * have not been used for longest. So the depot's lock is taken once for eight buffers
 * at most, and hardly ever while as many come as go. What a CPU frees need not be what
 * it allocated. Runs of pages are kept, too: see cc_cpu_runs.c.
 *
 * The stacks are arrays in private memory, not lists through the slots: what a
 * device can write is never trusted.
 *
 * There is no lock, and interrupts stay on. A CPU marks its stacks as busy, which
 * takes a plain store since preemption is off. An interrupt that comes just then
 * sees that, and goes to the depot. Little is done meanwhile: no lock is taken, and
 * the steps are few and counted. kccd empties the stacks of a CPU that is idle by an
 * interrupt on that CPU; if it finds them busy, the CPU was not so idle.
 *
 * What nearly all calls do is in cc_cpu.h, and inlined into the core.
 *
 * What other CPUs have in their stacks is out of reach of a request that finds
 * nothing. It is 60 slots of each size and eight runs at most, and less if memory is
 * small: see cc_cpus_size(). What it has in its own goes back first, so that it may be
 * found; and who fails has kccd empty all stacks.
 */
#include <linux/compiler.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "cc.h"
#include "cc_cpu.h"
#include "internal.h"

/* All CPUs together have this part of the memory unreported at most, or the least */
#define REPORT_SHARE	16
/* As if there were so many of them */
#define REPORT_CPUS	16U

/* Of the memory, so much lies in all stacks of one class and reach at most: an eighth */
#define CACHE_SHARE	8

/**
 * cc_cpu_unreported() - how the use has changed, if the core has to be told
 * @cc: whose
 * @c:	this CPU's, which was entered
 *
 * Context: preemption is off.
 * Return: bytes for swiotlb_report_used(), or 0 if it is not worth it.
 */
long cc_cpu_unreported(struct cc *cc, struct cc_cpu *c)
{
	long enough = READ_ONCE(cc->report_bytes);
	long used = c->cached_bytes +
		    (long)(c->runs.nr_allocs - c->runs.nr_frees) * SZ_4K;
	long delta = used - c->reported;

	if (delta < enough && delta > -enough)
		return 0;
	c->reported = used;
	return delta;
}

/* The same after changes in one of the stacks */
static long unreported(struct cc *cc, struct cc_cpu *c, struct cc_cache *cache,
		       enum cc_class class)
{
	long nr = cache->nr_allocs - cache->nr_frees;

	c->cached_bytes += (nr - cache->counted) * cc_slot_bytes(class);
	cache->counted = nr;
	return cc_cpu_unreported(cc, c);
}

/* Outside of all locks, if inside of them something was found to be low */
static void ask_if_low(struct cc *cc)
{
	if (unlikely(READ_ONCE(cc->ask)))
		kccd_ask(cc);
}

/* So that kccd takes back one day what a CPU keeps and does not use */
static void watch_cpus(struct cc *cc)
{
	if (unlikely(!delayed_work_pending(&cc->trim)))
		WRITE_ONCE(cc->ask, true);
}

/* Put a batch on an empty stack, and take a slot from it */
static noinline bool refill(struct cc_depot *d, enum cc_class class,
			    size_t size, struct swiotlb_span *span)
{
	const unsigned int stack = cc_stack(d->reach, class);
	struct cc *cc = d->cc;
	unsigned int first, nr = 1, nr_kept = 0;
	struct cc_ref refs[CC_BATCH];
	struct cc_cpu *c;
	long delta = 0;

	/* What an interrupt finds busy it cannot fill */
	if (cc_cpu_enter(cc->cpus, &c)) {
		nr = clamp(READ_ONCE(c->caches[stack].limit) / 2, 1U, CC_BATCH);
		cc_cpu_leave(c);
	}
	watch_cpus(cc);
	first = cc_depot_take(d, class, refs, nr);
	ask_if_low(cc);
	if (first == nr)
		return false;

	if (likely(cc_cpu_enter(cc->cpus, &c))) {
		struct cc_cache *cache = cc_cache(c, stack);

		/* Somebody else may have filled it meanwhile */
		nr_kept = min(nr - first, CC_CACHE_SLOTS - cache->nr);
		memcpy(&cache->refs[cache->nr], &refs[nr - nr_kept],
		       nr_kept * sizeof(refs[0]));
		WRITE_ONCE(cache->nr, cache->nr + nr_kept);
		cc_pop(cache, size, span);
		delta = unreported(cc, c, cache, class);
		cc_cpu_leave(c);
	} else {
		nr--;
		span->pool = refs[nr].pool;
		span->slot = refs[nr].slot;
		span->nr_slots = 1;
		cc_depot_count(d, class, size);
	}
	if (delta)
		swiotlb_report_used(cc->mem, delta);
	if (nr - nr_kept > first)
		cc_depot_put(cc, &refs[first], nr - nr_kept - first);
	return true;
}

/* The class that wastes least on a request which a single slot will not do for */
static enum cc_class run_class(const struct swiotlb_req *req)
{
	u64 bits = req->orig_addr & req->min_align_mask;
	u64 bytes = req->size + (bits & (SZ_4K - 1));

	if (req->orig_addr == SWIOTLB_NO_ORIG)
		return CC_COHERENT;
	/* Of the address, a slot's number may have a bit, and the offset less */
	if (bytes <= SZ_16K &&
	    ALIGN(req->size + (bits & (SZ_2K - 1)), SZ_2K) < ALIGN(bytes, SZ_4K))
		return CC_RUN_2K;
	return CC_PAGES;
}

/* Classes that buffers are meant for, then those where others may need the rest more */
static const u8 alloc_order[CC_NR_CLASSES] = {
	CC_256, CC_512, CC_1K, CC_2K, CC_RUN_2K, CC_PAGES, CC_LAST,
	CC_COHERENT, CC_KEPT,
};

#define NR_MEANT	6U

/*
 * In a depot: in slots of the best class, then of larger ones; or, if not in those that
 * buffers are meant for, of all others. But what is held for long gets nothing that
 * others were promised, nor slabs: who asks for it has other ways. -E2BIG if no
 * class will ever do.
 */
static int alloc_in(struct cc_depot *d, const struct swiotlb_req *req,
		    unsigned int best, bool is_meant, struct swiotlb_span *span)
{
	unsigned int i, end, first = 0;
	int err, result = -E2BIG;

	if (best == CC_COHERENT)
		return cc_depot_alloc(d, is_meant ? CC_COHERENT : CC_PAGES, req,
				      span);

	while (alloc_order[first] != best)
		first++;
	end = is_meant ? NR_MEANT : first + CC_NR_CLASSES;
	for (i = is_meant ? first : NR_MEANT; i < end; i++) {
		err = cc_depot_alloc(d, alloc_order[i % CC_NR_CLASSES], req, span);
		if (!err)
			return 0;
		if (err == -ENOSPC)
			result = err;
	}
	return result;
}

/* In all depots of a reach; in what is not meant for it if nothing else is left in any */
static int alloc_from(struct cc *cc, enum cc_reach reach,
		      const struct swiotlb_req *req, unsigned int best,
		      struct swiotlb_span *span)
{
	struct cc_depot *home = cc_nodes_home(cc, reach), *d = home;
	int err, result = -E2BIG;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		do {
			err = alloc_in(d, req, best, !round, span);
			if (!err)
				return 0;
			if (err == -ENOSPC)
				result = err;
			d = cc_nodes_next(d, home);
		} while (d != home);
	}
	return result;
}

/*
 * In the memory of a reach, then in that of the other one: in what others may need more,
 * the low memory; or in what happens to be low
 */
static int alloc_anywhere(struct cc *cc, enum cc_reach reach,
			  const struct swiotlb_req *req, unsigned int best,
			  struct swiotlb_span *span)
{
	int err = alloc_from(cc, reach, req, best, span);

	if (!err || err == -E2BIG || cc->main == CC_LOW)
		return err;
	return alloc_from(cc, reach == CC_LOW ? CC_ANY : CC_LOW, req, best, span);
}

/*
 * Give back what this CPU keeps, which may be what a request needs: a part of the
 * memory that it lies in, or the chunk; once per jiffy. True if there was anything.
 */
static noinline bool spill_own(struct cc *cc)
{
	struct swiotlb_span runs[CC_CACHE_RUNS];
	struct cc_ref refs[CC_BATCH];
	unsigned int i, nr;
	const u64 now = get_jiffies_64();
	struct cc_cpu *c;
	bool any;

	/* In a full pool many fail, and this would cost all of them what stacks gain */
	if (!cc_cpu_enter(cc->cpus, &c))
		return false;
	any = time_before64(c->spilled_at, now);
	c->spilled_at = now;
	nr = any ? cc_runs_empty(c, runs) : 0;
	cc_cpu_leave(c);
	if (!any)
		return false;

	for (i = 0; i < nr; i++)
		cc_depot_put_run(&runs[i]);
	any = nr;
	for (i = 0; i < CC_NR_STACKS; i++) {
		do {
			struct cc_cache *cache;

			if (!cc_cpu_enter(cc->cpus, &c))
				return any;
			cache = &c->caches[i];
			nr = min(cache->nr, CC_BATCH);
			WRITE_ONCE(cache->nr, cache->nr - nr);
			memcpy(refs, &cache->refs[cache->nr],
			       nr * sizeof(refs[0]));
			cc_cpu_leave(c);
			cc_depot_put(cc, refs, nr);
			any |= nr;
		} while (nr == CC_BATCH);
	}
	return any;
}

/* Is all that there ever was out of reach? */
static bool reaches_none(struct cc *cc, const struct swiotlb_req *req)
{
	struct cc_depot *d;

	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		u64 end = READ_ONCE(d->lowest_end);

		if (end != U64_MAX && cc_reaches(req, end))
			return false;
	}
	return true;
}

/* A slot of just that class, if this CPU has one */
static bool take_own(struct cc *cc, enum cc_reach reach, enum cc_class class,
		     size_t size, struct swiotlb_span *span)
{
	bool found;

	preempt_disable();
	found = cc_alloc_single(cc, reach, class, size, span);
	preempt_enable();
	return found;
}

/*
 * A slot from this CPU, or from the depots of all nodes. Pages are not for what is smaller
 * as long as there is anything else
 */
static bool take_single(struct cc_depot *home, const struct swiotlb_req *req,
			unsigned int best, struct swiotlb_span *span)
{
	unsigned int class, end = best < CC_PAGES ? CC_PAGES : CC_NR_SINGLES;
	struct cc_depot *d = home;

	do {
		for (class = best; class < end; class++) {
			if (take_own(d->cc, d->reach, class, req->size, span) ||
			    refill(d, class, req->size, span))
				return true;
		}
		d = cc_nodes_next(d, home);
	} while (d != home);
	return false;
}

int swiotlb_cc_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		     struct swiotlb_span *span)
{
	struct cc *cc = mem->backend;
	bool reaches_all = cc_reaches(req, mem->end);
	enum cc_reach reach = reaches_all ? cc->main : CC_LOW;
	struct cc_depot *home = cc_nodes_home(cc, reach);
	unsigned int best, offset;
	int err;

	if (!READ_ONCE(home->was_asked)) {
		WRITE_ONCE(home->was_asked, true);
		WRITE_ONCE(home->was_used, true);
	}
	/* What is allocated is held for long, and not where buffers come and go: see cc_depot.c */
	best = CC_NR_SINGLES;
	if (req->orig_addr != SWIOTLB_NO_ORIG)
		best = cc_single_class(req, &offset);
	if (best != CC_NR_SINGLES && cc_reaches(req, home->end) &&
	    take_single(home, req, best, span)) {
		span->offset = offset;
		return 0;
	}

	if (best == CC_NR_SINGLES) {
		best = run_class(req);
		if (best == CC_PAGES && cc_runs_alloc(cc, reach, req, span))
			return 0;
		/* A CPU may keep it once it is freed */
		watch_cpus(cc);
	}
	err = alloc_anywhere(cc, reach, req, best, span);
	if (err == -ENOSPC && spill_own(cc))
		err = alloc_anywhere(cc, reach, req, best, span);
	ask_if_low(cc);
	if (err != -ENOSPC)
		return err;
	if (reaches_none(cc, req))
		return -ENXIO;
	cc_depot_refused(cc);
	return err;
}

/* A slot was freed. A batch from the bottom of a full stack makes room for it */
static void drain(const struct cc_slab *f, const struct swiotlb_span *span,
		  struct cc_cpu *c)
{
	struct cc_cache *cache = cc_cache(c, f->stack);
	struct cc *cc = f->chunk->depot->cc;
	struct cc_ref refs[CC_BATCH];
	unsigned int nr = 0;
	long delta;

	if (cache->nr && cache->nr >= READ_ONCE(cache->limit)) {
		nr = clamp(cache->nr / 2, 1U, CC_BATCH);
		memcpy(refs, cache->refs, nr * sizeof(refs[0]));
		memmove(cache->refs, &cache->refs[nr],
			(cache->nr - nr) * sizeof(refs[0]));
		WRITE_ONCE(cache->nr, cache->nr - nr);
	}
	cc_push(cache, span);
	delta = unreported(cc, c, cache, f->class);
	cc_cpu_leave(c);

	if (delta)
		swiotlb_report_used(cc->mem, delta);
	cc_depot_put(cc, refs, nr);
}

void swiotlb_cc_free(const struct swiotlb_span *span)
{
	struct cc_slab *f = container_of(span->pool, struct cc_slab, pool);
	struct cc_cpu *c;

	if (cc_runs_free(span))
		return;
	/* A run may have one slot; of some chunks they go to no CPU */
	if (f->stack == CC_NO_STACK || span->nr_slots > 1 ||
	    !cc_cpu_enter(f->cpus, &c)) {
		cc_depot_free(span);
		return;
	}
	drain(f, span, c);
}

/**
 * cc_cpu_used() - how much buffers got from a CPU's stacks, less what they gave back
 * @c: the CPU's
 *
 * Context: any.
 * Return: bytes, which are negative where more is freed than allocated.
 */
long cc_cpu_used(const struct cc_cpu *c)
{
	unsigned int reach, class;
	long bytes = 0;

	for (reach = 0; reach < CC_NR_REACHES; reach++) {
		for (class = 0; class < CC_NR_SINGLES; class++) {
			const struct cc_cache *cache =
				&c->caches[cc_stack(reach, class)];
			long nr = READ_ONCE(cache->nr_allocs) -
				  READ_ONCE(cache->nr_frees);

			bytes += nr * cc_slot_bytes(class);
		}
	}
	return bytes + (long)(READ_ONCE(c->runs.nr_allocs) -
			      READ_ONCE(c->runs.nr_frees)) * SZ_4K;
}

/**
 * cc_cpus_bytes() - memory for all &struct cc_cpu
 *
 * Return: bytes.
 */
size_t cc_cpus_bytes(void)
{
	return nr_cpu_ids * sizeof(struct cc_cpu);
}

/**
 * cc_cpus_size() - say how many slots the CPUs may keep
 * @cc:	   whose
 * @bytes: all the memory there is
 *
 * Context: any.
 */
void cc_cpus_size(struct cc *cc, u64 bytes)
{
	unsigned int nr_cpus = num_possible_cpus(), cpu, reach, class;
	u64 share = div_u64(bytes, CACHE_SHARE * nr_cpus);

	WRITE_ONCE(cc->report_bytes,
		   max_t(long, div_u64(bytes, REPORT_SHARE * max(nr_cpus, REPORT_CPUS)),
			 CC_REPORT_BYTES));
	/* Some architectures find CPUs after this is called for the first time */
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		for (reach = 0; reach < CC_NR_REACHES; reach++) {
			for (class = 0; class < CC_NR_SINGLES; class++)
				WRITE_ONCE(cc->cpus[cpu].caches[cc_stack(reach, class)].limit,
					   clamp_t(u64, share >> cc_classes[class].shift, 4,
						   CC_CACHE_SLOTS));
		}
	}
}

/**
 * struct spill - what is taken out of the stacks of a CPU
 * @cc:  whose
 * @cpu: which one
 * @wants_slots: all slots are to be taken
 * @wants_runs: all runs are
 * @nr:  number of slots, which are in &cc.spill
 * @nr_runs: number of runs
 * @runs: the runs
 */
struct spill {
	struct cc *cc;
	unsigned int cpu;
	bool wants_slots;
	bool wants_runs;
	unsigned int nr;
	unsigned int nr_runs;
	struct swiotlb_span runs[CC_CACHE_RUNS];
};

/* Runs on that CPU with interrupts off, or anywhere if the CPU is offline */
static void spill_cpu(void *arg)
{
	struct spill *s = arg;
	struct cc_cpu *c = &s->cc->cpus[s->cpu];
	unsigned int i;

	/* This interrupted somebody: it will soon be empty, or in use */
	if (c->busy)
		return;

	for (i = 0; s->wants_slots && i < CC_NR_STACKS; i++) {
		struct cc_cache *cache = &c->caches[i];

		memcpy(&s->cc->spill[s->nr], cache->refs,
		       cache->nr * sizeof(cache->refs[0]));
		s->nr += cache->nr;
		WRITE_ONCE(cache->nr, 0);
	}
	if (s->wants_runs)
		s->nr_runs = cc_runs_empty(c, s->runs);
}

static bool has_slots(const struct cc_cpu *c)
{
	unsigned int i;

	for (i = 0; i < CC_NR_STACKS; i++) {
		if (READ_ONCE(c->caches[i].nr))
			return true;
	}
	return false;
}

static bool has_any(const struct cc_cpu *c)
{
	return has_slots(c) || READ_ONCE(c->runs.nr);
}

/* Did no buffer get any since this was asked last? */
static bool is_idle(unsigned long *seen, unsigned long nr_allocs)
{
	bool idle = nr_allocs == *seen;

	*seen = nr_allocs;
	return idle;
}

/* What a CPU is to give back; false if nothing */
static bool look_at(struct cc_cpu *c, bool all, struct spill *s)
{
	unsigned long nr_allocs = 0;
	unsigned int i;

	for (i = 0; i < CC_NR_STACKS; i++)
		nr_allocs += READ_ONCE(c->caches[i].nr_allocs);
	s->wants_slots = (is_idle(&c->seen, nr_allocs) || all) && has_slots(c);
	s->wants_runs = (is_idle(&c->runs_seen, READ_ONCE(c->runs.nr_allocs)) ||
			 all) && READ_ONCE(c->runs.nr);
	return s->wants_slots || s->wants_runs;
}

/**
 * cc_cpus_have_any() - does any CPU keep slots
 * @cc: whose
 *
 * Context: any.
 * Return: %true if so; then kccd goes on looking for idle CPUs.
 */
bool cc_cpus_have_any(const struct cc *cc)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (has_any(&cc->cpus[cpu]))
			return true;
	}
	return false;
}

/**
 * cc_cpus_flush() - have CPUs give back the slots that they keep
 * @cc:  whose
 * @all: not only slots, or runs, if none was used since this was asked last
 *
 * Context: process context, may sleep.
 */
void cc_cpus_flush(struct cc *cc, bool all)
{
	unsigned int cpu, i;

	guard(mutex)(&cc->flush_lock);
	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		struct spill spill = { .cc = cc, .cpu = cpu };

		if (!look_at(&cc->cpus[cpu], all, &spill))
			continue;
		if (cpu_online(cpu))
			smp_call_function_single(cpu, spill_cpu, &spill, 1);
		else
			spill_cpu(&spill);
		cc_depot_put(cc, cc->spill, spill.nr);
		for (i = 0; i < spill.nr_runs; i++)
			cc_depot_put_run(&spill.runs[i]);
	}
	cpus_read_unlock();
}
