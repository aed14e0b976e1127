// SPDX-License-Identifier: GPL-2.0-only
/// Only whole pages of the direct mapping can be converted. Pages of vmalloc()
/// are scattered: each of them spoils another block of 2 MiB, and TDX cannot
/// convert them by that address at all. kmalloc() gives pieces of pages, whose
/// other pieces belong to somebody else.
///
//# vmbus_establish_gpadl() converts what it is given, so it counts, too. Use
//# alloc_pages() or, for lasting buffers, memory that is shared already.
///
// Confidence: High
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: a member is followed from one function of a file to another one
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context

// Allocated and converted in one function -----------------------------------

@here exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
identifier alloc = {vmalloc, vzalloc, __vmalloc, vmalloc_node, vzalloc_node,
		    vmalloc_32, kmalloc, kzalloc, kcalloc, kmalloc_array,
		    kmalloc_node, kzalloc_node, kmemdup, kvmalloc, kvzalloc,
		    kvcalloc, kvmalloc_array, kmem_cache_alloc,
		    kmem_cache_zalloc};
expression x, E, n, ch;
type T;
position p, q;
@@

(
 x = alloc@q(...);
|
 x = (T)alloc@q(...);
)
 ... when != x = E
(
 conv@p(<+... x ...+>, n)
|
 vmbus_establish_gpadl@p(ch, <+... x ...+>, ...)
)

@declared exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
identifier alloc = {vmalloc, vzalloc, __vmalloc, vmalloc_node, vzalloc_node,
		    vmalloc_32, kmalloc, kzalloc, kcalloc, kmalloc_array,
		    kmalloc_node, kzalloc_node, kmemdup, kvmalloc, kvzalloc,
		    kvcalloc, kvmalloc_array, kmem_cache_alloc,
		    kmem_cache_zalloc};
expression E, n, ch;
identifier i;
type T, T2;
position p, q;
@@

(
 T i = alloc@q(...);
|
 T i = (T2)alloc@q(...);
)
 ... when != i = E
(
 conv@p(<+... i ...+>, n)
|
 vmbus_establish_gpadl@p(ch, <+... i ...+>, ...)
)

// Kept in a member meanwhile ------------------------------------------------

@member@
identifier alloc = {vmalloc, vzalloc, __vmalloc, vmalloc_node, vzalloc_node,
		    vmalloc_32, kmalloc, kzalloc, kcalloc, kmalloc_array,
		    kmalloc_node, kzalloc_node, kmemdup, kvmalloc, kvzalloc,
		    kvcalloc, kvmalloc_array, kmem_cache_alloc,
		    kmem_cache_zalloc};
expression b;
identifier m;
position q;
@@

(
 b->m = alloc@q(...)
|
 b.m = alloc@q(...)
)

@there@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
identifier member.m;
expression b, n, ch;
position p != {here.p, declared.p};
@@

(
 conv@p(<+... \(b->m\|b.m\) ...+>, n)
|
 vmbus_establish_gpadl@p(ch, <+... \(b->m\|b.m\) ...+>, ...)
)

@depends on context@
position here.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << here.p;
q << here.q;
alloc << here.alloc;
@@

coccilib.report.print_report(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))

@script:python depends on org@
p << here.p;
q << here.q;
alloc << here.alloc;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))

@depends on context@
position declared.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << declared.p;
q << declared.q;
alloc << declared.alloc;
@@

coccilib.report.print_report(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))

@script:python depends on org@
p << declared.p;
q << declared.q;
alloc << declared.alloc;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))

@depends on context@
position there.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << there.p;
q << member.q;
alloc << member.alloc;
@@

coccilib.report.print_report(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))

@script:python depends on org@
p << there.p;
q << member.q;
alloc << member.alloc;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: memory of %s() (line %s) is converted" % (p[0].current_element, alloc, q[0].line))
