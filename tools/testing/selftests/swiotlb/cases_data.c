// SPDX-License-Identifier: GPL-2.0
/* Does every byte go where it should, and no other? One mapping at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* Masks which drivers use (0, 0xfff), and others which are as legal. */
static const u32 align_masks[] = {
	0, 0xfff, 0x1ff, 0x3ff, 0x7ff, 0x1fff, 0x3fff, 0xffff, 0x1000,
};

static const u32 sizes[] = {
	1, 2, 7, 63, 64, 511, 512, 513, 1023, 2047, 2048, 2049, 4095, 4096,
	4097, 6145, 8192, 12289, 16384, 32767, KIB(64) - 1, KIB(64),
	KIB(64) + 1, KIB(128), KIB(192), KIB(252), KIB(256) - 1, KIB(256),
};

static const u32 offsets[] = {
	0, 1, 511, 512, 2047, 2048, 2049, 4095, 0x1800, 0x3fff, 0x7801, 0xffff,
};

/* Low address bits of the arena are those of the offset, up to the margin. */
#define MARGIN		KIB(64)
#define GUARD		PAGE_BYTES
#define ARENA		(MARGIN + KIB(64) + KIB(256) + MARGIN)

static int check_address(const struct mapping *m, u32 mask)
{
	CHECK(m->bounced, "expected a bounce buffer, got the original at 0x%llx",
	      m->phys);
	CHECK(!((m->dma ^ m->phys) & mask),
	      "min_align_mask 0x%x: expected low bits 0x%llx got 0x%llx (size %zu)",
	      mask, m->phys & mask,
	      m->dma & mask, m->bytes);
	CHECK(mask || m->bytes < PAGE_BYTES || !(m->dma % PAGE_BYTES),
	      "a mapping of %zu bytes: expected page alignment, got DMA address 0x%llx",
	      m->bytes, m->dma);
	return 0;
}

/*
 * Map, look at it as the device, let the device write a part, unmap. What it
 * did not write must survive (the leak of CVE-2022-48853 was stale data there),
 * and so must what lies around the buffer.
 */
static int map_once(struct ctx *ctx, int dir, u32 mask, size_t bytes,
		    u32 offset, u64 limit)
{
	static u8 want[KIB(256) + 2 * GUARD];
	size_t off = MARGIN + offset, window = bytes + 2 * GUARD;
	size_t from = bytes / 3, to = bytes - bytes / 4;
	u8 *around = ctx->arena + off - GUARD;
	u64 tag = bytes * 65537 + offset;
	const u8 *dev = pattern(PAT_DEVICE, tag);
	struct mapping m;
	int ret;

	memcpy(want, pattern(PAT_ORIGINAL, tag), window);
	memcpy(around, want, window);
	ret = map(ctx, off, bytes, dir,
		  bytes > limit ? SWIOTLB_TEST_NO_WARN : 0, &m);
	if (ret == -EIO && bytes > limit)
		return 0;
	CHECK(!ret, "size %zu offset %u: cannot map: %s", bytes, offset,
	      strerror(-ret));
	TRY(check_address(&m, mask));

	TRY(expect_device(&m, want + GUARD,
			  "size %zu offset %u, as mapped, device side", bytes,
			  offset));
	ret = dev_write(&m, from, to - from, dev + from);
	CHECK(!ret, "device cannot write: %s", strerror(-ret));
	TRY(expect_bytes(around, want, window,
			 "size %zu offset %u, before unmap, original - %d",
			 bytes, offset, GUARD));
	ret = unmap(&m, 0);
	CHECK(!ret, "cannot unmap: %s", strerror(-ret));
	if (dir_from(dir))
		memcpy(want + GUARD + from, dev + from, to - from);
	return expect_bytes(around, want, window,
			    "size %zu offset %u, after unmap, original - %d",
			    bytes, offset, GUARD);
}

