// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of swiotlb=
 */
#include "../../../kernel/dma/swiotlb/tests/param_cases.h"
#include "system.h"

static void check_meaning(const struct param_case *c,
			  const struct swiotlb_cmdline *cmdline)
{
	test_note("swiotlb=\"%s\"", c->value);
	CHECK_EQ(cmdline->has_nslabs, c->has_nslabs);
	CHECK_EQ(cmdline->nslabs, c->nslabs);
	CHECK_EQ(cmdline->nr_areas, c->nr_areas);
	CHECK_EQ(cmdline->force, c->force);
	CHECK_EQ(cmdline->noforce, c->noforce);
	CHECK_EQ(!!cmdline->backend, !!c->backend);
	if (c->backend)
		CHECK(!strcmp(cmdline->backend->name, c->backend));
}

TEST(param_means_what_it_says)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(param_cases); i++) {
		struct swiotlb_cmdline cmdline = {};

		shim_clear_log();
		swiotlb_parse_cmdline(param_cases[i].value, &cmdline);
		check_meaning(&param_cases[i], &cmdline);
		CHECK_EQ(strlen(shim_log), 0);
	}
}

TEST(param_junk_is_warned_about_and_ignored)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(param_junk); i++) {
		struct swiotlb_cmdline cmdline = {};

		shim_clear_log();
		swiotlb_parse_cmdline(param_junk[i].value, &cmdline);
		check_meaning(&param_junk[i], &cmdline);
		CHECK(strstr(shim_log, "ignored"));
		CHECK(!strstr(strchr(shim_log, '\n') + 1, "\n"));
	}
}

TEST(param_unknown_word_names_the_backends)
{
	struct swiotlb_cmdline cmdline = {};

	swiotlb_parse_cmdline("fast", &cmdline);
	CHECK(strstr(shim_log, "\"fast\""));
	CHECK(strstr(shim_log, "backends are: fixed dynamic cc\n"));
}

/* swiotlb= may come twice: from the boot loader, and from who sits before it */
TEST(param_given_twice_adds_up)
{
	struct swiotlb_cmdline cmdline = {};

	swiotlb_parse_cmdline("65536,4,fixed", &cmdline);
	swiotlb_parse_cmdline("force,128", &cmdline);
	CHECK_EQ(cmdline.nslabs, 128);
	CHECK_EQ(cmdline.nr_areas, 4);
	CHECK(cmdline.force);
	CHECK(cmdline.backend);
}

/* No input may crash it, and AddressSanitizer guards the end of each */
TEST(param_survives_random_input)
{
	static const char alphabet[] = ",,,,0189xforcenofixd-+ \n%\x80\xff";
	u64 seed = 1;
	unsigned int round, len, i;

	for (round = 0; round < 200000; round++) {
		struct swiotlb_cmdline cmdline = {};
		char *value;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		len = (seed >> 40) % 48;
		value = malloc(len + 1);
		for (i = 0; i < len; i++) {
			seed = seed * 6364136223846793005ULL + 1;
			value[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
		}
		value[len] = '\0';
		test_note("round %u: swiotlb=\"%s\"", round, value);

		swiotlb_parse_cmdline(value, &cmdline);
		CHECK(cmdline.nslabs % IO_TLB_SEGSIZE == 0);
		CHECK(cmdline.nr_areas <= SWIOTLB_MAX_AREAS);
		CHECK(cmdline.has_nslabs || !cmdline.nslabs);
		free(value);
	}
}
