// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: what administrators write
 *
 * Text of the form "name=value" goes to the module parameter of that name, of which each
 * backend has some: a new one needs no line here. All other text goes to swiotlb=.
 */
#include <linux/swiotlb.h>

#include "../../../kernel/dma/swiotlb/internal.h"
#include "fuzz.h"
#include "shim.h"

#define MAX_TEXT	500

const size_t fuzz_unit = 1;
const size_t fuzz_max_len = MAX_TEXT;

/* What only boot code looks at, which copies it for itself: see device_boot.c */
static const char *const left_out[] = { "devices" };

static void check(bool good, const char *what, const char *text)
{
	if (good)
		return;
	printf("  %s: \"%s\"\n  log: %s\n", what, text, shim_log);
	fflush(stdout);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

/* The parameter that the text is for, or NULL; and what it is told */
static const struct kernel_param *param_of(const char *text, const char **value)
{
	const struct kernel_param *kp;
	size_t len = strcspn(text, "=");

	if (!text[len])
		return NULL;
	*value = text + len + 1;
	for (kp = shim_param_first(); kp; kp = kp->shim_next) {
		if (strlen(kp->name) == len && !strncmp(kp->name, text, len) &&
		    match_string(left_out, ARRAY_SIZE(left_out), kp->name) < 0 &&
		    kp->ops->set && kp->ops->get)
			return kp;
	}
	return NULL;
}

static bool is_builtin(const struct swiotlb_backend_ops *ops)
{
	return !ops || swiotlb_find_builtin(ops->name) == ops;
}

static void parse_cmdline(const char *text)
{
	/* What is behind it must stay, as well as what is in it */
	struct {
		struct swiotlb_cmdline cmdline;
		unsigned long canary;
	} a = { .canary = 0x5aff }, b = { .canary = 0x5aff };
	char copy[MAX_TEXT + 1];

	strscpy(copy, text, sizeof(copy));
	swiotlb_parse_cmdline(copy, &a.cmdline);
	check(!strcmp(copy, text), "the text was changed", text);
	check(a.canary == 0x5aff, "wrote beyond its result", text);
	check(a.cmdline.nr_areas <= SWIOTLB_MAX_AREAS, "too many areas", text);
	check(a.cmdline.has_nslabs || !a.cmdline.nslabs, "a size, and none",
	      text);
	check(a.cmdline.nslabs % IO_TLB_SEGSIZE == 0, "half segments", text);
	check(a.cmdline.nslabs <= ULONG_MAX >> IO_TLB_SHIFT,
	      "more bytes than there are numbers", text);
	check(is_builtin(a.cmdline.backend), "a backend that is none", text);

	/* To say it twice changes nothing */
	b.cmdline = a.cmdline;
	swiotlb_parse_cmdline(text, &b.cmdline);
	check(!memcmp(&a.cmdline, &b.cmdline, sizeof(a.cmdline)),
	      "twice is not once", text);
}

static void set_param(const struct kernel_param *kp, const char *text)
{
	char before[PAGE_SIZE] = "", after[PAGE_SIZE] = "", again[PAGE_SIZE] = "";
	int err;

	check(kp->ops->get(before, kp) >= 0, "cannot be read", kp->name);
	err = kp->ops->set(text, kp);
	check(err <= 0 && err >= -MAX_ERRNO, "no errno", text);
	check(kp->ops->get(after, kp) >= 0, "cannot be read any more", text);
	check(strlen(after) < sizeof(after) - 1, "no end", text);
	if (err) {
		check(!strcmp(before, after), "refused, but changed", text);
		return;
	}
	/* What it says it is can be written, and is the same then */
	memcpy(again, after, sizeof(again));
	check(!kp->ops->set(strim(again), kp),
	      "does not take what it gives", after);
	check(kp->ops->get(again, kp) >= 0 && !strcmp(after, again),
	      "what it gives means something else", after);
}

static void to_text(const u8 *bytes, size_t len, char *text)
{
	size_t n = min_t(size_t, len, MAX_TEXT);

	memcpy(text, bytes, n);
	text[n] = '\0';
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	const struct kernel_param *kp;
	char text[MAX_TEXT + 1];
	const char *value;

	to_text(bytes, len, text);
	shim_clear_log();
	kp = param_of(text, &value);
	if (kp)
		set_param(kp, value);
	else
		parse_cmdline(text);
	check(!shim_take_warns(), "a kernel warning", text);
	return 0;
}

size_t fuzz_separator(u8 *bytes, size_t max)
{
	return 0;
}

void fuzz_describe(const u8 *bytes, size_t len)
{
	const struct kernel_param *kp;
	char text[MAX_TEXT + 1];
	const char *value;

	to_text(bytes, len, text);
	kp = param_of(text, &value);
	printf("  %s=%s\n", kp ? kp->name : "swiotlb", kp ? value : text);
}
