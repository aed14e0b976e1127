// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of the swiotlb_test module: what the program asks for, done through
 * the DMA API, and what the device would then see.
 */
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu.h"

enum edu_map_kind { EDU_SINGLE, EDU_SG, EDU_COHERENT };

/* The scatterlist holds DMA addresses and lengths of every kind of mapping. */
struct edu_map {
	enum edu_map_kind kind;
	enum dma_data_direction dir;
	void *coherent;
	struct sg_table sgt;
	struct scatterlist sgl[];
};

static_assert(SWIOTLB_TEST_BIDIR == (int)DMA_BIDIRECTIONAL);
static_assert(SWIOTLB_TEST_TO_DEVICE == (int)DMA_TO_DEVICE);
static_assert(SWIOTLB_TEST_FROM_DEVICE == (int)DMA_FROM_DEVICE);

static unsigned long edu_attrs(u32 flags)
{
	unsigned long attrs = 0;

	if (flags & SWIOTLB_TEST_SKIP_SYNC)
		attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	if (flags & SWIOTLB_TEST_NO_WARN)
		attrs |= DMA_ATTR_NO_WARN;
	return attrs;
}

/* Call the DMA API with interrupts off if asked to, as drivers often do. */
static void edu_enter(u32 flags, unsigned long *irqflags)
{
	if (flags & SWIOTLB_TEST_ATOMIC)
		local_irq_save(*irqflags);
}

static void edu_leave(u32 flags, unsigned long *irqflags)
{
	if (flags & SWIOTLB_TEST_ATOMIC)
		local_irq_restore(*irqflags);
}

static struct scatterlist *edu_map_seg(struct edu_map *map, u32 seg)
{
	return seg < map->sgt.nents ? &map->sgl[seg] : NULL;
}

/* Does the DMA address lead to other memory than the original buffer's? */
static bool edu_bounced(struct device *dev, struct scatterlist *sg)
{
	return dma_to_phys(dev, sg_dma_address(sg)) != sg_phys(sg);
}

static int edu_dma_map(struct device *dev, struct edu_map *map, u32 flags)
{
	struct scatterlist *sg = map->sgl;
	unsigned long irqflags;
	int ret;

	edu_enter(flags, &irqflags);
	if (map->kind == EDU_SG) {
		ret = dma_map_sgtable(dev, &map->sgt, map->dir, edu_attrs(flags));
	} else {
		sg_dma_address(sg) = dma_map_single_attrs(dev, sg_virt(sg),
							  sg->length, map->dir,
							  edu_attrs(flags));
		sg_dma_len(sg) = sg->length;
		map->sgt.nents = 1;
		ret = dma_mapping_error(dev, sg_dma_address(sg));
	}
	edu_leave(flags, &irqflags);
	return ret ? -EIO : 0;
}

static void edu_dma_unmap(struct edu_dev *edu, struct edu_map *map, u32 flags)
{
	struct device *dev = &edu->pdev->dev;
	struct scatterlist *sg = map->sgl;
	unsigned long irqflags;

	edu_enter(flags, &irqflags);
	if (map->kind == EDU_SG)
		dma_unmap_sgtable(dev, &map->sgt, map->dir, edu_attrs(flags));
	else if (map->kind == EDU_SINGLE)
		dma_unmap_single_attrs(dev, sg_dma_address(sg), sg_dma_len(sg),
				       map->dir, edu_attrs(flags));
	edu_leave(flags, &irqflags);
	/* This one may sleep. */
	if (map->kind == EDU_COHERENT)
		dma_free_coherent(dev, sg_dma_len(sg), map->coherent,
				  sg_dma_address(sg));
	atomic_dec(&edu->nr_live);
	kfree(map);
}

static void edu_dma_sync(struct device *dev, struct edu_map *map,
			 const struct swiotlb_test_sync *arg)
{
	bool for_device = arg->flags & SWIOTLB_TEST_FOR_DEVICE;
	dma_addr_t dma = sg_dma_address(map->sgl);
	unsigned long irqflags;

	edu_enter(arg->flags, &irqflags);
	if (map->kind == EDU_SG && for_device)
		dma_sync_sgtable_for_device(dev, &map->sgt, map->dir);
	else if (map->kind == EDU_SG)
		dma_sync_sgtable_for_cpu(dev, &map->sgt, map->dir);
	else if (for_device)
		dma_sync_single_range_for_device(dev, dma, arg->offset,
						 arg->bytes, map->dir);
	else
		dma_sync_single_range_for_cpu(dev, dma, arg->offset,
					      arg->bytes, map->dir);
	edu_leave(arg->flags, &irqflags);
}

static struct edu_map *edu_map_alloc(enum edu_map_kind kind,
				     enum dma_data_direction dir, u32 nr_segs)
{
	struct edu_map *map;

