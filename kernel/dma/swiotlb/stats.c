// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted: use and its high water mark, failures by reason, and accounts,
 * which stats.h explains
 *
 * Successful mappings touch nothing here, but for a batched report of use: they
 * count for themselves, by swiotlb_count_hot().
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <trace/events/swiotlb.h>

#include "internal.h"

const char *const swiotlb_fail_names[SWIOTLB_NR_FAILS] = {
	[SWIOTLB_FAIL_INVALID]		= "invalid",
	[SWIOTLB_FAIL_NOT_READY]	= "not_ready",
	[SWIOTLB_FAIL_TOO_LARGE]	= "too_large",
	[SWIOTLB_FAIL_REACH]		= "out_of_reach",
	[SWIOTLB_FAIL_FRAGMENTED]	= "fragmented",
	[SWIOTLB_FAIL_EXHAUSTED]	= "exhausted",
};

/* From 128 bytes on, the octave that begins with 128 << @n has four sizes */
#define OCTAVE(n)						\
	[4 << (n) ... (5 << (n)) - 1] = ((n) << SWIOTLB_STEP_SHIFT) + 1, \
	[5 << (n) ... (6 << (n)) - 1] = ((n) << SWIOTLB_STEP_SHIFT) + 2, \
	[6 << (n) ... (7 << (n)) - 1] = ((n) << SWIOTLB_STEP_SHIFT) + 3, \
	[7 << (n) ... (8 << (n)) - 1] = ((n) << SWIOTLB_STEP_SHIFT) + 4

const u8 swiotlb_small_sizes[SWIOTLB_SMALL_SIZE >> SWIOTLB_SMALL_SHIFT] = {
	OCTAVE(0), OCTAVE(1), OCTAVE(2), OCTAVE(3), OCTAVE(4),
};

static unsigned long total_bytes(const struct swiotlb_mem *mem)
{
	return READ_ONCE(mem->nslabs) << IO_TLB_SHIFT;
}

/**
 * swiotlb_account_open() - find or make the account of memory
 * @mem: to be made; its domain, backend and phase are set
 *
 * Context: as swiotlb_mem_create(); swiotlb_mutex is held.
 * Return: 0 or -ENOMEM.
 */
int swiotlb_account_open(struct swiotlb_mem *mem)
{
	struct list_head *accounts = &mem->domain->accounts;
	struct swiotlb_account *account;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(account, accounts, node) {
		if (!strcmp(account->backend, mem->ops->name))
			goto found;
	}

	account = swiotlb_meta_alloc(sizeof(*account), mem->phase);
	if (!account)
		return -ENOMEM;
	/* Some room is set aside for those who come before slab */
	if (IS_ENABLED(CONFIG_SWIOTLB_STATS)) {
		account->hot = alloc_percpu(struct swiotlb_hot);
		if (!account->hot) {
			swiotlb_meta_free(account, sizeof(*account), mem->phase);
			return -ENOMEM;
		}
	}
	strscpy(account->backend, mem->ops->name, sizeof(account->backend));
	list_add_tail(&account->node, accounts);
found:
	mem->account = account;
	mem->hot = account->hot;
	return 0;
}

/**
 * swiotlb_accounts_free() - forget what was counted in a domain
 * @domain: has no memory, and never had any made by %SWIOTLB_EARLY
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 */
void swiotlb_accounts_free(struct swiotlb_domain *domain)
{
	struct swiotlb_account *account, *next;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry_safe(account, next, &domain->accounts, node) {
		list_del(&account->node);
		free_percpu(account->hot);
		swiotlb_meta_free(account, sizeof(*account), SWIOTLB_LATE);
	}
}

#define ADD_HOT(name)	sum->name += READ_ONCE(hot->name)
#define ADD_RARE(name)	sum->name += atomic_long_read(&account->name)

