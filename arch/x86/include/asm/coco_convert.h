/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_COCO_CONVERT_H
#define _ASM_X86_COCO_CONVERT_H

#include <linux/types.h>

struct dentry;

/* Converts pages at a virtual address: 0, or an errno and the state is unknown */
typedef int (*coco_convert_fn)(unsigned long addr, int numpages, bool enc);

#ifdef CONFIG_COCO_CONVERSIONS
int coco_convert(coco_convert_fn convert, unsigned long addr, int numpages,
		 bool enc, unsigned long caller);
struct dentry *coco_debugfs_dir(void);
#else
static inline int coco_convert(coco_convert_fn convert, unsigned long addr,
			       int numpages, bool enc, unsigned long caller)
{
	return convert(addr, numpages, enc);
}
#endif

#endif /* _ASM_X86_COCO_CONVERT_H */
