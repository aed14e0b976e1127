// SPDX-License-Identifier: GPL-2.0
/*
 * Records and copies: all simulated memory is compared with a model after each
 * copy, so that a byte too few or too many shows wherever it is.
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "system.h"

#define NR_SLOTS	64
#define TLB_BYTES	((size_t)NR_SLOTS << IO_TLB_SHIFT)
#define TLB_START	0x4000000UL

/* Buffers that are bounced lie here, at any byte */
#define ORIG_START	0x1000000UL
#define ORIG_BYTES	(2 * TLB_BYTES)

/**
 * struct live - a mapping as its owner remembers it
 * @span: as the backend gave it
 * @orig: physical address of the original
 * @size: bytes mapped
 */
struct live {
	struct swiotlb_span span;
	phys_addr_t orig;
	size_t size;
};

static struct device dev;
static struct swiotlb_slot records[NR_SLOTS];
static u8 head_dist[NR_SLOTS];
static struct swiotlb_hot hot;
static struct swiotlb_mem mem = { .hot = &hot };
static struct io_tlb_pool pool = {
	.mem = &mem,
	.start = TLB_START,
	.end = TLB_START + TLB_BYTES,
	.slot_shift = IO_TLB_SHIFT,
	.slots = records,
	.head_dist = head_dist,
	.nr_slots = NR_SLOTS,
};

/* What memory should hold */
static u8 model_tlb[TLB_BYTES], model_orig[ORIG_BYTES];

static void set_up(void)
{
	u64 seed = 7;
	size_t i;

	pool.vaddr = shim_ram(TLB_START);
	for (i = 0; i < TLB_BYTES; i++)
		model_tlb[i] = model_random(&seed);
	for (i = 0; i < ORIG_BYTES; i++)
		model_orig[i] = model_random(&seed);
	memcpy(shim_ram(TLB_START), model_tlb, TLB_BYTES);
	memcpy(shim_ram(ORIG_START), model_orig, ORIG_BYTES);
}

static void check_memory(void)
{
	CHECK(!memcmp(shim_ram(TLB_START), model_tlb, TLB_BYTES));
	CHECK(!memcmp(shim_ram(ORIG_START), model_orig, ORIG_BYTES));
}

static phys_addr_t buffer_of(const struct live *live)
{
	return TLB_START + ((phys_addr_t)live->span.slot << pool.slot_shift) +
	       live->span.offset;
}

static struct live make_live(unsigned int slot, unsigned int nr_slots,
			     unsigned int offset, phys_addr_t orig, size_t size)
{
	struct live live = {
		.span = { &pool, slot, nr_slots, offset },
		.orig = orig,
		.size = size,
	};

	swiotlb_record(&live.span, orig, size);
	return live;
}

/* A copy of part of a mapping, in reality and in the model */
static void sync(const struct live *live, size_t pos, size_t bytes,
		 enum dma_data_direction dir)
{
	u8 *tlb = model_tlb + (buffer_of(live) + pos - TLB_START);
	u8 *orig = model_orig + (live->orig + pos - ORIG_START);

	swiotlb_bounce(&dev, buffer_of(live) + pos, bytes, dir, &pool);
	if (dir == DMA_TO_DEVICE)
		memcpy(tlb, orig, bytes);
	else
		memcpy(orig, tlb, bytes);
	check_memory();
}

/* Only the start of its buffer ends a mapping, no other address in the span */
static void check_forgotten(struct live *live, phys_addr_t tlb_addr)
{
	struct swiotlb_span span = {};

	if (tlb_addr != buffer_of(live))
		CHECK(!swiotlb_forget(&pool, tlb_addr, &span));
	CHECK_EQ(swiotlb_forget(&pool, buffer_of(live), &span), live->size);
	CHECK(span.pool == &pool);
	CHECK_EQ(span.slot, live->span.slot);
	CHECK_EQ(span.nr_slots, live->span.nr_slots);
	CHECK_EQ(span.offset, live->span.offset);
}

