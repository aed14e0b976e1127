// SPDX-License-Identifier: GPL-2.0-only
/// A conversion between private and shared memory can fail, and then nobody
/// knows which of the two the memory is. Who does not look at the result uses
/// or frees memory in that state.
///
//# A WARN_ON() around the call tells the log, but the code goes on as if all
//# were well, so it counts as not looked at.
///
// Confidence: High
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: a result that is stored and never read is found in local
//	variables only
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context

// The call is the whole statement ------------------------------------------

@dropped@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted,
		   dma_set_decrypted, dma_set_encrypted};
position p;
@@

(
 conv@p(...);
|
 (void)conv@p(...);
|
 \(WARN_ON\|WARN_ON_ONCE\)(conv@p(...));
|
 \(WARN_ON\|WARN_ON_ONCE\)(conv@p(...) != 0);
|
 \(WARN_ON\|WARN_ON_ONCE\)(conv@p(...) < 0);
)

// The result is overwritten before anybody read it -------------------------

@lost exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted,
		   dma_set_decrypted, dma_set_encrypted};
local idexpression r;
expression E;
position p;
@@

 r = conv@p(...);
 ... when != r
(
 r = <+... r ...+>
|
 r = E
)

@lost_read exists@
identifier lost.conv;
local idexpression lost.r;
position lost.p;
@@

 r = conv@p(...);
 ... when != r
 r = <+... r ...+>

// The function ends before anybody read it ---------------------------------

@forgotten exists@
identifier conv = {set_memory_decrypted, set_memory_encrypted,
		   early_set_memory_decrypted, early_set_memory_encrypted,
		   dma_set_decrypted, dma_set_encrypted};
local idexpression r;
identifier f;
position p;
@@

 f(...)
 {
	... when any
	r = conv@p(...);
	... when != r
 }

// --------------------------------------------------------------------------

@depends on context@
identifier dropped.conv;
position dropped.p;
@@

* conv@p(...)

@depends on context && !lost_read@
identifier lost.conv;
position lost.p;
@@

* conv@p(...)

@depends on context@
identifier forgotten.conv;
position forgotten.p;
@@

* conv@p(...)

@script:python depends on report@
p << dropped.p;
conv << dropped.conv;
@@

coccilib.report.print_report(p[0], "WARNING: %s: result of %s() ignored" % (p[0].current_element, conv))

@script:python depends on org@
p << dropped.p;
conv << dropped.conv;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: result of %s() ignored" % (p[0].current_element, conv))

@script:python depends on report && !lost_read@
p << lost.p;
conv << lost.conv;
r << lost.r;
@@

coccilib.report.print_report(p[0], "WARNING: %s: result of %s() overwritten in %s" % (p[0].current_element, conv, r))

@script:python depends on org && !lost_read@
p << lost.p;
conv << lost.conv;
r << lost.r;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: result of %s() overwritten in %s" % (p[0].current_element, conv, r))

@script:python depends on report@
p << forgotten.p;
conv << forgotten.conv;
r << forgotten.r;
@@

coccilib.report.print_report(p[0], "WARNING: %s: result of %s() never read from %s" % (p[0].current_element, conv, r))

@script:python depends on org@
p << forgotten.p;
conv << forgotten.conv;
r << forgotten.r;
@@

coccilib.org.print_todo(p[0], "WARNING: %s: result of %s() never read from %s" % (p[0].current_element, conv, r))
