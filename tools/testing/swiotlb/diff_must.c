// SPDX-License-Identifier: GPL-2.0
/*
 * When a mapping has to succeed
 *
 * Allocators place buffers differently, so one may fail where another does not.
 * But these must not fail, in any of them:
 *
 *   1. What swiotlb_max_mapping_size() promised, if nothing at all is mapped. The
 *	pristine allocator promises without a look at the boundary, so its word
 *	counts only where rule 2 would hold as well.
 *   2. What fits into an empty segment, if there is one for sure: memory consists
 *	of pieces (segments of 256 KiB, or chunks of 2 MiB), no buffer is in two, so
 *	with fewer buffers than pieces one is empty. Two more are left out: a boundary
 *	may cut one, and one may be incomplete, or kept for others. Does a device not
 *	reach all memory, and gets some that is kept for such, nobody knows how much.
 *   3. What takes one slot of 2 KiB anywhere, if one is free for sure, and slots are
 *	what they always were.
 *
 * A buffer that itself crosses the boundary need not be mapped, ever.
 */
#include "diff_must.h"

#define SLOT_BYTES	2048UL
#define SEG_BYTES	SZ_256K

static bool has_empty_piece(const struct diff_room *room,
			    const struct device *dev)
{
	size_t piece_bytes = room->piece_bytes ?: SEG_BYTES;

	if (room->keeps_low && *dev->dma_mask != U64_MAX)
		return false;
	return room->nr_live + 2 < room->bytes / piece_bytes;
}

/* What an empty segment of 256 KiB can take, whatever the address */
static size_t segment_takes(const struct device *dev)
{
	size_t bytes = min((u64)SEG_BYTES - 1, dev->seg_boundary) + 1;
	size_t lost = ALIGN((size_t)dev->min_align_mask, SLOT_BYTES);

	if (dev->min_align_mask >= dev->seg_boundary)
		return bytes;
	return lost < bytes ? bytes - lost : 0;
}

/* Is it so small, and asks for so little, that any slot will do? */
static bool any_slot_will_do(const struct device *dev, phys_addr_t orig,
			     size_t size)
{
	return dev->min_align_mask < SLOT_BYTES &&
	       (orig & dev->min_align_mask) + size <= SLOT_BYTES;
}

bool diff_must_map(const struct diff_room *room, const struct device *dev,
		   size_t promised, phys_addr_t orig, size_t size,
		   unsigned int alloc_align_mask)
{
	size_t takes = min(segment_takes(dev), promised);

	if ((orig & dev->seg_boundary) + size - 1 > dev->seg_boundary)
		return false;
	/* Whole IOMMU pages cost one at the start and one at the end, at most */
	if (alloc_align_mask)
		return has_empty_piece(room, dev) &&
		       size + 2 * (alloc_align_mask + 1UL) <= takes;

	if (size <= promised && room->honest && !room->nr_live)
		return true;
	if (size <= takes && has_empty_piece(room, dev))
		return true;
	return !room->piece_bytes && any_slot_will_do(dev, orig, size) &&
	       room->nr_slots < room->bytes / SLOT_BYTES;
}

bool diff_must_alloc(const struct diff_room *room, const struct device *dev,
		     size_t size)
{
	return has_empty_piece(room, dev) &&
	       PAGE_SIZE << get_order(size) <= segment_takes(dev) / 2;
}
