// SPDX-License-Identifier: GPL-2.0
/*
 * Set-up of DMA in a confidential guest
 *
 * A device reaches nothing but memory that is shared with the host, so all of its
 * I/O goes through bounce buffers, and all of its coherent memory comes from
 * there. This decides how large they are, and in what units memory is shared. It
 * takes effect where cc_platform_has() says that this is such a guest, and
 * nowhere else: one kernel serves both.
 */
#include <linux/align.h>
#include <linux/cc_granule.h>
#include <linux/cc_platform.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/swiotlb.h>

#include <asm/coco_guest.h>

/* Of all memory; what served well in guests from 1 GiB on under heavy I/O */
#define POOL_PERCENT	8

/*
 * No machine has been seen that keeps more than this in flight. It is contiguous and
 * lies below 4 GiB if it can, where hardly any machine has more in one piece. More
 * memory for the pool is up to the backend, or to the user.
 */
#define POOL_MAX_BYTES	SZ_1G

/**
 * cc_shared_granule() - in what units memory should be shared with the host
 *
 * The host maps a guest by pages of 2 MiB if it can; and so does this kernel map
 * its own memory.
 *
 * Context: any, as soon as cc_platform_has() tells what the machine is.
 * Return: bytes.
 */
size_t cc_shared_granule(void)
{
	return cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT) ? SZ_2M : PAGE_SIZE;
}
EXPORT_SYMBOL_GPL(cc_shared_granule);

/*
 * What a guest of this size gets. At least as much as any other machine has, since
 * there a pool is the exception; but not so much that a small guest, or a crash
 * kernel, has no room to live in.
 */
static unsigned long __init pool_bytes(phys_addr_t memory)
{
	phys_addr_t bytes = memory / 100 * POOL_PERCENT;
	phys_addr_t least = min_t(phys_addr_t, IO_TLB_DEFAULT_SIZE,
				  ALIGN_DOWN(memory / 4, SZ_2M));

	return clamp_t(phys_addr_t, ALIGN(bytes, SZ_2M), least, POOL_MAX_BYTES);
}

/**
 * coco_guest_setup() - set up DMA in a confidential guest
 *
 * The backend is the one that was made for such guests: it shares whole granules
 * ahead of need, gives them back when they are idle, and has few locks that CPUs
 * have to wait for.
 *
 * Context: early boot, in a confidential guest; memblock knows all memory.
 */
void __init coco_guest_setup(void)
{
	swiotlb_setup_guest(pool_bytes(memblock_phys_mem_size()), "cc");
}
