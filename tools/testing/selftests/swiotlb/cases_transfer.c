// SPDX-License-Identifier: GPL-2.0
/* Scatterlists, coherent memory, the device's own DMA engine, wrong requests. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "harness.h"

/* ---- scatterlists ---- */

#define SG_STRIDE	KIB(64)
#define SG_ARENA	(SWIOTLB_TEST_MAX_SEGS * SG_STRIDE)

/* Segments of all kinds of sizes and offsets, each in its own 64 KiB. */
static void sg_layout(struct swiotlb_test_map *arg, int dir, u64 *state)
{
	static const u32 seg_bytes[] = {
		1, 511, 512, 2048, 2049, 4095, 4096, 8192, 12345, 32768,
	};
	u32 i;

	memset(arg, 0, sizeof(*arg));
	arg->dir = dir;
	arg->flags = SWIOTLB_TEST_SG;
	arg->nr_segs = 1 + rnd_below(state, SWIOTLB_TEST_MAX_SEGS);
	for (i = 0; i < arg->nr_segs; i++) {
		arg->segs[i].offset = i * SG_STRIDE + rnd_below(state, 8192);
		arg->segs[i].bytes =
			seg_bytes[rnd_below(state, ARRAY_SIZE(seg_bytes))];
	}
}

static int sg_expect(struct ctx *ctx, const struct swiotlb_test_map *arg,
		     const u8 *arena, const u8 *device,
		     const char *when)
{
	static u8 buf[SG_STRIDE];
	u32 i;

	for (i = 0; i < arg->nr_segs; i++) {
		size_t off = arg->segs[i].offset, bytes = arg->segs[i].bytes;

		CHECK(!dev_xfer(ctx, arg->id, i, 0, bytes, buf, 0),
		      "cannot read segment %u", i);
		TRY(expect_bytes(buf, device + off, bytes,
				 "%s, device side of segment %u of %u", when, i,
				 arg->nr_segs));
	}
	return expect_bytes(ctx->arena, arena, SG_ARENA, "%s, originals", when);
}

static int sg_once(struct ctx *ctx, int dir, u32 mask, u64 *state)
{
	static u8 arena[SG_ARENA], device[SG_ARENA];
	struct swiotlb_test_sync sync = {};
	struct swiotlb_test_unmap un = {};
	struct swiotlb_test_map arg;
	u64 tag = rnd(state);
	u32 i;
	int ret;

	sg_layout(&arg, dir, state);
	memcpy(arena, pattern(PAT_ORIGINAL, tag), SG_ARENA);
	memcpy(device, arena, SG_ARENA);
	memcpy(ctx->arena, arena, SG_ARENA);
	ret = map_ioctl(ctx, &arg);
	CHECK(!ret, "cannot map %u segments: %s", arg.nr_segs, strerror(-ret));
	TRY(sg_expect(ctx, &arg, arena, device, "as mapped"));

	for (i = 0; i < arg.nr_segs; i++) {
		struct swiotlb_test_seg *seg = &arg.segs[i];

		CHECK(seg->bounced && !((seg->dma ^ seg->phys) & mask),
		      "segment %u: bounced %u, min_align_mask 0x%x, original 0x%llx, DMA address 0x%llx",
		      i, seg->bounced, mask, seg->phys,
		      seg->dma);
		/* The first half of each segment. */
		memcpy(device + seg->offset,
		       pattern(PAT_DEVICE, tag) + seg->offset,
		       seg->bytes / 2 + 1);
		CHECK(!dev_xfer(ctx, arg.id, i, 0, seg->bytes / 2 + 1,
				device + seg->offset, SWIOTLB_TEST_WRITE),
		      "cannot write segment %u", i);
		if (dir_from(dir))
			memcpy(arena + seg->offset, device + seg->offset,
			       seg->bytes);
	}
	sync.id = arg.id;
	CHECK(!ioctl(ctx->fd, SWIOTLB_TEST_IOC_SYNC, &sync), "cannot sync");
	TRY(sg_expect(ctx, &arg, arena, device, "sync_for_cpu"));

	for (i = 0; i < arg.nr_segs; i++) {
		struct swiotlb_test_seg *seg = &arg.segs[i];

		memcpy(arena + seg->offset, pattern(PAT_CPU, tag) + seg->offset,
		       seg->bytes);
		if (dir_to(dir))
			memcpy(device + seg->offset, arena + seg->offset,
			       seg->bytes);
	}
	memcpy(ctx->arena, arena, SG_ARENA);
	sync.flags = SWIOTLB_TEST_FOR_DEVICE;
	CHECK(!ioctl(ctx->fd, SWIOTLB_TEST_IOC_SYNC, &sync), "cannot sync");
	TRY(sg_expect(ctx, &arg, arena, device, "sync_for_device"));

	un.id = arg.id;
	CHECK(!ioctl(ctx->fd, SWIOTLB_TEST_IOC_UNMAP, &un), "cannot unmap");
	for (i = 0; i < arg.nr_segs && dir_from(dir); i++)
		memcpy(arena + arg.segs[i].offset, device + arg.segs[i].offset,
		       arg.segs[i].bytes);
	return expect_bytes(ctx->arena, arena, SG_ARENA, "after unmap");
}

