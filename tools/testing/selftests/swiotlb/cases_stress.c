// SPDX-License-Identifier: GPL-2.0
/* Many mappings on many CPUs, each checked against a model of what it holds. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* sched_setaffinity() */
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static int nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static void move_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Not being moved makes the test weaker, not wrong. */
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- random operations ---- */

#define NR_SMALL	128		/* cells of 16 KiB: buffers to 12 KiB */
#define SMALL_CELL	KIB(16)
#define NR_CELLS	(NR_SMALL + 8)	/* and of 256 KiB: buffers to 128 KiB */
#define LARGE_CELL	KIB(256)
#define STRESS_ARENA	(NR_SMALL * SMALL_CELL + \
			 (NR_CELLS - NR_SMALL) * LARGE_CELL)

struct worker {
	pthread_t thread;
	int nr;
	int ret;
	u32 mask;
	u64 rnd;
	int nr_ops;
	long nr_mapped;
	struct ctx *ctx;
	struct mapping maps[NR_CELLS];
	bool live[NR_CELLS];
	u8 *cpu;			/* what the arena should hold */
	u8 *dev;			/* what the device should see */
};

static u32 maybe_atomic(struct worker *w)
{
	return rnd_below(&w->rnd, 2) ? SWIOTLB_TEST_ATOMIC : 0;
}

static size_t cell_off(int cell)
{
	if (cell < NR_SMALL)
		return cell * SMALL_CELL;
	return NR_SMALL * SMALL_CELL + (cell - NR_SMALL) * LARGE_CELL;
}

static int check_cell(struct worker *w, int cell, const char *when)
{
	struct mapping *m = &w->maps[cell];
	size_t off = cell_off(cell);
	size_t bytes = cell < NR_SMALL ? SMALL_CELL : LARGE_CELL;

	if (w->live[cell])
		TRY(expect_device(m, w->dev + m->off, "%s, device side of %zu bytes (%s)",
				  when, m->bytes, dir_names[m->dir]));
	/* The rest of the cell is the guard. */
	return expect_bytes(w->ctx->arena + off, w->cpu + off, bytes,
			    "%s, original of %zu bytes (%s)", when, m->bytes,
			    dir_names[m->dir]);
}

static int op_map(struct worker *w, int cell)
{
	size_t max = cell < NR_SMALL ? KIB(12) : KIB(128), off, bytes;
	struct mapping *m = &w->maps[cell];
	int ret;

	off = cell_off(cell) + rnd_below(&w->rnd, 4000);
	bytes = 1 + rnd_below(&w->rnd, rnd_below(&w->rnd, 2) ? 2048 : max);
	memcpy(w->cpu + off, pattern(PAT_ORIGINAL, rnd(&w->rnd)), bytes);
	memcpy(w->dev + off, w->cpu + off, bytes);
	memcpy(w->ctx->arena + off, w->cpu + off, bytes);
	ret = map(w->ctx, off, bytes, rnd_below(&w->rnd, NR_DIRS),
		  maybe_atomic(w) | SWIOTLB_TEST_NO_WARN, m);
	if (ret == -EIO)		/* full: none of our business here */
		return 0;
	CHECK(!ret, "cannot map: %s", strerror(-ret));
	w->live[cell] = true;
	w->nr_mapped++;
	CHECK(!((m->dma ^ m->phys) & w->mask),
	      "min_align_mask 0x%x: original 0x%llx, DMA address 0x%llx",
	      w->mask, m->phys,
	      m->dma);
	return check_cell(w, cell, "as mapped");
}

static int op_unmap(struct worker *w, int cell)
{
	bool skip = !rnd_below(&w->rnd, 4);
	struct mapping *m = &w->maps[cell];

	TRY(check_cell(w, cell, "before unmap"));
	if (rnd_below(&w->rnd, 2))
		move_to_cpu(rnd_below(&w->rnd, nr_cpus()));
	CHECK(!unmap(m, maybe_atomic(w) | (skip ? SWIOTLB_TEST_SKIP_SYNC : 0)),
	      "cannot unmap");
	w->live[cell] = false;
	if (dir_from(m->dir) && !skip)
		memcpy(w->cpu + m->off, w->dev + m->off, m->bytes);
	return check_cell(w, cell, skip ? "after unmap without sync" :
				   "after unmap");
}