TEST(bounce_copies_what_it_is_told)
{
	struct live live;

	set_up();
	live = make_live(3, 4, 0x123, ORIG_START + 0x777, 5000);
	sync(&live, 0, 5000, DMA_TO_DEVICE);
	sync(&live, 0, 5000, DMA_FROM_DEVICE);
	check_forgotten(&live, buffer_of(&live));
}

/* Every class of place and length: within a slot, across, up to either end */
TEST(bounce_syncs_any_part)
{
	static const size_t at[] = {
		0, 1, 63, 64, 1000, 1757, 1758, 2047, 2048, 2049, 4095, 4096,
		7000, 8998, 8999, 9000,
	};
	struct live live;
	unsigned int i, j;

	set_up();
	live = make_live(10, 6, 290, ORIG_START + 4000, 9000);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = i; j < ARRAY_SIZE(at); j++) {
			test_note("bytes %zu to %zu", at[i], at[j]);
			memset(model_orig + 4000, i * 16 + j, 9000);
			memset(shim_ram(live.orig), i * 16 + j, 9000);
			sync(&live, at[i], at[j] - at[i], DMA_TO_DEVICE);
			memset(model_tlb + (10 << IO_TLB_SHIFT), i + j, 12288);
			memset(shim_ram(TLB_START + (10 << IO_TLB_SHIFT)), i + j,
			       12288);
			sync(&live, at[i], at[j] - at[i], DMA_FROM_DEVICE);
		}
	}
}

/* Anything that is not DMA_TO_DEVICE empties the bounce buffer */
TEST(bounce_empties_in_both_other_directions)
{
	struct live live;

	set_up();
	live = make_live(0, 1, 0, ORIG_START, 2048);
	sync(&live, 0, 2048, DMA_BIDIRECTIONAL);
	sync(&live, 100, 7, DMA_FROM_DEVICE);
}

TEST(bounce_ends_at_the_start_only)
{
	struct swiotlb_span span;
	struct live live;
	unsigned int i;

	set_up();
	for (i = 0; i < 9; i++) {
		live = make_live(20, 9, 100, ORIG_START, 9 * 2048 - 100);
		check_forgotten(&live, TLB_START + ((20 + i) << IO_TLB_SHIFT));
		CHECK(!swiotlb_forget(&pool, buffer_of(&live), &span));
	}
}

TEST(bounce_detects_double_unmap)
{
	struct swiotlb_span span = { .slot = 77 };
	struct live live;
	unsigned int i;

	set_up();
	for (i = 0; i < NR_SLOTS; i++)
		CHECK(!swiotlb_forget(&pool, TLB_START + (i << IO_TLB_SHIFT),
				      &span));
	live = make_live(5, 3, 0, ORIG_START, 6144);
	check_forgotten(&live, buffer_of(&live));
	for (i = 0; i < NR_SLOTS; i++)
		CHECK(!swiotlb_forget(&pool, TLB_START + (i << IO_TLB_SHIFT),
				      &span));
	CHECK_EQ(span.slot, 77);
}

