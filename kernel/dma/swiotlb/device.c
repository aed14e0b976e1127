// SPDX-License-Identifier: GPL-2.0
/*
 * The backend of a single device
 *
 * An administrator can pin a device to a backend, so that two backends serve like
 * devices side by side: live through the file swiotlb_backend of the device, or at
 * boot with
 *
 *	swiotlb.devices=<device>=<backend>[,<device>=<backend>...]
 *
 * A device that is pinned is bound to another &struct io_tlb_mem than the default
 * one. There is one for each backend. They are never freed, since whoever reads
 * what a device is bound to does not lock. But only while devices are bound to it
 * does it lead to memory.
 *
 * Files come and go with the devices of a bus, and the bus says so in time: before
 * a driver binds, and after it is gone.
 *
 * Locking: swiotlb_mutex protects the pins, and changes of what devices of the
 * default domain are bound to.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/device.h>
#include <linux/device/bus.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <linux/sysfs.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "swiotlb."

/**
 * struct pin - a backend that devices can be pinned to
 * @iotlb:   what they are bound to
 * @node:    in the list of pins
 * @nr_devs: how many there are
 * @name:    name of the backend; a module may come back, with other ops
 */
struct pin {
	struct io_tlb_mem iotlb;
	struct list_head node;
	unsigned int nr_devs;
	char name[SWIOTLB_NAME_LEN];
};

static LIST_HEAD(pins);

static char *boot_devices;
module_param_named(devices, boot_devices, charp, 0444);
MODULE_PARM_DESC(devices, "backends of single devices: <device>=<backend>,...");

/* The pin of a device, or NULL if it follows the default or is restricted */
static struct pin *pin_of(struct device *dev)
{
	struct io_tlb_mem *iotlb = io_tlb_mem_of(dev);

	if (iotlb == &swiotlb_default || iotlb->domain != swiotlb_default.domain)
		return NULL;
	return container_of(iotlb, struct pin, iotlb);
}

static struct pin *find_pin(const char *name)
{
	struct pin *pin;

	lockdep_assert_held(&swiotlb_mutex);
	list_for_each_entry(pin, &pins, node) {
		if (!strcmp(pin->name, name))
			return pin;
	}

	pin = kzalloc(sizeof(*pin), GFP_KERNEL);
	if (!pin)
		return NULL;

	strscpy(pin->name, name, sizeof(pin->name));
	pin->iotlb.domain = swiotlb_default.domain;
	list_add_tail(&pin->node, &pins);
	return pin;
}

/* Bind @dev to what its @pin, or the default, leads to */
static void bind(struct device *dev, struct pin *pin)
{
	struct pin *old = pin_of(dev);

	lockdep_assert_held(&swiotlb_mutex);
	if (pin)
		pin->nr_devs++;
	/* Who sees what it is bound to sees where that leads */
	smp_store_release(&dev->dma_io_tlb_mem,
			  pin ? &pin->iotlb : &swiotlb_default);
	if (!old || --old->nr_devs)
		return;

	/* A mapping may be on its way through the old pin */
	synchronize_rcu();
	swiotlb_mem_bind(&old->iotlb, NULL);
}

/* Pin @dev to the backend @name, or let it follow the default */
static int choose(struct device *dev, const char *name)
{
	const struct swiotlb_backend_ops *ops;
	struct pin *pin;
	int err;

	guard(mutex)(&swiotlb_mutex);
	if (io_tlb_mem_of(dev)->domain != swiotlb_default.domain)
		return -EPERM;
	if (sysfs_streq(name, "default")) {
		bind(dev, NULL);
		return 0;
	}

	ops = swiotlb_get_backend(name);
	if (!ops)
		return -EINVAL;

	pin = find_pin(ops->name);
	if (!pin) {
		module_put(ops->owner);
		return -ENOMEM;
	}

	pin->iotlb.force_bounce = swiotlb_default.force_bounce;
	pin->iotlb.for_alloc = swiotlb_default.for_alloc;
	err = swiotlb_select(&pin->iotlb, ops);
	if (!err)
		bind(dev, pin);
	return err;
}

/**
 * swiotlb_restrict() - bind a device to a restricted pool
 * @dev:   the device
 * @iotlb: the pool's
 *
 * If it was pinned, it is no longer, nor will be.
 *
 * Context: process context, may sleep.
 */
void swiotlb_restrict(struct device *dev, struct io_tlb_mem *iotlb)
{
	guard(mutex)(&swiotlb_mutex);
	bind(dev, NULL);
	/* As in bind() */
	smp_store_release(&dev->dma_io_tlb_mem, iotlb);
}

