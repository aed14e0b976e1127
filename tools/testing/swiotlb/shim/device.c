// SPDX-License-Identifier: GPL-2.0
/*
 * Devices and their buses
 */
#include <pthread.h>

#include "shim.h"

const struct bus_type pci_bus_type = { .name = "pci" };
const struct bus_type platform_bus_type = { .name = "platform" };

static LIST_HEAD(devices);
static struct {
	const struct bus_type *bus;
	struct notifier_block *chain;
} buses[] = { { &pci_bus_type }, { &platform_bus_type } };
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

static struct notifier_block **chain_of(const struct bus_type *bus)
{
	return &buses[bus == &platform_bus_type].chain;
}

int bus_register_notifier(const struct bus_type *bus, struct notifier_block *nb)
{
	struct notifier_block **chain = chain_of(bus);

	might_sleep();
	/* One that is in two chains would join them */
	if (nb->next)
		shim_warn("a notifier is registered twice\n");
	nb->next = *chain;
	*chain = nb;
	return 0;
}

int bus_unregister_notifier(const struct bus_type *bus,
			    struct notifier_block *nb)
{
	struct notifier_block **link;

	for (link = chain_of(bus); *link; link = &(*link)->next) {
		if (*link == nb) {
			*link = nb->next;
			nb->next = NULL;
			return 0;
		}
	}
	return -ENOENT;
}

static void notify(struct device *dev, unsigned long action)
{
	struct notifier_block *nb;

	for (nb = *chain_of(dev->bus); nb; nb = nb->next)
		nb->notifier_call(nb, action, dev);
}

static struct device *next_device(const struct bus_type *bus,
				  struct device *dev)
{
	struct list_head *pos = dev ? dev->node.next : devices.next;

	for (; pos != &devices; pos = pos->next) {
		dev = container_of(pos, struct device, node);
		if (dev->bus == bus)
			return dev;
	}
	return NULL;
}

int bus_for_each_dev(const struct bus_type *bus, struct device *start,
		     void *data, int (*fn)(struct device *dev, void *data))
{
	struct device *dev = start;
	int err = 0;

	might_sleep();
	while (!err && (dev = next_device(bus, dev)))
		err = fn(dev, data);
	return err;
}

struct device *bus_find_device_by_name(const struct bus_type *bus,
				       struct device *start, const char *name)
{
	struct device *dev = start;

	while ((dev = next_device(bus, dev))) {
		if (!strcmp(dev_name(dev), name))
			break;
	}
	return dev;
}

void shim_device_add(struct device *dev, const struct bus_type *bus,
		     const char *name)
{
	dev->init_name = name;
	dev->bus = bus;
	pthread_mutex_lock(&devices_lock);
	list_add_tail(&dev->node, &devices);
	pthread_mutex_unlock(&devices_lock);
	notify(dev, BUS_NOTIFY_ADD_DEVICE);
}

void shim_device_del(struct device *dev)
{
	notify(dev, BUS_NOTIFY_DEL_DEVICE);
	pthread_mutex_lock(&devices_lock);
	list_del(&dev->node);
	pthread_mutex_unlock(&devices_lock);
	notify(dev, BUS_NOTIFY_REMOVED_DEVICE);
	/* With the directory go its files */
	shim_remove_files(&dev->kobj);
}

ssize_t shim_device_read(struct device *dev, const char *name, char *buf)
{
	const struct attribute *file = shim_find_file(&dev->kobj, name);
	struct device_attribute *attr;

	if (!file)
		return -ENOENT;
	attr = container_of(file, struct device_attribute, attr);
	return attr->show ? attr->show(dev, attr, buf) : -EIO;
}

ssize_t shim_device_write(struct device *dev, const char *name,
			  const char *value)
{
	const struct attribute *file = shim_find_file(&dev->kobj, name);
	struct device_attribute *attr;
	char line[256];
	ssize_t len;

	if (!file)
		return -ENOENT;
	attr = container_of(file, struct device_attribute, attr);
	if (!attr->store)
		return -EIO;
	scnprintf(line, sizeof(line), "%s\n", value);
	len = attr->store(dev, attr, line, strlen(line));
	if (len >= 0 && len != strlen(line))
		shim_warn("%s took %zd bytes of %zu\n", name, len, strlen(line));
	return min_t(ssize_t, len, 0);
}
