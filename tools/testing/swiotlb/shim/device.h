/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices, buses, DMA addresses
 */
#ifndef _SHIM_DEVICE_H
#define _SHIM_DEVICE_H

struct bus_type;
struct io_tlb_mem;

struct device {
	const char *init_name;
	const struct bus_type *bus;
	struct kobject kobj;
	struct list_head node;
	void *driver_data;
	struct io_tlb_mem *dma_io_tlb_mem;
	u64 *dma_mask;
	u64 bus_dma_limit;
	u64 coherent_dma_mask;
	u64 dma_offset;
	u64 seg_boundary;
	unsigned int min_align_mask;
	bool skips_sync;
	struct list_head devres;
	/* Only upstream.c looks at these */
	struct list_head dma_io_tlb_pools;
	spinlock_t dma_io_tlb_lock;	/* of the list above */
	bool dma_uses_io_tlb;
};

static inline const char *dev_name(const struct device *dev)
{
	return dev->init_name ?: "device";
}

#define dev_printk_(dev, fmt, ...) \
	shim_printk("%s: " fmt, dev_name(dev), ##__VA_ARGS__)
#define dev_info(dev, fmt, ...)	dev_printk_(dev, fmt, ##__VA_ARGS__)
#define dev_notice		dev_info
#define dev_warn		dev_info
#define dev_err			dev_info
#define dev_warn_ratelimited	dev_info
#define dev_err_ratelimited	dev_info
#define dev_dbg(dev, fmt, ...)	((void)(dev))
#define dev_WARN_ONCE(dev, cond, fmt, ...) \
	((cond) ? (shim_warn(fmt, ##__VA_ARGS__), true) : ((void)(dev), false))
#define dev_WARN(dev, fmt, ...)	((void)dev_WARN_ONCE(dev, true, fmt, ##__VA_ARGS__))
#define dev_set_drvdata(dev, p)	((dev)->driver_data = (p))
#define dev_get_drvdata(dev)	((dev)->driver_data)
#define get_device(dev)		(dev)
#define put_device(dev)		((void)(dev))
#define device_lock(dev)	((void)(dev))
#define device_unlock(dev)	((void)(dev))

/* Files of devices */
struct device_attribute {
	struct attribute attr;
	ssize_t (*show)(struct device *dev, struct device_attribute *attr,
			char *buf);
	ssize_t (*store)(struct device *dev, struct device_attribute *attr,
			 const char *buf, size_t count);
};

#define DEVICE_ATTR_RW(file) \
	struct device_attribute dev_attr_##file = __ATTR_RW(file)
#define DEVICE_ATTR_RO(file) \
	struct device_attribute dev_attr_##file = __ATTR_RO(file)
#define device_create_file(dev, dev_attr) \
	sysfs_create_file(&(dev)->kobj, &(dev_attr)->attr)
#define device_remove_file(dev, dev_attr) \
	sysfs_remove_file(&(dev)->kobj, &(dev_attr)->attr)
#define device_add_group(dev, group) \
	sysfs_create_group(&(dev)->kobj, group)

ssize_t shim_device_read(struct device *dev, const char *name, char *buf);
/* As a shell writes it, see shim_sysfs_write() */
ssize_t shim_device_write(struct device *dev, const char *name,
			  const char *value);

/* Buses, and who is told of their devices */
struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long action,
			     void *data);
	struct notifier_block *next;
	int priority;
};

#define NOTIFY_DONE	0
#define NOTIFY_OK	1
#define NOTIFY_BAD	0x8002

enum bus_notifier_event {
	BUS_NOTIFY_ADD_DEVICE,
	BUS_NOTIFY_DEL_DEVICE,
	BUS_NOTIFY_REMOVED_DEVICE,
	BUS_NOTIFY_BIND_DRIVER,
	BUS_NOTIFY_BOUND_DRIVER,
	BUS_NOTIFY_UNBIND_DRIVER,
	BUS_NOTIFY_UNBOUND_DRIVER,
	BUS_NOTIFY_DRIVER_NOT_BOUND,
};

struct bus_type {
	const char *name;
};

extern const struct bus_type pci_bus_type, platform_bus_type;
#define dev_is_pci(dev)		((dev)->bus == &pci_bus_type)
#define dev_is_platform(dev)	((dev)->bus == &platform_bus_type)
int bus_register_notifier(const struct bus_type *bus, struct notifier_block *nb);
int bus_unregister_notifier(const struct bus_type *bus,
			    struct notifier_block *nb);
int bus_for_each_dev(const struct bus_type *bus, struct device *start,
		     void *data, int (*fn)(struct device *dev, void *data));
struct device *bus_find_device_by_name(const struct bus_type *bus,
				       struct device *start, const char *name);

/* As device_add() and device_del() do; the device is set up by the test */
void shim_device_add(struct device *dev, const struct bus_type *bus,
		     const char *name);
void shim_device_del(struct device *dev);

/* DMA */
enum dma_data_direction {
	DMA_BIDIRECTIONAL,
	DMA_TO_DEVICE,
	DMA_FROM_DEVICE,
	DMA_NONE,
};

#define DMA_MAPPING_ERROR	(~(dma_addr_t)0)
#define DMA_BIT_MASK(n)		((n) == 64 ? ~0ULL : (1ULL << (n)) - 1)
#define DMA_ATTR_SKIP_CPU_SYNC	(1UL << 5)
#define DMA_ATTR_NO_WARN	(1UL << 8)

#define phys_to_dma(dev, paddr)			((paddr) + (dev)->dma_offset)
#define phys_to_dma_unencrypted(dev, paddr)	phys_to_dma(dev, paddr)
#define dma_to_phys(dev, addr)			((addr) - (dev)->dma_offset)
#define dma_get_seg_boundary(dev)		((dev)->seg_boundary)
#define dma_get_min_align_mask(dev)		((dev)->min_align_mask)
/* Threads share devices in tests as CPUs do */
#define dma_reset_need_sync(dev) \
	do { if (READ_ONCE((dev)->skips_sync)) \
		WRITE_ONCE((dev)->skips_sync, false); } while (0)
#define dev_is_dma_coherent(dev)		((void)(dev), true)
#define arch_sync_dma_for_device(paddr, size, dir)	((void)(paddr))
#define dma_capable(dev, addr, size, is_ram) \
	((addr) + (size) - 1 <= \
	 min_not_zero(*(dev)->dma_mask, (dev)->bus_dma_limit))
#define INDIRECT_CALL_1(f, f1, ...) \
	((f) == (f1) ? (f1)(__VA_ARGS__) : (f)(__VA_ARGS__))
#define INDIRECT_CALL_2(f, f2, f1, ...) \
	((f) == (f2) ? (f2)(__VA_ARGS__) : \
	 INDIRECT_CALL_1(f, f1, __VA_ARGS__))
#define INDIRECT_CALL_3(f, f3, f2, f1, ...) \
	((f) == (f3) ? (f3)(__VA_ARGS__) : \
	 INDIRECT_CALL_2(f, f2, f1, __VA_ARGS__))

#endif /* _SHIM_DEVICE_H */
