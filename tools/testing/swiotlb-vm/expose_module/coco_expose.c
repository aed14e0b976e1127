// SPDX-License-Identifier: GPL-2.0
/*
 * Break the rules of a confidential guest on demand, to prove that the simulated
 * one notices. Loading does the damage: insmod coco_expose.ko kind=<name>. "none"
 * and "convert" are no offences, to see the simulated guest work.
 */

#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/set_memory.h>
#include <linux/string.h>

static char *kind = "";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "name of the offence");

static unsigned int order;
module_param(order, uint, 0444);
MODULE_PARM_DESC(order, "how much to convert");

static int to_shared, to_private;
module_param(to_shared, int, 0444);
MODULE_PARM_DESC(to_shared, "what the conversion to shared returned");
module_param(to_private, int, 0444);
MODULE_PARM_DESC(to_private, "what the conversion back returned");

static struct platform_device *pdev;

/*
 * A device that has no bounce buffers is mapped directly, wherever its memory is:
 * no driver should do that to itself.
 */
static dma_addr_t map_raw(void *p, size_t bytes)
{
	struct device *dev = &pdev->dev;
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	dma_addr_t addr;

	dev->dma_io_tlb_mem = NULL;
	addr = dma_map_single(dev, p, bytes, DMA_TO_DEVICE);
	dev->dma_io_tlb_mem = mem;
	return addr;
}

/* The right way: bounced, and nothing to complain of */
static int offence_none(void *p)
{
	dma_addr_t addr = dma_map_single(&pdev->dev, p, PAGE_SIZE, DMA_TO_DEVICE);
	void *coherent;

	if (dma_mapping_error(&pdev->dev, addr))
		return -EIO;
	dma_sync_single_for_device(&pdev->dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	dma_unmap_single(&pdev->dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	coherent = dma_alloc_coherent(&pdev->dev, SZ_8K, &addr, GFP_KERNEL);
	if (!coherent)
		return -ENOMEM;
	dma_free_coherent(&pdev->dev, SZ_8K, coherent, addr);
	return 0;
}

/* There and back, whatever comes of it. What is not known to be private is lost. */
static int convert(void *p)
{
	unsigned long block = __get_free_pages(GFP_KERNEL, order);

	if (!block)
		return -ENOMEM;
	to_shared = set_memory_decrypted(block, 1 << order);
	to_private = set_memory_encrypted(block, 1 << order);
	if (!to_private)
		free_pages(block, order);
	return 0;
}

static int offence_map(void *p)
{
	dma_addr_t addr = map_raw(p, 100);

	if (dma_mapping_error(&pdev->dev, addr))
		return -EIO;
	dma_unmap_single(&pdev->dev, addr, 100, DMA_TO_DEVICE);
	return 0;
}

/* The last byte of a mapping is the only one in a private page */
static int offence_tail(void *p)
{
	unsigned long block = __get_free_pages(GFP_KERNEL, 1);
	dma_addr_t addr;
	int err;

	if (!block)
		return -ENOMEM;
	err = set_memory_decrypted(block, 1);
	if (err)
		return err;
	addr = map_raw((void *)block, PAGE_SIZE + 1);
	dma_unmap_single(&pdev->dev, addr, PAGE_SIZE + 1, DMA_TO_DEVICE);
	err = set_memory_encrypted(block, 1);
	if (!err)
		free_pages(block, 1);
	return err;
}

static int offence_sg(void *p)
{
	struct device *dev = &pdev->dev;
	struct io_tlb_mem *mem = dev->dma_io_tlb_mem;
	struct scatterlist sg;
	int ents;

	sg_init_one(&sg, p, 100);
	dev->dma_io_tlb_mem = NULL;
	ents = dma_map_sg(dev, &sg, 1, DMA_TO_DEVICE);
	dev->dma_io_tlb_mem = mem;
	if (ents != 1)
		return -EIO;
	dma_unmap_sg(dev, &sg, 1, DMA_TO_DEVICE);
	return 0;
}

/* Shared when mapped, private when synced */
static int offence_sync(void *p)
{
	struct device *dev = &pdev->dev;
	dma_addr_t addr;
	int err;

	/* Sync is left out until a device had to bounce */
	err = offence_none(p);
	err = err ?: set_memory_decrypted((unsigned long)p, 1);
	if (err)
		return err;
	addr = map_raw(p, PAGE_SIZE);
	err = set_memory_encrypted((unsigned long)p, 1);
	if (err)
		return err;
	dma_sync_single_for_device(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	dma_unmap_single(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	return 0;
}

/* One page of four, freed while shared; private again before it can do harm */
static int offence_free(void *p)
{
	unsigned long block = __get_free_pages(GFP_KERNEL, 2);
	int err;

	if (!block)
		return -ENOMEM;
	err = set_memory_decrypted(block + PAGE_SIZE, 1);
	if (err)
		return err;
	free_pages(block, 2);
	return set_memory_encrypted(block + PAGE_SIZE, 1);
}

/* Free what could not be shared, as if nothing had happened */
static int offence_doubt(void *p)
{
	unsigned long page = __get_free_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	if (!set_memory_decrypted(page, 1))
		return -EINVAL;
	free_page(page);
	return set_memory_encrypted(page, 1);
}

static const struct {
	const char *kind;
	int (*commit)(void *page);
} offences[] = {
	{ "none", offence_none },
	{ "convert", convert },
	{ "map", offence_map },
	{ "tail", offence_tail },
	{ "sg", offence_sg },
	{ "sync", offence_sync },
	{ "free", offence_free },
	{ "doubt", offence_doubt },
};

static int commit(const char *name)
{
	void *page = (void *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	int err = -EINVAL;
	unsigned int i;

	if (!page)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(offences); i++) {
		if (!strcmp(name, offences[i].kind))
			err = offences[i].commit(page);
	}
	if (!err)
		free_page((unsigned long)page);
	return err;
}

static int __init coco_expose_init(void)
{
	int err;

	pdev = platform_device_register_simple("coco_expose", PLATFORM_DEVID_NONE,
					       NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	err = err ?: commit(kind);
	if (err)
		platform_device_unregister(pdev);
	else
		pr_info("coco_expose: %s done\n", kind);
	return err;
}

static void __exit coco_expose_exit(void)
{
	platform_device_unregister(pdev);
}

module_init(coco_expose_init);
module_exit(coco_expose_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Offences for the simulated confidential guest to notice");
