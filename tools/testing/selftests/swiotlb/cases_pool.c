// SPDX-License-Identifier: GPL-2.0
/*
 * The pool when it is full, and after. Meanwhile other devices get no buffers:
 * these cases are quick, print nothing before they end, and ask for mappings
 * with DMA_ATTR_NO_WARN, since they mean to be refused.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define FULL_FLAGS	SWIOTLB_TEST_NO_WARN
#define MAX_ARENAS	240
#define ARENA_BYTES	MIB(1)		/* larger ones are hard to get */

/* As many mappings as the pool takes, each of its own cell in some arena. */
struct fill {
	struct ctx *ctxs[MAX_ARENAS];
	size_t nr_ctxs;
	size_t cell;			/* distance of buffers in the arenas */
	size_t nr;
	size_t max;
	struct mapping *maps;
};

static int fill_init(struct fill *f, size_t cell)
{
	long nr_slots = pool_nr_slots();
	size_t per_arena = ARENA_BYTES / cell;

	if (nr_slots < 0)
		return skip("no io_tlb_nslabs in debugfs");
	memset(f, 0, sizeof(*f));
	f->cell = cell;
	/* More than fit: whoever takes them all has grown the pool. */
	f->max = (size_t)nr_slots * 2 + 1;
	if (f->max > MAX_ARENAS * per_arena)
		f->max = MAX_ARENAS * per_arena;
	/* What may really fit, if no mapping takes less than its cell. */
	if ((size_t)nr_slots * SLOT_BYTES > memory_budget() ||
	    (size_t)nr_slots * SLOT_BYTES > MAX_ARENAS * ARENA_BYTES)
		return skip("a pool of %zu MiB is too large to be filled here",
			    (size_t)nr_slots * SLOT_BYTES >> 20);
	f->maps = calloc(f->max, sizeof(*f->maps));
	return f->maps ? 0 : fail("no memory");
}

/* Buffers, and those mappings which are left. */
static void fill_free(struct fill *f)
{
	while (f->nr_ctxs)
		ctx_close(f->ctxs[--f->nr_ctxs]);
	free(f->maps);
	f->maps = NULL;
}

static int dir_of(size_t i)
{
	return i % NR_DIRS;
}

/* Next cell: where it is, filled with its own pattern. */
static struct ctx *fill_cell(struct fill *f, size_t bytes, size_t *off)
{
	size_t per_arena = ARENA_BYTES / f->cell;
	size_t arena = f->nr / per_arena;

	if (arena == f->nr_ctxs) {
		f->ctxs[arena] = ctx_open(ARENA_BYTES);
		if (!f->ctxs[arena])
			return NULL;
		f->nr_ctxs++;
	}
	*off = f->nr % per_arena * f->cell;
	memcpy(f->ctxs[arena]->arena + *off, pattern(PAT_ORIGINAL, f->nr),
	       bytes);
	return f->ctxs[arena];
}

/* Maps until refused, or until @limit more are mapped. */
static int fill_pool(struct fill *f, size_t bytes, size_t limit)
{
	struct ctx *ctx;
	size_t off;
	int ret;

	for (; limit--; f->nr++) {
		if (f->nr == f->max)
			return skip("the pool grows");
		ctx = fill_cell(f, bytes, &off);
		if (!ctx)
			return -1;
		ret = map(ctx, off, bytes, dir_of(f->nr), FULL_FLAGS,
			  &f->maps[f->nr]);
		if (ret == -EIO)
			return 0;
		CHECK(!ret, "mapping %zu: expected a mapping error, got: %s",
		      f->nr, strerror(-ret));
	}
	return 0;
}

/* The data of every mapping is its own: no slot was given to two. */
static int fill_check(struct fill *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (f->maps[i].ctx)
			TRY(expect_device(&f->maps[i], pattern(PAT_ORIGINAL, i),
					  "mapping %zu of %zu, device side", i,
					  f->nr));
	for (i = 0; i < f->nr; i++)
		if (f->maps[i].ctx)
			CHECK(!dev_write(&f->maps[i], 0, f->maps[i].bytes,
					 pattern(PAT_DEVICE, i)), "cannot write");
	return 0;
}

/* After fill_check(): unmap one, and see what it brings back. */
static int fill_unmap(struct fill *f, size_t i, size_t index)
{
	struct mapping *m = &f->maps[i];
	int ret = unmap(m, 0);

	CHECK(!ret, "cannot unmap: %s", strerror(-ret));
	TRY(expect_bytes(m->ctx->arena + m->off,
			 pattern(dir_from(m->dir) ? PAT_DEVICE : PAT_ORIGINAL,
				 index),
			 m->bytes, "mapping %zu (%s), after unmap", index,
			 dir_names[m->dir]));
	m->ctx = NULL;
	return 0;
}

