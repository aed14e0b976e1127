// SPDX-License-Identifier: GPL-2.0
/* Fixture of free_after_failure.cocci in patch mode: a line after HIT is taken out, others stay */

static void *in_branch(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (set_memory_decrypted((unsigned long)page_address(page), 1)) {
		pr_err("cannot share\n");
		/* HIT: freed */
		__free_page(page);
		return NULL;
	}
	return page_address(page);
}

/* Near misses */

static int by_jump(struct pool *pool)
{
	struct page *page = alloc_page(GFP_KERNEL);
	int err;

	err = set_memory_decrypted((unsigned long)page_to_virt(page), 1);
	if (err)
		goto free;
	return 0;

free:
	__free_page(page);
	return err;
}

static int frees_something_else(void *addr, void *record)
{
	if (set_memory_decrypted((unsigned long)addr, 1)) {
		kfree(record);
		return -EIO;
	}
	return 0;
}
