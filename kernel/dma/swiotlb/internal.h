/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the swiotlb core share with each other
 *
 * Locks, each taken inside those above it in its group:
 *
 *	rmem_mutex		restricted.c: birth of restricted pools
 *	  lookup_mutex		lookup.c: shape of the lookup table
 *	  swiotlb_dir lock	debugfs.c: birth of the folder
 *
 *	swiotlb_backend_mutex	backend.c: the list of registered backends
 *
 *	fixed_area.lock		fixed.c: slots of an area; interrupts off
 *
 * Lookup itself and the slot records take no lock: see lookup.c and bounce.c.
 */
#ifndef _KERNEL_DMA_SWIOTLB_INTERNAL_H
#define _KERNEL_DMA_SWIOTLB_INTERNAL_H

#include <kunit/visibility.h>
#include <linux/container_of.h>
#include <linux/dma-direction.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

struct device;
struct io_tlb_pool;

static inline struct swiotlb_mem *to_swiotlb_mem(struct io_tlb_mem *mem)
{
	return container_of(mem, struct swiotlb_mem, pub);
}

/* core.c */
extern struct swiotlb_mem swiotlb_default_mem;

/* backend.c: who may place buffers */
const struct swiotlb_backend_ops *swiotlb_find_builtin(const char *name);
const struct swiotlb_backend_ops *swiotlb_default_backend(void);
int swiotlb_show_backends(const struct swiotlb_backend_ops *active, char *buf,
			  size_t size);

/* param.c: the command line */
#define SWIOTLB_MAX_AREAS	65536U

/**
 * struct swiotlb_cmdline - what swiotlb= said
 * @nslabs:	 size in units of %IO_TLB_SIZE; valid if @has_nslabs
 * @nr_areas:	 number of areas; 0 if it did not say
 * @has_nslabs:	 a size was given
 * @force:	 every device bounces
 * @noforce:	 no default pool at all; wins over @force
 * @backend:	 backend asked for, or %NULL
 */
struct swiotlb_cmdline {
	unsigned long nslabs;
	unsigned int nr_areas;
	bool has_nslabs;
	bool force;
	bool noforce;
	const struct swiotlb_backend_ops *backend;
};

void swiotlb_parse_cmdline(const char *str, struct swiotlb_cmdline *cmdline);

/* bounce.c: copies between a buffer and its bounce buffer */
void swiotlb_record(const struct swiotlb_span *span, phys_addr_t orig_addr,
		    size_t size);
bool swiotlb_forget(struct io_tlb_pool *pool, phys_addr_t tlb_addr,
		    struct swiotlb_span *span);
void swiotlb_bounce(struct device *dev, phys_addr_t tlb_addr, size_t size,
		    enum dma_data_direction dir, struct io_tlb_pool *pool);

/* stats.c: failures, and what is in use */
void swiotlb_map_failed(struct device *dev, struct swiotlb_mem *mem,
			const struct swiotlb_req *req, int err,
			unsigned long attrs);
unsigned long swiotlb_hiwater_bytes(struct swiotlb_mem *mem);
void swiotlb_reset_hiwater(struct swiotlb_mem *mem);
extern const char *const swiotlb_fail_names[SWIOTLB_NR_FAILS];

/* debugfs.c */
#ifdef CONFIG_DEBUG_FS
void swiotlb_debugfs_add(struct swiotlb_mem *mem);
#else
static inline void swiotlb_debugfs_add(struct swiotlb_mem *mem)
{
}
#endif

/* fixed.c */
extern const struct swiotlb_backend_ops swiotlb_fixed;
int swiotlb_fixed_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			struct swiotlb_span *span);
void swiotlb_fixed_free(const struct swiotlb_span *span);

#if IS_ENABLED(CONFIG_KUNIT)
struct slot_fit;
int fixed_fit(const struct swiotlb_req *req, phys_addr_t pool_start,
	      struct slot_fit *fit, unsigned int *offset);
#endif

#endif /* _KERNEL_DMA_SWIOTLB_INTERNAL_H */
