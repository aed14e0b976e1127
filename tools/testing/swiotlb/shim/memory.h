/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated physical memory, and what hands it out
 *
 * Physical addresses from 0 to SHIM_RAM_BYTES are backed. The lower half is the
 * tests' own, for buffers and for reserved pools; the upper half is given out
 * by memblock and by the page allocator. Slab memory comes from the C library,
 * so that the sanitizers see misuse.
 */
#ifndef _SHIM_MEMORY_H
#define _SHIM_MEMORY_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x)	IS_ALIGNED(x, PAGE_SIZE)
#define PHYS_PFN(x)	((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_DOWN(x)	((x) >> PAGE_SHIFT)
#define offset_in_page(x)	((x) & ~PAGE_MASK)

#define SHIM_RAM_BYTES	(1UL << 30)
#define SHIM_FREE_START	(SHIM_RAM_BYTES / 2)

/* Where RAM is that only kmap reaches, up to its end; none unless set */
extern phys_addr_t shim_highmem_start;
extern unsigned long max_pfn;

void *shim_ram(phys_addr_t paddr);
void *phys_to_virt(phys_addr_t paddr);
phys_addr_t virt_to_phys(const void *vaddr);

/* A page is known by its frame number and nothing else */
struct page;
#define pfn_to_page(pfn)	((struct page *)((pfn) << PAGE_SHIFT | 1))
#define page_to_phys(page)	((phys_addr_t)(page) & PAGE_MASK)
#define PageHighMem(page)	(page_to_phys(page) >= shim_highmem_start)
void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len);
void memcpy_to_page(struct page *page, size_t offset, const char *from,
		    size_t len);

static inline unsigned int get_order(size_t bytes)
{
	return order_base_2(DIV_ROUND_UP(bytes, PAGE_SIZE));
}

/*
 * Allocators. Failures are injected: the @nth allocation from now on fails,
 * whichever allocator it asks. shim_live counts what is allocated now.
 */
extern bool shim_slab;		/* are we past early boot? */
extern long shim_live;
void shim_fail_alloc(unsigned int nth);
bool shim_alloc_failed(void);

#define GFP_KERNEL	1U
#define __GFP_NOWARN	2U
#define __GFP_ZERO	4U

#define slab_is_available()		shim_slab
#define kmalloc(bytes, gfp)		kzalloc(bytes, gfp)
#define kvfree(p)			kfree(p)
void *kzalloc(size_t bytes, gfp_t gfp);
void *kvzalloc(size_t bytes, gfp_t gfp);
void kfree(void *p);

void *memblock_alloc(size_t bytes, size_t align);
void memblock_free(void *p, size_t bytes);
void *alloc_pages_exact(size_t bytes, gfp_t gfp);
void free_pages_exact(void *p, size_t bytes);
#define memblock_alloc_low(bytes, align) memblock_alloc(bytes, align)
#define free_reserved_area(start, end, poison, name) \
	memblock_free(start, (char *)(end) - (char *)(start))
#define kmemleak_free_part_phys(paddr, bytes)	((void)(paddr))
#define kmsan_unpoison_memory(p, bytes)		((void)(p))

#endif /* _SHIM_MEMORY_H */
