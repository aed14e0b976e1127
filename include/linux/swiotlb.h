/* SPDX-License-Identifier: GPL-2.0 */
/*
 * swiotlb: bounce buffers for DMA, the interface to the DMA layer
 *
 * This is what dma-direct, dma-iommu, swiotlb-xen and the architectures use.
 * Those who write an allocator want <linux/swiotlb/backend.h>.
 */
#ifndef __LINUX_SWIOTLB_H
#define __LINUX_SWIOTLB_H

#include <linux/bits.h>
#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/pfn.h>
#include <linux/swiotlb/types.h>
#include <linux/types.h>

struct page;

/* Flags of swiotlb_init() and swiotlb_init_remap() */
#define SWIOTLB_VERBOSE	BIT(0) /* print where the pool lies */
#define SWIOTLB_FORCE	BIT(1) /* every device bounces */
#define SWIOTLB_ANY	BIT(2) /* the pool may lie above 4 GiB */
#define SWIOTLB_LOW_FIRST BIT(3) /* and does if there is no room below */
#define SWIOTLB_UNSIZED	BIT(4) /* nobody asked for just that size */
#define SWIOTLB_EXACT	BIT(5) /* less is of no use */
#define SWIOTLB_NODE	BIT(6) /* memory of a certain node is best */

/*
 * The slab (slot) of 2 KiB is the unit of swiotlb= and of the debugfs files;
 * a segment of IO_TLB_SEGSIZE slabs is the unit that remap callbacks see.
 */
#define IO_TLB_SHIFT 11
#define IO_TLB_SIZE (1 << IO_TLB_SHIFT)
#define IO_TLB_SEGSIZE	128

/* Size of the default pool in bytes when nobody asks for another one */
#define IO_TLB_DEFAULT_SIZE (64UL << 20)

unsigned long swiotlb_size_or_default(void);
void __init swiotlb_init_remap(bool addressing_limited, unsigned int flags,
			       int (*remap)(void *tlb, unsigned long nslabs));
int swiotlb_init_late(size_t size, gfp_t gfp_mask,
		      int (*remap)(void *tlb, unsigned long nslabs));
void __init swiotlb_update_mem_attributes(void);
void swiotlb_print_info(void);

#ifdef CONFIG_SWIOTLB

/* Life of the default bounce memory */
void __init swiotlb_adjust_size(unsigned long size);
void __init swiotlb_setup_guest(unsigned long size, const char *backend);
void swiotlb_init(bool addressing_limited, unsigned int flags);
void __init swiotlb_exit(void);
bool is_swiotlb_allocated(void);
phys_addr_t default_swiotlb_base(void);
phys_addr_t default_swiotlb_limit(void);

/* Bounce memory of a device */
void swiotlb_dev_init(struct device *dev);
bool is_swiotlb_active(struct device *dev);
size_t swiotlb_max_mapping_size(struct device *dev);

static inline bool is_swiotlb_force_bounce(struct device *dev)
{
	const struct io_tlb_mem *mem = dev->dma_io_tlb_mem;

	return mem ? mem->force_bounce : false;
}

struct io_tlb_pool *__swiotlb_find_pool(struct device *dev, phys_addr_t paddr);

/**
 * swiotlb_find_pool() - find the pool of a bounce buffer
 * @dev:   device that mapped the buffer
 * @paddr: any physical address, RAM or not
 *
 * Every unmap and sync of every directly mapped device asks, so the answer
 * costs the same few loads whatever the address and the number of pools.
 *
 * Context: any.
 * Return: the pool if @paddr lies in bounce memory of @dev, else %NULL.
 */
static inline struct io_tlb_pool *swiotlb_find_pool(struct device *dev,
						    phys_addr_t paddr)
{
	unsigned long pfn = PHYS_PFN(paddr);

	if (pfn < READ_ONCE(swiotlb_range.start_pfn) ||
	    pfn >= READ_ONCE(swiotlb_range.end_pfn))
		return NULL;

	return __swiotlb_find_pool(dev, paddr);
}

#else /* !CONFIG_SWIOTLB: there is no bounce memory, and nothing to be done */

static inline void swiotlb_adjust_size(unsigned long size) { }
static inline void swiotlb_setup_guest(unsigned long size, const char *backend)
{
}

static inline void swiotlb_init(bool addressing_limited, unsigned int flags) { }
static inline void swiotlb_exit(void) { }
static inline bool is_swiotlb_allocated(void) { return false; }
static inline phys_addr_t default_swiotlb_base(void) { return 0; }
static inline phys_addr_t default_swiotlb_limit(void) { return 0; }

