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
#include <linux/swiotlb.h>

#include "internal.h"

static int io_tlb_nslabs_get(void *data, u64 *val)
{
	struct swiotlb_domain *domain = data;
	unsigned long nslabs = 0;
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node)
		nslabs += READ_ONCE(mem->nslabs);
	*val = nslabs;
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
	struct swiotlb_domain *domain = data;

	*val = atomic_long_read(&domain->transient) >> IO_TLB_SHIFT;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_transient, io_tlb_transient_get, NULL,
			 "%llu\n");

static int counter_get(void *data, u64 *val)
{
	*val = atomic_long_read((atomic_long_t *)data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_counter, counter_get, NULL, "%llu\n");

static int failures_show(struct seq_file *m, void *unused)
{
	struct swiotlb_domain *domain = m->private;
	unsigned int i;

	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		seq_printf(m, "%s %ld\n", swiotlb_fail_names[i],
			   atomic_long_read(&domain->fails[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

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
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	seq_printf(m, "leaked_bytes %ld\n", atomic_long_read(&domain->leaked));
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
	{ "failures",			0400, &failures_fops },
	{ "state",			0400, &state_fops },
};

/* Numbers that stand in the domain */
static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{ "io_tlb_leaked_bytes",
	  offsetof(struct swiotlb_domain, leaked) },
	{ "io_tlb_granule_misses",
	  offsetof(struct swiotlb_domain, granule_misses) },
	{ "io_tlb_alloc_nslabs",
	  offsetof(struct swiotlb_domain, alloc_nslabs) },
	{ "io_tlb_alloc_bytes",
	  offsetof(struct swiotlb_domain, alloc_bytes) },
	{ "io_tlb_alloc_fallbacks",
	  offsetof(struct swiotlb_domain, alloc_fallbacks) },
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
