// SPDX-License-Identifier: GPL-2.0
/*
 * What to do about bounce memory, and why
 *
 * Each rule looks at one thing and gives the figures that made it speak. A problem is
 * something that went wrong: a mapping failed, or memory is lost. A hint is what may
 * go wrong, or is not worth its memory. The text of the guide is
 * Documentation/admin-guide/swiotlb.rst; the rules here say nothing else.
 */
#include <stdarg.h>
#include <string.h>

#include "swiotlb-top.h"

/* A pool that is as full as this, in percent, has no room for a peak */
#define NEARLY_FULL	75

/* It is too large if not even this part of it was ever used, and this much can be saved */
#define HARDLY_USED	25
#define WORTH_SAVING	(16 * MIB)

/* Less is of no use: a slab of 256 KiB for each of several CPUs */
#define LEAST_SIZE	(4 * MIB)

const char *const level_names[] = {
	[ADVICE_FINE]		= "fine",
	[ADVICE_HINT]		= "hint",
	[ADVICE_PROBLEM]	= "problem",
};

/* Advice in the making */
struct advisor {
	const struct sample *s;
	const struct domain *domain;
	const struct domain *before;	/* or NULL */
	const struct instance *active;	/* where new mappings go, or NULL */
	struct advice *list;
	unsigned int nr;
};

/* Reason or command of an advice */
static void __printf(2, 3) set(char text[LINE_CHARS], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, LINE_CHARS, format, args);
	va_end(args);
}

static struct advice *add(struct advisor *to, enum level level, const char *id,
			  const char *what)
{
	static struct advice overflow;
	struct advice *advice = to->nr < MAX_ADVICE ? &to->list[to->nr++] : &overflow;

	memset(advice, 0, sizeof(*advice));
	advice->level = level;
	advice->id = id;
	copy_word(advice->what, sizeof(advice->what), what);
	return advice;
}

/* The next size that swiotlb= takes as it is, in bytes */
static long long round_up_size(long long bytes)
{
	long long size = LEAST_SIZE;

	while (size < bytes)
		size *= 2;
	return size;
}

static bool is_backend(const struct advisor *to, const char *name)
{
	return to->active && !strcmp(to->active->backend, name);
}

static bool has_backend(const struct advisor *to, const char *name)
{
	const char *found = strstr(to->s->backends, name);
	char end;

	if (!found || (found != to->s->backends && !strchr(" [", found[-1])))
		return false;
	end = found[strlen(name)];
	return !end || strchr(" ]", end);
}

static long long failed(const struct advisor *to, const char *reason)
{
	long long nr = value_of(&to->domain->failures, reason);

	return nr == UNKNOWN ? 0 : nr;
}

/* "12 mappings failed since boot (exhausted), 3 of them just now" */
static struct text failed_text(const struct advisor *to, const char *reason)
{
	long long now = failed(to, reason), old = UNKNOWN;
	struct text t;
	int length;

	length = snprintf(t.text, sizeof(t.text), "%lld mapping%s failed since boot (%s)",
			  now, now == 1 ? "" : "s", reason);
	if (to->before)
		old = value_of(&to->before->failures, reason);
	if (old != UNKNOWN && now > old)
		snprintf(t.text + length, sizeof(t.text) - length,
			 ", %lld of them just now", now - old);
	return t;
}

#define FAILED(to, reason)	(failed_text(to, reason).text)

/* How to have so much from boot on; a restricted pool is as large as firmware says */
static void add_size(struct advice *advice, const struct advisor *to,
		     const char *how, long long bytes)
{
	long long size = round_up_size(bytes);

	if (*to->domain->name)
		set(advice->command, "%s%s for the pool, where firmware describes it (reg)",
		    how, BYTES(size));
	else
		set(advice->command, "%sswiotlb=%lld on the kernel's command line (%s)",
		    how, size / SLOT_BYTES, BYTES(size));
}

/* What helps at once, before what helps at the next boot */
static const char *grow_text(const struct advisor *to)
{
	if (*to->domain->name || !has_backend(to, "dynamic") ||
	    (to->active && value_of(&to->active->values, "cap_mib") != UNKNOWN))
		return "";
	return "echo dynamic >/sys/kernel/swiotlb/backend, or ";
}

static void advise_lost(struct advisor *to)
{
	long long lost = to->domain->numbers[LEAKED];
	struct advice *advice;

	if (lost <= 0)
		return;
	advice = add(to, ADVICE_PROBLEM, "lost",
		     "memory is lost until the next boot, as conversions failed");
	set(advice->reason, "%s were neither private nor shared for certain, and %s",
	    BYTES(lost), "can neither be used nor freed: the platform is at fault");
	set(advice->command, "dmesg; cat /sys/kernel/debug/coco/conversions");
}

