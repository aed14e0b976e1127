// SPDX-License-Identifier: GPL-2.0
/*
 * Who converts memory between private and shared, how much, and how well aligned?
 *
 * set_memory_decrypted() and set_memory_encrypted() pass through coco_convert().
 * A table of fixed size has a row per return address and direction; what finds no
 * room is counted in one more row. Rows are never removed, and have names, because
 * modules go, and come back elsewhere: an unknown address with a known name takes
 * over its row. A conversion takes microseconds at least, and the first ones come
 * before any allocator could be trusted, so a spinlock, a static table and a search
 * from its beginning do.
 *
 * The host maps a guest's memory in pages of 2 MiB where it can. A conversion is
 * misaligned if its address or its size is not a multiple of that. Such ones can
 * be legitimate: some structures that are shared with a host are 4 KiB by
 * definition. That is why they are only counted, unless coco_conversions= says
 * more, and why no more than the sites listed below are ever refused anything.
 */

#define pr_fmt(fmt) "coco: " fmt

#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <asm/coco_convert.h>

#define CREATE_TRACE_POINTS
#include <trace/events/coco.h>

#define NR_SITES	128
#define NAME_LEN	64

/* What to do about a misaligned conversion beyond counting it */
enum mode {
	MODE_COUNT,
	MODE_WARN,	/* report each site once */
	MODE_ENFORCE,	/* the same, and refuse those of enforced_sites */
};

/*
 * Callers that may be refused a misaligned conversion to shared, because they
 * check the result and leave the memory alone then, and because a pool can serve
 * their users instead. All others are exempt, see Documentation/arch/x86/coco-sim.rst.
 */
static const char *const enforced_sites[] = {
	"alloc_dma_pages",
	"atomic_pool_expand",
	"dma_direct_alloc",
	"dma_direct_alloc_pages",
	"dma_set_decrypted",
	"swiotlb_alloc_pool",
	"swiotlb_alloc_tlb",
	"swiotlb_pages_share",
	"swiotlb_pool_share",
};

struct site {
	unsigned long caller;	/* return address, 0 while the row is free */
	bool enc;
	char name[NAME_LEN];
	u64 calls;
	u64 bytes;
	u64 misaligned;
	u64 failures;
	u64 ns;
};

static DEFINE_RAW_SPINLOCK(sites_lock);
static struct site sites[NR_SITES + 1];	/* the last one is for all the rest */
static enum mode mode __ro_after_init;

static int __init parse_mode(char *arg)
{
	static const char *const names[] = {
		[MODE_COUNT]	= "count",
		[MODE_WARN]	= "warn",
		[MODE_ENFORCE]	= "enforce",
	};
	int i = arg ? match_string(names, ARRAY_SIZE(names), arg) : -EINVAL;

	if (i < 0) {
		pr_warn("coco_conversions= must be count, warn or enforce\n");
		return i;
	}
	mode = i;
	return 0;
}
early_param("coco_conversions", parse_mode);

/* The row of a caller, if there is one. Under sites_lock. */
static struct site *find_site(unsigned long caller, bool enc)
{
	unsigned int i;

	for (i = 0; i < NR_SITES && sites[i].caller; i++) {
		if (sites[i].caller == caller && sites[i].enc == enc)
			return &sites[i];
	}
	return NULL;
}

/* A row for an address that has none: that of its name, or a new one. Under sites_lock. */
static struct site *add_site(unsigned long caller, bool enc, const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_SITES && sites[i].caller; i++) {
		if (sites[i].enc == enc && !strcmp(sites[i].name, name))
			break;
	}
	if (i < NR_SITES) {
		sites[i].caller = caller;
		sites[i].enc = enc;
		strscpy(sites[i].name, name);
	}
	return &sites[i];
}

/* Function and offset; a column of the table has no spaces */
static void name_site(unsigned long caller, char *name)
{
	snprintf(name, NAME_LEN, "%pS", (void *)caller);
	strreplace(name, ' ', ':'); /* "function+0x1/0x2 [module]" */
}

/* Returns whether this is the first misaligned conversion of its site. */
static bool account(unsigned long caller, bool enc, u64 bytes, bool misaligned,
		    int err, u64 ns)
{
	struct site *site;
	unsigned long flags;
	char name[NAME_LEN];
	bool first;

	raw_spin_lock_irqsave(&sites_lock, flags);
	site = find_site(caller, enc);
	if (!site) {
		raw_spin_unlock_irqrestore(&sites_lock, flags);
		name_site(caller, name);
		raw_spin_lock_irqsave(&sites_lock, flags);
		site = find_site(caller, enc) ?: add_site(caller, enc, name);
	}
	site->calls++;
	site->bytes += bytes;
	site->ns += ns;
	if (err)
		site->failures++;
	if (misaligned)
		site->misaligned++;
	first = misaligned && site->misaligned == 1;
	raw_spin_unlock_irqrestore(&sites_lock, flags);
	return first;
}

