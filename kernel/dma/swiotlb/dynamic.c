// SPDX-License-Identifier: GPL-2.0
/*
 * The `dynamic` backend: `fixed`, and more where that runs dry
 *
 * It begins with a pool that is made at boot, just like that of `fixed`. A request
 * goes through these steps until one has a place for it:
 *
 *   1. the area of its CPU in the first pool, as ever;
 *   2. the bitmaps of all areas of all pools, lowest pool first (areas.c);
 *   3. a transient pool, made for this mapping alone (transient.c);
 *   4. each area that might have room at best, not only the few of step 2. That
 *	comes before step 3 if memory is so scarce that no pool is to be expected.
 *
 * Step 3 also asks a worker for another pool, which then serves later requests; and
 * the worker is asked ahead of need, when little is free (resize.c). Pools that
 * have long been empty are given back.
 *
 * A device is given nothing that it does not reach: pools are made where those who
 * need them reach them, and asked only if all of the pool is in reach. The first
 * pool is an exception, as it has always been: the core checks what it gave.
 *
 * How many pools there can be is settled at birth. Tables for that take 6 bytes for
 * each MiB of half of all memory, or of the cap if that is higher, and 24 KiB at most
 * for pools below 4 GiB: 0.3 MiB on a machine of 100 GiB.
 *
 * Where the platform remaps the memory of pools (Xen), nothing can be added: then
 * it is `fixed` by another name.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>

#include "dynamic.h"
#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX	"swiotlb."

/* In step 2, how many areas are asked that have room only at best */
#define NR_TRIES	8

/* A new pool has whole MiBs and begins at a multiple of one */
#define MIN_POOL_SEGS	(SZ_1M / (SLOTS_PER_SEG << IO_TLB_SHIFT))

#define MAX_IDLE_MS	3600000U
#define MAX_MIB		(4U << 20)

static unsigned int dynamic_idle_ms = 5000;
static unsigned int dynamic_max_mib;

static int set_idle_ms(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 100, MAX_IDLE_MS);
}

static int set_max_mib(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, MAX_MIB);
}

static const struct kernel_param_ops idle_ms_ops = {
	.set = set_idle_ms,
	.get = param_get_uint,
};

static const struct kernel_param_ops max_mib_ops = {
	.set = set_max_mib,
	.get = param_get_uint,
};

module_param_cb(dynamic_idle_ms, &idle_ms_ops, &dynamic_idle_ms, 0644);
MODULE_PARM_DESC(dynamic_idle_ms,
		 "How long a pool must be empty before it is given back, 100 to 3600000 ms (5000)");
module_param_cb(dynamic_max_mib, &max_mib_ops, &dynamic_max_mib, 0644);
MODULE_PARM_DESC(dynamic_max_mib,
		 "Most memory that backend dynamic may take, up to 4194304 MiB (0: a quarter of all memory)");

/**
 * dynamic_idle_jiffies() - how long a pool must be empty to be given back
 *
 * Context: any.
 * Return: jiffies.
 */
unsigned int dynamic_idle_jiffies(void)
{
	return msecs_to_jiffies(READ_ONCE(dynamic_idle_ms));
}

/* How much memory there may be */
static u64 cap_bytes(const struct dynamic *d)
{
	unsigned int mib = READ_ONCE(dynamic_max_mib);
	u64 first = (u64)d->set.first->pool.nr_slots << IO_TLB_SHIFT;

	if (mib)
		return (u64)mib * SZ_1M;
	return max((u64)totalram_pages() << PAGE_SHIFT >> 2, first);
}

/**
 * dynamic_room_bytes() - how much more there may be, pools of all kinds together
 * @d: whose
 *
 * Many CPUs at once may go a bit beyond, which does not matter.
 *
 * Context: any.
 * Return: bytes.
 */
