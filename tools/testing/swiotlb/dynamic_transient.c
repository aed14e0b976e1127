// SPDX-License-Identifier: GPL-2.0
/*
 * Transient pools: any request that they take gets what it needs, byte by byte
 */
#include "../../../kernel/dma/swiotlb/tests/fit_model.h"
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "dynamic_mem.h"

#define MAX_BYTES	(256UL << 10)

static struct swiotlb_mem mem;
static struct swiotlb_span spans[FIRST_BYTES / MAX_BYTES];

/* Nothing is left but transient pools, and there will be nothing */
static void make_full(void)
{
	struct swiotlb_req req = PLAIN_REQ(MAX_BYTES);
	unsigned int i;

	make_dynamic(&mem);
	/* Enough for the largest request with any offset */
	shim_max_block = 2 * MAX_BYTES / PAGE_SIZE;
	for (i = 0; i < ARRAY_SIZE(spans); i++)
		CHECK_EQ(span_alloc(&mem, &req, &spans[i]), 0);
}

static void drop_full(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spans); i++)
		span_free(&spans[i]);
	drop_dynamic(&mem);
}

static void check_span(const struct swiotlb_req *req,
		       const struct swiotlb_span *span)
{
	const struct io_tlb_pool *pool = span->pool;
	u64 start = pool->start + req->dma_offset;
	u64 buffer = start + span->offset;
	u64 end = pool->end + req->dma_offset;

	CHECK_EQ(pool->phase, SWIOTLB_ATOMIC);
	CHECK_EQ(span->slot, 0);
	CHECK_EQ(span->nr_slots, 1);
	CHECK_EQ(pool->nr_slots, 1);
	CHECK_EQ(1UL << pool->slot_shift, pool->end - pool->start);
	CHECK(span->offset <= SWIOTLB_MAX_OFFSET);

	CHECK(buffer + req->size <= end);
	CHECK(!((buffer ^ req->orig_addr) & req->min_align_mask));
	CHECK(!(start & req->alloc_align_mask));
	if (req->align_end)
		CHECK(!(end & req->alloc_align_mask));
	CHECK_EQ(buffer & ~req->boundary_mask,
		 (buffer + req->size - 1) & ~req->boundary_mask);
	CHECK(end - 1 <= req->addr_limit);
}

/* Addresses in it lead to it, from the first byte to the last, and no others */
static void check_lookup(struct io_tlb_pool *pool, bool lives)
{
	static struct device dev;

	/* Beside it may lie one that is just being freed */
	guard(rcu)();
	CHECK_EQ(swiotlb_find_pool(&dev, pool->start) == pool, lives);
	CHECK_EQ(swiotlb_find_pool(&dev, pool->end - 1) == pool, lives);
	CHECK(swiotlb_find_pool(&dev, pool->start - 1) != pool);
	CHECK(swiotlb_find_pool(&dev, pool->end) != pool);
}

static struct swiotlb_req random_req(u64 *seed)
{
	struct swiotlb_req req = PLAIN_REQ(1);

	req.size = model_random_below(seed, 2U << model_random_below(seed, 17)) + 1;
	req.orig_addr = 0x10000000 + model_random(seed);
	switch (model_random_below(seed, 5)) {
	case 0:
		req.min_align_mask = 0xfff;
		break;
	case 1:
		req.min_align_mask = model_random(seed) & 0x1ffff;
		break;
	case 2:
		req.alloc_align_mask = (1 << model_random_below(seed, 17)) - 1;
		req.align_end = true;
		req.min_align_mask = model_random(seed) & 0xfff;
		break;
	}
	req.boundary_mask = U64_MAX >> model_random_below(seed, 50);
	if (model_random_below(seed, 2))
		req.addr_limit = REACH_32;
	req.dma_offset = (u64)model_random_below(seed, 4) << 20;
	return req;
}

static void serve(const struct swiotlb_req *req)
{
	struct swiotlb_span span = {};
	int err;

	test_note("origin %#llx size %zu min_align %#x alloc_align %#x boundary %#llx offset %#llx",
		  (unsigned long long)req->orig_addr, req->size,
		  req->min_align_mask, req->alloc_align_mask,
		  (unsigned long long)req->boundary_mask,
		  (unsigned long long)req->dma_offset);
	err = span_alloc(&mem, req, &span);
	if (err == -E2BIG)
		return;
	if (err) {
		u64 offset = req->orig_addr & req->min_align_mask;

		/* The only reason: a boundary within the buffer */
		CHECK_EQ(err, -ENOSPC);
		CHECK((offset & req->boundary_mask) + req->size - 1 >
		      req->boundary_mask);
		return;
	}

	check_span(req, &span);
	check_lookup(span.pool, true);
	/* What the kernel had there before is none of the device's business */
	CHECK(!*(u8 *)span.pool->vaddr);
	CHECK(!memcmp(span.pool->vaddr, span.pool->vaddr + 1,
		      span.pool->end - span.pool->start - 1));
	memset(span.pool->vaddr, 0x5a, span.pool->end - span.pool->start);
	span_free(&span);
}

