// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: CPUs and interrupts map and unmap at once, while chunks come and go
 *
 * Load comes in waves. Each buffer is full of a pattern of its own, and memory that
 * was given back is reused at once, so that whoever is given what is not his shows.
 * Two threads play each CPU: of these, one is the interrupts that the other gets, which
 * the shim's preempt_disable() holds off; and signals, which it does not, are
 * interrupts at any instruction.
 */
#include <signal.h>
#include <unistd.h>

#include "cc_mem.h"

#define NR_THREADS	6
#define NR_WAVES	10
#define MAX_SPANS	300

static struct swiotlb_mem mem;
static struct device dev;
static bool refuse;

struct mapping {
	struct swiotlb_span span;
	size_t size;
	u8 pattern;
};

struct cpu {
	unsigned int nr;
	unsigned int nr_mapped;
	struct mapping mappings[MAX_SPANS];
	unsigned long nr_interrupts;
};

static struct cpu cpus[NR_THREADS];

/* They wait to be unmapped elsewhere */
static struct mapping *handover;

static struct swiotlb_req random_req(u64 *seed)
{
	static const unsigned int sizes[] = { 256, 512, 2048, 4096, 4096, 65536 };
	unsigned int most = sizes[model_random_below(seed, ARRAY_SIZE(sizes))];
	struct swiotlb_req req = PLAIN_REQ(model_random_below(seed, most) + 1);

	req.min_align_mask = model_random_below(seed, 4) ? 0 : 0xfff;
	req.orig_addr += model_random_below(seed, 8192);
	if (!model_random_below(seed, 8))
		req.addr_limit = REACH_32;
	return req;
}

static bool map(struct mapping *mapping, u64 *seed)
{
	struct swiotlb_req req = random_req(seed);
	int err = span_alloc(&mem, &req, &mapping->span);

	if (err) {
		CHECK(refuse && err == -ENOSPC);
		return false;
	}
	CHECK_OK(span_is_wrong(&mapping->span, &req));
	mapping->size = req.size;
	mapping->pattern = model_random(seed);
	swiotlb_record(&mapping->span, req.orig_addr, req.size);
	memset(shim_ram(buffer_of(&mapping->span)), mapping->pattern,
	       mapping->size);
	return true;
}

static void unmap(const struct mapping *mapping)
{
	phys_addr_t paddr = buffer_of(&mapping->span);
	const u8 *byte = shim_ram(paddr);
	size_t left = mapping->size;
	struct io_tlb_pool *pool;
	struct swiotlb_span span;

	while (left && *byte++ == mapping->pattern)
		left--;
	CHECK_EQ(left, 0);
	pool = swiotlb_find_pool(&dev, paddr);
	CHECK(pool == mapping->span.pool);
	CHECK_EQ(swiotlb_forget(pool, paddr, &span), mapping->size);
	span_free(&span);
}

static void unmap_one(struct cpu *cpu, u64 *seed)
{
	unsigned int i = model_random_below(seed, cpu->nr_mapped);

	unmap(&cpu->mappings[i]);
	cpu->mappings[i] = cpu->mappings[--cpu->nr_mapped];
}

/* Let another CPU unmap it, and unmap one for another */
static void hand_over(struct cpu *cpu)
{
	struct mapping *mine = malloc(sizeof(*mine));

	*mine = cpu->mappings[--cpu->nr_mapped];
	mine = __atomic_exchange_n(&handover, mine, __ATOMIC_ACQ_REL);
	if (mine)
		unmap(mine);
	free(mine);
}

static void *ride_waves(void *arg)
{
	struct cpu *cpu = arg;
	u64 seed = cpu->nr;
	unsigned int wave, i;

	shim_cpu = cpu->nr / 2;
	for (wave = 0; wave < NR_WAVES; wave++) {
		for (i = 0; i < MAX_SPANS && cpu->nr_mapped < MAX_SPANS; i++) {
			if (map(&cpu->mappings[cpu->nr_mapped], &seed))
				cpu->nr_mapped++;
			if (cpu->nr_mapped && !model_random_below(&seed, 4))
				unmap_one(cpu, &seed);
			if (cpu->nr_mapped && !model_random_below(&seed, 16))
				hand_over(cpu);
		}
		while (cpu->nr_mapped)
			unmap_one(cpu, &seed);
		/* A trough, long enough for some of the chunks to go */
		usleep(model_random_below(&seed, 4000));
	}
	return NULL;
}