static ssize_t swiotlb_backend_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	const struct swiotlb_mem *mem = NULL;
	struct pin *pin;
	int len;

	guard(mutex)(&swiotlb_mutex);
	if (io_tlb_mem_of(dev)->domain != swiotlb_default.domain)
		return sysfs_emit(buf, "[restricted]\n");

	pin = pin_of(dev);
	if (pin)
		mem = rcu_dereference_protected(pin->iotlb.mem, true);
	len = sysfs_emit(buf, pin ? "default " : "[default] ");
	len += swiotlb_show_backends(mem ? mem->ops : NULL, buf + len,
				     PAGE_SIZE - 1 - len);
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t swiotlb_backend_store(struct device *dev,
				     struct device_attribute *attr,
				     const char *buf, size_t count)
{
	return choose(dev, buf) ?: count;
}

static DEVICE_ATTR_RW(swiotlb_backend);

/*
 * The next "<device>=<backend>" of the boot parameter, in parts, from where @pos
 * points to.
 */
static bool next_choice(const char **pos, char *device, size_t size,
			char *backend)
{
	const char *word = *pos, *divider;
	size_t len;

	if (!word || !*word)
		return false;

	len = strcspn(word, ",");
	*pos = word + len + !!word[len];
	divider = strnchr(word, len, '=');
	if (!divider)
		divider = word + len;
	strscpy(device, word, min_t(size_t, divider - word + 1, size));
	if (divider < word + len)
		divider++;
	strscpy(backend, divider,
		min_t(size_t, word + len - divider + 1, SWIOTLB_NAME_LEN));
	return true;
}

/* Longest name of a device in the boot parameter, the final NUL included */
#define DEVICE_NAME_LEN	64

static void choose_as_booted(struct device *dev)
{
	char device[DEVICE_NAME_LEN], backend[SWIOTLB_NAME_LEN];
	const char *pos = boot_devices;
	int err;

	while (next_choice(&pos, device, sizeof(device), backend)) {
		if (strcmp(device, dev_name(dev)) ||
		    !swiotlb_find_builtin(backend))
			continue;
		err = choose(dev, backend);
		if (err)
			dev_warn(dev, "swiotlb.devices=: cannot have backend %s: %d\n",
				 backend, err);
		else
			dev_info(dev, "swiotlb backend %s\n", backend);
	}
}

static void device_added(struct device *dev)
{
	/* Without a mask it does no DMA of its own */
	if (!dev->dma_mask)
		return;
	if (device_create_file(dev, &dev_attr_swiotlb_backend))
		dev_warn(dev, "no file to choose the swiotlb backend\n");
	choose_as_booted(dev);
}

static int bus_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct device *dev = data;

	switch (event) {
	case BUS_NOTIFY_ADD_DEVICE:
		device_added(dev);
		break;
	case BUS_NOTIFY_DEL_DEVICE:
		device_remove_file(dev, &dev_attr_swiotlb_backend);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		/* Nobody can pin it any more: its file is gone */
		if (pin_of(dev))
			choose(dev, "default");
		break;
	}
	return NOTIFY_DONE;
}

static int add_early_device(struct device *dev, void *unused)
{
	device_added(dev);
	return 0;
}

/* The buses whose devices do DMA for themselves, and for those behind them */
static const struct {
	const struct bus_type *bus;
	struct notifier_block *nb;
} buses[] = {
	{ &platform_bus_type, &(struct notifier_block){ .notifier_call = bus_event } },
#ifdef CONFIG_PCI
	{ &pci_bus_type, &(struct notifier_block){ .notifier_call = bus_event } },
#endif
};

/* Initcalls run one by one, so no device is added between the two calls */
static int __init swiotlb_device_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		err = bus_register_notifier(buses[i].bus, buses[i].nb);
		if (err)
			return err;
		bus_for_each_dev(buses[i].bus, NULL, NULL, add_early_device);
	}
	return 0;
}
arch_initcall(swiotlb_device_init);

static bool device_exists(const char *name)
{
	struct device *dev = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buses) && !dev; i++)
		dev = bus_find_device_by_name(buses[i].bus, NULL, name);
	put_device(dev);
	return dev;
}

static int __init swiotlb_device_check(void)
{
	char device[DEVICE_NAME_LEN], backend[SWIOTLB_NAME_LEN];
	const char *pos = boot_devices;
	char names[64];

	while (next_choice(&pos, device, sizeof(device), backend)) {
		if (!swiotlb_find_builtin(backend)) {
			swiotlb_show_backends(NULL, names, sizeof(names));
			pr_warn("swiotlb.devices=: unknown backend \"%s\" of device \"%s\" ignored, backends are: %s\n",
				backend, device, names);
		} else if (!device_exists(device)) {
			pr_warn("swiotlb.devices=: no device \"%s\" so far\n",
				device);
		}
	}
	return 0;
}
late_initcall(swiotlb_device_check);
