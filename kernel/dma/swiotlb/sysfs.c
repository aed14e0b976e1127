// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/swiotlb/: the backend of all devices that were not pinned
 */
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/rcupdate.h>
#include <linux/swiotlb.h>
#include <linux/sysfs.h>

#include "internal.h"

static ssize_t backend_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	const struct swiotlb_mem *mem;
	int len;

	guard(mutex)(&swiotlb_mutex);
	mem = rcu_dereference_protected(swiotlb_default.mem, true);
	len = swiotlb_show_backends(mem ? mem->ops : NULL, buf, PAGE_SIZE - 1);
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t backend_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	return swiotlb_switch(buf) ?: count;
}

static struct kobj_attribute backend_attr = __ATTR_RW(backend);

static int __init swiotlb_sysfs_init(void)
{
	struct kobject *dir = kobject_create_and_add("swiotlb", kernel_kobj);
	int err;

	if (!dir)
		return -ENOMEM;

	err = sysfs_create_file(dir, &backend_attr.attr);
	if (err)
		kobject_put(dir);
	return err;
}
subsys_initcall(swiotlb_sysfs_init);
