// SPDX-License-Identifier: GPL-2.0-only
/// A conversion takes mutexes, allocates page tables and waits for other
/// processors: it needs a context that may sleep. Convert ahead, and take shared
/// memory from a pool where that is not so.
///
//# Found are conversions between a lock and its unlock, also those made by a
//# function of the same file which is called there; conversions of memory that
//# was allocated for atomic context; and functions which convert and ask whether
//# they are in atomic context, that is, which expect to be.
///
// Confidence: Moderate
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: what only callers in other files know is not seen
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context

// Who converts in this file, by itself --------------------------------------

@call@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
position p;
@@

 conv@p(...)

@converter@
position call.p;
identifier f, c;
@@

 f(...)
 {
	<+... c@p(...) ...+>
 }

@caller@
identifier converter.f;
position p;
@@

 f@p(...)

// Between a lock and its unlock ---------------------------------------------

@locked exists@
position call.p, q;
identifier c;
@@

(
 spin_lock@q(...);
 ... when != spin_unlock(...)
 c@p(...)
|
 spin_lock_bh@q(...);
 ... when != spin_unlock_bh(...)
 c@p(...)
|
 spin_lock_irq@q(...);
 ... when != spin_unlock_irq(...)
 c@p(...)
|
 raw_spin_lock@q(...);
 ... when != raw_spin_unlock(...)
 c@p(...)
|
 read_lock@q(...);
 ... when != read_unlock(...)
 c@p(...)
|
 write_lock@q(...);
 ... when != write_unlock(...)
 c@p(...)
|
 bit_spin_lock@q(...);
 ... when != bit_spin_unlock(...)
 c@p(...)
|
 spin_lock_irqsave@q(...);
 ... when != spin_unlock_irqrestore(...)
 c@p(...)
|
 raw_spin_lock_irqsave@q(...);
 ... when != raw_spin_unlock_irqrestore(...)
 c@p(...)
|
 rcu_read_lock@q(...);
 ... when != rcu_read_unlock(...)
 c@p(...)
|
 preempt_disable@q(...);
 ... when != preempt_enable(...)
 c@p(...)
|
 local_irq_disable@q(...);
 ... when != local_irq_enable(...)
 c@p(...)
|
 local_irq_save@q(...);
 ... when != local_irq_restore(...)
 c@p(...)
|
 local_bh_disable@q(...);
 ... when != local_bh_enable(...)
 c@p(...)
)

@locked_caller exists@
position caller.p, q;
identifier c;
@@

(
 spin_lock@q(...);
 ... when != spin_unlock(...)
 c@p(...)
|
 spin_lock_bh@q(...);
 ... when != spin_unlock_bh(...)
 c@p(...)
|
 spin_lock_irq@q(...);
 ... when != spin_unlock_irq(...)
 c@p(...)
|
 raw_spin_lock@q(...);
 ... when != raw_spin_unlock(...)
 c@p(...)
|
 read_lock@q(...);
 ... when != read_unlock(...)
 c@p(...)
|
 write_lock@q(...);
 ... when != write_unlock(...)
 c@p(...)
|
 bit_spin_lock@q(...);
 ... when != bit_spin_unlock(...)
 c@p(...)
|
 spin_lock_irqsave@q(...);
 ... when != spin_unlock_irqrestore(...)
 c@p(...)
|
 raw_spin_lock_irqsave@q(...);
 ... when != raw_spin_unlock_irqrestore(...)
 c@p(...)
|
 rcu_read_lock@q(...);
 ... when != rcu_read_unlock(...)
 c@p(...)
|
 preempt_disable@q(...);
 ... when != preempt_enable(...)
 c@p(...)
|
 local_irq_disable@q(...);
 ... when != local_irq_enable(...)
 c@p(...)
|
 local_irq_save@q(...);
 ... when != local_irq_restore(...)
 c@p(...)
|
 local_bh_disable@q(...);
 ... when != local_bh_enable(...)
 c@p(...)
)

// Memory that was allocated for atomic context -------------------------------

@gfp exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted};
expression x, E;
type T;
identifier alloc, gfp = {GFP_ATOMIC, GFP_NOWAIT};
position p, q;
@@

(
 x = alloc@q(..., <+... gfp ...+>, ...);
|
 x = (T)alloc@q(..., <+... gfp ...+>, ...);
)
 ... when != x = E
 conv@p(<+... x ...+>, ...)

// A function that may find itself in atomic context --------------------------

@asks exists@
position call.p, q;
identifier ask = {irqs_disabled, in_interrupt, in_atomic, in_task,
		  in_hardirq, in_softirq};
identifier c;
@@

 ask@q()
 ...
 c@p(...)

@depends on context && locked@
position call.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << call.p;
q << locked.q;
@@

coccilib.report.print_report(p[0], "ERROR: %s: conversion while line %s forbids to sleep" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << call.p;
q << locked.q;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: conversion while line %s forbids to sleep" % (p[0].current_element, q[0].line))

@depends on context && locked_caller@
position caller.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << caller.p;
q << locked_caller.q;
@@

coccilib.report.print_report(p[0], "ERROR: %s: call of a function that converts while line %s forbids to sleep" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << caller.p;
q << locked_caller.q;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: call of a function that converts while line %s forbids to sleep" % (p[0].current_element, q[0].line))

@depends on context && asks@
position call.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << call.p;
q << asks.q;
@@

coccilib.report.print_report(p[0], "WARNING: %s: conversion, although line %s asks for atomic context" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << call.p;
q << asks.q;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: conversion, although line %s asks for atomic context" % (p[0].current_element, q[0].line))

@depends on context@
position gfp.p;
identifier c;
@@

* c@p(...)

@script:python depends on report@
p << gfp.p;
q << gfp.q;
@@

coccilib.report.print_report(p[0], "WARNING: %s: conversion of memory that was allocated for atomic context (line %s)" % (p[0].current_element, q[0].line))

@script:python depends on org@
p << gfp.p;
q << gfp.q;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: conversion of memory that was allocated for atomic context (line %s)" % (p[0].current_element, q[0].line))
