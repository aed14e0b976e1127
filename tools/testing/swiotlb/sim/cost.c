// SPDX-License-Identifier: GPL-2.0
/*
 * When are the steps of the CPUs done, that get in each other's way?
 *
 * A cache line is in the caches of some CPUs, or, changed, in that of one. Who reads
 * what another one changed, or writes what others have, has to wait until it came; the
 * next one who wants it waits until then, and who got it can use it for half the time
 * that the next move takes. A lock that is held is waited for in order;
 * then its line comes as any other. Caches are large enough for everything, and a line
 * that no CPU ever had is there.
 */
#include "sim.h"

#define MAX_LINES	(1U << 20)
#define NOBODY		0xffU

/**
 * struct line - a cache line
 * @free_at: when whoever gets it now has it
 * @readers: who has it; with @owner only he
 * @owner:   who changed it, or %NOBODY
 * @holder:  who holds the lock in it, or %NOBODY
 * @first:   who waits for the lock, in order, each leading to the next
 */
struct line {
	u64 free_at;
	u64 readers[2];
	u8 owner;
	u8 holder;
	u8 first;
	u8 last;
};

struct cpu {
	const struct step *steps;
	unsigned int nr;
	unsigned int at;
	u64 begun;
	u64 waits_since;
	bool waits;
	u8 next;
	struct cpu_stats *stats;
};

/* Lines that a CPU got of late, and until when it can use them although others want them */
#define NR_RECENT	8U

struct recent {
	const struct line *line;
	u64 until;
	bool write;
};

static struct recent recents[SIM_MAX_CPUS][NR_RECENT];
static unsigned int next_recent[SIM_MAX_CPUS];

static struct line lines[MAX_LINES];
static struct cpu cpus[SIM_MAX_CPUS];
static struct costs costs;

void cost_reset(const struct costs *with)
{
	unsigned int i;

	costs = *with;
	memset(lines, 0, sizeof(lines));
	memset(cpus, 0, sizeof(cpus));
	memset(recents, 0, sizeof(recents));
	for (i = 0; i < MAX_LINES; i++) {
		lines[i].owner = NOBODY;
		lines[i].holder = NOBODY;
		lines[i].first = NOBODY;
		lines[i].last = NOBODY;
	}
}

void cost_begin(unsigned int cpu, const struct step *steps, unsigned int nr,
		u64 now, struct cpu_stats *stats)
{
	cpus[cpu] = (struct cpu){
		.steps = steps,
		.nr = nr,
		.begun = now,
		.next = NOBODY,
		.stats = stats,
	};
}

static bool is_alone(const struct line *line, unsigned int cpu)
{
	u64 mine[2] = {};

	mine[cpu / 64] = 1ULL << cpu % 64;
	return !((line->readers[0] & ~mine[0]) | (line->readers[1] & ~mine[1]));
}

static bool still_has(unsigned int cpu, const struct line *line, bool write,
		      u64 now)
{
	unsigned int i;

	for (i = 0; i < NR_RECENT; i++) {
		const struct recent *r = &recents[cpu][i];

		if (r->line == line && r->until >= now && r->write >= write)
			return true;
	}
	return false;
}

static void remember(unsigned int cpu, const struct line *line, bool write,
		     u64 then)
{
	recents[cpu][next_recent[cpu]++ % NR_RECENT] = (struct recent){
		.line = line,
		.until = then + costs.transfer / 2,
		.write = write,
	};
}

/* When the CPU has the line as it needs it */
static u64 get_line(struct line *line, unsigned int cpu, bool write, u64 now,
		    struct cpu_stats *stats)
{
	bool has = line->readers[cpu / 64] >> cpu % 64 & 1;
	bool is_new = !line->readers[0] && !line->readers[1];
	u64 then = now;

	if (still_has(cpu, line, write, now))
		return now + costs.access;
	if (!is_new && (!has || (write && !is_alone(line, cpu)))) {
		then = max(now, line->free_at) + costs.transfer;
		line->free_at = then;
		stats->nr_transfers++;
		stats->transfer_ns += then - now;
		remember(cpu, line, write, then);
	}
	if (write) {
		line->readers[0] = 0;
		line->readers[1] = 0;
		line->owner = cpu;
	} else if (line->owner != cpu) {
		line->owner = NOBODY;
	}
	line->readers[cpu / 64] |= 1ULL << cpu % 64;
	return then + costs.access;
}

static void wait_for(struct line *line, unsigned int cpu)
{
	cpus[cpu].waits = true;
	cpus[cpu].next = NOBODY;
	if (line->first == NOBODY)
		line->first = cpu;
	else
		cpus[line->last].next = cpu;
	line->last = cpu;
}

/* Far enough away to be asked again only when somebody changed that */
#define NEVER	(U64_MAX / 2)

static u64 lock(struct line *line, unsigned int cpu, u64 now)
{
	struct cpu *c = &cpus[cpu];

	if (line->holder != NOBODY && line->holder != cpu) {
		c->waits_since = now;
		wait_for(line, cpu);
		return NEVER;
	}
	if (c->waits) {
		c->waits = false;
		c->stats->lock_ns += now - c->waits_since;
	}
	line->holder = cpu;
	return get_line(line, cpu, true, now, c->stats);
}

static u64 unlock(struct line *line, unsigned int cpu, u64 now)
{
	u64 then = get_line(line, cpu, true, now, cpus[cpu].stats);

	line->holder = line->first;
	if (line->first != NOBODY) {
		sim_next_at[line->first] = then;
		line->first = cpus[line->first].next;
	}
	return then;
}

bool cost_advance(unsigned int cpu, u64 now, u64 *next)
{
	struct cpu *c = &cpus[cpu];
	const struct step *step;
	struct line *line;

	if (c->at == c->nr) {
		c->stats->busy_ns += now - c->begun;
		return true;
	}
	step = &c->steps[c->at];
	line = &lines[step->line];
	switch (step->kind) {
	case STEP_LOCK:
		*next = lock(line, cpu, now);
		if (*next == NEVER)
			return false;
		break;
	case STEP_UNLOCK:
		*next = unlock(line, cpu, now);
		break;
	default:
		*next = get_line(line, cpu, step->kind == STEP_WRITE, now,
				 c->stats);
	}
	c->at++;
	return false;
}