/* The backend's own limit: what it is, where it is set, what it may become */
static void advise_cap(struct advisor *to, const char *id, long long cap)
{
	const char *param = is_backend(to, "cc") ? "cc_max" : "dynamic_max_mib";
	long long higher = 2 * cap, memory = to->s->memory;
	struct advice *advice;

	if (memory != UNKNOWN && higher > memory / 2)
		higher = memory / 2;
	advice = add(to, ADVICE_PROBLEM, id, "bounce memory may not grow any further");
	set(advice->reason, "%s; there are %s, and %s may be had", FAILED(to, "exhausted"),
	    BYTES(to->active->size), BYTES(cap));
	if (higher > cap)
		set(advice->command,
		    "echo %lld >/sys/module/swiotlb/parameters/%s; at boot swiotlb.%s=%lld",
		    higher / MIB, param, param, higher / MIB);
	else
		set(advice->command,
		    "give the machine more memory, or have fewer requests in flight");
}

static void advise_exhausted(struct advisor *to)
{
	long long size = to->domain->numbers[SIZE], cap = UNKNOWN, refused = 0;
	long long transient = to->domain->numbers[TRANSIENT];
	struct advice *advice;

	if (!failed(to, "exhausted"))
		return;
	if (to->active) {
		cap = value_of(&to->active->values, "cap_mib");
		refused = value_of(&to->active->values, "failed");
	}
	if (cap == UNKNOWN) {
		advice = add(to, ADVICE_PROBLEM, "exhausted",
			     "bounce memory is too small, and does not grow");
		set(advice->reason, "%s; at most %s of %s were in use",
		    FAILED(to, "exhausted"), BYTES(to->domain->numbers[HIWATER]),
		    BYTES(size));
		add_size(advice, to, grow_text(to), 2 * size);
		return;
	}
	if (to->active->size + (transient > 0 ? transient : 0) >=
	    cap * MIB - cap * MIB / 16) {
		advise_cap(to, "cap", cap * MIB);
		return;
	}
	if (refused > 0) {
		advice = add(to, ADVICE_PROBLEM, "no_memory",
			     "the system had no memory left to add");
		set(advice->reason, "%s; it was tried %lld times in vain to add to %s",
		    FAILED(to, "exhausted"), refused, BYTES(to->active->size));
	} else {
		advice = add(to, ADVICE_PROBLEM, "burst",
			     "bounce memory did not grow fast enough for a burst");
		set(advice->reason, "%s, though %s of at most %lldM were taken",
		    FAILED(to, "exhausted"), BYTES(to->active->size), cap);
	}
	add_size(advice, to, "have the peak from boot on: ", to->domain->numbers[HIWATER]);
}

static void advise_fragmented(struct advisor *to)
{
	const struct instance *in = to->active;
	struct advice *advice;

	if (!failed(to, "fragmented"))
		return;
	advice = add(to, ADVICE_PROBLEM, "fragmented",
		     "enough was free, but not in one piece");
	if (in && in->nr_areas > 1 && in->size > 0) {
		set(advice->reason, "%s; %s are divided into %u areas",
		    FAILED(to, "fragmented"), BYTES(in->size), in->nr_areas);
	} else {
		set(advice->reason, "%s; at most %s of %s were in use",
		    FAILED(to, "fragmented"), BYTES(to->domain->numbers[HIWATER]),
		    BYTES(to->domain->numbers[SIZE]));
	}
	add_size(advice, to, grow_text(to), 2 * to->domain->numbers[SIZE]);
}

/* Failures that more memory does not help against */
static const struct {
	const char *reason, *what, *command;
} others[] = {
	{ "too_large", "a driver asks for more than one mapping can have",
	  "dmesg | grep 'too large for backend'; report it as a bug of that driver" },
	{ "out_of_reach", "a device cannot address the bounce memory",
	  "dmesg | grep 'out of reach'; a smaller first pool may lie lower" },
	{ "not_ready", "there was no bounce memory for a device that needs it",
	  "dmesg | grep 'software IO TLB'; is swiotlb=noforce on the command line?" },
	{ "invalid", "a driver makes requests that make no sense",
	  "dmesg | grep swiotlb; report it as a bug of that driver" },
};

static void advise_others(struct advisor *to)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct advice *advice;

		if (!failed(to, others[i].reason))
			continue;
		advice = add(to, ADVICE_PROBLEM, others[i].reason, others[i].what);
		set(advice->reason, "%s", FAILED(to, others[i].reason));
		if (!strcmp(others[i].reason, "out_of_reach") &&
		    !is_backend(to, "dynamic") && has_backend(to, "dynamic"))
			set(advice->command, "echo dynamic >/sys/kernel/swiotlb/backend");
		else
			set(advice->command, "%s", others[i].command);
	}
}

static void advise_transient(struct advisor *to)
{
	struct advice *advice;

	if (to->domain->numbers[TRANSIENT] <= 0)
		return;
	advice = add(to, ADVICE_HINT, "transient",
		     "mappings find no room, and get slow memory of their own");
	set(advice->reason, "%s are held for single mappings now",
	    BYTES(to->domain->numbers[TRANSIENT]));
	set(advice->command, "if that lasts, raise /sys/module/swiotlb/parameters/dynamic_max_mib");
}

