/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gcov kernel includes before each file whose lines are counted, see
 * scripts/kernel.py: these are compiled without optimization, which x86's WARN()
 * is not made for. It puts its flags into a variable, and the variable into
 * an instruction. That pr_fmt() is defined again, behind this, is no harm.
 */
#include <linux/bug.h>

#undef __WARN_FLAGS
#define __WARN_FLAGS(flags)	_BUG_FLAGS(ASM_UD2, BUGFLAG_WARNING | (flags), ASM_REACHABLE)
