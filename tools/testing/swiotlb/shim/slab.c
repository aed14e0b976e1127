// SPDX-License-Identifier: GPL-2.0
/*
 * Slab, allocations that fail on demand, and who may wait for memory
 */
#include "shim.h"

/* As large as the kernel's kmalloc() gets */
#define KMALLOC_MAX	(4UL << 20)

bool shim_slab = true;
long shim_live;
bool shim_nowait_fails;
unsigned long shim_nr_nowait;

static unsigned int allocs_until_failure;
static bool failed;
static unsigned long nr_io_allocs, nr_blocking_allocs;

void shim_fail_alloc(unsigned int nth)
{
	__atomic_store_n(&failed, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&allocs_until_failure, nth, __ATOMIC_SEQ_CST);
}

/* Did the failure asked for happen? Asks for no more. */
bool shim_alloc_failed(void)
{
	__atomic_store_n(&allocs_until_failure, 0, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&failed, __ATOMIC_SEQ_CST);
}

/* For the allocators: is it this one's turn? */
bool shim_must_fail(void)
{
	unsigned int n = __atomic_load_n(&allocs_until_failure, __ATOMIC_RELAXED);

	while (n && !try_cmpxchg(&allocs_until_failure, &n, n - 1))
		;
	if (n != 1)
		return false;
	__atomic_store_n(&failed, true, __ATOMIC_SEQ_CST);
	return true;
}

unsigned int memalloc_noio_save(void)
{
	return shim_context.noio++;
}

void memalloc_noio_restore(unsigned int flags)
{
	shim_context.noio = flags;
}

unsigned long shim_nr_io_allocs(void)
{
	return __atomic_load_n(&nr_io_allocs, __ATOMIC_RELAXED);
}

unsigned long shim_nr_blocking_allocs(void)
{
	return __atomic_load_n(&nr_blocking_allocs, __ATOMIC_RELAXED);
}

void shim_check_gfp(gfp_t gfp, const char *who)
{
	if (!gfpflags_allow_blocking(gfp))
		return;
	__atomic_fetch_add(&nr_blocking_allocs, 1, __ATOMIC_RELAXED);
	shim_might_sleep(who);
	if (!(gfp & __GFP_IO) || shim_context.noio)
		return;
	__atomic_fetch_add(&nr_io_allocs, 1, __ATOMIC_RELAXED);
	/* I/O waits for bounce buffers, and these wait for the worker */
	if (shim_is_reclaimer())
		shim_warn("%s: may wait for I/O that may wait for it\n", who);
}

static void *slab_alloc(size_t bytes, size_t limit, gfp_t gfp, const char *who)
{
	void *p;

	if (!shim_slab)
		shim_warn("slab is used before it is there\n");
	shim_check_gfp(gfp, who);
	shim_jitter();
	if (bytes > limit || shim_must_fail())
		return NULL;
	if (!gfpflags_allow_blocking(gfp)) {
		__atomic_fetch_add(&shim_nr_nowait, 1, __ATOMIC_RELAXED);
		if (shim_nowait_fails)
			return NULL;
	}
	/* Aligned as the kernel aligns what is a multiple of a cache line */
	p = aligned_alloc(SMP_CACHE_BYTES, ALIGN(bytes, SMP_CACHE_BYTES));
	memset(p, 0, ALIGN(bytes, SMP_CACHE_BYTES));
	__atomic_fetch_add(&shim_live, 1, __ATOMIC_RELAXED);
	return p;
}

void *kzalloc(size_t bytes, gfp_t gfp)
{
	if (bytes > KMALLOC_MAX && !(gfp & __GFP_NOWARN))
		shim_warn("%zu bytes of kmalloc() memory\n", bytes);
	return slab_alloc(bytes, KMALLOC_MAX, gfp, __func__);
}

void *kvzalloc(size_t bytes, gfp_t gfp)
{
	if (bytes > INT_MAX && !(gfp & __GFP_NOWARN))
		shim_warn("%zu bytes of kvmalloc() memory\n", bytes);
	/* vmalloc() has to wait, so who must not gets what kmalloc() has */
	return slab_alloc(bytes, gfpflags_allow_blocking(gfp) ?
				 INT_MAX : KMALLOC_MAX, gfp, __func__);
}

void kfree(const void *p)
{
	if (p)
		__atomic_fetch_sub(&shim_live, 1, __ATOMIC_RELAXED);
	free((void *)p);
}
