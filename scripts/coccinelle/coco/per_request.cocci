// SPDX-License-Identifier: GPL-2.0-only
/// A conversion costs tens of microseconds, a call of the host, flushes of
/// caches and TLBs, and splits huge pages on both sides. Who converts memory
/// for each request and converts it back should rather keep it, or take it from
/// memory that is shared already: dma_alloc_*(), dma_pool_alloc().
///
//# Found are functions that share memory and make it private again on their way
//# through, not only to clean up after an error, directly or by functions of the
//# same file; and functions that allocate and convert as much as their caller
//# says, or free it: allocators, to be called any number of times.
///
// Confidence: Moderate
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: set-up code (__init) is left alone
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context

@initialize:python@
@@

def set_up(place):
    # Does the function run once, at boot?
    with open(place.file, errors="replace") as source:
        lines = source.readlines()
    line = int(place.current_element_line)
    return "__init" in "".join(lines[max(line - 2, 0):line])

// Functions that convert, by direction --------------------------------------

@sharer@
identifier f, conv = {set_memory_decrypted, dma_set_decrypted};
@@

 f(...)
 {
	<+... conv(...) ...+>
 }

@unsharer@
identifier g, conv = {set_memory_encrypted, dma_set_encrypted};
@@

 g(...)
 {
	<+... conv(...) ...+>
 }

// There and back again --------------------------------------------------------

@both forall@
identifier conv = {set_memory_decrypted, dma_set_decrypted};
identifier back = {set_memory_encrypted, dma_set_encrypted};
identifier f;
position p : script:python() { not set_up(p[0]) };
position q;
@@

 f(...)
 {
	... when any
	conv@p(...)
	... when any
	back@q(...)
	... when any
 }

@wrapped forall@
identifier sharer.f, unsharer.g;
identifier h;
position p : script:python() { not set_up(p[0]) };
position q;
@@

 h(...)
 {
	... when any
	f@p(...)
	... when any
	g@q(...)
	... when any
 }

// Allocators ------------------------------------------------------------------

@sized exists@
identifier alloc = {alloc_pages, __get_free_pages, alloc_pages_exact,
		    alloc_pages_node, __dma_direct_alloc_pages,
		    dma_alloc_contiguous, __free_pages, free_pages,
		    free_pages_exact, __dma_direct_free_pages,
		    dma_free_contiguous};
identifier f;
identifier size =~ "^(size|sz|len|bytes|nr_bytes|nr_pages|npages|.*_(size|bytes|len))$";
type T;
@@

 f(..., T size, ...)
 {
	<+...
	alloc(..., <+... size ...+>, ...)
	...+>
 }

@sized_conv@
identifier sized.f;
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   dma_set_decrypted, dma_set_encrypted};
position p;
@@

 f(...)
 {
	<+... conv@p(...) ...+>
 }

@depends on context@
position both.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << both.p;
q << both.q;
@@

coccilib.report.print_report(p[0], "WARNING: %s: shared here, private again in line %s of the same run: wants a pool" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << both.p;
q << both.q;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: shared here, private again in line %s of the same run: wants a pool" % (p[0].current_element, q[0].line))

@depends on context@
position wrapped.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << wrapped.p;
q << wrapped.q;
@@

coccilib.report.print_report(p[0], "WARNING: %s: shared here, private again in line %s of the same run: wants a pool" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << wrapped.p;
q << wrapped.q;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: shared here, private again in line %s of the same run: wants a pool" % (p[0].current_element, q[0].line))

@depends on context@
position sized_conv.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << sized_conv.p;
size << sized.size;
@@

coccilib.report.print_report(p[0], "WARNING: %s: an allocator that converts %s at each call: wants a pool" % (p[0].current_element, size))

@script:python depends on org@
p << sized_conv.p;
size << sized.size;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: an allocator that converts %s at each call: wants a pool" % (p[0].current_element, size))
