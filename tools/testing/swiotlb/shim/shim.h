/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as kernel/dma/swiotlb/ needs, in user space
 *
 * Each kernel header that is included there is a generated line that includes
 * this file instead. Only what the sources use is here: an unknown name does
 * not compile, and then it is added to the part that it belongs to.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include "base.h"
#include "sync.h"
#include "memory.h"
#include "platform.h"

#endif /* _SHIM_H */
