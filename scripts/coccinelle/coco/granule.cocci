// SPDX-License-Identifier: GPL-2.0-only
/// Memory of a confidential guest should be shared with the host, and made
/// private again, in whole granules: cc_shared_granule(), 2 MiB on x86. A block
/// that is shared in part is backed twice by the host, and splits the direct
/// mapping of the guest for good. Round sizes with cc_granule_align().
///
//# Nothing breaks where this is not so, and who shares a single page that lives
//# as long as the machine does little harm. Better let such pages come out of
//# a common granule.
//#
//# Exempt, since rounding makes no sense there, are the sites in the table
//# EXEMPT below, each with its reason.
//#
//# Patch mode rounds where memory is allocated and converted in one function
//# from one size, and only if no other function of the file computes that size
//# a second time to free it, unless that is patched as well.
///
// Confidence: Moderate
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: a size counts as granular when it was made or tested with one of
//	the helpers or constants of a granule in the same function
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context
virtual patch

@initialize:python@
@@

# (end of the file's path, function or None for all): why
EXEMPT = {
    ("arch/x86/kernel/machine_kexec_64.c", None): "memory encryption of the host: pages of kexec, whose size is a given",
    ("arch/x86/kvm/mmu/mmu.c", None): "memory encryption of the host: a page that the processor walks",
    ("arch/x86/realmode/init.c", None): "memory encryption of the host: the trampoline below 1 MiB",
    ("arch/x86/include/asm/vga.h", None): "not RAM: the legacy window of the VGA card",
    ("arch/x86/mm/mem_encrypt_amd.c", "snp_memcpy"): "shared for the time of a copy at boot, no huge page yet",
    ("arch/x86/mm/mem_encrypt_amd.c", "__set_clr_pte_enc"): "the engine: the page that a page-table entry maps",
    ("arch/x86/mm/mem_encrypt_amd.c", "amd_enc_status_change_prepare"): "the engine: what its caller asked for",
    ("arch/x86/mm/mem_encrypt_amd.c", "amd_enc_status_change_finish"): "the engine: what its caller asked for",
    ("kernel/dma/swiotlb/pool.c", None): "whole pools, of the size that swiotlb_pool_provision() chose",
}

SAFE = set()  # where rounding is safe


def exempt(place):
    return any(place.file.endswith(path) and function in (None, place.current_element) for path, function in EXEMPT)


def whole(text):
    """A literal number of pages that is a multiple of 2 MiB"""
    try:
        return int(text.rstrip("uUlL"), 0) % 512 == 0
    except ValueError:
        return False

// Conversions, those that are exempt left out -------------------------------

@call@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
identifier snp = {early_snp_set_memory_shared, early_snp_set_memory_private,
		  snp_set_memory_shared, snp_set_memory_private};
expression a, pa, n;
position p;
@@

(
 conv@p(a, n)
|
 snp@p(a, n)
|
 snp@p(a, pa, n)
)

@script:python wanted@
p << call.p;
n << call.n;
@@

if exempt(p[0]) or whole(n):
    cocci.include_match(False)

// Granular already: the size is a granule's, was made from one, or was tested

@direct@
expression e;
position call.p;
identifier c;
@@

 c@p(..., <+... \(PTRS_PER_PMD\|PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e)\) ...+>)

@made exists@
position call.p;
expression v, e;
identifier c;
@@

 v = <+... \(PTRS_PER_PMD\|PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|HPAGE_PMD_ORDER\|PMD_ORDER\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e)\) ...+>;
 ...
 c@p(..., <+... v ...+>)

@made2 exists@
position call.p;
expression u, v, e;
identifier c;
@@

 u = <+... \(PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|HPAGE_PMD_ORDER\|PMD_ORDER\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e)\) ...+>;
 ...
 v = <+... u ...+>;
 ...
 c@p(..., <+... v ...+>)

@declared exists@
position call.p;
expression e;
identifier i, c;
type T;
@@

 T i = <+... \(PTRS_PER_PMD\|PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|HPAGE_PMD_ORDER\|PMD_ORDER\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e)\) ...+>;
 ...
 c@p(..., <+... i ...+>)

@declared2 exists@
position call.p;
expression v, e;
identifier i, j, c;
type T1, T2;
@@

 T1 i = <+... \(PTRS_PER_PMD\|PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|HPAGE_PMD_ORDER\|PMD_ORDER\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e)\) ...+>;
 ...
