// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs
 */
#include "shim.h"

#define MAX_FILES	64

static struct file {
	struct dentry dentry;
	void *data;
	const struct file_operations *fops;
} files[MAX_FILES];

const char *shim_dt_prop;

const void *of_get_flat_dt_prop(unsigned long node, const char *prop, int *size)
{
	return shim_dt_prop && !strcmp(prop, shim_dt_prop) ? shim_dt_prop : NULL;
}

struct dentry *debugfs_create_file(const char *name, umode_t mode,
				   struct dentry *parent, void *data,
				   const struct file_operations *fops)
{
	unsigned int i;

	might_sleep();
	for (i = 0; i < MAX_FILES && files[i].dentry.name; i++) {
		if (files[i].dentry.parent == parent &&
		    !strcmp(files[i].dentry.name, name)) {
			shim_warn("debugfs: a second file %s\n", name);
			return ERR_PTR(-EEXIST);
		}
	}
	if (i == MAX_FILES) {
		shim_warn("debugfs: too many files\n");
		return ERR_PTR(-ENOMEM);
	}
	files[i] = (struct file){ { name, parent }, data, fops };
	return &files[i].dentry;
}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)
{
	return debugfs_create_file(name, 0755, parent, NULL, NULL);
}

static bool is_at(const struct dentry *dentry, const char *path, size_t len)
{
	size_t own = strlen(dentry->name);

	if (own > len || strncmp(path + len - own, dentry->name, own))
		return false;
	if (!dentry->parent)
		return own == len;
	return len > own && path[len - own - 1] == '/' &&
	       is_at(dentry->parent, path, len - own - 1);
}

static struct file *find(const char *path)
{
	unsigned int i;

	for (i = 0; i < MAX_FILES && files[i].dentry.name; i++) {
		if (files[i].fops && is_at(&files[i].dentry, path, strlen(path)))
			return &files[i];
	}
	return NULL;
}

const char *shim_debugfs_read(const char *path)
{
	static struct seq_file m;
	struct file *file = find(path);
	u64 value;

	if (!file)
		return NULL;
	m.private = file->data;
	m.len = 0;
	m.text[0] = '\0';
	if (file->fops->show)
		return file->fops->show(&m, NULL) ? NULL : m.text;
	if (!file->fops->get || file->fops->get(file->data, &value))
		return NULL;
	scnprintf(m.text, sizeof(m.text), file->fops->fmt, value);
	return m.text;
}

int shim_debugfs_write(const char *path, u64 value)
{
	struct file *file = find(path);

	if (!file)
		return -ENOENT;
	return file->fops->set ? file->fops->set(file->data, value) : -EACCES;
}
