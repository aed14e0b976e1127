/* SPDX-License-Identifier: GPL-2.0 */
/* Nobody traces here, but tests count what happened */
#ifndef _SHIM_TRACE_EVENTS_SWIOTLB_H
#define _SHIM_TRACE_EVENTS_SWIOTLB_H

#define trace_swiotlb_bounced(dev, dev_addr, size)	((void)(dev_addr))
#define trace_swiotlb_mapped(dev, orig_addr, tlb_addr, size, backend) \
	((void)(orig_addr), (void)(backend))
#define trace_swiotlb_unbounced(dev, orig_addr, tlb_addr, size, backend) \
	((void)(orig_addr), (void)(backend))

/* What was said last */
extern const char *shim_fail_reason, *shim_fail_backend;
#define trace_swiotlb_alloc_fail(dev, size, reason, backend) \
	((void)(dev), WRITE_ONCE(shim_fail_reason, reason), \
	 WRITE_ONCE(shim_fail_backend, backend))

extern unsigned long shim_nr_switches, shim_nr_grows, shim_nr_shrinks;
#define shim_trace(counter) \
	((void)__atomic_fetch_add(&(counter), 1, __ATOMIC_RELAXED))
#define trace_swiotlb_switch(from, to) \
	((void)(from), (void)(to), shim_trace(shim_nr_switches))
#define trace_swiotlb_grow(backend, bytes, total_bytes) \
	((void)(backend), (void)(bytes), (void)(total_bytes), \
	 shim_trace(shim_nr_grows))
#define trace_swiotlb_shrink(backend, bytes, total_bytes) \
	((void)(backend), (void)(bytes), (void)(total_bytes), \
	 shim_trace(shim_nr_shrinks))

#endif /* _SHIM_TRACE_EVENTS_SWIOTLB_H */
