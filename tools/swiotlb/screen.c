// SPDX-License-Identifier: GPL-2.0
/*
 * A sample as text
 *
 * The same lines go to a terminal, where they are cut to its width and height, and to
 * a pipe, where they are whole. What matters most comes first.
 */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "swiotlb-top.h"

/* Lines on their way to a screen */
struct page {
	const struct screen *screen;
	unsigned int row;
};

static void put(struct page *page, bool heading, const char *text)
{
	const struct screen *screen = page->screen;
	size_t length = strlen(text), i;

	if (screen->rows && page->row >= screen->rows)
		return;
	page->row++;
	if (screen->columns && length > screen->columns)
		length = screen->columns;
	if (screen->terminal && heading)
		fputs("\033[7m", stdout);
	/* Names come from files: nothing in them may steer the terminal */
	for (i = 0; i < length; i++)
		putchar(isprint((unsigned char)text[i]) ? text[i] : '?');
	if (screen->terminal)
		fputs(heading ? "\033[0m\033[K" : "\033[K", stdout);
	/* No line end on the last row, or the terminal would scroll */
	if (!screen->terminal || page->row < screen->rows)
		putchar('\n');
}

static void __printf(2, 3) line(struct page *page, const char *format, ...)
{
	char text[2 * LINE_CHARS];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(page, false, text);
}

static const struct domain *find_domain(const struct sample *s, const char *name)
{
	unsigned int i;

	for (i = 0; s && i < s->nr_domains; i++)
		if (!strcmp(s->domains[i].name, name))
			return &s->domains[i];
	return NULL;
}

static int percent(long long part, long long whole)
{
	return part >= 0 && whole > 0 ? (int)(100 * (double)part / whole + 0.5) : 0;
}

static void show_title(struct page *page, const struct sample *s,
		       const struct sample *before)
{
	char title[2 * LINE_CHARS];
	int length;

	length = snprintf(title, sizeof(title), "swiotlb-top  up %.0f s", s->seconds);
	if (before)
		length += snprintf(title + length, sizeof(title) - length,
				   "  last %.1f s", s->seconds - before->seconds);
	if (*s->backends)
		snprintf(title + length, sizeof(title) - length, "  backends %s",
			 s->backends);
	put(page, true, title);
}

static void show_memory(struct page *page, const struct domain *domain)
{
	const long long *n = domain->numbers;

	if (n[SIZE] == UNKNOWN)
		return;
	if (*domain->name)
		line(page, "restricted pool %s", domain->name);
	line(page, "memory    %6s   used %6s %3d%%   at most %6s %3d%%",
	     BYTES(n[SIZE]), BYTES(n[USED]), percent(n[USED], n[SIZE]),
	     BYTES(n[HIWATER]), percent(n[HIWATER], n[SIZE]));
	if (n[COHERENT_USED] > 0 || n[COHERENT_BLOCKS] > 0 || n[COHERENT_FALLBACKS] > 0)
		line(page, "coherent  %6s of it   in own blocks %6s   by neither %s times",
		     BYTES(n[COHERENT_USED]), BYTES(n[COHERENT_BLOCKS]),
		     COUNT(n[COHERENT_FALLBACKS]));
	if (n[TRANSIENT] > 0)
		line(page, "transient %6s   for mappings that found no room",
		     BYTES(n[TRANSIENT]));
	if (n[LEAKED] > 0)
		line(page, "lost      %6s   conversions failed", BYTES(n[LEAKED]));
	if (n[GRANULE_MISSES] > 0)
		line(page, "misses    %6s   times no block of 2 MiB was free",
		     COUNT(n[GRANULE_MISSES]));
}

static void show_failures(struct page *page, const struct domain *domain,
			  const struct domain *before, double seconds)
{
	char text[LINE_CHARS];
	size_t length = 0;
	unsigned int i;

	if (!domain->failures.nr)
		return;
	for (i = 0; i < domain->failures.nr; i++) {
		const struct value *v = &domain->failures.list[i];
		double per_second = UNKNOWN;

		if (!v->value)
			continue;
		if (before)
			per_second = rate(v->value, value_of(&before->failures, v->name),
					  seconds);
		if (length < sizeof(text))
			length += snprintf(text + length, sizeof(text) - length,
					   "  %s %lld", v->name, v->value);
		if (per_second > 0 && length < sizeof(text))
			length += snprintf(text + length, sizeof(text) - length,
					   " (%s/s)", COUNT(per_second));
	}
	line(page, "failures%s", length ? text : "  none");
}

/* Columns of counters: since boot, and per second */
struct column {
	const char *heading;
	bool is_bytes;
	const char *names[2];		/* added up */
};

