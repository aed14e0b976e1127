// SPDX-License-Identifier: GPL-2.0
/*
 * The fixed backend through its operations: who gets what, and who does not
 */
#include "../../../kernel/dma/swiotlb/tests/fit_model.h"
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "fixed_pool.h"

#define MAX_SPANS	MODEL_MAX_SLOTS

static struct swiotlb_mem mem;
static struct swiotlb_span spans[MAX_SPANS];

/* Fill the pool with spans of @bytes; returns how many there were */
static unsigned int fill(size_t bytes)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);
	bool used[MAX_SPANS] = {};
	unsigned int nr = 0, i;
	int err;

	while (!(err = span_alloc(&mem, &req, &spans[nr]))) {
		struct swiotlb_span *span = &spans[nr++];

		CHECK_EQ(span->nr_slots, DIV_ROUND_UP(bytes, IO_TLB_SIZE));
		CHECK_EQ(span->offset, 0);
		CHECK(span->slot + span->nr_slots <= mem.nslabs);
		for (i = span->slot; i < span->slot + span->nr_slots; i++) {
			CHECK(!used[i]);
			used[i] = true;
		}
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(mem.ops->used(&mem), nr * DIV_ROUND_UP(bytes, IO_TLB_SIZE)
				      * IO_TLB_SIZE);
	return nr;
}

static void empty(unsigned int nr)
{
	while (nr--)
		span_free(&spans[nr]);
	CHECK_EQ(mem.ops->used(&mem), 0);
}