static int test_map(const struct test *test)
{
	u32 mask = test->arg[1];
	struct ctx *ctx = ctx_open(ARENA);
	u64 limit;
	size_t i, j;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, mask));
	limit = max_mapping_bytes();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(offsets); j++) {
			/* Large ones are slow, and differ by little. */
			if (j % 3 && (quick || sizes[i] > KIB(16)))
				continue;
			TRY(map_once(ctx, test->arg[0], mask, sizes[i],
				     offsets[j], limit));
		}
	}
	return 0;
}

/*
 * Partial syncs: [off, off + bytes) must be copied, the rest must not, on either
 * side. Of a mapping of 6 slots or 3 pages at first, where all edges are tried.
 */
#define SYNC_BYTES	(6 * SLOT_BYTES + 100)
#define SYNC_LARGE	KIB(250)
#define SYNC_MAX	SYNC_LARGE
#define MAX_RANGES	48

struct range {
	size_t off, bytes;
};

static size_t sync_ranges(const struct mapping *m, struct range *ranges)
{
	const struct range fixed[] = {
		{ 0, 1 }, { 0, 512 }, { 0, SLOT_BYTES }, { 1, 1 },
		{ 100, 700 }, { 511, 2 }, { 2000, 100 }, { 4000, 200 },
		{ 1000, 9000 }, { m->bytes / 2, 513 },
		{ m->bytes - 1, 1 }, { m->bytes - 513, 513 },
		{ m->bytes - SLOT_BYTES, SLOT_BYTES }, { 0, m->bytes },
	};
	size_t slot_edge = SLOT_BYTES - m->dma % SLOT_BYTES;
	size_t page_edge = PAGE_BYTES - m->dma % PAGE_BYTES;
	const struct range edges[] = {
		{ slot_edge, 1 }, { slot_edge - 1, 1 }, { slot_edge - 1, 2 },
		{ slot_edge, SLOT_BYTES },
		{ slot_edge - 1, SLOT_BYTES + 2 },
		{ slot_edge + SLOT_BYTES + 7, 3 },
		{ slot_edge + 2 * SLOT_BYTES - 1, 2 * SLOT_BYTES + 2 },
		{ page_edge - 1, 2 }, { page_edge, 1 },
		{ page_edge + PAGE_BYTES - 9, 18 },
	};
	size_t i, nr = ARRAY_SIZE(fixed) + ARRAY_SIZE(edges);
	u64 state = seed;

	memcpy(ranges, fixed, sizeof(fixed));
	memcpy(ranges + ARRAY_SIZE(fixed), edges, sizeof(edges));
	/* And some anywhere, for those parts of a large one which are far. */
	for (i = nr; i < MAX_RANGES; i++) {
		ranges[i].off = rnd_below(&state, m->bytes);
		ranges[i].bytes = 1 + rnd_below(&state,
						m->bytes - ranges[i].off);
	}
	return m->bytes > SYNC_BYTES ? MAX_RANGES : nr;
}

/* One mapping, what either side should hold, and its neighbours in the pool. */
struct sync_state {
	struct ctx *ctx;
	struct mapping m, before, after;
	u8 orig[SYNC_MAX + 2 * GUARD];	/* with guards */
	u8 dev[SYNC_MAX];
};

#define SYNC_OFF	(MARGIN + KIB(64))

static int sync_setup(struct sync_state *s, struct ctx *ctx, int dir,
		      u32 offset, size_t bytes)
{
	u8 *arena = ctx->arena;
	int ret;

	s->ctx = ctx;
	memcpy(arena, pattern(PAT_CPU, 1), SLOT_BYTES);
	memcpy(arena + KIB(8), pattern(PAT_CPU, 2), SLOT_BYTES);
	memcpy(s->orig, pattern(PAT_ORIGINAL, offset), bytes + 2 * GUARD);
	memcpy(s->dev, s->orig + GUARD, bytes);
	memcpy(arena + SYNC_OFF + offset - GUARD, s->orig, bytes + 2 * GUARD);

	ret = map(ctx, 0, SLOT_BYTES, BIDIR, 0, &s->before);
	if (!ret)
		ret = map(ctx, SYNC_OFF + offset, bytes, dir, 0, &s->m);
	if (!ret)
		ret = map(ctx, KIB(8), SLOT_BYTES, BIDIR, 0, &s->after);
	CHECK(!ret, "cannot map: %s", strerror(-ret));
	return 0;
}

