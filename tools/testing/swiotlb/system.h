/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine to test on: how it boots, its devices, what it bounces
 */
#ifndef _SWIOTLB_SYSTEM_H
#define _SWIOTLB_SYSTEM_H

#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "bounce.h"
#include "../../../kernel/dma/swiotlb/internal.h"
#include "counted.h"
#include "test.h"

int shim_swiotlb_setup(char *value);
int shim_swiotlb_wq_init(void);
int shim_swiotlb_boot_again(void);
int shim_swiotlb_shared_init(void);
int shim_dynamic_boot(void);
int shim_swiotlb_sysfs_init(void);
int shim_swiotlb_device_init(void);
int shim_swiotlb_device_check(void);
int shim_swiotlb_debugfs_init(void);

/* Reaches everything, and sees memory 2 GiB higher than the CPU does */
#define TEST_DEVICE(dev) \
	static u64 dev##_mask = U64_MAX; \
	static struct device dev = { \
		.dma_mask = &dev##_mask, \
		.coherent_dma_mask = U64_MAX, \
		.seg_boundary = 0xffffffff, \
		.dma_offset = 0x80000000, \
	}

/* Up to initcalls; @remap and @flags as the architecture says; then the rest */
void boot_early(const char *cmdline, unsigned int flags,
		int (*remap)(void *tlb, unsigned long nslabs));
void boot_initcalls(void);
void boot_with(const char *cmdline);
/* Up to initcalls in a confidential guest, whose platform wants a pool of @bytes */
void boot_guest_early(const char *cmdline, unsigned long bytes);
void boot_guest(const char *cmdline, unsigned long bytes);

struct swiotlb_mem *default_mem(void);
/* Memory of a backend in the default domain, whatever it is for, or NULL */
struct swiotlb_mem *mem_named(const char *backend);
unsigned int nr_mems(void);
size_t used_bytes(const char *backend);
long fails(enum swiotlb_fail fail);
int switch_to(const char *backend);
/* What the files say, compared with @expected but for the newline */
void check_backends(const char *expected);
void check_backends_of(struct device *dev, const char *expected);
/* A file of debugfs; and the number in it */
void check_file(const char *path, const char *expected);
unsigned long number_in(const char *path);
/* Long enough for anything that nobody uses to be gone */
void let_retire(void);

/**
 * struct buffer - a buffer that may be mapped
 * @dev:     by whom
 * @orig:    where it is, in memory of the tests' own
 * @size:    its bytes
 * @addr:    DMA address, or %DMA_MAPPING_ERROR if it is not mapped
 * @pattern: what it is full of; nothing else should be
 */
struct buffer {
	struct device *dev;
	phys_addr_t orig;
	size_t size;
	dma_addr_t addr;
	unsigned int pattern;
};

#define MAX_BUFFER_BYTES	0x10000UL

/* Each has a place and a pattern of its own, by its number */
void buffer_init(struct buffer *buffer, unsigned int number, size_t size);
/* False if there is no room */
bool buffer_map(struct buffer *buffer, struct device *dev);
/* The device reads what the CPU wrote before */
void buffer_to_device(struct buffer *buffer);
/* The CPU reads what the device wrote before */
void buffer_to_cpu(struct buffer *buffer);
/* And when the device wrote a last time, it is over */
void buffer_unmap(struct buffer *buffer);
struct io_tlb_pool *buffer_pool(const struct buffer *buffer);
void *device_view(struct device *dev, dma_addr_t addr);

#endif /* _SWIOTLB_SYSTEM_H */