static int test_sg(const struct test *test)
{
	struct ctx *ctx = ctx_open(SG_ARENA);
	u64 state = seed;
	int i;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, test->arg[1]));
	for (i = 0; i < (quick ? 4 : 16); i++)
		TRY(sg_once(ctx, test->arg[0], test->arg[1], &state));
	return 0;
}

/* A segment that cannot be mapped: those before it are undone, uncopied. */
static int test_sg_rollback(const struct test *test)
{
	struct ctx *ctx = ctx_open(MIB(4));
	struct swiotlb_test_map arg = {
		.dir = FROM,
		.flags = SWIOTLB_TEST_SG | SWIOTLB_TEST_NO_WARN,
		.nr_segs = 3,
		.segs = {
			{ .offset = 0, .bytes = 4096 },
			{ .offset = KIB(64), .bytes = 8192 },
			{ .offset = MIB(1), .bytes = max_mapping_bytes() + 1 },
		},
	};
	long nr_used = pool_nr_used();
	int i, ret;

	(void)test;
	if (!ctx)
		return -1;
	if (arg.segs[2].bytes > MIB(3))
		return skip("no mapping is too large");
	memcpy(ctx->arena, pattern(PAT_ORIGINAL, 7), MIB(1));
	for (i = 0; i < 100; i++) {
		ret = map_ioctl(ctx, &arg);
		CHECK(ret == -EIO, "expected a refusal, got %d", ret);
	}
	TRY(expect_bytes(ctx->arena, pattern(PAT_ORIGINAL, 7), MIB(1),
			 "after refusal"));
	return nr_used < 0 ? 0 : pool_settle(nr_used);
}

/* ---- coherent memory ---- */

static int test_coherent(const struct test *test)
{
	static const u32 sizes[] = {
		1, 64, 4096, 4097, 8192, 20000, KIB(64), KIB(256), MIB(1),
	};
	static u8 buf[MIB(1)];
	struct ctx *ctx = ctx_open(PAGE_BYTES);
	size_t i;

	(void)test;
	if (!ctx)
		return -1;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct swiotlb_test_coherent arg = { .bytes = sizes[i] };
		struct swiotlb_test_unmap un = {};
		u64 align = PAGE_BYTES;

		CHECK(!ioctl(ctx->fd, SWIOTLB_TEST_IOC_COHERENT, &arg),
		      "cannot allocate %u bytes: %s", sizes[i], strerror(errno));
		while (align < sizes[i])
			align *= 2;
		CHECK(!(arg.dma % align),
		      "%u bytes: expected alignment to %llu, got DMA address 0x%llx",
		      sizes[i], align,
		      arg.dma);
		memset(buf, 0, sizes[i]);
		memcpy(buf, pattern(PAT_CPU, i), sizes[i]);
		CHECK(!dev_xfer(ctx, arg.id, 0, 0, sizes[i], buf,
				SWIOTLB_TEST_WRITE | SWIOTLB_TEST_CPU) &&
		      !dev_xfer(ctx, arg.id, 0, 0, sizes[i], buf, 0),
		      "cannot access %u bytes", sizes[i]);
		TRY(expect_bytes(buf, pattern(PAT_CPU, i), sizes[i],
				 "%u bytes, written by the CPU, device side",
				 sizes[i]));
		memcpy(buf, pattern(PAT_DEVICE, i), sizes[i]);
		CHECK(!dev_xfer(ctx, arg.id, 0, 0, sizes[i], buf,
				SWIOTLB_TEST_WRITE) &&
		      !dev_xfer(ctx, arg.id, 0, 0, sizes[i], buf,
				SWIOTLB_TEST_CPU),
		      "cannot access %u bytes", sizes[i]);
		TRY(expect_bytes(buf, pattern(PAT_DEVICE, i), sizes[i],
				 "%u bytes, written by the device, CPU side",
				 sizes[i]));
		un.id = arg.id;
		CHECK(!ioctl(ctx->fd, SWIOTLB_TEST_IOC_UNMAP, &un),
		      "cannot free %u bytes", sizes[i]);
	}
	return 0;
}

