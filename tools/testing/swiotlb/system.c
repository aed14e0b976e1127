// SPDX-License-Identifier: GPL-2.0
/*
 * A machine to test on: how it boots, its devices, what it bounces
 */
#include "system.h"

/* Where buffers lie, each with room around it */
#define BUFFERS_START	0x8000000UL
#define BUFFER_STRIDE	0x20000UL
#define MAX_BUFFERS	1024

/* All patterns are parts of this one, so they can be copied and compared fast */
static u8 patterns[MAX_BUFFER_BYTES + 65536];

void boot_early(const char *cmdline, unsigned int flags,
		int (*remap)(void *tlb, unsigned long nslabs))
{
	char value[64];

	strscpy(value, cmdline, sizeof(value));
	shim_slab = false;
	CHECK_EQ(shim_swiotlb_setup(value), 0);
	swiotlb_init_remap(true, flags, remap);
	shim_slab = true;
	swiotlb_update_mem_attributes();
}

void boot_guest_early(const char *cmdline, unsigned long bytes)
{
	char value[64];

	shim_cc = true;
	shim_granule = SZ_2M;
	strscpy(value, cmdline, sizeof(value));
	shim_slab = false;
	CHECK_EQ(shim_swiotlb_setup(value), 0);
	swiotlb_setup_guest(bytes, "dynamic");
	swiotlb_init_remap(true, SWIOTLB_FORCE, NULL);
	shim_slab = true;
	swiotlb_update_mem_attributes();
}

void boot_initcalls(void)
{
	CHECK_EQ(shim_swiotlb_wq_init(), 0);
	CHECK_EQ(shim_swiotlb_boot_again(), 0);
	CHECK_EQ(shim_swiotlb_shared_init(), 0);
	CHECK_EQ(shim_dynamic_boot(), 0);
	CHECK_EQ(shim_swiotlb_device_init(), 0);
	CHECK_EQ(shim_swiotlb_sysfs_init(), 0);
	CHECK_EQ(shim_swiotlb_device_check(), 0);
	CHECK_EQ(shim_swiotlb_debugfs_init(), 0);
	shim_settle();
}

void boot_with(const char *cmdline)
{
	boot_early(cmdline, 0, NULL);
	boot_initcalls();
}

void boot_guest(const char *cmdline, unsigned long bytes)
{
	boot_guest_early(cmdline, bytes);
	boot_initcalls();
}

struct swiotlb_mem *default_mem(void)
{
	return rcu_dereference_raw(swiotlb_default.mem);
}

struct swiotlb_mem *mem_named(const char *backend)
{
	struct swiotlb_mem *mem;

	guard(mutex)(&swiotlb_mutex);
	list_for_each_entry(mem, &swiotlb_default_domain.mems, node) {
		if (!strcmp(mem->ops->name, backend))
			return mem;
	}
	return NULL;
}

unsigned int nr_mems(void)
{
	struct swiotlb_mem *mem;
	unsigned int nr = 0;

	guard(mutex)(&swiotlb_mutex);
	list_for_each_entry(mem, &swiotlb_default_domain.mems, node)
		nr++;
	return nr;
}

size_t used_bytes(const char *backend)
{
	struct swiotlb_mem *mem = mem_named(backend);

	return mem ? mem->ops->used(mem) : 0;
}

long fails(enum swiotlb_fail fail)
{
	return counted(&swiotlb_default_domain, fails[fail]);
}

int switch_to(const char *backend)
{
	return shim_sysfs_write("backend", backend);
}

static void check_line(char *line, ssize_t len, const char *expected)
{
	test_note("backends \"%s\"", line);
	CHECK_EQ(len, strlen(expected) + 1);
	CHECK_EQ(line[len - 1], '\n');
	CHECK(!strncmp(line, expected, len - 1));
}

void check_backends(const char *expected)
{
	char line[PAGE_SIZE] = "";
	ssize_t len = shim_sysfs_read("backend", line);

	check_line(line, len, expected);
}

void check_backends_of(struct device *dev, const char *expected)
{
	char line[PAGE_SIZE] = "";
	ssize_t len = shim_device_read(dev, "swiotlb_backend", line);

	check_line(line, len, expected);
}

