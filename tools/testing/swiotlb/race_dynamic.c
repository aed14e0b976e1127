// SPDX-License-Identifier: GPL-2.0
/*
 * Growth, shrinking, transient pools and their end, while CPUs map and unmap
 *
 * Load comes in waves, see race_waves.h, so that pools come and go all the time.
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include <unistd.h>

#include "dynamic_mem.h"
#include "race_waves.h"

static struct swiotlb_mem mem;

static struct swiotlb_req next_req(u64 *seed)
{
	struct swiotlb_req req = PLAIN_REQ(model_random_below(seed, SZ_64K) + 1);

	req.min_align_mask = model_random_below(seed, 2) ? 0xfff : 0;
	req.orig_addr += model_random_below(seed, 8192);
	if (!model_random_below(seed, 4))
		req.addr_limit = REACH_32;
	return req;
}

static const char *span_is_wrong(const struct swiotlb_span *span,
				 const struct swiotlb_req *req)
{
	return span_start(span) + span->offset + req->size - 1 >
	       req->addr_limit ? "out of reach" : NULL;
}

static void race(const char *max_mib, bool may_fail)
{
	const struct waves waves = {
		.mem = &mem,
		.nr_threads = 4,
		.per_cpu = 1,
		.nr_waves = 12,
		.nr_spans = 220,
		.may_fail = may_fail,
		.next_req = next_req,
		.is_wrong = span_is_wrong,
	};
	struct dynamic *d;

	CHECK_EQ(shim_param_set("dynamic_idle_ms", "100"), 0);
	CHECK_EQ(shim_param_set("dynamic_max_mib", max_mib), 0);
	make_dynamic(&mem);
	shim_run_clock(true);
	waves_ride(&waves);

	/* The waves were no use if no pool has gone yet */
	d = dynamic_of(&mem);
	mutex_lock(&d->lock);
	while (!d->nr_shrinks) {
		mutex_unlock(&d->lock);
		usleep(1000);
		mutex_lock(&d->lock);
	}
	printf("  cap %s MiB: grown %lu, shrunk %lu, transient %ld\n", max_mib,
	       d->nr_grows, d->nr_shrinks,
	       atomic_long_read(&d->transients.nr_made));
	mutex_unlock(&d->lock);

	/* The end comes while works may still be about */
	shim_run_clock(false);
	drop_dynamic(&mem);
}

TEST(race_dynamic_with_room)
{
	race("0", false);
}

TEST(race_dynamic_at_its_cap)
{
	race("10", true);
}

TEST(race_dynamic_in_a_confidential_guest)
{
	shim_cc = true;
	race("0", true);
}

/* The end comes at any time: before a work, in it, after it */
TEST(race_dynamic_cut_short)
{
	struct swiotlb_req req = PLAIN_REQ(32768);
	struct swiotlb_span spans[2 * FIRST_BYTES / 32768];
	unsigned int i, k;
	u64 seed = 1;

	for (i = 0; i < 60; i++) {
		make_dynamic(&mem);
		for (k = 0; k < ARRAY_SIZE(spans); k++)
			CHECK_EQ(span_alloc(&mem, &req, &spans[k]), 0);
		while (k--)
			span_free(&spans[k]);
		if (i % 2)
			usleep(model_random_below(&seed, 2000));
		drop_dynamic(&mem);
	}
}
