// SPDX-License-Identifier: GPL-2.0
/* Where mappings lie: boundaries, the largest mapping, the device's reach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static const u32 align_masks[] = {
	0, 0xfff, 0x1ff, 0x3ff, 0x7ff, 0x1fff, 0x3fff, 0xffff, 0x1000,
};

/* ---- segment boundaries ---- */

#define BOUNDARY_CELLS	96
#define BOUNDARY_SLOTS	4096		/* what they may need at once */

/*
 * Many mappings at once, since it is the later ones which would straddle. What
 * the boundary allows must succeed: a segment of 256 KiB has room for 64 KiB.
 */
static int boundary_round(struct ctx **ctxs, u64 boundary, u32 mask,
			  u64 *state)
{
	size_t room = boundary < KIB(256) ? boundary + 1 : KIB(252);
	static struct mapping maps[BOUNDARY_CELLS];
	int i, ret;

	for (i = 0; i < BOUNDARY_CELLS; i++) {
		struct ctx *ctx = ctxs[i / 12];
		size_t off = rnd_below(state, room) & 0xfff;
		size_t limit = rnd_below(state, 3) ? 8192 : room;
		size_t bytes;

		/* With a mask the offset takes a part of the room. */
		if (limit > room)
			limit = room;
		if (mask)
			limit = limit > off ? limit - off : 1;
		bytes = rnd_below(state, 4) ? 1 + rnd_below(state, limit) : limit;
		ret = map(ctx, (i % 12) * KIB(260) + off, bytes, TO, 0, &maps[i]);
		CHECK(!ret, "cannot map %zu bytes at offset %zu within 0x%llx: %s",
		      bytes, off, boundary, strerror(-ret));
		CHECK((maps[i].dma | boundary) ==
		      ((maps[i].dma + bytes - 1) | boundary),
		      "%zu bytes at DMA address 0x%llx cross a boundary of 0x%llx",
		      bytes, maps[i].dma,
		      boundary);
		CHECK(!((maps[i].dma ^ maps[i].phys) & mask),
		      "min_align_mask 0x%x: original 0x%llx, DMA address 0x%llx",
		      mask, maps[i].phys,
		      maps[i].dma);
		/* Every other one goes at once, for holes to fill. */
		if (i % 2)
			CHECK(!unmap(&maps[i - 1], 0), "cannot unmap");
	}
	for (i = 1; i < BOUNDARY_CELLS; i += 2)
		CHECK(!unmap(&maps[i], 0), "cannot unmap");
	return 0;
}

static int test_boundary(const struct test *test)
{
	struct ctx *ctxs[BOUNDARY_CELLS / 12];
	long nr_slots = pool_nr_slots();
	u64 state = seed;
	size_t i;

	if (nr_slots >= 0 && nr_slots < BOUNDARY_SLOTS)
		return skip("needs a pool of %d slots, has %ld", BOUNDARY_SLOTS,
			    nr_slots);
	for (i = 0; i < ARRAY_SIZE(ctxs); i++) {
		ctxs[i] = ctx_open(MIB(4));
		if (!ctxs[i])
			return -1;
	}
	TRY(dev_params(DMA_MASK_64, test->arg[0], test->arg[1]));
	for (i = 0; i < (quick ? 4 : 16); i++)
		TRY(boundary_round(ctxs, test->arg[0], test->arg[1], &state));
	return 0;
}

/* ---- the largest mapping ---- */

#define MAX_BYTES	MIB(2)		/* what the arena has room for */
#define MAX_BASE	KIB(64)

/*
 * dma_max_mapping_size() promises: what is not larger can be mapped, whatever
 * its offset (tried: the last byte of every slot that the mask tells apart).
 * And it is not shy: a slot more fails somewhere. Failing means an error, or, where
 * the kernel makes pools for single mappings, that it had to.
 */
static int test_max(const struct test *test)
{
	u32 mask = test->arg[0], offset, slots = mask / SLOT_BYTES + 1;
	struct ctx *ctx = ctx_open(MIB(4));
	u64 limit, tag = mask;
	int ret, nr_refused = 0;
	struct mapping m;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, mask));
	limit = max_mapping_bytes();
	CHECK(limit >= PAGE_BYTES, "dma_max_mapping_size() is %llu",
	      limit);
	if (limit > MAX_BYTES)
		return skip("dma_max_mapping_size() is %llu: more than an arena",
			    limit);

	memcpy(ctx->arena, pattern(PAT_ORIGINAL, tag), MIB(1));
	for (offset = SLOT_BYTES - 1; slots--; offset += SLOT_BYTES) {
		ret = map(ctx, MAX_BASE + offset, limit, BIDIR, 0, &m);
		CHECK(!ret, "mask 0x%x offset %u: expected a mapping of %llu bytes, got: %s",
		      mask, offset, limit, strerror(-ret));
		if (limit + offset + MAX_BASE <= MIB(1))
			TRY(expect_device(&m, pattern(PAT_ORIGINAL, tag) +
					  MAX_BASE + offset, "offset %u", offset));
		CHECK(!unmap(&m, 0), "cannot unmap");

		ret = map(ctx, MAX_BASE + offset, limit + SLOT_BYTES, BIDIR,
			  SWIOTLB_TEST_NO_WARN, &m);
		nr_refused += ret || pool_nr_transient() > 0;
		if (!ret)
			CHECK(!unmap(&m, 0), "cannot unmap");
		else
			CHECK(ret == -EIO, "expected a mapping error, got: %s",
			      strerror(-ret));
	}
	CHECK(nr_refused, "mask 0x%x: %llu bytes always work, dma_max_mapping_size() is %llu",
	      mask, limit + SLOT_BYTES,
	      limit);
	return 0;
}

