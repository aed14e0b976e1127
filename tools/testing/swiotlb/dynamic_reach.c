// SPDX-License-Identifier: GPL-2.0
/*
 * The dynamic backend: who is given what, by where his device reaches and by what fits
 */
#include "dynamic_spans.h"

/* The last of the small holes are found, if nothing else can be had */
TEST(dynamic_refuses_nothing_that_fits)
{
	struct swiotlb_req req = PLAIN_REQ(3 * IO_TLB_SIZE);
	struct swiotlb_span highest;
	unsigned int i, nr = 0;

	shim_cc = true;
	make_dynamic(mem);
	set_param("dynamic_max_mib", "130");
	for (i = 0; i < 65536 && nr_spans < 20000; i++) {
		if (take(IO_TLB_SIZE, U64_MAX)) {
			shim_pass_ms(200);
			CHECK_EQ(take(IO_TLB_SIZE, U64_MAX), 0);
		}
		if (i % 64 == 0)
			shim_settle();
	}
	set_param("dynamic_max_mib", "2");
	shim_settle();
	while (!take(IO_TLB_SIZE, U64_MAX))
		;
	highest = spans[0];
	for (i = 1; i < nr_spans; i++) {
		if (span_start(&spans[i]) > span_start(&highest))
			highest = spans[i];
	}
	/*
	 * Holes of two slots everywhere look promising to who wants three. The one
	 * of three is in the highest pool.
	 */
	for (i = 0; i < nr_spans; i++) {
		unsigned int slot = spans[i].slot % 8;
		bool last = spans[i].pool == highest.pool &&
			    spans[i].slot / 8 == highest.slot / 8;

		if (last ? slot < 3 : slot == 1 || slot == 2)
			span_free(&spans[i]);
		else
			spans[nr++] = spans[i];
	}
	nr_spans = nr;
	/* Not at first sight: that would take too long while there may be more */
	rcu_read_lock();
	CHECK_EQ(mem->ops->alloc(mem, &req, &spans[nr_spans]), -ENOSPC);
	rcu_read_unlock();
	CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans]), 0);
	nr_spans++;
	CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans]), -ENOSPC);
	drop(nr_spans);
	drop_dynamic(mem);
}

TEST(dynamic_minds_what_devices_reach)
{
	struct io_tlb_pool *pool;

	make_dynamic(mem);
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	CHECK_EQ(shim_zone_bytes(SHIM_NORMAL), POOL_BYTES);
	CHECK_EQ(shim_zone_bytes(SHIM_DMA32), FIRST_BYTES);
	take_bytes(SZ_2M);

	/* What is left of the first pool; then at once; then a pool below 4 GiB */
	while (!take(32768, REACH_32) && !is_transient(&spans[nr_spans - 1]))
		CHECK(is_first(&spans[nr_spans - 1]));
	CHECK(is_transient(&spans[nr_spans - 1]));
	shim_settle();
	CHECK(shim_zone_bytes(SHIM_DMA32) >= FIRST_BYTES + POOL_BYTES);
	CHECK_EQ(take(32768, REACH_32), 0);
	pool = spans[nr_spans - 1].pool;
	CHECK(pool->phase == SWIOTLB_LATE && pool->start != mem->start);

	/* Who reaches nearly all of a pool is not served from it */
	CHECK_EQ(take(IO_TLB_SIZE, pool->end - 2), 0);
	CHECK(spans[nr_spans - 1].pool != pool);
	CHECK_EQ(take(IO_TLB_SIZE, pool->end - 1), 0);

	/* The first pool is out of reach of this one */
	CHECK_EQ(take(32768, REACH_24), 0);
	CHECK(is_transient(&spans[nr_spans - 1]));
	shim_settle();
	CHECK_EQ(shim_zone_bytes(SHIM_DMA), SZ_1M + 32768);
	CHECK_EQ(take(32768, REACH_24), 0);
	CHECK(!is_transient(&spans[nr_spans - 1]));

	/* No zone is made for this one: no more is had than is in reach by chance */
	CHECK_EQ(take(32768, 0x2fffffff), 0);
	/* And nothing is in reach of this one */
	CHECK_EQ(take(32768, 0x7fffff), -ENXIO);
	shim_settle();
	drop(nr_spans);
	drop_dynamic(mem);
}

