// SPDX-License-Identifier: GPL-2.0
/*
 * What is mapped: sizes, places, and what lives at the same time
 *
 * The request mix is what a guest with NVMe disks and a virtio network card was
 * seen to ask for while it booted: 3.5 % up to 512 bytes, 57.7 % up to 2 KiB, 91.3 % up
 * to 4 KiB, 96.0 % up to 16 KiB, the rest up to 512 KiB. Within each of these steps
 * sizes are drawn evenly: multiples of 64 bytes in the first, of 512 in the second
 * (packets); in the third, half are 4 KiB exactly (pages), half are multiples of 512;
 * in the last two, multiples of 4 KiB (requests of disks). What is larger than
 * mix_limit becomes mix_limit, since the block layer splits requests so.
 */
#include "bench.h"

static u64 all_addresses = ~0ULL;
struct device bench_dev = {
	.init_name = "bench",
	.dma_mask = &all_addresses,
	.seg_boundary = 0xffffffff,
};

enum dma_data_direction bench_dir = DMA_TO_DEVICE;
size_t mix_limit = 256 << 10;

u64 next_random(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* 0 to @n - 1, evenly */
static u32 below(u64 *state, u32 n)
{
	return ((next_random(state) >> 32) * n) >> 32;
}

u32 mix_size(u64 *state)
{
	u32 share = below(state, 1000), size;

	if (share < 35)
		return 64 * (1 + below(state, 8));
	if (share < 577)
		return 512 * (2 + below(state, 3));
	if (share < 913)
		return below(state, 2) ? 4096 : 512 * (5 + below(state, 4));
	if (share < 960)
		size = 4096 * (2 + below(state, 3));
	else
		size = 4096 * (5 + below(state, 124));
	return min_t(size_t, size, mix_limit);
}

void load_init(struct load *load, size_t max)
{
	*load = (struct load) {
		.maps = calloc(max, sizeof(*load->maps)),
		.max = max,
		.random = 0x9e3779b97f4a7c15ULL + param("seed", 1),
	};
	if (!load->maps) {
		perror("swiotlb bench: load");
		exit(2);
	}
	/* They are not to be backed while the clock runs */
	memset(load->maps, 1, max * sizeof(*load->maps));
}

static u64 rounded(u32 size)
{
	return ALIGN((u64)size, IO_TLB_SIZE);
}

bool load_map(struct load *load, u32 size, phys_addr_t orig)
{
	phys_addr_t tlb_addr;

	if (load->nr == load->max)
		return false;
	tlb_addr = bench_map(orig, size);
	if (tlb_addr == DMA_MAPPING_ERROR)
		return false;
	load->maps[load->nr++] = (struct mapping) {
		.tlb_addr = tlb_addr,
		.size = size,
	};
	load->bytes += rounded(size);
	load->sum += size;
	return true;
}

void load_unmap(struct load *load, size_t i)
{
	struct mapping *map = &load->maps[i];

	bench_unmap(map->tlb_addr, map->size);
	load->bytes -= rounded(map->size);
	load->sum -= map->size;
	*map = load->maps[--load->nr];
}

u32 request_size(struct load *load, const struct request *req)
{
	return req->pattern == PATTERN_MIX ? mix_size(&load->random) :
					     req->size;
}

bool load_request(struct load *load, const struct request *req)
{
	phys_addr_t orig = origin_of(load->nr);

	if (req->steps)
		orig += load->nr * req->offset % PAGE_SIZE;
	else
		orig += req->offset;
	return load_map(load, request_size(load, req), orig);
}

/* Map until there are @bytes of them, or nothing fits for a while */
void load_fill(struct load *load, const struct request *req, u64 bytes)
{
	unsigned int nr_fails = 0;

	while (load->bytes < bytes && nr_fails < 64)
		nr_fails = load_request(load, req) ? 0 : nr_fails + 1;
}

/* Unmap any until there are @bytes left */
void load_thin(struct load *load, u64 bytes)
{
	while (load->bytes > bytes && load->nr)
		load_unmap(load, next_random(&load->random) % load->nr);
}