/**
 * swiotlb_account_sum() - add up what an account counted
 * @account: whose
 * @sum:     is added to
 *
 * Counters that change meanwhile are as they were at some moment since the call,
 * each at another one.
 *
 * Context: process context.
 */
void swiotlb_account_sum(const struct swiotlb_account *account,
			 struct swiotlb_counts *sum)
{
	const struct swiotlb_hot *hot;
	unsigned int i, cpu;
	unsigned long nr;

	SWIOTLB_RARE_COUNTERS(ADD_RARE);
	for (i = 0; i < SWIOTLB_NR_FAILS; i++)
		sum->fails[i] += atomic_long_read(&account->fails[i]);
	if (!account->hot)
		return;

	for_each_possible_cpu(cpu) {
		hot = per_cpu_ptr(account->hot, cpu);
		SWIOTLB_HOT_COUNTERS(ADD_HOT);
		for (i = 0; i < SWIOTLB_NR_SIZES; i++) {
			nr = READ_ONCE(hot->sizes[i]);
			sum->sizes[i] += nr;
			sum->maps += nr;
		}
	}
}

/**
 * swiotlb_domain_sum() - add up what was counted in a domain
 * @domain: whose
 * @sum:    receives the sums
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 */
void swiotlb_domain_sum(const struct swiotlb_domain *domain,
			struct swiotlb_counts *sum)
{
	const struct swiotlb_account *account;

	lockdep_assert_held(&swiotlb_mutex);
	memset(sum, 0, sizeof(*sum));
	swiotlb_account_sum(&domain->own, sum);
	list_for_each_entry(account, &domain->accounts, node)
		swiotlb_account_sum(account, sum);
}

static void raise_to(atomic_long_t *highest, long value)
{
	long old = atomic_long_read(highest);

	while (value > old && !atomic_long_try_cmpxchg(highest, &old, value))
		;
}

static void report(struct swiotlb_level *level, long delta_bytes)
{
	raise_to(&level->hiwater,
		 atomic_long_add_return(delta_bytes, &level->used));
}

/**
 * swiotlb_report_used() - tell how the memory in use changed
 * @mem:	 whose
 * @delta_bytes: since the backend's last report
 *
 * For backends, in batches: these are global counters. The high water marks are
 * only as exact as the batches are small. When memory is taken apart, what was
 * reported of it has to be taken back.
 *
 * Context: any.
 */
void swiotlb_report_used(struct swiotlb_mem *mem, long delta_bytes)
{
	report(&mem->domain->own.level, delta_bytes);
	if (mem->account)
		report(&mem->account->level, delta_bytes);
}
EXPORT_SYMBOL_GPL(swiotlb_report_used);

/**
 * swiotlb_report_transient() - tell how memory for single mappings changed
 * @mem:	 whose
 * @delta_bytes: by how much
 *
 * For backends with pools that come with a mapping and go with it.
 *
 * Context: any.
 */
void swiotlb_report_transient(struct swiotlb_mem *mem, long delta_bytes)
{
	atomic_long_add(delta_bytes, &swiotlb_account_of(mem)->transient);
}
EXPORT_SYMBOL_GPL(swiotlb_report_transient);

/**
 * swiotlb_report_grow() - tell that a backend got memory
 * @mem:   whose; its size is the new one already
 * @bytes: by how much it grew
 *
 * Not for the memory that a backend begins with.
 *
 * Context: any.
 */
void swiotlb_report_grow(struct swiotlb_mem *mem, size_t bytes)
{
	struct swiotlb_account *account = swiotlb_account_of(mem);

	atomic_long_inc(&account->grows);
	atomic_long_add(bytes, &account->grown_bytes);
	trace_swiotlb_grow(mem->ops->name, bytes, total_bytes(mem));
}
EXPORT_SYMBOL_GPL(swiotlb_report_grow);

/**
 * swiotlb_report_shrink() - tell that a backend gave memory back
 * @mem:   whose; its size is the new one already
 * @bytes: by how much it shrank
 *
 * Context: any.
 */