static int op_access(struct worker *w, int cell)
{
	struct mapping *m = &w->maps[cell];
	size_t off = rnd_below(&w->rnd, m->bytes);
	size_t bytes = 1 + rnd_below(&w->rnd, m->bytes - off);
	u8 *cpu = w->cpu + m->off + off, *dev = w->dev + m->off + off;

	switch (rnd_below(&w->rnd, 4)) {
	case 0:
		memcpy(dev, pattern(PAT_DEVICE, rnd(&w->rnd)), bytes);
		CHECK(!dev_write(m, off, bytes, dev), "cannot write");
		break;
	case 1:
		memcpy(cpu, pattern(PAT_CPU, rnd(&w->rnd)), bytes);
		memcpy(w->ctx->arena + m->off + off, cpu, bytes);
		break;
	case 2:
		CHECK(!sync_range(m, off, bytes, maybe_atomic(w)),
		      "cannot sync");
		if (dir_from(m->dir))
			memcpy(cpu, dev, bytes);
		return check_cell(w, cell, "sync_for_cpu");
	case 3:
		CHECK(!sync_range(m, off, bytes, maybe_atomic(w) |
				  SWIOTLB_TEST_FOR_DEVICE), "cannot sync");
		if (dir_to(m->dir))
			memcpy(dev, cpu, bytes);
		return check_cell(w, cell, "sync_for_device");
	}
	return 0;
}

static int stress_ops(struct worker *w)
{
	int i, cell;

	for (i = 0; i < w->nr_ops; i++) {
		/* Large cells are visited less. */
		cell = rnd_below(&w->rnd, rnd_below(&w->rnd, 8) ? NR_SMALL :
				 NR_CELLS);
		if (!w->live[cell])
			TRY(op_map(w, cell));
		else if (!rnd_below(&w->rnd, 3))
			TRY(op_unmap(w, cell));
		else
			TRY(op_access(w, cell));
	}
	for (cell = 0; cell < NR_CELLS; cell++)
		if (w->live[cell])
			TRY(op_unmap(w, cell));
	return 0;
}

static void *stress_thread(void *arg)
{
	struct worker *w = arg;

	move_to_cpu(w->nr % nr_cpus());
	w->ret = stress_ops(w);
	return NULL;
}

static int stress_run(struct worker *workers, int nr, u32 mask)
{
	int i, started = 0, ret = 0;
	long nr_mapped = 0;

	for (i = 0; i < nr; i++) {
		struct worker *w = &workers[i];

		w->nr = i;
		w->mask = mask;
		w->rnd = seed + mask * 1000003ULL + i;
		w->nr_ops = quick ? 1000 : 4000;
		w->ctx = ctx_open(STRESS_ARENA);
		w->cpu = calloc(1, STRESS_ARENA);
		w->dev = calloc(1, STRESS_ARENA);
		if (!w->ctx || !w->cpu || !w->dev)
			return fail("no memory for worker %d", i);
	}
	for (; started < nr; started++)
		if (pthread_create(&workers[started].thread, NULL, stress_thread,
				   &workers[started]))
			break;
	for (i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		nr_mapped += workers[i].nr_mapped;
		if (workers[i].ret)
			ret = fail("... in worker %d, seed %llu", i,
				   seed);
	}
	TRY(ret);
	CHECK(started == nr, "started %d of %d threads", started, nr);
	CHECK(nr_mapped >= nr * workers[0].nr_ops / 20,
	      "expected many mappings, got %ld", nr_mapped);
	return 0;
}

static int test_stress(const struct test *test)
{
	int i, ret, nr = nr_cpus() * 2 < 8 ? nr_cpus() * 2 : 8;
	struct worker *workers = calloc(nr, sizeof(*workers));

	if (!workers)
		return fail("no memory");
	ret = dev_params(DMA_MASK_64, BOUNDARY_4G, test->arg[0]);
	if (!ret)
		ret = stress_run(workers, nr, test->arg[0]);
	for (i = 0; i < nr; i++) {
		free(workers[i].cpu);
		free(workers[i].dev);
	}
	free(workers);
	return ret;
}

