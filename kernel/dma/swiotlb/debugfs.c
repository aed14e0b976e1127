// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: swiotlb/ for the default bounce memory, swiotlb/<pool>/ for each
 * restricted pool
 *
 *	io_tlb_nslabs		size in slots of 2 KiB
 *	io_tlb_used		slots in use
 *	io_tlb_used_hiwater	highest use; write 0 to start over
 *	failures		failed mappings by reason
 *	state			backend, memory leaked, and the backend's own lines
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/swiotlb.h>

#include "internal.h"

static int io_tlb_used_get(void *data, u64 *val)
{
	struct swiotlb_mem *mem = data;

	*val = mem->nslabs ? mem->ops->used(mem) >> IO_TLB_SHIFT : 0;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_used, io_tlb_used_get, NULL, "%llu\n");

static int io_tlb_hiwater_get(void *data, u64 *val)
{
	*val = swiotlb_hiwater_bytes(data) >> IO_TLB_SHIFT;
	return 0;
}

static int io_tlb_hiwater_set(void *data, u64 val)
{
	/* It can be started over, but not be set */
	if (val)
		return -EINVAL;

	swiotlb_reset_hiwater(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fops_io_tlb_hiwater, io_tlb_hiwater_get,
			 io_tlb_hiwater_set, "%llu\n");

static int failures_show(struct seq_file *m, void *unused)
{
	struct swiotlb_mem *mem = m->private;
	unsigned int i;

	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		seq_printf(m, "%s %ld\n", swiotlb_fail_names[i],
			   atomic_long_read(&mem->fails[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

static int state_show(struct seq_file *m, void *unused)
{
	struct swiotlb_mem *mem = m->private;

	seq_printf(m, "backend %s\n", mem->ops->name);
	seq_printf(m, "leaked_bytes %ld\n", atomic_long_read(&mem->leaked));
	if (mem->nslabs && mem->ops->show)
		mem->ops->show(mem, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static void add_files(struct swiotlb_mem *mem)
{
	debugfs_create_file("failures", 0400, mem->debugfs, mem,
			    &failures_fops);
	debugfs_create_file("state", 0400, mem->debugfs, mem, &state_fops);
	if (!mem->nslabs)
		return;

	debugfs_create_ulong("io_tlb_nslabs", 0400, mem->debugfs, &mem->nslabs);
	debugfs_create_file("io_tlb_used", 0400, mem->debugfs, mem,
			    &fops_io_tlb_used);
	debugfs_create_file("io_tlb_used_hiwater", 0600, mem->debugfs, mem,
			    &fops_io_tlb_hiwater);
}

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
 * @mem: set up, and there to stay
 *
 * Context: process context, may sleep.
 */
void swiotlb_debugfs_add(struct swiotlb_mem *mem)
{
	mem->debugfs = swiotlb_dir();
	if (mem != &swiotlb_default_mem)
		mem->debugfs = debugfs_create_dir(mem->name, mem->debugfs);
	add_files(mem);
}

static int __init swiotlb_debugfs_init(void)
{
	swiotlb_debugfs_add(&swiotlb_default_mem);
	return 0;
}
late_initcall(swiotlb_debugfs_init);
