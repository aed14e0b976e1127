// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb_test - drive the DMA API on a real PCI device, QEMU's "edu"
 *
 * The driver hands the DMA API to a program in user space, which knows what to
 * expect. It uses what any driver may use, so that it builds and behaves the
 * same on every kernel; dma_to_phys() is the one exception, since it takes the
 * place of the device when the program reads or writes through a DMA address.
 *
 * Locking: edu->rwsem is held for reading around every use of the DMA API and
 * for writing to change what all mappings depend on: the device's parameters,
 * its presence, the list of contexts. ctx->lock nests inside and protects the
 * mappings of one context; so contexts run in parallel, as queues of a device
 * do. edu->engine_lock, innermost, is for the device's only DMA engine.
 */
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu.h"

#define EDU_VENDOR_ID		0x1234
#define EDU_DEVICE_ID		0x11e8

#define EDU_REG_ID		0x00
#define EDU_ID_MASK		0xffff
#define EDU_ID			0x00ed
#define EDU_REG_DMA_SRC		0x80
#define EDU_REG_DMA_DST		0x88
#define EDU_REG_DMA_COUNT	0x90
#define EDU_REG_DMA_CMD		0x98
#define EDU_CMD_RUN		BIT(0)
#define EDU_CMD_FROM_DEVICE	BIT(1)
#define EDU_BUFFER		0x40000

/* The device takes 0.1 s of its own clock, which a busy host may stretch. */
#define EDU_POLL_US		1000
#define EDU_TIMEOUT_US		(20 * USEC_PER_SEC)

static void edu_release(struct kref *kref)
{
	struct edu_dev *edu = container_of(kref, struct edu_dev, kref);

	mutex_destroy(&edu->engine_lock);
	kfree(edu);
}

int edu_engine_run(struct edu_dev *edu, dma_addr_t dma, u32 edu_offset,
		   u32 bytes, bool from_device)
{
	u64 buffer = EDU_BUFFER + edu_offset;
	u32 val, cmd = EDU_CMD_RUN;
	int ret;

	/* Without 64-bit MMIO the registers take the low half only. */
	if (!IS_ENABLED(CONFIG_64BIT) && upper_32_bits(dma))
		return -ERANGE;
	if (from_device)
		cmd |= EDU_CMD_FROM_DEVICE;

	guard(mutex)(&edu->engine_lock);
	if (edu->engine_stuck)
		return -EBUSY;
	writeq(from_device ? buffer : dma, edu->mmio + EDU_REG_DMA_SRC);
	writeq(from_device ? dma : buffer, edu->mmio + EDU_REG_DMA_DST);
	writel(bytes, edu->mmio + EDU_REG_DMA_COUNT);
	writel(cmd, edu->mmio + EDU_REG_DMA_CMD);
	ret = readl_poll_timeout(edu->mmio + EDU_REG_DMA_CMD, val,
				 !(val & EDU_CMD_RUN), EDU_POLL_US,
				 EDU_TIMEOUT_US);
	if (ret) {
		/* It must not write later to memory which is somebody else's. */
		pci_clear_master(edu->pdev);
		edu->engine_stuck = true;
		dev_err(&edu->pdev->dev, "DMA engine is stuck, not used any more\n");
	}
	return ret;
}

static int edu_ioc_arena(struct edu_ctx *ctx, void __user *argp)
{
	void *arena;
	u64 bytes;

	if (copy_from_user(&bytes, argp, sizeof(bytes)))
		return -EFAULT;
	if (!bytes || bytes > SWIOTLB_TEST_MAX_ARENA_BYTES ||
	    !PAGE_ALIGNED(bytes))
		return -EINVAL;
	if (ctx->arena)
		return -EBUSY;
	arena = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!arena)
		return -ENOMEM;
	ctx->arena_bytes = bytes;
	/* Pairs with edu_mmap(), which cannot take the lock. */
	smp_store_release(&ctx->arena, arena);
	return 0;
}

static int edu_ioc_info(struct edu_ctx *ctx, void __user *argp)
{
	struct edu_dev *edu = ctx->edu;
	struct swiotlb_test_info arg = {
		.max_mapping_bytes = dma_max_mapping_size(&edu->pdev->dev),
		.nr_live = atomic_read(&edu->nr_live),
		.page_bytes = PAGE_SIZE,
	};

	return copy_to_user(argp, &arg, sizeof(arg)) ? -EFAULT : 0;
}

