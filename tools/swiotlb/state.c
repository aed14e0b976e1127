// SPDX-License-Identifier: GPL-2.0
/*
 * The file `state`: what each backend says about its memory
 *
 * Lines begin in the first column if they are the core's, and are indented if they
 * are the backend's own. Most are names and numbers in turn; some have a heading
 * ("pool 0x1000:", "class 4K:") that says what the numbers belong to. A backend that
 * is not known here may have any headings: those lines are passed over.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "swiotlb-top.h"

static const struct {
	const char *name;
	size_t offset;
} class_members[] = {
	{ "chunks",		offsetof(struct size_class, chunks) },
	{ "slabs",		offsetof(struct size_class, slabs) },
	{ "slots",		offsetof(struct size_class, slots) },
	{ "free",		offsetof(struct size_class, free) },
	{ "cached",		offsetof(struct size_class, cached) },
	{ "peak",		offsetof(struct size_class, peak) },
	{ "waste_percent",	offsetof(struct size_class, waste_percent) },
};

/* "name number name number ..." */
static bool parse_values(char *text, struct values *values)
{
	char *save, *name = strtok_r(text, " \t", &save);

	for (; name; name = strtok_r(NULL, " \t", &save)) {
		char *word = strtok_r(NULL, " \t", &save);
		long long value;

		if (!word || !to_number(word, &value))
			return false;
		value_add(values, name, value);
	}
	return true;
}

static struct size_class *find_class(struct instance *instance,
				     const char *reach, const char *name)
{
	struct size_class *class;
	unsigned int i;

	for (i = 0; i < instance->nr_classes; i++) {
		class = &instance->classes[i];
		if (!strcmp(class->name, name) && !strcmp(class->reach, reach))
			return class;
	}
	if (instance->nr_classes == ARRAY_SIZE(instance->classes))
		return NULL;
	class = &instance->classes[instance->nr_classes++];
	for (i = 0; i < ARRAY_SIZE(class_members); i++)
		*(long long *)((char *)class + class_members[i].offset) = UNKNOWN;
	copy_word(class->name, NAME_CHARS, name);
	copy_word(class->reach, NAME_CHARS, reach);
	return class;
}

static void parse_class(struct instance *instance, const char *reach,
			const char *name, const struct values *values)
{
	/* What buffers waste is told once, for all reaches */
	bool all_reaches = value_of(values, "slots") == UNKNOWN;
	unsigned int i, j;

	if (!all_reaches && !find_class(instance, reach, name))
		return;
	for (i = 0; i < instance->nr_classes; i++) {
		struct size_class *class = &instance->classes[i];

		if (strcmp(class->name, name) ||
		    (!all_reaches && strcmp(class->reach, reach)))
			continue;
		for (j = 0; j < ARRAY_SIZE(class_members); j++) {
			long long value = value_of(values, class_members[j].name);

			if (value != UNKNOWN)
				*(long long *)((char *)class +
					       class_members[j].offset) = value;
		}
	}
}

static void parse_area(struct instance *instance, const struct values *values)
{
	long long slots = value_of(values, "slots");
	long long used = value_of(values, "used");

	if (slots > 0 && used >= 0 &&
	    100 * used / slots > instance->fullest_percent)
		instance->fullest_percent = 100 * used / slots;
}

/* What stands behind a heading that is known here */
static void parse_part(struct instance *instance, char *reach, const char *kind,
		       const char *name, const struct values *values)
{
	if (!strcmp(kind, "reach")) {
		copy_word(reach, NAME_CHARS, name);
	} else if (!strcmp(kind, "class")) {
		parse_class(instance, reach, name, values);
	} else if (!strcmp(kind, "area")) {
		parse_area(instance, values);
	} else {
		instance->nr_pools++;
		if (value_of(values, "areas") > 0)
			instance->nr_areas += value_of(values, "areas");
		parse_area(instance, values);
	}
}

static bool is_part(const char *kind)
{
	static const char *const kinds[] = { "reach", "class", "area", "pool" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

static bool parse_backend_line(struct instance *instance, char *reach, char *text)
{
	char *colon = strchr(text, ':'), *save, *kind, *name;
	struct values values = {};
	bool good;

	if (!colon) {
		if (!parse_values(text, &instance->values))
			return false;
		if (value_of(&instance->values, "areas") != UNKNOWN)
			instance->nr_areas = value_of(&instance->values, "areas");
		return true;
	}

	*colon = '\0';
	kind = strtok_r(text, " \t", &save);
	if (!kind || !is_part(kind))
		return true;
	name = strtok_r(NULL, " \t", &save);
	good = name && parse_values(colon + 1, &values);
	if (good)
		parse_part(instance, reach, kind, name, &values);
	values_free(&values);
	return good;
}

/* A line of the core: "backend <name> <role>" or one name and number */
static bool parse_core_line(struct domain *domain, struct instance **instance,
			    char *text)
{
	char *save, *key = strtok_r(text, " \t", &save);
	char *word = strtok_r(NULL, " \t", &save);
	char *role = strtok_r(NULL, " \t", &save);
	long long value;

	if (!key || !word)
		return false;
	if (!strcmp(key, "backend")) {
		*instance = NULL;
		if (!role || domain->nr_instances == ARRAY_SIZE(domain->instances))
			return false;
		*instance = &domain->instances[domain->nr_instances++];
		memset(*instance, 0, sizeof(**instance));
		copy_word((*instance)->backend, NAME_CHARS, word);
		copy_word((*instance)->role, NAME_CHARS, role);
		(*instance)->size = UNKNOWN;
		(*instance)->used = UNKNOWN;
		(*instance)->fullest_percent = UNKNOWN;
		return true;
	}
	if (role || !to_number(word, &value))
		return false;
	if (!*instance)		/* leaked_bytes, which has a file of its own */
		return true;
	if (!strcmp(key, "nslabs"))
		(*instance)->size = value * SLOT_BYTES;
	else if (!strcmp(key, "used"))
		(*instance)->used = value * SLOT_BYTES;
	else
		value_add(&(*instance)->values, key, value);
	return true;
}

/**
 * read_state() - who has memory, and how it is used
 * @root:	goes before the path
 * @path:	absolute, of a file `state`; there may be none
 * @domain:	its instances are filled in
 * @nr_ignored: raised by one for each line that makes no sense
 */
void read_state(const char *root, const char *path, struct domain *domain,
		unsigned int *nr_ignored)
{
	struct instance *instance = NULL;
	char reach[NAME_CHARS] = "";
	struct lines lines;

	if (!lines_open(&lines, root, path))
		return;
	while (lines_next(&lines)) {
		bool good;

		if (!lines.text[0])
			continue;
		if (isspace((unsigned char)lines.text[0]))
			good = instance && parse_backend_line(instance, reach,
							      lines.text);
		else
			good = parse_core_line(domain, &instance, lines.text);
		if (!good)
			(*nr_ignored)++;
	}
	lines_close(&lines);
}
