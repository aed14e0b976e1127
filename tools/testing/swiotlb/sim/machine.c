// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that submit and complete I/O, and disks: a discrete simulation
 *
 * A CPU with a completion to handle does that first: it unmaps the buffer. Else, as
 * long as fewer than so many of its I/Os are under way, it maps a buffer and submits
 * the next one. Else it waits. When it maps or unmaps, the allocator's code runs
 * for real, on that CPU's behalf, and says what it touches; how long that takes, among all
 * the others, is up to cost.c.
 *
 * Always the CPU that is furthest behind moves on, so causes come before effects;
 * but the code runs as a whole at the time when the operation begins.
 */
#include "allocator.h"
#include "sim.h"

#define POOL_BYTES	SZ_64M
#define WARM_UP_NS	400000ULL
#define MEASURED_NS	1000000ULL
#define NEVER		(U64_MAX / 2)
#define MAX_DEPTH	64U
#define MAX_DISKS	64U
/* Where buffers are that are bounced: it does not matter, they are not traced */
#define ORIGS_START	0x4000000UL

enum phase {
	IDLE,		/* nothing to do, or something to begin */
	WORKS,		/* the rest of the kernel, before the allocator */
	BOUNCES,	/* in the allocator */
	COPIES,		/* the data */
};

struct io {
	phys_addr_t tlb;
	u64 done_at;
	bool is_done;
	struct io *next;
};

struct cpu {
	enum phase phase;
	bool completes;
	struct io *io;
	unsigned int nr_under_way;
	struct io *completions;
	struct io ios[MAX_DEPTH];
	struct step steps[4096];
	struct cpu_stats stats;
	u64 nr_done;
	u64 seed;
};

u64 sim_next_at[SIM_MAX_CPUS];

static struct cpu cpus[SIM_MAX_CPUS];
static u64 disk_free_at[MAX_DISKS];
static struct allocator *allocator;
static const struct load *load;
static unsigned int nr_cpus;
static unsigned long fails;

static u64 dma_mask = U64_MAX;
static struct device dev;

static u32 random_below(struct cpu *c, u32 limit)
{
	c->seed = c->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (c->seed >> 33) % limit;
}

/* Run the code now, and have its steps made one by one from now on */
static void bounce(unsigned int cpu, u64 now)
{
	struct cpu *c = &cpus[cpu];
	unsigned int nr = 0;
	dma_addr_t addr;

	shim_cpu = cpu;
	if (allocator) {
		trace_start(c->steps, ARRAY_SIZE(c->steps));
		if (c->completes) {
			allocator->unmap(&dev, c->io->tlb, load->size,
					 DMA_TO_DEVICE, 0);
		} else {
			addr = allocator->map(&dev, ORIGS_START, load->size,
					      DMA_TO_DEVICE, DMA_ATTR_NO_WARN);
			fails += addr == DMA_MAPPING_ERROR;
			c->io->tlb = addr;
		}
		nr = trace_stop();
	}
	cost_begin(cpu, c->steps, nr, now, &c->stats);
}

/* Nearest first, so that the list is in the order of time */
static void deliver(struct cpu *c, struct io *io)
{
	struct io **link = &c->completions;

	while (*link && (*link)->done_at <= io->done_at)
		link = &(*link)->next;
	io->next = *link;
	*link = io;
}

/* To a disk, and from there to the CPU that gets the interrupt */
static void submit(unsigned int cpu, u64 now)
{
	struct cpu *c = &cpus[cpu];
	unsigned int disk = random_below(c, load->nr_disks);
	unsigned int to = cpu;

	if (random_below(c, 100) < load->remote)
		to = random_below(c, nr_cpus);
	disk_free_at[disk] = max(disk_free_at[disk], now) + load->disk_gap_ns;
	c->io->done_at = disk_free_at[disk] + load->disk_ns;
	deliver(&cpus[to], c->io);
	if (cpus[to].phase == IDLE)
		sim_next_at[to] = min(sim_next_at[to], c->io->done_at);
}

static struct cpu *owner_of(const struct io *io)
{
	return &cpus[((char *)io - (char *)cpus) / sizeof(struct cpu)];
}

static struct io *free_io(struct cpu *c)
{
	unsigned int i;

	for (i = 0; c->ios[i].done_at; i++)
		;
	return &c->ios[i];
}

/* What next? */
static u64 choose(struct cpu *c, u64 now)
{
	if (c->completions && c->completions->done_at <= now) {
		c->io = c->completions;
		c->completions = c->io->next;
		c->completes = true;
	} else if (c->nr_under_way < load->depth) {
		c->io = free_io(c);
		c->io->done_at = NEVER;
		c->nr_under_way++;
		c->completes = false;
	} else {
		return c->completions ? c->completions->done_at : NEVER;
	}
	c->phase = WORKS;
	return now + (c->completes ? load->complete_ns : load->submit_ns);
}