static int sync_expect(struct sync_state *s, const char *when,
		       const struct range *r)
{
	TRY(expect_device(&s->m, s->dev, "%s off %zu len %zu, device side", when,
			  r->off, r->bytes));
	return expect_bytes(s->ctx->arena + s->m.off - GUARD, s->orig,
			    s->m.bytes + 2 * GUARD,
			    "%s off %zu len %zu, original - %d", when, r->off,
			    r->bytes, GUARD);
}

/* The device writes all of its side, and a part is synced for the CPU. */
static int sync_cpu_once(struct sync_state *s, const struct range *r,
			 u64 tag)
{
	int ret;

	memcpy(s->dev, pattern(PAT_DEVICE, tag), s->m.bytes);
	ret = dev_write(&s->m, 0, s->m.bytes, s->dev);
	if (!ret)
		ret = sync_range(&s->m, r->off, r->bytes, 0);
	CHECK(!ret, "cannot write or sync: %s", strerror(-ret));
	if (dir_from(s->m.dir))
		memcpy(s->orig + GUARD + r->off, s->dev + r->off, r->bytes);
	return sync_expect(s, "sync_for_cpu", r);
}

/* The CPU writes all of its side, and a part is synced for the device. */
static int sync_device_once(struct sync_state *s, const struct range *r,
			    u64 tag)
{
	int ret;

	memcpy(s->orig + GUARD, pattern(PAT_CPU, tag), s->m.bytes);
	memcpy(s->ctx->arena + s->m.off, s->orig + GUARD, s->m.bytes);
	ret = sync_range(&s->m, r->off, r->bytes, SWIOTLB_TEST_FOR_DEVICE);
	CHECK(!ret, "cannot sync: %s", strerror(-ret));
	if (dir_to(s->m.dir))
		memcpy(s->dev + r->off, s->orig + GUARD + r->off, r->bytes);
	return sync_expect(s, "sync_for_device", r);
}

static int sync_at(struct ctx *ctx, int dir, u32 mask, u32 offset, size_t bytes)
{
	static struct sync_state s;
	struct range ranges[MAX_RANGES];
	size_t i, nr;
	int ret;

	TRY(sync_setup(&s, ctx, dir, offset, bytes));
	TRY(check_address(&s.m, mask));
	nr = sync_ranges(&s.m, ranges);
	for (i = 0; i < nr; i++) {
		if (quick && i % 2)
			continue;
		TRY(sync_cpu_once(&s, &ranges[i], i));
		TRY(sync_device_once(&s, &ranges[i], i + 1000));
	}

	TRY(expect_device(&s.before, pattern(PAT_CPU, 1), "neighbour before"));
	TRY(expect_device(&s.after, pattern(PAT_CPU, 2), "neighbour after"));
	ret = unmap(&s.m, 0) ?: unmap(&s.before, 0) ?: unmap(&s.after, 0);
	CHECK(!ret, "cannot unmap: %s", strerror(-ret));
	if (dir_from(dir))
		memcpy(s.orig + GUARD, s.dev, bytes);
	return expect_bytes(ctx->arena + s.m.off - GUARD, s.orig,
			    bytes + 2 * GUARD, "after unmap, original - %d", GUARD);
}

static int test_sync(const struct test *test)
{
	static const u32 sync_offsets[] = {
		0, 1, 512, 2047, 2048, 3000, 4095, 0x1801,
	};
	u32 mask = test->arg[1];
	struct ctx *ctx = ctx_open(ARENA);
	size_t i;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, mask));
	for (i = 0; i < ARRAY_SIZE(sync_offsets); i++) {
		/* Large ones are slow: at two offsets only. */
		if (test->arg[2] > SYNC_BYTES && i % 4 != 1)
			continue;
		if (sync_at(ctx, test->arg[0], mask, sync_offsets[i],
			    test->arg[2]))
			return fail("... with a buffer at offset %u",
				    sync_offsets[i]);
	}
	return 0;
}

/*
 * Setting a DMA mask lets the DMA layer skip syncs for a coherent device, until
 * the first bounce. Forgetting the "until" makes this sync do nothing.
 */
