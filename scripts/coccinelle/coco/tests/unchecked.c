// SPDX-License-Identifier: GPL-2.0
/* Fixture of unchecked.cocci: a line that says HIT is reported, others not */

static void statement(unsigned long addr)
{
	set_memory_decrypted(addr, 512);	/* HIT: ignored */
}

static void cast_away(unsigned long addr)
{
	(void)set_memory_encrypted(addr, 512);	/* HIT: ignored */
}

static void only_warned(unsigned long addr)
{
	WARN_ON(set_memory_encrypted(addr, 512));	/* HIT: ignored */
	WARN_ON_ONCE(set_memory_decrypted(addr, 512) < 0);	/* HIT: ignored */
}

static void early(unsigned long addr)
{
	early_set_memory_decrypted(addr, PMD_SIZE);	/* HIT: ignored */
}

static int overwritten(unsigned long addr)
{
	int ret;

	ret = set_memory_decrypted(addr, 512);	/* HIT: overwritten in ret */
	ret = prepare(addr);
	return ret;
}

static void never_read(unsigned long addr)
{
	int ret;

	ret = set_memory_decrypted(addr, 512);	/* HIT: never read from ret */
	memset((void *)addr, 0, PMD_SIZE);
}

/* Near misses */

static int passed_on(unsigned long addr)
{
	return set_memory_decrypted(addr, 512);
}

static int tested(unsigned long addr)
{
	int ret;

	ret = set_memory_decrypted(addr, 512);
	if (ret)
		return ret;
	ret = prepare(addr);
	return ret;
}

static int warned_and_tested(unsigned long addr)
{
	if (WARN_ON(set_memory_decrypted(addr, 512)))
		return -EIO;
	return 0;
}

static int both(unsigned long a, unsigned long b)
{
	int ret;

	ret = set_memory_decrypted(a, 512);
	ret |= set_memory_decrypted(b, 512);
	return ret;
}

static int kept(unsigned long a, unsigned long b)
{
	int ret;

	ret = set_memory_decrypted(a, 512);
	ret = ret ?: prepare(b);
	return ret;
}

static bool stored(struct gpadl *gpadl)
{
	gpadl->decrypted = set_memory_encrypted(gpadl->addr, 512);
	return gpadl->decrypted;
}

static int other_function(unsigned long addr)
{
	set_memory_ro(addr, 512);
	return 0;
}

static void read_on_one_path(unsigned long addr, bool quiet)
{
	int ret;

	ret = set_memory_encrypted(addr, 512);
	if (ret)
		pr_warn("leaking\n");
}
