// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of the fixed backend: where they may go, and how large they may be
 */
#include "../../../kernel/dma/swiotlb/tests/fit_model.h"
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "fixed_pool.h"

static const unsigned int min_align_masks[] = {
	0, 1, 0x1ff, 0x7ff, 0x800, 0xe00, 0xfff, 0x1fff, 0x3fff, 0xffff,
	0x1ffff, 0x3ffff,
};

static const unsigned int alloc_align_masks[] = {
	0, 0x7ff, 0xfff, 0x3fff, 0xffff, 0x3ffff, 0x7ffff,
};

static const u64 boundary_masks[] = {
	U64_MAX, 0xffffffff, 0xffffff, 0x3ffff, 0xffff, 0xfff, 0x7ff, 0x1ff,
};

static const size_t sizes[] = {
	1, 2, 511, 512, 2047, 2048, 2049, 4095, 4096, 4097, 8192, 10000, 65535,
	65536, 131072, 200000, 262143, 262144, 262145, SIZE_MAX / 2, SIZE_MAX,
};

static const phys_addr_t origins[] = {
	0x10000000, 0x10000001, 0x100001ff, 0x10000200, 0x100007ff, 0x10000800,
	0x10000fff, 0x10001000, 0x10001e34, 0x1000ffff, 0x10010001, 0x1003ffff,
	0x1002a8c3, SWIOTLB_NO_ORIG,
};

static void check_fit(const struct swiotlb_req *req, phys_addr_t start)
{
	const u64 dma_start = start + req->dma_offset;
	unsigned int offset, slot;
	struct slot_fit fit;
	bool allowed;
	int err;

	test_note("origin %#llx size %#zx min_align %#x alloc_align %#x end %d boundary %#llx at %#llx",
		  (unsigned long long)req->orig_addr, req->size,
		  req->min_align_mask, req->alloc_align_mask, req->align_end,
		  (unsigned long long)req->boundary_mask,
		  (unsigned long long)dma_start);

	err = area_fit(req, start, &fit, &offset);
	if (req->size > SIZE_MAX / 4 || !fit_model_is_small_enough(req)) {
		CHECK_EQ(err, -E2BIG);
		return;
	}
	CHECK_EQ(err, 0);
	CHECK_EQ(offset, fit_model(req).offset);
	CHECK_EQ(fit.nr_slots,
		 DIV_ROUND_UP(fit_model(req).bytes, IO_TLB_SIZE));

	for (slot = 0; slot < 2 * SLOTS_PER_SEG; slot++) {
		unsigned long nr = fit.base + slot;

		allowed = (nr & fit.mask) == fit.bits &&
			  (nr & ~fit.boundary) ==
			  ((nr + fit.nr_slots - 1) & ~fit.boundary);
		CHECK_EQ(allowed,
			 fit_model_allows(req, dma_start + slot * IO_TLB_SIZE));
	}
}

/* All sizes from all origins */
static void check_fits(struct swiotlb_req *req)
{
	unsigned int s, o;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (o = 0; o < ARRAY_SIZE(origins); o++) {
			req->size = sizes[s];
			req->orig_addr = origins[o];
			req->align_end = (s + o) & 1;
			req->dma_offset = o & 2 ? 0x7000 : 0;
			check_fit(req, o & 4 ? 0x4000000 : 0x4003000);
		}
	}
}

TEST(fixed_fit_is_as_ever)
{
	unsigned int m, a, b;

	for (m = 0; m < ARRAY_SIZE(min_align_masks); m++) {
		for (a = 0; a < ARRAY_SIZE(alloc_align_masks); a++) {
			for (b = 0; b < ARRAY_SIZE(boundary_masks); b++) {
				struct swiotlb_req req = {
					.min_align_mask = min_align_masks[m],
					.alloc_align_mask = alloc_align_masks[a],
					.boundary_mask = boundary_masks[b],
				};

				check_fits(&req);
			}
		}
	}
}

TEST(fixed_fit_of_random_requests)
{
	unsigned int i;
	u64 seed = 4;

	for (i = 0; i < 60000; i++) {
		struct swiotlb_req req = {
			.orig_addr = model_random(&seed),
			.size = model_random_below(&seed, 1 << (1 + i % 19)) + 1,
			.min_align_mask = model_random(&seed) & model_random(&seed)
					  & ((2U << i % 18) - 1),
			.alloc_align_mask = (1U << model_random_below(&seed, 18)) - 1,
			.align_end = i & 1,
			.boundary_mask = U64_MAX >> model_random_below(&seed, 55),
			.dma_offset = (u64)model_random(&seed) << PAGE_SHIFT,
		};

		check_fit(&req, (u64)model_random(&seed) << PAGE_SHIFT);
	}
}