TEST(transient_serves_any_request)
{
	unsigned int i;
	u64 seed = 1;

	make_full();
	for (i = 0; i < 3000; i++) {
		struct swiotlb_req req = random_req(&seed);

		serve(&req);
		if (i % 4 == 0)
			shim_settle();
	}
	drop_full();
}

TEST(transient_is_gone_when_reaped)
{
	struct swiotlb_req req = PLAIN_REQ(20000);
	struct io_tlb_pool was;
	struct swiotlb_span span;

	make_full();
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	was = *span.pool;
	CHECK_EQ(was.end - was.start, 32768);
	check_lookup(span.pool, true);
	span_free(&span);
	shim_settle();
	check_lookup(&was, false);
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);
	drop_full();
}

/* Alignment of DMA addresses is lost where the bus shifts them by less */
TEST(transient_minds_odd_offsets)
{
	struct swiotlb_req req = PLAIN_REQ(20000);
	struct swiotlb_span span;

	make_full();
	req.dma_offset = 0x4000;
	CHECK_EQ(span_alloc(&mem, &req, &span), -ENOSPC);
	req.dma_offset = 0x8000;
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	check_span(&req, &span);
	span_free(&span);
	drop_full();
}

/* The offset of a buffer in its pool, and so what it is aligned to, has an end */
TEST(transient_aligns_up_to_a_limit)
{
	static const struct {
		unsigned int min_align_mask, alloc_align_mask;
		int err;
	} cases[] = {
		{ SWIOTLB_MAX_OFFSET, 0, 0 },
		{ 2 * SWIOTLB_MAX_OFFSET + 1, 0, -ENOSPC },
		{ 0, SWIOTLB_MAX_OFFSET, 0 },
		{ 0, 2 * SWIOTLB_MAX_OFFSET + 1, -ENOSPC },
	};
	struct swiotlb_req req = PLAIN_REQ(MAX_BYTES);
	struct swiotlb_span span;
	unsigned int i;
	int err;

	/* So early that nobody makes other pools */
	boot_early("1024,4,dynamic", 0, NULL);
	for (i = 0; i < ARRAY_SIZE(spans); i++)
		CHECK_EQ(span_alloc(default_mem(), &req, &spans[i]), 0);
	req = PLAIN_REQ(4096);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		test_note("case %u", i);
		req.min_align_mask = cases[i].min_align_mask;
		req.alloc_align_mask = cases[i].alloc_align_mask;
		err = span_alloc(default_mem(), &req, &span);
		CHECK_EQ(err, cases[i].err);
		if (err)
			continue;
		check_span(&req, &span);
		span_free(&span);
	}
}

/* Memory that was out of reach after all is given back by the worker */
TEST(transient_gives_back_what_is_out_of_reach)
{
	struct swiotlb_req req = PLAIN_REQ(4096);
	struct swiotlb_span span;

	make_full();
	/* DMA32 begins above, ZONE_DMA is below */
	req.addr_limit = 0x1fffffff;
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	CHECK(span_start(&span) < SHIM_DMA_END);
	span_free(&span);
	shim_settle();
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);
	shim_zone_is_empty[SHIM_DMA] = true;
	CHECK(span_alloc(&mem, &req, &span) < 0);
	shim_settle();
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);

	/* It may begin in reach, and end beyond */
	shim_zone_is_empty[SHIM_DMA] = false;
	req.size = 16384;
	req.addr_limit = REACH_32;
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	CHECK(span_start(&span) >= SHIM_FREE_START);
	req.addr_limit = span_start(&span) + 16384 - 2;
	span_free(&span);
	shim_settle();
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	CHECK(span_start(&span) < SHIM_DMA_END);
	span_free(&span);
	shim_settle();
	CHECK_EQ(shim_page_bytes(), FIRST_BYTES);
	drop_full();
}

TEST(transient_without_memory)
{
	struct swiotlb_req req = PLAIN_REQ(4096);
	struct swiotlb_span span;
	unsigned int nth;
	long live;

	make_full();
	/* Tables of lookup.c stay */
	CHECK_EQ(span_alloc(&mem, &req, &span), 0);
	span_free(&span);
	shim_settle();
	live = shim_live;
	for (nth = 1; nth < 5; nth++) {
		test_note("allocation %u fails", nth);
		shim_fail_alloc(nth);
		if (!span_alloc(&mem, &req, &span))
			span_free(&span);
		shim_settle();
		CHECK_EQ(shim_live, live);
		if (!shim_alloc_failed())
			break;
	}
	CHECK_EQ(nth, 3);
	drop_full();
}

/* In an interrupt as well; the shim warns of whatever might sleep */
TEST(transient_in_interrupts)
{
	struct swiotlb_req req = PLAIN_REQ(4096);
	struct swiotlb_span span;
	unsigned int i;

	make_full();
	for (i = 0; i < 100; i++) {
		shim_context.in_interrupt = true;
		CHECK_EQ(span_alloc(&mem, &req, &span), 0);
		span_free(&span);
		shim_context.in_interrupt = false;
	}
	drop_full();
}