	map = kzalloc(struct_size(map, sgl, nr_segs), GFP_KERNEL);
	if (!map)
		return NULL;
	map->kind = kind;
	map->dir = dir;
	sg_init_table(map->sgl, nr_segs);
	map->sgt.sgl = map->sgl;
	map->sgt.orig_nents = nr_segs;
	return map;
}

/* A mapping is counted as live from here on. */
static int edu_map_publish(struct edu_ctx *ctx, struct edu_map *map, u32 *id)
{
	int ret;

	atomic_inc(&ctx->edu->nr_live);
	ret = xa_alloc(&ctx->maps, id, map, xa_limit_31b, GFP_KERNEL);
	if (ret)
		edu_dma_unmap(ctx->edu, map, 0);
	return ret;
}

int edu_ioc_map(struct edu_ctx *ctx, void __user *argp)
{
	const u32 known = SWIOTLB_TEST_SG | SWIOTLB_TEST_SKIP_SYNC |
			  SWIOTLB_TEST_NO_WARN | SWIOTLB_TEST_ATOMIC;
	struct device *dev = &ctx->edu->pdev->dev;
	struct swiotlb_test_map arg;
	struct edu_map *map;
	int ret;
	u32 i;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~known || arg.dir > SWIOTLB_TEST_FROM_DEVICE)
		return -EINVAL;
	if (!arg.nr_segs || arg.nr_segs > SWIOTLB_TEST_MAX_SEGS ||
	    (arg.nr_segs > 1 && !(arg.flags & SWIOTLB_TEST_SG)))
		return -EINVAL;

	map = edu_map_alloc(arg.flags & SWIOTLB_TEST_SG ? EDU_SG : EDU_SINGLE,
			    arg.dir, arg.nr_segs);
	if (!map)
		return -ENOMEM;
	for (i = 0; i < arg.nr_segs; i++) {
		struct swiotlb_test_seg *seg = &arg.segs[i];

		ret = -EINVAL;
		if (!edu_range_ok(seg->offset, seg->bytes, ctx->arena_bytes))
			goto free;
		sg_set_buf(&map->sgl[i], ctx->arena + seg->offset, seg->bytes);
	}

	ret = edu_dma_map(dev, map, arg.flags);
	if (ret)
		goto free;
	for (i = 0; i < map->sgt.nents; i++) {
		struct scatterlist *sg = &map->sgl[i];

		arg.segs[i].phys = sg_phys(sg);
		arg.segs[i].dma = sg_dma_address(sg);
		arg.segs[i].bytes = sg_dma_len(sg);
		arg.segs[i].bounced = edu_bounced(dev, sg);
	}
	arg.nr_segs = map->sgt.nents;

	ret = edu_map_publish(ctx, map, &arg.id);
	if (ret)
		return ret;
	/* Should this fail, then the mapping lives until the file is closed. */
	return copy_to_user(argp, &arg, sizeof(arg)) ? -EFAULT : 0;

free:
	kfree(map);
	return ret;
}

int edu_ioc_coherent(struct edu_ctx *ctx, void __user *argp)
{
	struct swiotlb_test_coherent arg;
	struct edu_map *map;
	dma_addr_t dma;
	int ret;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (!arg.bytes || arg.bytes > SWIOTLB_TEST_MAX_ARENA_BYTES)
		return -EINVAL;

	map = edu_map_alloc(EDU_COHERENT, DMA_BIDIRECTIONAL, 1);
	if (!map)
		return -ENOMEM;
	map->coherent = dma_alloc_coherent(&ctx->edu->pdev->dev, arg.bytes,
					   &dma, GFP_KERNEL);
	if (!map->coherent) {
		kfree(map);
		return -EIO;
	}
	sg_dma_address(map->sgl) = dma;
	sg_dma_len(map->sgl) = arg.bytes;
	map->sgt.nents = 1;

	arg.dma = dma;
	ret = edu_map_publish(ctx, map, &arg.id);
	if (ret)
		return ret;
	return copy_to_user(argp, &arg, sizeof(arg)) ? -EFAULT : 0;
}

int edu_ioc_unmap(struct edu_ctx *ctx, void __user *argp)
{
	struct swiotlb_test_unmap arg;
	struct edu_map *map;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~(SWIOTLB_TEST_SKIP_SYNC | SWIOTLB_TEST_ATOMIC))
		return -EINVAL;
	map = xa_erase(&ctx->maps, arg.id);
	if (!map)
		return -ENOENT;
	edu_dma_unmap(ctx->edu, map, arg.flags);
	return 0;
}

