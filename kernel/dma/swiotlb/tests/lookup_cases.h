/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools that lie awkwardly. Used by the KUnit suite, which moves them to where
 * no memory is, and by the tests in user space (tools/testing/swiotlb/).
 */
#ifndef _SWIOTLB_TESTS_LOOKUP_CASES_H
#define _SWIOTLB_TESTS_LOOKUP_CASES_H

#include <linux/types.h>

#define LOOKUP_CASE_POOLS	4

#define LOOKUP_PAGE	0x1000ULL
#define LOOKUP_2M	0x200000ULL
#define LOOKUP_1G	0x40000000ULL

/**
 * struct lookup_case - a set of pools that are there at the same time
 * @name:  what is awkward about it
 * @pools: where they are; the last one used is followed by one of no bytes
 */
struct lookup_case {
	const char *name;
	struct {
		u64 start;
		u64 bytes;
	} pools[LOOKUP_CASE_POOLS];
};

static const struct lookup_case lookup_cases[] = {
	{ "one page", {
		{ LOOKUP_1G + 5 * LOOKUP_PAGE, LOOKUP_PAGE },
	} },
	{ "first page of a granule", {
		{ LOOKUP_1G + LOOKUP_2M, LOOKUP_PAGE },
	} },
	{ "last page of a granule", {
		{ LOOKUP_1G + LOOKUP_2M - LOOKUP_PAGE, LOOKUP_PAGE },
	} },
	{ "a whole granule", {
		{ LOOKUP_1G + LOOKUP_2M, LOOKUP_2M },
	} },
	{ "a granule's worth across two", {
		{ LOOKUP_1G + LOOKUP_2M + LOOKUP_2M / 2, LOOKUP_2M },
	} },
	{ "all but the outer pages of three granules", {
		{ LOOKUP_1G + LOOKUP_PAGE, 3 * LOOKUP_2M - 2 * LOOKUP_PAGE },
	} },
	{ "the last page of a GiB", {
		{ 2 * LOOKUP_1G - LOOKUP_PAGE, LOOKUP_PAGE },
	} },
	{ "the first page of a GiB", {
		{ 2 * LOOKUP_1G, LOOKUP_PAGE },
	} },
	{ "across a GiB", {
		{ 2 * LOOKUP_1G - LOOKUP_PAGE, 2 * LOOKUP_PAGE },
	} },
	{ "a whole GiB", {
		{ LOOKUP_1G, LOOKUP_1G },
	} },
	{ "more than a GiB, unaligned", {
		{ LOOKUP_1G - 3 * LOOKUP_PAGE, LOOKUP_1G + LOOKUP_2M },
	} },
	{ "neighbours in a granule", {
		{ LOOKUP_1G, LOOKUP_PAGE },
		{ LOOKUP_1G + LOOKUP_PAGE, LOOKUP_PAGE },
		{ LOOKUP_1G + 2 * LOOKUP_PAGE, LOOKUP_2M - 2 * LOOKUP_PAGE },
	} },
	{ "a granule's ends, and others between", {
		{ LOOKUP_1G - LOOKUP_PAGE, 2 * LOOKUP_PAGE },
		{ LOOKUP_1G + LOOKUP_2M - LOOKUP_PAGE, 2 * LOOKUP_PAGE },
		{ LOOKUP_1G + 7 * LOOKUP_PAGE, 9 * LOOKUP_PAGE },
	} },
	{ "whole granules next to parts", {
		{ LOOKUP_1G, LOOKUP_2M },
		{ LOOKUP_1G + LOOKUP_2M, LOOKUP_2M + LOOKUP_PAGE },
		{ LOOKUP_1G + 2 * LOOKUP_2M + LOOKUP_PAGE, LOOKUP_2M },
	} },
	{ "far apart, the lower ones last", {
		{ 100 * LOOKUP_1G, LOOKUP_2M },
		{ 40 * LOOKUP_1G + LOOKUP_PAGE, LOOKUP_2M },
		{ LOOKUP_1G, LOOKUP_PAGE },
	} },
};

#endif /* _SWIOTLB_TESTS_LOOKUP_CASES_H */
