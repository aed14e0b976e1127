/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM coco

#if !defined(_TRACE_COCO_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_COCO_H

#include <linux/tracepoint.h>

/* Memory was converted between private and shared, or could not be */
TRACE_EVENT(coco_convert,
	TP_PROTO(unsigned long addr, u64 bytes, bool enc, bool misaligned,
		 int err, u64 ns, unsigned long caller),
	TP_ARGS(addr, bytes, enc, misaligned, err, ns, caller),

	TP_STRUCT__entry(
		__field(unsigned long,	addr)
		__field(u64,		bytes)
		__field(bool,		enc)
		__field(bool,		misaligned)
		__field(int,		err)
		__field(u64,		ns)
		__field(unsigned long,	caller)
	),

	TP_fast_assign(
		__entry->addr = addr;
		__entry->bytes = bytes;
		__entry->enc = enc;
		__entry->misaligned = misaligned;
		__entry->err = err;
		__entry->ns = ns;
		__entry->caller = caller;
	),

	TP_printk("addr=%p bytes=%llu to=%s misaligned=%d err=%d ns=%llu caller=%pS",
		  (void *)__entry->addr, __entry->bytes,
		  __entry->enc ? "private" : "shared", __entry->misaligned,
		  __entry->err, __entry->ns, (void *)__entry->caller)
);

#endif /* _TRACE_COCO_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