static void finish(unsigned int cpu, u64 now)
{
	struct cpu *c = &cpus[cpu];

	if (c->completes) {
		struct cpu *owner = owner_of(c->io);
		unsigned int nr = owner - cpus;

		c->io->done_at = 0;
		owner->nr_under_way--;
		c->nr_done++;
		/* It may have waited for room in its queue */
		if (owner->phase == IDLE)
			sim_next_at[nr] = min(sim_next_at[nr], now);
	} else {
		submit(cpu, now);
	}
	c->phase = IDLE;
}

static void advance(unsigned int cpu, u64 now)
{
	struct cpu *c = &cpus[cpu];
	u64 next = now;

	switch (c->phase) {
	case IDLE:
		next = choose(c, now);
		break;
	case WORKS:
		bounce(cpu, now);
		c->phase = BOUNCES;
		break;
	case BOUNCES:
		if (cost_advance(cpu, now, &next)) {
			c->phase = COPIES;
			next = now + (c->completes ? 0 : load->copy_ns);
		}
		break;
	case COPIES:
		finish(cpu, now);
		break;
	}
	sim_next_at[cpu] = next;
}

static unsigned int furthest_behind(void)
{
	unsigned int best = 0, i;

	for (i = 1; i < nr_cpus; i++) {
		if (sim_next_at[i] < sim_next_at[best])
			best = i;
	}
	return best;
}

static u64 run_until(u64 end)
{
	unsigned int cpu;

	for (;;) {
		cpu = furthest_behind();
		if (sim_next_at[cpu] >= end)
			return end;
		advance(cpu, sim_next_at[cpu]);
	}
}

static void open_allocator(struct allocator *a)
{
	const struct allocator_params params = {
		.bytes = POOL_BYTES,
		/* As boot does it */
		.nr_areas = roundup_pow_of_two(nr_cpus),
		.low = true,
	};

	shim_settle();
	if (a->open(a, &params)) {
		fprintf(stderr, "sim: cannot open %s\n", a->name);
		exit(2);
	}
	dev = (struct device){
		.dma_mask = &dma_mask,
		.coherent_dma_mask = dma_mask,
		.seg_boundary = U64_MAX,
		.min_align_mask = 0xfff,
	};
	a->bind(a, &dev);
}

static void unmap_all(void)
{
	unsigned int i, j;

	for (i = 0; i < nr_cpus; i++) {
		for (j = 0; j < MAX_DEPTH; j++) {
			struct io *io = &cpus[i].ios[j];

			/* Mapped, and not being mapped or unmapped just now */
			if (io->done_at && io->tlb &&
			    io->tlb != DMA_MAPPING_ERROR)
				allocator->unmap(&dev, io->tlb, load->size,
						 DMA_TO_DEVICE, 0);
		}
	}
}

void machine_run(struct allocator *a, unsigned int with_cpus,
		 const struct load *with_load, const struct costs *costs,
		 struct result *result)
{
	u64 nr_done = 0;
	unsigned int i;

	allocator = a;
	load = with_load;
	nr_cpus = with_cpus;
	fails = 0;
	shim_nr_cpus = nr_cpus;
	memset(cpus, 0, sizeof(cpus));
	memset(disk_free_at, 0, sizeof(disk_free_at));
	cost_reset(costs);
	for (i = 0; i < nr_cpus; i++) {
		cpus[i].seed = i + 1;
		/* Not all at the very same time */
		sim_next_at[i] = i * 37;
	}
	if (a)
		open_allocator(a);

	run_until(WARM_UP_NS);
	for (i = 0; i < nr_cpus; i++) {
		cpus[i].nr_done = 0;
		cpus[i].stats = (struct cpu_stats){};
	}
	run_until(WARM_UP_NS + MEASURED_NS);

	*result = (struct result){ .fails = fails };
	for (i = 0; i < nr_cpus; i++) {
		nr_done += cpus[i].nr_done;
		result->ns_per_io += cpus[i].stats.busy_ns;
		result->lock_ns_per_io += cpus[i].stats.lock_ns;
		result->transfer_ns_per_io += cpus[i].stats.transfer_ns;
		result->transfers_per_io += cpus[i].stats.nr_transfers;
	}
	nr_done = max(nr_done, 1ULL);
	result->iops = nr_done * 1e9 / MEASURED_NS;
	result->ns_per_io /= nr_done;
	result->lock_ns_per_io /= nr_done;
	result->transfer_ns_per_io /= nr_done;
	result->transfers_per_io /= nr_done;
	if (a) {
		unmap_all();
		shim_settle();
		a->close(a);
	}
}