/* ---- the device's own DMA engine: 0.1 s for each transfer ---- */

static int edu_run(struct mapping *m, size_t off, size_t bytes,
		   u32 edu_offset, int dir)
{
	struct swiotlb_test_edu arg = {
		.id = m->id, .offset = off, .bytes = bytes,
		.edu_offset = edu_offset, .dir = dir,
	};

	if (ioctl(m->ctx->fd, SWIOTLB_TEST_IOC_EDU, &arg))
		return fail("the device's DMA engine: %s", strerror(errno));
	return 0;
}

/* Out with one mapping, back in with another, not all of it: a real device. */
static int test_edu(const struct test *test)
{
	size_t bytes = test->arg[0], offset = test->arg[1];
	size_t back_off = bytes / 4, back = bytes - bytes / 2;
	struct ctx *ctx = ctx_open(KIB(64));
	static u8 want[KIB(32)];
	struct mapping out, in;

	if (!ctx)
		return -1;
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, test->arg[2]));
	memcpy(ctx->arena, pattern(PAT_ORIGINAL, bytes), KIB(32));
	memcpy(want, pattern(PAT_CPU, bytes), KIB(32));
	memcpy(ctx->arena + KIB(32), want, KIB(32));

	CHECK(!map(ctx, offset, bytes, TO, 0, &out), "cannot map");
	TRY(edu_run(&out, 0, bytes, 0, TO));
	CHECK(!unmap(&out, 0), "cannot unmap");

	CHECK(!map(ctx, KIB(32) + offset, bytes, FROM, 0, &in), "cannot map");
	TRY(edu_run(&in, back_off, back, back_off, FROM));
	TRY(expect_bytes(ctx->arena + KIB(32), want, KIB(32),
			 "%zu bytes in, before unmap", back));
	CHECK(!unmap(&in, 0), "cannot unmap");
	memcpy(want + offset + back_off,
	       pattern(PAT_ORIGINAL, bytes) + offset + back_off, back);
	TRY(expect_bytes(ctx->arena + KIB(32), want, KIB(32),
			 "%zu bytes in, after unmap", back));
	return expect_bytes(ctx->arena, pattern(PAT_ORIGINAL, bytes), KIB(32),
			    "%zu bytes out, original", bytes);
}

/* A descriptor ring's life: mapped once, synced for every transfer. */
static int test_edu_ring(const struct test *test)
{
	struct ctx *ctx = ctx_open(KIB(16));
	static u8 want[KIB(16)];
	const size_t bytes = 3000;
	struct mapping m;
	int turn;

	(void)test;
	if (!ctx)
		return -1;
	memset(want, 0, sizeof(want));
	CHECK(!map(ctx, 1000, 9000, BIDIR, 0, &m), "cannot map");
	for (turn = 0; turn < 2; turn++) {
		size_t from = 17 + turn * 100, to = from + bytes + 700;

		memcpy(want + 1000 + from, pattern(PAT_CPU, turn), bytes);
		memcpy(ctx->arena, want, sizeof(want));
		CHECK(!sync_range(&m, from, bytes, SWIOTLB_TEST_FOR_DEVICE),
		      "cannot sync");
		TRY(edu_run(&m, from, bytes, 500, TO));
		TRY(edu_run(&m, to, bytes, 500, FROM));
		CHECK(!sync_range(&m, to, bytes, 0), "cannot sync");
		memcpy(want + 1000 + to, pattern(PAT_CPU, turn), bytes);
		TRY(expect_bytes(ctx->arena, want, sizeof(want), "turn %d",
				 turn));
	}
	CHECK(!unmap(&m, 0), "cannot unmap");
	return expect_bytes(ctx->arena, want, sizeof(want), "after unmap");
}

/* ---- the module refuses what it should: a test of the test ---- */

