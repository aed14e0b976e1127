/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spans of the dynamic backend in plenty; each file of tests has its own
 */
#ifndef _SWIOTLB_DYNAMIC_SPANS_H
#define _SWIOTLB_DYNAMIC_SPANS_H

#include "dynamic_mem.h"

#define MAX_SPANS	40000

static struct swiotlb_mem own_mem, *mem = &own_mem;
static struct swiotlb_span spans[MAX_SPANS];
static unsigned int nr_spans;

static inline int take(size_t bytes, u64 addr_limit)
{
	struct swiotlb_req req = PLAIN_REQ(bytes);
	int err;

	req.addr_limit = addr_limit;
	CHECK(nr_spans < MAX_SPANS);
	err = span_alloc(mem, &req, &spans[nr_spans]);
	if (err)
		return err;

	CHECK(span_start(&spans[nr_spans]) + bytes - 1 <= addr_limit);
	nr_spans++;
	return 0;
}

static inline void drop(unsigned int nr)
{
	while (nr--)
		span_free(&spans[--nr_spans]);
}

/* Take @bytes in pieces of 32 KiB, without a break for any worker */
static inline void take_bytes(size_t bytes)
{
	for (; bytes; bytes -= 32768)
		CHECK_EQ(take(32768, U64_MAX), 0);
}

static inline bool is_transient(const struct swiotlb_span *span)
{
	return span->pool->phase == SWIOTLB_ATOMIC;
}

static inline bool is_first(const struct swiotlb_span *span)
{
	return span->pool->start == mem->start;
}

static inline void set_param(const char *name, const char *value)
{
	CHECK_EQ(shim_param_set(name, value), 0);
}

/* Blocks of memory that are large enough for a mapping, but not for a pool */
static inline void fragment_memory(void)
{
	shim_max_block = 16;
}

#endif /* _SWIOTLB_DYNAMIC_SPANS_H */
