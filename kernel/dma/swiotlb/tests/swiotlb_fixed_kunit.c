// SPDX-License-Identifier: GPL-2.0
/*
 * The fixed backend: what a request means, and a pool of the test's own
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/swiotlb.h>

#include "../areas.h"
#include "../internal.h"
#include "fit_model.h"
#include "slots_model.h"

#define POOL_SLOTS	1024
#define POOL_BYTES	((size_t)POOL_SLOTS << IO_TLB_SHIFT)

/* A request must be allowed to lie just where the model allows it to */
static void expect_fit(struct kunit *test, const struct swiotlb_req *req,
		       phys_addr_t start)
{
	struct slot_fit fit;
	unsigned int offset, slot;
	int err = area_fit(req, start, &fit, &offset);

	if (!fit_model_is_small_enough(req)) {
		KUNIT_EXPECT_EQ(test, err, -E2BIG);
		return;
	}
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, offset, fit_model(req).offset);
	KUNIT_EXPECT_EQ(test, fit.nr_slots << IO_TLB_SHIFT,
			ALIGN(fit_model(req).bytes, IO_TLB_SIZE));

	for (slot = 0; slot < 2 * SLOTS_PER_SEG; slot++) {
		unsigned long nr = fit.base + slot;
		bool allowed = (nr & fit.mask) == fit.bits &&
			       (nr & ~fit.boundary) ==
			       ((nr + fit.nr_slots - 1) & ~fit.boundary);

		KUNIT_ASSERT_EQ_MSG(test, allowed,
				    fit_model_allows(req, start + req->dma_offset +
						     slot * IO_TLB_SIZE),
				    "slot %u, origin %pa, size %zu, min_align %#x, alloc_align %#x, boundary %#llx",
				    slot, &req->orig_addr, req->size,
				    req->min_align_mask, req->alloc_align_mask,
				    req->boundary_mask);
	}
}

static void fixed_fit_is_as_ever(struct kunit *test)
{
	unsigned int i;
	u64 seed = 1;

	for (i = 0; i < 5000; i++) {
		struct swiotlb_req req = {
			.orig_addr = model_random(&seed),
			.size = model_random_below(&seed, 2U << i % 19) + 1,
			.min_align_mask = model_random(&seed) &
					  model_random(&seed) &
					  ((2U << i % 18) - 1),
			.alloc_align_mask =
				(1U << model_random_below(&seed, 18)) - 1,
			.align_end = i & 1,
			.boundary_mask = U64_MAX >>
					 model_random_below(&seed, 55),
			.dma_offset = (u64)model_random_below(&seed, 1024) *
				      PAGE_SIZE,
		};

		if (i % 3)
			req.alloc_align_mask = 0;
		if (i % 3 == 2)
			req.min_align_mask = 0;
		expect_fit(test, &req, (phys_addr_t)PAGE_SIZE *
				       model_random_below(&seed, 4096));
	}
}

static void exit_pool(void *data)
{
	struct swiotlb_mem *mem = data;

	mem->ops->exit(mem);
}

static struct swiotlb_mem *make_pool(struct kunit *test, unsigned int nr_areas)
{
	struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = POOL_BYTES,
		.nr_areas = nr_areas,
		.gfp = GFP_KERNEL,
	};
	struct swiotlb_domain *domain;
	struct swiotlb_mem *mem;

	domain = kunit_kzalloc(test, sizeof(*domain), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	INIT_LIST_HEAD(&domain->mems);
	mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mem->ops = &swiotlb_fixed;
	mem->domain = domain;
	KUNIT_ASSERT_EQ(test, mem->ops->init(mem, &params), 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, exit_pool, mem));
	/* It may settle for less, but then this machine is too small */
	KUNIT_ASSERT_EQ(test, mem->nslabs, POOL_SLOTS);
	return mem;
}

/* As the core calls them */
static int span_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		      struct swiotlb_span *span)
{
	guard(rcu)();
	return mem->ops->alloc(mem, req, span);
}

static void span_free(const struct swiotlb_span *span)
{
	guard(rcu)();
	span->pool->ops->free(span);
}

