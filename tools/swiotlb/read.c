// SPDX-License-Identifier: GPL-2.0
/*
 * From files to a sample
 *
 * Only files that are documented are read (Documentation/ABI/testing/debugfs-swiotlb
 * and those beside it; Documentation/trace/histogram.rst). Each of them may be
 * missing: the kernel may be older, or built without it, or not let us. What is there
 * is shown, and a notice says what keeps the rest from us.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "swiotlb-top.h"

#define DEBUGFS		"/sys/kernel/debug"
#define SWIOTLB		DEBUGFS "/swiotlb"
#define PARAMETERS	"/sys/module/swiotlb/parameters"
#define EVENTS		"/sys/kernel/tracing/events/swiotlb"

/* A kernel without this project has the first three */
const struct number_file number_files[NR_NUMBERS] = {
	[SIZE]			= { "io_tlb_nslabs", "size_bytes", SLOT_BYTES },
	[USED]			= { "io_tlb_used", "used_bytes", SLOT_BYTES },
	[HIWATER]		= { "io_tlb_used_hiwater", "hiwater_bytes", SLOT_BYTES },
	[TRANSIENT]		= { "io_tlb_transient_nslabs", "transient_bytes", SLOT_BYTES },
	[LEAKED]		= { "io_tlb_leaked_bytes", "leaked_bytes", 1 },
	[GRANULE_MISSES]	= { "io_tlb_granule_misses", "granule_misses", 1 },
	[COHERENT_USED]		= { "io_tlb_alloc_nslabs", "coherent_used_bytes", SLOT_BYTES },
	[COHERENT_BLOCKS]	= { "io_tlb_alloc_bytes", "coherent_block_bytes", 1 },
	[COHERENT_FALLBACKS]	= { "io_tlb_alloc_fallbacks", "coherent_fallbacks", 1 },
};

static void notice(struct sample *s, const char *text)
{
	if (s->nr_notices < ARRAY_SIZE(s->notices))
		copy_word(s->notices[s->nr_notices++], LINE_CHARS, text);
}

static void read_domain(const char *root, const char *name, struct sample *s)
{
	struct domain *domain = &s->domains[s->nr_domains];
	char folder[PATH_MAX - 64], path[PATH_MAX];
	unsigned int i;

	if (s->nr_domains == ARRAY_SIZE(s->domains))
		return;
	copy_word(domain->name, NAME_CHARS, name);
	snprintf(folder, sizeof(folder), SWIOTLB "%s%s", *name ? "/" : "", name);
	for (i = 0; i < NR_NUMBERS; i++) {
		long long value;

		snprintf(path, sizeof(path), "%s/%s", folder, number_files[i].file);
		value = read_number(root, path);
		if (value != UNKNOWN && value > LLONG_MAX / number_files[i].unit)
			value = UNKNOWN;
		domain->numbers[i] = value == UNKNOWN ? UNKNOWN :
				     value * number_files[i].unit;
	}
	snprintf(path, sizeof(path), "%s/failures", folder);
	read_values(root, path, &domain->failures, &s->nr_ignored);
	snprintf(path, sizeof(path), "%s/stats", folder);
	read_values(root, path, &domain->stats, &s->nr_ignored);
	snprintf(path, sizeof(path), "%s/state", folder);
	read_state(root, path, domain, &s->nr_ignored);
	s->nr_domains++;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Restricted pools are folders beside the files of the default memory */
static void read_restricted(const char *root, struct sample *s)
{
	char path[PATH_MAX], names[ARRAY_SIZE(s->domains) - 1][NAME_CHARS];
	unsigned int nr = 0, i;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" SWIOTLB, root);
	dir = opendir(path);
	if (!dir)
		return;
	while (nr < ARRAY_SIZE(names) && (entry = readdir(dir))) {
		struct stat about;

		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &about, 0) ||
		    !S_ISDIR(about.st_mode) ||
		    strlen(entry->d_name) >= NAME_CHARS)
			continue;
		copy_word(names[nr++], NAME_CHARS, entry->d_name);
	}
	closedir(dir);
	qsort(names, nr, sizeof(names[0]), compare_names);
	for (i = 0; i < nr; i++)
		read_domain(root, names[i], s);
}