static int test_sync_first(const struct test *test)
{
	struct ctx *ctx = ctx_open(PAGE_BYTES);
	struct mapping m;

	(void)test;
	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, 0));
	memcpy(ctx->arena, pattern(PAT_ORIGINAL, 3), PAGE_BYTES);
	CHECK(!map(ctx, 0, PAGE_BYTES, FROM, 0, &m), "cannot map");
	CHECK(!dev_write(&m, 0, PAGE_BYTES, pattern(PAT_DEVICE, 3)) &&
	      !sync_range(&m, 0, PAGE_BYTES, 0), "cannot write or sync");
	return expect_bytes(ctx->arena, pattern(PAT_DEVICE, 3), PAGE_BYTES,
			    "first sync after dma_set_mask()");
}

/* With interrupts off, as most of the kernel's drivers map and unmap. */
static int test_atomic(const struct test *test)
{
	struct ctx *ctx = ctx_open(KIB(256));
	const u32 flags = SWIOTLB_TEST_ATOMIC;
	struct mapping m;
	size_t i;

	(void)test;
	if (!ctx)
		return -1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memcpy(ctx->arena, pattern(PAT_ORIGINAL, i), sizes[i]);
		CHECK(!map(ctx, 0, sizes[i], BIDIR, flags, &m),
		      "cannot map %u bytes", sizes[i]);
		TRY(expect_device(&m, pattern(PAT_ORIGINAL, i), "as mapped"));
		CHECK(!dev_write(&m, 0, sizes[i], pattern(PAT_DEVICE, i)) &&
		      !sync_range(&m, 0, sizes[i], flags), "cannot sync");
		TRY(expect_bytes(ctx->arena, pattern(PAT_DEVICE, i), sizes[i],
				 "size %u, after sync", sizes[i]));
		CHECK(!unmap(&m, flags), "cannot unmap");
	}
	return 0;
}

/* DMA_ATTR_SKIP_CPU_SYNC on unmap: nothing is copied back. */
static int test_skip_unmap(const struct test *test)
{
	struct ctx *ctx = ctx_open(KIB(256));
	struct mapping m;
	size_t i;

	if (!ctx)
		return -1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memcpy(ctx->arena, pattern(PAT_ORIGINAL, i), KIB(256));
		CHECK(!map(ctx, 0, sizes[i], test->arg[0], 0, &m), "cannot map");
		CHECK(!dev_write(&m, 0, sizes[i], pattern(PAT_DEVICE, i)),
		      "cannot write");
		CHECK(!unmap(&m, SWIOTLB_TEST_SKIP_SYNC), "cannot unmap");
		TRY(expect_bytes(ctx->arena, pattern(PAT_ORIGINAL, i), KIB(256),
				 "size %u, after unmap", sizes[i]));
	}
	return 0;
}

/*
 * The same on map does not spare the copy: a bounce buffer with whatever was in
 * it before would reach the device, and on unmap the CPU.
 */
static int test_skip_map(const struct test *test)
{
	struct ctx *ctx = ctx_open(KIB(256));
	struct mapping m;
	size_t i;

	if (!ctx)
		return -1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memcpy(ctx->arena, pattern(PAT_ORIGINAL, i), KIB(256));
		CHECK(!map(ctx, 0, sizes[i], test->arg[0],
			   SWIOTLB_TEST_SKIP_SYNC, &m), "cannot map");
		TRY(expect_device(&m, pattern(PAT_ORIGINAL, i),
				  "size %u, as mapped", sizes[i]));
		CHECK(!unmap(&m, 0), "cannot unmap");
		TRY(expect_bytes(ctx->arena, pattern(PAT_ORIGINAL, i), KIB(256),
				 "size %u, after unmap", sizes[i]));
	}
	return 0;
}

/*
 * A driver's bug: a sync that reaches beyond the mapping. It may warn, which is
 * why this group must be asked for, but it must not copy what is beyond.
 */
