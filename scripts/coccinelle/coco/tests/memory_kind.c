// SPDX-License-Identifier: GPL-2.0
/* Fixture of memory_kind.cocci: a line that says HIT is reported, others not */

static int scattered(size_t size)
{
	void *addr;

	addr = vzalloc(size);
	if (!addr)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)addr, PFN_UP(size));	/* HIT: vzalloc */
}

static int in_a_declaration(size_t size)
{
	void *addr = kmalloc(size, GFP_KERNEL);

	if (!addr)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)addr, PFN_UP(size));	/* HIT: kmalloc */
}

static int indirect(void **slot)
{
	*slot = __vmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (*slot)
		return set_memory_decrypted((unsigned long)(*slot), 1);	/* HIT: __vmalloc */
	return -ENOMEM;
}

static int by_a_callee(struct vmbus_channel *channel, struct gpadl *gpadl)
{
	void *ring = vmalloc(RING_BYTES);

	return vmbus_establish_gpadl(channel, ring, RING_BYTES, gpadl);	/* HIT: vmalloc */
}

static void fill(struct context *c)
{
	c->record = kzalloc(sizeof(*c->record), GFP_KERNEL);
	c->page = (void *)get_zeroed_page(GFP_KERNEL);
}

static int share_record(struct context *c)
{
	return set_memory_decrypted((unsigned long)c->record, 1);	/* HIT: kzalloc */
}

/* Near misses */

static int share_page(struct context *c)
{
	return set_memory_decrypted((unsigned long)c->page, 1);
}

static int whole_pages(size_t size)
{
	void *record = kmalloc(RECORD_BYTES, GFP_KERNEL);
	void *addr = alloc_pages_exact(size, GFP_KERNEL);

	if (!record || !addr)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)addr, PFN_UP(size));
}

static int used_for_something_else(size_t size)
{
	void *addr;

	addr = vmalloc(size);
	remember(addr);
	addr = (void *)__get_free_pages(GFP_KERNEL, get_order(size));
	return set_memory_decrypted((unsigned long)addr, PFN_UP(size));
}

static int other_attribute(size_t size)
{
	void *addr = vmalloc(size);

	return set_memory_ro((unsigned long)addr, PFN_UP(size));
}