TEST(fixed_gives_out_all_of_any_pool)
{
	static const unsigned int pools[][2] = {
		{ 2, 1 }, { 4, 8 }, { 126, 1 }, { 128, 1 }, { 130, 1 },
		{ 130, 4 }, { 254, 2 }, { 256, 2 }, { 258, 2 }, { 384, 2 },
		{ 512, 3 }, { 640, 4 }, { 896, 4 }, { 1000, 8 }, { 1024, 8 },
		{ 1024, 65536 }, { 1024, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		unsigned int nr = pools[i][0];

		test_note("%u slots, %u areas", nr, pools[i][1]);
		make_pool(&mem, nr, pools[i][1]);
		CHECK_EQ(fill(1), nr);
		empty(nr);
		CHECK_EQ(fill(IO_TLB_SIZE), nr);
		empty(nr);
		/* Pages are aligned, and so are segments */
		CHECK_EQ(fill(PAGE_SIZE), nr / 2);
		empty(nr / 2);
		CHECK_EQ(fill(SLOTS_PER_SEG << IO_TLB_SHIFT),
			 nr / SLOTS_PER_SEG);
		empty(nr / SLOTS_PER_SEG);
		drop_pool(&mem);
	}
	/* What is left are tables of lookup.c */
	make_pool(&mem, 1024, 4);
	i = shim_live;
	drop_pool(&mem);
	make_pool(&mem, 1024, 4);
	CHECK_EQ(shim_live, i);
	drop_pool(&mem);
}

TEST(fixed_cpus_start_in_areas_of_their_own)
{
	struct swiotlb_req req = PLAIN_REQ(100);
	unsigned int cpu;

	make_pool(&mem, 1024, 4);
	for (cpu = 0; cpu < 8; cpu++) {
		shim_cpu = cpu;
		CHECK_EQ(span_alloc(&mem, &req, &spans[cpu]), 0);
		CHECK_EQ(spans[cpu].slot / 256, cpu % 4);
	}
	shim_cpu = 2;
	empty(8);
	drop_pool(&mem);
}

TEST(fixed_spills_into_other_areas)
{
	struct swiotlb_req req = PLAIN_REQ(SLOTS_PER_SEG << IO_TLB_SHIFT);
	unsigned int i;

	make_pool(&mem, 1024, 4);
	shim_cpu = 3;
	for (i = 0; i < 8; i++) {
		CHECK_EQ(span_alloc(&mem, &req, &spans[i]), 0);
		/* Its own area first, then the next ones, in a circle */
		CHECK_EQ(spans[i].slot / 256, (3 + i / 2) % 4);
	}
	CHECK_EQ(span_alloc(&mem, &req, &spans[8]), -ENOSPC);

	/* It goes back to where it came from, whoever brings it */
	shim_cpu = 0;
	span_free(&spans[5]);
	CHECK_EQ(span_alloc(&mem, &req, &spans[5]), 0);
	CHECK_EQ(spans[5].slot / 256, 1);
	empty(8);
	drop_pool(&mem);
}

TEST(fixed_leaves_span_alone_on_errors)
{
	struct swiotlb_span span = { .slot = 1, .nr_slots = 2, .offset = 3 };
	struct swiotlb_span was = span;
	struct swiotlb_req req = PLAIN_REQ((SLOTS_PER_SEG << IO_TLB_SHIFT) + 1);

	make_pool(&mem, 128, 1);
	CHECK_EQ(span_alloc(&mem, &req, &span), -E2BIG);
	req.size = SIZE_MAX;
	CHECK_EQ(span_alloc(&mem, &req, &span), -E2BIG);

	req = PLAIN_REQ(4096);
	req.addr_limit = POOL_BASE - 1;
	CHECK_EQ(span_alloc(&mem, &req, &span), -ENXIO);
	req.addr_limit = POOL_BASE;
	req.dma_offset = 1 << 20;
	CHECK_EQ(span_alloc(&mem, &req, &span), -ENXIO);

	CHECK_EQ(fill(IO_TLB_SIZE), 128);
	req = PLAIN_REQ(1);
	CHECK_EQ(span_alloc(&mem, &req, &span), -ENOSPC);
	CHECK(!memcmp(&span, &was, sizeof(span)));
	empty(128);
	drop_pool(&mem);
}

static struct swiotlb_req random_req(u64 *seed)
{
	struct swiotlb_req req = PLAIN_REQ(1);

	req.size = model_random_below(seed, 1 << (4 + model_random_below(seed, 15))) + 1;
	req.orig_addr = 0x10000000 + model_random(seed);
	switch (model_random_below(seed, 6)) {
	case 0:
		req.min_align_mask = 0xfff;
		break;
	case 1:
		req.min_align_mask = model_random(seed) & 0x1fff;
		req.boundary_mask = 0xffff;
		break;
	case 2:
		req.alloc_align_mask = (1 << model_random_below(seed, 17)) - 1;
		req.align_end = true;
		break;
	case 3:
		req.alloc_align_mask = 0xffff;
		req.min_align_mask = 0xfff;
		break;
	case 4:
		/* More than a segment: only every other one has such a place */
		req.alloc_align_mask = 0x7ffff;
		break;
	}
	return req;
}

static bool fits_somewhere(const struct slots_model *model,
			   const struct swiotlb_req *req)
{
	unsigned int nr = DIV_ROUND_UP(fit_model(req).bytes, IO_TLB_SIZE);
	unsigned int slot;

	for (slot = 0; slot < model->nr_slots; slot++) {
		if (model->run[slot] >= nr &&
		    fit_model_allows(req, POOL_BASE + slot * IO_TLB_SIZE))
			return true;
	}
	return false;
}

static void use_at_random(u64 seed, unsigned int nr_slots, unsigned int nr_areas)
{
	static struct slots_model model;
	unsigned int nr_spans = 0, i;

	make_pool(&mem, nr_slots, nr_areas);
	model_init(&model, nr_slots);
	for (i = 0; i < 3000; i++) {
		struct swiotlb_req req = random_req(&seed);
		struct swiotlb_span *span = &spans[nr_spans];
		int err;

		shim_cpu = model_random_below(&seed, 6);
		if (model_random_below(&seed, 100) < 48 && nr_spans) {
			struct swiotlb_span *victim =
				&spans[model_random_below(&seed, nr_spans)];

			span_free(victim);
			model_set(&model, victim->slot, victim->nr_slots, false);
			*victim = spans[--nr_spans];
			continue;
		}

		err = span_alloc(&mem, &req, span);
		if (!fit_model_is_small_enough(&req)) {
			CHECK_EQ(err, -E2BIG);
			continue;
		}
		CHECK_EQ(err, fits_somewhere(&model, &req) ? 0 : -ENOSPC);
		if (err)
			continue;
		CHECK(model.run[span->slot] >= span->nr_slots);
		CHECK(fit_model_allows(&req, span_start(span)));
		CHECK_EQ(span->offset, fit_model(&req).offset);
		CHECK_EQ(span->nr_slots,
			 DIV_ROUND_UP(fit_model(&req).bytes, IO_TLB_SIZE));
		model_set(&model, span->slot, span->nr_slots, true);
		nr_spans++;
		CHECK_EQ(mem.ops->used(&mem), model.nr_used * IO_TLB_SIZE);
		if (i % 64 == 0)
			check_room(mem.backend);
	}
	empty(nr_spans);
	drop_pool(&mem);
}

TEST(fixed_survives_random_use)
{
	u64 seed;

	for (seed = 0; seed < 20; seed++) {
		test_note("seed %u", (unsigned int)seed);
		use_at_random(seed, 1024, 1 << seed % 4);
		use_at_random(seed, 130 + seed * 40, 1 << seed % 4);
		use_at_random(seed, 2 + seed * 6, 1);
	}
}

/* The common counter lags behind by less than a batch per area, both ways */
TEST(fixed_reports_its_use)
{
	struct swiotlb_domain *domain = &swiotlb_default_domain;
	struct swiotlb_req few = PLAIN_REQ(4 * IO_TLB_SIZE);
	struct swiotlb_req many = PLAIN_REQ(16 * IO_TLB_SIZE);
	const long slack = 4 * 16 * IO_TLB_SIZE;
	unsigned int nr;

	make_pool(&mem, 1024, 4);
	mutex_lock(&swiotlb_mutex);
	list_add_tail(&mem.node, &domain->mems);
	nr = fill(IO_TLB_SIZE);
	CHECK(atomic_long_read(&domain->own.level.used) <= nr * IO_TLB_SIZE);
	CHECK(atomic_long_read(&domain->own.level.used) > nr * IO_TLB_SIZE - slack);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), nr * IO_TLB_SIZE);
	empty(nr);
	CHECK(atomic_long_read(&domain->own.level.used) >= 0);
	CHECK(atomic_long_read(&domain->own.level.used) < slack);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), nr * IO_TLB_SIZE);
	swiotlb_reset_hiwater(domain);
	CHECK_EQ(swiotlb_hiwater_bytes(domain), 0);

	/* What it reported and did not take back yet goes with it */
	CHECK_EQ(span_alloc(&mem, &few, &spans[0]), 0);
	CHECK_EQ(span_alloc(&mem, &many, &spans[1]), 0);
	span_free(&spans[1]);
	span_free(&spans[0]);
	CHECK_EQ(atomic_long_read(&domain->own.level.used), 4 * IO_TLB_SIZE);
	list_del(&mem.node);
	drop_pool(&mem);
	CHECK_EQ(atomic_long_read(&domain->own.level.used), 0);
	mutex_unlock(&swiotlb_mutex);
}

