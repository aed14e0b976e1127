// SPDX-License-Identifier: GPL-2.0
/*
 * Text files of the kernel
 *
 * What is in them is believed only as far as it makes sense: numbers that are none
 * are UNKNOWN, lines that cannot be read are counted, and what does not fit is cut.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "swiotlb-top.h"

/* A file with more lines than this is none of ours */
#define MAX_VALUES	2048U

/**
 * lines_open() - begin to read a file
 * @lines: to be filled in
 * @root:  goes before the path
 * @path:  absolute
 *
 * Return: whether it is there. If not, errno tells why.
 */
bool lines_open(struct lines *lines, const char *root, const char *path)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", root, path);
	lines->file = fopen(name, "re");
	return lines->file;
}

/**
 * lines_next() - the next line
 * @lines: being read
 *
 * What a line has beyond our limit is dropped.
 *
 * Return: false at the end, or if the file cannot be read further.
 */
bool lines_next(struct lines *lines)
{
	size_t length;
	int c;

	if (!fgets(lines->text, sizeof(lines->text), lines->file))
		return false;
	length = strlen(lines->text);
	if (length && lines->text[length - 1] == '\n') {
		lines->text[length - 1] = '\0';
		return true;
	}
	do {
		c = fgetc(lines->file);
	} while (c != EOF && c != '\n');
	return true;
}

/**
 * lines_close() - end reading
 * @lines: to be closed
 *
 * Return: false if an error was met on the way.
 */
bool lines_close(struct lines *lines)
{
	bool good = !ferror(lines->file);

	fclose(lines->file);
	return good;
}

/**
 * to_number() - a word that is a decimal number, and nothing else
 * @word:  to look at
 * @value: set if it is one; a negative number counts as 0, as counters that are
 *	   summed while they change can be below it
 *
 * Return: whether it is one.
 */
bool to_number(const char *word, long long *value)
{
	long long number;
	char *end;

	if (!isdigit((unsigned char)word[0]) &&
	    !(word[0] == '-' && isdigit((unsigned char)word[1])))
		return false;
	errno = 0;
	number = strtoll(word, &end, 10);
	if (errno || *end)
		return false;
	*value = number < 0 ? 0 : number;
	return true;
}

/**
 * read_number() - a file that holds one number
 * @root: goes before the path
 * @path: absolute
 *
 * Return: the number, UNKNOWN if there is none.
 */
long long read_number(const char *root, const char *path)
{
	long long value = UNKNOWN;
	struct lines lines;

	if (!lines_open(&lines, root, path))
		return UNKNOWN;
	if (!lines_next(&lines) || !to_number(lines.text, &value))
		value = UNKNOWN;
	lines_close(&lines);
	return value;
}

/**
 * copy_word() - a string that may have to be cut
 * @to:	  where to
 * @size: of that
 * @from: what
 */
void copy_word(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static struct value *find_value(const struct values *values, const char *name)
{
	unsigned int i;

	for (i = 0; i < values->nr; i++)
		if (!strncmp(values->list[i].name, name, NAME_CHARS - 1))
			return &values->list[i];
	return NULL;
}

/**
 * value_add() - one more value, or another one of a name that is there already
 * @values: if there is no room, it is dropped
 * @name:   of the value
 * @value:  itself
 */
void value_add(struct values *values, const char *name, long long value)
{
	struct value *old = find_value(values, name);

	if (old) {
		old->value = value;
		return;
	}
	/* Room for 16, 32, 64 ... */
	if (values->nr >= MAX_VALUES)
		return;
	if (!values->nr || (values->nr >= 16 && !(values->nr & (values->nr - 1)))) {
		size_t room = values->nr ? 2 * values->nr : 16;
		void *list = reallocarray(values->list, room, sizeof(*values->list));

		if (!list)
			return;
		values->list = list;
	}
	copy_word(values->list[values->nr].name, NAME_CHARS, name);
	values->list[values->nr++].value = value;
}

/**
 * values_free() - forget all values
 * @values: empty afterwards
 */
void values_free(struct values *values)
{
	free(values->list);
	*values = (struct values){};
}

/**
 * value_of() - look up a value
 * @values: to look in
 * @name:   to look for
 *
 * Return: the value, UNKNOWN if there is none.
 */
long long value_of(const struct values *values, const char *name)
{
	const struct value *value = find_value(values, name);

	return value ? value->value : UNKNOWN;
}

/**
 * read_values() - a file with lines of a name and a number
 * @root:	goes before the path
 * @path:	absolute
 * @values:	what is found is added here
 * @nr_ignored: raised by one for each line that is something else
 *
 * Return: whether the file is there.
 */
bool read_values(const char *root, const char *path, struct values *values,
		 unsigned int *nr_ignored)
{
	struct lines lines;

	if (!lines_open(&lines, root, path))
		return false;
	while (lines_next(&lines)) {
		char *save, *name = strtok_r(lines.text, " \t", &save);
		char *word = strtok_r(NULL, " \t", &save);
		long long value;

		if (!name)
			continue;
		if (word && to_number(word, &value) &&
		    !strtok_r(NULL, " \t", &save))
			value_add(values, name, value);
		else
			(*nr_ignored)++;
	}
	lines_close(&lines);
	return true;
}
