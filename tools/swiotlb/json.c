// SPDX-License-Identifier: GPL-2.0
/*
 * A sample as JSON: one object per sample, in one line
 *
 * Keys are always there, and null if the kernel does not tell the value. Names out of
 * files are strings that may hold anything; bytes that are no printable ASCII become
 * escapes, so that the result is JSON whatever a file holds.
 */
#include <string.h>

#include "swiotlb-top.h"

/* Commas go before members, but not before the first one */
static void comma(bool *first)
{
	if (!*first)
		putchar(',');
	*first = false;
}

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = *text;

		if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else if (c == '"' || c == '\\')
			printf("\\%c", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_key(bool *first, const char *name)
{
	comma(first);
	put_string(name);
	putchar(':');
}

static void put_text(bool *first, const char *name, const char *text)
{
	put_key(first, name);
	put_string(text);
}

static void put_number(bool *first, const char *name, long long value)
{
	put_key(first, name);
	if (value == UNKNOWN)
		fputs("null", stdout);
	else
		printf("%lld", value);
}

static void put_real(bool *first, const char *name, double value)
{
	put_key(first, name);
	if (value < 0)
		fputs("null", stdout);
	else
		printf("%.3f", value);
}

static bool open_member(bool *first, const char *name, char bracket)
{
	if (name)
		put_key(first, name);
	else
		comma(first);
	putchar(bracket);
	return true;
}

static void put_values(bool *outer, const char *name, const struct values *values)
{
	bool first = open_member(outer, name, '{');
	unsigned int i;

	for (i = 0; i < values->nr; i++)
		put_number(&first, values->list[i].name, values->list[i].value);
	putchar('}');
}

/* Of all that also was there before, per second */
static void put_rates(bool *outer, const char *name, const struct values *values,
		      const struct values *before, double seconds)
{
	bool first = open_member(outer, name, '{');
	unsigned int i;

	for (i = 0; before && i < values->nr; i++)
		put_real(&first, values->list[i].name,
			 rate(values->list[i].value,
			      value_of(before, values->list[i].name), seconds));
	putchar('}');
}

static void put_class(bool *outer, const struct size_class *class)
{
	bool first = open_member(outer, NULL, '{');

	put_text(&first, "name", class->name);
	put_text(&first, "reach", class->reach);
	put_number(&first, "chunks", class->chunks);
	put_number(&first, "slabs", class->slabs);
	put_number(&first, "slots", class->slots);
	put_number(&first, "free", class->free);
	put_number(&first, "cached", class->cached);
	put_number(&first, "peak", class->peak);
	put_number(&first, "waste_percent", class->waste_percent);
	putchar('}');
}

static void put_instance(bool *outer, const struct instance *instance)
{
	bool first = open_member(outer, NULL, '{'), first_class;
	unsigned int i;

	put_text(&first, "backend", instance->backend);
	put_text(&first, "role", instance->role);
	put_number(&first, "size_bytes", instance->size);
	put_number(&first, "used_bytes", instance->used);
	put_number(&first, "pools", instance->nr_pools);
	put_number(&first, "areas", instance->nr_areas);
	put_number(&first, "fullest_percent", instance->fullest_percent);
	put_values(&first, "values", &instance->values);
	first_class = open_member(&first, "classes", '[');
	for (i = 0; i < instance->nr_classes; i++)
		put_class(&first_class, &instance->classes[i]);
	fputs("]}", stdout);
}

static void put_domain(bool *outer, const struct domain *domain,
		       const struct sample *before, double seconds)
{
	bool first = open_member(outer, NULL, '{'), inner;
	const struct domain *old = NULL;
	unsigned int i;

	for (i = 0; before && i < before->nr_domains; i++)
		if (!strcmp(before->domains[i].name, domain->name))
			old = &before->domains[i];
	put_text(&first, "name", domain->name);
	for (i = 0; i < NR_NUMBERS; i++)
		put_number(&first, number_files[i].json, domain->numbers[i]);
	put_values(&first, "failures", &domain->failures);
	put_rates(&first, "failures_per_second", &domain->failures,
		  old ? &old->failures : NULL, seconds);
	put_values(&first, "stats", &domain->stats);
	put_rates(&first, "stats_per_second", &domain->stats,
		  old ? &old->stats : NULL, seconds);
	inner = open_member(&first, "instances", '[');
	for (i = 0; i < domain->nr_instances; i++)
		put_instance(&inner, &domain->instances[i]);
	fputs("]}", stdout);
}

static void put_site(bool *outer, const struct conversion_site *site)
{
	bool first = open_member(outer, NULL, '{');

	put_text(&first, "site", site->name);
	put_text(&first, "direction", site->direction);
	put_number(&first, "calls", site->calls);
	put_number(&first, "bytes", site->bytes);
	put_number(&first, "misaligned", site->misaligned);
	put_number(&first, "failures", site->failures);
	put_number(&first, "ns", site->ns);
	putchar('}');
}

static void put_conversions(bool *outer, const struct sample *s)
{
	bool first;
	unsigned int i;

	if (s->conversions.calls == UNKNOWN) {
		put_number(outer, "conversions", UNKNOWN);
		return;
	}
	first = open_member(outer, "conversions", '[');
	put_site(&first, &s->conversions);
	for (i = 0; i < s->nr_sites; i++)
		put_site(&first, &s->sites[i]);
	putchar(']');
}

static void put_lists(bool *outer, const struct sample *s)
{
	bool first, item;
	unsigned int i;

	first = open_member(outer, "sizes", '[');
	for (i = 0; i < s->nr_sizes; i++) {
		item = open_member(&first, NULL, '{');
		put_number(&item, "up_to_bytes", s->sizes[i].up_to);
		put_number(&item, "count", s->sizes[i].count);
		putchar('}');
	}
	putchar(']');
	first = open_member(outer, "devices", '[');
	for (i = 0; i < s->nr_devices; i++) {
		item = open_member(&first, NULL, '{');
		put_text(&item, "name", s->devices[i].name);
		put_number(&item, "bounces", s->devices[i].bounces);
		put_number(&item, "bytes", s->devices[i].bytes);
		putchar('}');
	}
	putchar(']');
	first = open_member(outer, "notices", '[');
	for (i = 0; i < s->nr_notices; i++) {
		comma(&first);
		put_string(s->notices[i]);
	}
	putchar(']');
}

static void put_advice(bool *outer, const struct sample *s,
		       const struct sample *before)
{
	bool first = open_member(outer, "advice", '['), item;
	struct advice list[MAX_ADVICE];
	unsigned int nr = advise(s, before, list), i;

	for (i = 0; i < nr; i++) {
		item = open_member(&first, NULL, '{');
		put_text(&item, "id", list[i].id);
		put_text(&item, "level", level_names[list[i].level]);
		put_text(&item, "what", list[i].what);
		put_text(&item, "reason", list[i].reason);
		put_text(&item, "command", list[i].command);
		putchar('}');
	}
	putchar(']');
}

/**
 * show_json() - print a sample
 * @s:		 what
 * @before:	 the one before it, for rates; NULL if there is none
 * @with_advice: add what to do
 */
void show_json(const struct sample *s, const struct sample *before,
	       bool with_advice)
{
	double seconds = before ? s->seconds - before->seconds : UNKNOWN;
	bool first = true, inner;
	unsigned int i;

	putchar('{');
	put_real(&first, "uptime_seconds", s->seconds);
	put_real(&first, "interval_seconds", seconds);
	put_text(&first, "backends", s->backends);
	put_text(&first, "active", s->active);
	put_number(&first, "memory_bytes", s->memory);
	put_values(&first, "parameters", &s->params);
	inner = open_member(&first, "domains", '[');
	for (i = 0; i < s->nr_domains; i++)
		put_domain(&inner, &s->domains[i], before, seconds);
	putchar(']');
	put_conversions(&first, s);
	put_lists(&first, s);
	if (with_advice)
		put_advice(&first, s, before);
	puts("}");
	fflush(stdout);
}