/*
 * Every request up to max_mapping() succeeds in an empty pool. Where a device
 * wants its buffers to lie as their originals do, up to a boundary or beyond,
 * originals that cross the boundary cannot be had: they are left out.
 */
static void check_honesty(struct swiotlb_mem *mem,
			  const struct swiotlb_limits *limits)
{
	size_t bytes = mem->ops->max_mapping(mem, limits);
	u64 seed = bytes;
	unsigned int i;

	CHECK(bytes > 0);
	/* Less than a segment may have no place at all for some originals */
	if (limits->min_align_mask >= limits->boundary_mask &&
	    mem->nslabs < SLOTS_PER_SEG)
		return;

	for (i = 0; i < 300; i++) {
		struct swiotlb_req req = PLAIN_REQ(bytes);
		struct swiotlb_span span;
		phys_addr_t last;

		req.min_align_mask = limits->min_align_mask;
		req.boundary_mask = limits->boundary_mask;
		req.dma_offset = limits->dma_offset;
		req.orig_addr = 0x10000000 + model_random_below(&seed, 1 << 19);
		if (i < 64)
			req.orig_addr = 0x10000000 + i / 2 * 2048 - (i & 1);
		if (i % 3 == 1)
			req.size = model_random_below(&seed, bytes) + 1;
		last = req.orig_addr + req.size - 1;
		if (limits->min_align_mask >= limits->boundary_mask &&
		    (req.orig_addr ^ last) & ~limits->boundary_mask)
			continue;

		test_note("%lu slots at %#llx, min_align %#x, boundary %#llx: max %zu, origin %#llx size %zu",
			  mem->nslabs,
			  (unsigned long long)(mem->start + req.dma_offset),
			  req.min_align_mask,
			  (unsigned long long)req.boundary_mask, bytes,
			  (unsigned long long)req.orig_addr, req.size);
		CHECK_EQ(span_alloc(mem, &req, &span), 0);
		span_free(&span);
	}
}

static void check_honesty_of_pool(phys_addr_t base, unsigned int nr_slots,
				  unsigned int nr_areas)
{
	/* Reasonable ones: no more than a segment is lost, nor all of it */
	static const unsigned int masks[] = {
		0, 0x1ff, 0x7ff, 0xe00, 0xfff, 0x1fff, 0xffff,
	};
	static const u64 boundaries[] = {
		U64_MAX, 0xffffffff, 0x3ffff, 0x1ffff, 0xffff, 0xfff,
	};
	struct swiotlb_mem mem;
	unsigned int m, b;

	make_pool_at(&mem, base, nr_slots, nr_areas);
	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		for (b = 0; b < ARRAY_SIZE(boundaries); b++) {
			struct swiotlb_limits limits = {
				.min_align_mask = masks[m],
				.boundary_mask = boundaries[b],
			};

			check_honesty(&mem, &limits);
			limits.dma_offset = 0x7000;
			check_honesty(&mem, &limits);
		}
	}
	drop_pool(&mem);
}

TEST(fixed_max_mapping_is_honest)
{
	check_honesty_of_pool(POOL_BASE, 128, 1);
	check_honesty_of_pool(POOL_BASE, 256, 2);
	check_honesty_of_pool(POOL_BASE, 1024, 4);
	check_honesty_of_pool(POOL_BASE, 130, 1);
	check_honesty_of_pool(POOL_BASE, 640, 4);
}

TEST(fixed_max_mapping_is_honest_in_small_pools)
{
	check_honesty_of_pool(POOL_BASE, 126, 1);
	check_honesty_of_pool(POOL_BASE, 64, 1);
	check_honesty_of_pool(POOL_BASE, 32, 4);
}

TEST(fixed_max_mapping_is_honest_in_unaligned_pools)
{
	check_honesty_of_pool(POOL_BASE + 0x1000, 1024, 4);
	check_honesty_of_pool(POOL_BASE + 0x20000, 1024, 1);
	check_honesty_of_pool(POOL_BASE + 0x11000, 256, 2);
	check_honesty_of_pool(POOL_BASE + 0x3c000, 32, 1);
}
