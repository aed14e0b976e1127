// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated physical memory, and what hands it out
 */
#include <sys/mman.h>

#include "shim.h"

#define NR_FREE_PAGES	((SHIM_RAM_BYTES - SHIM_FREE_START) >> PAGE_SHIFT)

/* As large as the kernel's kmalloc() gets */
#define KMALLOC_MAX	(4UL << 20)

phys_addr_t shim_highmem_start = SHIM_RAM_BYTES;
unsigned long max_pfn = SHIM_RAM_BYTES >> PAGE_SHIFT;
bool shim_slab = true;
long shim_live;

static char *ram;
static bool taken[NR_FREE_PAGES];
static unsigned int allocs_until_failure;
static bool failed;

static void __attribute__((constructor)) map_ram(void)
{
	ram = mmap(NULL, SHIM_RAM_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED) {
		perror("swiotlb tests: no address space for simulated RAM");
		exit(2);
	}
}

void *shim_ram(phys_addr_t paddr)
{
	if (paddr >= SHIM_RAM_BYTES)
		shim_warn("%#lx is no RAM\n", (unsigned long)paddr);
	return ram + paddr;
}

void *phys_to_virt(phys_addr_t paddr)
{
	if (paddr >= shim_highmem_start)
		shim_warn("%#lx has no address\n", (unsigned long)paddr);
	return shim_ram(paddr);
}

phys_addr_t virt_to_phys(const void *vaddr)
{
	return (const char *)vaddr - ram;
}

void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len)
{
	if (offset + len > PAGE_SIZE)
		shim_warn("copy beyond a page\n");
	memcpy(to, shim_ram(page_to_phys(page) + offset), len);
}

void memcpy_to_page(struct page *page, size_t offset, const char *from,
		    size_t len)
{
	if (offset + len > PAGE_SIZE)
		shim_warn("copy beyond a page\n");
	memcpy(shim_ram(page_to_phys(page) + offset), from, len);
}

void shim_fail_alloc(unsigned int nth)
{
	allocs_until_failure = nth;
	failed = false;
}

/* Did the failure asked for happen? Asks for no more. */
bool shim_alloc_failed(void)
{
	allocs_until_failure = 0;
	return failed;
}

static bool must_fail(void)
{
	if (allocs_until_failure && --allocs_until_failure == 0)
		failed = true;
	else
		return false;
	return true;
}

static void *slab_alloc(size_t bytes, size_t limit)
{
	void *p;

	if (!shim_slab)
		shim_warn("slab is used before it is there\n");
	if (bytes > limit || must_fail())
		return NULL;
	/* Aligned as the kernel aligns what is a multiple of a cache line */
	p = aligned_alloc(SMP_CACHE_BYTES, ALIGN(bytes, SMP_CACHE_BYTES));
	memset(p, 0, ALIGN(bytes, SMP_CACHE_BYTES));
	shim_live++;
	return p;
}

void *kzalloc(size_t bytes, gfp_t gfp)
{
	if (bytes > KMALLOC_MAX && !(gfp & __GFP_NOWARN))
		shim_warn("%zu bytes of kmalloc() memory\n", bytes);
	return slab_alloc(bytes, KMALLOC_MAX);
}

void *kvzalloc(size_t bytes, gfp_t gfp)
{
	if (bytes > INT_MAX && !(gfp & __GFP_NOWARN))
		shim_warn("%zu bytes of kvmalloc() memory\n", bytes);
	return slab_alloc(bytes, INT_MAX);
}

void kfree(void *p)
{
	if (p)
		shim_live--;
	free(p);
}

static void *get_pages(size_t bytes, size_t align)
{
	unsigned long nr = PAGE_ALIGN(bytes) >> PAGE_SHIFT, start, i;

	align = max(align, PAGE_SIZE) >> PAGE_SHIFT;
	if (must_fail())
		return NULL;
	for (start = 0; start + nr <= NR_FREE_PAGES; start += align) {
		for (i = 0; i < nr && !taken[start + i]; i++)
			;
		if (i == nr) {
			void *p = ram + SHIM_FREE_START + start * PAGE_SIZE;

			memset(taken + start, true, nr);
			memset(p, 0, bytes);
			shim_live++;
			return p;
		}
	}
	return NULL;
}

static void put_pages(void *p, size_t bytes)
{
	unsigned long nr = PAGE_ALIGN(bytes) >> PAGE_SHIFT;
	unsigned long start = (virt_to_phys(p) - SHIM_FREE_START) >> PAGE_SHIFT;
	unsigned long i;

	for (i = start; i < start + nr; i++) {
		if (i >= NR_FREE_PAGES || !taken[i])
			shim_warn("page %lu is freed but not allocated\n", i);
		else
			taken[i] = false;
	}
	shim_live--;
}

void *memblock_alloc(size_t bytes, size_t align)
{
	if (shim_slab)
		shim_warn("memblock is used after early boot\n");
	return get_pages(bytes, align);
}

void memblock_free(void *p, size_t bytes)
{
	put_pages(p, bytes);
}

void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	return get_pages(bytes, PAGE_SIZE << get_order(bytes));
}

void free_pages_exact(void *p, size_t bytes)
{
	put_pages(p, bytes);
}
