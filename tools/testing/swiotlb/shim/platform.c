// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs, memory encryption, sysfs
 */
#include "shim.h"

__thread unsigned int shim_cpu;
unsigned int shim_nr_cpus = 4;
unsigned int shim_grace_periods;
bool shim_cc;
unsigned int shim_refuse_conversions;

static const struct attribute *sysfs_files[8];

static int convert(void)
{
	if (!shim_refuse_conversions)
		return 0;
	shim_refuse_conversions--;
	return -EIO;
}

int set_memory_decrypted(unsigned long addr, int nr_pages)
{
	return convert();
}

int set_memory_encrypted(unsigned long addr, int nr_pages)
{
	return convert();
}

int sysfs_create_file(struct kobject *kobj, const struct attribute *attr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sysfs_files); i++) {
		if (!sysfs_files[i]) {
			sysfs_files[i] = attr;
			return 0;
		}
	}
	return -ENOMEM;
}

/* @buf has room for a page */
ssize_t shim_sysfs_read(const char *name, char *buf)
{
	struct kobj_attribute *attr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sysfs_files) && sysfs_files[i]; i++) {
		if (strcmp(sysfs_files[i]->name, name))
			continue;
		attr = container_of(sysfs_files[i], struct kobj_attribute, attr);
		return attr->show(NULL, attr, buf);
	}
	return -ENOENT;
}
