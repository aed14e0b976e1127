// SPDX-License-Identifier: GPL-2.0-only
/// Bounce buffers are on the way of all I/O: what goes wrong there must reach
/// the caller, with a name. So there is no BUG() in swiotlb, and no error that is
/// called -1, which is -EPERM for those who print or return it.
///
//# A number of something, or -1 if there is none, is not an error code: -1 is
//# reported where it is stored in an error variable, made a pointer, or returned
//# by a function that else returns 0 or error codes.
//#
//# In patch mode BUG_ON() becomes WARN_ON_ONCE() and a way out, and -1 becomes
//# -EINVAL; look whether another error says it better.
///
// Confidence: High
// Copyright: (C) 2026 the authors of the pluggable swiotlb
// Comments: for kernel/dma/swiotlb/ only, whatever folder is searched
// Options: --no-includes --include-headers

virtual report
virtual org
virtual context
virtual patch

@initialize:python@
@@

def ours(place):
    return "kernel/dma/swiotlb/" in ("/" + place.file)

// --------------------------------------------------------------------------

@bug depends on !patch@
identifier panics = {BUG, BUG_ON, VM_BUG_ON, VM_BUG_ON_PAGE, panic};
position p : script:python() { ours(p[0]) };
@@

* panics@p(...)

@status@
identifier f;
constant c =~ "^E[A-Z0-9]+$";
@@

 f(...)
 {
	<+...
(
	return 0;
|
	return -c;
)
	...+>
 }

@minus@
identifier status.f;
position p : script:python() { ours(p[0]) };
@@

 f(...)
 {
	<+... return -1@p; ...+>
 }

@stored@
identifier r =~ "^(err|error|ret|rc|rv|retval|result|status)$";
type T;
position p : script:python() { ours(p[0]) };
@@

(
 r = -1@p;
|
 T r = -1@p;
)

@made@
position p : script:python() { ours(p[0]) };
@@

 ERR_PTR(-1@p)

// --------------------------------------------------------------------------

@depends on context@
position minus.p;
@@

* return -1@p;

@depends on context@
position stored.p;
identifier r;
type T;
@@

(
* r = -1@p;
|
* T r = -1@p;
)

@depends on context@
position made.p;
@@

* ERR_PTR(-1@p)

// --------------------------------------------------------------------------

@here depends on patch@
identifier f;
position p : script:python() { ours(p[0]) };
@@

 f@p(...) { ... }

@depends on patch && here@
identifier f;
expression e;
type T != void;
@@

 T f(...)
 {
	<+...
-	BUG_ON(e);
+	if (WARN_ON_ONCE(e))
+		return -EINVAL;
	...+>
 }

@depends on patch && here@
identifier f;
expression e;
@@

 void f(...)
 {
	<+...
-	BUG_ON(e);
+	if (WARN_ON_ONCE(e))
+		return;
	...+>
 }

@depends on patch && here@
identifier status.f;
@@

 f(...)
 {
	<+...
	return
-	-1
+	-EINVAL
	;
	...+>
 }

// --------------------------------------------------------------------------

@script:python depends on report@
p << bug.p;
panics << bug.panics;
@@

coccilib.report.print_report(p[0], "ERROR: %s: %s() where an error can be returned" % (p[0].current_element, panics))

@script:python depends on org@
p << bug.p;
panics << bug.panics;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: %s() where an error can be returned" % (p[0].current_element, panics))

@script:python depends on report@
p << minus.p;
@@

coccilib.report.print_report(p[0], "ERROR: %s: returns -1 instead of an error code" % p[0].current_element)

@script:python depends on org@
p << minus.p;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: returns -1 instead of an error code" % p[0].current_element)

@script:python depends on report@
p << stored.p;
r << stored.r;
@@

coccilib.report.print_report(p[0], "ERROR: %s: -1 instead of an error code in %s" % (p[0].current_element, r))

@script:python depends on org@
p << stored.p;
r << stored.r;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: -1 instead of an error code in %s" % (p[0].current_element, r))

@script:python depends on report@
p << made.p;
@@

coccilib.report.print_report(p[0], "ERROR: %s: pointer of -1 instead of an error code" % p[0].current_element)

@script:python depends on org@
p << made.p;
@@

coccilib.org.print_todo(p[0], "ERROR: %s: pointer of -1 instead of an error code" % p[0].current_element)