static void ride_all(void)
{
	pthread_t threads[NR_THREADS];
	unsigned int i;

	for (i = 0; i < NR_THREADS; i++) {
		cpus[i].nr = i;
		CHECK(!pthread_create(&threads[i], NULL, ride_waves, &cpus[i]));
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	if (handover)
		unmap(handover);
	free(handover);
	handover = NULL;
	CHECK_EQ(mem.ops->used(&mem), 0);
}

static void race(const char *max_mib)
{
	CHECK_EQ(shim_param_set("cc_idle_ms", "100"), 0);
	CHECK_EQ(shim_param_set("cc_max", max_mib), 0);
	make_cc(&mem);
	shim_run_clock(true);
	ride_all();
	shim_run_clock(false);
	shim_settle();
	printf("  cap %s MiB: grown %lu, shrunk %lu, failed %lu\n", max_mib,
	       cc_of(&mem)->nr_grows, cc_of(&mem)->nr_shrinks,
	       cc_of(&mem)->nr_failures);
	drop_cc(&mem);
}

TEST(race_cc_with_room)
{
	refuse = true;
	race("0");
}

TEST(race_cc_at_its_cap)
{
	refuse = true;
	race("18");
}

TEST(race_cc_in_a_confidential_guest)
{
	refuse = true;
	shim_cc = true;
	race("0");
}

/* The end comes at any time: before a work, in it, after it */
TEST(race_cc_cut_short)
{
	static struct cc_span spans[FIRST_BYTES / SZ_64K];
	struct swiotlb_req req = PLAIN_REQ(SZ_64K);
	unsigned int i, k, nr;
	u64 seed = 1;

	for (i = 0; i < 40; i++) {
		make_cc(&mem);
		for (nr = 0; nr < ARRAY_SIZE(spans); nr++) {
			if (span_alloc(&mem, &req, &spans[nr].span))
				break;
		}
		for (k = 0; k < nr; k++)
			span_free(&spans[k].span);
		if (i % 2)
			usleep(model_random_below(&seed, 2000));
		drop_cc(&mem);
	}
}

/*
 * Signals: at any instruction, the thread does what an interrupt might. A lock that
 * it may just hold is taken with interrupts off, so these are not taken then.
 */
static __thread struct cpu *my_cpu;
static bool signals_stop;

static void interrupt(int nr)
{
	struct cpu *cpu = my_cpu;
	struct swiotlb_span spans[4];
	struct swiotlb_req req = PLAIN_REQ(2000);
	unsigned int i, got = 0;

	if (!cpu || shim_context.irqs_off || shim_context.in_interrupt ||
	    !shim_context.rcu_readers)
		return;
	shim_context.in_interrupt = true;
	for (i = 0; i < ARRAY_SIZE(spans); i++)
		got += !mem.ops->alloc(&mem, &req, &spans[got]);
	for (i = 0; i < got; i++) {
		memset(shim_ram(buffer_of(&spans[i])), 0x5a, req.size);
		mem.ops->free(&spans[i]);
	}
	shim_context.in_interrupt = false;
	cpu->nr_interrupts++;
}

static void *get_interrupts(void *arg)
{
	struct cpu *cpu = arg;
	u64 seed = cpu->nr;

	shim_cpu = cpu->nr;
	my_cpu = cpu;
	while (!READ_ONCE(signals_stop)) {
		rcu_read_lock();
		/* In it, signals are interrupts */
		while (cpu->nr_mapped < MAX_SPANS / 2) {
			struct mapping *m = &cpu->mappings[cpu->nr_mapped];
			struct swiotlb_req req = PLAIN_REQ(model_random_below(&seed, 4096) + 1);

			if (mem.ops->alloc(&mem, &req, &m->span))
				break;
			m->size = req.size;
			m->pattern = model_random(&seed);
			swiotlb_record(&m->span, req.orig_addr, req.size);
			memset(shim_ram(buffer_of(&m->span)), m->pattern,
			       m->size);
			cpu->nr_mapped++;
		}
		rcu_read_unlock();
		while (cpu->nr_mapped > 20)
			unmap_one(cpu, &seed);
	}
	while (cpu->nr_mapped)
		unmap_one(cpu, &seed);
	return NULL;
}

TEST(race_cc_with_interrupts)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	unsigned int i, nr, nr_threads = 2;
	unsigned long nr_interrupts = 0;
	pthread_t threads[2];

	sigaction(SIGUSR1, &action, NULL);
	make_cc(&mem);
	for (i = 0; i < nr_threads; i++) {
		cpus[i].nr = i;
		CHECK(!pthread_create(&threads[i], NULL, get_interrupts,
				      &cpus[i]));
	}
	for (nr = 0; nr < 20000; nr++) {
		pthread_kill(threads[nr % nr_threads], SIGUSR1);
		usleep(20);
	}
	WRITE_ONCE(signals_stop, true);
	for (i = 0; i < nr_threads; i++) {
		pthread_join(threads[i], NULL);
		nr_interrupts += cpus[i].nr_interrupts;
	}
	printf("  %lu interrupts\n", nr_interrupts);
	CHECK(nr_interrupts > 100);
	shim_settle();
	drop_cc(&mem);
}
