// SPDX-License-Identifier: GPL-2.0
/*
 * The `fixed` backend: one pool, sized once
 *
 * The classic swiotlb: a single pool with areas, see areas.c. No request that fits
 * somewhere is refused.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/seq_file.h>
#include <linux/swiotlb.h>

#include "areas.h"
#include "internal.h"

int swiotlb_fixed_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			struct swiotlb_span *span)
{
	return area_set_alloc(mem->backend, req, span, AREAS_ALL);
}

void swiotlb_fixed_free(const struct swiotlb_span *span)
{
	area_free(span);
}

static size_t fixed_used(struct swiotlb_mem *mem)
{
	return area_set_used(mem->backend);
}

static size_t fixed_peak(struct swiotlb_mem *mem, bool reset)
{
	return area_set_peak(mem->backend, reset);
}

static void fixed_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	const struct area_set *set = mem->backend;
	const struct area_pool *ap = set->first;
	unsigned int i;

	seq_printf(m, "\tareas %u\n", ap->layout.nr_areas);
	for (i = 0; i < ap->layout.nr_areas; i++)
		seq_printf(m, "\tarea %u: slots %u used %u\n", i,
			   area_slots(&ap->layout, i),
			   READ_ONCE(ap->areas[i].map.nr_used));
}

static int fixed_init(struct swiotlb_mem *mem,
		      const struct swiotlb_params *params)
{
	struct area_set *set;
	int err;

	set = swiotlb_meta_alloc(sizeof(*set), params->phase);
	if (!set)
		return -ENOMEM;

	err = area_set_init(set, mem, params, 0, 0);
	if (err) {
		swiotlb_meta_free(set, sizeof(*set), params->phase);
		return err;
	}

	mem->backend = set;
	return 0;
}

static int fixed_finalize(struct swiotlb_mem *mem)
{
	struct area_set *set = mem->backend;

	return swiotlb_pool_share(mem, &set->first->pool);
}

static void fixed_exit(struct swiotlb_mem *mem)
{
	struct area_set *set = mem->backend;
	enum swiotlb_phase phase = set->first->pool.phase;

	area_set_exit(set);
	swiotlb_meta_free(set, sizeof(*set), phase);
	mem->backend = NULL;
}

const struct swiotlb_backend_ops swiotlb_fixed = {
	.alloc		= swiotlb_fixed_alloc,
	.free		= swiotlb_fixed_free,
	.max_mapping	= area_max_mapping,
	.used		= fixed_used,
	.peak		= fixed_peak,
	.init		= fixed_init,
	.finalize	= fixed_finalize,
	.exit		= fixed_exit,
	.show		= fixed_show,
	.name		= "fixed",
};
EXPORT_SYMBOL_IF_KUNIT(swiotlb_fixed);
