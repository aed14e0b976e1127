// SPDX-License-Identifier: GPL-2.0
/*
 * Does a device get memory that it must not see, or the page allocator memory that
 * a device still sees?
 *
 * Probes on the tracepoints of the DMA API look at each address that a driver is
 * given: page by page, at the memory behind it, which must be known to be shared.
 * Behind an IOMMU that is where the IOMMU leads. An address is looked at again when
 * the driver syncs it, because memory could have been converted meanwhile; not at
 * unmap, when it may have been already given back with good reason.
 *
 * Probes on the page allocator find pages that are freed while not private. Such a
 * page would go to somebody who takes it to be private. Pages that reach the
 * allocator by other ways are found when they leave it.
 *
 * Probes run in any context. A finding is a WARN() for each of the first MAX_WARNS,
 * so that panic_on_warn ends a test, and a line in the log after that.
 */

#define pr_fmt(fmt) "coco_sim: " fmt

#include <linux/bug.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <trace/events/dma.h>
#include <trace/events/kmem.h>

#include "sim.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "coco_sim."

#define MAX_WARNS	16

static bool check = true;
module_param(check, bool, 0444);
MODULE_PARM_DESC(check, "check what devices and the page allocator get");

struct counts {
	u64 checked;
	u64 unchecked;
};

static DEFINE_PER_CPU(struct counts, counts);
static atomic64_t exposed, freed_shared, alloc_shared;

static noinline void report_exposed(struct device *dev, unsigned long pfn,
				    const char *how)
{
	u64 addr = PFN_PHYS(pfn);

	if (atomic64_inc_return(&exposed) <= MAX_WARNS)
		WARN(1, "coco_sim: private page %#llx exposed to %s by %s\n",
		     addr, dev_name(dev), how);
	else
		pr_err_ratelimited("private page %#llx exposed to %s by %s\n",
				   addr, dev_name(dev), how);
}

/* Memory behind @bytes at physical address @phys */
static void check_phys(struct device *dev, phys_addr_t phys, size_t bytes,
		       const char *how)
{
	unsigned long pfn = PHYS_PFN(phys);
	unsigned long found;

	found = sim_first_unshared(pfn, PHYS_PFN(phys + bytes - 1) - pfn + 1);
	if (unlikely(found != SIM_NO_PFN))
		report_exposed(dev, found, how);
}

#ifdef CONFIG_IOMMU_DMA
static void check_iova(struct device *dev, dma_addr_t addr, size_t bytes,
		       const char *how)
{
	struct iommu_domain *domain = iommu_get_dma_domain(dev);

	while (bytes) {
		size_t part = min_t(size_t, bytes, PAGE_SIZE - offset_in_page(addr));
		phys_addr_t phys = iommu_iova_to_phys(domain, addr);

		if (phys)
			check_phys(dev, phys, part, how);
		addr += part;
		bytes -= part;
	}
}
#else
static void check_iova(struct device *dev, dma_addr_t addr, size_t bytes,
		       const char *how)
{
}
#endif

static void check_dma(struct device *dev, dma_addr_t addr, size_t bytes,
		      const char *how)
{
	if (!bytes || addr == DMA_MAPPING_ERROR)
		return;
	if (!use_dma_iommu(dev) && get_dma_ops(dev)) {
		this_cpu_inc(counts.unchecked);
		return;
	}
	if (use_dma_iommu(dev))
		check_iova(dev, addr, bytes, how);
	else
		check_phys(dev, dma_to_phys(dev, addr), bytes, how);
	this_cpu_inc(counts.checked);
}

static void check_sg(struct device *dev, struct scatterlist *sgl, int ents,
		     const char *how)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, ents, i) {
		/* Memory of another device, reached without the host */
		if (sg_dma_is_bus_address(sg))
			continue;
		check_dma(dev, sg_dma_address(sg), sg_dma_len(sg), how);
	}
}

static void on_map_page(void *data, struct device *dev, phys_addr_t phys,
			dma_addr_t addr, size_t bytes,
			enum dma_data_direction dir, unsigned long attrs)
{
	check_dma(dev, addr, bytes, "dma_map_page");
}

static void on_map_resource(void *data, struct device *dev, phys_addr_t phys,
			    dma_addr_t addr, size_t bytes,
			    enum dma_data_direction dir, unsigned long attrs)
{
	check_dma(dev, addr, bytes, "dma_map_resource");
}