void swiotlb_report_shrink(struct swiotlb_mem *mem, size_t bytes)
{
	struct swiotlb_account *account = swiotlb_account_of(mem);

	atomic_long_inc(&account->shrinks);
	atomic_long_add(bytes, &account->shrunk_bytes);
	trace_swiotlb_shrink(mem->ops->name, bytes, total_bytes(mem));
}
EXPORT_SYMBOL_GPL(swiotlb_report_shrink);

/**
 * swiotlb_count_leak() - count memory for DMA that was lost elsewhere
 * @bytes: how much
 *
 * For users of set_memory_decrypted() and set_memory_encrypted() in the DMA layer
 * that must not free memory when those fail.
 *
 * Context: any.
 */
void swiotlb_count_leak(size_t bytes)
{
	atomic_long_add(bytes, &swiotlb_default_domain.own.leaked_bytes);
}

/**
 * swiotlb_promise() - remember what a device was told it may map at a time
 * @domain: the device's
 * @bytes:  what it was told
 *
 * Context: any.
 */
void swiotlb_promise(struct swiotlb_domain *domain, size_t bytes)
{
	raise_to(&domain->promised, min_t(size_t, bytes, LONG_MAX));
}

/**
 * swiotlb_size_bytes() - how much memory there is
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes.
 */
unsigned long swiotlb_size_bytes(const struct swiotlb_domain *domain)
{
	const struct swiotlb_mem *mem;
	unsigned long bytes = 0;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node)
		bytes += total_bytes(mem);
	return bytes;
}

/**
 * swiotlb_transient_bytes() - how much there is in pools for single mappings
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes.
 */
unsigned long swiotlb_transient_bytes(const struct swiotlb_domain *domain)
{
	unsigned long bytes = atomic_long_read(&domain->own.transient);
	const struct swiotlb_account *account;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(account, &domain->accounts, node)
		bytes += atomic_long_read(&account->transient);
	return bytes;
}

/**
 * swiotlb_mem_used() - how much of memory is in use
 * @mem: which
 *
 * Context: any; @mem must not go.
 * Return: bytes; pools for single mappings have never been counted as used memory.
 */
unsigned long swiotlb_mem_used(struct swiotlb_mem *mem)
{
	unsigned long bytes = mem->ops->used(mem);

	return bytes - min_t(unsigned long, bytes,
			     atomic_long_read(&swiotlb_account_of(mem)->transient));
}

/**
 * swiotlb_used_bytes() - how much is in use
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes.
 */
unsigned long swiotlb_used_bytes(struct swiotlb_domain *domain)
{
	unsigned long bytes = 0;
	struct swiotlb_mem *mem;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node)
		bytes += swiotlb_mem_used(mem);
	return bytes;
}

/**
 * swiotlb_hiwater_bytes() - highest use that was seen
 * @domain: where
 *
 * Backends report in steps. How much is in use now is known, and some know more:
 * here the marks of the domain and of its accounts become as high as is known.
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: bytes, at least what is in use now.
 */
unsigned long swiotlb_hiwater_bytes(struct swiotlb_domain *domain)
{
	atomic_long_t *hiwater = &domain->own.level.hiwater;
	unsigned long bytes;
	struct swiotlb_mem *mem;

	raise_to(hiwater, swiotlb_used_bytes(domain));
	list_for_each_entry(mem, &domain->mems, node) {
		bytes = swiotlb_mem_used(mem);
		if (mem->ops->peak)
			bytes = max_t(unsigned long, bytes,
				      mem->ops->peak(mem, false));
		raise_to(&swiotlb_account_of(mem)->level.hiwater, bytes);
		raise_to(hiwater, bytes);
	}
	return atomic_long_read(hiwater);
}

