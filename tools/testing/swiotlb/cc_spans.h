/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mappings in memory of the cc backend, the last one first to go
 */
#ifndef _SWIOTLB_CC_SPANS_H
#define _SWIOTLB_CC_SPANS_H

#include "cc_mem.h"

#define MAX_SPANS	20000

static struct swiotlb_mem mem;
static struct swiotlb_span spans[MAX_SPANS];
static unsigned int nr_spans;

static inline int take_req(const struct swiotlb_req *req)
{
	int err;

	CHECK(nr_spans < MAX_SPANS);
	err = span_alloc(&mem, req, &spans[nr_spans]);
	if (err)
		return err;
	CHECK_OK(span_is_wrong(&spans[nr_spans], req));
	nr_spans++;
	return 0;
}

static inline int take_from(size_t bytes, u64 addr_limit)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);

	req.addr_limit = addr_limit;
	return take_req(&req);
}

static inline int take(size_t bytes)
{
	return take_from(bytes, U64_MAX);
}

static inline void drop(unsigned int nr)
{
	while (nr--)
		span_free(&spans[--nr_spans]);
}

/* So that half of what they took is free, in pieces of their size */
static inline void drop_every_other(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < nr_spans; i++) {
		if (i % 2)
			span_free(&spans[i]);
		else
			spans[nr++] = spans[i];
	}
	nr_spans = nr;
}

static inline void set(const char *name, const char *value)
{
	CHECK_EQ(shim_param_set(name, value), 0);
}

static inline struct cc_depot *any(void)
{
	return &cc_of(&mem)->depots[CC_ANY];
}

/* Fill it, in pieces of 64 KiB */
static inline void fill(void)
{
	while (!take(SZ_64K))
		;
}

/* The same, but it is full before kccd makes anything: it sees all that is missing at once */
static inline void fill_at_once(void)
{
	WRITE_ONCE(any()->grower.retry_at, get_jiffies_64() + HZ);
	fill();
	shim_settle();
	shim_pass_ms(1200);
	shim_settle();
}

/* And what it grows by then. Nothing is under way when this returns */
static inline void fill_twice(void)
{
	fill();
	shim_settle();
	fill();
	shim_settle();
}

#endif /* _SWIOTLB_CC_SPANS_H */
