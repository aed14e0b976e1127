// SPDX-License-Identifier: GPL-2.0
/*
 * Files in sysfs
 */
#include <pthread.h>

#include "shim.h"

static struct kobject root = { .name = "kernel" };
struct kobject *const kernel_kobj = &root;

/* Those below /sys/kernel, for there are few */
static struct kobject *dirs[8];
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

struct kobject *kobject_create_and_add(const char *name,
				       struct kobject *parent)
{
	struct kobject *kobj = kzalloc(sizeof(*kobj), GFP_KERNEL);
	unsigned int i;

	if (!kobj)
		return NULL;
	kobj->name = name;
	kobj->parent = parent;
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i]) {
			dirs[i] = kobj;
			return kobj;
		}
	}
	shim_warn("too many directories\n");
	return kobj;
}

void kobject_put(struct kobject *kobj)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i] == kobj)
			dirs[i] = NULL;
	}
	shim_remove_files(kobj);
	kfree(kobj);
}

const struct attribute *shim_find_file(struct kobject *kobj, const char *name)
{
	const struct attribute *attr = NULL;
	struct shim_file *file;

	pthread_mutex_lock(&files_lock);
	for (file = kobj->files; file && !attr; file = file->next) {
		if (!strcmp(file->attr->name, name))
			attr = file->attr;
	}
	pthread_mutex_unlock(&files_lock);
	return attr;
}

int sysfs_create_file(struct kobject *kobj, const struct attribute *attr)
{
	struct shim_file *file;

	if (shim_find_file(kobj, attr->name)) {
		shim_warn("a second file %s\n", attr->name);
		return -EEXIST;
	}
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	file->attr = attr;
	pthread_mutex_lock(&files_lock);
	file->next = kobj->files;
	kobj->files = file;
	pthread_mutex_unlock(&files_lock);
	return 0;
}

void sysfs_remove_file(struct kobject *kobj, const struct attribute *attr)
{
	struct shim_file **link, *file;

	pthread_mutex_lock(&files_lock);
	for (link = &kobj->files; *link && (*link)->attr != attr;
	     link = &(*link)->next)
		;
	file = *link;
	if (file)
		*link = file->next;
	pthread_mutex_unlock(&files_lock);
	kfree(file);
}

int sysfs_create_group(struct kobject *kobj, const struct attribute_group *group)
{
	struct attribute **attr;
	int err = 0;

	for (attr = group->attrs; *attr && !err; attr++)
		err = sysfs_create_file(kobj, *attr);
	while (err && attr-- != group->attrs)
		sysfs_remove_file(kobj, *attr);
	return err;
}

void shim_remove_files(struct kobject *kobj)
{
	while (kobj->files)
		sysfs_remove_file(kobj, kobj->files->attr);
}

static struct kobj_attribute *find(const char *name, struct kobject **kobj)
{
	const struct attribute *attr = NULL;
	unsigned int i;

	*kobj = NULL;
	for (i = 0; i < ARRAY_SIZE(dirs) && !attr; i++) {
		if (!dirs[i])
			continue;
		attr = shim_find_file(dirs[i], name);
		*kobj = dirs[i];
	}
	return attr ? container_of(attr, struct kobj_attribute, attr) : NULL;
}

ssize_t shim_sysfs_read(const char *name, char *buf)
{
	struct kobject *kobj;
	struct kobj_attribute *attr = find(name, &kobj);

	return !attr ? -ENOENT : !attr->show ? -EIO :
	       attr->show(kobj, attr, buf);
}

ssize_t shim_sysfs_write(const char *name, const char *value)
{
	struct kobject *kobj;
	struct kobj_attribute *attr = find(name, &kobj);
	char line[256];
	ssize_t len;

	if (!attr)
		return -ENOENT;
	if (!attr->store)
		return -EIO;
	scnprintf(line, sizeof(line), "%s\n", value);
	len = attr->store(kobj, attr, line, strlen(line));
	/* All of it is taken, or nothing */
	if (len >= 0 && len != strlen(line))
		shim_warn("%s took %zd bytes of %zu\n", name, len, strlen(line));
	return min_t(ssize_t, len, 0);
}