/* "<up to> <count>", the last one "inf <count>" */
static void read_sizes(const char *root, struct sample *s)
{
	struct lines lines;

	if (!lines_open(&lines, root, SWIOTLB "/size_histogram"))
		return;
	while (lines_next(&lines)) {
		char *save, *word = strtok_r(lines.text, " \t", &save);
		char *count = strtok_r(NULL, " \t", &save);
		struct size_bucket bucket = { .up_to = UNKNOWN };

		if (!word)
			continue;
		if (!count || !to_number(count, &bucket.count) ||
		    (strcmp(word, "inf") && !to_number(word, &bucket.up_to)) ||
		    s->nr_sizes == ARRAY_SIZE(s->sizes))
			s->nr_ignored++;
		else
			s->sizes[s->nr_sizes++] = bucket;
	}
	lines_close(&lines);
}

static int compare_devices(const void *a, const void *b)
{
	const struct device_row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

static struct device_row *find_device(struct sample *s, const char *name)
{
	struct device_row *row;
	unsigned int i;

	for (i = 0; i < s->nr_devices; i++)
		if (!strcmp(s->devices[i].name, name))
			return &s->devices[i];
	if (s->nr_devices == ARRAY_SIZE(s->devices))
		return NULL;
	row = &s->devices[s->nr_devices++];
	*row = (struct device_row){};
	copy_word(row->name, NAME_CHARS, name);
	return row;
}

/* "name: number" somewhere in a line */
static long long number_behind(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoll(found + strlen(name), NULL, 10) : 0;
}

/*
 * "{ dev_name: 0000:00:04.0 } hitcount: 10 size: 40960", if somebody has asked the
 * kernel for this histogram; the device may not be the only key.
 */
static void read_histogram(const char *root, const char *path, struct sample *s)
{
	static const char key[] = "dev_name: ";
	struct lines lines;

	if (!lines_open(&lines, root, path))
		return;
	while (lines_next(&lines)) {
		char *name = strstr(lines.text, key), *end;
		struct device_row *row;

		end = strchr(lines.text, '}');
		if (lines.text[0] != '{' || !name || !end)
			continue;
		name += strlen(key);
		name += strspn(name, " ");
		*end = '\0';
		name[strcspn(name, " ,")] = '\0';
		row = find_device(s, name);
		if (!row)
			continue;
		row->bounces += number_behind(end + 1, "hitcount:");
		row->bytes += number_behind(end + 1, " size:");
	}
	lines_close(&lines);
}

/* Mappings that were made, else those that were asked for: older kernels have no other event */
static void read_devices(const char *root, struct sample *s)
{
	read_histogram(root, EVENTS "/swiotlb_mapped/hist", s);
	if (!s->nr_devices)
		read_histogram(root, EVENTS "/swiotlb_bounced/hist", s);
	qsort(s->devices, s->nr_devices, sizeof(s->devices[0]), compare_devices);
}

/* "site calls bytes misaligned failures ns direction", the last one "total" */
static void read_conversions(const char *root, struct sample *s)
{
	struct lines lines;

	s->conversions.calls = UNKNOWN;
	if (!lines_open(&lines, root, DEBUGFS "/coco/conversions"))
		return;
	while (lines_next(&lines)) {
		struct conversion_site site;

		if (!strncmp(lines.text, "site calls ", strlen("site calls ")))
			continue;
		if (sscanf(lines.text, "%95s %lld %lld %lld %lld %lld %47s",
			   site.name, &site.calls, &site.bytes, &site.misaligned,
			   &site.failures, &site.ns, site.direction) != 7)
			s->nr_ignored++;
		else if (!strcmp(site.name, "total"))
			s->conversions = site;
		else if (s->nr_sites < ARRAY_SIZE(s->sites))
			s->sites[s->nr_sites++] = site;
	}
	lines_close(&lines);
}

/* "fixed [dynamic] cc" */
static void read_backends(const char *root, struct sample *s)
{
	struct lines lines;
	char *open, *end;

	if (!lines_open(&lines, root, "/sys/kernel/swiotlb/backend"))
		return;
	if (lines_next(&lines)) {
		copy_word(s->backends, sizeof(s->backends), lines.text);
		s->found = true;
	}
	open = strchr(lines.text, '[');
	end = open ? strchr(open, ']') : NULL;
	if (end) {
		*end = '\0';
		copy_word(s->active, NAME_CHARS, open + 1);
	}
	lines_close(&lines);
}

static void read_params(const char *root, struct sample *s)
{
	static const char *const names[] = {
		"dynamic_max_mib", "dynamic_idle_ms", "cc_max", "cc_idle_ms",
	};
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		long long value;

		snprintf(path, sizeof(path), PARAMETERS "/%s", names[i]);
		value = read_number(root, path);
		if (value != UNKNOWN)
			value_add(&s->params, names[i], value);
	}
}