(
 v = <+... i ...+>;
 ...
 c@p(..., <+... v ...+>)
|
 T2 j = <+... i ...+>;
 ...
 c@p(..., <+... j ...+>)
)

@tested exists@
position call.p;
expression v, s;
identifier c;
@@

\(cc_is_granules(s, <+... v ...+>)\|
  IS_ALIGNED(<+... v ...+>, \(PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|HPAGE_PMD_NR\|PTRS_PER_PMD\|SZ_2M\|cc_shared_granule()\))\)
 ...
 c@p(..., <+... v ...+>)

// The size is fine, but the address is that of a mere page ------------------

@early exists@
position call.p, q;
expression v, e, align;
identifier c;
identifier get = {memblock_alloc, memblock_alloc_low, memblock_alloc_raw,
		  memblock_phys_alloc, memblock_alloc_node};
@@

 v = get@q(e, align, ...);
 ...
 c@p(<+... v ...+>, ...)

@early_ok exists@
position call.p, early.q;
expression early.v, e, e2;
identifier early.get, c;
@@

 v = get@q(e, \(PMD_SIZE\|HPAGE_SIZE\|HPAGE_PMD_SIZE\|SZ_2M\|cc_shared_granule()\|cc_granule_align(e2)\), ...);
 ...
 c@p(<+... v ...+>, ...)

// --------------------------------------------------------------------------
// What can be rounded safely. One order says how much is allocated, converted
// and freed; nobody else in the file computes an order when he frees.

@elsewhere depends on patch@
@@

\(__free_pages\|free_pages\)(..., get_order(...))

@orders depends on patch && !elsewhere && !direct && !made && !made2 && !declared && !declared2 && !tested exists@
expression a, e;
idexpression order;
identifier alloc = {alloc_pages, __get_free_pages};
identifier conv = {set_memory_decrypted};
position call.p;
position o;
@@

 order = get_order@o(e);
 ...
 alloc(..., order)
 ...
 conv@p(a, \(1 << order\|1U << order\|1UL << order\))

// Two functions, one that allocates and shares, one that takes back and frees,
// both of which round the same size to pages

@exact_alloc depends on patch exists@
expression e;
identifier i;
type T;
position o;
@@

 T i = PAGE_ALIGN@o(e);
 ...
 alloc_pages_exact(i, ...)
 ...
 set_memory_decrypted(...)

@exact_free depends on patch exists@
expression exact_alloc.e;
expression x;
identifier i;
type T;
position o;
@@

 T i = PAGE_ALIGN@o(e);
 ...
 set_memory_encrypted(...)
 ...
 free_pages_exact(x, i)

@script:python depends on patch@
o << orders.o;
@@

SAFE.add((o[0].file, o[0].line, o[0].column))

@script:python depends on patch@
o1 << exact_alloc.o;
o2 << exact_free.o;
@@

SAFE.update((o[0].file, o[0].line, o[0].column) for o in (o1, o2))

@round depends on patch@
expression e;
position o : script:python() { (o[0].file, o[0].line, o[0].column) in SAFE };
@@

(
 get_order@o(
-	e
+	cc_granule_align(e)
 )
|
- PAGE_ALIGN@o(e)
+ cc_granule_align(e)
)

@depends on round@
@@

 #include <linux/set_memory.h>
+#include <linux/cc_granule.h>

// --------------------------------------------------------------------------

@depends on context && !direct && !made && !made2 && !declared && !declared2 && !tested@
position call.p;
identifier c;
@@

* c@p(...)

@depends on context && !early_ok@
position call.p;
expression early.v;
identifier c;
@@

* c@p(<+... v ...+>, ...)

@script:python depends on report && !direct && !made && !made2 && !declared && !declared2 && !tested@
p << call.p;
n << call.n;
@@

coccilib.report.print_report(p[0], "WARNING: %s: conversion of a size that is not rounded to a granule: %s" % (p[0].current_element, n))

@script:python depends on report && !early_ok@
p << call.p;
q << early.q;
align << early.align;
@@

coccilib.report.print_report(p[0], "WARNING: %s: start of the conversion is aligned to %s only, not to a granule" % (p[0].current_element, align))

@script:python depends on org && !direct && !made && !made2 && !declared && !declared2 && !tested@
p << call.p;
n << call.n;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: conversion of a size that is not rounded to a granule: %s" % (p[0].current_element, n))

@script:python depends on org && !early_ok@
p << call.p;
q << early.q;
align << early.align;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: start of the conversion is aligned to %s only, not to a granule" % (p[0].current_element, align))
