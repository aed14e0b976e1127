// SPDX-License-Identifier: GPL-2.0
/*
 * Which backends there are
 *
 * Built-in backends sit in a const table, since the default pool is made before
 * slab and initcalls. Modules register theirs later. A name leads to at most one.
 * Whoever is about to make memory of a backend takes a reference to its module,
 * and the memory keeps it.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/swiotlb.h>

#include "internal.h"

static const struct swiotlb_backend_ops *const builtin[] = {
	&swiotlb_fixed,
	&swiotlb_dynamic,
	&swiotlb_cc,
};

/**
 * struct registered - a backend that was not built in
 * @node: in the list of them, protected by swiotlb_backend_mutex
 * @ops:  the backend
 */
struct registered {
	struct list_head node;
	const struct swiotlb_backend_ops *ops;
};

static DEFINE_MUTEX(swiotlb_backend_mutex);
static LIST_HEAD(backends);

/**
 * swiotlb_find_builtin() - find a built-in backend
 * @name: its name
 *
 * Context: any, however early.
 * Return: the backend, or %NULL.
 */
const struct swiotlb_backend_ops *swiotlb_find_builtin(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(builtin); i++) {
		if (!strcmp(builtin[i]->name, name))
			return builtin[i];
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_find_builtin);

/**
 * swiotlb_default_backend() - the backend that the configuration names
 *
 * Context: any, however early.
 * Return: the backend.
 */
const struct swiotlb_backend_ops *swiotlb_default_backend(void)
{
	return swiotlb_find_builtin(CONFIG_SWIOTLB_DEFAULT_BACKEND) ?:
	       builtin[0];
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_default_backend);

static struct registered *find_registered(const char *name)
{
	struct registered *entry;

	lockdep_assert_held(&swiotlb_backend_mutex);
	list_for_each_entry(entry, &backends, node) {
		if (!strcmp(entry->ops->name, name))
			return entry;
	}
	return NULL;
}

/**
 * swiotlb_get_backend() - find a backend and keep its module
 * @name: its name, a newline may follow
 *
 * Context: process context, may sleep.
 * Return: the backend, to be let go by module_put() of its owner; or %NULL.
 */
const struct swiotlb_backend_ops *swiotlb_get_backend(const char *name)
{
	struct registered *entry;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(builtin); i++) {
		if (sysfs_streq(builtin[i]->name, name))
			return builtin[i];
	}

	guard(mutex)(&swiotlb_backend_mutex);
	list_for_each_entry(entry, &backends, node) {
		if (sysfs_streq(entry->ops->name, name))
			return try_module_get(entry->ops->owner) ?
			       entry->ops : NULL;
	}
	return NULL;
}

/* These words mean something else in swiotlb= and in swiotlb_backend */
static bool name_is_taken(const char *name)
{
	return !strcmp(name, "force") || !strcmp(name, "noforce") ||
	       !strcmp(name, "default");
}

static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, SWIOTLB_NAME_LEN);
	size_t i;

	if (!len || len == SWIOTLB_NAME_LEN || !islower(name[0]))
		return false;

	for (i = 0; i < len; i++) {
		if (!islower(name[i]) && !isdigit(name[i]) &&
		    name[i] != '-' && name[i] != '_')
			return false;
	}
	return !name_is_taken(name);
}

static int validate(const struct swiotlb_backend_ops *ops)
{
	if (!ops->alloc || !ops->free || !ops->max_mapping || !ops->used ||
	    !ops->init || !ops->exit)
		return -EINVAL;
	if (!name_is_valid(ops->name))
		return -EINVAL;
	return 0;
}

/**
 * swiotlb_register_backend() - offer a backend
 * @ops: must stay as it is until it is unregistered
 *
 * It is listed from now on, and can be chosen on the live system. At boot only
 * built-in backends can be.
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if a required member is missing or the name is malformed;
 * -EEXIST if the name is taken; -ENOMEM.
 */
int swiotlb_register_backend(const struct swiotlb_backend_ops *ops)
{
	struct registered *entry;
	int err = validate(ops);

	if (err) {
		pr_err("backend %.*s is incomplete or its name malformed\n",
		       SWIOTLB_NAME_LEN, ops->name);
		return err;
	}

	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->ops = ops;

	mutex_lock(&swiotlb_backend_mutex);
	if (swiotlb_find_builtin(ops->name) || find_registered(ops->name)) {
		err = -EEXIST;
		kfree(entry);
	} else {
		list_add_tail(&entry->node, &backends);
	}
	mutex_unlock(&swiotlb_backend_mutex);

	if (err)
		pr_err("there is a backend %s already\n", ops->name);
	return err;
}
EXPORT_SYMBOL_GPL(swiotlb_register_backend);

/**
 * swiotlb_unregister_backend() - withdraw a backend
 * @ops: as it was registered
 *
 * For the exit function of its module, which does not run while there is memory
 * of it.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is not registered.
 */
int swiotlb_unregister_backend(const struct swiotlb_backend_ops *ops)
{
	struct registered *entry;
	int err = 0;

	mutex_lock(&swiotlb_backend_mutex);
	entry = find_registered(ops->name);
	if (entry && entry->ops == ops) {
		list_del(&entry->node);
		kfree(entry);
	} else {
		err = -ENOENT;
	}
	mutex_unlock(&swiotlb_backend_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(swiotlb_unregister_backend);

static int show_one(const struct swiotlb_backend_ops *ops,
		    const struct swiotlb_backend_ops *active, char *buf,
		    size_t size)
{
	return scnprintf(buf, size, ops == active ? "[%s] " : "%s ", ops->name);
}

/**
 * swiotlb_show_backends() - list all backends in a line
 * @active: the one to be put into brackets, or %NULL
 * @buf:    receives the line, without a newline
 * @size:   bytes there
 *
 * Context: process context, may sleep; or early boot.
 * Return: length of the line.
 */
int swiotlb_show_backends(const struct swiotlb_backend_ops *active, char *buf,
			  size_t size)
{
	struct registered *entry;
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(builtin); i++)
		len += show_one(builtin[i], active, buf + len, size - len);

	mutex_lock(&swiotlb_backend_mutex);
	list_for_each_entry(entry, &backends, node)
		len += show_one(entry->ops, active, buf + len, size - len);
	mutex_unlock(&swiotlb_backend_mutex);

	if (len)
		buf[--len] = '\0';
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(swiotlb_show_backends);
