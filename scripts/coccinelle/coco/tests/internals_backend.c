// SPDX-License-Identifier: GPL-2.0
/* Fixture of internals.cocci: a backend in a module; a line that says HIT is reported */
#include <linux/swiotlb/backend.h>

static int toy_init(struct swiotlb_mem *mem, const struct swiotlb_params *params)
{
	struct io_tlb_pool *pool = swiotlb_meta_alloc(sizeof(*pool), params->phase);
	int err;

	if (!pool)
		return -ENOMEM;
	pool->mem = mem;
	err = swiotlb_pool_provision(mem, pool, params);
	if (err)
		return err;
	mem->start = pool->start;
	swiotlb_default_domain.name = "toy";	/* HIT: swiotlb_default_domain */
	return swiotlb_pool_publish(pool);
}

static const struct swiotlb_backend_ops toy = {
	.init	= toy_init,
	.name	= "toy",
};