/* Far too large: refused, and nothing is taken. */
static int test_too_large(const struct test *test)
{
	static const size_t sizes[] = { MIB(1), MIB(2), MIB(4) };
	struct ctx *ctx = ctx_open(MIB(4));
	u64 limit = max_mapping_bytes();
	struct mapping m;
	size_t i;
	int ret;

	(void)test;
	if (!ctx)
		return -1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ret = map(ctx, 0, sizes[i], TO, SWIOTLB_TEST_NO_WARN, &m);
		CHECK(ret == (sizes[i] > limit ? -EIO : 0),
		      "%zu bytes, dma_max_mapping_size() is %llu: got %d",
		      sizes[i], limit, ret);
		CHECK(ret || !unmap(&m, 0), "cannot unmap");
	}
	return 0;
}

/* ---- strict: right, but more than legacy does ---- */

/* Legacy forgets the boundary, and promises what it then refuses. */
static int test_strict_max(const struct test *test)
{
	struct ctx *ctx = ctx_open(MIB(4));
	u64 limit;
	struct mapping m;
	int ret;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, test->arg[0], 0));
	limit = max_mapping_bytes();
	ret = limit > MAX_BYTES ? -EIO :
	      map(ctx, 0, limit, BIDIR, SWIOTLB_TEST_NO_WARN, &m);
	CHECK(!ret, "boundary 0x%llx: dma_max_mapping_size() is %llu, which cannot be mapped",
	      test->arg[0], limit);
	return 0;
}

/*
 * Legacy drops the bits of the pool's address above the boundary before it
 * compares bits for min_align_mask: wrong unless the pool is aligned as much.
 */
static int test_strict_mask(const struct test *test)
{
	struct ctx *ctx = ctx_open(KIB(256));
	struct mapping m;
	u32 offset;

	(void)test;
	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, PAGE_BYTES - 1, 0xffff));
	for (offset = 0; offset < KIB(64); offset += PAGE_BYTES) {
		CHECK(!map(ctx, offset, SLOT_BYTES, TO, 0, &m), "cannot map");
		CHECK(!((m.dma ^ m.phys) & 0xffff),
		      "boundary 0xfff, min_align_mask 0xffff: original 0x%llx, DMA address 0x%llx",
		      m.phys, m.dma);
	}
	return 0;
}

/*
 * A device which cannot reach the pool: refused, or within reach, and nothing
 * lost. Legacy warns with a backtrace, so this group must be asked for.
 */
static int test_reach(const struct test *test)
{
	u64 mask = test->arg[0];
	struct ctx *ctx = ctx_open(KIB(64));
	struct mapping m;
	int i, ret;

	if (!ctx)
		return -1;
	ret = dev_try_params(mask, BOUNDARY_4G, 0);
	if (ret)
		return skip("the platform has no such DMA mask: %s",
			    strerror(-ret));
	for (i = 0; i < 64; i++) {
		ret = map(ctx, i * 1024, 1000, BIDIR, SWIOTLB_TEST_NO_WARN, &m);
		CHECK(!ret || ret == -EIO, "got: %s", strerror(-ret));
		CHECK(ret || m.dma + m.bytes - 1 <= mask,
		      "DMA address 0x%llx is out of reach, DMA mask 0x%llx",
		      m.dma, mask);
	}
	return 0;
}

void add_placement_tests(void)
{
	static const struct {
		const char *name;
		u64 mask;
	} boundaries[] = {
		{ "4k", KIB(4) - 1 }, { "64k", KIB(64) - 1 },
		{ "1m", MIB(1) - 1 }, { "4g", BOUNDARY_4G },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boundaries); i++) {
		add_test("boundary", test_boundary, boundaries[i].mask, 0, 0,
			 "%s", boundaries[i].name);
		add_test("boundary", test_boundary, boundaries[i].mask, 0xfff, 0,
			 "%s.mask-0xfff", boundaries[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(align_masks); i++)
		add_test("max", test_max, align_masks[i], 0, 0,
			 "mapping-size.mask-0x%x", align_masks[i]);
	add_test("max", test_too_large, 0, 0, 0, "too-large-is-an-error");

	for (i = 0; i < 2; i++)
		add_test("strict", test_strict_max, boundaries[i].mask, 0, 0,
			 "mapping-size.boundary-%s", boundaries[i].name);
	add_test("strict", test_strict_mask, 0, 0, 0, "mask-wider-than-boundary");
	add_test("reach", test_reach, (1ULL << 24) - 1, 0, 0, "24-bits");
	add_test("reach", test_reach, (1ULL << 28) - 1, 0, 0, "28-bits");
}
