// SPDX-License-Identifier: GPL-2.0
/*
 * One side, one scenario: bench-<side> <scenario> [name=value...]
 * Which backends it has: bench-<side> backends
 *
 * Boots, prepares, and says {}; then each line on standard input asks for a repetition,
 * which answers with a line of JSON. At the end of the input it is over.
 */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "instructions.h"

static const struct scenario *const scenarios[] = {
	&pair_scenario, &fail_scenario, &copy_scenario, &churn_scenario,
	&threads_scenario, &crowd_scenario, &remote_scenario,
	&lookup_scenario, &memory_scenario,
};

static char **params;
static bool first_result = true;
size_t heap_before_boot, heap_after_boot;

const char *param_text(const char *name, const char *otherwise)
{
	size_t len = strlen(name);
	char **p;

	for (p = params; *p; p++) {
		if (!strncmp(*p, name, len) && (*p)[len] == '=')
			return *p + len + 1;
	}
	return otherwise;
}

long param(const char *name, long otherwise)
{
	const char *text = param_text(name, NULL);

	return text ? strtol(text, NULL, 0) : otherwise;
}

void result(const char *name, double value)
{
	printf("%s\"%s\": ", first_result ? "{" : ", ", name);
	if (isfinite(value))
		printf("%.6g", value);
	else
		printf("null");
	first_result = false;
}

static void end_results(void)
{
	printf("%s}\n", first_result ? "{" : "");
	fflush(stdout);
	first_result = true;
}

static const struct scenario *scenario_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (!strcmp(scenarios[i]->name, name))
			return scenarios[i];
	}
	fprintf(stderr, "swiotlb bench: there is no scenario %s\n", name);
	exit(2);
}

static bool clock_stands;

/* What the kernel does now and then, it does then */
static void *run_clock(void *arg)
{
	for (;;) {
		usleep(4000);
		if (!READ_ONCE(clock_stands))
			shim_pass_ms(4);
	}
	return NULL;
}

/*
 * What is counted may take a thousand times as long as usual. So time stands still, or
 * each call would meet what is done once per tick.
 */
void result_instructions(void (*fn)(void *arg), size_t steps)
{
	WRITE_ONCE(clock_stands, true);
	result("instructions", count_instructions(fn, &steps) / steps);
	WRITE_ONCE(clock_stands, false);
}

static void boot(void)
{
	const struct machine machine = {
		.bytes = (size_t)param("pool", 64) << 20,
		.nr_areas = param("areas", 2),
		.backend = param_text("backend", NULL),
		.may_grow = param("grow", 0),
	};

	/* Confidential guests have the kernel's own huge pages split, some of them */
	if (param("small", 0))
		madvise(shim_ram_start, SHIM_RAM_END, MADV_NOHUGEPAGE);
	shim_nr_cpus = machine.nr_areas;
	bench_dev.min_align_mask = param("mask", 0);
	bench_dir = param("dir", DMA_TO_DEVICE);
	mix_limit = (size_t)param("limit", 256) << 10;
	shim_be_cpu(0);
	heap_before_boot = heap_bytes();
	machine_boot(&machine);
	swiotlb_dev_init(&bench_dev);
	shim_settle();
	if (!machine.may_grow) {
		shim_zone_is_empty[SHIM_DMA] = true;
		shim_zone_is_empty[SHIM_DMA32] = true;
		shim_zone_is_empty[SHIM_NORMAL] = true;
	}
	heap_after_boot = heap_bytes();
	shim_thread(run_clock, NULL);
	shim_copies = param("copy", 0);
	if (shim_copies)
		shim_touch();
}

int main(int argc, char **argv)
{
	const struct scenario *scenario;
	char line[16];

	if (argc == 2 && !strcmp(argv[1], "backends")) {
		machine_list();
		return 0;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: %s <scenario> [name=value...]\n", *argv);
		return 2;
	}
	scenario = scenario_named(argv[1]);
	params = argv + 2;
	boot();
	scenario->prepare();
	if (shim_take_warns()) {
		fprintf(stderr, "swiotlb bench: %s\n", shim_log);
		return 2;
	}
	end_results();

	pin_to_cpu(param("cpu", nr_host_cpus() - 1));
	while (fgets(line, sizeof(line), stdin)) {
		scenario->run();
		if (shim_take_warns()) {
			fprintf(stderr, "swiotlb bench: %s\n", shim_log);
			return 2;
		}
		end_results();
	}
	/* Workers may be at work still */
	fflush(stdout);
	_exit(0);
}
