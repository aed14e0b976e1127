/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM swiotlb

#if !defined(_TRACE_SWIOTLB_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SWIOTLB_H

#include <linux/tracepoint.h>

/* A buffer is about to be bounced; dev_addr is where it lies itself */
TRACE_EVENT(swiotlb_bounced,
	TP_PROTO(struct device *dev, dma_addr_t dev_addr, size_t size),
	TP_ARGS(dev, dev_addr, size),

	TP_STRUCT__entry(
		__string(dev_name, dev_name(dev))
		__field(u64, dma_mask)
		__field(dma_addr_t, dev_addr)
		__field(size_t, size)
		__field(bool, force)
	),

	TP_fast_assign(
		__assign_str(dev_name);
		__entry->dma_mask = (dev->dma_mask ? *dev->dma_mask : 0);
		__entry->dev_addr = dev_addr;
		__entry->size = size;
		__entry->force = is_swiotlb_force_bounce(dev);
	),

	TP_printk("dev_name: %s dma_mask=%llx dev_addr=%llx size=%zu %s",
		  __get_str(dev_name),
		  __entry->dma_mask,
		  (unsigned long long)__entry->dev_addr,
		  __entry->size,
		  __entry->force ? "FORCE" : "NORMAL")
);

/*
 * From when to when a bounce buffer is in use. tlb_addr, its physical address, is its
 * own meanwhile. dev_addr is that of swiotlb_bounced, or all ones for coherent
 * memory, which has no original.
 */
DECLARE_EVENT_CLASS(swiotlb_buffer,
	TP_PROTO(struct device *dev, phys_addr_t orig_addr, phys_addr_t tlb_addr,
		 size_t size, const char *backend),
	TP_ARGS(dev, orig_addr, tlb_addr, size, backend),

	TP_STRUCT__entry(
		__string(dev_name, dev_name(dev))
		__field(u64, dev_addr)
		__field(u64, tlb_addr)
		__field(size_t, size)
		__string(backend, backend)
	),

	TP_fast_assign(
		__assign_str(dev_name);
		__entry->dev_addr = orig_addr == SWIOTLB_NO_ORIG ? U64_MAX :
				    phys_to_dma(dev, orig_addr);
		__entry->tlb_addr = tlb_addr;
		__entry->size = size;
		__assign_str(backend);
	),

	TP_printk("dev_name: %s dev_addr=%llx tlb_addr=%llx size=%zu backend=%s",
		  __get_str(dev_name), __entry->dev_addr, __entry->tlb_addr,
		  __entry->size, __get_str(backend))
);

/* It got its place, nothing is copied yet; swiotlb_bounced came before */
DEFINE_EVENT(swiotlb_buffer, swiotlb_mapped,
	TP_PROTO(struct device *dev, phys_addr_t orig_addr, phys_addr_t tlb_addr,
		 size_t size, const char *backend),
	TP_ARGS(dev, orig_addr, tlb_addr, size, backend)
);

/* It is about to be freed, all is copied */
DEFINE_EVENT(swiotlb_buffer, swiotlb_unbounced,
	TP_PROTO(struct device *dev, phys_addr_t orig_addr, phys_addr_t tlb_addr,
		 size_t size, const char *backend),
	TP_ARGS(dev, orig_addr, tlb_addr, size, backend)
);

/*
 * A mapping got no bounce buffer; the reasons are those in debugfs. There may be no
 * backend, "none".
 */
TRACE_EVENT(swiotlb_alloc_fail,
	TP_PROTO(struct device *dev, size_t size, const char *reason,
		 const char *backend),
	TP_ARGS(dev, size, reason, backend),

	TP_STRUCT__entry(
		__string(dev_name, dev_name(dev))
		__field(size_t, size)
		__string(reason, reason)
		__string(backend, backend)
	),

	TP_fast_assign(
		__assign_str(dev_name);
		__entry->size = size;
		__assign_str(reason);
		__assign_str(backend);
	),

	TP_printk("dev_name: %s size=%zu reason=%s backend=%s",
		  __get_str(dev_name), __entry->size, __get_str(reason),
		  __get_str(backend))
);

/* New mappings go from one backend to another */
TRACE_EVENT(swiotlb_switch,
	TP_PROTO(const char *from, const char *to),
	TP_ARGS(from, to),

	TP_STRUCT__entry(
		__string(from, from)
		__string(to, to)
	),

	TP_fast_assign(
		__assign_str(from);
		__assign_str(to);
	),

	TP_printk("from=%s to=%s", __get_str(from), __get_str(to))
);

/* A backend got or gave back memory; total_bytes is what it has now */
DECLARE_EVENT_CLASS(swiotlb_resize,
	TP_PROTO(const char *backend, size_t bytes, unsigned long total_bytes),
	TP_ARGS(backend, bytes, total_bytes),

	TP_STRUCT__entry(
		__string(backend, backend)
		__field(size_t, bytes)
		__field(unsigned long, total_bytes)
	),

	TP_fast_assign(
		__assign_str(backend);
		__entry->bytes = bytes;
		__entry->total_bytes = total_bytes;
	),

	TP_printk("backend=%s bytes=%zu total_bytes=%lu", __get_str(backend),
		  __entry->bytes, __entry->total_bytes)
);

DEFINE_EVENT(swiotlb_resize, swiotlb_grow,
	TP_PROTO(const char *backend, size_t bytes, unsigned long total_bytes),
	TP_ARGS(backend, bytes, total_bytes)
);

DEFINE_EVENT(swiotlb_resize, swiotlb_shrink,
	TP_PROTO(const char *backend, size_t bytes, unsigned long total_bytes),
	TP_ARGS(backend, bytes, total_bytes)
);

#endif /*  _TRACE_SWIOTLB_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
