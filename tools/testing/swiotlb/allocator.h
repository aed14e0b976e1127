/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An allocator of bounce buffers, whoever wrote it: the backends of
 * kernel/dma/swiotlb/, and the pristine swiotlb of the base release
 *
 * All are compiled into one program, with one simulated RAM, and can be open at
 * the same time. A device belongs to one of them. What is asked here is what the DMA
 * layer asks.
 */
#ifndef _SWIOTLB_ALLOCATOR_H
#define _SWIOTLB_ALLOCATOR_H

#include "shim.h"

/**
 * struct allocator_params - what an allocator begins with
 * @bytes:    size of its memory; one that grows may have more later
 * @nr_areas: independent parts, about one per CPU
 * @low:      its memory is below 4 GiB
 */
struct allocator_params {
	size_t bytes;
	unsigned int nr_areas;
	bool low;
};

/**
 * struct allocator - an allocator
 * @name:	     "fixed", "dynamic", ... or "upstream"
 * @grows:	     it may take more memory than it was given
 * @piece_bytes:     its memory consists of pieces of this size, and no buffer is in two;
 *		     0 for segments of 256 KiB, in slots of 2 KiB
 * @keeps_low:	     devices that do not reach all memory get some that is for them
 * @keeps_slots:     CPUs keep some that are free, and a worker asks them back: a request
 *		     that has to succeed, while anything is mapped, may do so the second
 *		     time only
 * @open:	     set it up; 0 or an errno. Process context
 * @close:	     give all memory back; nothing is mapped. Process context
 * @bind:	     let a device bounce through it, as when the device is born; @dev is
 *		     zeroed but for its limits
 * @map:	     as swiotlb_map(): DMA address or %DMA_MAPPING_ERROR
 * @tbl_map:	     as swiotlb_tbl_map_single(): physical address
 * @unmap:	     as swiotlb_tbl_unmap_single(), all addresses are physical
 * @sync_for_cpu:    as swiotlb_sync_single_for_cpu()
 * @sync_for_device: as swiotlb_sync_single_for_device()
 * @alloc:	     as swiotlb_alloc(): page or %NULL
 * @free:	     as swiotlb_free()
 * @max_mapping:     as swiotlb_max_mapping_size()
 * @owns:	     is that its memory? What each unmap of any device asks first
 * @used:	     bytes in use
 * @reserved:	     bytes of bounce memory that it has now
 * @priv:	     its own
 * @next:	     in the list of all
 */
struct allocator {
	const char *name;
	bool grows;
	size_t piece_bytes;
	bool keeps_low;
	bool keeps_slots;
	int (*open)(struct allocator *a, const struct allocator_params *params);
	void (*close)(struct allocator *a);
	void (*bind)(struct allocator *a, struct device *dev);
	dma_addr_t (*map)(struct device *dev, phys_addr_t paddr, size_t size,
			  enum dma_data_direction dir, unsigned long attrs);
	phys_addr_t (*tbl_map)(struct device *dev, phys_addr_t paddr,
			       size_t size, unsigned int alloc_align_mask,
			       enum dma_data_direction dir,
			       unsigned long attrs);
	void (*unmap)(struct device *dev, phys_addr_t tlb_addr, size_t size,
		      enum dma_data_direction dir, unsigned long attrs);
	void (*sync_for_cpu)(struct device *dev, phys_addr_t tlb_addr,
			     size_t size, enum dma_data_direction dir);
	void (*sync_for_device)(struct device *dev, phys_addr_t tlb_addr,
				size_t size, enum dma_data_direction dir);
	struct page *(*alloc)(struct device *dev, size_t size);
	bool (*free)(struct device *dev, struct page *page, size_t size);
	size_t (*max_mapping)(struct device *dev);
	bool (*owns)(struct device *dev, phys_addr_t paddr);
	size_t (*used)(struct allocator *a);
	size_t (*reserved)(struct allocator *a);
	void *priv;
	struct allocator *next;
};

/* Called by constructors, for allocators that are not of kernel/dma/swiotlb/ */
void allocator_register(struct allocator *a);
/* All there are, the built-in backends first; ends with %NULL */
struct allocator *allocator_first(void);
struct allocator *allocator_named(const char *name);

#define for_each_allocator(a) \
	for ((a) = allocator_first(); (a); (a) = (a)->next)

#endif /* _SWIOTLB_ALLOCATOR_H */
