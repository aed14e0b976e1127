/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_COCO_GUEST_H
#define _ASM_X86_COCO_GUEST_H

#include <linux/init.h>

void __init coco_guest_setup(void);

#endif /* _ASM_X86_COCO_GUEST_H */