/* All of it can be had, in pieces of any size, and nothing twice */
static void fixed_gives_out_all(struct kunit *test)
{
	struct swiotlb_req req = {
		.boundary_mask = U64_MAX, .addr_limit = U64_MAX,
	};
	DECLARE_BITMAP(used, POOL_SLOTS) = {};
	struct swiotlb_span *spans;
	struct swiotlb_mem *mem;
	unsigned int nr_slots, nr;

	spans = kunit_kcalloc(test, POOL_SLOTS + 1, sizeof(*spans), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, spans);
	mem = make_pool(test, 4);

	for (nr_slots = 1; nr_slots <= SLOTS_PER_SEG; nr_slots *= 2) {
		req.size = (size_t)nr_slots << IO_TLB_SHIFT;
		for (nr = 0; !span_alloc(mem, &req, &spans[nr]); nr++) {
			KUNIT_ASSERT_EQ(test, spans[nr].nr_slots, nr_slots);
			KUNIT_ASSERT_GE(test,
					find_next_bit(used,
						      spans[nr].slot + nr_slots,
						      spans[nr].slot),
					spans[nr].slot + nr_slots);
			bitmap_set(used, spans[nr].slot, nr_slots);
		}
		KUNIT_EXPECT_EQ(test, nr, POOL_SLOTS / nr_slots);
		KUNIT_EXPECT_EQ(test, mem->ops->used(mem), POOL_BYTES);
		KUNIT_EXPECT_EQ(test, span_alloc(mem, &req, &spans[nr]),
				-ENOSPC);

		while (nr--)
			span_free(&spans[nr]);
		bitmap_zero(used, POOL_SLOTS);
		KUNIT_EXPECT_EQ(test, mem->ops->used(mem), 0);
	}
}

static void fixed_says_why_not(struct kunit *test)
{
	struct swiotlb_mem *mem = make_pool(test, 1);
	struct swiotlb_req req = {
		.size = (SLOTS_PER_SEG << IO_TLB_SHIFT) + 1,
		.boundary_mask = U64_MAX,
		.addr_limit = U64_MAX,
	};
	struct swiotlb_span span = {};

	KUNIT_EXPECT_EQ(test, span_alloc(mem, &req, &span), -E2BIG);
	req.size = 1;
	req.addr_limit = mem->start - 1;
	KUNIT_EXPECT_EQ(test, span_alloc(mem, &req, &span), -ENXIO);
	KUNIT_EXPECT_NULL(test, span.pool);
}

/* The largest mapping that it admits to can be had from any address */
static void fixed_max_mapping_is_honest(struct kunit *test)
{
	static const struct swiotlb_limits limits[] = {
		{ 0, U64_MAX }, { 0xfff, U64_MAX }, { 0x1ff, 0xffff },
		{ 0xffff, 0xffffffff }, { 0xfff, 0xfff },
	};
	struct swiotlb_mem *mem = make_pool(test, 2);
	unsigned int i, page_offset;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct swiotlb_req req = {
			.min_align_mask = limits[i].min_align_mask,
			.boundary_mask = limits[i].boundary_mask,
			.addr_limit = U64_MAX,
		};
		struct swiotlb_span span;

		for (page_offset = 0; page_offset < 0x20000; page_offset += 257) {
			size_t room = (limits[i].boundary_mask & 0xffffff) + 1 -
				      (page_offset & limits[i].boundary_mask &
				       0xffffff);

			/* As in the original, so between boundaries */
			req.size = mem->ops->max_mapping(mem, &limits[i]);
			if (req.min_align_mask >= limits[i].boundary_mask)
				req.size = min(req.size, room);
			req.orig_addr = page_offset;
			KUNIT_ASSERT_EQ_MSG(test,
					    span_alloc(mem, &req, &span), 0,
					    "limits %u, offset %#x, size %zu",
					    i, page_offset, req.size);
			span_free(&span);
		}
	}
}

static struct kunit_case fixed_test_cases[] = {
	KUNIT_CASE(fixed_fit_is_as_ever),
	KUNIT_CASE(fixed_gives_out_all),
	KUNIT_CASE(fixed_says_why_not),
	KUNIT_CASE(fixed_max_mapping_is_honest),
	{}
};

static struct kunit_suite fixed_test_suite = {
	.name = "swiotlb_fixed",
	.test_cases = fixed_test_cases,
};

kunit_test_suite(fixed_test_suite);

MODULE_DESCRIPTION("Tests of swiotlb's fixed backend");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
