// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: where buffers go, by rules in bytes
 */
#include "cc_mem.h"

#define MAX_SPANS	40000

static struct swiotlb_mem mem;
static struct cc_span spans[MAX_SPANS];
static unsigned int nr_spans;

static int take(const struct swiotlb_req *req)
{
	struct cc_span *s = &spans[nr_spans];
	int err;

	CHECK(nr_spans < MAX_SPANS);
	err = span_alloc(&mem, req, &s->span);
	if (err)
		return err;
	s->req = *req;
	nr_spans++;
	CHECK_OK(span_is_wrong(&s->span, req));
	return 0;
}

static int take_bytes(size_t bytes)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);

	return take(&req);
}

static void drop(unsigned int i)
{
	span_free(&spans[i].span);
	spans[i] = spans[--nr_spans];
}

static void drop_all(void)
{
	while (nr_spans)
		drop(nr_spans - 1);
}

/* A map of what is taken, in units of 256 bytes, for each chunk ever seen */
static u8 *unit_of(phys_addr_t paddr)
{
	static u8 *units[SHIM_RAM_END >> CC_CHUNK_SHIFT];
	u8 **u = &units[paddr >> CC_CHUNK_SHIFT];

	if (!*u)
		*u = calloc(CC_CHUNK_BYTES / 256, 1);
	return *u + paddr % CC_CHUNK_BYTES / 256;
}

static void mark(const struct swiotlb_span *span, bool taken)
{
	phys_addr_t paddr = span_start(span);
	phys_addr_t end = paddr + ((phys_addr_t)span->nr_slots <<
				   span->pool->slot_shift);

	for (; paddr < end; paddr += 256) {
		CHECK_EQ(*unit_of(paddr), !taken);
		*unit_of(paddr) = taken;
	}
}

static struct swiotlb_req random_req(u64 *seed)
{
	struct swiotlb_req req = {
		.orig_addr = 0x10000000 + model_random_below(seed, 1 << 22),
		.size = model_random_below(seed, 1 << (6 + model_random_below(seed, 16))) + 1,
		.boundary_mask = U64_MAX,
		.addr_limit = U64_MAX,
	};

	switch (model_random_below(seed, 8)) {
	case 0:
		req.min_align_mask = 0xfff;
		break;
	case 1:
		req.min_align_mask = (1U << model_random_below(seed, 17)) - 1;
		break;
	case 2:
		make_coherent(&req);
		break;
	case 3:
		req.alloc_align_mask = 0xfff;
		req.align_end = true;
		break;
	case 4:
		req.boundary_mask = U64_MAX >> model_random_below(seed, 55);
		break;
	case 5:
		req.addr_limit = REACH_32;
		break;
	case 6:
		req.dma_offset = (u64)model_random_below(seed, 4096) << PAGE_SHIFT;
		break;
	}
	return req;
}

/* Any request, at any time: no overlap, no rule broken, all freed in the end */
static void use_at_random(unsigned int nr_ops, unsigned int max_mapped)
{
	unsigned int i, nr_fails = 0, nr_too_big = 0;
	u64 seed = 1;
	int err;

	for (i = 0; i < nr_ops; i++) {
		struct swiotlb_req req = random_req(&seed);

		shim_cpu = model_random_below(&seed, 4);
		test_note("op %u: origin %#llx size %#zx min_align %#x alloc_align %#x end %d boundary %#llx at %#llx",
			  i, (unsigned long long)req.orig_addr, req.size,
			  req.min_align_mask, req.alloc_align_mask,
			  req.align_end, (unsigned long long)req.boundary_mask,
			  (unsigned long long)req.dma_offset);
		if (nr_spans && (nr_spans == max_mapped ||
				 model_random_below(&seed, 100) < 48)) {
			unsigned int nr = model_random_below(&seed, nr_spans);

			mark(&spans[nr].span, false);
			drop(nr);
			continue;
		}
		err = take(&req);
		if (err == -ENOSPC)
			nr_fails++;
		else if (err == -E2BIG)
			nr_too_big++;
		else
			CHECK_EQ(err, 0);
		if (!err)
			mark(&spans[nr_spans - 1].span, true);
		if (i % 64 == 0)
			shim_settle();
	}
	printf("  %u operations, %u found no room, %u too large, %zu MiB\n",
	       nr_ops, nr_fails, nr_too_big, cc_bytes(&mem) / SZ_1M);
	while (nr_spans) {
		mark(&spans[nr_spans - 1].span, false);
		drop(nr_spans - 1);
	}
}

