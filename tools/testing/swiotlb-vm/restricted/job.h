/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the restricted job share. */
#ifndef _RESTRICTED_JOB_H
#define _RESTRICTED_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct pool - a restricted pool
 * @name:	folder of it in debugfs, and node in the device tree
 * @start:	first address that whole pages of it have
 * @end:	just behind the last one
 * @nr_devices: how many are bound to it
 */
struct pool {
	const char *name;
	uint64_t start;
	uint64_t end;
	unsigned int nr_devices;
};

/**
 * struct device - a disk
 * @name: of the platform device
 * @what: for messages
 * @pool: that it is restricted to, or NULL
 */
struct device {
	const char *name;
	const char *what;
	struct pool *pool;
};

/**
 * struct addresses - DMA addresses that a device got
 * @nr_mapped:	 of mappings
 * @nr_coherent: of coherent memory
 * @nr_inside:	 of both, those in one of the pools
 * @nr_outside:	 of both, those not in the device's own pool
 */
struct addresses {
	unsigned int nr_mapped;
	unsigned int nr_coherent;
	unsigned int nr_inside;
	unsigned int nr_outside;
};

#define NR_POOLS	2
#define NR_DEVICES	5
extern struct pool pools[NR_POOLS];
extern struct device devices[NR_DEVICES];

/* job.c: say why a test failed; the value is for the caller to return */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* device.c */
int find_pools(void);
long pool_value(const struct pool *pool, const char *file);
int pool_restart_hiwater(const struct pool *pool);
long pool_failures(const struct pool *pool, const char *reason);
bool pool_has_line(const struct pool *pool, const char *file, const char *line);
int device_bind(const struct device *dev, bool on);
int device_disk(const struct device *dev, char *path, size_t size);
int device_refuses_backends(const struct device *dev, bool *absent);
int trace_restart(void);
int trace_addresses(const struct device *dev, struct addresses *found);

/* disk.c */
int disk_verify(const struct device *dev, size_t max_bytes);
int disk_crowd(const struct device *dev);

#endif /* _RESTRICTED_JOB_H */
