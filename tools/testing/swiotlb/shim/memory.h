/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated physical memory
 *
 *	0 .. 8 MiB		the tests' own
 *	8 .. 16 MiB		ZONE_DMA
 *	16 .. 512 MiB		the tests' own, for buffers and for reserved pools
 *	512 MiB .. 1 GiB	ZONE_DMA32
 *	4 GiB .. 5 GiB		ZONE_NORMAL
 *
 * Zones are given out by memblock and by the page allocator. Pages are private at
 * first, and whether each is shared with the host is kept track of: what is
 * converted to what it is already, or is given back while it is shared, leaves
 * a warning. So does what is shared while something is in it that the kernel left
 * there, as the host would see that.
 */
#ifndef _SHIM_MEMORY_H
#define _SHIM_MEMORY_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	ALIGN(x, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(x)	ALIGN_DOWN(x, PAGE_SIZE)
#define PAGE_ALIGNED(x)	IS_ALIGNED(x, PAGE_SIZE)
#define PHYS_PFN(x)	((unsigned long)((x) >> PAGE_SHIFT))
#define PFN_PHYS(x)	((phys_addr_t)(x) << PAGE_SHIFT)
#define PFN_DOWN(x)	((x) >> PAGE_SHIFT)
#define PFN_UP(x)	(((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define offset_in_page(x)	((unsigned long)(x) & ~PAGE_MASK)

#define SHIM_DMA_START	(8UL << 20)
#define SHIM_DMA_END	(16UL << 20)
#ifndef SHIM_RAM_BYTES
#define SHIM_RAM_BYTES	(1UL << 30)	/* of what lies below 4 GiB */
#define SHIM_FREE_START	(SHIM_RAM_BYTES / 2)
#define SHIM_RAM_END	(5UL << 30)
#endif
#define SHIM_HIGH_START	(4UL << 30)

/* Where RAM is that only kmap reaches, up to its end; none unless set */
extern phys_addr_t shim_highmem_start;

/* How long addresses of memory can be: here a test may change it */
extern unsigned int shim_physmem_bits;
#define MAX_PHYSMEM_BITS	shim_physmem_bits
extern unsigned long max_pfn;
#define max_possible_pfn	max_pfn
#define ARCH_LOW_ADDRESS_LIMIT	0xffffffffUL
extern u64 zone_dma_limit;
#define max_low_pfn	max_pfn

void *shim_ram(phys_addr_t paddr);
void *phys_to_virt(phys_addr_t paddr);
phys_addr_t virt_to_phys(const void *vaddr);
#define __va(paddr)	phys_to_virt(paddr)
#define __pa(vaddr)	virt_to_phys((const void *)(vaddr))

/* A page is known by its frame number and nothing else */
struct page;
#define pfn_to_page(pfn)	((struct page *)((pfn) << PAGE_SHIFT | 1))
#define page_to_phys(page)	((phys_addr_t)(uintptr_t)(page) & PAGE_MASK)
#define page_to_pfn(page)	PHYS_PFN(page_to_phys(page))
#define phys_to_page(paddr)	pfn_to_page(PHYS_PFN(paddr))
#define virt_to_page(vaddr)	phys_to_page(virt_to_phys(vaddr))
#define page_address(page)	phys_to_virt(page_to_phys(page))
#define page_to_virt(page)	page_address(page)
#define PageHighMem(page)	(page_to_phys(page) >= shim_highmem_start)
void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len);
void memcpy_to_page(struct page *page, size_t offset, const char *from,
		    size_t len);

static inline unsigned int get_order(size_t bytes)
{
	return order_base_2(DIV_ROUND_UP(bytes, PAGE_SIZE));
}

/*
 * Memory encryption: the next shim_refuse_conversions conversions fail; with
 * shim_cc each scrambles what was in memory
 */
#define CC_ATTR_MEM_ENCRYPT		0
#define CC_ATTR_HOST_MEM_ENCRYPT	1
#define CC_ATTR_GUEST_MEM_ENCRYPT	2
extern bool shim_cc;
extern unsigned int shim_refuse_conversions;
/* But so many work first */
extern unsigned int shim_work_conversions;
#define cc_platform_has(attr)	((void)(attr), shim_cc)
#define CONFIG_ARCH_HAS_CC_GRANULE	1
/* In what units memory should be converted with shim_cc: one page unless set */
extern size_t shim_granule;
/* Conversions that were tried, and those of no whole granules */
extern unsigned long shim_nr_conversions, shim_nr_misaligned;
/* The @nth conversion from now on fails; whether it did */
void shim_fail_conversion(unsigned int nth);
bool shim_conversion_failed(void);
int set_memory_decrypted(unsigned long addr, int nr_pages);
int set_memory_encrypted(unsigned long addr, int nr_pages);
/* Bytes that are shared now; and bytes of which nobody knows */
size_t shim_shared_bytes(void);
size_t shim_doubtful_bytes(void);
/* What the allocators put where the kernel, long ago, left something */
#define SHIM_OLD_DATA		0xaa
#define SHIM_OLD_BYTES		64
/* For the allocators: warns unless all of it is private */
void shim_check_private(phys_addr_t paddr, size_t bytes, const char *who);

#endif /* _SHIM_MEMORY_H */
