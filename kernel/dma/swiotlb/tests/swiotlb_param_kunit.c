// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of swiotlb=
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/swiotlb.h>

#include "../internal.h"
#include "param_cases.h"

KUNIT_ARRAY_PARAM_DESC(param, param_cases, value);
KUNIT_ARRAY_PARAM_DESC(junk, param_junk, value);

/* Junk must have as little effect as what is not there */
static void param_means(struct kunit *test)
{
	const struct param_case *c = test->param_value;
	struct swiotlb_cmdline cmdline = {};

	swiotlb_parse_cmdline(c->value, &cmdline);

	KUNIT_EXPECT_EQ(test, cmdline.has_nslabs, c->has_nslabs);
	KUNIT_EXPECT_EQ(test, cmdline.nslabs, c->nslabs);
	KUNIT_EXPECT_EQ(test, cmdline.nr_areas, c->nr_areas);
	KUNIT_EXPECT_EQ(test, cmdline.force, c->force);
	KUNIT_EXPECT_EQ(test, cmdline.noforce, c->noforce);
	KUNIT_ASSERT_EQ(test, !cmdline.backend, !c->backend);
	if (c->backend)
		KUNIT_EXPECT_STREQ(test, cmdline.backend->name, c->backend);
}

/* swiotlb= may come twice: what is not said again stays */
static void param_adds_up(struct kunit *test)
{
	struct swiotlb_cmdline cmdline = {};

	swiotlb_parse_cmdline("65536,4,fixed", &cmdline);
	swiotlb_parse_cmdline("force,128", &cmdline);
	KUNIT_EXPECT_TRUE(test, cmdline.has_nslabs);
	KUNIT_EXPECT_EQ(test, cmdline.nslabs, 128);
	KUNIT_EXPECT_EQ(test, cmdline.nr_areas, 4);
	KUNIT_EXPECT_TRUE(test, cmdline.force);
	KUNIT_EXPECT_NOT_NULL(test, cmdline.backend);
}

static struct kunit_case param_test_cases[] = {
	KUNIT_CASE_PARAM(param_means, param_gen_params),
	KUNIT_CASE_PARAM(param_means, junk_gen_params),
	KUNIT_CASE(param_adds_up),
	{}
};

static struct kunit_suite param_test_suite = {
	.name = "swiotlb_param",
	.test_cases = param_test_cases,
};

kunit_test_suite(param_test_suite);

MODULE_DESCRIPTION("Tests of the parser of swiotlb=");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
