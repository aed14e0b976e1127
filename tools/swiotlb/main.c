// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb-top - show the use of DMA bounce memory
 *
 * Reads the files that swiotlb has below /sys, again and again, and shows them on a
 * terminal, as text, or as JSON. Changes nothing. See swiotlb-top.8.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "swiotlb-top.h"

#define MAX_ROOTS	1024
#define MAX_INTERVAL	86400

/* Exit codes, see the manual page */
#define EXIT_NOTHING	1
#define EXIT_USAGE	2
#define EXIT_PROBLEM	3

struct options {
	double interval;
	long count;			/* of samples; 0: no end */
	bool batch, json, advise;
	unsigned int nr_roots;
	const char *roots[MAX_ROOTS];
};

static const char usage[] =
	"usage: swiotlb-top [options]\n"
	"  -d, --delay SECONDS  between two samples (2)\n"
	"  -n, --count N        end after N samples\n"
	"  -b, --batch          text without escape sequences, one sample unless -d or -n\n"
	"  -J, --json           JSON, one object per line, one sample unless -d or -n\n"
	"  -a, --advise         say what to do about the size, and why\n"
	"  -r, --root DIR       read below DIR instead of /; more than once: a sample each\n"
	"  -h, --help           this text\n"
	"keys: q quits, space takes a sample now, a shows advice and the figures in turn\n";

static int wrong(const char *text)
{
	fprintf(stderr, "swiotlb-top: %s\n%s", text, usage);
	return EXIT_USAGE;
}

/* Return: EXIT_SUCCESS, or the code to exit with, or -1 if all is done */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "delay",	required_argument,	NULL, 'd' },
		{ "count",	required_argument,	NULL, 'n' },
		{ "batch",	no_argument,		NULL, 'b' },
		{ "json",	no_argument,		NULL, 'J' },
		{ "advise",	no_argument,		NULL, 'a' },
		{ "root",	required_argument,	NULL, 'r' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	bool endless = false, counted = false;
	long long number;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "d:n:bJar:h", names, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->interval = strtod(optarg, &end);
			if (end == optarg || *end || !(o->interval >= 0.1) ||
			    o->interval > MAX_INTERVAL)
				return wrong("-d wants seconds, from 0.1 to 86400");
			endless = true;
			break;
		case 'n':
			if (!to_number(optarg, &number) || number < 1 ||
			    number > 1000000000)
				return wrong("-n wants a number of samples, from 1");
			o->count = number;
			counted = true;
			break;
		case 'b':
			o->batch = true;
			break;
		case 'J':
			o->json = true;
			break;
		case 'a':
			o->advise = true;
			break;
		case 'r':
			if (o->nr_roots == MAX_ROOTS)
				return wrong("too many roots");
			o->roots[o->nr_roots++] = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return -1;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return wrong("there are options only");
	if (o->nr_roots > 1) {
		o->batch = true;
		o->count = o->nr_roots;
	} else if (!counted && !endless && (o->batch || o->json || o->advise)) {
		o->count = 1;
	}
	if (!o->nr_roots)
		o->roots[o->nr_roots++] = "";
	return EXIT_SUCCESS;
}

static bool has_problem(const struct sample *s, const struct sample *before)
{
	struct advice list[MAX_ADVICE];
	unsigned int nr = advise(s, before, list);

	while (nr--)
		if (list[nr].level == ADVICE_PROBLEM)
			return true;
	return false;
}

static void sleep_for(double seconds)
{
	struct timespec time = { .tv_sec = seconds };

	time.tv_nsec = (seconds - time.tv_sec) * 1e9;
	nanosleep(&time, NULL);
}

/* After the last sample that was asked for, which shall stay on a terminal */
static int end_count(const struct options *o, const struct screen *screen,
		     const struct sample *s, const struct sample *before)
{
	const struct screen plain = {};

	if (screen->terminal) {
		terminal_leave();
		show_screen(&plain, s, before);
	}
	return o->advise && has_problem(s, before) ? EXIT_PROBLEM : EXIT_SUCCESS;
}

/* Samples are shown in turn, since each is needed for the rates of the next */
static int run(const struct options *o, struct screen *screen)
{
	static struct sample samples[2];
	bool advice = o->advise;
	long i;

	for (i = 0; !o->count || i < o->count; i++) {
		struct sample *s = &samples[i % 2], *before = &samples[(i + 1) % 2];
		unsigned int root = i < o->nr_roots ? i : o->nr_roots - 1;
		int key = 0;

		if (!i)
			before = NULL;
		clear_sample(s);
		read_sample(o->roots[root], s);
		if (!s->found) {
			terminal_leave();
			fprintf(stderr, "swiotlb-top: %s\n", s->notices[0]);
			return EXIT_NOTHING;
		}
		do {
			if (o->json)
				show_json(s, before, o->advise);
			else if (advice)
				show_advice(screen, s, before);
			else
				show_screen(screen, s, before);
			if (ferror(stdout))
				return EXIT_NOTHING;
			if (i + 1 == o->count)
				break;
			if (screen->terminal)
				key = terminal_wait(o->interval);
			else if (o->nr_roots == 1)
				sleep_for(o->interval);
			if (key == 'a')
				advice = !advice;
			if (screen->terminal)
				terminal_size(screen);
		} while (key == 'a');
		if (key == 'q')
			break;
		if (i + 1 == o->count)
			return end_count(o, screen, s, before);
		if (!screen->terminal && !o->json)
			putchar('\n');
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct options options = { .interval = 2 };
	struct screen screen = {};
	int code = parse_options(argc, argv, &options);

	if (code)
		return code < 0 ? EXIT_SUCCESS : code;
	if (!options.batch && !options.json &&
	    !(options.advise && options.count == 1) &&
	    !terminal_enter(&screen) && !options.count)
		options.count = 1;
	return run(&options, &screen);
}