void check_file(const char *path, const char *expected)
{
	const char *text = shim_debugfs_read(path);

	test_note("%s: \"%s\"", path, text);
	CHECK(text);
	CHECK(!strcmp(text, expected));
}

unsigned long number_in(const char *path)
{
	const char *text = shim_debugfs_read(path);
	unsigned long number;

	test_note("%s: \"%s\"", path, text);
	CHECK(text);
	CHECK_EQ(kstrtoul(text, 10, &number), 0);
	return number;
}

void let_retire(void)
{
	shim_pass_ms(2500);
}

static void __attribute__((constructor)) make_patterns(void)
{
	u64 seed = 4711;
	size_t i;

	for (i = 0; i < sizeof(patterns); i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		patterns[i] = seed >> 56;
	}
}

static const u8 *pattern_of(const struct buffer *buffer)
{
	return patterns + buffer->pattern % 65536;
}

static void new_pattern(struct buffer *buffer)
{
	buffer->pattern = buffer->pattern * 75 + 74;
}

void buffer_init(struct buffer *buffer, unsigned int number, size_t size)
{
	CHECK(number < MAX_BUFFERS && size && size <= MAX_BUFFER_BYTES);
	buffer->orig = BUFFERS_START + number * BUFFER_STRIDE + number % 7 * 512;
	buffer->size = size;
	buffer->addr = DMA_MAPPING_ERROR;
	buffer->pattern = number * 977;
}

void *device_view(struct device *dev, dma_addr_t addr)
{
	return shim_ram(addr - dev->dma_offset);
}

struct io_tlb_pool *buffer_pool(const struct buffer *buffer)
{
	return swiotlb_find_pool(buffer->dev,
				 buffer->addr - buffer->dev->dma_offset);
}

static void cpu_writes(struct buffer *buffer)
{
	new_pattern(buffer);
	memcpy(shim_ram(buffer->orig), pattern_of(buffer), buffer->size);
}

static void device_reads(struct buffer *buffer)
{
	CHECK(!memcmp(device_view(buffer->dev, buffer->addr),
		      pattern_of(buffer), buffer->size));
}

static void device_writes(struct buffer *buffer)
{
	new_pattern(buffer);
	memcpy(device_view(buffer->dev, buffer->addr), pattern_of(buffer),
	       buffer->size);
}

static void cpu_reads(struct buffer *buffer)
{
	CHECK(!memcmp(shim_ram(buffer->orig), pattern_of(buffer),
		      buffer->size));
}

bool buffer_map(struct buffer *buffer, struct device *dev)
{
	dma_addr_t addr;

	CHECK_EQ(buffer->addr, DMA_MAPPING_ERROR);
	buffer->dev = dev;
	cpu_writes(buffer);
	addr = swiotlb_map(dev, buffer->orig, buffer->size, DMA_BIDIRECTIONAL,
			   0);
	if (addr == DMA_MAPPING_ERROR)
		return false;

	buffer->addr = addr;
	CHECK(!((addr ^ buffer->orig) & dev->min_align_mask));
	device_reads(buffer);
	return true;
}

static phys_addr_t tlb_addr(const struct buffer *buffer)
{
	return buffer->addr - buffer->dev->dma_offset;
}

void buffer_to_device(struct buffer *buffer)
{
	device_reads(buffer);
	cpu_writes(buffer);
	swiotlb_sync_single_for_device(buffer->dev, tlb_addr(buffer),
				       buffer->size, DMA_BIDIRECTIONAL);
	device_reads(buffer);
}

void buffer_to_cpu(struct buffer *buffer)
{
	device_reads(buffer);
	device_writes(buffer);
	swiotlb_sync_single_for_cpu(buffer->dev, tlb_addr(buffer),
				    buffer->size, DMA_BIDIRECTIONAL);
	cpu_reads(buffer);
}

void buffer_unmap(struct buffer *buffer)
{
	device_reads(buffer);
	device_writes(buffer);
	swiotlb_tbl_unmap_single(buffer->dev, tlb_addr(buffer), buffer->size,
				 DMA_BIDIRECTIONAL, 0);
	cpu_reads(buffer);
	buffer->addr = DMA_MAPPING_ERROR;
}