static const struct column activity[] = {
	{ "MAPS",	false,	{ "maps" } },
	{ "UNMAPS",	false,	{ "unmaps" } },
	{ "TO-DEV",	true,	{ "bytes_to_device" } },
	{ "FROM-DEV",	true,	{ "bytes_from_device" } },
	{ "SYNCS",	false,	{ "syncs_for_device", "syncs_for_cpu" } },
	{ "ALLOCS",	false,	{ "allocs" } },
	{ "SHARED",	true,	{ "shared_bytes" } },
	{ "UNSHARED",	true,	{ "unshared_bytes" } },
};

static long long sum(const struct values *values, const struct column *column)
{
	long long a = value_of(values, column->names[0]), b;

	if (!column->names[1])
		return a;
	b = value_of(values, column->names[1]);
	return a == UNKNOWN || b == UNKNOWN ? UNKNOWN : a + b;
}

static void show_activity(struct page *page, const struct domain *domain,
			  const struct domain *before, double seconds)
{
	char head[LINE_CHARS], total[LINE_CHARS], rates[LINE_CHARS];
	unsigned int i;
	int length;

	if (!domain->stats.nr)
		return;
	length = snprintf(head, sizeof(head), "%-8s", "ACTIVITY");
	snprintf(total, sizeof(total), "%-8s", "in all");
	snprintf(rates, sizeof(rates), "%-8s", "a second");
	for (i = 0; i < ARRAY_SIZE(activity); i++) {
		long long now = sum(&domain->stats, &activity[i]);
		double per_second = UNKNOWN;

		if (before)
			per_second = rate(now, sum(&before->stats, &activity[i]),
					  seconds);
		snprintf(head + length, sizeof(head) - length, "%9s",
			 activity[i].heading);
		snprintf(total + length, sizeof(total) - length, "%9s",
			 activity[i].is_bytes ? BYTES(now) : COUNT(now));
		snprintf(rates + length, sizeof(rates) - length, "%9s",
			 activity[i].is_bytes ? BYTES(per_second) :
						COUNT(per_second));
		length += 9;
	}
	put(page, true, head);
	put(page, false, total);
	if (before)
		put(page, false, rates);
}

static double backend_rate(const struct domain *domain, const struct domain *before,
			   const char *backend, const char *counter, double seconds)
{
	char name[3 * NAME_CHARS];

	if (!before)
		return UNKNOWN;
	snprintf(name, sizeof(name), "%s.%s", backend, counter);
	return rate(value_of(&domain->stats, name), value_of(&before->stats, name),
		    seconds);
}

static void show_instances(struct page *page, const struct domain *domain,
			   const struct domain *before, double seconds)
{
	unsigned int i;

	if (!domain->nr_instances)
		return;
	put(page, true,
	    "BACKEND  ROLE       SIZE   USED USE%    CAP GROWN SHRUNK FAILED MAPS/S");
	for (i = 0; i < domain->nr_instances; i++) {
		const struct instance *in = &domain->instances[i];
		long long cap = value_of(&in->values, "cap_mib");

		line(page, "%-8s %-8s %6s %6s %3d%% %6s %5s %6s %6s %6s",
		     in->backend, in->role, BYTES(in->size), BYTES(in->used),
		     percent(in->used, in->size),
		     BYTES(cap == UNKNOWN ? UNKNOWN : cap * MIB),
		     COUNT(value_of(&in->values, "grown")),
		     COUNT(value_of(&in->values, "shrunk")),
		     COUNT(value_of(&in->values, "failed")),
		     COUNT(backend_rate(domain, before, in->backend, "maps",
					seconds)));
	}
}

/* Slots are those of a reach; buffers, and what they waste, are counted over all */
static void show_classes(struct page *page, const struct domain *domain,
			 const struct domain *before, double seconds)
{
	unsigned int i, j;

	for (i = 0; i < domain->nr_instances; i++) {
		const struct instance *in = &domain->instances[i];

		if (in->nr_classes)
			put(page, true,
			    "CLASS    REACH CHUNKS SLABS  SLOTS   FREE CACHED USE%   PEAK WASTE  BUFS/S");
		for (j = 0; j < in->nr_classes; j++) {
			const struct size_class *class = &in->classes[j];
			long long busy = class->slots;
			char counter[2 * NAME_CHARS];

			if (class->free > 0)
				busy -= class->free;
			if (class->cached > 0)
				busy -= class->cached;
			snprintf(counter, sizeof(counter), "%s.buffers", class->name);
			line(page, "%-8s %-5s %6s %5s %6s %6s %6s %3d%% %6s %5s %7s",
			     class->name, class->reach, COUNT(class->chunks), COUNT(class->slabs),
			     COUNT(class->slots), COUNT(class->free),
			     COUNT(class->cached), percent(busy, class->slots),
			     COUNT(class->peak), COUNT(class->waste_percent),
			     COUNT(backend_rate(domain, before, in->backend, counter,
						seconds)));
		}
	}
}

