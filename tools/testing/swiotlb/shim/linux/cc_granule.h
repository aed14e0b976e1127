/* SPDX-License-Identifier: GPL-2.0 */
/* The one of the kernel, which the platform answers: see memory.h */
#include <shim.h>
#include_next <linux/cc_granule.h>