TEST(cc_keeps_all_rules)
{
	make_cc(&mem);
	use_at_random(30000, 1000);
	drop_cc(&mem);
}

TEST(cc_keeps_all_rules_when_full)
{
	make_cc(&mem);
	stop_growth(&mem);
	use_at_random(30000, 4000);
	drop_cc(&mem);
}

TEST(cc_smoke)
{
	make_cc(&mem);
	CHECK_EQ(take_bytes(4096), 0);
	CHECK_EQ(mem.ops->used(&mem), 4096);
	CHECK_EQ(take_bytes(200), 0);
	CHECK_EQ(take_bytes(SZ_2M), 0);
	CHECK_EQ(take_bytes(SZ_2M + 1), -E2BIG);
	drop_all();
	drop_cc(&mem);
}

/* Could it be had from an empty chunk? In steps of 256 bytes, by the rules above */
static bool could_fit(const struct swiotlb_req *req, phys_addr_t chunk)
{
	u64 pos, offset;

	if (req->size > CC_CHUNK_BYTES)
		return false;
	for (pos = 0; pos < CC_CHUNK_BYTES; pos += 256) {
		u64 start = chunk + req->dma_offset + pos, end;

		if (start & req->alloc_align_mask)
			continue;
		/* The buffer begins behind its start by less than what is aligned */
		offset = (req->orig_addr - start) & req->min_align_mask;
		end = start + offset + req->size;
		if (req->align_end)
			end = ALIGN(end, (u64)req->alloc_align_mask + 1);
		if (end > chunk + req->dma_offset + CC_CHUNK_BYTES)
			continue;
		if (((start + offset) & ~req->boundary_mask) ==
		    ((start + offset + req->size - 1) & ~req->boundary_mask))
			return true;
	}
	return false;
}

/* "Never" is said only to what is larger than what can be had at a time */
TEST(cc_refuses_only_what_never_fits)
{
	unsigned int i, nr_refused = 0, nr_strict = 0;
	u64 seed = 7;

	make_cc(&mem);
	for (i = 0; i < 20000; i++) {
		struct swiotlb_req req = random_req(&seed);
		struct swiotlb_limits limits = {
			.min_align_mask = req.min_align_mask,
			.boundary_mask = req.boundary_mask,
			.dma_offset = req.dma_offset,
		};
		bool crosses = (req.orig_addr & req.boundary_mask) + req.size - 1 >
			       req.boundary_mask;
		int err;

		test_note("op %u: origin %#llx size %#zx min_align %#x alloc_align %#x end %d boundary %#llx at %#llx",
			  i, (unsigned long long)req.orig_addr, req.size,
			  req.min_align_mask, req.alloc_align_mask,
			  req.align_end, (unsigned long long)req.boundary_mask,
			  (unsigned long long)req.dma_offset);
		err = take(&req);
		if (err == -ENOSPC) {
			/* All chunks have slots that CPUs keep: kccd sees to it */
			shim_settle();
			err = take(&req);
		}
		if (!err)
			drop(0);
		else if (err == -E2BIG)
			nr_refused++;
		if (!could_fit(&req, mem.start))
			continue;
		/* Where the bus shifts addresses by less than a slot, less is had */
		if (err == -E2BIG && !(req.dma_offset & (SZ_16K - 1)))
			nr_strict++;
		/* Promised */
		if (!req.alloc_align_mask && !crosses &&
		    req.size <= mem.ops->max_mapping(&mem, &limits))
			CHECK_EQ(err, 0);
	}
	printf("  %u refused, of which %u could be had\n", nr_refused, nr_strict);
	CHECK_EQ(nr_strict, 0);
	drop_cc(&mem);
}