/* The first zone tried is no good: what was had there is not kept */
TEST(dynamic_tries_lower_zones)
{
	const u64 limit = SHIM_FREE_START - 1;

	make_dynamic(mem);
	/* Below DMA32, but far above the end of ZONE_DMA */
	CHECK_EQ(take(4096, limit), 0);
	shim_settle();
	CHECK(shim_zone_bytes(SHIM_DMA) >= SZ_1M);
	CHECK_EQ(shim_zone_bytes(SHIM_DMA32), FIRST_BYTES);
	CHECK_EQ(take(4096, limit), 0);
	CHECK(!is_transient(&spans[nr_spans - 1]));
	drop(nr_spans);
	drop_dynamic(mem);
}

/* The bus adds or subtracts: it is the DMA address that must be in reach */
TEST(dynamic_minds_where_the_bus_puts_memory)
{
	struct swiotlb_req req = PLAIN_REQ(32768);
	unsigned int i;
	u64 dma;

	make_dynamic(mem);
	take_bytes(FIRST_BYTES * 7 / 8);
	shim_settle();
	take_bytes(FIRST_BYTES / 8);

	/* Only the lower part of DMA32 is below 4 GiB, as the device sees it */
	req.addr_limit = REACH_32;
	req.dma_offset = 0xd8000000;
	for (i = 0; i < 500; i++) {
		CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans]), 0);
		dma = span_start(&spans[nr_spans++]) + req.dma_offset;
		CHECK(dma + req.size - 1 <= REACH_32);
	}
	/* Whoever has no limit at all has none, whatever is subtracted */
	shim_settle();
	shim_pass_ms(200);
	shim_max_block = 16;
	req.addr_limit = U64_MAX;
	req.dma_offset = -(u64)SHIM_HIGH_START;
	do {
		CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans++]), 0);
	} while (!is_transient(&spans[nr_spans - 1]));
	CHECK(spans[nr_spans - 1].pool->start >= SHIM_HIGH_START);
	shim_settle();
	req.addr_limit = REACH_32;
	/* With what is subtracted the device reaches what lies high */
	req.dma_offset = -(u64)SHIM_HIGH_START;
	CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans]), 0);
	CHECK(spans[nr_spans].pool->start >= SHIM_HIGH_START);
	nr_spans++;
	shim_settle();
	drop(nr_spans);
	drop_dynamic(mem);
}

/* A device that sees all memory beyond its reach: nothing is made for it */
TEST(dynamic_minds_that_the_bus_puts_memory_too_high)
{
	struct swiotlb_req req = PLAIN_REQ(32768);
	size_t bytes;

	make_dynamic(mem);
	bytes = shim_page_bytes();
	req.addr_limit = REACH_32;
	req.dma_offset = SZ_4G;
	CHECK_EQ(span_alloc(mem, &req, &spans[0]), -ENXIO);
	shim_settle();
	CHECK_EQ(shim_page_bytes(), bytes);
	drop_dynamic(mem);
}

/* No pool is made for those who would not find room there either */
TEST(dynamic_does_not_grow_in_vain)
{
	struct swiotlb_req req = PLAIN_REQ(4096);
	unsigned int i;

	shim_cc = true;
	make_dynamic(mem);
	/* It would have to cross the end of a segment */
	req.min_align_mask = 0x3ffff;
	req.orig_addr = 0x103ffff;
	for (i = 0; i < 10; i++) {
		CHECK_EQ(span_alloc(mem, &req, &spans[0]), -ENOSPC);
		shim_pass_ms(150);
	}
	req = PLAIN_REQ(SZ_1M);
	CHECK_EQ(span_alloc(mem, &req, &spans[0]), -E2BIG);
	/* Of the places that have these bits the first pool has one, and others need have none */
	req = PLAIN_REQ(4096);
	req.min_align_mask = SZ_2M - 1;
	CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans++]), 0);
	for (i = 0; i < 10; i++) {
		CHECK_EQ(span_alloc(mem, &req, &spans[nr_spans]), -ENOSPC);
		shim_pass_ms(150);
	}
	CHECK_EQ(dynamic_bytes(mem), FIRST_BYTES);
	drop(nr_spans);
	drop_dynamic(mem);
}