/* Left-over distances must lead neither to nobody nor to somebody else */
TEST(bounce_ignores_stale_distances)
{
	struct swiotlb_span span;
	struct live longer, shorter, behind;

	set_up();
	longer = make_live(8, 8, 0, ORIG_START, 8 * 2048);
	check_forgotten(&longer, buffer_of(&longer));
	shorter = make_live(8, 3, 0, ORIG_START, 3 * 2048);

	/* Slot 11 still says that its span begins three before it */
	CHECK(!swiotlb_forget(&pool, TLB_START + (11 << IO_TLB_SHIFT), &span));
	swiotlb_bounce(&dev, TLB_START + (11 << IO_TLB_SHIFT), 16,
		       DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();

	behind = make_live(11, 2, 8, ORIG_START + 8192, 3000);
	sync(&behind, 0, 3000, DMA_TO_DEVICE);
	sync(&shorter, 0, 3 * 2048, DMA_TO_DEVICE);
	check_forgotten(&shorter, TLB_START + (10 << IO_TLB_SHIFT));
	check_forgotten(&behind, TLB_START + (12 << IO_TLB_SHIFT));
}

/* What lies outside the mapping is warned about and not copied */
TEST(bounce_keeps_to_the_mapping)
{
	struct live live;
	phys_addr_t buffer;

	set_up();
	live = make_live(16, 3, 700, ORIG_START + 5000, 4000);
	buffer = buffer_of(&live);

	/* Before it, though in its first slot */
	swiotlb_bounce(&dev, buffer - 1, 10, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();
	swiotlb_bounce(&dev, buffer - 700, 5000, DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();

	/* Behind it, though in its last slot */
	swiotlb_bounce(&dev, buffer + 4000, 1, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	swiotlb_bounce(&dev, buffer + 4100, 1, DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();

	/* Partly: what is inside is copied */
	swiotlb_bounce(&dev, buffer + 3990, 11, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	memcpy(model_tlb + (buffer + 3990 - TLB_START), model_orig + 8990, 10);
	check_memory();
	swiotlb_bounce(&dev, buffer, SIZE_MAX, DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	memcpy(model_orig + 5000, model_tlb + (buffer - TLB_START), 4000);
	check_memory();

	/* Nothing at all, at its very end, is fine */
	swiotlb_bounce(&dev, buffer + 4000, 0, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 0);
	check_memory();
}

TEST(bounce_of_what_is_not_mapped)
{
	set_up();
	swiotlb_bounce(&dev, TLB_START + 5000, 100, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	swiotlb_bounce(&dev, TLB_START + TLB_BYTES - 1, 1, DMA_FROM_DEVICE,
		       &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();
}

static unsigned int nr_frees;

static void count_free(const struct swiotlb_span *span)
{
	nr_frees++;
}

static const struct swiotlb_backend_ops counting_ops = { .free = count_free };

/* Memory given out by swiotlb_alloc() bounces nothing */
TEST(bounce_skips_what_has_no_original)
{
	struct live live;

	set_up();
	live = make_live(30, 2, 0, SWIOTLB_NO_ORIG, 4096);
	swiotlb_bounce(&dev, buffer_of(&live), 4096, DMA_TO_DEVICE, &pool);
	swiotlb_bounce(&dev, buffer_of(&live), 4096, DMA_FROM_DEVICE, &pool);
	check_memory();
	check_forgotten(&live, buffer_of(&live));

	pool.ops = &counting_ops;
	live = make_live(30, 2, 0, SWIOTLB_NO_ORIG, 4096);
	__swiotlb_tbl_unmap_single(&dev, buffer_of(&live), 4096,
				   DMA_FROM_DEVICE, 0, &pool);
	CHECK_EQ(nr_frees, 1);
	check_memory();
}

/* The original may lie where only kmap reaches, page by page */
TEST(bounce_reaches_highmem)
{
	struct live live;

	set_up();
	shim_highmem_start = ORIG_START + 8192;
	live = make_live(40, 8, 0x10, ORIG_START + 8192 + 3000, 12000);
	sync(&live, 0, 12000, DMA_TO_DEVICE);
	sync(&live, 1095, 3, DMA_FROM_DEVICE);
	sync(&live, 1096, 4096, DMA_FROM_DEVICE);
	sync(&live, 500, 9001, DMA_TO_DEVICE);
	sync(&live, 11999, 1, DMA_FROM_DEVICE);
}

/* Pools of large slots keep no distances */
TEST(bounce_without_distances)
{
	struct swiotlb_span span;
	struct live a, b;

	set_up();
	pool.head_dist = NULL;
	pool.slot_shift = 14;
	pool.nr_slots = TLB_BYTES >> 14;
	a = make_live(2, 1, 0x234, ORIG_START + 50, 12000);
	b = make_live(3, 1, 0, ORIG_START + 20000, 16384);
	sync(&a, 11000, 1000, DMA_TO_DEVICE);
	sync(&b, 16383, 1, DMA_FROM_DEVICE);
	CHECK(!swiotlb_forget(&pool, TLB_START + (1 << 14), &span));
	check_forgotten(&a, buffer_of(&a) + 11999);
	CHECK(!swiotlb_forget(&pool, buffer_of(&a), &span));
	check_forgotten(&b, buffer_of(&b));
}

/* The largest that a record can hold */
TEST(bounce_records_the_largest_span)
{
	static struct swiotlb_slot many[SWIOTLB_MAX_SPAN_SLOTS];
	struct swiotlb_span span = {
		.pool = &pool, .nr_slots = SWIOTLB_MAX_SPAN_SLOTS,
		.offset = SWIOTLB_MAX_OFFSET,
	}, was = span;

	set_up();
	pool.head_dist = NULL;
	pool.slots = many;
	pool.nr_slots = SWIOTLB_MAX_SPAN_SLOTS;
	pool.slot_shift = 21;
	swiotlb_record(&span, ORIG_START, 5);
	memset(&span, 0, sizeof(span));
	CHECK_EQ(swiotlb_forget(&pool, TLB_START + SWIOTLB_MAX_OFFSET, &span),
		 5);
	CHECK(!memcmp(&span, &was, sizeof(span)));
}

static u64 packed[NR_SLOTS];

static void set_up_packed(void)
{
	set_up();
	pool.packed = true;
	pool.packed_slots = packed;
	pool.head_dist = NULL;
}

/* Eight bytes hold the first and the last address, the shortest and the longest buffer */
TEST(bounce_packs_records)
{
	static const size_t sizes[] = { 1, 2, 2047, 2048 };
	const u64 end = 1ULL << 52;
	struct swiotlb_buffer buffer;
	struct swiotlb_span span;
	struct live live;
	unsigned int i, k;

	set_up_packed();
	CHECK_EQ(swiotlb_records_bytes(&pool), sizeof(packed));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const u64 origs[] = { 0, 1, ORIG_START, end - 1 - sizes[i],
				      end - sizes[i], end - 1 };

		for (k = 0; k < ARRAY_SIZE(origs); k++) {
			test_note("%zu bytes at %#llx", sizes[i],
				  (unsigned long long)origs[k]);
			live = make_live(5, 1, 0, origs[k], sizes[i]);
			buffer = swiotlb_read_record(&pool, 5);
			CHECK_EQ(buffer.orig_addr, origs[k]);
			CHECK_EQ(buffer.size, sizes[i]);
			CHECK_EQ(buffer.offset, 0);
			CHECK_EQ(buffer.nr_slots, 1);
			CHECK(!packed[4] && packed[5] && !packed[6]);
			check_forgotten(&live, buffer_of(&live) + 1);
			CHECK_EQ(packed[5], 0);
			CHECK(!swiotlb_forget(&pool, buffer_of(&live), &span));
		}
	}
	pool.packed = false;
	CHECK_EQ(swiotlb_records_bytes(&pool), sizeof(records));
}

/* Any part of a slot, and of no other one */
TEST(bounce_syncs_any_part_of_a_packed_slot)
{
	static const size_t at[] = { 0, 1, 63, 500, 1499, 1500 };
	struct live live, last;
	unsigned int i, j;

	set_up_packed();
	live = make_live(10, 1, 0, ORIG_START + 4001, 1500);
	last = make_live(NR_SLOTS - 1, 1, 0, ORIG_START + 9000, 2048);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = i; j < ARRAY_SIZE(at); j++) {
			memset(model_orig + 4001, i * 16 + j, 1500);
			memset(shim_ram(live.orig), i * 16 + j, 1500);
			sync(&live, at[i], at[j] - at[i], DMA_TO_DEVICE);
			memset(model_tlb + (10 << IO_TLB_SHIFT), i + j, 2048);
			memset(shim_ram(buffer_of(&live)), i + j, 2048);
			sync(&live, at[i], at[j] - at[i], DMA_FROM_DEVICE);
		}
	}
	sync(&last, 2047, 1, DMA_TO_DEVICE);
	sync(&last, 0, 2048, DMA_FROM_DEVICE);

	/* Behind the buffer: nothing, or what is inside */
	swiotlb_bounce(&dev, buffer_of(&live) + 1500, 1, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();
	swiotlb_bounce(&dev, buffer_of(&live) + 1000, 501, DMA_TO_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	memcpy(model_tlb + (10 << IO_TLB_SHIFT) + 1000, model_orig + 5001, 500);
	check_memory();
	/* Slots that are not in use, on either side */
	swiotlb_bounce(&dev, buffer_of(&live) - 1, 1, DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	swiotlb_bounce(&dev, buffer_of(&live) + 2048, 1, DMA_FROM_DEVICE, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	check_memory();
}

/* The longest that cc gives; a distance has eight bits, so there are hops */
TEST(bounce_finds_the_head_of_long_spans)
{
	static struct swiotlb_slot many[1100];
	static const unsigned int lengths[] = {
		512, 600, 254, 255, 256, 257, 511, 2
	};
	static u8 distances[ARRAY_SIZE(many)];
	unsigned int i, nr, slot, round;
	struct swiotlb_span span;

	set_up();
	pool.slots = many;
	pool.head_dist = distances;
	pool.nr_slots = ARRAY_SIZE(many);
	for (round = 0; round < ARRAY_SIZE(lengths); round++) {
		/* What is left over from the round before leads elsewhere */
		nr = lengths[round];
		slot = 37 * round;
		span = (struct swiotlb_span){ &pool, slot, nr, 0 };
		swiotlb_record(&span, ORIG_START, nr * IO_TLB_SIZE);
		for (i = 0; i < ARRAY_SIZE(many); i++) {
			test_note("%u slots from %u, slot %u", nr, slot, i);
			CHECK_EQ(swiotlb_find_head(&pool, i),
				 i >= slot && i < slot + nr ? slot : -1L);
		}
		CHECK(swiotlb_forget(&pool, TLB_START + slot * IO_TLB_SIZE,
				     &span));
		for (i = 0; i < ARRAY_SIZE(many); i++)
			CHECK_EQ(swiotlb_find_head(&pool, i), -1);
	}
}

/* A packed buffer comes back once, no more than was mapped, and its slot is free then */
TEST(bounce_unmaps_a_packed_slot_once)
{
	static const size_t sizes[] = { 701, 700, 699, 1 };
	struct live live;
	unsigned int i;

	set_up_packed();
	pool.ops = &counting_ops;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		live = make_live(16, 1, 0, ORIG_START + i * 1000, 700);
		__swiotlb_tbl_unmap_single(&dev, buffer_of(&live), sizes[i],
					   DMA_FROM_DEVICE, 0, &pool);
		CHECK_EQ(shim_take_warns(), sizes[i] > 700);
		memcpy(model_orig + i * 1000, model_tlb + (16 << IO_TLB_SHIFT),
		       min(sizes[i], 700UL));
		check_memory();
		CHECK_EQ(nr_frees, i + 1);
		CHECK_EQ(packed[16], 0);
	}

	__swiotlb_tbl_unmap_single(&dev, buffer_of(&live), 700, DMA_TO_DEVICE, 0,
				   &pool);
	CHECK_EQ(shim_take_warns(), 1);
	CHECK_EQ(nr_frees, i);
}

/* What the device wrote comes back, and no more than was mapped */
TEST(bounce_unmap_keeps_to_the_mapping)
{
	struct live live;
	phys_addr_t buffer;

	set_up();
	pool.ops = &counting_ops;
	live = make_live(16, 3, 700, ORIG_START + 5000, 4000);
	buffer = buffer_of(&live);
	__swiotlb_tbl_unmap_single(&dev, buffer, 4001, DMA_FROM_DEVICE, 0, &pool);
	CHECK_EQ(shim_take_warns(), 1);
	memcpy(model_orig + 5000, model_tlb + (buffer - TLB_START), 4000);
	check_memory();
	CHECK_EQ(nr_frees, 1);

	live = make_live(16, 3, 700, ORIG_START + 15000, 4000);
	__swiotlb_tbl_unmap_single(&dev, buffer, 3999, DMA_FROM_DEVICE, 0, &pool);
	memcpy(model_orig + 15000, model_tlb + (buffer - TLB_START), 3999);
	check_memory();
	CHECK_EQ(nr_frees, 2);

	/* Not where it begins: what is asked for is copied, it stays mapped */
	live = make_live(16, 3, 700, ORIG_START + 30000, 4000);
	__swiotlb_tbl_unmap_single(&dev, buffer + 1000, 3000, DMA_BIDIRECTIONAL, 0,
				   &pool);
	CHECK_EQ(shim_take_warns(), 1);
	memcpy(model_orig + 31000, model_tlb + (buffer - TLB_START) + 1000, 3000);
	check_memory();
	CHECK_EQ(nr_frees, 2);
	__swiotlb_tbl_unmap_single(&dev, buffer, 4000, DMA_TO_DEVICE, 0, &pool);
	check_memory();
	CHECK_EQ(nr_frees, 3);
	__swiotlb_tbl_unmap_single(&dev, buffer, 4000, DMA_FROM_DEVICE, 0, &pool);
	CHECK_EQ(shim_take_warns(), 2);
	check_memory();
	CHECK_EQ(nr_frees, 3);
}

static void map_and_sync_at_random(u64 seed)
{
	struct slot_fit fit = { .boundary = ~0UL };
	void *meta = calloc(1, slot_map_bytes(NR_SLOTS));
	struct live lives[NR_SLOTS], *live;
	unsigned int nr = 0, round;
	struct slot_map map;

	slot_map_init(&map, NR_SLOTS, meta);
	for (round = 0; round < 1500; round++) {
		size_t pos, bytes;
		int slot;

		switch (model_random_below(&seed, 4)) {
		case 0:
			fit.nr_slots = model_random_below(&seed, 12) + 1;
			slot = slot_map_alloc(&map, &fit);
			if (slot < 0)
				break;
			pos = model_random_below(&seed, IO_TLB_SIZE);
			bytes = fit.nr_slots * IO_TLB_SIZE - pos;
			bytes -= model_random_below(&seed, bytes);
			/* Originals may overlap only those of others that are gone */
			lives[nr++] = make_live(slot, fit.nr_slots, pos,
						ORIG_START + slot * 2 * IO_TLB_SIZE
						+ model_random_below(&seed, 2048),
						bytes);
			break;
		case 1:
			if (!nr)
				break;
			live = &lives[model_random_below(&seed, nr)];
			check_forgotten(live, buffer_of(live) +
					model_random_below(&seed, live->size));
			slot_map_free(&map, live->span.slot, live->span.nr_slots);
			*live = lives[--nr];
			break;
		default:
			if (!nr)
				break;
			live = &lives[model_random_below(&seed, nr)];
			pos = model_random_below(&seed, live->size);
			bytes = model_random_below(&seed, live->size - pos) + 1;
			sync(live, pos, bytes, 1 + model_random_below(&seed, 2));
		}
	}
	free(meta);
}

TEST(bounce_survives_random_use)
{
	u64 seed;

	set_up();
	for (seed = 0; seed < 10; seed++) {
		test_note("seed %u", (unsigned int)seed);
		memset(records, 0, sizeof(records));
		map_and_sync_at_random(seed);
	}
}
