/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who gives out memory: slab, the page allocator, memblock
 *
 * Slab memory comes from the C library, so that the sanitizers see misuse; pages
 * come from simulated RAM.
 */
#ifndef _SHIM_ALLOC_H
#define _SHIM_ALLOC_H

/*
 * Failures are injected: the @nth allocation from now on fails, whichever
 * allocator it asks; or all of the page allocator's of a zone fail; or all of
 * slab's that may not wait.
 * shim_live counts what is allocated now, of either kind.
 */
extern bool shim_slab;		/* are we past early boot? */
extern long shim_live;
extern bool shim_nowait_fails;
extern unsigned long shim_nr_nowait;	/* how often slab was asked so */
void shim_fail_alloc(unsigned int nth);
bool shim_alloc_failed(void);
bool shim_must_fail(void);

enum shim_zone { SHIM_DMA, SHIM_DMA32, SHIM_NORMAL, SHIM_NR_ZONES };
extern bool shim_zone_is_empty[SHIM_NR_ZONES];
/* The largest block of pages that is left; no limit if 0 */
extern unsigned long shim_max_block;
/* Bytes of simulated RAM that are given out now, and in one zone */
size_t shim_page_bytes(void);
size_t shim_zone_bytes(enum shim_zone zone);
/* How many allocations might have waited for I/O, and how many for anything */
unsigned long shim_nr_io_allocs(void);
unsigned long shim_nr_blocking_allocs(void);

/* Numbers differ from the kernel's, meanings do not */
#define __GFP_DMA		0x001U
#define __GFP_DMA32		0x002U
#define __GFP_NOWARN		0x004U
#define __GFP_ZERO		0x008U
#define __GFP_IO		0x010U
#define __GFP_FS		0x020U
#define __GFP_DIRECT_RECLAIM	0x040U
#define __GFP_KSWAPD_RECLAIM	0x080U
#define __GFP_NORETRY		0x100U
#define __GFP_RETRY_MAYFAIL	0x200U
#define __GFP_HIGH		0x400U
#define __GFP_COMP		0x800U
#define __GFP_NOFAIL		0x1000U
#define __GFP_NOMEMALLOC	0x2000U
#define __GFP_THISNODE		0x4000U
#define __GFP_RECLAIM		(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL		(__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOIO		__GFP_RECLAIM
#define GFP_NOFS		(__GFP_RECLAIM | __GFP_IO)
#define GFP_NOWAIT		(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_DMA			__GFP_DMA
#define GFP_DMA32		__GFP_DMA32
#define GFP_ZONEMASK		(__GFP_DMA | __GFP_DMA32)
#define current_gfp_context(gfp) \
	((gfp) & ~(shim_context.noio ? __GFP_IO | __GFP_FS : 0))
#define gfpflags_allow_blocking(gfp)	!!((gfp) & __GFP_DIRECT_RECLAIM)

/* Between them allocations of the thread do not wait for I/O */
unsigned int memalloc_noio_save(void);
void memalloc_noio_restore(unsigned int flags);
/* For the allocators: complains if the thread must not wait now */
void shim_check_gfp(gfp_t gfp, const char *who);

/* Slab */
#define slab_is_available()	shim_slab
#define kmalloc(bytes, gfp)	kzalloc(bytes, gfp)
#define kmalloc_array(n, bytes, gfp)	kzalloc(size_mul(n, bytes), gfp)
#define kcalloc(n, bytes, gfp)	kzalloc(size_mul(n, bytes), gfp)
#define kvmalloc(bytes, gfp)	kvzalloc(bytes, gfp)
#define kvcalloc(n, bytes, gfp)	kvzalloc(size_mul(n, bytes), gfp)
#define kvmalloc_array		kvcalloc
#define kvfree(p)		kfree(p)
#define vzalloc(bytes)		kvzalloc(bytes, GFP_KERNEL)
#define vfree(p)		kfree(p)
void *kzalloc(size_t bytes, gfp_t gfp);
void *kvzalloc(size_t bytes, gfp_t gfp);
void kfree(const void *p);
#define kmemleak_not_leak(p)		((void)(p))
#define kmemleak_ignore(p)		((void)(p))

/* Pages: blocks up to MAX_PAGE_ORDER, aligned to their size */
#define MAX_PAGE_ORDER		10
#define dev_to_node(dev)	((void)(dev), NUMA_NO_NODE)
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp, int nid,
				void *nodemask);
void free_contig_range(unsigned long pfn, unsigned long nr_pages);
void *alloc_pages_exact(size_t bytes, gfp_t gfp);
void free_pages_exact(void *p, size_t bytes);
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);
#define alloc_page(gfp)		alloc_pages(gfp, 0)
#define __free_page(page)	__free_pages(page, 0)
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
/* Any part of a block can be given back here, as if it were split */
#define split_page(page, order)	((void)(page), (void)(order))
#define totalram_pages() \
	((2 * (SHIM_RAM_END - SHIM_HIGH_START)) >> PAGE_SHIFT)

/*
 * Nodes: one unless set. CPUs take turns to be of them, ZONE_NORMAL is cut into as
 * many parts of one size, what is below is of the first. memblock begins there, too.
 */
#define SHIM_MAX_NODES		4U
#define NUMA_NO_NODE		(-1)
extern unsigned int shim_nr_nodes;
extern bool shim_node_is_empty[SHIM_MAX_NODES];
/* Somebody had others make room on one node, though memory of others might have done */
extern bool shim_strained_a_node;
/* Memory was taken that is set aside for who cannot wait, though nobody said that he cannot */
extern bool shim_took_what_is_set_aside;
#define nr_node_ids		shim_nr_nodes
#define node_online(nid)	((unsigned int)(nid) < shim_nr_nodes)
#define cpu_to_mem(cpu)		((int)((cpu) % shim_nr_nodes))
#define numa_mem_id()		cpu_to_mem(shim_cpu)
#define numa_node_id()		numa_mem_id()
int early_pfn_to_nid(unsigned long pfn);
#define page_to_nid(page)	early_pfn_to_nid(page_to_pfn(page))

/* memblock */
void *memblock_alloc(size_t bytes, size_t align);
void *memblock_alloc_low(size_t bytes, size_t align);
void memblock_free(void *p, size_t bytes);
#define memblock_phys_mem_size()	PFN_PHYS(totalram_pages())
#define memblock_end_of_DRAM()		((phys_addr_t)SHIM_RAM_END)
#define free_reserved_area(start, end, poison, name) \
	memblock_free(start, (char *)(end) - (char *)(start))
#define kmemleak_free_part_phys(paddr, bytes)	((void)(paddr))
#define kmsan_unpoison_memory(p, bytes)		((void)(p))

#endif /* _SHIM_ALLOC_H */
