// SPDX-License-Identifier: GPL-2.0
/*
 * Backend `pools`: as many pools as one likes, each for one mapping.
 *
 * It is for measuring what depends on the number of pools and for nothing else:
 * who maps has to try one pool after the other.
 *
 * Behind each pool there is as much memory that belongs to none, and addresses
 * anywhere below 4 GiB are announced as possible. So however few pools there are,
 * looking up an address behind one goes through the tables that lead to that pool,
 * and ends at an entry that is empty. There is one case more, which is not measured
 * here: where a pool begins or ends within a granule, a table of its pages follows.
 */

#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swiotlb/backend.h>

#define POOL_BYTES	((size_t)SZ_256K)
#define POOL_SHIFT	18
#define PAIR_BYTES	(2 * POOL_BYTES)	/* with what is behind it */

static unsigned int pools = 1;
module_param(pools, uint, 0444);
MODULE_PARM_DESC(pools, "Number of pools");

static const struct swiotlb_backend_ops pools_ops;

struct one_pool {
	struct io_tlb_pool pool;
	struct swiotlb_slot slot;
	unsigned long taken;
};

struct many_pools {
	unsigned int nr;
	struct one_pool pools[] __counted_by(nr);
};

static bool fits(const struct io_tlb_pool *pool, const struct swiotlb_req *req,
		 unsigned int offset)
{
	u64 first = pool->start + req->dma_offset;
	u64 last = first + offset + req->size - 1;

	return last <= req->addr_limit && last - first <= req->boundary_mask;
}

static int pools_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		       struct swiotlb_span *span)
{
	unsigned int offset = req->orig_addr & req->min_align_mask, i;
	struct many_pools *all = mem->backend;

	if (req->size > POOL_BYTES || offset > POOL_BYTES - req->size ||
	    (req->min_align_mask | req->alloc_align_mask) >= POOL_BYTES)
		return -E2BIG;

	for (i = 0; i < all->nr; i++) {
		struct one_pool *one = &all->pools[i];

		if (!fits(&one->pool, req, offset))
			return -ENXIO;
		if (test_bit(0, &one->taken) || test_and_set_bit(0, &one->taken))
			continue;
		*span = (struct swiotlb_span){
			.pool = &one->pool, .nr_slots = 1, .offset = offset,
		};
		return 0;
	}
	return -ENOSPC;
}

static void pools_free(const struct swiotlb_span *span)
{
	struct one_pool *one = container_of(span->pool, struct one_pool, pool);

	clear_bit_unlock(0, &one->taken);
}

static size_t pools_max_mapping(struct swiotlb_mem *mem, const struct swiotlb_limits *limits)
{
	return POOL_BYTES - min_t(size_t, limits->min_align_mask, POOL_BYTES - 1);
}

static size_t pools_used(struct swiotlb_mem *mem)
{
	struct many_pools *all = mem->backend;
	unsigned int i, nr = 0;

	for (i = 0; i < all->nr; i++)
		nr += test_bit(0, &all->pools[i].taken);
	return nr * POOL_BYTES;
}

static void destroy_pool(struct swiotlb_mem *mem, struct one_pool *one)
{
	swiotlb_pool_retract(&one->pool);
	/* All of it, as it was provisioned */
	one->pool.end = one->pool.start + PAIR_BYTES;
	swiotlb_pool_release(mem, &one->pool);
}

static int create_pool(struct swiotlb_mem *mem, struct one_pool *one, gfp_t gfp)
{
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE, .bytes = PAIR_BYTES, .gfp = gfp,
	};
	struct io_tlb_pool *pool = &one->pool;
	int err;

	*pool = (struct io_tlb_pool){
		.slot_shift = POOL_SHIFT, .slots = &one->slot, .nr_slots = 1,
		.mem = mem, .ops = &pools_ops,
	};
	err = swiotlb_pool_provision(mem, pool, &params);
	if (err)
		return err;
	if (pool->end - pool->start != PAIR_BYTES) {
		swiotlb_pool_release(mem, pool);
		return -ENOMEM;
	}
	err = swiotlb_pool_share(mem, pool);
	if (err)
		return err;

	pool->end = pool->start + POOL_BYTES;
	err = swiotlb_pool_publish(pool);
	if (err) {
		pool->end = pool->start + PAIR_BYTES;
		swiotlb_pool_release(mem, pool);
	}
	return err;
}

static void pools_exit(struct swiotlb_mem *mem)
{
	struct many_pools *all = mem->backend;

	/* Lookups that go past them, and the last ones who freed */
	while (all->nr)
		destroy_pool(mem, &all->pools[--all->nr]);
	synchronize_rcu();
	kvfree(all);
}

static int pools_init(struct swiotlb_mem *mem, const struct swiotlb_params *params)
{
	struct many_pools *all;
	unsigned int i;
	int err;

	if (params->phase != SWIOTLB_LATE || params->remap)
		return -EOPNOTSUPP;
	err = swiotlb_pool_expect(0, SZ_4G);
	if (err)
		return err;

	all = kvzalloc(struct_size(all, pools, pools), GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	mem->backend = all;
	for (i = 0; i < pools; i++) {
		all->nr = i + 1;
		err = create_pool(mem, &all->pools[i], params->gfp);
		if (err) {
			all->nr = i;
			pools_exit(mem);
			return err;
		}
	}
	mem->start = all->pools[0].pool.start;
	mem->end = SZ_4G;
	mem->nslabs = pools * (POOL_BYTES >> 11);
	return 0;
}

static const struct swiotlb_backend_ops pools_ops = {
	.alloc		= pools_alloc,
	.free		= pools_free,
	.max_mapping	= pools_max_mapping,
	.used		= pools_used,
	.init		= pools_init,
	.exit		= pools_exit,
	.name		= "pools",
	.owner		= THIS_MODULE,
};

static int __init swiotlb_pools_init(void)
{
	if (!pools)
		return -EINVAL;
	return swiotlb_register_backend(&pools_ops);
}

static void __exit swiotlb_pools_exit(void)
{
	swiotlb_unregister_backend(&pools_ops);
}

module_init(swiotlb_pools_init);
module_exit(swiotlb_pools_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Many pools, to measure what depends on their number");