static void on_map_sg(void *data, struct device *dev, struct scatterlist *sgl,
		      int nents, int ents, enum dma_data_direction dir,
		      unsigned long attrs)
{
	check_sg(dev, sgl, ents, "dma_map_sg");
}

static void on_alloc(void *data, struct device *dev, void *vaddr,
		     dma_addr_t addr, size_t bytes, enum dma_data_direction dir,
		     gfp_t gfp, unsigned long attrs)
{
	if (vaddr)
		check_dma(dev, addr, bytes, "dma_alloc");
}

static void on_alloc_pages(void *data, struct device *dev, void *vaddr,
			   dma_addr_t addr, size_t bytes,
			   enum dma_data_direction dir, gfp_t gfp,
			   unsigned long attrs)
{
	if (vaddr)
		check_dma(dev, addr, bytes, "dma_alloc_pages");
}

static void on_alloc_sgt(void *data, struct device *dev, struct sg_table *sgt,
			 size_t bytes, enum dma_data_direction dir, gfp_t gfp,
			 unsigned long attrs)
{
	check_sg(dev, sgt->sgl, sgt->nents, "dma_alloc_noncontiguous");
}

static void on_sync(void *data, struct device *dev, dma_addr_t addr,
		    size_t bytes, enum dma_data_direction dir)
{
	check_dma(dev, addr, bytes, "an earlier mapping, at sync");
}

static void on_sync_sg(void *data, struct device *dev, struct scatterlist *sgl,
		       int nents, enum dma_data_direction dir)
{
	check_sg(dev, sgl, nents, "an earlier mapping, at sync");
}

static noinline void report_unfree(atomic64_t *count, unsigned long pfn,
				   unsigned int order, const char *what)
{
	u64 addr = PFN_PHYS(pfn);

	if (atomic64_inc_return(count) <= MAX_WARNS)
		WARN(1, "coco_sim: shared page %#llx %s, in a block of order %u\n",
		     addr, what, order);
	else
		pr_err_ratelimited("shared page %#llx %s, in a block of order %u\n",
				   addr, what, order);
}

static void on_page_free(void *data, struct page *page, unsigned int order)
{
	unsigned long found = sim_first_unfree(page_to_pfn(page), 1UL << order);

	if (unlikely(found != SIM_NO_PFN))
		report_unfree(&freed_shared, found, order, "freed");
}

static void on_page_alloc(void *data, struct page *page, unsigned int order,
			  gfp_t gfp, int migratetype)
{
	unsigned long found;

	if (!page)
		return;
	found = sim_first_unfree(page_to_pfn(page), 1UL << order);
	if (unlikely(found != SIM_NO_PFN))
		report_unfree(&alloc_shared, found, order, "allocated");
}

/**
 * sim_exposure_totals() - what was checked, what was found
 * @checks: result, approximate while devices work
 */
void sim_exposure_totals(struct sim_checks *checks)
{
	int cpu;

	*checks = (struct sim_checks){
		.exposed = atomic64_read(&exposed),
		.freed_shared = atomic64_read(&freed_shared),
		.alloc_shared = atomic64_read(&alloc_shared),
	};
	for_each_possible_cpu(cpu) {
		checks->checked += per_cpu(counts.checked, cpu);
		checks->unchecked += per_cpu(counts.unchecked, cpu);
	}
}

/* Before the first driver */
static int __init sim_exposure_init(void)
{
	int err;

	if (!sim_active() || !check)
		return 0;
	err = register_trace_dma_map_page(on_map_page, NULL);
	err = err ?: register_trace_dma_map_resource(on_map_resource, NULL);
	err = err ?: register_trace_dma_map_sg(on_map_sg, NULL);
	err = err ?: register_trace_dma_alloc(on_alloc, NULL);
	err = err ?: register_trace_dma_alloc_pages(on_alloc_pages, NULL);
	err = err ?: register_trace_dma_alloc_sgt(on_alloc_sgt, NULL);
	err = err ?: register_trace_dma_sync_single_for_cpu(on_sync, NULL);
	err = err ?: register_trace_dma_sync_single_for_device(on_sync, NULL);
	err = err ?: register_trace_dma_sync_sg_for_cpu(on_sync_sg, NULL);
	err = err ?: register_trace_dma_sync_sg_for_device(on_sync_sg, NULL);
	err = err ?: register_trace_mm_page_free(on_page_free, NULL);
	err = err ?: register_trace_mm_page_alloc(on_page_alloc, NULL);
	WARN(err, "coco_sim: cannot check what devices get: %d\n", err);
	return err;
}
early_initcall(sim_exposure_init);
