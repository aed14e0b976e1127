// SPDX-License-Identifier: GPL-2.0-only
/// Memory whose conversion failed may be private, shared or half of each. It
/// must not go back to an allocator: whoever gets it next may write secrets to
/// memory that the host reads. Leak it, and say so.
///
//# Patch mode takes out what frees in the branch of the failure itself. Where
//# that branch jumps to a label which frees, somebody has to write another one.
//# Memory that was converted back with success may be freed.
///
// Confidence: Moderate
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: knows the address itself, its struct page, and variables that hold
//	one of them; a result gathered by |= is not followed
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context
virtual patch

// What was converted: the address, and the page that it was made from ------

@tracked exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted,
		   dma_set_decrypted, dma_set_encrypted};
expression y, z, dev, n, E;
type T;
position p;
@@

(
 z = \(page_address\|page_to_virt\)(y);
 ... when != z = E
(
 conv@p(\((T)z\|z\), n)
|
 conv@p(dev, z, n)
)
|
 conv@p(\((T)page_address(y)\|(T)page_to_virt(y)\|(T)phys_to_virt(y)\), n)
|
 conv@p(\((T)y\|y\), n)
|
 conv@p(dev, \(page_address(y)\|y\), n)
)

// Where the code finds out that it failed ----------------------------------

@failed disable neg_if exists@
identifier tracked.conv;
position tracked.p, i;
idexpression r;
expression E;
statement S1, S2;
@@

(
 if@i (\(conv@p(...)\|conv@p(...) != 0\|conv@p(...) < 0\|unlikely(conv@p(...))\|
	 WARN_ON(conv@p(...))\|WARN_ON_ONCE(conv@p(...))\)) S1 else S2
|
 r = conv@p(...);
 ... when != r = E
 if@i (\(r\|r != 0\|r < 0\|unlikely(r)\|WARN_ON(r)\|WARN_ON_ONCE(r)\)) S1 else S2
)

// It frees right there -----------------------------------------------------

@branch disable neg_if exists@
position failed.i, q;
expression tracked.y, E;
statement S;
identifier free = {__free_pages, free_pages, __free_page, free_page,
		   free_pages_exact, free_contig_range, free_reserved_area,
		   free_init_pages, kfree, kvfree, vfree, memblock_free,
		   memblock_free_late, memblock_phys_free,
		   dma_free_contiguous};
@@

(
 if@i (...) free@q(..., <+... y ...+>, ...); else S
|
 if@i (...) {
	... when != y = E
	    when != \(set_memory_encrypted\|dma_set_encrypted\)(...)
	free@q(..., <+... y ...+>, ...);
	... when any
 } else S
)

// It jumps to where memory is freed ----------------------------------------

@jump disable neg_if exists@
position failed.i, g;
identifier l;
statement S;
@@

(
 if@i (...) goto@g l; else S
|
 if@i (...) {
	... when any
	goto@g l;
 } else S
)

@jumped exists@
position jump.g, q;
identifier jump.l;
expression tracked.y, E;
identifier free = {__free_pages, free_pages, __free_page, free_page,
		   free_pages_exact, free_contig_range, free_reserved_area,
		   free_init_pages, kfree, kvfree, vfree, memblock_free,
		   memblock_free_late, memblock_phys_free,
		   dma_free_contiguous};
@@

 goto@g l;
 ... when != y = E
	    when != \(set_memory_encrypted\|dma_set_encrypted\)(...)
 free@q(..., <+... y ...+>, ...);

// It says so and goes on ---------------------------------------------------

@leaves disable neg_if exists@
position failed.i;
expression tracked.y, E;
identifier l;
statement S;
@@

(
 if@i (...) \(return ...;\|goto l;\|break;\|continue;\|y = E;\) else S
|
 if@i (...) {
	... when any
	\(return ...;\|goto l;\|break;\|continue;\|y = E;\)
	... when any
 } else S
)