static unsigned long offset_in_block(unsigned long addr)
{
	return addr & (PMD_SIZE - 1);
}

/* But in vmalloc's area, virtual and physical addresses agree in that offset. */
static bool is_misaligned(unsigned long addr, u64 bytes)
{
	return offset_in_block(addr | bytes) ||
	       is_vmalloc_addr((void *)addr);
}

/* Without kallsyms no name is known, and nothing refused. */
static bool is_enforced(unsigned long caller)
{
	char name[KSYM_SYMBOL_LEN];
	size_t len, i;

	sprint_symbol_no_offset(name, caller);
	len = strcspn(name, "."); /* the compiler adds .isra.0 and the like */
	name[len] = '\0';
	for (i = 0; i < ARRAY_SIZE(enforced_sites); i++) {
		if (!strcmp(name, enforced_sites[i]))
			return true;
	}
	return false;
}

/**
 * coco_convert() - convert memory, and keep account of it
 * @convert:  does it
 * @addr:     virtual address
 * @numpages: pages of 4 KiB
 * @enc:      to private rather than shared
 * @caller:   return address, says who is responsible
 *
 * Context: that of @convert: process context, may sleep.
 * Return: what @convert says, or -EINVAL without anything done: the conversion is
 * misaligned, its caller listed above, and coco_conversions=enforce.
 */
int coco_convert(coco_convert_fn convert, unsigned long addr, int numpages,
		 bool enc, unsigned long caller)
{
	u64 bytes = (u64)numpages << PAGE_SHIFT, start, ns;
	bool misaligned, first;
	int err = 0;

	/* Then it does nothing */
	if (!cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return convert(addr, numpages, enc);

	misaligned = is_misaligned(addr, bytes);
	/* Shared memory must become private however it lies: refusing that leaks it */
	if (misaligned && !enc && mode == MODE_ENFORCE && is_enforced(caller))
		err = -EINVAL;

	start = local_clock();
	if (!err)
		err = convert(addr, numpages, enc);
	ns = local_clock() - start;

	first = account(caller, enc, bytes, misaligned, err, ns);
	trace_coco_convert(addr, bytes, enc, misaligned, err, ns, caller);
	if (first && mode != MODE_COUNT) {
		pr_warn("misaligned conversion to %s by %pS: %llu bytes, %#lx behind 2 MiB\n",
			enc ? "private" : "shared", (void *)caller, bytes,
			offset_in_block(addr));
		dump_stack();
	}
	return err;
}

#ifdef CONFIG_DEBUG_FS

/* Most misaligned ones first, then most calls */
static int compare_sites(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	if (x->misaligned != y->misaligned)
		return x->misaligned < y->misaligned ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return 0;
}

static void show_row(struct seq_file *m, const char *name, const char *direction,
		     const struct site *site)
{
	seq_printf(m, "%s %llu %llu %llu %llu %llu %s\n", name, site->calls,
		   site->bytes, site->misaligned, site->failures, site->ns,
		   direction);
}

static int conversions_show(struct seq_file *m, void *v)
{
	struct site *copy = kmalloc(sizeof(sites), GFP_KERNEL), total = {};
	unsigned int i;

	if (!copy)
		return -ENOMEM;

	raw_spin_lock_irq(&sites_lock);
	memcpy(copy, sites, sizeof(sites));
	raw_spin_unlock_irq(&sites_lock);

	sort(copy, NR_SITES, sizeof(*copy), compare_sites, NULL);
	seq_puts(m, "site calls bytes misaligned failures ns direction\n");
	for (i = 0; i <= NR_SITES; i++) {
		const struct site *site = &copy[i];

		if (!site->calls)
			continue;
		total.calls += site->calls;
		total.bytes += site->bytes;
		total.misaligned += site->misaligned;
		total.failures += site->failures;
		total.ns += site->ns;
		if (i == NR_SITES)
			show_row(m, "other", "both", site);
		else
			show_row(m, site->name, site->enc ? "private" : "shared",
				 site);
	}
	show_row(m, "total", "both", &total);
	kfree(copy);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(conversions);

/**
 * coco_debugfs_dir() - folder of what confidential guests tell in debugfs
 *
 * Context: from device initcalls on.
 * Return: /sys/kernel/debug/coco, an ERR_PTR() that debugfs accepts in its place.
 */
struct dentry *coco_debugfs_dir(void)
{
	static struct dentry *dir;

	if (!dir)
		dir = debugfs_create_dir("coco", NULL);
	return dir;
}

static int __init conversions_init(void)
{
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		debugfs_create_file("conversions", 0400, coco_debugfs_dir(),
				    NULL, &conversions_fops);
	return 0;
}
device_initcall(conversions_init);

#endif /* CONFIG_DEBUG_FS */
