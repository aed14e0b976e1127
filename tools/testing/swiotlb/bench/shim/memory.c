// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated physical memory: large, backed by huge pages, unobserved
 */
#include <sys/mman.h>

#include "shim.h"

#define HUGE_BYTES	(2UL << 20)

phys_addr_t shim_highmem_start = SHIM_RAM_END;
unsigned int shim_physmem_bits = 52;
unsigned long max_pfn = SHIM_RAM_END >> PAGE_SHIFT;
u64 zone_dma_limit = SHIM_DMA_END - 1;
bool shim_cc;
unsigned int shim_refuse_conversions;
char *shim_ram_start;
bool shim_copies = true;

/* The kernel maps its memory by huge pages, too, if not by larger ones */
static void __attribute__((constructor(101))) map_ram(void)
{
	char *ram = mmap(NULL, SHIM_RAM_END + HUGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ram == MAP_FAILED) {
		perror("swiotlb bench: no address space for simulated RAM");
		exit(2);
	}
	shim_ram_start = (char *)ALIGN((uintptr_t)ram, HUGE_BYTES);
	madvise(shim_ram_start, SHIM_RAM_END, MADV_HUGEPAGE);
}

static void touch(phys_addr_t start, size_t bytes)
{
	volatile char *ram = shim_ram(start);
	size_t at;

	for (at = 0; at < bytes; at += PAGE_SIZE)
		ram[at] = ram[at];
}

void shim_touch(void)
{
	/* Alignment may have left a gap */
	touch(SHIM_FREE_START, shim_zone_bytes(SHIM_DMA32) + HUGE_BYTES);
	touch(SHIM_HIGH_START, shim_zone_bytes(SHIM_NORMAL) + HUGE_BYTES);
}

void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len)
{
	memcpy(to, shim_ram(page_to_phys(page) + offset), len);
}

void memcpy_to_page(struct page *page, size_t offset, const char *from,
		    size_t len)
{
	memcpy(shim_ram(page_to_phys(page) + offset), from, len);
}

size_t cc_shared_granule(void);
size_t cc_shared_granule(void)
{
	return PAGE_SIZE;
}

/* Nothing is private to begin with */
int set_memory_decrypted(unsigned long addr, int nr_pages)
{
	return 0;
}

int set_memory_encrypted(unsigned long addr, int nr_pages)
{
	return 0;
}

size_t shim_shared_bytes(void)
{
	return 0;
}

size_t shim_doubtful_bytes(void)
{
	return 0;
}