/* Every request up to what is promised succeeds, whatever its address */
TEST(cc_max_mapping_is_honest)
{
	static const unsigned int masks[] = { 0, 0x1ff, 0x7ff, 0xfff, 0x3fff, 0xffff };
	static const u64 boundaries[] = { U64_MAX, 0xffffffff, 0x1fffff, 0xfffff,
					  0xffff, 0xfff, 0x7ff, 0x1ff };
	static const u64 offsets[] = { 0, 0x80000000, 0x1000, 0x4000 };
	unsigned int m, b, o, k;

	boot_early("8192,cc", 0, NULL);
	boot_initcalls();
	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		for (b = 0; b < ARRAY_SIZE(boundaries); b++) {
			for (o = 0; o < ARRAY_SIZE(offsets); o++) {
				struct swiotlb_limits limits = {
					.min_align_mask = masks[m],
					.boundary_mask = boundaries[b],
					.dma_offset = offsets[o],
				};
				struct swiotlb_req req = {
					.min_align_mask = masks[m],
					.boundary_mask = boundaries[b],
					.dma_offset = offsets[o],
					.addr_limit = U64_MAX,
				};
				struct swiotlb_span span;

				req.size = default_mem()->ops->max_mapping(default_mem(),
									   &limits);
				CHECK(req.size);
				for (k = 0; k < 64; k++) {
					req.orig_addr = 0x10000000 + k * 0x211;
					if ((req.orig_addr & boundaries[b]) +
					    req.size - 1 > boundaries[b])
						continue;
					test_note("size %#zx origin %#llx mask %#x boundary %#llx offset %#llx",
						  req.size,
						  (unsigned long long)req.orig_addr,
						  masks[m],
						  (unsigned long long)boundaries[b],
						  (unsigned long long)offsets[o]);
					CHECK_EQ(span_alloc(default_mem(), &req, &span), 0);
					CHECK_OK(span_is_wrong(&span, &req));
					span_free(&span);
				}
			}
		}
	}
}

/* As much as before for everybody who is asked for nothing special, 2 MiB at boot */
TEST(cc_promises_what_can_be_kept)
{
	const struct swiotlb_limits none = { .boundary_mask = U64_MAX };
	const struct swiotlb_limits shifted = {
		.boundary_mask = U64_MAX,
		.dma_offset = SZ_2K,
	};
	struct swiotlb_req req = PLAIN_REQ(4096);

	make_cc(&mem);
	/* Who chose it on the running system can go back */
	CHECK_EQ(mem.ops->max_mapping(&mem, &none), SZ_256K);
	req.dma_offset = SZ_2K;
	CHECK_EQ(take(&req), -E2BIG);
	drop_cc(&mem);
	CHECK_EQ(swiotlb_cc.max_mapping(&(struct swiotlb_mem){}, &none), SZ_2M);
	/* Such a bus there is not, and nothing is promised there, nor had */
	CHECK_EQ(swiotlb_cc.max_mapping(&(struct swiotlb_mem){}, &shifted), 0);
	boot_with("8192,cc");
	CHECK_EQ(default_mem()->ops->max_mapping(default_mem(), &none), SZ_2M);
}

