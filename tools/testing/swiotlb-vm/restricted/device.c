// SPDX-License-Identifier: GPL-2.0
/* Pools and devices, as the kernel's files show them. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

#define TREE	"/sys/firmware/devicetree/base/reserved-memory/"
#define DEBUGFS	"/sys/kernel/debug/swiotlb/"
#define BUS	"/sys/bus/platform/"
#define TRACING	"/sys/kernel/tracing/"

#define PAGE_BYTES	4096ULL
#define WAIT_MS		10000

struct pool pools[NR_POOLS] = {
	{ .name = "large@58000000", .nr_devices = 2 },
	{ .name = "small@58400800", .nr_devices = 1 },
};

/* Slots of the board, see qemu.py: one disk in each. */
struct device devices[NR_DEVICES] = {
	{ "a000000.virtio_mmio", "first disk of the large pool", &pools[0] },
	{ "a000200.virtio_mmio", "non-coherent disk of the large pool", &pools[0] },
	{ "a000400.virtio_mmio", "disk of the small pool", &pools[1] },
	{ "a000600.virtio_mmio", "disk whose pool could not be made", NULL },
	{ "a000800.virtio_mmio", "disk without a pool", NULL },
};

static uint64_t big_endian(const unsigned char *bytes)
{
	uint64_t val = 0;

	for (int i = 0; i < 8; i++)
		val = val << 8 | bytes[i];
	return val;
}

/* Where the device tree has the pools, without pages that are not whole. */
int find_pools(void)
{
	for (int i = 0; i < NR_POOLS; i++) {
		unsigned char reg[16];
		char path[PATH_MAX];
		uint64_t base;
		FILE *file;
		size_t got;

		snprintf(path, sizeof(path), TREE "%s/reg", pools[i].name);
		file = fopen(path, "r");
		if (!file)
			return fail("%s: %s", path, strerror(errno));
		got = fread(reg, 1, sizeof(reg), file);
		fclose(file);
		if (got != sizeof(reg))
			return fail("%s: %zu bytes", path, got);
		base = big_endian(reg);
		pools[i].start = (base + PAGE_BYTES - 1) & -PAGE_BYTES;
		pools[i].end = (base + big_endian(reg + 8)) & -PAGE_BYTES;
	}
	return 0;
}

static FILE *open_pool_file(const struct pool *pool, const char *name, const char *mode)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), DEBUGFS "%s%s%s", pool ? pool->name : "",
		 pool ? "/" : "", name);
	file = fopen(path, mode);
	if (!file)
		fail("%s: %s", path, strerror(errno));
	return file;
}

/* A number out of debugfs, of the default pool if there is no other; -1 if there is none. */
long pool_value(const struct pool *pool, const char *name)
{
	FILE *file = open_pool_file(pool, name, "r");
	long val = -1;

	if (file) {
		if (fscanf(file, "%ld", &val) != 1)
			fail("%s: not a number", name);
		fclose(file);
	}
	return val;
}

int pool_restart_hiwater(const struct pool *pool)
{
	FILE *file = open_pool_file(pool, "io_tlb_used_hiwater", "w");

	if (!file)
		return -1;
	fputs("0", file);
	return fclose(file) ? fail("hiwater: %s", strerror(errno)) : 0;
}

/* Failed mappings with one reason, or of all reasons together (NULL). */
long pool_failures(const struct pool *pool, const char *reason)
{
	FILE *file = open_pool_file(pool, "failures", "r");
	char word[64];
	long val, sum = 0;

	if (!file)
		return -1;
	while (fscanf(file, "%63s %ld", word, &val) == 2)
		if (!reason || !strcmp(word, reason))
			sum += val;
	fclose(file);
	return sum;
}

/* Is there a line that begins like this? */
bool pool_has_line(const struct pool *pool, const char *name, const char *begin)
{
	FILE *file = open_pool_file(pool, name, "r");
	char line[256];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found |= !strncmp(line, begin, strlen(begin));
	if (file)
		fclose(file);
	return found;
}

static int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, word, strlen(word)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Give the device to its driver, or take it away. */
int device_bind(const struct device *dev, bool on)
{
	const char *path = on ? BUS "drivers/virtio-mmio/bind" :
				BUS "drivers/virtio-mmio/unbind";
	int err = write_word(path, dev->name);

	return err ? fail("%s: %s %s: %s", dev->what, on ? "bind" : "unbind",
			  dev->name, strerror(-err)) : 0;
}

/* Path of the disk behind a device; its node may take a moment. */
int device_disk(const struct device *dev, char *path, size_t size)
{
	char pattern[PATH_MAX];

	snprintf(pattern, sizeof(pattern), BUS "devices/%s/virtio*/block/*", dev->name);
	for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 10) {
		glob_t found = { 0 };

		glob(pattern, 0, NULL, &found);
		if (found.gl_pathc) {
			snprintf(path, size, "/dev/%s", basename(found.gl_pathv[0]));
			globfree(&found);
			if (!access(path, R_OK | W_OK))
				return 0;
		} else {
			globfree(&found);
		}
		usleep(10 * 1000);
	}
	return fail("%s: no disk appeared", dev->what);
}

/* Must not get another backend: the pool is all that it may touch. */
int device_refuses_backends(const struct device *dev, bool *absent)
{
	static const char * const names[] = { "default", "fixed", "dynamic" };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), BUS "devices/%s/swiotlb_backend", dev->name);
	*absent = access(path, F_OK);
	for (size_t i = 0; !*absent && i < ARRAY_SIZE(names); i++) {
		int err = write_word(path, names[i]);

		if (err != -EPERM)
			return fail("%s: writing %s to swiotlb_backend: %s, not EPERM",
				    dev->what, names[i], strerror(-err));
	}
	return 0;
}

/* Record DMA addresses from here on. */
int trace_restart(void)
{
	static const char * const events[] = { "dma_alloc", "dma_map_page", "dma_map_sg" };
	char path[PATH_MAX];
	int err;

	write_word(TRACING "buffer_size_kb", "8192");
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), TRACING "events/dma/%s/enable", events[i]);
		err = write_word(path, "1");
		if (err)
			return fail("%s: %s", path, strerror(-err));
	}
	/* Opening it for writing empties it. */
	err = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (err < 0)
		return fail("trace: %s", strerror(errno));
	close(err);
	return 0;
}

static void count_address(const struct device *dev, uint64_t address, struct addresses *found)
{
	for (int i = 0; i < NR_POOLS; i++) {
		bool inside = address >= pools[i].start && address < pools[i].end;

		found->nr_inside += inside;
		if (dev->pool == &pools[i])
			found->nr_outside += !inside;
	}
}

/* What the trace has on a device: `dma_addr=1234`, or `dma_addrs={0x1234,0x5678}`. */
int trace_addresses(const struct device *dev, struct addresses *found)
{
	FILE *file = fopen(TRACING "trace", "r");
	char line[8192];

	*found = (struct addresses){ 0 };
	if (!file)
		return fail("trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		bool coherent = strstr(line, " dma_alloc: ");
		char *pos = strstr(line, " dma_addr");

		if (*line == '#' || !pos || !strstr(line, dev->name))
			continue;
		pos += strcspn(pos, "=");
		do {
			pos += 1 + (pos[1] == '{');
			count_address(dev, strtoull(pos, &pos, 16), found);
			*(coherent ? &found->nr_coherent : &found->nr_mapped) += 1;
		} while (*pos == ',');
	}
	fclose(file);
	return 0;
}
