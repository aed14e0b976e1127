/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files in sysfs and debugfs
 */
#ifndef _SHIM_FILES_H
#define _SHIM_FILES_H

struct seq_file {
	void *private;
	size_t len;
	char text[16384];
};

#define seq_printf(m, fmt, ...) \
	((m)->len += scnprintf((m)->text + (m)->len, \
			       sizeof((m)->text) - (m)->len, \
			       fmt, ##__VA_ARGS__))
#define seq_puts(m, s)		((void)seq_printf(m, "%s", s))
#define seq_putc(m, c)		((void)seq_printf(m, "%c", c))

/* Each directory is one of these; its files are in a list */
struct kobject {
	const char *name;
	struct kobject *parent;
	struct shim_file *files;
};

struct attribute {
	const char *name;
	umode_t mode;
};

struct kobj_attribute {
	struct attribute attr;
	ssize_t (*show)(struct kobject *kobj, struct kobj_attribute *attr,
			char *buf);
	ssize_t (*store)(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count);
};

struct attribute_group {
	const char *name;
	struct attribute **attrs;
};

#define __ATTR(file, perm, show_fn, store_fn) { \
	.attr = { .name = #file, .mode = (perm) }, \
	.show = (show_fn), \
	.store = (store_fn), \
}

#define __ATTR_RO(file)		__ATTR(file, 0444, file##_show, NULL)
#define __ATTR_RW(file)		__ATTR(file, 0644, file##_show, file##_store)
#define __ATTR_WO(file)		__ATTR(file, 0200, NULL, file##_store)
#define ATTRIBUTE_GROUPS(group) \
	static const struct attribute_group group##_group = { \
		.attrs = group##_attrs, \
	}

struct shim_file {
	const struct attribute *attr;
	struct shim_file *next;
};

extern struct kobject *const kernel_kobj;
struct kobject *kobject_create_and_add(const char *name,
				       struct kobject *parent);
void kobject_put(struct kobject *kobj);
int sysfs_create_file(struct kobject *kobj, const struct attribute *attr);
void sysfs_remove_file(struct kobject *kobj, const struct attribute *attr);
int sysfs_create_group(struct kobject *kobj, const struct attribute_group *group);
void shim_remove_files(struct kobject *kobj);
const struct attribute *shim_find_file(struct kobject *kobj, const char *name);

#define sysfs_emit(buf, fmt, ...) \
	scnprintf(buf, PAGE_SIZE, fmt, ##__VA_ARGS__)
#define sysfs_emit_at(buf, at, fmt, ...) \
	scnprintf((buf) + (at), PAGE_SIZE - (at), fmt, ##__VA_ARGS__)

/* The file of this name in whatever directory below /sys/kernel; @buf has room
 * for a page. As a shell does, a newline is written with the value.
 */
ssize_t shim_sysfs_read(const char *name, char *buf);
ssize_t shim_sysfs_write(const char *name, const char *value);

#endif /* _SHIM_FILES_H */