/* A stray address leads to no buffer, and least of all to a neighbour's */
TEST(cc_stray_addresses_lead_nowhere)
{
	struct device dev = {};
	struct swiotlb_span span;
	struct io_tlb_pool *pool;
	phys_addr_t paddr, start;
	size_t size;

	make_cc(&mem);
	stop_growth(&mem);
	for (size = 200; size <= SZ_1M; size *= 4) {
		CHECK_EQ(take_bytes(size), 0);
		swiotlb_record(&spans[0].span, spans[0].req.orig_addr, size);
		start = buffer_of(&spans[0].span);
		pool = spans[0].span.pool;
		CHECK(swiotlb_find_pool(&dev, start) == pool);
		for (paddr = pool->start; paddr < pool->end; paddr += 128) {
			/* That, or a slab in it */
			struct io_tlb_pool *found = swiotlb_find_pool(&dev, paddr);

			CHECK(found && found->start <= paddr && paddr < found->end);
			if (paddr != start)
				CHECK_EQ(swiotlb_forget(found, paddr, &span), 0);
		}
		CHECK_EQ(swiotlb_forget(pool, start, &span), size);
		drop(0);
		/* Freed, or cut up for others: nothing is there */
		CHECK_EQ(swiotlb_forget(pool, start, &span), 0);
		shim_settle();
		pool = swiotlb_find_pool(&dev, start);
		CHECK(pool);
		CHECK_EQ(swiotlb_forget(pool, start, &span), 0);
	}
	drop_cc(&mem);
}

/* Records of small slots have no room for an offset, even if nothing else is free */
TEST(cc_offsets_need_larger_slots)
{
	static const unsigned int masks[] = { 0, 0xff, 0x1ff, 0x3ff, 0x7ff, 0xfff };
	static const unsigned int sizes[] = { 1, 200, 500, 1000, 1024, 2000 };
	static const unsigned int offsets[] = { 0, 1, 64, 255, 256, 512, 1024, 2048 };
	unsigned int m, s, o;
	struct swiotlb_req req;

	make_cc_of(&mem, SZ_8M);
	stop_growth(&mem);
	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			for (o = 0; o < ARRAY_SIZE(offsets); o++) {
				test_note("%u bytes at %u, mask %#x", sizes[s],
					  offsets[o], masks[m]);
				req = (struct swiotlb_req)PLAIN_REQ(sizes[s]);
				req.orig_addr = 0x10000000 + offsets[o];
				req.min_align_mask = masks[m];
				CHECK_EQ(take(&req), 0);
				CHECK_EQ(spans[0].span.pool->packed,
					 !(offsets[o] & masks[m]) &&
					 max(sizes[s], masks[m] + 1) <= SZ_1K);
				drop(0);
			}
		}
	}

	while (!take_bytes(1000))
		shim_settle();
	for (s = 0; s < nr_spans && !spans[s].span.pool->packed; s++)
		;
	drop(s);
	cc_cpus_flush(cc_of(&mem), true);
	for (m = 1; m < ARRAY_SIZE(masks); m++) {
		req = (struct swiotlb_req)PLAIN_REQ(20);
		req.orig_addr = 0x10000001;
		req.min_align_mask = masks[m];
		CHECK_EQ(take(&req), -ENOSPC);
	}
	CHECK_EQ(take_bytes(1000), 0);
	drop_all();
	drop_cc(&mem);
}

/* Where an address may be longer than a packed record holds, none are packed */
TEST(cc_packs_no_long_addresses)
{
	static const unsigned int bits[] = { 32, 52, 53, 56, 64 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		shim_physmem_bits = bits[i];
		make_cc(&mem);
		CHECK_EQ(take_bytes(200), 0);
		CHECK_EQ(spans[0].span.pool->packed, bits[i] <= 52);
		CHECK_EQ(take_bytes(4096), 0);
		CHECK(!spans[1].span.pool->packed);
		drop_all();
		drop_cc(&mem);
	}
}

/* What part of memory is in use for data when the first request finds nothing */
static unsigned int percent_used(size_t bytes, unsigned int offset_step,
				 unsigned int mask)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);
	unsigned int i, percent;
	u64 seed = 1;

	make_cc_of(&mem, 64UL << 20);
	stop_growth(&mem);
	req.min_align_mask = mask;
	for (i = 0; nr_spans < MAX_SPANS; i++) {
		req.orig_addr = 0x10000000 + (u64)offset_step *
				model_random_below(&seed, 1000);
		if (take(&req))
			break;
		if (i % 64 == 0)
			shim_settle();
	}
	percent = 100ULL * nr_spans * bytes / cc_bytes(&mem);
	printf("  %zu bytes, mask %#x: %u %%\n", bytes, mask, percent);
	drop_all();
	drop_cc(&mem);
	return percent;
}