u64 dynamic_room_bytes(const struct dynamic *d)
{
	u64 bytes = (u64)READ_ONCE(d->set.mem->nslabs) << IO_TLB_SHIFT;
	u64 cap = cap_bytes(d);

	bytes += atomic_long_read(&d->transients.held_bytes);
	return bytes < cap ? cap - bytes : 0;
}

/* The device reaches the pages below this one; 0 if it reaches none */
static unsigned long end_pfn_of(const struct swiotlb_req *req)
{
	u64 last = req->addr_limit - req->dma_offset;

	/* Is that out of the range of addresses? */
	if ((s64)req->dma_offset > 0 && last > req->addr_limit)
		return 0;
	if ((s64)req->dma_offset < 0 && last < req->addr_limit)
		last = U64_MAX;
	return min_t(u64, (last >> PAGE_SHIFT) +
			  (offset_in_page(last) == PAGE_SIZE - 1), ULONG_MAX);
}

/* Would the request find room in a new pool? Growing is no help otherwise */
static bool fits_new_pool(const struct swiotlb_req *req)
{
	unsigned int offset;
	struct slot_fit fit;

	return !area_fit(req, 0, &fit, &offset) &&
	       fit.mask < MIN_POOL_SEGS * SLOTS_PER_SEG &&
	       slot_fit_possible(&fit, MIN_POOL_SEGS);
}

int swiotlb_dynamic_alloc(struct swiotlb_mem *mem,
			  const struct swiotlb_req *req,
			  struct swiotlb_span *span)
{
	struct dynamic *d = mem->backend;
	int err = area_set_alloc(&d->set, req, span, NR_TRIES);

	/* More than three quarters are in use, and nobody has asked yet */
	if (unlikely(READ_ONCE(d->set.low)) &&
	    !READ_ONCE(d->wants[DYNAMIC_ANY].end_pfn))
		dynamic_ask(d, ULONG_MAX);
	return err;
}

static int dynamic_grow(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			struct swiotlb_span *span)
{
	struct dynamic *d = mem->backend;
	unsigned long end_pfn = end_pfn_of(req);
	bool asked;

	asked = fits_new_pool(req) && dynamic_ask(d, end_pfn);

	/* Memory is scarce then: leave it to others if at all possible */
	if (!asked && !area_set_alloc(&d->set, req, span, AREAS_ALL))
		return 0;
	if (d->growable &&
	    !transient_alloc(&d->transients, req, end_pfn,
			     dynamic_room_bytes(d), span))
		return 0;
	if (asked && !area_set_alloc(&d->set, req, span, AREAS_ALL))
		return 0;

	return mem->start + req->dma_offset > req->addr_limit ? -ENXIO :
								 -ENOSPC;
}

void swiotlb_dynamic_free(const struct swiotlb_span *span)
{
	struct dynamic *d = span->pool->mem->backend;

	if (unlikely(span->pool->phase == SWIOTLB_ATOMIC))
		transient_free(&d->transients, span);
	else
		area_free(span);
}

static size_t dynamic_used(struct swiotlb_mem *mem)
{
	struct dynamic *d = mem->backend;

	return area_set_used(&d->set) +
	       atomic_long_read(&d->transients.used_bytes);
}

static size_t dynamic_peak(struct swiotlb_mem *mem, bool reset)
{
	struct dynamic *d = mem->backend;

	return area_set_peak(&d->set, reset);
}

static void dynamic_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	struct dynamic *d = mem->backend;
	unsigned int nr = 0, i;
	struct area_pool *ap;

	seq_printf(m, "\tcap_mib %llu\n", cap_bytes(d) / SZ_1M);
	seq_printf(m, "\tgrown %lu shrunk %lu failed %lu\n",
		   READ_ONCE(d->nr_grows), READ_ONCE(d->nr_shrinks),
		   READ_ONCE(d->nr_failures));
	seq_printf(m, "\ttransient_bytes %ld made %ld\n",
		   atomic_long_read(&d->transients.used_bytes),
		   atomic_long_read(&d->transients.nr_made));

	guard(rcu)();
	while ((ap = area_set_next(&d->set, &nr))) {
		unsigned long nr_used = 0;

		for (i = 0; i < ap->layout.nr_areas; i++)
			nr_used += READ_ONCE(ap->areas[i].map.nr_used);
		seq_printf(m, "\tpool %#llx: areas %u slots %lu used %lu\n",
			   (u64)ap->pool.start, ap->layout.nr_areas,
			   ap->pool.nr_slots, nr_used);
	}
}

