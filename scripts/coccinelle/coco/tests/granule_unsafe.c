// SPDX-License-Identifier: GPL-2.0
/* Fixture of granule.cocci in patch mode: nothing changes, another function has the order again */
#include <linux/set_memory.h>

static void *shared_alloc(size_t size)
{
	unsigned int order;
	struct page *page;

	order = get_order(size);
	page = alloc_pages(GFP_KERNEL, order);
	if (!page)
		return NULL;
	if (set_memory_decrypted((unsigned long)page_address(page), 1 << order))
		return NULL;
	return page_address(page);
}

static void shared_free(void *addr, size_t size)
{
	if (!set_memory_encrypted((unsigned long)addr, PFN_UP(size)))
		free_pages((unsigned long)addr, get_order(size));
}
