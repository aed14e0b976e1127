/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as kernel/dma/swiotlb/ needs, in user space
 *
 * Each kernel header that is included there is a generated line that includes
 * this file instead. What the sources use is here, and the obvious neighbours of
 * it: an unknown name does not compile, and then it is added to the part that it
 * belongs to.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include "base.h"
#include "bits.h"
#include "list.h"
#include "text.h"
#include "atomic.h"
#include "locks.h"
#include "rcu.h"
#include "guards.h"
#include "memory.h"
#include "alloc.h"
#include "percpu.h"
#include "clock.h"
#include "work.h"
#include "shrinker.h"
#include "module.h"
#include "files.h"
#include "device.h"
#include "debugfs.h"
#include "trace/events/swiotlb.h"

#endif /* _SHIM_H */
