// SPDX-License-Identifier: GPL-2.0
/* Fixture of free_after_failure.cocci: a line that says HIT is reported, others not */

static void *in_branch(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (set_memory_decrypted((unsigned long)page_address(page), 1)) {
		pr_err("cannot share\n");
		__free_page(page);	/* HIT: failed */
		return NULL;
	}
	return page_address(page);
}

static void *through_variables(size_t size)
{
	struct page *page = alloc_pages(GFP_KERNEL, get_order(size));
	void *addr;
	int ret;

	addr = page_address(page);
	ret = set_memory_decrypted((unsigned long)addr, PFN_UP(size));
	if (ret) {
		__free_pages(page, get_order(size));	/* HIT: failed */
		addr = NULL;
		return NULL;
	}
	return addr;
}

static void *by_address(size_t size)
{
	void *addr = alloc_pages_exact(size, GFP_KERNEL);

	if (WARN_ON(set_memory_decrypted((unsigned long)addr, PFN_UP(size))))
		free_pages_exact(addr, size);	/* HIT: failed */
	return addr;
}

static int by_jump(struct pool *pool)
{
	struct page *page = alloc_page(GFP_KERNEL);
	int err;

	err = set_memory_decrypted((unsigned long)page_to_virt(page), 1);
	if (err)
		goto free;
	return 0;

free:
	kfree(pool);
	__free_page(page);	/* HIT: jump */
	return err;
}

static void goes_on(void *addr)
{
	int err;

	err = set_memory_encrypted((unsigned long)addr, 1);
	if (err)
		pr_warn("cannot make it private\n");
	free_page((unsigned long)addr);	/* HIT: may have failed */
}

static void goes_on_block(void *addr)
{
	if (set_memory_encrypted((unsigned long)addr, 1)) {
		pr_warn("cannot make it private\n");
		count_it(addr);
	}
	free_page((unsigned long)addr);	/* HIT: may have failed */
}

static void does_not_look(void *addr)
{
	set_memory_encrypted((unsigned long)addr, 1);
	free_page((unsigned long)addr);	/* HIT: nobody looked */
}

static void only_warns(void *addr)
{
	WARN_ON(set_memory_encrypted((unsigned long)addr, 1));
	free_page((unsigned long)addr);	/* HIT: nobody looked */
}

static void dma_wrapper(struct device *dev, struct page *page, size_t size)
{
	if (dma_set_encrypted(dev, page_address(page), size))
		pr_warn("cannot make it private\n");
	dma_free_contiguous(dev, page, size);	/* HIT: may have failed */
}

/* Near misses */

static void *leaks(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (set_memory_decrypted((unsigned long)page_address(page), 1)) {
		pr_err("cannot share, leaking\n");
		return NULL;
	}
	return page_address(page);
}

static void frees_when_it_worked(void *addr)
{
	if (!set_memory_encrypted((unsigned long)addr, 1))
		free_page((unsigned long)addr);
}

static void returns_first(void *addr)
{
	int err = set_memory_encrypted((unsigned long)addr, 1);

	if (err) {
		pr_warn("leaking\n");
		return;
	}
	free_page((unsigned long)addr);
}

static int frees_something_else(void *addr, void *record)
{
	if (set_memory_decrypted((unsigned long)addr, 1)) {
		kfree(record);
		return -EIO;
	}
	return 0;
}

static void forgets_it(struct context *c)
{
	int ret;

	ret = set_memory_encrypted((unsigned long)c->page, 1);
	if (ret) {
		pr_err("leaking\n");
		c->page = NULL;
	}
	free_page((unsigned long)c->page);
}

static int converts_back(void *addr)
{
	if (set_memory_decrypted((unsigned long)addr, 1))
		goto undo;
	return 0;

undo:
	if (!set_memory_encrypted((unsigned long)addr, 1))
		free_page((unsigned long)addr);
	return -EIO;
}

static int before_conversion(void *addr, bool small)
{
	if (small) {
		free_page((unsigned long)addr);
		return -EINVAL;
	}
	return set_memory_decrypted((unsigned long)addr, 1);
}

static int jumps_before(struct context *c, void *addr)
{
	if (c->busy)
		goto free;
	if (set_memory_decrypted((unsigned long)addr, 1))
		return -EIO;
	return 0;

free:
	free_page((unsigned long)addr);
	return -EBUSY;
}
