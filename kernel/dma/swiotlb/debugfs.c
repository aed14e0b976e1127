// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: swiotlb/ for the default bounce memory, swiotlb/<pool>/ for each
 * restricted pool
 *
 *	io_tlb_nslabs		size in slots of 2 KiB
 *	io_tlb_used		slots in use
 *	io_tlb_used_hiwater	highest use; write 0 to start over
 *	io_tlb_transient_nslabs	slots of pools that serve a single mapping, which
 *				count neither as size nor as use
 *	io_tlb_leaked_bytes	memory lost since a conversion failed
 *	io_tlb_granule_misses	how often memory was taken that is no whole blocks
 *	io_tlb_alloc_nslabs	slots in use for dma_alloc_*()
 *	io_tlb_alloc_bytes	memory for large dma_alloc_*(), cached or in use
 *	io_tlb_alloc_fallbacks	dma_alloc_*() served by neither of these
 *	failures		failed mappings by reason
 *	stats			all counters, and sizes in bytes; then the same for
 *				each backend, with the classes that it has
 *	size_histogram		mappings by size
 *	state			memory leaked, and for each backend that has
 *				memory what it is for, and the backend's own lines
 *
 * Sizes and use are those of all memory, whether new mappings go there or not.
 */
#include <linux/array_size.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "internal.h"

static int io_tlb_nslabs_get(void *data, u64 *val)
{
	guard(mutex)(&swiotlb_mutex);
	*val = swiotlb_size_bytes(data) >> IO_TLB_SHIFT;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_nslabs, io_tlb_nslabs_get, NULL, "%llu\n");

static int io_tlb_used_get(void *data, u64 *val)
{
	guard(mutex)(&swiotlb_mutex);
	*val = swiotlb_used_bytes(data) >> IO_TLB_SHIFT;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_used, io_tlb_used_get, NULL, "%llu\n");

static int io_tlb_hiwater_get(void *data, u64 *val)
{
	guard(mutex)(&swiotlb_mutex);
	*val = swiotlb_hiwater_bytes(data) >> IO_TLB_SHIFT;
	return 0;
}