int edu_ioc_sync(struct edu_ctx *ctx, void __user *argp)
{
	const u32 known = SWIOTLB_TEST_FOR_DEVICE | SWIOTLB_TEST_OVERFLOW |
			  SWIOTLB_TEST_ATOMIC;
	struct swiotlb_test_sync arg;
	struct edu_map *map;
	bool ok;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~known)
		return -EINVAL;
	map = xa_load(&ctx->maps, arg.id);
	if (!map)
		return -ENOENT;

	if (map->kind == EDU_COHERENT)
		ok = false;
	else if (map->kind == EDU_SG)
		ok = !arg.offset && !arg.bytes;
	else if (arg.flags & SWIOTLB_TEST_OVERFLOW)
		/* Starts inside, ends anywhere, but is not gigabytes. */
		ok = arg.offset < sg_dma_len(map->sgl) && arg.bytes &&
		     arg.bytes <= SWIOTLB_TEST_MAX_ARENA_BYTES;
	else
		ok = edu_range_ok(arg.offset, arg.bytes, sg_dma_len(map->sgl));
	if (!ok)
		return -EINVAL;

	edu_dma_sync(&ctx->edu->pdev->dev, map, &arg);
	return 0;
}

/* Where the device would find @offset, or NULL if there is no memory there. */
static void *edu_device_view(struct device *dev, struct scatterlist *sg,
			     u64 offset, u64 bytes)
{
	phys_addr_t phys = dma_to_phys(dev, sg_dma_address(sg) + offset);

	/* A wrong address from the DMA API is a result, not a reason to crash. */
	if (!pfn_valid(PHYS_PFN(phys)) ||
	    !pfn_valid(PHYS_PFN(phys + bytes - 1)) ||
	    PageHighMem(pfn_to_page(PHYS_PFN(phys))))
		return NULL;
	return phys_to_virt(phys);
}

int edu_ioc_xfer(struct edu_ctx *ctx, void __user *argp)
{
	struct swiotlb_test_xfer arg;
	struct scatterlist *sg;
	struct edu_map *map;
	void __user *user;
	void *addr;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~(SWIOTLB_TEST_WRITE | SWIOTLB_TEST_CPU))
		return -EINVAL;
	map = xa_load(&ctx->maps, arg.id);
	if (!map)
		return -ENOENT;
	sg = edu_map_seg(map, arg.seg);
	if (!sg || !edu_range_ok(arg.offset, arg.bytes, sg_dma_len(sg)))
		return -EINVAL;

	if (arg.flags & SWIOTLB_TEST_CPU) {
		/* Other mappings are seen through the mapped arena. */
		if (map->kind != EDU_COHERENT)
			return -EINVAL;
		addr = map->coherent + arg.offset;
	} else {
		addr = edu_device_view(&ctx->edu->pdev->dev, sg, arg.offset,
				       arg.bytes);
		if (!addr)
			return -ENXIO;
	}

	user = u64_to_user_ptr(arg.user_addr);
	if (arg.flags & SWIOTLB_TEST_WRITE)
		return copy_from_user(addr, user, arg.bytes) ? -EFAULT : 0;
	return copy_to_user(user, addr, arg.bytes) ? -EFAULT : 0;
}

/* Is the range where this call may let the device go wrong? */
static bool edu_stray_ok(struct scatterlist *sg, u64 offset, u64 bytes)
{
	/* A negative offset wraps around, to what is just below 0. */
	u64 start = offset + SWIOTLB_TEST_STRAY_BYTES;

	return edu_range_ok(start, bytes,
			    sg_dma_len(sg) + 2 * SWIOTLB_TEST_STRAY_BYTES);
}

int edu_ioc_edu(struct edu_ctx *ctx, void __user *argp)
{
	struct swiotlb_test_edu arg;
	struct scatterlist *sg;
	struct edu_map *map;
	dma_addr_t dma;
	bool ok;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~SWIOTLB_TEST_STRAY)
		return -EINVAL;
	map = xa_load(&ctx->maps, arg.id);
	if (!map)
		return -ENOENT;
	sg = edu_map_seg(map, arg.seg);
	if (!sg || !edu_range_ok(arg.edu_offset, arg.bytes, SWIOTLB_TEST_EDU_BYTES))
		return -EINVAL;
	if (arg.flags & SWIOTLB_TEST_STRAY)
		ok = edu_stray_ok(sg, arg.offset, arg.bytes);
	else
		ok = edu_range_ok(arg.offset, arg.bytes, sg_dma_len(sg));
	if (!ok)
		return -EINVAL;
	if (arg.dir != SWIOTLB_TEST_TO_DEVICE &&
	    arg.dir != SWIOTLB_TEST_FROM_DEVICE)
		return -EINVAL;
	if (map->dir != DMA_BIDIRECTIONAL && map->dir != arg.dir)
		return -EINVAL;

	dma = sg_dma_address(sg) + arg.offset;
	return edu_engine_run(ctx->edu, dma, arg.edu_offset, arg.bytes,
			      arg.dir == SWIOTLB_TEST_FROM_DEVICE);
}

void edu_ctx_unmap_all(struct edu_ctx *ctx)
{
	struct edu_map *map;
	unsigned long id;

	lockdep_assert_held_write(&ctx->edu->rwsem);
	xa_for_each(&ctx->maps, id, map)
		edu_dma_unmap(ctx->edu, map, 0);
	xa_destroy(&ctx->maps);
}
