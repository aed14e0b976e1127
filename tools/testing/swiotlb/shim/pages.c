// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator and memblock: first fit from the zones of simulated RAM
 */
#include <pthread.h>

#include "shim.h"

#define NR_PAGES	(SHIM_RAM_END >> PAGE_SHIFT)

static const struct zone {
	unsigned long start_pfn;
	unsigned long end_pfn;
} zones[] = {
	[SHIM_DMA] = { SHIM_DMA_START >> PAGE_SHIFT,
		       SHIM_DMA_END >> PAGE_SHIFT },
	[SHIM_DMA32] = { SHIM_FREE_START >> PAGE_SHIFT,
			 SHIM_RAM_BYTES >> PAGE_SHIFT },
	[SHIM_NORMAL] = { SHIM_HIGH_START >> PAGE_SHIFT, NR_PAGES },
};

bool shim_zone_is_empty[SHIM_NR_ZONES];
bool shim_node_is_empty[SHIM_MAX_NODES];
bool shim_strained_a_node;
bool shim_took_what_is_set_aside;
unsigned int shim_nr_nodes = 1;
unsigned long shim_max_block;

static bool taken[NR_PAGES];
/* It was given out before, so it is no longer known to be zero */
static bool is_dirty[NR_PAGES];
static size_t nr_taken[SHIM_NR_ZONES];
/* All pages below it are taken, in each zone */
static unsigned long hints[SHIM_NR_ZONES];
static pthread_mutex_t pages_lock = PTHREAD_MUTEX_INITIALIZER;

/* The part of a zone that is of a node */
static struct zone part_of(enum shim_zone z, unsigned int nid)
{
	unsigned long nr = (zones[z].end_pfn - zones[z].start_pfn) / shim_nr_nodes;
	unsigned long start = zones[z].start_pfn + nid * nr;

	if (z == SHIM_NORMAL)
		return (struct zone){ start, start + nr };
	return nid ? (struct zone){} : zones[z];
}

int early_pfn_to_nid(unsigned long pfn)
{
	unsigned int nid = shim_nr_nodes;

	while (--nid && pfn < part_of(SHIM_NORMAL, nid).start_pfn)
		;
	return nid;
}

static long find_run_in(enum shim_zone z, unsigned int nid, unsigned long nr,
			unsigned long align)
{
	const struct zone zone = part_of(z, nid);
	unsigned long start, i;

	start = max(hints[z], zones[z].start_pfn);
	while (start < zones[z].end_pfn && taken[start])
		start++;
	hints[z] = start;
	if (READ_ONCE(shim_node_is_empty[nid]))
		return -1;
	for (start = ALIGN(max(start, zone.start_pfn), align);
	     start + nr <= zone.end_pfn; start += align) {
		for (i = 0; i < nr && !taken[start + i]; i++)
			;
		if (i == nr)
			return start;
	}
	return -1;
}

/* On a node, or else, if they will do, on those behind it */
static long find_run(enum shim_zone z, unsigned int nid, bool only_there,
		     unsigned long nr, unsigned long align)
{
	unsigned int i;
	long pfn = -1;

	for (i = 0; i < (only_there ? 1 : shim_nr_nodes) && pfn < 0; i++)
		pfn = find_run_in(z, (nid + i) % shim_nr_nodes, nr, align);
	return pfn;
}

/* What was never given out before is zero already, and stays untouched */
static void clean(unsigned long pfn, unsigned long nr, bool zero)
{
	unsigned long i;

	for (i = pfn; i < pfn + nr; i++) {
		void *page = shim_ram(PFN_PHYS(i));

		if (zero && is_dirty[i])
			memset(page, 0, PAGE_SIZE);
		else if (!zero)
			memset(page, SHIM_OLD_DATA, SHIM_OLD_BYTES);
		is_dirty[i] = true;
	}
}

