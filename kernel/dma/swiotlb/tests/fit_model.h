/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where swiotlb has always been allowed to put a buffer, in bytes
 *
 * The rules for a request, written down from how the one-file swiotlb of 6.12
 * behaves, with no slot arithmetic. Used by the KUnit suite and by the tests in
 * user space (tools/testing/swiotlb/).
 */
#ifndef _SWIOTLB_TESTS_FIT_MODEL_H
#define _SWIOTLB_TESTS_FIT_MODEL_H

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "../slots.h"

/**
 * struct fit_model - a request, in bytes
 * @offset: from the start of the span to the buffer
 * @bytes:  length of the span
 */
struct fit_model {
	u64 offset;
	u64 bytes;
};

static inline struct fit_model fit_model(const struct swiotlb_req *req)
{
	u64 align_mask = req->alloc_align_mask;
	struct fit_model model;

	/* What alignment within a slot, or within an aligned span, cannot do */
	model.offset = req->orig_addr & req->min_align_mask &
		       (align_mask | (IO_TLB_SIZE - 1));
	model.bytes = req->size + model.offset;
	if (req->align_end)
		model.bytes = (model.bytes + align_mask) & ~align_mask;
	return model;
}

/* May the span begin at this DMA address, which is that of a slot? */
static inline bool fit_model_allows(const struct swiotlb_req *req, u64 dma_addr)
{
	struct fit_model model = fit_model(req);
	u64 slots_end = dma_addr + ALIGN(model.bytes, IO_TLB_SIZE);

	/* The span begins where its owner wants it to */
	if (dma_addr & req->alloc_align_mask)
		return false;
	/* The buffer has the address bits that matter to the device */
	if (((dma_addr + model.offset) ^ req->orig_addr) & req->min_align_mask)
		return false;
	/* Who asks for nothing gets whole pages, from a page on */
	if (!req->min_align_mask && !req->alloc_align_mask &&
	    model.bytes >= PAGE_SIZE && !PAGE_ALIGNED(dma_addr))
		return false;
	/* The slots keep within the boundary, and there is one at least */
	return (dma_addr & ~(req->boundary_mask | (IO_TLB_SIZE - 1))) ==
	       ((slots_end - 1) & ~(req->boundary_mask | (IO_TLB_SIZE - 1)));
}

/* Can the span be had from a segment, and the buffer keep to a boundary? */
static inline bool fit_model_is_small_enough(const struct swiotlb_req *req)
{
	struct fit_model model = fit_model(req);
	u64 bytes = ALIGN(model.bytes, IO_TLB_SIZE);

	return bytes <= SLOTS_PER_SEG * IO_TLB_SIZE &&
	       bytes - 1 <= (req->boundary_mask | (IO_TLB_SIZE - 1)) &&
	       (model.offset & req->boundary_mask) + req->size - 1 <=
	       req->boundary_mask;
}

#endif /* _SWIOTLB_TESTS_FIT_MODEL_H */