/* A recorded tree has a time of its own */
static double read_clock(const char *root)
{
	struct lines lines;
	struct timespec now;
	double seconds = 0;

	if (*root && lines_open(&lines, root, "/proc/uptime")) {
		if (lines_next(&lines))
			seconds = strtod(lines.text, NULL);
		lines_close(&lines);
		return seconds;
	}
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static long long read_memory(const char *root)
{
	long long kib = UNKNOWN;
	struct lines lines;

	if (!lines_open(&lines, root, "/proc/meminfo"))
		return UNKNOWN;
	while (kib == UNKNOWN && lines_next(&lines))
		sscanf(lines.text, "MemTotal: %lld kB", &kib);
	lines_close(&lines);
	return kib < 0 ? UNKNOWN : kib * 1024;
}

static bool is_empty(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			return false;
	return true;
}

/* Why the files in debugfs say nothing */
static void explain(const char *root, struct sample *s)
{
	char path[PATH_MAX];
	struct lines lines;
	DIR *dir;

	if (lines_open(&lines, root, SWIOTLB "/io_tlb_nslabs")) {
		notice(s, SWIOTLB "/io_tlb_nslabs holds no number");
		lines_close(&lines);
		return;
	}
	if (errno == EACCES) {
		notice(s, "no permission to read " SWIOTLB ": run swiotlb-top as root");
		return;
	}
	snprintf(path, sizeof(path), "%s" DEBUGFS, root);
	dir = opendir(path);
	if (!dir) {
		notice(s, "this kernel has no debugfs (CONFIG_DEBUG_FS), and so no counters");
		return;
	}
	if (is_empty(dir))
		notice(s, "debugfs is not mounted: mount -t debugfs none " DEBUGFS);
	else
		notice(s, "there is no " SWIOTLB ": this kernel has no swiotlb, or hides it");
	closedir(dir);
}

/**
 * clear_sample() - forget what was read
 * @s: filled in before, or all zeros
 */
void clear_sample(struct sample *s)
{
	unsigned int i, j;

	for (i = 0; i < s->nr_domains; i++) {
		struct domain *domain = &s->domains[i];

		for (j = 0; j < domain->nr_instances; j++)
			values_free(&domain->instances[j].values);
		values_free(&domain->failures);
		values_free(&domain->stats);
	}
	values_free(&s->params);
	memset(s, 0, sizeof(*s));
}

/**
 * read_sample() - read all there is
 * @root: goes before all paths, "" for this machine
 * @s:	  cleared before
 */
void read_sample(const char *root, struct sample *s)
{
	s->seconds = read_clock(root);
	s->memory = read_memory(root);
	read_backends(root, s);
	read_params(root, s);
	read_domain(root, "", s);
	read_restricted(root, s);
	read_sizes(root, s);
	read_devices(root, s);
	read_conversions(root, s);
	if (s->domains[0].numbers[SIZE] == UNKNOWN)
		explain(root, s);
	else
		s->found = true;
	if (s->nr_ignored) {
		char text[LINE_CHARS];

		snprintf(text, sizeof(text), "%u line%s not understood, and left out",
			 s->nr_ignored, s->nr_ignored == 1 ? " was" : "s were");
		notice(s, text);
	}
}
