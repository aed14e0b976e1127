// SPDX-License-Identifier: GPL-2.0
/*
 * What the `cc` backend counts of each class
 *
 * A buffer is counted where it gets its place: by the CPU that had one, or by the
 * shelf of the class in the depot that had it. It is taken off the count where it
 * is freed, which may be elsewhere. So only the sums mean something, and are made when
 * somebody reads them. They are of this memory, and begin anew with the next.
 */
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/swiotlb/backend.h>

#include "cc.h"
#include "cc_cpu.h"

/**
 * cc_class_cached() - add up what CPUs counted of single slots
 * @cc:    whose
 * @class: a class of single slots
 * @sum:   its buffers and their bytes are added to, and what they have in use. That
 *	   may wrap: it is right when that of the depots is added
 *
 * Context: any.
 */
void cc_class_cached(struct cc *cc, enum cc_class class,
		     struct swiotlb_class *sum)
{
	unsigned int cpu, reach;

	for_each_possible_cpu(cpu) {
		for (reach = 0; reach < CC_NR_REACHES; reach++) {
			const struct cc_cache *cache =
				&cc->cpus[cpu].caches[cc_stack(reach, class)];
			unsigned long nr_allocs = READ_ONCE(cache->nr_allocs);

			sum->buffers += nr_allocs;
			sum->buffer_bytes += READ_ONCE(cache->nr_bytes);
			sum->used_bytes += (nr_allocs - READ_ONCE(cache->nr_frees)) <<
					   cc_classes[class].shift;
		}
	}
}

/* And of runs, whose slots are pages */
static void add_runs(struct cc *cc, struct swiotlb_class *sum)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct cc_runs *r = &cc->cpus[cpu].runs;

		sum->buffers += READ_ONCE(r->nr_buffers);
		sum->buffer_bytes += READ_ONCE(r->nr_bytes);
		sum->used_bytes += (READ_ONCE(r->nr_allocs) -
				    READ_ONCE(r->nr_frees)) << CC_PAGE_SHIFT;
	}
}

static void add_depot(struct cc_depot *d, enum cc_class class,
		      struct swiotlb_class *sum)
{
	const struct cc_shelf *shelf = &d->shelves[class];
	const unsigned int shift = cc_classes[class].shift;

	spin_lock_irq(&d->lock);
	sum->size_bytes += (unsigned long)shelf->nr * cc_nr_slots(class) << shift;
	sum->used_bytes += shelf->used_bytes;
	sum->hiwater_bytes += shelf->nr_peak << shift;
	sum->buffers += shelf->nr_buffers;
	sum->buffer_bytes += shelf->nr_bytes;
	spin_unlock_irq(&d->lock);
}

bool swiotlb_cc_class(struct swiotlb_mem *mem, unsigned int index,
		      struct swiotlb_class *class)
{
	struct cc *cc = mem->backend;
	struct cc_depot *d;

	if (index >= CC_NR_CLASSES)
		return false;

	*class = (struct swiotlb_class){ .name = cc_classes[index].name };
	if (index < CC_NR_SINGLES)
		cc_class_cached(cc, index, class);
	if (index == CC_PAGES)
		add_runs(cc, class);
	for (d = cc->depots; d < cc_depots_end(cc); d++)
		add_depot(d, index, class);
	/* Buffers came and went meanwhile */
	class->used_bytes = max_t(long, class->used_bytes, 0);
	return true;
}