/* From the highest zone that will do, and else from those below it */
static long take(enum shim_zone highest, int nid, bool only_there,
		 unsigned long nr, unsigned long align, bool zero)
{
	unsigned long max_block = READ_ONCE(shim_max_block);
	int z = highest;
	long pfn = -1;

	if (shim_must_fail() || (max_block && nr > max_block))
		return -1;

	pthread_mutex_lock(&pages_lock);
	for (; z >= SHIM_DMA && pfn < 0; z--) {
		if (shim_zone_is_empty[z])
			continue;
		pfn = find_run(z, nid, only_there, nr, align);
		if (pfn < 0)
			continue;
		memset(taken + pfn, true, nr);
		nr_taken[z] += nr;
		clean(pfn, nr, zero);
	}
	pthread_mutex_unlock(&pages_lock);
	if (pfn >= 0)
		__atomic_fetch_add(&shim_live, 1, __ATOMIC_RELAXED);
	return pfn;
}

static int zone_of(unsigned long pfn)
{
	int z;

	for (z = SHIM_DMA; z < SHIM_NR_ZONES; z++) {
		if (pfn >= zones[z].start_pfn && pfn < zones[z].end_pfn)
			return z;
	}
	return -1;
}

static void put(unsigned long pfn, unsigned long nr, const char *who)
{
	int z = zone_of(pfn);
	unsigned long i;

	if (z < 0 || zone_of(pfn + nr - 1) != z) {
		shim_warn("%s: pages %#lx to %#lx are of no zone\n", who, pfn,
			  pfn + nr);
		return;
	}
	shim_check_private(PFN_PHYS(pfn), nr << PAGE_SHIFT, who);
	pthread_mutex_lock(&pages_lock);
	for (i = pfn; i < pfn + nr; i++) {
		if (!taken[i])
			shim_warn("%s: page %#lx is freed but not allocated\n",
				  who, i);
		nr_taken[z] -= taken[i];
		taken[i] = false;
	}
	hints[z] = min(hints[z], pfn);
	pthread_mutex_unlock(&pages_lock);
	__atomic_fetch_sub(&shim_live, 1, __ATOMIC_RELAXED);
}

size_t shim_zone_bytes(enum shim_zone zone)
{
	size_t nr;

	pthread_mutex_lock(&pages_lock);
	nr = nr_taken[zone];
	pthread_mutex_unlock(&pages_lock);
	return nr << PAGE_SHIFT;
}

size_t shim_page_bytes(void)
{
	return shim_zone_bytes(SHIM_DMA) + shim_zone_bytes(SHIM_DMA32) +
	       shim_zone_bytes(SHIM_NORMAL);
}

static enum shim_zone highest_zone(gfp_t gfp)
{
	return gfp & __GFP_DMA ? SHIM_DMA :
	       gfp & __GFP_DMA32 ? SHIM_DMA32 : SHIM_NORMAL;
}

static struct page *get(unsigned long nr, unsigned long align, gfp_t gfp,
			int nid, const char *who)
{
	long pfn;

	if (!shim_slab)
		shim_warn("%s: the page allocator is used before it is there\n",
			  who);
	shim_check_gfp(gfp, who);
	if ((gfp & __GFP_THISNODE) && (gfp & __GFP_RECLAIM))
		shim_strained_a_node = true;
	if (!(gfp & (__GFP_RECLAIM | __GFP_NOMEMALLOC)))
		shim_took_what_is_set_aside = true;
	pfn = take(highest_zone(gfp), nid == NUMA_NO_NODE ? numa_mem_id() : nid,
		   gfp & __GFP_THISNODE, nr, align, gfp & __GFP_ZERO);
	return pfn < 0 ? NULL : pfn_to_page((unsigned long)pfn);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	if (order > MAX_PAGE_ORDER) {
		if (!(gfp & __GFP_NOWARN))
			shim_warn("alloc_pages() of order %u\n", order);
		return NULL;
	}
	return get(1UL << order, 1UL << order, gfp, nid, __func__);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_pages_node(NUMA_NO_NODE, gfp, order);
}

