// SPDX-License-Identifier: GPL-2.0
/*
 * The side of the pristine swiotlb, which ../upstream.c wraps up as an allocator
 */
#include "bench.h"

#include "allocator.h"

static struct allocator *upstream;

void allocator_register(struct allocator *a)
{
	upstream = a;
}

void machine_list(void)
{
	puts(upstream->name);
}

void machine_boot(const struct machine *machine)
{
	const struct allocator_params params = {
		.bytes = machine->bytes,
		.nr_areas = machine->nr_areas,
		.low = true,
	};

	if (upstream->open(upstream, &params)) {
		fprintf(stderr, "swiotlb bench: %s does not boot: %s\n",
			upstream->name, shim_log);
		exit(2);
	}
}

size_t machine_bytes(void)
{
	return upstream->reserved(upstream);
}

size_t machine_used(void)
{
	return upstream->used(upstream);
}

/* The mapping that finds no room has another pool made, and is served elsewhere */
static bool have_pool_made(void)
{
	size_t bytes = machine_bytes();
	phys_addr_t last = bench_map(origin_of(0), IO_TLB_SIZE);

	if (last == DMA_MAPPING_ERROR)
		return false;
	shim_settle();
	bench_unmap(last, IO_TLB_SIZE);
	rcu_barrier();
	return machine_bytes() - bytes == SZ_1M;
}

/* What is newest is filled first */
bool machine_add_pools(unsigned int nr, phys_addr_t *at)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		while (machine_used() < machine_bytes()) {
			if (bench_map(origin_of(0), IO_TLB_SIZE) ==
			    DMA_MAPPING_ERROR)
				return false;
		}
		if (!upstream->grows || !have_pool_made())
			return false;
		at[i] = bench_map(origin_of(0), IO_TLB_SIZE);
	}
	return true;
}
