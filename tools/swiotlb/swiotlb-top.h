/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of swiotlb-top share
 *
 *	files -> sample (read.c, state.c) -> screen, JSON or advice
 *
 * A sample is all that was read at one time. Whatever shows it gets the sample
 * before as well, since rates are differences of two. Sizes are in bytes here, in
 * whatever unit a file has them.
 */
#ifndef _SWIOTLB_TOP_H
#define _SWIOTLB_TOP_H

#include <stdbool.h>
#include <stdio.h>

/* Of a number that could not be read: kernels differ in what they count */
#define UNKNOWN		(-1LL)

#define SLOT_BYTES	2048LL
#define MIB		(1024LL * 1024)

#define NAME_CHARS	48
#define LINE_CHARS	512

#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))
#define __printf(a, b)	__attribute__((format(printf, a, b)))

struct value {
	char name[NAME_CHARS];
	long long value;
};

/* Of a file with lines `name value`: in its order, whatever the names are */
struct values {
	unsigned int nr;
	struct value *list;
};

/* The files with a single number, see number_files[] */
enum number {
	SIZE,
	USED,
	HIWATER,
	TRANSIENT,
	LEAKED,
	GRANULE_MISSES,
	COHERENT_USED,
	COHERENT_BLOCKS,
	COHERENT_FALLBACKS,
	NR_NUMBERS
};

struct number_file {
	const char *file;
	const char *json;
	long long unit;
};

extern const struct number_file number_files[NR_NUMBERS];

/* Buffers of about one size in a backend that sorts them */
struct size_class {
	char name[NAME_CHARS];
	char reach[NAME_CHARS];		/* which devices get them */
	long long chunks, slabs;	/* of which it is made */
	long long slots, free, cached, peak;
	long long waste_percent;	/* of all reaches of that name */
};

/* Memory of one backend */
struct instance {
	char backend[NAME_CHARS];
	char role[NAME_CHARS];		/* active, pinned, retiring */
	long long size, used;		/* bytes */
	unsigned int nr_pools, nr_areas;
	long long fullest_percent;	/* of its areas, if they are shown */
	struct values values;		/* cap_mib, grown and the like */
	unsigned int nr_classes;
	struct size_class classes[24];
};

/* One folder of files: the default bounce memory, or a restricted pool */
struct domain {
	char name[NAME_CHARS];		/* empty: the default */
	long long numbers[NR_NUMBERS];
	struct values failures;
	struct values stats;		/* also of each backend: "fixed.maps" */
	unsigned int nr_instances;
	struct instance instances[8];
};

struct conversion_site {
	char name[2 * NAME_CHARS];
	char direction[NAME_CHARS];
	long long calls, bytes, misaligned, failures, ns;
};

struct size_bucket {
	long long up_to;		/* bytes; UNKNOWN for what is larger */
	long long count;
};

/* What the kernel's trace histogram of a device says */
struct device_row {
	char name[NAME_CHARS];
	long long bounces, bytes;
};

/**
 * struct sample - all that was read at one time
 * @seconds:	    when, on a clock of the machine that was read
 * @backends:	    those there are, as the kernel lists them, the active one in
 *		    brackets; empty on a kernel that has no choice
 * @active:	    the one in brackets
 * @memory:	    RAM in bytes, or UNKNOWN
 * @nr_domains:	    filled entries of @domains
 * @domains:	    the default bounce memory first
 * @nr_sizes:	    filled entries of @sizes
 * @sizes:	    how many mappings had which size, smallest first
 * @nr_devices:	    filled entries of @devices
 * @devices:	    those that bounced while they were counted, most bytes first
 * @conversions:    between private and shared memory: the sum
 * @nr_sites:	    filled entries of @sites
 * @sites:	    who asked for them
 * @params:	    parameters of the module
 * @nr_ignored:	    lines that made no sense to us
 * @nr_notices:	    filled entries of @notices
 * @notices:	    what the user must know about what could not be read
 * @found:	    whether anything of swiotlb was there
 */
struct sample {
	double seconds;
	char backends[LINE_CHARS];
	char active[NAME_CHARS];
	long long memory;
	unsigned int nr_domains;
	struct domain domains[9];
	unsigned int nr_sizes;
	struct size_bucket sizes[96];
	unsigned int nr_devices;
	struct device_row devices[64];
	struct conversion_site conversions;
	unsigned int nr_sites;
	struct conversion_site sites[32];
	struct values params;
	unsigned int nr_ignored;
	unsigned int nr_notices;
	char notices[4][LINE_CHARS];
	bool found;
};

/* How much has to be done about it */
enum level {
	ADVICE_FINE,
	ADVICE_HINT,
	ADVICE_PROBLEM,
};

/* One piece of advice: what, why, and a command or parameter if there is one */
struct advice {
	enum level level;
	const char *id;
	char what[LINE_CHARS];
	char reason[LINE_CHARS];
	char command[LINE_CHARS];
};

#define MAX_ADVICE	24

/* files.c: text files below a root */

/**
 * struct lines - a file that is read line by line
 * @file: NULL if there is none
 * @text: the current line, without its end
 */
struct lines {
	FILE *file;
	char text[LINE_CHARS];
};

bool lines_open(struct lines *lines, const char *root, const char *path);
bool lines_next(struct lines *lines);
bool lines_close(struct lines *lines);
long long read_number(const char *root, const char *path);
bool read_values(const char *root, const char *path, struct values *values,
		 unsigned int *nr_ignored);
bool to_number(const char *word, long long *value);
long long value_of(const struct values *values, const char *name);
void value_add(struct values *values, const char *name, long long value);
void values_free(struct values *values);
void copy_word(char *to, size_t size, const char *from);

/* state.c */
void read_state(const char *root, const char *path, struct domain *domain,
		unsigned int *nr_ignored);

/* read.c */
void read_sample(const char *root, struct sample *s);
void clear_sample(struct sample *s);

/* screen.c */

/**
 * struct screen - where text goes
 * @columns:  cut lines there; 0 for no end
 * @rows:     show no more lines; 0 for no end
 * @terminal: escape sequences may be used
 */
struct screen {
	unsigned int columns, rows;
	bool terminal;
};

void show_screen(const struct screen *screen, const struct sample *s,
		 const struct sample *before);
void show_advice(const struct screen *screen, const struct sample *s,
		 const struct sample *before);

/* json.c */
void show_json(const struct sample *s, const struct sample *before,
	       bool with_advice);

/* advise.c */
unsigned int advise(const struct sample *s, const struct sample *before,
		    struct advice *list);
extern const char *const level_names[];

/* units.c */

/* Returned by value: lives as long as the call that it is an argument of */
struct text {
	char text[160];
};

struct text bytes_text(long long bytes);
struct text count_text(double count);
#define BYTES(value)	(bytes_text(value).text)
#define COUNT(value)	(count_text(value).text)

double rate(long long now, long long before, double seconds);

/* terminal.c */
bool terminal_enter(struct screen *screen);
void terminal_leave(void);
void terminal_size(struct screen *screen);
int terminal_wait(double seconds);

#endif /* _SWIOTLB_TOP_H */
