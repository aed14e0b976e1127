// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/coco/sim: figures, one per line, name first.
 */

#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/pgtable.h>
#include <linux/seq_file.h>

#include <asm/coco_convert.h>

#include "sim.h"

static int sim_show(struct seq_file *m, void *v)
{
	struct sim_totals totals;
	struct sim_checks checks;

	sim_state_totals(&totals);
	sim_exposure_totals(&checks);
	seq_printf(m, "shared_bytes %llu\n", totals.shared_pages << PAGE_SHIFT);
	seq_printf(m, "unknown_bytes %llu\n", totals.unknown_pages << PAGE_SHIFT);
	seq_printf(m, "shared_blocks %llu\n", totals.shared_blocks);
	seq_printf(m, "mixed_blocks %llu\n", totals.mixed_blocks);
	seq_printf(m, "calls_shared %llu\n",
		   (u64)atomic64_read(&sim_calls.started[0]));
	seq_printf(m, "calls_private %llu\n",
		   (u64)atomic64_read(&sim_calls.started[1]));
	seq_printf(m, "injected %llu\n", (u64)atomic64_read(&sim_calls.injected));
	seq_printf(m, "injected_bytes %llu\n",
		   (u64)atomic64_read(&sim_calls.injected_bytes));
	seq_printf(m, "exposed %llu\n", checks.exposed);
	seq_printf(m, "freed_shared %llu\n", checks.freed_shared);
	seq_printf(m, "alloc_shared %llu\n", checks.alloc_shared);
	seq_printf(m, "checked %llu\n", checks.checked);
	seq_printf(m, "unchecked %llu\n", checks.unchecked);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sim);

static int __init sim_debugfs_init(void)
{
	if (sim_active())
		debugfs_create_file("sim", 0400, coco_debugfs_dir(), NULL,
				    &sim_fops);
	return 0;
}
late_initcall(sim_debugfs_init);