static int io_tlb_hiwater_set(void *data, u64 val)
{
	/* It can be started over, but not be set */
	if (val)
		return -EINVAL;

	guard(mutex)(&swiotlb_mutex);
	swiotlb_reset_hiwater(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_hiwater, io_tlb_hiwater_get,
			 io_tlb_hiwater_set, "%llu\n");

static int io_tlb_transient_get(void *data, u64 *val)
{
	guard(mutex)(&swiotlb_mutex);
	*val = swiotlb_transient_bytes(data) >> IO_TLB_SHIFT;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_transient, io_tlb_transient_get, NULL,
			 "%llu\n");

static void sum_up(const struct swiotlb_domain *domain,
		   struct swiotlb_counts *sum)
{
	guard(mutex)(&swiotlb_mutex);
	swiotlb_domain_sum(domain, sum);
}

static int io_tlb_leaked_get(void *data, u64 *val)
{
	struct swiotlb_counts sum;

	sum_up(data, &sum);
	*val = sum.leaked_bytes;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_leaked, io_tlb_leaked_get, NULL,
			 "%llu\n");

static int io_tlb_misses_get(void *data, u64 *val)
{
	struct swiotlb_counts sum;

	sum_up(data, &sum);
	*val = sum.granule_misses;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_misses, io_tlb_misses_get, NULL,
			 "%llu\n");

static int io_tlb_fallbacks_get(void *data, u64 *val)
{
	struct swiotlb_counts sum;

	sum_up(data, &sum);
	*val = sum.alloc_fallbacks;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_fallbacks, io_tlb_fallbacks_get, NULL,
			 "%llu\n");

static int counter_get(void *data, u64 *val)
{
	*val = atomic_long_read((atomic_long_t *)data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_counter, counter_get, NULL, "%llu\n");

static int failures_show(struct seq_file *m, void *unused)
{
	struct swiotlb_counts sum;
	unsigned int i;

	sum_up(m->private, &sum);
	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		seq_printf(m, "%s %lu\n", swiotlb_fail_names[i], sum.fails[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

#ifdef CONFIG_SWIOTLB_STATS
static void show_number(struct seq_file *m, const char *backend,
			const char *name, unsigned long number)
{
	seq_printf(m, "%s%s%s %lu\n", backend, backend[0] ? "." : "", name,
		   number);
}

/* The sizes come first: they change both ways, counters only rise */
static void show_sizes(struct seq_file *m, const char *backend,
		       unsigned long size, unsigned long used,
		       const struct swiotlb_level *level,
		       unsigned long transient)
{
	show_number(m, backend, "size_bytes", size);
	show_number(m, backend, "used_bytes", used);
	show_number(m, backend, "hiwater_bytes",
		    atomic_long_read(&level->hiwater));
	show_number(m, backend, "transient_bytes", transient);
}

#define SHOW_COUNTER(name)	show_number(m, backend, #name, sum->name)

static void show_counters(struct seq_file *m, const char *backend,
			  const struct swiotlb_counts *sum)
{
	unsigned int i;

	SWIOTLB_SUM_COUNTERS(SHOW_COUNTER);
	SWIOTLB_HOT_COUNTERS(SHOW_COUNTER);
	SWIOTLB_RARE_COUNTERS(SHOW_COUNTER);
	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		seq_printf(m, "%s%sfail_%s %lu\n", backend,
			   backend[0] ? "." : "", swiotlb_fail_names[i],
			   sum->fails[i]);
}

static void show_classes(struct seq_file *m, struct swiotlb_mem *mem)
{
	char name[2 * SWIOTLB_NAME_LEN];
	struct swiotlb_class class;
	unsigned int i;

	if (!mem->ops->class)
		return;
	for (i = 0; mem->ops->class(mem, i, &class); i++) {
		scnprintf(name, sizeof(name), "%s.%s", mem->ops->name,
			  class.name);
		show_number(m, name, "size_bytes", class.size_bytes);
		show_number(m, name, "used_bytes", class.used_bytes);
		show_number(m, name, "hiwater_bytes", class.hiwater_bytes);
		show_number(m, name, "buffers", class.buffers);
		show_number(m, name, "buffer_bytes", class.buffer_bytes);
	}
}

static struct swiotlb_mem *mem_of(const struct swiotlb_domain *domain,
				  const struct swiotlb_account *account)
{
	struct swiotlb_mem *mem;

	list_for_each_entry(mem, &domain->mems, node) {
		if (mem->account == account)
			return mem;
	}
	return NULL;
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct swiotlb_domain *domain = m->private;
	const struct swiotlb_account *account;
	struct swiotlb_counts sum;
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	swiotlb_hiwater_bytes(domain);
	swiotlb_domain_sum(domain, &sum);
	show_sizes(m, "", swiotlb_size_bytes(domain), swiotlb_used_bytes(domain),
		   &domain->own.level, swiotlb_transient_bytes(domain));
	show_counters(m, "", &sum);

	list_for_each_entry(account, &domain->accounts, node) {
		mem = mem_of(domain, account);
		memset(&sum, 0, sizeof(sum));
		swiotlb_account_sum(account, &sum);
		show_sizes(m, account->backend,
			   mem ? READ_ONCE(mem->nslabs) << IO_TLB_SHIFT : 0,
			   mem ? swiotlb_mem_used(mem) : 0, &account->level,
			   atomic_long_read(&account->transient));
		show_counters(m, account->backend, &sum);
		if (mem)
			show_classes(m, mem);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int size_histogram_show(struct seq_file *m, void *unused)
{
	struct swiotlb_counts sum;
	unsigned int i;

	sum_up(m->private, &sum);
	for (i = 0; i < SWIOTLB_NR_SIZES - 1; i++)
		seq_printf(m, "%zu %lu\n", swiotlb_size_limit(i), sum.sizes[i]);
	seq_printf(m, "inf %lu\n", sum.sizes[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(size_histogram);
#endif

/* What new mappings use it? */
static const char *role_of(const struct swiotlb_mem *mem)
{
	if (!mem->nr_users)
		return "retiring";
	if (mem->domain == &swiotlb_default_domain &&
	    mem != rcu_access_pointer(swiotlb_default.mem))
		return "pinned";
	return "active";
}

static int state_show(struct seq_file *m, void *unused)
{
	struct swiotlb_domain *domain = m->private;
	struct swiotlb_counts sum;
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	swiotlb_domain_sum(domain, &sum);
	seq_printf(m, "leaked_bytes %lu\n", sum.leaked_bytes);
	list_for_each_entry(mem, &domain->mems, node) {
		seq_printf(m, "backend %s %s\n", mem->ops->name, role_of(mem));
		seq_printf(m, "nslabs %lu\n", READ_ONCE(mem->nslabs));
		seq_printf(m, "used %zu\n",
			   mem->ops->used(mem) >> IO_TLB_SHIFT);
		if (mem->ops->show)
			mem->ops->show(mem, m);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static const struct {
	const char *name;
	umode_t mode;
	const struct file_operations *fops;
} files[] = {
	{ "io_tlb_nslabs",		0400, &fops_io_tlb_nslabs },
	{ "io_tlb_used",		0400, &fops_io_tlb_used },
	{ "io_tlb_used_hiwater",	0600, &fops_io_tlb_hiwater },
	{ "io_tlb_transient_nslabs",	0400, &fops_io_tlb_transient },
	{ "io_tlb_leaked_bytes",	0400, &fops_io_tlb_leaked },
	{ "io_tlb_granule_misses",	0400, &fops_io_tlb_misses },
	{ "io_tlb_alloc_fallbacks",	0400, &fops_io_tlb_fallbacks },
	{ "failures",			0400, &failures_fops },
	{ "state",			0400, &state_fops },
#ifdef CONFIG_SWIOTLB_STATS
	{ "stats",			0400, &stats_fops },
	{ "size_histogram",		0400, &size_histogram_fops },
#endif
};

/* Numbers that stand in the domain */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{ "io_tlb_alloc_nslabs",
	  offsetof(struct swiotlb_domain, alloc_nslabs) },
	{ "io_tlb_alloc_bytes",
	  offsetof(struct swiotlb_domain, alloc_bytes) },
};

/* Restricted pools may come before or after the late initcall: who is first makes it */
static struct dentry *swiotlb_dir(void)
{
	static DEFINE_MUTEX(lock);
	static struct dentry *dir;

	guard(mutex)(&lock);
	if (!dir)
		dir = debugfs_create_dir("swiotlb", NULL);
	return dir;
}

/**
 * swiotlb_debugfs_add() - show bounce memory in debugfs
 * @domain: there to stay
 *
 * Context: process context, may sleep.
 */
void swiotlb_debugfs_add(struct swiotlb_domain *domain)
{
	unsigned int i;

	domain->debugfs = swiotlb_dir();
	if (domain != &swiotlb_default_domain)
		domain->debugfs = debugfs_create_dir(domain->name,
						     domain->debugfs);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		debugfs_create_file(files[i].name, files[i].mode,
				    domain->debugfs, domain, files[i].fops);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		debugfs_create_file(counters[i].name, 0400, domain->debugfs,
				    (void *)domain + counters[i].offset,
				    &fops_counter);
}

static int __init swiotlb_debugfs_init(void)
{
	swiotlb_debugfs_add(&swiotlb_default_domain);
	return 0;
}
late_initcall(swiotlb_debugfs_init);