static int edu_ioc_params(struct edu_ctx *ctx, void __user *argp)
{
	struct edu_dev *edu = ctx->edu;
	struct device *dev = &edu->pdev->dev;
	struct swiotlb_test_params arg;
	int ret;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	/* The mask of a boundary has no holes and covers a page. */
	if (arg.seg_boundary_mask < PAGE_SIZE - 1 ||
	    arg.seg_boundary_mask > ULONG_MAX ||
	    arg.seg_boundary_mask & (arg.seg_boundary_mask + 1) ||
	    !arg.max_seg_bytes)
		return -EINVAL;

	guard(rwsem_write)(&edu->rwsem);
	if (edu->gone)
		return -ENODEV;
	if (atomic_read(&edu->nr_live))
		return -EBUSY;
	ret = dma_set_mask_and_coherent(dev, arg.dma_mask);
	if (ret)
		return ret;
	dma_set_min_align_mask(dev, arg.min_align_mask);
	dma_set_seg_boundary(dev, arg.seg_boundary_mask);
	dma_set_max_seg_size(dev, arg.max_seg_bytes);
	return 0;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu_ctx *ctx = file->private_data;
	void __user *argp = (void __user *)arg;
	struct edu_dev *edu = ctx->edu;

	if (cmd == SWIOTLB_TEST_IOC_PARAMS)
		return edu_ioc_params(ctx, argp);

	guard(rwsem_read)(&edu->rwsem);
	if (edu->gone)
		return -ENODEV;
	guard(mutex)(&ctx->lock);
	switch (cmd) {
	case SWIOTLB_TEST_IOC_ARENA:
		return edu_ioc_arena(ctx, argp);
	case SWIOTLB_TEST_IOC_INFO:
		return edu_ioc_info(ctx, argp);
	case SWIOTLB_TEST_IOC_MAP:
		return edu_ioc_map(ctx, argp);
	case SWIOTLB_TEST_IOC_UNMAP:
		return edu_ioc_unmap(ctx, argp);
	case SWIOTLB_TEST_IOC_SYNC:
		return edu_ioc_sync(ctx, argp);
	case SWIOTLB_TEST_IOC_XFER:
		return edu_ioc_xfer(ctx, argp);
	case SWIOTLB_TEST_IOC_COHERENT:
		return edu_ioc_coherent(ctx, argp);
	case SWIOTLB_TEST_IOC_EDU:
		return edu_ioc_edu(ctx, argp);
	default:
		return -ENOTTY;
	}
}

/* Takes no lock: mmap_lock is held here and taken by copy_to_user() there. */
static int edu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct edu_ctx *ctx = file->private_data;
	/* Pairs with edu_ioc_arena(): whoever sees the arena sees its size. */
	void *arena = smp_load_acquire(&ctx->arena);
	size_t bytes = vma->vm_end - vma->vm_start;

	if (!arena || vma->vm_pgoff || bytes > ctx->arena_bytes)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, PHYS_PFN(virt_to_phys(arena)),
			       bytes, vma->vm_page_prot);
}

static int edu_open(struct inode *inode, struct file *file)
{
	/* The misc device is registered until edu_remove(): it is alive here. */
	struct edu_dev *edu = container_of(file->private_data, struct edu_dev,
					   misc);
	struct edu_ctx *ctx;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	mutex_init(&ctx->lock);
	xa_init_flags(&ctx->maps, XA_FLAGS_ALLOC);
	kref_get(&edu->kref);
	ctx->edu = edu;
	file->private_data = ctx;

	guard(rwsem_write)(&edu->rwsem);
	list_add(&ctx->node, &edu->contexts);
	return 0;
}

static int edu_close(struct inode *inode, struct file *file)
{
	struct edu_ctx *ctx = file->private_data;
	struct edu_dev *edu = ctx->edu;

	scoped_guard(rwsem_write, &edu->rwsem) {
		edu_ctx_unmap_all(ctx);
		list_del(&ctx->node);
	}
	if (ctx->arena)
		free_pages_exact(ctx->arena, ctx->arena_bytes);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
	kref_put(&edu->kref, edu_release);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner		= THIS_MODULE,
	.open		= edu_open,
	.release	= edu_close,
	.unlocked_ioctl	= edu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= edu_mmap,
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu_dev *edu;
	int ret;

	/* The program plays the device, which needs DMA addresses it can follow. */
	if (device_iommu_mapped(&pdev->dev))
		return dev_err_probe(&pdev->dev, -EOPNOTSUPP,
				     "behind an IOMMU, which leaves nothing to test\n");

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	kref_init(&edu->kref);
	edu->pdev = pdev;
	edu->mmio = pcim_iomap_table(pdev)[0];
	init_rwsem(&edu->rwsem);
	INIT_LIST_HEAD(&edu->contexts);
	mutex_init(&edu->engine_lock);
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = "swiotlb_test";
	edu->misc.fops = &edu_fops;
	edu->misc.parent = &pdev->dev;
	edu->misc.mode = 0600;

	ret = -ENODEV;
	if ((readl(edu->mmio + EDU_REG_ID) & EDU_ID_MASK) != EDU_ID)
		goto put;
	pci_set_drvdata(pdev, edu);
	pci_set_master(pdev);
	/* A second edu device fails here: the name is taken, one is enough. */
	ret = misc_register(&edu->misc);
	if (ret)
		goto clear;
	return 0;

clear:
	pci_clear_master(pdev);
put:
	kref_put(&edu->kref, edu_release);
	return ret;
}

/* Files may stay open: they keep @edu, but nothing which needs the device. */
static void edu_remove(struct pci_dev *pdev)
{
	struct edu_dev *edu = pci_get_drvdata(pdev);
	struct edu_ctx *ctx;

	misc_deregister(&edu->misc);
	scoped_guard(rwsem_write, &edu->rwsem) {
		edu->gone = true;
		pci_clear_master(pdev);
		list_for_each_entry(ctx, &edu->contexts, node)
			edu_ctx_unmap_all(ctx);
	}
	kref_put(&edu->kref, edu_release);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR_ID, EDU_DEVICE_ID) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= edu_ids,
	.probe		= edu_probe,
	.remove		= edu_remove,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("DMA API on QEMU's edu device, driven from user space");
MODULE_LICENSE("GPL");
