/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In what units memory of a confidential guest should be shared with the host
 *
 * set_memory_decrypted() takes any number of pages anywhere. But the host backs
 * a block that is shared in part twice, the direct mapping of the guest is split
 * there, and both stay so. So who can choose shares whole granules:
 *
 *	bytes = cc_granule_align(bytes);
 *	... memory that begins at a multiple of cc_shared_granule() ...
 *	set_memory_decrypted(vaddr, bytes >> PAGE_SHIFT);
 *
 * Nobody has to: there are users that share single pages for good reasons.
 */
#ifndef _LINUX_CC_GRANULE_H
#define _LINUX_CC_GRANULE_H

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/types.h>

#ifdef CONFIG_ARCH_HAS_CC_GRANULE
size_t cc_shared_granule(void);
#else
/**
 * cc_shared_granule() - in what units memory should be shared with the host
 *
 * Context: any, as soon as cc_platform_has() tells what the machine is.
 * Return: bytes, a power of two, at least %PAGE_SIZE; just that where memory is
 * not private, or where the platform does not care.
 */
static inline size_t cc_shared_granule(void)
{
	return PAGE_SIZE;
}
#endif

/**
 * cc_granule_align() - round up to whole granules
 * @bytes: a size, or an address
 *
 * Context: as cc_shared_granule().
 * Return: the same or more.
 */
static inline u64 cc_granule_align(u64 bytes)
{
	return ALIGN(bytes, (u64)cc_shared_granule());
}

/**
 * cc_is_granules() - is a piece of memory made of whole granules
 * @start: its first address
 * @bytes: its size
 *
 * Context: as cc_shared_granule().
 * Return: %true if it is.
 */
static inline bool cc_is_granules(phys_addr_t start, size_t bytes)
{
	return IS_ALIGNED((u64)start | bytes, (u64)cc_shared_granule());
}

#endif /* _LINUX_CC_GRANULE_H */
