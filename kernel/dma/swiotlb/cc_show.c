// SPDX-License-Identifier: GPL-2.0
/*
 * What the `cc` backend shows of itself in `state`
 *
 * Chunks neither come nor go while it is read. All else changes: a depot is locked for the
 * numbers of one class.
 */
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/swiotlb/backend.h>

#include "cc.h"
#include "cc_cpu.h"

/* A single slot or run: of what was taken, how much lies in stacks of CPUs? */
static unsigned long nr_cached(struct cc *cc, enum cc_reach reach,
			       enum cc_class class)
{
	unsigned long nr = 0;
	unsigned int cpu;

	if (class >= CC_NR_SINGLES)
		return 0;
	for_each_possible_cpu(cpu) {
		const struct cc_cpu *c = &cc->cpus[cpu];

		nr += READ_ONCE(c->caches[cc_stack(reach, class)].nr);
		if (class == CC_PAGES)
			nr += READ_ONCE(c->runs.nr_slots[reach]);
	}
	return nr;
}

/* Chunks of a depot, or of several */
struct stock {
	unsigned int nr;
	unsigned int nr_empty;
	unsigned int nr_wanted;
	unsigned int boost;
};

static void add_stock(struct stock *stock, struct cc_depot *d)
{
	stock->nr += READ_ONCE(d->nr_chunks);
	stock->nr_empty += READ_ONCE(d->nr_empty);
	stock->nr_wanted += cc_wanted(d);
	stock->boost = max(stock->boost, READ_ONCE(d->grower.boost));
}

static void show_stock(const struct stock *stock, struct seq_file *m)
{
	seq_printf(m, "chunks %u empty %u wanted %u boost %u\n", stock->nr,
		   stock->nr_empty, stock->nr_wanted, stock->boost);
}

static void show_class(struct cc *cc, enum cc_reach reach, enum cc_class class,
		       struct seq_file *m)
{
	unsigned long nr = 0, nr_free = 0, nr_peak = 0;
	struct cc_depot *d;

	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		const struct cc_shelf *shelf = &d->shelves[class];

		if (d->reach != reach)
			continue;
		spin_lock_irq(&d->lock);
		nr += shelf->nr;
		nr_free += shelf->nr_free;
		nr_peak += shelf->nr_peak;
		spin_unlock_irq(&d->lock);
	}
	if (!nr_peak)
		return;
	seq_printf(m, "\tclass %s: %s %lu slots %lu free %lu cached %lu peak %lu\n",
		   cc_classes[class].name,
		   cc_has_slabs(class) ? "slabs" : "chunks", nr,
		   nr * cc_nr_slots(class), nr_free,
		   nr_cached(cc, reach, class), nr_peak);
}

static void show_reach(struct cc *cc, enum cc_reach reach, struct seq_file *m)
{
	bool is_split = reach == CC_ANY && cc->nr_depots > CC_NR_REACHES;
	struct stock all = {};
	struct cc_depot *d;
	unsigned int class;

	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		if (d->reach == reach)
			add_stock(&all, d);
	}
	seq_printf(m, "\treach %s: ", reach == CC_LOW ? "low" : "any");
	show_stock(&all, m);
	for (d = cc->depots; d < cc_depots_end(cc); d++) {
		struct stock own = {};

		if (d->reach == reach)
			add_stock(&own, d);
		if (!is_split || (!own.nr && !own.nr_wanted))
			continue;
		seq_printf(m, "\tnode %d: ", d->nid);
		show_stock(&own, m);
	}
	for (class = 0; class < CC_NR_CLASSES; class++)
		show_class(cc, reach, class, m);
}

/* What part of the slots that buffers got they did not need, in percent */
static void show_waste(struct cc *cc, struct seq_file *m)
{
	unsigned int class;

	for (class = 0; class < CC_NR_SINGLES; class++) {
		struct swiotlb_class sum = {};
		u64 given;

		cc_class_cached(cc, class, &sum);
		if (!sum.buffers)
			continue;
		given = (u64)sum.buffers << cc_classes[class].shift;
		seq_printf(m, "\tclass %s: buffers %lu waste_percent %llu\n",
			   cc_classes[class].name, sum.buffers,
			   100 - min(div64_u64(100ULL * sum.buffer_bytes, given), 100ULL));
	}
}

void swiotlb_cc_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	struct cc *cc = mem->backend;
	unsigned int geom;

	guard(mutex)(&cc->lock);
	seq_printf(m, "\tcap_mib %llu boot_chunks %u grown_chunks %u\n",
		   kccd_cap_bytes(cc) / SZ_1M, cc->nr_boot, cc->nr_grown);
	seq_printf(m, "\tgrown %lu shrunk %lu failed %lu\n",
		   READ_ONCE(cc->nr_grows), READ_ONCE(cc->nr_shrinks),
		   READ_ONCE(cc->nr_failures));
	show_reach(cc, CC_LOW, m);
	if (cc->main != CC_LOW)
		show_reach(cc, CC_ANY, m);
	show_waste(cc, m);
	for (geom = 0; geom < CC_NR_GEOMS; geom++)
		seq_printf(m, "\tslabs %s: made %u in reserve %u\n",
			   cc_classes[geom].name,
			   READ_ONCE(cc->reserves[geom].nr_made),
			   READ_ONCE(cc->reserves[geom].nr));
}