/* Before the page allocator is there, memblock knows how much memory there is */
static u64 __ref memory_bytes(enum swiotlb_phase phase)
{
	if (phase == SWIOTLB_EARLY)
		return memblock_phys_mem_size();
	return (u64)totalram_pages() << PAGE_SHIFT;
}

static int dynamic_init(struct swiotlb_mem *mem,
			const struct swiotlb_params *params)
{
	/* Memory may be plugged in */
	const u64 end = max_t(u64, max_pfn, max_possible_pfn) << PAGE_SHIFT;
	unsigned int nr_low = 0, nr_high = 0;
	struct dynamic *d;
	u64 most;
	int err;

	d = swiotlb_meta_alloc(sizeof(*d), params->phase);
	if (!d)
		return -ENOMEM;

	d->growable = !params->remap;
	d->nr_areas = min(params->nr_areas, AREAS_PER_GROUP);
	if (d->growable) {
		most = max(memory_bytes(params->phase) / 2,
			   (u64)READ_ONCE(dynamic_max_mib) * SZ_1M);
		nr_low = dynamic_max_pools(min_t(u64, most, SZ_4G));
		if (end > SZ_4G)
			nr_high = dynamic_max_pools(most);
	}

	err = area_set_init(&d->set, mem, params, nr_low, nr_high);
	if (err) {
		swiotlb_meta_free(d, sizeof(*d), params->phase);
		return err;
	}

	dynamic_resize_init(d);
	transients_init(&d->transients, mem);
	if (d->growable) {
		mem->end = max_t(u64, mem->end, end);
		if (swiotlb_pool_expect(0, mem->end))
			d->transients.refused = true;
	}
	mem->backend = d;
	if (params->phase == SWIOTLB_LATE)
		dynamic_reserve_low(d);
	return 0;
}

static int dynamic_finalize(struct swiotlb_mem *mem)
{
	struct dynamic *d = mem->backend;

	return swiotlb_pool_share(mem, &d->set.first->pool);
}

/* For memory made before there were workers */
static int __init dynamic_boot(void)
{
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	list_for_each_entry(mem, &swiotlb_default_domain.mems, node) {
		if (mem->ops == &swiotlb_dynamic &&
		    mem->phase == SWIOTLB_EARLY)
			dynamic_reserve_low(mem->backend);
	}
	return 0;
}
postcore_initcall(dynamic_boot);

static void dynamic_exit(struct swiotlb_mem *mem)
{
	struct dynamic *d = mem->backend;
	enum swiotlb_phase phase = d->set.first->pool.phase;

	dynamic_resize_exit(d);
	area_set_exit(&d->set);
	transients_exit(&d->transients);
	swiotlb_meta_free(d, sizeof(*d), phase);
	mem->backend = NULL;
}

const struct swiotlb_backend_ops swiotlb_dynamic = {
	.alloc		= swiotlb_dynamic_alloc,
	.grow		= dynamic_grow,
	.free		= swiotlb_dynamic_free,
	.max_mapping	= area_max_mapping,
	.used		= dynamic_used,
	.peak		= dynamic_peak,
	.init		= dynamic_init,
	.finalize	= dynamic_finalize,
	.exit		= dynamic_exit,
	.show		= dynamic_show,
	.name		= "dynamic",
};
EXPORT_SYMBOL_IF_KUNIT(swiotlb_dynamic);
