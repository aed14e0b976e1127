/* SPDX-License-Identifier: GPL-2.0 */
/* Nobody traces here */
#ifndef _SHIM_TRACE_EVENTS_SWIOTLB_H
#define _SHIM_TRACE_EVENTS_SWIOTLB_H

#define trace_swiotlb_bounced(dev, dev_addr, size)	((void)(dev_addr))
#define trace_swiotlb_alloc_fail(dev, size, reason)	((void)(reason))

#endif /* _SHIM_TRACE_EVENTS_SWIOTLB_H */