TEST(fixed_shows_its_areas)
{
	struct seq_file m = {};
	struct swiotlb_req req = PLAIN_REQ(5000);

	make_pool(&mem, 384, 2);
	CHECK_EQ(span_alloc(&mem, &req, &spans[0]), 0);
	mem.ops->show(&mem, &m);
	test_note("\"%s\"", m.text);
	CHECK(!strcmp(m.text, "\tareas 2\n"
			      "\tarea 0: slots 128 used 3\n"
			      "\tarea 1: slots 256 used 0\n"));
	span_free(&spans[0]);
	drop_pool(&mem);
}

/* As ever: whether the device reaches what it is given is for the core to see */
TEST(fixed_serves_who_reaches_part_of_it)
{
	struct swiotlb_req req = PLAIN_REQ(4096);

	make_pool(&mem, 1024, 4);
	req.addr_limit = POOL_BASE + 0x1000;
	CHECK_EQ(span_alloc(&mem, &req, &spans[0]), 0);
	span_free(&spans[0]);
	drop_pool(&mem);
}

/* The last to free something may still be about */
TEST(fixed_exit_waits_for_readers)
{
	unsigned int before;

	make_pool(&mem, 1024, 4);
	before = shim_grace_periods;
	drop_pool(&mem);
	CHECK(shim_grace_periods > before);
}

