/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices, DMA addresses, memory encryption, sysfs, and how a kernel boots
 */
#ifndef _SHIM_PLATFORM_H
#define _SHIM_PLATFORM_H

/* Devices */
struct io_tlb_mem;

struct device {
	struct io_tlb_mem *dma_io_tlb_mem;
	u64 *dma_mask;
	u64 bus_dma_limit;
	u64 dma_offset;
	u64 seg_boundary;
	unsigned int min_align_mask;
	bool skips_sync;
};

#define dev_WARN_ONCE(dev, cond, fmt, ...) \
	((cond) ? (shim_warn(fmt, ##__VA_ARGS__), true) : ((void)(dev), false))
#define dev_warn_ratelimited(dev, fmt, ...) \
	((void)(dev), shim_printk(fmt, ##__VA_ARGS__))

enum dma_data_direction {
	DMA_BIDIRECTIONAL,
	DMA_TO_DEVICE,
	DMA_FROM_DEVICE,
	DMA_NONE,
};

#define DMA_MAPPING_ERROR	(~(dma_addr_t)0)
#define DMA_ATTR_SKIP_CPU_SYNC	(1UL << 5)
#define DMA_ATTR_NO_WARN	(1UL << 8)

#define phys_to_dma(dev, paddr)			((paddr) + (dev)->dma_offset)
#define phys_to_dma_unencrypted(dev, paddr)	phys_to_dma(dev, paddr)
#define dma_get_seg_boundary(dev)		((dev)->seg_boundary)
#define dma_get_min_align_mask(dev)		((dev)->min_align_mask)
#define dma_reset_need_sync(dev)		((dev)->skips_sync = false)
#define dev_is_dma_coherent(dev)		((void)(dev), true)
#define arch_sync_dma_for_device(paddr, size, dir)	((void)(paddr))
#define dma_capable(dev, addr, size, is_ram) \
	((addr) + (size) - 1 <= \
	 min_not_zero(*(dev)->dma_mask, (dev)->bus_dma_limit))
#define INDIRECT_CALL_1(f, f1, ...) \
	((f) == (f1) ? (f1)(__VA_ARGS__) : (f)(__VA_ARGS__))

/* Memory encryption: the next shim_refuse_conversions conversions fail */
#define CC_ATTR_MEM_ENCRYPT		0
#define CC_ATTR_GUEST_MEM_ENCRYPT	1
#define CC_ATTR_GUEST_MEM_ENCRYPT	1
extern bool shim_cc;
extern unsigned int shim_refuse_conversions;
#define cc_platform_has(attr)	((void)(attr), shim_cc)
int set_memory_decrypted(unsigned long addr, int nr_pages);
int set_memory_encrypted(unsigned long addr, int nr_pages);

/* Files */
struct seq_file {
	char text[4096];
	size_t len;
};

#define seq_printf(m, fmt, ...) \
	((m)->len += scnprintf((m)->text + (m)->len, \
			       sizeof((m)->text) - (m)->len, \
			       fmt, ##__VA_ARGS__))

struct kobject;
struct attribute {
	const char *name;
};

struct kobj_attribute {
	struct attribute attr;
	ssize_t (*show)(struct kobject *kobj, struct kobj_attribute *attr,
			char *buf);
};

#define kernel_kobj			NULL
#define kobject_put(kobj)		((void)(kobj))
#define kobject_create_and_add(name, parent) \
	((void)(parent), (struct kobject *)(name))
#define __ATTR_RO(file)	{ .attr = { .name = #file }, .show = file##_show }
#define sysfs_emit_at(buf, at, fmt, ...) \
	scnprintf((buf) + (at), PAGE_SIZE - (at), fmt, ##__VA_ARGS__)
int sysfs_create_file(struct kobject *kobj, const struct attribute *attr);
ssize_t shim_sysfs_read(const char *name, char *buf);

/* Booting is up to the test, which calls shim_<function> */
#define early_param(name, fn) \
	int shim_##fn(char *value); \
	int shim_##fn(char *value) { return fn(value); } \
	SHIM_NO_EXPORT(shim_##fn)
#define subsys_initcall(fn) \
	int shim_##fn(void); \
	int shim_##fn(void) { return fn(); } \
	SHIM_NO_EXPORT(shim_##fn)

#endif /* _SHIM_PLATFORM_H */
