/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debugfs, and reserved memory of the device tree
 */
#ifndef _SHIM_DEBUGFS_H
#define _SHIM_DEBUGFS_H

struct dentry {
	const char *name;
	struct dentry *parent;
};

/* Either shows text, or gets and sets a number */
struct file_operations {
	int (*show)(struct seq_file *m, void *unused);
	int (*get)(void *data, u64 *val);
	int (*set)(void *data, u64 val);
	const char *fmt;
};

#define DEFINE_SHOW_ATTRIBUTE(file) \
	static const struct file_operations file##_fops = { \
		.show = file##_show, \
	}
#define DEFINE_DEBUGFS_ATTRIBUTE(fops, getter, setter, format) \
	static const struct file_operations fops = { \
		.get = getter, .set = setter, .fmt = format, \
	}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, umode_t mode,
				   struct dentry *parent, void *data,
				   const struct file_operations *fops);

/* By path, "swiotlb/state"; the text is good until the next call, or NULL */
const char *shim_debugfs_read(const char *path);
int shim_debugfs_write(const char *path, u64 value);

/* Reserved memory: what a driver for it is, and a node with one property or none */
struct reserved_mem;

struct reserved_mem_ops {
	int (*device_init)(struct reserved_mem *rmem, struct device *dev);
	void (*device_release)(struct reserved_mem *rmem, struct device *dev);
};

struct reserved_mem {
	const char *name;
	unsigned long fdt_node;
	const struct reserved_mem_ops *ops;
	phys_addr_t base;
	phys_addr_t size;
	void *priv;
};

extern const char *shim_dt_prop;
const void *of_get_flat_dt_prop(unsigned long node, const char *prop, int *size);
#define RESERVEDMEM_OF_DECLARE(name, compatible, fn) \
	int shim_##fn(struct reserved_mem *rmem); \
	int shim_##fn(struct reserved_mem *rmem) { return fn(rmem); } \
	SHIM_NO_EXPORT(shim_##fn)

#endif /* _SHIM_DEBUGFS_H */