static int fill_unmap_random(struct fill *f, u64 *state)
{
	size_t *order = calloc(f->nr + 1, sizeof(*order));
	size_t i;
	int ret = 0;

	if (!order)
		return fail("no memory");
	for (i = 0; i < f->nr; i++) {
		size_t j = rnd_below(state, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (i = 0; i < f->nr && !ret; i++)
		if (f->maps[order[i]].ctx)
			ret = fill_unmap(f, order[i], order[i]);
	free(order);
	return ret;
}

static int largest_works(void)
{
	size_t bytes = max_mapping_bytes();
	struct mapping m;
	struct ctx *ctx;
	int ret;

	if (bytes > SWIOTLB_TEST_MAX_ARENA_BYTES)
		bytes = SWIOTLB_TEST_MAX_ARENA_BYTES;
	ctx = ctx_open((bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
	if (!ctx)
		return -1;
	ret = map(ctx, 0, bytes, BIDIR, FULL_FLAGS, &m);
	CHECK(!ret, "emptied, the pool has no room for %zu bytes: %s", bytes,
	      strerror(-ret));
	CHECK(!unmap(&m, 0), "cannot unmap");
	ctx_close(ctx);
	return 0;
}

static int exhaust(struct fill *f, size_t bytes, size_t slots)
{
	long nr_used = pool_nr_used(), nr_slots = pool_nr_slots(), want;
	u64 state = seed;

	TRY(fill_pool(f, bytes, SIZE_MAX));
	/* Each slot that others have may spoil one place for us. */
	want = (nr_slots / (long)slots - nr_used) * 95 / 100;
	CHECK((long)f->nr >= want,
	      "full after %zu mappings of %zu bytes: expected at least %ld (%ld slots, %ld in use before)",
	      f->nr, bytes, want, nr_slots, nr_used);
	TRY(fill_check(f));
	TRY(fill_unmap_random(f, &state));
	TRY(pool_settle(nr_used));
	return largest_works();
}

static int test_exhaust(const struct test *test)
{
	struct fill f;
	int ret;

	TRY(fill_init(&f, test->arg[2]));
	TRY(dev_params(DMA_MASK_64, BOUNDARY_4G, 0));
	ret = exhaust(&f, test->arg[0], test->arg[1]);
	fill_free(&f);
	return ret;
}

/* ---- fragmentation ---- */

static int by_dma(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->dma < y->dma ? -1 : x->dma > y->dma;
}

/* Mappings of 4 KiB that have a pool of their own; 0 where there are no such */
static size_t nr_single(void)
{
	long slots = pool_nr_transient();

	return slots > 0 ? slots * SLOT_BYTES / PAGE_BYTES : 0;
}

/* Where such pools went, the kernel frees their memory a moment later */
static void let_go(size_t nr_single_before)
{
	if (nr_single() < nr_single_before)
		sleep(1);
}

/*
 * Full of 4 KiB mappings, every second one of which goes: as many 4 KiB ones
 * fit again, or twice as many of 2 KiB, but only one where a mapping had a pool
 * of its own. Then the rest goes in pairs, and what two neighbours had is one
 * place for 8 KiB.
 */
static int fragment(struct fill *f, struct fill *again, size_t bytes)
{
	size_t i, freed = 0, pairs = 0, per_hole = PAGE_BYTES / bytes;
	size_t single, want;
	u64 *dmas;

	TRY(fill_pool(f, PAGE_BYTES, SIZE_MAX));
	qsort(f->maps, f->nr, sizeof(*f->maps), by_dma);
	dmas = calloc(f->nr + 1, sizeof(*dmas));
	if (!dmas)
		return fail("no memory");
	for (i = 0; i < f->nr; i++)
		dmas[i] = f->maps[i].dma;
	single = nr_single();
	for (i = 0; i < f->nr; i += 2, freed++)
		if (unmap(&f->maps[i], 0))
			goto unmap_failed;
	let_go(single);
	single -= nr_single();

	want = (freed - single) * per_hole + single;
	TRY(fill_pool(again, bytes, want));
	CHECK(again->nr >= want * 95 / 100,
	      "%zu holes of 4 KiB: expected %zu mappings of %zu bytes, got %zu",
	      freed, want, bytes, again->nr);
	TRY(fill_check(again));
	single = nr_single();
	for (i = 0; i < again->nr; i++)
		TRY(fill_unmap(again, i, i));
	fill_free(again);
	TRY(fill_init(again, 2 * PAGE_BYTES));

	/* Now the others of every second pair, if they are neighbours. */
	for (i = 0; i + 1 < f->nr; i += 4) {
		if (dmas[i + 1] != dmas[i] + PAGE_BYTES)
			continue;
		if (unmap(&f->maps[i + 1], 0))
			goto unmap_failed;
		f->maps[i + 1].ctx = NULL;
		pairs++;
	}
	let_go(single);
	/* A few may lie across two of legacy's segments of 256 KiB. */
	TRY(fill_pool(again, 2 * PAGE_BYTES, pairs));
	CHECK(again->nr >= pairs * 90 / 100,
	      "%zu holes of 8 KiB: expected as many mappings, got %zu", pairs,
	      again->nr);
	TRY(fill_check(again));
	for (i = 0; i < again->nr; i++)
		TRY(fill_unmap(again, i, i));
	for (i = 1; i < f->nr; i += 2)
		if (f->maps[i].ctx && unmap(&f->maps[i], 0))
			goto unmap_failed;
	free(dmas);
	return largest_works();

unmap_failed:
	free(dmas);
	return fail("cannot unmap");
}

static int test_fragment(const struct test *test)
{
	struct fill f, again;
	int ret;

	TRY(fill_init(&f, PAGE_BYTES));
	TRY(fill_init(&again, test->arg[0]));
	ret = fragment(&f, &again, test->arg[0]);
	fill_free(&again);
	fill_free(&f);
	return ret;
}

/* ---- several CPUs want the last slots ---- */

#define NR_RIVALS	4
#define NR_SCARCE	16

struct rival {
	pthread_t thread;
	struct ctx *ctx;
	int nr, ret;
	long nr_mapped;
};

static int rival_turns(struct rival *r)
{
	int turn, ret;

	for (turn = 0; turn < (quick ? 10000 : 40000); turn++) {
		u64 tag = turn * NR_RIVALS + r->nr;
		size_t bytes = 1 + tag % (3 * SLOT_BYTES);
		struct mapping m;

		memcpy(r->ctx->arena, pattern(PAT_ORIGINAL, tag), bytes);
		ret = map(r->ctx, 0, bytes, BIDIR,
			  FULL_FLAGS | SWIOTLB_TEST_ATOMIC, &m);
		if (ret == -EIO)
			continue;
		CHECK(!ret, "cannot map: %s", strerror(-ret));
		r->nr_mapped++;
		if (turn % 8) {		/* most are for the race alone */
			CHECK(!unmap(&m, SWIOTLB_TEST_ATOMIC), "cannot unmap");
			continue;
		}
		TRY(expect_device(&m, pattern(PAT_ORIGINAL, tag),
				  "turn %d, as mapped", turn));
		CHECK(!dev_write(&m, 0, bytes, pattern(PAT_DEVICE, tag)) &&
		      !unmap(&m, SWIOTLB_TEST_ATOMIC), "cannot write or unmap");
		TRY(expect_bytes(r->ctx->arena, pattern(PAT_DEVICE, tag), bytes,
				 "turn %d, after unmap", turn));
	}
	return 0;
}

static void *rival_thread(void *arg)
{
	struct rival *r = arg;

	r->ret = rival_turns(r);
	return NULL;
}

static int run_rivals(void)
{
	struct rival rivals[NR_RIVALS] = {};
	int i, started, ret = 0;
	long nr_mapped = 0;

	for (i = 0; i < NR_RIVALS; i++) {
		rivals[i].nr = i;
		rivals[i].ctx = ctx_open(KIB(16));
		if (!rivals[i].ctx)
			return -1;
	}
	for (started = 0; started < NR_RIVALS; started++)
		if (pthread_create(&rivals[started].thread, NULL, rival_thread,
				   &rivals[started]))
			break;
	for (i = 0; i < started; i++) {
		pthread_join(rivals[i].thread, NULL);
		ret = ret ?: rivals[i].ret;
		nr_mapped += rivals[i].nr_mapped;
	}
	TRY(ret);
	CHECK(started == NR_RIVALS, "started %d of %d threads", started,
	      NR_RIVALS);
	CHECK(nr_mapped, "no mapping in %d free slots", NR_SCARCE);
	return 0;
}

/*
 * All CPUs use the same few slots and records of the pool, hence the same lock:
 * a race loses slots, or gives one to two. Both are seen here, the former by
 * filling the pool again.
 */
static int scarce(struct fill *f)
{
	u64 state = seed;
	size_t i, before;

	TRY(fill_pool(f, SLOT_BYTES, SIZE_MAX));
	before = f->nr;
	CHECK(before > NR_SCARCE, "full after %zu mappings", before);
	TRY(fill_check(f));
	/* Those mapped one after the other are neighbours, mostly. */
	for (i = before / 2; i < before / 2 + NR_SCARCE; i++)
		TRY(fill_unmap(f, i, i));
	TRY(run_rivals());
	TRY(fill_unmap_random(f, &state));

	f->nr = 0;
	TRY(fill_pool(f, SLOT_BYTES, SIZE_MAX));
	/* Another device may use a few now. */
	CHECK(f->nr + NR_SCARCE / 2 >= before,
	      "full after %zu mappings: expected as many as before, %zu", f->nr,
	      before);
	return 0;
}

static int test_scarce(const struct test *test)
{
	struct fill f;
	int ret;

	(void)test;
	TRY(fill_init(&f, SLOT_BYTES));
	ret = scarce(&f);
	fill_free(&f);
	return ret;
}

/* ---- failures have names: lines "<reason> <count>" ---- */

#define FAILURES	"/sys/kernel/debug/swiotlb/failures"
#define MAX_REASONS	32

struct reason {
	char name[48];
	unsigned long long count;
};

static int read_reasons(struct reason *reasons)
{
	FILE *file = fopen(FAILURES, "re");
	int nr = 0;

	if (!file)
		return -1;
	while (nr < MAX_REASONS &&
	       fscanf(file, "%47s %llu", reasons[nr].name,
		      &reasons[nr].count) == 2)
		nr++;
	fclose(file);
	return nr;
}

/* Which reason was counted since @before? NULL unless exactly one was. */
static const struct reason *reason_since(const struct reason *before, int nr)
{
	struct reason after[MAX_REASONS];
	const struct reason *reason = NULL;
	int i;

	if (read_reasons(after) != nr)
		return NULL;
	for (i = 0; i < nr; i++) {
		if (after[i].count == before[i].count)
			continue;
		if (reason)
			return NULL;
		reason = &before[i];
	}
	return reason;
}

static int test_failures(const struct test *test)
{
	struct reason before[MAX_REASONS];
	const struct reason *too_large, *full;
	struct mapping m;
	struct ctx *ctx;
	struct fill f;
	int nr, ret;

	(void)test;
	nr = read_reasons(before);
	if (nr < 0)
		return skip("this kernel does not name failures");
	ctx = ctx_open(SWIOTLB_TEST_MAX_ARENA_BYTES);
	if (!ctx)
		return -1;
	ret = map(ctx, 0, ctx->bytes, TO, FULL_FLAGS, &m);
	if (!ret)
		return skip("nothing is too large");
	too_large = reason_since(before, nr);
	CHECK(too_large, "too large a mapping: expected one more failure of one reason in "
	      FAILURES);

	TRY(fill_init(&f, PAGE_BYTES));
	nr = read_reasons(before);
	ret = fill_pool(&f, PAGE_BYTES, SIZE_MAX);
	fill_free(&f);
	TRY(ret);
	full = reason_since(before, nr);
	CHECK(full, "a full pool: expected more failures of one reason");
	CHECK(full != too_large, "too large and full are both called '%s'",
	      full->name);
	return 0;
}

void add_pool_tests(void)
{
	static const struct {
		u32 bytes, slots, cell;
	} requests[] = {
		/* 4097 bytes take two pages, since they start at one. */
		{ PAGE_BYTES, 2, PAGE_BYTES }, { 512, 1, SLOT_BYTES },
		{ SLOT_BYTES, 1, SLOT_BYTES }, { 4097, 4, KIB(8) },
		{ KIB(64), 32, KIB(64) }, { KIB(256), 128, KIB(256) },
	};
	size_t i;

	for (i = 0; i < (quick ? 1 : ARRAY_SIZE(requests)); i++)
		add_test("exhaust", test_exhaust, requests[i].bytes,
			 requests[i].slots, requests[i].cell, "%u-bytes",
			 requests[i].bytes);
	add_test("fragment", test_fragment, PAGE_BYTES, 0, 0, "4096-into-holes");
	add_test("fragment", test_fragment, SLOT_BYTES, 0, 0, "2048-into-holes");
	add_test("scarce", test_scarce, 0, 0, 0, "several-want-the-last-slots");
	add_test("failures", test_failures, 0, 0, 0, "have-names");
}