void __free_pages(struct page *page, unsigned int order)
{
	put(page_to_pfn(page), 1UL << order, __func__);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp, int nid,
				void *nodemask)
{
	shim_might_sleep(__func__);
	/* As __alloc_contig_verify_gfp_mask() */
	if (gfp & (__GFP_NORETRY | __GFP_NOFAIL | __GFP_ZERO)) {
		shim_warn("%s: gfp %#x\n", __func__, gfp);
		return NULL;
	}
	/* Aligned to its size only if that is a power of two */
	return get(nr_pages, is_power_of_2(nr_pages) ? nr_pages : 1, gfp,
		   nid, __func__);
}

void free_contig_range(unsigned long pfn, unsigned long nr_pages)
{
	put(pfn, nr_pages, __func__);
}

/* More than the largest block would be too much for the kernel's, too */
void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	unsigned int order = get_order(bytes);
	struct page *page;

	if (order > MAX_PAGE_ORDER) {
		if (!(gfp & __GFP_NOWARN))
			shim_warn("%s: %zu bytes\n", __func__, bytes);
		return NULL;
	}
	page = get(PAGE_ALIGN(bytes) >> PAGE_SHIFT, 1UL << order, gfp,
		   NUMA_NO_NODE, __func__);
	return page ? page_address(page) : NULL;
}

void free_pages_exact(void *p, size_t bytes)
{
	put(PHYS_PFN(virt_to_phys(p)), PAGE_ALIGN(bytes) >> PAGE_SHIFT, __func__);
}

/*
 * Metadata in simulated RAM may lead to slab memory, which LeakSanitizer has to be
 * told; pools are too large to be searched. The other sanitizers do not ask.
 */
#define MAX_META_BYTES	(2UL << 20)
void __attribute__((weak)) __lsan_register_root_region(const void *p, size_t bytes);
void __attribute__((weak)) __lsan_unregister_root_region(const void *p,
							 size_t bytes);

/* Which pieces it was told of; what is freed may be a part of a pool */
static const void *metas[4096];

static const void **meta_at(const void *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(metas); i++) {
		if (metas[i] == p)
			return &metas[i];
	}
	return NULL;
}

static void meta_comes(const void *p, size_t bytes)
{
	const void **meta = meta_at(NULL);

	if (bytes > MAX_META_BYTES || !meta || !__lsan_register_root_region)
		return;
	*meta = p;
	__lsan_register_root_region(p, bytes);
}

static void meta_goes(const void *p, size_t bytes)
{
	const void **meta = p ? meta_at(p) : NULL;

	if (!meta)
		return;
	*meta = NULL;
	__lsan_unregister_root_region(p, bytes);
}

static void *memblock_get(enum shim_zone highest, size_t bytes, size_t align)
{
	long pfn;

	if (shim_slab)
		shim_warn("memblock is used after early boot\n");
	pfn = take(highest, 0, false, PAGE_ALIGN(bytes) >> PAGE_SHIFT,
		   max(align, PAGE_SIZE) >> PAGE_SHIFT, true);
	if (pfn < 0)
		return NULL;
	meta_comes(shim_ram(PFN_PHYS(pfn)), bytes);
	return shim_ram(PFN_PHYS(pfn));
}

void *memblock_alloc(size_t bytes, size_t align)
{
	return memblock_get(SHIM_NORMAL, bytes, align);
}

void *memblock_alloc_low(size_t bytes, size_t align)
{
	return memblock_get(SHIM_DMA32, bytes, align);
}

void memblock_free(void *p, size_t bytes)
{
	meta_goes(p, bytes);
	put(PHYS_PFN(virt_to_phys(p)), PAGE_ALIGN(bytes) >> PAGE_SHIFT, __func__);
}
