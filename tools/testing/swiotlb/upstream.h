/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pristine swiotlb of the base release in user space: what its header says, under
 * other names
 *
 * Nothing of it is in this repository. <pristine/...> are generated lines that
 * include files of the pristine kernel tree. They are compiled against the same shims as
 * kernel/dma/swiotlb/; what only they need of the kernel is here. All that is
 * global gets a prefix, so that both can be in one program, and both variants:
 *
 *	upstream_	without CONFIG_SWIOTLB_DYNAMIC
 *	upgrowing_	with it, if UPSTREAM_DYNAMIC is defined
 *
 * This file comes first: it takes the place of <linux/swiotlb.h>.
 */
#ifndef _SWIOTLB_UPSTREAM_H
#define _SWIOTLB_UPSTREAM_H

#include "shim.h"

#ifdef UPSTREAM_DYNAMIC
#define CONFIG_SWIOTLB_DYNAMIC	1
#define UPSTREAM(name)		upgrowing_##name
#else
#define UPSTREAM(name)		upstream_##name
#endif

#define swiotlb_size_or_default		UPSTREAM(swiotlb_size_or_default)
#define swiotlb_init_remap		UPSTREAM(swiotlb_init_remap)
#define swiotlb_init_late		UPSTREAM(swiotlb_init_late)
#define swiotlb_init			UPSTREAM(swiotlb_init)
#define swiotlb_exit			UPSTREAM(swiotlb_exit)
#define swiotlb_dev_init		UPSTREAM(swiotlb_dev_init)
#define swiotlb_adjust_size		UPSTREAM(swiotlb_adjust_size)
#define swiotlb_print_info		UPSTREAM(swiotlb_print_info)
#define swiotlb_update_mem_attributes	UPSTREAM(swiotlb_update_mem_attributes)
#define swiotlb_max_mapping_size	UPSTREAM(swiotlb_max_mapping_size)
#define is_swiotlb_allocated		UPSTREAM(is_swiotlb_allocated)
#define is_swiotlb_active		UPSTREAM(is_swiotlb_active)
#define default_swiotlb_base		UPSTREAM(default_swiotlb_base)
#define default_swiotlb_limit		UPSTREAM(default_swiotlb_limit)
#define swiotlb_tbl_map_single		UPSTREAM(swiotlb_tbl_map_single)
#define swiotlb_map			UPSTREAM(swiotlb_map)
#define swiotlb_alloc			UPSTREAM(swiotlb_alloc)
#define swiotlb_free			UPSTREAM(swiotlb_free)
#define __swiotlb_find_pool		UPSTREAM(__swiotlb_find_pool)
#define __swiotlb_tbl_unmap_single	UPSTREAM(__swiotlb_tbl_unmap_single)
#define __swiotlb_sync_single_for_cpu	UPSTREAM(__swiotlb_sync_single_for_cpu)
#define __swiotlb_sync_single_for_device \
	UPSTREAM(__swiotlb_sync_single_for_device)
/* The shims make these global */
#define shim_setup_io_tlb_npages	UPSTREAM(setup_io_tlb_npages)
#define shim_swiotlb_create_default_debugfs \
	UPSTREAM(swiotlb_create_default_debugfs)
#define shim_rmem_swiotlb_setup		UPSTREAM(rmem_swiotlb_setup)

#include <pristine/swiotlb.h>

#endif /* _SWIOTLB_UPSTREAM_H */