static inline void swiotlb_dev_init(struct device *dev) { }
static inline bool is_swiotlb_active(struct device *dev) { return false; }
static inline bool is_swiotlb_force_bounce(struct device *dev) { return false; }

static inline size_t swiotlb_max_mapping_size(struct device *dev)
{
	return SIZE_MAX;
}

static inline struct io_tlb_pool *swiotlb_find_pool(struct device *dev,
						    phys_addr_t paddr)
{
	return NULL;
}

#endif /* CONFIG_SWIOTLB */

phys_addr_t swiotlb_tbl_map_single(struct device *dev, phys_addr_t orig_addr,
				   size_t mapping_size,
				   unsigned int alloc_align_mask,
				   enum dma_data_direction dir,
				   unsigned long attrs);
dma_addr_t swiotlb_map(struct device *dev, phys_addr_t paddr, size_t size,
		       enum dma_data_direction dir, unsigned long attrs);

void __swiotlb_tbl_unmap_single(struct device *dev, phys_addr_t tlb_addr,
				size_t mapping_size,
				enum dma_data_direction dir,
				unsigned long attrs, struct io_tlb_pool *pool);
void __swiotlb_sync_single_for_device(struct device *dev, phys_addr_t tlb_addr,
				      size_t size, enum dma_data_direction dir,
				      struct io_tlb_pool *pool);
void __swiotlb_sync_single_for_cpu(struct device *dev, phys_addr_t tlb_addr,
				   size_t size, enum dma_data_direction dir,
				   struct io_tlb_pool *pool);

static inline void swiotlb_tbl_unmap_single(struct device *dev,
					    phys_addr_t addr, size_t size,
					    enum dma_data_direction dir,
					    unsigned long attrs)
{
	struct io_tlb_pool *pool = swiotlb_find_pool(dev, addr);

	if (unlikely(pool))
		__swiotlb_tbl_unmap_single(dev, addr, size, dir, attrs, pool);
}

static inline void swiotlb_sync_single_for_device(struct device *dev,
						  phys_addr_t addr, size_t size,
						  enum dma_data_direction dir)
{
	struct io_tlb_pool *pool = swiotlb_find_pool(dev, addr);

	if (unlikely(pool))
		__swiotlb_sync_single_for_device(dev, addr, size, dir, pool);
}

static inline void swiotlb_sync_single_for_cpu(struct device *dev,
					       phys_addr_t addr, size_t size,
					       enum dma_data_direction dir)
{
	struct io_tlb_pool *pool = swiotlb_find_pool(dev, addr);

	if (unlikely(pool))
		__swiotlb_sync_single_for_cpu(dev, addr, size, dir, pool);
}

#ifdef CONFIG_SWIOTLB
bool swiotlb_free(struct device *dev, struct page *page, size_t size);

/* What dma_alloc_*() gets in a confidential guest, see shared.c */
struct page *swiotlb_alloc_shared(struct device *dev, size_t size, gfp_t gfp);
bool swiotlb_free_shared(struct device *dev, struct page *page, size_t size);
void swiotlb_count_leak(size_t bytes);
void swiotlb_check_granules(phys_addr_t start, size_t bytes);
#else
static inline bool swiotlb_free(struct device *dev, struct page *page,
				size_t size)
{
	return false;
}

static inline struct page *swiotlb_alloc_shared(struct device *dev, size_t size,
						gfp_t gfp)
{
	return NULL;
}

static inline bool swiotlb_free_shared(struct device *dev, struct page *page,
				       size_t size)
{
	return false;
}

static inline void swiotlb_count_leak(size_t bytes) { }
static inline void swiotlb_check_granules(phys_addr_t start, size_t bytes) { }
#endif /* CONFIG_SWIOTLB */

#ifdef CONFIG_DMA_RESTRICTED_POOL
struct page *swiotlb_alloc(struct device *dev, size_t size);

/* Does its coherent memory come from bounce memory, and from nowhere else? */
static inline bool is_swiotlb_for_alloc(struct device *dev)
{
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;

	return mem && mem->restricted;
}
#else
static inline struct page *swiotlb_alloc(struct device *dev, size_t size)
{
	return NULL;
}

static inline bool is_swiotlb_for_alloc(struct device *dev)
{
	return false;
}
#endif /* CONFIG_DMA_RESTRICTED_POOL */

#endif /* __LINUX_SWIOTLB_H */