/**
 * swiotlb_reset_hiwater() - start over from what is in use now
 * @domain: where
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 */
void swiotlb_reset_hiwater(struct swiotlb_domain *domain)
{
	struct swiotlb_account *account;
	struct swiotlb_mem *mem;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(mem, &domain->mems, node) {
		if (mem->ops->peak)
			mem->ops->peak(mem, true);
	}
	list_for_each_entry(account, &domain->accounts, node)
		atomic_long_set(&account->level.hiwater, 0);
	atomic_long_set(&domain->own.level.hiwater, 0);
}

static enum swiotlb_fail fail_of(struct swiotlb_mem *mem, int err, size_t size)
{
	size_t used;

	switch (err) {
	case -ENODEV:
		return SWIOTLB_FAIL_NOT_READY;
	case -E2BIG:
		return SWIOTLB_FAIL_TOO_LARGE;
	case -ENXIO:
		return SWIOTLB_FAIL_REACH;
	case -ENOSPC:
		used = mem->ops->used(mem);
		if (total_bytes(mem) >= size && total_bytes(mem) - size >= used)
			return SWIOTLB_FAIL_FRAGMENTED;
		return SWIOTLB_FAIL_EXHAUSTED;
	default:
		return SWIOTLB_FAIL_INVALID;
	}
}

/**
 * swiotlb_map_failed() - count a failed mapping and tell why it failed
 * @dev:    device that asked
 * @domain: its domain
 * @mem:    the memory that was asked, or %NULL if there is none
 * @req:    what it asked for
 * @err:    -ENODEV if there is no memory, or what the backend said
 * @attrs:  of the mapping
 *
 * Context: any; in an RCU read section, or with something mapped in @mem.
 */
void swiotlb_map_failed(struct device *dev, struct swiotlb_domain *domain,
			struct swiotlb_mem *mem, const struct swiotlb_req *req,
			int err, unsigned long attrs)
{
	enum swiotlb_fail fail = fail_of(mem, err, req->size);
	const char *backend = mem ? mem->ops->name : "none";
	struct swiotlb_account *account;

	account = mem ? swiotlb_account_of(mem) : &domain->own;
	atomic_long_inc(&account->fails[fail]);
	trace_swiotlb_alloc_fail(dev, req->size, swiotlb_fail_names[fail],
				 backend);
	if (attrs & DMA_ATTR_NO_WARN)
		return;

	switch (fail) {
	case SWIOTLB_FAIL_NOT_READY:
		dev_warn_ratelimited(dev, "swiotlb has no memory to bounce %zu bytes (swiotlb=noforce, or none could be allocated or shared at boot)\n",
				     req->size);
		break;
	case SWIOTLB_FAIL_TOO_LARGE:
		dev_warn_ratelimited(dev, "swiotlb request of %zu bytes (min_align_mask %#x, alloc_align_mask %#x) is too large for backend %s\n",
				     req->size, req->min_align_mask,
				     req->alloc_align_mask, backend);
		break;
	case SWIOTLB_FAIL_REACH:
		dev_warn_ratelimited(dev, "swiotlb memory %pa-%pa of backend %s is out of reach, the device's limit is %#llx\n",
				     &mem->start, &mem->end, backend,
				     req->addr_limit);
		break;
	case SWIOTLB_FAIL_FRAGMENTED:
	case SWIOTLB_FAIL_EXHAUSTED:
		dev_warn_ratelimited(dev, "swiotlb buffer is %s (sz: %zu bytes), total %lu (slots), used %zu (slots), backend %s\n",
				     fail == SWIOTLB_FAIL_EXHAUSTED ?
				     "full" : "fragmented",
				     req->size, READ_ONCE(mem->nslabs),
				     mem->ops->used(mem) >> IO_TLB_SHIFT,
				     backend);
		break;
	default:
		dev_warn_ratelimited(dev, "swiotlb request of %zu bytes is invalid (%d)\n",
				     req->size, err);
		break;
	}
}
