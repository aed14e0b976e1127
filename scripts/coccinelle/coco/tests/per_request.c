// SPDX-License-Identifier: GPL-2.0
/* Fixture of per_request.cocci: a line that says HIT is reported, others not */

static int request(struct message *message)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr;
	int err;

	if (!page)
		return -ENOMEM;
	addr = (unsigned long)page_address(page);
	err = set_memory_decrypted(addr, 1);	/* HIT: same run */
	if (err)
		return err;
	err = send(message, addr);
	if (!set_memory_encrypted(addr, 1))
		__free_page(page);
	return err;
}

static void *share(void)
{
	void *addr = alloc_pages_exact(BUF_BYTES, GFP_KERNEL);

	if (addr && set_memory_decrypted((unsigned long)addr, PFN_UP(BUF_BYTES)))
		return NULL;
	return addr;
}

static void unshare(void *addr)
{
	if (!set_memory_encrypted((unsigned long)addr, PFN_UP(BUF_BYTES)))
		free_pages_exact(addr, BUF_BYTES);
}

static int wrapped(struct message *message)
{
	void *addr = share();	/* HIT: same run */
	int err;

	if (!addr)
		return -ENOMEM;
	err = send(message, addr);
	unshare(addr);
	return err;
}

void *any_size_alloc(struct device *dev, size_t size)
{
	void *addr = (void *)__get_free_pages(GFP_KERNEL, get_order(size));

	if (addr && set_memory_decrypted((unsigned long)addr, PFN_UP(size)))	/* HIT: allocator */
		return NULL;
	return addr;
}

void any_size_free(struct device *dev, void *addr, size_t size)
{
	if (!set_memory_encrypted((unsigned long)addr, PFN_UP(size)))	/* HIT: allocator */
		free_pages((unsigned long)addr, get_order(size));
}

/* Near misses */

static int cleans_up(struct context *c)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr;
	int err;

	if (!page)
		return -ENOMEM;
	addr = (unsigned long)page_address(page);
	err = set_memory_decrypted(addr, 1);
	if (err)
		return err;
	err = announce(addr);
	if (err)
		goto undo;
	c->page = page;
	return 0;

undo:
	if (!set_memory_encrypted(addr, 1))
		__free_page(page);
	return err;
}

static int probe(struct context *c)
{
	c->buf = share();
	if (!c->buf)
		return -ENOMEM;
	if (announce(c->buf)) {
		unshare(c->buf);
		return -EIO;
	}
	return 0;
}

static int __init once(void)
{
	void *addr = share();
	int err;

	if (!addr)
		return -ENOMEM;
	err = announce(addr);
	unshare(addr);
	return err;
}

/* The size is a number of something else */
static int grow(struct context *c, size_t size)
{
	c->page = alloc_page(GFP_KERNEL);
	c->size = size;
	if (!c->page)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)page_address(c->page), 1);
}