static void advise_coherent(struct advisor *to)
{
	long long fallbacks = to->domain->numbers[COHERENT_FALLBACKS];
	long long misses = to->domain->numbers[GRANULE_MISSES];
	struct advice *advice;

	if (fallbacks > 0) {
		advice = add(to, ADVICE_HINT, "fallbacks",
			     "memory for drivers was converted page by page");
		set(advice->reason, "%lld times dma_alloc_*() found no room in shared memory",
		    fallbacks);
		add_size(advice, to, "", 2 * to->domain->numbers[SIZE]);
	}
	if (misses > 0) {
		advice = add(to, ADVICE_HINT, "granules",
			     "memory was shared in less than whole blocks of 2 MiB");
		set(advice->reason, "%lld times no such block was free: memory is fragmented",
		    misses);
		add_size(advice, to, "have the peak from boot on: ",
			 to->domain->numbers[HIWATER]);
	}
}

static void advise_retiring(struct advisor *to)
{
	unsigned int i;

	for (i = 0; i < to->domain->nr_instances; i++) {
		const struct instance *in = &to->domain->instances[i];
		struct advice *advice;

		if (strcmp(in->role, "retiring"))
			continue;
		advice = add(to, ADVICE_HINT, "retiring",
			     "memory of a backend that is not active any more stays");
		set(advice->reason, "%s: drivers still hold %s of its %s", in->backend,
		    BYTES(in->used), BYTES(in->size));
		set(advice->command, "unbind and bind the drivers that hold it, or wait for them");
	}
}

/* How the size fits what was used; only worth saying if nothing failed */
static void advise_size(struct advisor *to)
{
	long long size = to->domain->numbers[SIZE], peak = to->domain->numbers[HIWATER];
	long long fits = round_up_size(2 * peak);
	bool grows = to->active &&
		     value_of(&to->active->values, "cap_mib") != UNKNOWN;
	struct advice *advice;

	if (size == UNKNOWN || peak == UNKNOWN)
		return;
	if (!size) {
		advice = add(to, ADVICE_FINE, "none", "there is no bounce memory");
		set(advice->reason, "no device needed any at boot, or swiotlb=noforce was given");
		return;
	}
	/* What grows does not have to fit beforehand, and shrinks by itself */
	if (grows)
		return;
	if (100 * peak > NEARLY_FULL * size)
		advice = add(to, ADVICE_HINT, "nearly_full",
			     "bounce memory has hardly room for more than there was");
	else if (100 * peak < HARDLY_USED * size && size - fits >= WORTH_SAVING)
		advice = add(to, ADVICE_HINT, "too_much",
			     "bounce memory is larger than it has to be");
	else
		return;
	set(advice->reason, "at most %s of %s were in use; twice the peak is comfortable",
	    BYTES(peak), BYTES(size));
	add_size(advice, to, "if the load was typical, ", fits);
}

static void advise_domain(struct advisor *to)
{
	unsigned int had = to->nr, i;
	long long peak = to->domain->numbers[HIWATER];
	struct advice *advice;

	to->active = NULL;
	for (i = 0; i < to->domain->nr_instances; i++)
		if (!strcmp(to->domain->instances[i].role, "active"))
			to->active = &to->domain->instances[i];

	advise_lost(to);
	advise_exhausted(to);
	advise_fragmented(to);
	advise_others(to);
	if (to->nr == had)
		advise_size(to);
	advise_transient(to);
	advise_coherent(to);
	advise_retiring(to);
	if (to->nr != had || to->domain->numbers[SIZE] == UNKNOWN)
		return;
	advice = add(to, ADVICE_FINE, "fine", "leave it as it is");
	if (to->domain->failures.nr)
		set(advice->reason, "no mapping failed, and at most %s of %s were in use",
		    BYTES(peak), BYTES(to->domain->numbers[SIZE]));
	else
		set(advice->reason, "at most %s of %s were in use; %s", BYTES(peak),
		    BYTES(to->domain->numbers[SIZE]),
		    "this kernel counts no failures: dmesg | grep 'swiotlb buffer is full'");
}

/**
 * advise() - what to do about bounce memory
 * @s:	    what is known
 * @before: the sample before it, or NULL
 * @list:   room for MAX_ADVICE entries
 *
 * Return: how many there are, problems of a domain before its hints.
 */
unsigned int advise(const struct sample *s, const struct sample *before,
		    struct advice *list)
{
	struct advisor to = { .s = s, .list = list };
	unsigned int i, j;

	for (i = 0; i < s->nr_domains; i++) {
		unsigned int had = to.nr;

		to.domain = &s->domains[i];
		to.before = NULL;
		for (j = 0; before && j < before->nr_domains; j++)
			if (!strcmp(before->domains[j].name, to.domain->name))
				to.before = &before->domains[j];
		advise_domain(&to);
		for (; *to.domain->name && had < to.nr; had++) {
			char what[LINE_CHARS];

			copy_word(what, sizeof(what), list[had].what);
			snprintf(list[had].what, sizeof(list[had].what), "%s: %.400s",
				 to.domain->name, what);
		}
	}
	return to.nr;
}
