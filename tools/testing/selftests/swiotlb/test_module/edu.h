/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the two halves of the swiotlb_test module. */
#ifndef _SWIOTLB_TEST_EDU_H
#define _SWIOTLB_TEST_EDU_H

#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/xarray.h>

#include "swiotlb_test.h"

struct edu_dev {
	struct kref kref;
	struct pci_dev *pdev;
	void __iomem *mmio;
	struct miscdevice misc;
	struct rw_semaphore rwsem;
	struct list_head contexts;
	bool gone;
	atomic_t nr_live;
	struct mutex engine_lock;	/* the engine's registers */
	bool engine_stuck;
};

struct edu_ctx {
	struct edu_dev *edu;
	struct list_head node;
	struct mutex lock;		/* maps and their contents */
	struct xarray maps;
	size_t arena_bytes;		/* set once, before arena */
	void *arena;
};

static inline bool edu_range_ok(u64 offset, u64 bytes, u64 limit)
{
	return bytes && bytes <= limit && offset <= limit - bytes;
}

/* mappings.c: calls on mappings, with edu->rwsem and ctx->lock held */
int edu_ioc_map(struct edu_ctx *ctx, void __user *argp);
int edu_ioc_coherent(struct edu_ctx *ctx, void __user *argp);
int edu_ioc_unmap(struct edu_ctx *ctx, void __user *argp);
int edu_ioc_sync(struct edu_ctx *ctx, void __user *argp);
int edu_ioc_xfer(struct edu_ctx *ctx, void __user *argp);
int edu_ioc_edu(struct edu_ctx *ctx, void __user *argp);
void edu_ctx_unmap_all(struct edu_ctx *ctx);

/* edu.c: one transfer by the DMA engine, between memory and its own buffer */
int edu_engine_run(struct edu_dev *edu, dma_addr_t dma, u32 edu_offset,
		   u32 bytes, bool from_device);

#endif /* _SWIOTLB_TEST_EDU_H */
