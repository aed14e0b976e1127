// SPDX-License-Identifier: GPL-2.0
/* Fixture of granule.cocci in patch mode: a line that says HIT is changed, others not */
#include <linux/gfp.h>
#include <linux/set_memory.h>	/* HIT: cc_granule.h */

static void *for_good(size_t size)
{
	unsigned int order;
	struct page *page;

	order = get_order(size);	/* HIT: order */
	page = alloc_pages(GFP_KERNEL, order);
	if (!page)
		return NULL;
	if (set_memory_decrypted((unsigned long)page_address(page), 1UL << order))
		return NULL;
	return page_address(page);
}

static void *shared_alloc(void)
{
	size_t bytes = PAGE_ALIGN(BUF_BYTES);	/* HIT: alloc */
	void *addr;

	addr = alloc_pages_exact(bytes, GFP_KERNEL);
	if (!addr)
		return NULL;
	if (set_memory_decrypted((unsigned long)addr, bytes >> PAGE_SHIFT))
		return NULL;
	return addr;
}

static void shared_free(void *addr)
{
	size_t bytes = PAGE_ALIGN(BUF_BYTES);	/* HIT: free */

	if (set_memory_encrypted((unsigned long)addr, bytes >> PAGE_SHIFT))
		return;
	free_pages_exact(addr, bytes);
}

/* Near misses */

/* Nobody here knows how much its caller frees */
static void *lone_alloc(void)
{
	size_t bytes = PAGE_ALIGN(OTHER_BYTES);
	void *addr;

	addr = alloc_pages_exact(bytes, GFP_KERNEL);
	if (addr && set_memory_decrypted((unsigned long)addr, bytes >> PAGE_SHIFT))
		return NULL;
	return addr;
}

/* What is converted is not what the order says */
static void *part_of_it(size_t size)
{
	unsigned int order;
	void *addr;

	order = get_order(size);
	addr = (void *)__get_free_pages(GFP_KERNEL, order);
	if (set_memory_decrypted((unsigned long)addr, PFN_UP(size)))
		return NULL;
	return addr;
}
