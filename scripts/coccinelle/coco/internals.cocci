// SPDX-License-Identifier: GPL-2.0-only
/// What the core and the backends of swiotlb share is theirs alone. Drivers and
/// the DMA layer use <linux/swiotlb.h>, and treat pools and bounce memory as
/// handles: which backend made them, and how, may change while the system runs.
///
//# A backend outside kernel/dma/swiotlb/, which defines a struct
//# swiotlb_backend_ops, may use the services in <linux/swiotlb/backend.h>, but
//# not the internals of the core. Tests may use everything.
///
// Confidence: High
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: members are found where the type of the structure can be seen
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context

@initialize:python@
@@

HOME = ("kernel/dma/swiotlb/", "include/linux/swiotlb/", "tools/testing/swiotlb")


def outside(place):
    path = "/" + place.file
    return "/coco/tests/" in path or not any("/" + home in path for home in HOME)


# The legacy allocator owns what has the same names there
def legacy(place):
    return ("/" + place.file).endswith(("/kernel/dma/swiotlb.c", "/include/linux/swiotlb.h"))

// --------------------------------------------------------------------------

@backend@
identifier ops;
@@

 struct swiotlb_backend_ops ops = { ... };

// The core's own functions and data ------------------------------------------

@internal@
identifier what = {swiotlb_default, swiotlb_default_domain, swiotlb_mutex,
		  io_tlb_mem_of, swiotlb_mem_create, swiotlb_mem_bind,
		  swiotlb_mem_destroy, swiotlb_select, swiotlb_switch,
		  swiotlb_restrict, swiotlb_live_params,
		  swiotlb_find_builtin, swiotlb_default_backend,
		  swiotlb_get_backend, swiotlb_parse_cmdline,
		  swiotlb_record, swiotlb_forget, swiotlb_bounce,
		  swiotlb_map_failed, swiotlb_promise, swiotlb_fixed,
		  swiotlb_dynamic, swiotlb_cc, area_set_alloc, area_free,
		  area_pool_new, area_pool_free, slot_map_alloc,
		  slot_map_free};
position p : script:python() { outside(p[0]) and not legacy(p[0]) };
@@

 what@p

// Services for backends ------------------------------------------------------

@service depends on !backend@
identifier what = {swiotlb_pool_provision, swiotlb_pool_share,
		 swiotlb_pool_release, swiotlb_pool_expect,
		 swiotlb_pool_publish, swiotlb_pool_publish_atomic,
		 swiotlb_pool_retract, swiotlb_meta_alloc,
		 swiotlb_meta_free, swiotlb_report_used,
		 swiotlb_report_transient};
position p : script:python() { outside(p[0]) };
@@

 what@p(...)

// Members --------------------------------------------------------------------

@handle@
struct io_tlb_mem *iotlb;
struct device *dev;
identifier m != {force_bounce, for_alloc};
position p : script:python() { outside(p[0]) and not legacy(p[0]) };
@@

 \(iotlb\|dev->dma_io_tlb_mem\)->m@p

@pool depends on !backend@
struct io_tlb_pool *pool;
identifier m;
position p : script:python() { outside(p[0]) and not legacy(p[0]) };
@@

 pool->m@p

@mem depends on !backend@
struct swiotlb_mem *mem;
identifier m;
position p : script:python() { outside(p[0]) };
@@

 mem->m@p

@depends on context@
identifier internal.what;
position internal.p;
@@

* what@p

@script:python depends on report@
p << internal.p;
what << internal.what;
@@

coccilib.report.print_report(p[0], "ERROR: %s: %s belongs to the core of swiotlb" % (p[0].current_element, what))

@script:python depends on org@
p << internal.p;
what << internal.what;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: %s belongs to the core of swiotlb" % (p[0].current_element, what))

@depends on context@
identifier service.what;
position service.p;
@@

* what@p

@script:python depends on report@
p << service.p;
what << service.what;
@@

coccilib.report.print_report(p[0], "ERROR: %s: %s() is for backends of swiotlb only" % (p[0].current_element, what))

@script:python depends on org@
p << service.p;
what << service.what;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: %s() is for backends of swiotlb only" % (p[0].current_element, what))

@depends on context@
identifier handle.m;
expression e;
position handle.p;
@@

* e->m@p

@script:python depends on report@
p << handle.p;
m << handle.m;
@@

coccilib.report.print_report(p[0], "ERROR: %s: member %s of struct io_tlb_mem belongs to the core of swiotlb" % (p[0].current_element, m))

@script:python depends on org@
p << handle.p;
m << handle.m;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: member %s of struct io_tlb_mem belongs to the core of swiotlb" % (p[0].current_element, m))

@depends on context@
identifier pool.m;
expression e;
position pool.p;
@@

* e->m@p

@script:python depends on report@
p << pool.p;
m << pool.m;
@@

coccilib.report.print_report(p[0], "ERROR: %s: member %s of struct io_tlb_pool belongs to its backend" % (p[0].current_element, m))

@script:python depends on org@
p << pool.p;
m << pool.m;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: member %s of struct io_tlb_pool belongs to its backend" % (p[0].current_element, m))

@depends on context@
identifier mem.m;
expression e;
position mem.p;
@@

* e->m@p

@script:python depends on report@
p << mem.p;
m << mem.m;
@@

coccilib.report.print_report(p[0], "ERROR: %s: member %s of struct swiotlb_mem belongs to its backend" % (p[0].current_element, m))

@script:python depends on org@
p << mem.p;
m << mem.m;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: member %s of struct swiotlb_mem belongs to its backend" % (p[0].current_element, m))