TEST(cc_wastes_little)
{
	/* 64 MiB / 40000 spans: sizes of 1700 bytes and more fill it */
	CHECK(percent_used(2000, 0, 0) >= 93);
	CHECK(percent_used(4096, 0, 0) >= 96);
	CHECK(percent_used(4096, 512, 0xfff) >= 61);
	CHECK(percent_used(65536, 0, 0) >= 96);
	CHECK(percent_used(SZ_1M - 4096, 4096, 0xfff) >= 90);
}

/* Before kccd, before initcalls, before anything else */
TEST(cc_works_so_early)
{
	static const size_t sizes[] = { 1, 500, 1000, 2000, 4096, 5000, 65536 };
	struct swiotlb_span span[ARRAY_SIZE(sizes)];
	struct swiotlb_req large = PLAIN_REQ(SZ_2M);
	unsigned int i;

	boot_early("cc,force", 0, NULL);
	/* As nobody asked for more */
	CHECK_EQ(default_mem()->nslabs << IO_TLB_SHIFT, SZ_8M);
	CHECK_EQ(span_alloc(default_mem(), &large, &span[0]), 0);
	span_free(&span[0]);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct swiotlb_req req = PLAIN_REQ(sizes[i]);

		CHECK_EQ(span_alloc(default_mem(), &req, &span[i]), 0);
		CHECK_OK(span_is_wrong(&span[i], &req));
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		span_free(&span[i]);
	boot_initcalls();
	CHECK_EQ(default_mem()->ops->used(default_mem()), 0);
}

TEST(cc_boots_with_the_size_asked_for)
{
	shim_cc = true;
	shim_granule = SZ_2M;
	boot_with("32768,cc");
	CHECK_EQ(default_mem()->nslabs << IO_TLB_SHIFT, 64UL << 20);
	CHECK_EQ(shim_shared_bytes(), 64UL << 20);
	CHECK_EQ(shim_nr_misaligned, 0);
}

/* No confidential platform, and a device that reaches less: no list is unset */
TEST(cc_boots_anywhere)
{
	struct device dev = {};
	u64 mask = REACH_32;
	dma_addr_t addr;

	dev.dma_mask = &mask;
	dev.seg_boundary = 0xffffffff;
	boot_with("8192,cc");
	swiotlb_dev_init(&dev);
	addr = swiotlb_map(&dev, 0x8000000, 3000, DMA_TO_DEVICE, 0);
	CHECK(addr != DMA_MAPPING_ERROR && addr + 2999 <= REACH_32);
	swiotlb_tbl_unmap_single(&dev, addr, 3000, DMA_TO_DEVICE, 0);
	CHECK_EQ(default_mem()->ops->used(default_mem()), 0);
}

TEST(cc_does_not_start_without_conversion)
{
	shim_cc = true;
	shim_refuse_conversions = 1;
	boot_early("8192,cc", 0, NULL);
	CHECK(!default_mem());
	CHECK(shim_log_has("backend cc cannot share them"));
}

TEST_DEVICE(dev);

/* Data at any offset, through the whole of the API */
TEST(cc_syncs_any_part)
{
	static struct buffer buffers[12];
	unsigned int i, round;

	boot_with("8192,cc,force");
	swiotlb_dev_init(&dev);
	dev.min_align_mask = 0xfff;
	for (i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffer_init(&buffers[i], i, (37UL << i) % MAX_BUFFER_BYTES + 1);
		CHECK(buffer_map(&buffers[i], &dev));
	}
	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(buffers); i++) {
			buffer_to_device(&buffers[i]);
			buffer_to_cpu(&buffers[i]);
		}
	}
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		buffer_unmap(&buffers[i]);
	CHECK_EQ(used_bytes("cc"), 0);
}
