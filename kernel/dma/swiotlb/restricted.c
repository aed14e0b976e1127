// SPDX-License-Identifier: GPL-2.0
/*
 * Restricted DMA pools: a device that may touch nothing but its own pool
 *
 * Firmware reserves the memory and names the devices, see
 * Documentation/devicetree/bindings/reserved-memory/restricted-dma-pool.yaml.
 * All their streaming mappings bounce, and all their coherent memory comes from
 * there. Several devices may share a pool; the first of them makes it.
 *
 * Restricted pools are always of the `fixed` backend: they cannot grow.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/of_fdt.h>
#include <linux/of_reserved_mem.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "internal.h"

/* Protects reserved_mem.priv of restricted pools */
static DEFINE_MUTEX(rmem_mutex);

/**
 * struct restricted - a restricted pool
 * @iotlb:  what its devices are bound to
 * @domain: theirs alone
 */
struct restricted {
	struct io_tlb_mem iotlb;
	struct swiotlb_domain domain;
};

static struct restricted *make_restricted(struct reserved_mem *rmem)
{
	/* Firmware need not know the size of our pages; use whole ones only */
	phys_addr_t start = PAGE_ALIGN(rmem->base);
	phys_addr_t end = PAGE_ALIGN_DOWN(rmem->base + rmem->size);
	struct swiotlb_params params = {
		.phase = SWIOTLB_RESERVED,
		.base = start,
		.bytes = end > start ? end - start : 0,
		.nr_areas = 1,
	};
	struct restricted *res;
	struct swiotlb_mem *mem;

	res = kzalloc(sizeof(*res), GFP_KERNEL);
	if (!res)
		return ERR_PTR(-ENOMEM);

	swiotlb_domain_init(&res->domain, rmem->name);
	res->iotlb.domain = &res->domain;
	res->iotlb.force_bounce = true;
	res->iotlb.for_alloc = true;
	res->iotlb.restricted = true;

	scoped_guard(mutex, &swiotlb_mutex) {
		mem = swiotlb_mem_create(&res->domain, &swiotlb_fixed, &params);
		if (IS_ERR(mem)) {
			swiotlb_accounts_free(&res->domain);
			kfree(res);
			return ERR_CAST(mem);
		}
		swiotlb_mem_bind(&res->iotlb, mem);
	}
	swiotlb_debugfs_add(&res->domain);
	return res;
}

static int rmem_swiotlb_device_init(struct reserved_mem *rmem,
				    struct device *dev)
{
	struct restricted *res;

	if (PageHighMem(pfn_to_page(PHYS_PFN(rmem->base)))) {
		dev_err(dev, "Restricted DMA pool must be accessible within the linear mapping.\n");
		return -EINVAL;
	}

	mutex_lock(&rmem_mutex);
	res = rmem->priv;
	if (!res) {
		/* No second try: after an error its memory is in doubt */
		res = make_restricted(rmem);
		rmem->priv = res;
	}
	mutex_unlock(&rmem_mutex);

	if (IS_ERR(res)) {
		dev_err(dev, "cannot set up restricted DMA pool %s at %pa, size %pa: %pe\n",
			rmem->name, &rmem->base, &rmem->size, res);
		return PTR_ERR(res);
	}

	swiotlb_restrict(dev, &res->iotlb);
	return 0;
}

static void rmem_swiotlb_device_release(struct reserved_mem *rmem,
					struct device *dev)
{
	swiotlb_dev_init(dev);
}

static const struct reserved_mem_ops restricted_ops = {
	.device_init	= rmem_swiotlb_device_init,
	.device_release	= rmem_swiotlb_device_release,
};

/* What would let others have the memory, or keep the kernel from it */
static const char *const unsuitable[] __initconst = {
	"no-map", "reusable", "linux,cma-default", "linux,dma-default",
};

static int __init rmem_swiotlb_setup(struct reserved_mem *rmem)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unsuitable); i++) {
		if (of_get_flat_dt_prop(rmem->fdt_node, unsuitable[i], NULL))
			return -EINVAL;
	}

	rmem->ops = &restricted_ops;
	pr_info("Reserved memory: created restricted DMA pool at %pa, size %ld MiB\n",
		&rmem->base, (unsigned long)rmem->size / SZ_1M);
	return 0;
}

RESERVEDMEM_OF_DECLARE(dma, "restricted-dma-pool", rmem_swiotlb_setup);