static int refuses(int fd, unsigned long cmd, void *arg, int want,
		   const char *what)
{
	int got = ioctl(fd, cmd, arg) ? errno : 0;

	CHECK(got == want, "%s: expected errno %d got %d", what, want, got);
	return 0;
}

static int test_input(const struct test *test)
{
	struct swiotlb_test_params params = {
		.dma_mask = ~0ULL, .seg_boundary_mask = 0xfff, .max_seg_bytes = 1,
	};
	struct swiotlb_test_sync sync = { .offset = 4096, .bytes = 1 };
	struct swiotlb_test_map bad = { .nr_segs = 1 };
	struct swiotlb_test_unmap un = { .id = 12345 };
	struct swiotlb_test_edu edu = { .bytes = 4096, .dir = TO };
	struct ctx *ctx = ctx_open(PAGE_BYTES);
	struct swiotlb_test_xfer xfer = { .bytes = 1 };
	u64 bytes = PAGE_BYTES;
	struct mapping m;

	(void)test;
	if (!ctx)
		return -1;
	CHECK(!map(ctx, 0, PAGE_BYTES, BIDIR, 0, &m), "cannot map");
#define REFUSES(cmd, arg, err, what) \
	TRY(refuses(ctx->fd, SWIOTLB_TEST_IOC_##cmd, arg, err, what))
	REFUSES(ARENA, &bytes, EBUSY, "second arena");
	REFUSES(MAP, &bad, EINVAL, "zero bytes");
	bad.segs[0].bytes = PAGE_BYTES + 1;
	REFUSES(MAP, &bad, EINVAL, "beyond the arena");
	bad.segs[0].bytes = ~0ULL;
	bad.segs[0].offset = 2;
	REFUSES(MAP, &bad, EINVAL, "a range that wraps");
	bad.segs[0] = (struct swiotlb_test_seg) { .bytes = 1 };
	bad.dir = 3;
	REFUSES(MAP, &bad, EINVAL, "no direction");
	bad.dir = TO;
	bad.nr_segs = 2;
	REFUSES(MAP, &bad, EINVAL, "two segments without SG");
	bad.nr_segs = SWIOTLB_TEST_MAX_SEGS + 1;
	bad.flags = SWIOTLB_TEST_SG;
	REFUSES(MAP, &bad, EINVAL, "too many segments");
	REFUSES(MAP, NULL, EFAULT, "no argument");
	REFUSES(UNMAP, &un, ENOENT, "unknown mapping");
	un.id = m.id;
	sync.id = m.id;
	xfer.id = m.id;
	edu.id = m.id;
	REFUSES(SYNC, &sync, EINVAL, "sync beyond the mapping");
	REFUSES(XFER, &xfer, EFAULT, "no buffer");
	xfer.offset = PAGE_BYTES;
	REFUSES(XFER, &xfer, EINVAL, "transfer beyond the mapping");
	REFUSES(EDU, &edu, EINVAL, "more than the device takes");
	REFUSES(PARAMS, &params, EBUSY, "parameters with a live mapping");
	CHECK(!unmap(&m, 0), "cannot unmap");
	params.seg_boundary_mask = 0x5fff;
	REFUSES(PARAMS, &params, EINVAL, "boundary mask with a hole");
#undef REFUSES
	return 0;
}

void add_transfer_tests(void)
{
	static const u32 masks[] = { 0, 0xfff, 0x1ff };
	size_t i;
	int dir;

	add_test("input", test_input, 0, 0, 0, "refused-with-errno");
	for (dir = 0; dir < NR_DIRS; dir++)
		for (i = 0; i < ARRAY_SIZE(masks); i++)
			add_test("sg", test_sg, dir, masks[i], 0,
				 "%s.mask-0x%x", dir_names[dir], masks[i]);
	add_test("sg", test_sg_rollback, 0, 0, 0, "refused-segment-undoes-all");
	add_test("coherent", test_coherent, 0, 0, 0, "both-see-the-same");
	add_test("edu", test_edu, SWIOTLB_TEST_EDU_BYTES, 0, 0, "4095-bytes");
	add_test("edu", test_edu, 2048, 3001, 0, "2048-at-3001");
	add_test("edu", test_edu, 3500, 2047, 0xfff, "3500-at-2047.mask-0xfff");
	add_test("edu", test_edu_ring, 0, 0, 0, "mapped-once-synced-often");
}
