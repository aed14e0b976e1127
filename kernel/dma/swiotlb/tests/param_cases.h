/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What swiotlb= can say, and what it means. Used by the KUnit suite and by the
 * tests in user space (tools/testing/swiotlb/).
 */
#ifndef _SWIOTLB_TESTS_PARAM_CASES_H
#define _SWIOTLB_TESTS_PARAM_CASES_H

#include <linux/types.h>

/**
 * struct param_case - a value of swiotlb= and its meaning
 * @value:	the value
 * @has_nslabs: it says a size
 * @nslabs:	which
 * @nr_areas:	number of areas, 0 if it does not say
 * @force:	all devices bounce
 * @noforce:	there is no pool
 * @backend:	name of the backend, or %NULL
 */
struct param_case {
	const char *value;
	bool has_nslabs;
	unsigned long nslabs;
	unsigned int nr_areas;
	bool force;
	bool noforce;
	const char *backend;
};

#define SLABS(n)	.has_nslabs = true, .nslabs = (n)

static const struct param_case param_cases[] = {
	/* What was always understood */
	{ "65536",		SLABS(65536) },
	{ "65536,4",		SLABS(65536), .nr_areas = 4 },
	{ ",4",			.nr_areas = 4 },
	{ "force",		.force = true },
	{ "noforce",		.noforce = true },
	{ "65536,force",	SLABS(65536), .force = true },
	{ "65536,noforce",	SLABS(65536), .noforce = true },
	{ "65536,4,force",	SLABS(65536), .nr_areas = 4, .force = true },
	{ "65536,4,noforce",	SLABS(65536), .nr_areas = 4, .noforce = true },
	{ "65536,,force",	SLABS(65536), .force = true },
	{ ",,force",		.force = true },
	{ ",force",		.force = true },
	{ ",4,force",		.nr_areas = 4, .force = true },
	{ "0x8000,2,noforce",	SLABS(0x8000), .nr_areas = 2, .noforce = true },
	{ "0200000",		SLABS(0200000) },
	{ "0x10000,0x10",	SLABS(0x10000), .nr_areas = 16 },
	{ "65536,010",		SLABS(65536), .nr_areas = 8 },

	/* Sizes are whole segments */
	{ "0",			SLABS(0) },
	{ "1",			SLABS(128) },
	{ "127",		SLABS(128) },
	{ "128",		SLABS(128) },
	{ "129",		SLABS(256) },
	{ "65535",		SLABS(65536) },

	/* Areas are not rounded here, but there is one at least */
	{ "65536,0",		SLABS(65536), .nr_areas = 1 },
	{ "65536,3",		SLABS(65536), .nr_areas = 3 },
	{ ",65536",		.nr_areas = 65536 },

	/* A backend, and any order */
	{ "fixed",		.backend = "fixed" },
	{ "fixed,force",	.backend = "fixed", .force = true },
	{ "force,fixed",	.backend = "fixed", .force = true },
	{ "65536,fixed",	SLABS(65536), .backend = "fixed" },
	{ "fixed,65536",	SLABS(65536), .backend = "fixed" },
	{ "force,65536",	SLABS(65536), .force = true },
	{ "force,65536,4",	SLABS(65536), .nr_areas = 4, .force = true },
	{ "65536,force,4",	SLABS(65536), .nr_areas = 4, .force = true },
	{ "force,,4",		.nr_areas = 4, .force = true },
	{ "noforce,force",	.force = true, .noforce = true },
	{ "65536,4,force,fixed", SLABS(65536), .nr_areas = 4, .force = true,
				.backend = "fixed" },
	{ "fixed,noforce,0x80,2", SLABS(128), .nr_areas = 2, .noforce = true,
				.backend = "fixed" },

	/* Nothing */
	{ "" },
	{ "," },
	{ ",,,,," },
	{ "65536,",		SLABS(65536) },
	{ "65536,4,",		SLABS(65536), .nr_areas = 4 },
	{ "force,",		.force = true },
	{ "force,,,",		.force = true },
};

/* What nobody understands is warned about, and the rest still counts */
static const struct param_case param_junk[] = {
	{ "junk" },
	{ "Force" },
	{ "FIXED" },
	{ "forced" },
	{ "fixe" },
	{ "fixedd" },
	{ "no" },
	{ "-1" },
	{ " 65536" },
	{ "force " },
	{ "12x" },
	{ "0x" },
	{ "09" },
	{ "65536K" },
	{ "1.5" },
	{ "65536;4" },
	{ "65536=force" },
	{ "65536,4,2",		SLABS(65536), .nr_areas = 4 },
	{ ",,2" },
	{ "junk,65536,4,force",	SLABS(65536), .nr_areas = 4, .force = true },
	{ "65536,junk,4",	SLABS(65536), .nr_areas = 4 },
	{ "65536,4,junk,fixed",	SLABS(65536), .nr_areas = 4,
				.backend = "fixed" },
	{ "12x,4",		.nr_areas = 4 },
	{ "65536,4x,force",	SLABS(65536), .force = true },
	{ ",65537" },
	{ ",4294967296" },
	{ ",99999999999999999999" },
	{ "18446744073709551615" },
	{ "18446744073709551616" },
	{ "0xffffffffffffffffffff,force", .force = true },
	{ "99999999999999999999999999999999999999,2", .nr_areas = 2 },
	{ "00000000000000000000000000000000000065536" },
	{ "forceforceforceforceforceforceforce" },
	{ "fixedfixedfixedfixedfixedfixedfixedfixed,force", .force = true },
	{ "%s%n%x,129",	SLABS(256) },
};

#endif /* _SWIOTLB_TESTS_PARAM_CASES_H */
