/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Interface between the swiotlb_test module and the swiotlb_test program.
 *
 * One open file is one context: an arena (physically contiguous kernel memory,
 * which the program sees through mmap()) and the DMA mappings of pieces of it.
 * Device parameters belong to the device, hence to all contexts.
 *
 * Every call returns 0 or an errno. A mapping which the DMA API refuses is EIO,
 * and nothing else is.
 */
#ifndef _SWIOTLB_TEST_H
#define _SWIOTLB_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SWIOTLB_TEST_MAX_SEGS		16
#define SWIOTLB_TEST_MAX_ARENA_BYTES	(4U << 20)

/*
 * QEMU's edu device has a buffer of 4096 bytes, but QEMU 7.2 stops the whole
 * machine when a transfer touches the last of them.
 */
#define SWIOTLB_TEST_EDU_BYTES		4095

/* Values of the dir members, those of enum dma_data_direction. */
#define SWIOTLB_TEST_BIDIR		0
#define SWIOTLB_TEST_TO_DEVICE		1
#define SWIOTLB_TEST_FROM_DEVICE	2

#define SWIOTLB_TEST_SG			0x01 /* map: dma_map_sgtable() */
#define SWIOTLB_TEST_SKIP_SYNC		0x02 /* DMA_ATTR_SKIP_CPU_SYNC */
#define SWIOTLB_TEST_NO_WARN		0x04 /* DMA_ATTR_NO_WARN */
#define SWIOTLB_TEST_ATOMIC		0x08 /* with interrupts off */
#define SWIOTLB_TEST_FOR_DEVICE		0x10 /* sync: for_device, not for_cpu */
#define SWIOTLB_TEST_OVERFLOW		0x20 /* sync: do not check the range */
#define SWIOTLB_TEST_WRITE		0x40 /* xfer: write, not read */
#define SWIOTLB_TEST_CPU		0x80 /* xfer: the CPU's address */
#define SWIOTLB_TEST_STRAY		0x100 /* edu: outside of the mapping */

/* How far outside: close enough to stay in bounce memory, and in other hands. */
#define SWIOTLB_TEST_STRAY_BYTES	64

/* Refused (EBUSY) while any mapping of the device is live. */
struct swiotlb_test_params {
	__u64 dma_mask;
	__u64 seg_boundary_mask;
	__u32 min_align_mask;
	__u32 max_seg_bytes;
};

struct swiotlb_test_info {
	__u64 max_mapping_bytes;	/* dma_max_mapping_size() */
	__u32 nr_live;			/* mappings of all contexts */
	__u32 page_bytes;
};

struct swiotlb_test_seg {
	__u64 offset;			/* in: into the arena */
	__u64 bytes;			/* in */
	__u64 phys;			/* out: of the original */
	__u64 dma;			/* out: what the device is told */
	__u32 bounced;			/* out: dma leads elsewhere than phys */
	__u32 reserved;
};

struct swiotlb_test_map {
	__u32 id;			/* out */
	__u32 dir;
	__u32 flags;			/* SG, SKIP_SYNC, NO_WARN, ATOMIC */
	__u32 nr_segs;			/* 1 unless SG */
	struct swiotlb_test_seg segs[SWIOTLB_TEST_MAX_SEGS];
};

struct swiotlb_test_unmap {
	__u32 id;
	__u32 flags;			/* SKIP_SYNC, ATOMIC */
};

/* An SG mapping is synced as a whole: offset and bytes must be 0. */
struct swiotlb_test_sync {
	__u32 id;
	__u32 flags;			/* FOR_DEVICE, OVERFLOW, ATOMIC */
	__u64 offset;
	__u64 bytes;
};

/* Play the device: access memory through the DMA address. */
struct swiotlb_test_xfer {
	__u32 id;
	__u32 seg;
	__u32 flags;			/* WRITE; CPU for coherent memory */
	__u32 reserved;
	__u64 offset;
	__u64 bytes;
	__u64 user_addr;
};

struct swiotlb_test_coherent {
	__u64 bytes;
	__u64 dma;			/* out */
	__u32 id;			/* out; freed with UNMAP */
	__u32 reserved;
};

/*
 * Let the device's own DMA engine move data; waits for its end. A STRAY one
 * does what a broken device does: it reads or writes up to STRAY_BYTES before
 * the mapping (a negative offset) or behind it. What lies there is damaged.
 */
struct swiotlb_test_edu {
	__u32 id;
	__u32 seg;
	__u64 offset;
	__u32 bytes;
	__u32 edu_offset;		/* into the device's buffer */
	__u32 dir;			/* TO_DEVICE or FROM_DEVICE */
	__u32 flags;			/* STRAY */
};

#define SWIOTLB_TEST_IOC_ARENA		_IOW('S', 0xb0, __u64)
#define SWIOTLB_TEST_IOC_PARAMS		_IOW('S', 0xb1, struct swiotlb_test_params)
#define SWIOTLB_TEST_IOC_INFO		_IOR('S', 0xb2, struct swiotlb_test_info)
#define SWIOTLB_TEST_IOC_MAP		_IOWR('S', 0xb3, struct swiotlb_test_map)
#define SWIOTLB_TEST_IOC_UNMAP		_IOW('S', 0xb4, struct swiotlb_test_unmap)
#define SWIOTLB_TEST_IOC_SYNC		_IOW('S', 0xb5, struct swiotlb_test_sync)
#define SWIOTLB_TEST_IOC_XFER		_IOW('S', 0xb6, struct swiotlb_test_xfer)
#define SWIOTLB_TEST_IOC_COHERENT	_IOWR('S', 0xb7, struct swiotlb_test_coherent)
#define SWIOTLB_TEST_IOC_EDU		_IOW('S', 0xb8, struct swiotlb_test_edu)

#endif /* _SWIOTLB_TEST_H */