@goes_on depends on !leaves disable neg_if exists@
position failed.i, q;
expression tracked.y, E;
statement S1, S2;
identifier free = {__free_pages, free_pages, __free_page, free_page,
		   free_pages_exact, free_contig_range, free_reserved_area,
		   free_init_pages, kfree, kvfree, vfree, memblock_free,
		   memblock_free_late, memblock_phys_free,
		   dma_free_contiguous};
@@

 if@i (...) S1 else S2
 ... when != y = E
     when != \(set_memory_encrypted\|dma_set_encrypted\)(...)
 free@q(..., <+... y ...+>, ...);

// It does not even look ----------------------------------------------------

@ignored exists@
identifier tracked.conv;
position tracked.p, q;
expression tracked.y, E;
identifier free = {__free_pages, free_pages, __free_page, free_page,
		   free_pages_exact, free_contig_range, free_reserved_area,
		   free_init_pages, kfree, kvfree, vfree, memblock_free,
		   memblock_free_late, memblock_phys_free,
		   dma_free_contiguous};
@@

(
 conv@p(...);
|
 (void)conv@p(...);
|
 \(WARN_ON\|WARN_ON_ONCE\)(conv@p(...));
)
 ... when != y = E
	    when != \(set_memory_encrypted\|dma_set_encrypted\)(...)
 free@q(..., <+... y ...+>, ...);

// --------------------------------------------------------------------------

@depends on patch disable neg_if exists@
position failed.i, branch.q;
identifier branch.free;
expression tracked.y;
statement S;
@@

 if@i (...) {
	... when any
-	free@q(..., <+... y ...+>, ...);
	... when any
 } else S

@depends on context@
identifier branch.free;
position branch.q;
@@

* free@q(...)

@script:python depends on report@
p << tracked.p;
q << branch.q;
@@

coccilib.report.print_report(q[0], "ERROR: %s: memory freed after its conversion failed (line %s)" % (q[0].current_element, p[0].line))

@script:python depends on org@
p << tracked.p;
q << branch.q;
@@

coccilib.org.print_todo(q[0], "ERROR: %s: memory freed after its conversion failed (line %s)" % (q[0].current_element, p[0].line))

@depends on context@
identifier jumped.free;
position jumped.q;
@@

* free@q(...)

@script:python depends on report@
p << tracked.p;
q << jumped.q;
@@

coccilib.report.print_report(q[0], "ERROR: %s: memory freed after a jump from its failed conversion (line %s)" % (q[0].current_element, p[0].line))

@script:python depends on org@
p << tracked.p;
q << jumped.q;
@@

coccilib.org.print_todo(q[0], "ERROR: %s: memory freed after a jump from its failed conversion (line %s)" % (q[0].current_element, p[0].line))

@depends on context@
identifier goes_on.free;
position goes_on.q;
@@

* free@q(...)

@script:python depends on report@
p << tracked.p;
q << goes_on.q;
@@

coccilib.report.print_report(q[0], "ERROR: %s: memory freed although its conversion may have failed (line %s)" % (q[0].current_element, p[0].line))

@script:python depends on org@
p << tracked.p;
q << goes_on.q;
@@

coccilib.org.print_todo(q[0], "ERROR: %s: memory freed although its conversion may have failed (line %s)" % (q[0].current_element, p[0].line))

@depends on context@
identifier ignored.free;
position ignored.q;
@@

* free@q(...)

@script:python depends on report@
p << tracked.p;
q << ignored.q;
@@

coccilib.report.print_report(q[0], "ERROR: %s: memory freed although nobody looked whether its conversion failed (line %s)" % (q[0].current_element, p[0].line))

@script:python depends on org@
p << tracked.p;
q << ignored.q;
@@

coccilib.org.print_todo(q[0], "ERROR: %s: memory freed although nobody looked whether its conversion failed (line %s)" % (q[0].current_element, p[0].line))
