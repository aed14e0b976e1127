// SPDX-License-Identifier: GPL-2.0
/*
 * The pristine swiotlb of the base release as an allocator, see upstream.h
 *
 * The file of the kernel tree is compiled as a part of this one, since its variables
 * are static, and it is not made to be set up twice.
 */
#include "upstream.h"

#include "allocator.h"

/* What it needs of the kernel, besides what kernel/dma/swiotlb/ does */
#undef pr_fmt
#define BUG_ON(cond) \
	do { \
		if (unlikely(cond)) { \
			fprintf(stderr, "upstream: %s\n", #cond); \
			abort(); \
		} \
	} while (0)
#define INIT_LIST_HEAD_RCU(list)	INIT_LIST_HEAD(list)
#define simple_strtoul(s, end, base)	strtoul(s, end, base)
#define high_memory			((char *)shim_ram(0) + SHIM_RAM_END)
#define memblock_free_late(paddr, bytes) \
	memblock_free(phys_to_virt(paddr), bytes)
#define debugfs_create_ulong(name, mode, parent, value) \
	((void)(name), (void)(value))
#define debugfs_create_dir(name, parent)	((void)(name), NULL)
#undef debugfs_create_file
#define debugfs_create_file(name, mode, parent, data, fops) \
	((void)(name), (void)(data), (void)(fops))
#define dma_alloc_from_pool(dev, bytes, vaddr, gfp, ok)	((void)(vaddr), NULL)
#define dma_free_from_pool(dev, vaddr, bytes)	((void)(vaddr), false)
#define force_dma_unencrypted(dev)	((void)(dev), shim_cc)
/* As in the kernel, conversion is nothing where there is no encryption */
#define set_memory_decrypted(vaddr, nr_pages) \
	(shim_cc ? set_memory_decrypted(vaddr, nr_pages) : 0)
#define set_memory_encrypted(vaddr, nr_pages) \
	(shim_cc ? set_memory_encrypted(vaddr, nr_pages) : 0)

#include <pristine/iommu-helper.h>
#include <pristine/swiotlb.c>

static int open_upstream(struct allocator *a,
			 const struct allocator_params *params)
{
	bool slab = shim_slab;

	default_nslabs = ALIGN(params->bytes >> IO_TLB_SHIFT, IO_TLB_SEGSIZE);
	default_nareas = 0;
	swiotlb_adjust_nareas(params->nr_areas);

	/* It can have a large pool at boot only */
	shim_slab = false;
	swiotlb_init(true, params->low ? 0 : SWIOTLB_ANY);
	shim_slab = slab;
	swiotlb_update_mem_attributes();
	return io_tlb_default_mem.nslabs ? 0 : -ENOMEM;
}

/* What SWIOTLB_DYNAMIC added, it never gives back */
static void drop_pools(void)
{
#ifdef CONFIG_SWIOTLB_DYNAMIC
	struct io_tlb_mem *mem = &io_tlb_default_mem;
	struct io_tlb_pool *pool, *next;

	cancel_work_sync(&mem->dyn_alloc);
	rcu_barrier();
	list_for_each_entry_safe(pool, next, &mem->pools, node) {
		list_del(&pool->node);
		if (pool != &mem->defpool)
			swiotlb_dyn_free(&pool->rcu);
	}
#endif
}

static void close_upstream(struct allocator *a)
{
	drop_pools();
	swiotlb_exit();
	io_tlb_default_mem.nslabs = 0;
}

static void bind_upstream(struct allocator *a, struct device *dev)
{
	swiotlb_dev_init(dev);
}

static void unmap_upstream(struct device *dev, phys_addr_t tlb_addr,
			   size_t size, enum dma_data_direction dir,
			   unsigned long attrs)
{
	swiotlb_tbl_unmap_single(dev, tlb_addr, size, dir, attrs);
}

static void sync_upstream_for_cpu(struct device *dev, phys_addr_t tlb_addr,
				  size_t size, enum dma_data_direction dir)
{
	swiotlb_sync_single_for_cpu(dev, tlb_addr, size, dir);
}

static void sync_upstream_for_device(struct device *dev, phys_addr_t tlb_addr,
				     size_t size, enum dma_data_direction dir)
{
	swiotlb_sync_single_for_device(dev, tlb_addr, size, dir);
}

static bool owned_by_upstream(struct device *dev, phys_addr_t paddr)
{
	return swiotlb_find_pool(dev, paddr);
}

static size_t used_by_upstream(struct allocator *a)
{
	return mem_used(&io_tlb_default_mem) << IO_TLB_SHIFT;
}

static size_t reserved_by_upstream(struct allocator *a)
{
	return io_tlb_default_mem.nslabs << IO_TLB_SHIFT;
}

static struct allocator upstream = {
#ifdef CONFIG_SWIOTLB_DYNAMIC
	.name		 = "upstream-dynamic",
	.grows		 = true,
#else
	.name		 = "upstream",
#endif
	.open		 = open_upstream,
	.close		 = close_upstream,
	.bind		 = bind_upstream,
	.map		 = swiotlb_map,
	.tbl_map	 = swiotlb_tbl_map_single,
	.unmap		 = unmap_upstream,
	.sync_for_cpu	 = sync_upstream_for_cpu,
	.sync_for_device = sync_upstream_for_device,
	.alloc		 = swiotlb_alloc,
	.free		 = swiotlb_free,
	.max_mapping	 = swiotlb_max_mapping_size,
	.owns		 = owned_by_upstream,
	.used		 = used_by_upstream,
	.reserved	 = reserved_by_upstream,
};

static void __attribute__((constructor)) register_upstream(void)
{
	allocator_register(&upstream);
}
