// SPDX-License-Identifier: GPL-2.0
/* Fixture of granule.cocci: a line that says HIT is reported, others not */

static int one_page(void *page)
{
	return set_memory_decrypted((unsigned long)page, 1);	/* HIT: 1 */
}

static int any_size(void *addr, size_t size)
{
	return set_memory_encrypted((unsigned long)addr, PFN_UP(size));	/* HIT: size */
}

static int rounded_to_pages(void *addr, size_t size)
{
	size_t bytes = PAGE_ALIGN(size);

	return set_memory_decrypted((unsigned long)addr, bytes >> PAGE_SHIFT);	/* HIT: bytes */
}

static int variable(struct data *data)
{
	return early_set_memory_decrypted((unsigned long)data, sizeof(*data));	/* HIT: sizeof */
}

static void page_state(unsigned long addr, unsigned long pa)
{
	early_snp_set_memory_shared(addr, pa, 1);	/* HIT: 1 */
}

static int unaligned_start(size_t size)
{
	size_t bytes = cc_granule_align(size);
	void *addr;

	addr = memblock_alloc(bytes, PAGE_SIZE);
	if (!addr)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)addr, bytes >> PAGE_SHIFT);	/* HIT: start */
}

/* Near misses */

static int literal(void *addr)
{
	return set_memory_decrypted((unsigned long)addr, 512);
}

static int four_granules(void *addr)
{
	return set_memory_decrypted((unsigned long)addr, 0x800UL);
}

static int whole_table(void *addr)
{
	return set_memory_decrypted((unsigned long)addr, PTRS_PER_PMD);
}

static int helper(void *addr, size_t size)
{
	return set_memory_decrypted((unsigned long)addr, cc_granule_align(size) >> PAGE_SHIFT);
}

static int through_variables(void *addr, size_t size)
{
	size_t bytes = ALIGN(size, PMD_SIZE);
	unsigned int nr_pages;

	nr_pages = bytes >> PAGE_SHIFT;
	return set_memory_decrypted((unsigned long)addr, nr_pages);
}

static int assigned(void *addr, size_t size)
{
	unsigned int nr_pages;

	nr_pages = cc_granule_align(size) >> PAGE_SHIFT;
	return set_memory_decrypted((unsigned long)addr, nr_pages);
}

static int assigned_twice(void *addr, size_t size)
{
	unsigned int nr_pages;

	size = round_up(size, HPAGE_SIZE);
	nr_pages = size >> PAGE_SHIFT;
	return set_memory_decrypted((unsigned long)addr, nr_pages);
}

static int asked_first(void *addr, size_t size)
{
	if (!cc_is_granules(virt_to_phys(addr), size))
		return -EINVAL;
	return set_memory_decrypted((unsigned long)addr, size >> PAGE_SHIFT);
}

static int aligned_start(size_t size)
{
	size_t bytes = cc_granule_align(size);
	void *addr;

	addr = memblock_alloc(bytes, cc_shared_granule());
	if (!addr)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)addr, bytes >> PAGE_SHIFT);
}

static int not_a_conversion(void *addr)
{
	return set_memory_uc((unsigned long)addr, 1);
}
