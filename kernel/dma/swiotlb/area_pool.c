// SPDX-License-Identifier: GPL-2.0
/*
 * Pools with areas: made, closed, unmade
 *
 * What manages a pool is one allocation, all of it private memory:
 *
 *	area_pool, areas | records | head_dist | slot map of area 0, 1, ...
 *
 * It takes a bit more than 17 bytes for a slot of 2 KiB, and 128 for an area.
 */
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>

#include "areas.h"

/* Areas and their maps' memory must not share cache lines */
static size_t area_map_bytes(unsigned int nr_slots)
{
	return L1_CACHE_ALIGN(slot_map_bytes(nr_slots));
}

/**
 * area_slots() - how many slots an area has
 * @layout: of its pool
 * @i:	    its number there
 *
 * Return: number of slots.
 */
unsigned int area_slots(const struct area_layout *layout, unsigned int i)
{
	if (i + 1 < layout->nr_areas)
		return layout->nr_area_slots;
	return layout->nr_slots - i * layout->nr_area_slots;
}

/* As many areas as wanted, but a power of two and each at least a segment */
static struct area_layout deal_out(unsigned int nr_slots,
				   unsigned int nr_areas)
{
	unsigned int nr_segs = max(nr_slots / SLOTS_PER_SEG, 1U);
	struct area_layout layout = { .nr_slots = nr_slots };

	layout.nr_areas = rounddown_pow_of_two(clamp(nr_areas, 1U, nr_segs));
	layout.nr_area_slots = nr_segs / layout.nr_areas * SLOTS_PER_SEG;
	return layout;
}

/**
 * area_pool_new() - make what manages a pool
 * @set:      what it is going to belong to
 * @pool:     provisioned, with its backend
 * @nr_areas: number of areas wanted
 *
 * Context: as &swiotlb_backend_ops.init.
 * Return: the pool, or %NULL if there is no memory, or if @pool is too large.
 */
struct area_pool *area_pool_new(struct area_set *set,
				const struct io_tlb_pool *pool,
				unsigned int nr_areas)
{
	u64 nr_slots = (pool->end - pool->start) >> IO_TLB_SHIFT;
	size_t bytes, records, dists, maps;
	struct area_layout layout;
	struct area_pool *ap;
	unsigned int i;
	void *meta;

	/* Slot numbers are ints; 4 TiB of bounce buffers will do */
	if (nr_slots > INT_MAX)
		return NULL;

	layout = deal_out(nr_slots, nr_areas);
	records = L1_CACHE_ALIGN(struct_size(ap, areas, layout.nr_areas));
	dists = records + array_size(nr_slots, sizeof(struct swiotlb_slot));
	maps = L1_CACHE_ALIGN(dists + nr_slots);
	bytes = maps;
	for (i = 0; i < layout.nr_areas; i++)
		bytes += area_map_bytes(area_slots(&layout, i));

	meta = swiotlb_meta_alloc(bytes, pool->phase);
	if (!meta)
		return NULL;

	ap = meta;
	ap->pool = *pool;
	ap->pool.slot_shift = IO_TLB_SHIFT;
	ap->pool.nr_slots = nr_slots;
	ap->pool.slots = meta + records;
	ap->pool.head_dist = meta + dists;
	ap->set = set;
	ap->layout = layout;
	ap->must_reach = pool->end - 1;
	ap->meta_bytes = bytes;

	for (i = 0; i < layout.nr_areas; i++) {
		spin_lock_init(&ap->areas[i].lock);
		slot_map_init(&ap->areas[i].map, area_slots(&layout, i),
			      meta + maps);
		ap->areas[i].emptied = jiffies;
		maps += area_map_bytes(area_slots(&layout, i));
	}
	return ap;
}

/**
 * area_pool_free() - free what area_pool_new() made, but not the pool's memory
 * @ap: the pool; nobody knows it any more
 *
 * Context: as swiotlb_meta_free().
 */
void area_pool_free(struct area_pool *ap)
{
	swiotlb_meta_free(ap, ap->meta_bytes, ap->pool.phase);
}

static void reopen(struct area_pool *ap, unsigned int nr_areas)
{
	while (nr_areas--) {
		struct slot_area *area = &ap->areas[nr_areas];

		spin_lock_irq(&area->lock);
		slot_map_open(&area->map, area_slots(&ap->layout, nr_areas));
		area_tell_room(ap, area, area->map.nr_orders);
		spin_unlock_irq(&area->lock);
	}
}

/**
 * area_pool_close() - let nobody get anything from a pool any more
 * @ap: the pool
 *
 * Context: process context.
 * Return: %false, and all is as before, if something is in use.
 */
bool area_pool_close(struct area_pool *ap)
{
	unsigned int i;

	for (i = 0; i < ap->layout.nr_areas; i++) {
		struct slot_area *area = &ap->areas[i];
		bool closed;

		spin_lock_irq(&area->lock);
		closed = slot_map_close(&area->map);
		if (closed)
			area_tell_room(ap, area, 0);
		spin_unlock_irq(&area->lock);

		if (!closed) {
			reopen(ap, i);
			return false;
		}
	}
	return true;
}
