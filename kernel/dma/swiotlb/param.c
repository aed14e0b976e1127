// SPDX-License-Identifier: GPL-2.0
/*
 * What swiotlb= means
 *
 *	swiotlb=[<slabs>][,<areas>][,force|noforce][,<backend>]
 *
 * The order of the words does not matter, but for the two numbers, of which the
 * first is the size. An empty word stands for a number that is not given, so
 * that ",4" asks for four areas. What is not understood is warned about and
 * ignored: a machine that boots differently than asked beats one that does not.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/align.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "internal.h"

#define MAX_WORD_LEN	32

/* No machine has more memory than its physical addresses can name */
#define MAX_NSLABS	(ULONG_MAX >> (IO_TLB_SHIFT + 1))

static void parse_slabs(const char *word, struct swiotlb_cmdline *cmdline)
{
	unsigned long nslabs;

	if (kstrtoul(word, 0, &nslabs) || nslabs > MAX_NSLABS) {
		pr_warn("swiotlb=: \"%s\" is no number of slabs, ignored\n",
			word);
		return;
	}

	/* A short segment at the end would serve hardly any request */
	cmdline->nslabs = ALIGN(nslabs, IO_TLB_SEGSIZE);
	cmdline->has_nslabs = true;
}

static void parse_areas(const char *word, struct swiotlb_cmdline *cmdline)
{
	unsigned int nr_areas;

	if (kstrtouint(word, 0, &nr_areas) || nr_areas > SWIOTLB_MAX_AREAS) {
		pr_warn("swiotlb=: \"%s\" is no number of areas up to %u, ignored\n",
			word, SWIOTLB_MAX_AREAS);
		return;
	}
	cmdline->nr_areas = max(nr_areas, 1U);
}

static void parse_word(const char *word, struct swiotlb_cmdline *cmdline)
{
	const struct swiotlb_backend_ops *ops = swiotlb_find_builtin(word);
	char names[64];

	if (!strcmp(word, "force")) {
		cmdline->force = true;
	} else if (!strcmp(word, "noforce")) {
		cmdline->noforce = true;
	} else if (ops) {
		cmdline->backend = ops;
	} else {
		swiotlb_show_backends(NULL, names, sizeof(names));
		pr_warn("swiotlb=: unknown word \"%s\" ignored, backends are: %s\n",
			word, names);
	}
}

/**
 * swiotlb_parse_cmdline() - parse the value of swiotlb=
 * @str:     the value
 * @cmdline: what earlier values said, to be added to and overridden
 *
 * Context: early boot.
 */
void swiotlb_parse_cmdline(const char *str, struct swiotlb_cmdline *cmdline)
{
	unsigned int nr_numbers = 0;

	for (;;) {
		size_t len = strcspn(str, ",");
		char word[MAX_WORD_LEN];

		strscpy(word, str, min(len + 1, sizeof(word)));
		if (len >= sizeof(word))
			pr_warn("swiotlb=: \"%s...\" is too long, ignored\n",
				word);
		else if (len && !isdigit(word[0]))
			parse_word(word, cmdline);
		else if (nr_numbers == 0 && len)
			parse_slabs(word, cmdline);
		else if (nr_numbers == 1 && len)
			parse_areas(word, cmdline);
		else if (len)
			pr_warn("swiotlb=: third number \"%s\" ignored\n",
				word);
		if (!len || isdigit(word[0]))
			nr_numbers++;

		if (!str[len])
			break;
		str += len + 1;
	}
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_parse_cmdline);