static const struct swiotlb_params late = {
	.phase = SWIOTLB_LATE,
	.bytes = 4 << 20,
	.nr_areas = 4,
};

TEST(fixed_init_is_all_or_nothing)
{
	unsigned int nth;
	int err;

	mem.ops = &swiotlb_fixed;
	mem.domain = &swiotlb_default_domain;
	for (nth = 1; nth < 40; nth++) {
		struct swiotlb_params params = late;
		struct device dev = {};
		phys_addr_t paddr;
		long live = shim_live;

		/* Of a size that is not settled for less */
		params.bytes = SZ_1M;
		test_note("allocation %u fails", nth);
		shim_fail_alloc(nth);
		err = mem.ops->init(&mem, &params);
		if (!shim_alloc_failed()) {
			CHECK_EQ(err, 0);
			break;
		}
		CHECK_EQ(err, -ENOMEM);
		CHECK(!mem.backend && !mem.nslabs && !mem.start && !mem.end);
		for (paddr = SHIM_FREE_START; paddr < SHIM_FREE_START + SZ_1M;
		     paddr += PAGE_SIZE)
			CHECK(!swiotlb_find_pool(&dev, paddr));
		/* Tables of lookup.c stay, up to a root and a leaf */
		CHECK(shim_live <= live + 2);
	}
	CHECK(nth > 4);
	drop_pool(&mem);
}

TEST(fixed_init_settles_for_less)
{
	unsigned int i;

	mem.ops = &swiotlb_fixed;
	mem.domain = &swiotlb_default_domain;
	for (i = 1; i < 3; i++) {
		/* The first is the backend's own data */
		shim_fail_alloc(2);
		CHECK_EQ(mem.ops->init(&mem, &late), 0);
		CHECK(shim_alloc_failed());
		CHECK_EQ(mem.nslabs, (late.bytes / 2) >> IO_TLB_SHIFT);
		CHECK_EQ(fill(IO_TLB_SIZE), mem.nslabs);
		empty(mem.nslabs);
		drop_pool(&mem);
	}
}

/* Memory in an unknown state is neither used nor given back */
TEST(fixed_leaks_what_cannot_be_converted)
{
	long live;

	mem.ops = &swiotlb_fixed;
	mem.domain = &swiotlb_default_domain;
	shim_refuse_conversions = 1;
	CHECK(mem.ops->init(&mem, &late) < 0);
	CHECK_EQ(counted(mem.domain, leaked_bytes), late.bytes);
	CHECK_EQ(shim_live, 1);

	/* Nor when it cannot be made private again */
	CHECK_EQ(mem.ops->init(&mem, &late), 0);
	CHECK(mem.start >= SHIM_FREE_START + late.bytes);
	live = shim_live;
	shim_refuse_conversions = 1;
	drop_pool(&mem);
	CHECK_EQ(counted(mem.domain, leaked_bytes), 2 * late.bytes);
	/* What managed it is */
	CHECK_EQ(shim_live, live - 3);
}