/* ---- one CPU maps, another one unmaps ---- */

#define RING		64

struct handoff {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct ctx *ctx;
	struct mapping ring[RING];
	long head, tail, nr;		/* mapped, unmapped, to do */
	bool stop;
	int ret;			/* of the consumer */
};

static void handoff_stop(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_broadcast(&h->moved);
	pthread_mutex_unlock(&h->lock);
}

/* Waits until the ring is neither empty (for the consumer) nor full. */
static bool handoff_wait(struct handoff *h, bool consumer)
{
	bool go;

	pthread_mutex_lock(&h->lock);
	while (!h->stop &&
	       (consumer ? h->head == h->tail : h->head - h->tail == RING))
		pthread_cond_wait(&h->moved, &h->lock);
	go = !h->stop;
	pthread_mutex_unlock(&h->lock);
	return go;
}

static void handoff_move(struct handoff *h, long *end)
{
	pthread_mutex_lock(&h->lock);
	++*end;
	pthread_cond_broadcast(&h->moved);
	pthread_mutex_unlock(&h->lock);
}

static size_t handoff_bytes(long i)
{
	return 1 + i * 37 % 4096;
}

static int consume(struct handoff *h)
{
	long i;

	for (i = 0; i < h->nr; i++) {
		struct mapping *m = &h->ring[i % RING];

		if (!handoff_wait(h, true))
			return 0;
		TRY(expect_device(m, pattern(PAT_ORIGINAL, i), "mapping %ld", i));
		CHECK(!dev_write(m, 0, m->bytes, pattern(PAT_DEVICE, i)) &&
		      !unmap(m, SWIOTLB_TEST_ATOMIC), "cannot write or unmap");
		TRY(expect_bytes(h->ctx->arena + m->off, pattern(PAT_DEVICE, i),
				 m->bytes, "mapping %ld, after unmap", i));
		handoff_move(h, &h->tail);
	}
	return 0;
}

static void *consumer_thread(void *arg)
{
	struct handoff *h = arg;

	move_to_cpu(1);
	h->ret = consume(h);
	handoff_stop(h);
	return NULL;
}

static int produce(struct handoff *h)
{
	long i;

	for (i = 0; i < h->nr; i++) {
		size_t off = i % RING * 2 * PAGE_BYTES + i % 1000;
		int ret;

		if (!handoff_wait(h, false))
			return 0;
		memcpy(h->ctx->arena + off, pattern(PAT_ORIGINAL, i),
		       handoff_bytes(i));
		ret = map(h->ctx, off, handoff_bytes(i), FROM,
			  SWIOTLB_TEST_ATOMIC, &h->ring[i % RING]);
		CHECK(!ret, "mapping %ld: %s", i, strerror(-ret));
		handoff_move(h, &h->head);
	}
	return 0;
}

static int test_handoff(const struct test *test)
{
	struct handoff h = { .nr = quick ? 2000 : 10000 };
	pthread_t consumer;
	cpu_set_t saved;
	int ret;

	(void)test;
	if (nr_cpus() < 2)
		return skip("needs two CPUs");
	h.ctx = ctx_open(RING * 2 * PAGE_BYTES);
	if (!h.ctx)
		return -1;
	pthread_mutex_init(&h.lock, NULL);
	pthread_cond_init(&h.moved, NULL);
	sched_getaffinity(0, sizeof(saved), &saved);
	if (pthread_create(&consumer, NULL, consumer_thread, &h))
		return fail("cannot start a thread");
	move_to_cpu(0);
	ret = produce(&h);
	if (ret)
		handoff_stop(&h);
	pthread_join(consumer, NULL);
	sched_setaffinity(0, sizeof(saved), &saved);
	return ret ?: h.ret;
}

void add_stress_tests(void)
{
	static const u32 masks[] = { 0, 0xfff, 0x1ff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(masks); i++)
		add_test("stress", test_stress, masks[i], 0, 0,
			 "random.mask-0x%x", masks[i]);
	add_test("stress", test_handoff, 0, 0, 0, "map-here-unmap-there");
}
