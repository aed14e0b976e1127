// SPDX-License-Identifier: GPL-2.0
/*
 * What administrators can say about the `cc` backend
 *
 *	swiotlb.cc_watermarks=<KiB>,...	what should be free for each class
 *	swiotlb.cc_max=<MiB>		the most memory that it may take
 *	swiotlb.cc_idle_ms=<ms>		how long a chunk must be empty to be given back
 *
 * at boot, and as files in /sys/module/swiotlb/parameters/ at any time.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "cc.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX	"swiotlb."

#define MAX_IDLE_MS	3600000U
#define MAX_MIB		(4U << 20)

/* Of large memory, this part should be free in long runs, as a log2 */
#define SPARE_SHIFT	5
/*
 * Or two chunks for each CPU, but this part at most. A CPU may use up more than one
 * while another is made, and to convert it takes longer the more CPUs there are
 */
#define CPU_SPARE_SHIFT	(CC_CHUNK_SHIFT + 1)
#define MAX_SPARE_SHIFT	2

/* More than that for a class is a mistake */
#define MAX_MARK_KIB	(SZ_1G / SZ_1K)

static unsigned int cc_idle_ms = 5000;
static unsigned int cc_max;

static unsigned int cc_watermarks[CC_NR_MARKS] = {
	[CC_256]	= 64,
	[CC_512]	= 64,
	[CC_1K]		= 128,
	[CC_2K]		= 512,
	[CC_PAGES]	= 4096,
	[CC_RUN_2K]	= 0,
};

static int set_idle_ms(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 100, MAX_IDLE_MS);
}

static int set_max(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, MAX_MIB);
}

/* All or nothing. Fewer numbers than there are classes leave the last as they are */
static int set_watermarks(const char *val, const struct kernel_param *kp)
{
	unsigned int marks[CC_NR_MARKS], nr = 0, class;
	char word[16];

	for (;;) {
		size_t len = strcspn(val, ",\n");

		if (nr == CC_NR_MARKS || len >= sizeof(word))
			return -EINVAL;
		strscpy(word, val, len + 1);
		if (kstrtouint(word, 0, &marks[nr]))
			return -EINVAL;
		if (marks[nr] > MAX_MARK_KIB) {
			pr_warn("watermark %u KiB of class %s is too high, using %u KiB\n",
				marks[nr], cc_classes[nr].name, MAX_MARK_KIB);
			marks[nr] = MAX_MARK_KIB;
		}
		nr++;
		val += len;
		if (*val != ',')
			break;
		val++;
	}
	for (class = 0; class < nr; class++)
		WRITE_ONCE(cc_watermarks[class], marks[class]);
	return 0;
}

static int get_watermarks(char *buffer, const struct kernel_param *kp)
{
	unsigned int class;
	int len = 0;

	for (class = 0; class < CC_NR_MARKS; class++)
		len += sysfs_emit_at(buffer, len, class ? ",%u" : "%u",
				     READ_ONCE(cc_watermarks[class]));
	len += sysfs_emit_at(buffer, len, "\n");
	return len;
}

static const struct kernel_param_ops idle_ms_ops = {
	.set = set_idle_ms,
	.get = param_get_uint,
};

static const struct kernel_param_ops max_ops = {
	.set = set_max,
	.get = param_get_uint,
};

static const struct kernel_param_ops watermarks_ops = {
	.set = set_watermarks,
	.get = get_watermarks,
};

module_param_cb(cc_idle_ms, &idle_ms_ops, &cc_idle_ms, 0644);
MODULE_PARM_DESC(cc_idle_ms,
		 "How long a chunk must be empty before it is given back, 100 to 3600000 ms (5000)");
module_param_cb(cc_max, &max_ops, &cc_max, 0644);
MODULE_PARM_DESC(cc_max,
		 "Most memory that backend cc may take, up to 4194304 MiB (0: half of all memory)");
module_param_cb(cc_watermarks, &watermarks_ops, NULL, 0644);
MODULE_PARM_DESC(cc_watermarks,
		 "Free memory wanted for the classes of backend cc, from the smallest on, up to 1048576 KiB each (64,64,128,512,4096,0)");

/**
 * cc_idle_jiffies() - how long a chunk must be empty to be given back
 *
 * Context: any.
 * Return: jiffies.
 */
unsigned int cc_idle_jiffies(void)
{
	return msecs_to_jiffies(READ_ONCE(cc_idle_ms));
}

/**
 * cc_max_bytes() - the cap
 *
 * Context: any.
 * Return: bytes, or 0 if the administrator said nothing.
 */
u64 cc_max_bytes(void)
{
	return (u64)READ_ONCE(cc_max) * SZ_1M;
}

/**
 * cc_watermark_bytes() - what should be free for a class
 * @class: the class
 *
 * Context: any.
 * Return: bytes.
 */
u64 cc_watermark_bytes(enum cc_class class)
{
	return (u64)READ_ONCE(cc_watermarks[class]) * SZ_1K;
}

/**
 * cc_mark_bytes() - what should be free for a class, if there is so much memory
 * @class:     one with a watermark
 * @all_bytes: all the memory there is
 *
 * Context: any.
 * Return: bytes; 0 if users say that nothing need be.
 */
u64 cc_mark_bytes(enum cc_class class, u64 all_bytes)
{
	u64 mark = cc_watermark_bytes(class);

	if (class == CC_PAGES && mark)
		mark = max3(mark, all_bytes >> SPARE_SHIFT,
			    min(all_bytes >> MAX_SPARE_SHIFT,
				(u64)num_online_cpus() << CPU_SPARE_SHIFT));
	return mark;
}