static void show_devices(struct page *page, const struct sample *s,
			 const struct sample *before)
{
	unsigned int i, j;

	if (!s->nr_devices)
		return;
	put(page, true, "DEVICE              BOUNCES   BYTES BOUNCES/S BYTES/S");
	for (i = 0; i < s->nr_devices; i++) {
		const struct device_row *row = &s->devices[i], *old = NULL;

		for (j = 0; before && j < before->nr_devices; j++)
			if (!strcmp(before->devices[j].name, row->name))
				old = &before->devices[j];
		line(page, "%-18s %8s %7s %9s %7s", row->name, COUNT(row->bounces),
		     BYTES(row->bytes),
		     COUNT(old ? rate(row->bounces, old->bounces,
				      s->seconds - before->seconds) : UNKNOWN),
		     BYTES(old ? rate(row->bytes, old->bytes,
				      s->seconds - before->seconds) : UNKNOWN));
	}
}

/* How many mappings were of so many bytes at most, in percent */
static void show_sizes(struct page *page, const struct sample *s)
{
	static const long long bounds[] = {
		512, 2048, 4096, 16384, 65536, 524288,
	};
	long long total = 0, counted = 0;
	char text[LINE_CHARS] = "";
	unsigned int i, j = 0;
	size_t length = 0;

	for (i = 0; i < s->nr_sizes; i++)
		total += s->sizes[i].count;
	if (!total)
		return;
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		char size[32];

		for (; j < s->nr_sizes && s->sizes[j].up_to != UNKNOWN &&
		     s->sizes[j].up_to <= bounds[i]; j++)
			counted += s->sizes[j].count;
		snprintf(size, sizeof(size), bounds[i] < 1024 ? "%lld" :
			 bounds[i] < MIB ? "%lldK" : "%lldM",
			 bounds[i] < 1024 ? bounds[i] :
			 bounds[i] < MIB ? bounds[i] / 1024 : bounds[i] / MIB);
		length += snprintf(text + length, sizeof(text) - length, "  %s %.1f%%",
				   size, 100.0 * counted / total);
	}
	line(page, "sizes to%s", text);
}

static void show_conversions(struct page *page, const struct sample *s,
			     const struct sample *before)
{
	const struct conversion_site *all = &s->conversions;
	unsigned int i;

	if (all->calls == UNKNOWN)
		return;
	put(page, true,
	    "CONVERSIONS          TO       CALLS  BYTES MISALIGNED FAILED     MS CALLS/S");
	for (i = 0; i <= s->nr_sites; i++) {
		const struct conversion_site *site = i ? &s->sites[i - 1] : all;
		double per_second = UNKNOWN;

		if (!i && before && before->conversions.calls != UNKNOWN)
			per_second = rate(all->calls, before->conversions.calls,
					  s->seconds - before->seconds);
		line(page, "%-20.20s %-7.7s %6s %6s %10s %6s %6s %7s", site->name,
		     site->direction, COUNT(site->calls), BYTES(site->bytes),
		     COUNT(site->misaligned), COUNT(site->failures),
		     COUNT(site->ns / 1e6), COUNT(per_second));
	}
}

/**
 * show_screen() - print a sample
 * @screen: where to
 * @s:	    what
 * @before: the one before it, for rates; NULL if there is none
 */
void show_screen(const struct screen *screen, const struct sample *s,
		 const struct sample *before)
{
	double seconds = before ? s->seconds - before->seconds : 0;
	struct page page = { .screen = screen };
	unsigned int i;

	if (screen->terminal)
		fputs("\033[H", stdout);
	show_title(&page, s, before);
	for (i = 0; i < s->nr_notices; i++)
		line(&page, "note: %s", s->notices[i]);
	for (i = 0; i < s->nr_domains; i++) {
		const struct domain *domain = &s->domains[i];
		const struct domain *old = find_domain(before, domain->name);

		show_memory(&page, domain);
		show_failures(&page, domain, old, seconds);
		show_activity(&page, domain, old, seconds);
		if (!*domain->name)
			show_sizes(&page, s);
		show_instances(&page, domain, old, seconds);
		show_classes(&page, domain, old, seconds);
	}
	show_devices(&page, s, before);
	show_conversions(&page, s, before);
	if (screen->terminal)
		fputs("\033[J", stdout);
	fflush(stdout);
}

/**
 * show_advice() - print what to do
 * @screen: where to
 * @s:	    what it is about
 * @before: the sample before it, or NULL
 */
void show_advice(const struct screen *screen, const struct sample *s,
		 const struct sample *before)
{
	struct page page = { .screen = screen };
	struct advice list[MAX_ADVICE];
	unsigned int nr = advise(s, before, list), i;

	if (screen->terminal)
		fputs("\033[H", stdout);
	for (i = 0; i < s->nr_notices; i++)
		line(&page, "note: %s", s->notices[i]);
	for (i = 0; i < nr; i++) {
		line(&page, "%s: %s", level_names[list[i].level], list[i].what);
		line(&page, "    why: %s", list[i].reason);
		if (*list[i].command)
			line(&page, "    do:  %s", list[i].command);
	}
	if (screen->terminal)
		fputs("\033[J", stdout);
	fflush(stdout);
}
