// SPDX-License-Identifier: GPL-2.0
/*
 * The side of kernel/dma/swiotlb/, with any of its backends
 */
#include "bench.h"

#include <linux/swiotlb/backend.h>

#include "internal.h"

/* As the kernel calls them; a backend's own may be missing */
#define INITCALL(name) \
	int __attribute__((weak)) shim_##name(void)
INITCALL(swiotlb_wq_init);
INITCALL(swiotlb_device_init);
INITCALL(swiotlb_sysfs_init);
INITCALL(swiotlb_device_check);
INITCALL(swiotlb_debugfs_init);
INITCALL(swiotlb_cc_init);
INITCALL(cc_kccd_init);
int shim_swiotlb_setup(char *value);

static int (*const initcalls[])(void) = {
	shim_swiotlb_wq_init,
	shim_swiotlb_device_init,
	shim_swiotlb_sysfs_init,
	shim_swiotlb_cc_init,
	shim_cc_kccd_init,
	shim_swiotlb_device_check,
	shim_swiotlb_debugfs_init,
};

static struct swiotlb_mem *mem(void)
{
	return rcu_dereference_raw(swiotlb_default.mem);
}

void machine_list(void)
{
	char line[PAGE_SIZE];

	swiotlb_show_backends(NULL, line, sizeof(line));
	fputs(line, stdout);
}

void machine_boot(const struct machine *machine)
{
	char words[64];
	unsigned int i;

	scnprintf(words, sizeof(words), "%zu,%u%s%s",
		  machine->bytes >> IO_TLB_SHIFT, machine->nr_areas,
		  machine->backend ? "," : "", machine->backend ?: "");
	shim_slab = false;
	shim_swiotlb_setup(words);
	swiotlb_init(true, 0);
	shim_slab = true;
	swiotlb_update_mem_attributes();
	if (!mem() ||
	    (machine->backend && strcmp(mem()->ops->name, machine->backend))) {
		fprintf(stderr, "swiotlb bench: %s does not boot: %s\n", words,
			shim_log);
		exit(2);
	}
	for (i = 0; i < ARRAY_SIZE(initcalls); i++) {
		if (initcalls[i])
			initcalls[i]();
	}
}

size_t machine_bytes(void)
{
	return READ_ONCE(mem()->nslabs) << IO_TLB_SHIFT;
}

size_t machine_used(void)
{
	return mem()->ops->used(mem());
}

/* Lookup is the core's, whoever made the pools: none of them fills a granule */
bool machine_add_pools(unsigned int nr, phys_addr_t *at)
{
	phys_addr_t start = SHIM_RAM_END / 2 + SZ_1G;
	unsigned int i;

	for (i = 0; i < nr; i++, start += SZ_2M) {
		struct io_tlb_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

		*pool = (struct io_tlb_pool) {
			.start = start,
			.end = start + SZ_1M,
			.mem = mem(),
			.ops = mem()->ops,
		};
		if (swiotlb_pool_publish(pool))
			return false;
		at[i] = start + SZ_1M / 2;
	}
	return true;
}
