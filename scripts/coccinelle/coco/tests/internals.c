// SPDX-License-Identifier: GPL-2.0
/* Fixture of internals.cocci: a line that says HIT is reported, others not */
#include <linux/swiotlb.h>

static void switches(const char *name)
{
	swiotlb_switch(name);	/* HIT: swiotlb_switch */
}

static bool follows_default(struct device *dev)
{
	return io_tlb_mem_of(dev) == &swiotlb_default;	/* HIT: io_tlb_mem_of, swiotlb_default */
}

static int takes_memory(struct swiotlb_mem *mem, struct io_tlb_pool *pool)
{
	return swiotlb_pool_share(mem, pool);	/* HIT: for backends */
}

static void *looks_into_handle(struct device *dev)
{
	return dev->dma_io_tlb_mem->domain;	/* HIT: member domain */
}

static void *looks_into_pool(struct device *dev, phys_addr_t addr)
{
	struct io_tlb_pool *pool = swiotlb_find_pool(dev, addr);

	return pool ? pool->vaddr : NULL;	/* HIT: member vaddr */
}

static const char *asks_memory(struct swiotlb_mem *mem)
{
	return mem->ops->name;	/* HIT: member ops */
}

/* Near misses */

static bool asks(struct device *dev, phys_addr_t addr)
{
	struct io_tlb_mem *iotlb = dev->dma_io_tlb_mem;

	return iotlb->force_bounce || swiotlb_find_pool(dev, addr);
}

static size_t limit(struct device *dev)
{
	return is_swiotlb_active(dev) ? swiotlb_max_mapping_size(dev) : 0;
}

/* Members of the same names elsewhere */
static void *other_types(struct gen_pool *pool, struct resource *mem)
{
	return pool->vaddr + mem->start;
}