static int test_overflow(const struct test *test)
{
	bool for_device = test->arg[1];
	static const struct range beyond[] = {
		{ 0, 3001 }, { 2999, 2 }, { 2048, 4096 }, { 0, KIB(64) },
	};
	struct ctx *ctx = ctx_open(KIB(256));
	struct mapping m, neighbours[8];
	u8 *want;
	size_t i, j;

	want = malloc(KIB(64));
	if (!ctx || !want)
		return fail("no memory");
	for (j = 0; j < ARRAY_SIZE(beyond); j++) {
		memcpy(want, pattern(PAT_ORIGINAL, j), KIB(64));
		memcpy(ctx->arena, want, KIB(64));
		CHECK(!map(ctx, 0, 3000, test->arg[0], 0, &m), "cannot map");
		for (i = 0; i < ARRAY_SIZE(neighbours); i++) {
			memcpy(ctx->arena + KIB(128) + i * 4096,
			       pattern(PAT_CPU, i), SLOT_BYTES);
			CHECK(!map(ctx, KIB(128) + i * 4096, SLOT_BYTES, TO, 0,
				   &neighbours[i]), "cannot map");
		}
		CHECK(!dev_write(&m, 0, 3000, pattern(PAT_DEVICE, j)),
		      "cannot write");
		CHECK(!sync_range(&m, beyond[j].off, beyond[j].bytes,
				  SWIOTLB_TEST_OVERFLOW |
				  (for_device ? SWIOTLB_TEST_FOR_DEVICE : 0)),
		      "cannot sync");
		if (!for_device && dir_from(m.dir))
			memcpy(want + beyond[j].off,
			       pattern(PAT_DEVICE, j) + beyond[j].off,
			       3000 - beyond[j].off);
		TRY(expect_bytes(ctx->arena, want, KIB(64),
				 "sync off %zu len %zu of 3000, original",
				 beyond[j].off, beyond[j].bytes));
		for (i = 0; i < ARRAY_SIZE(neighbours); i++) {
			TRY(expect_device(&neighbours[i], pattern(PAT_CPU, i),
					  "sync off %zu len %zu of 3000, neighbour",
					  beyond[j].off, beyond[j].bytes));
			CHECK(!unmap(&neighbours[i], 0), "cannot unmap");
		}
		CHECK(!unmap(&m, SWIOTLB_TEST_SKIP_SYNC), "cannot unmap");
	}
	free(want);
	return 0;
}

void add_data_tests(void)
{
	size_t i;
	int dir;

	for (dir = 0; dir < NR_DIRS; dir++)
		for (i = 0; i < ARRAY_SIZE(align_masks); i++)
			add_test("map", test_map, dir, align_masks[i], 0,
				 "%s.mask-0x%x", dir_names[dir], align_masks[i]);

	for (dir = 0; dir < NR_DIRS; dir++)
		for (i = 0; i < ARRAY_SIZE(align_masks); i++)
			add_test("sync", test_sync, dir, align_masks[i],
				 SYNC_BYTES, "%s.mask-0x%x", dir_names[dir],
				 align_masks[i]);
	for (dir = 0; dir < NR_DIRS; dir++)
		for (i = 0; i < 2; i++)
			add_test("sync", test_sync, dir, align_masks[i],
				 SYNC_LARGE, "%s.large.mask-0x%x",
				 dir_names[dir], align_masks[i]);
	add_test("sync", test_sync_first, 0, 0, 0, "first-after-dma-mask");

	for (dir = 0; dir < NR_DIRS; dir++) {
		add_test("attrs", test_skip_unmap, dir, 0, 0,
			 "%s.skip-cpu-sync-on-unmap", dir_names[dir]);
		add_test("attrs", test_skip_map, dir, 0, 0,
			 "%s.skip-cpu-sync-on-map", dir_names[dir]);
	}
	add_test("attrs", test_atomic, 0, 0, 0, "interrupts-off");

	for (dir = 0; dir < NR_DIRS; dir++) {
		add_test("overflow", test_overflow, dir, false, 0,
			 "%s.sync-for-cpu", dir_names[dir]);
		add_test("overflow", test_overflow, dir, true, 0,
			 "%s.sync-for-device", dir_names[dir]);
	}
}
