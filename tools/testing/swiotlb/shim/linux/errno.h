/* SPDX-License-Identifier: GPL-2.0 */
/* The C library includes this one, too, and wants its own */
#include_next <linux/errno.h>
