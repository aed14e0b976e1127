// SPDX-License-Identifier: GPL-2.0
/*
 * Plays sequences of operations on allocators, and compares them with the model
 *
 * All allocators are open at once, and each plays the whole sequence in turn, with
 * the same originals. It is done in one thread, and what workers have to do is done
 * before the next operation, so a sequence always ends alike.
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "diff_must.h"
#include "diff_ops.h"
#include "diff_run.h"
#include "model.h"

#define MAX_ALLOCATORS	8
#define POOL_BYTES	SZ_8M

/* Originals lie in memory of the tests' own, with room for any offset */
#define BUFFERS_START	0x4000000UL
#define BUFFER_STRIDE	(DIFF_MAX_BYTES + 0x20000UL)
#define NR_BUFFERS	128U
#define FILLERS_START	(BUFFERS_START + NR_BUFFERS * BUFFER_STRIDE)
#define FILLER_STRIDE	0x4000UL
#define FILLER_BYTES	0x2000UL
#define NR_FILLERS	1024U
#define NR_COHERENT	64U
#define MAX_COHERENT	SZ_256K

static struct player {
	struct allocator *a;
	size_t bytes;
	struct device devices[DIFF_NR_DEVICES];
	u64 dma_masks[DIFF_NR_DEVICES];
	size_t promised[DIFF_NR_DEVICES];
	struct diff_counts counts;
} players[MAX_ALLOCATORS];

static unsigned int nr_players;
static struct model_buffer buffers[NR_BUFFERS];
static struct model_buffer fillers[NR_FILLERS];
static struct model_buffer coherent[NR_COHERENT];
static char where[400];

/* What is written is a part of this, which is faster than making it up */
static u8 patterns[2 * DIFF_MAX_BYTES];

static void __attribute__((constructor)) make_patterns(void)
{
	u64 seed = 42;
	size_t i;

	for (i = 0; i < sizeof(patterns); i++)
		patterns[i] = model_random(&seed) >> 9;
}

/* Some device that may do anything shows where memory begins */
static phys_addr_t probe_start(struct player *p)
{
	u64 mask = U64_MAX;
	struct device dev = { .dma_mask = &mask, .seg_boundary = U64_MAX };
	dma_addr_t addr;

	p->a->bind(p->a, &dev);
	addr = p->a->map(&dev, BUFFERS_START, PAGE_SIZE, DMA_TO_DEVICE, 0);
	if (addr == DMA_MAPPING_ERROR) {
		fprintf(stderr, "diff: %s maps nothing\n", p->a->name);
		exit(2);
	}
	p->a->unmap(&dev, addr, PAGE_SIZE, DMA_TO_DEVICE, 0);
	return addr;
}

static void open_one(struct player *p, struct allocator *a)
{
	const struct allocator_params params = {
		.bytes = POOL_BYTES,
		.nr_areas = DIFF_NR_CPUS,
		.low = true,
	};
	phys_addr_t middle;
	unsigned int i;
	int err;

	shim_nr_cpus = DIFF_NR_CPUS;
	p->a = a;
	/* It may play early boot, so let nobody be at work meanwhile */
	shim_settle();
	err = a->open(a, &params);
	if (err) {
		fprintf(stderr, "diff: cannot open %s: %d\n", a->name, err);
		exit(2);
	}
	p->bytes = a->reserved(a);
	/* In a segment near the start, where buffers are most likely to be */
	middle = probe_start(p) + 0x130000;
	for (i = 0; i < DIFF_NR_DEVICES; i++) {
		diff_device_init(&p->devices[i], &p->dma_masks[i], i, middle);
		a->bind(a, &p->devices[i]);
		p->promised[i] = a->max_mapping(&p->devices[i]);
	}
}

/* Those whose names begin with @word, unless they are open */
static void open_named(const char *word, size_t len)
{
	unsigned int nr_found = 0, i;
	struct allocator *a;

	for_each_allocator(a) {
		if (strncmp(a->name, word, len))
			continue;
		nr_found++;
		for (i = 0; i < nr_players && players[i].a != a; i++)
			;
		if (i == MAX_ALLOCATORS) {
			fprintf(stderr, "diff: no room for %s\n", a->name);
			exit(2);
		}
		if (i == nr_players)
			open_one(&players[nr_players++], a);
	}
	if (!nr_found) {
		fprintf(stderr, "diff: no allocator is called %.*s\n", (int)len,
			word);
		exit(2);
	}
}

void diff_open(const char *words)
{
	size_t len;

	/* Any name begins with nothing */
	words = words ?: "";
	do {
		len = strcspn(words, ",");
		open_named(words, len);
		words += len;
	} while (*words++);
}

void diff_print_players(void)
{
	struct allocator *a;

	for_each_allocator(a)
		printf("%s%s", a->name, diff_counts_of(a) ? " " : " (left out) ");
	printf("\n");
}

const char *diff_close(void)
{
	while (nr_players) {
		struct player *p = &players[--nr_players];

		shim_settle();
		p->a->close(p->a);
	}
	shim_settle();
	if (shim_page_bytes())
		return complain("%zu bytes were not given back",
				shim_page_bytes());
	return NULL;
}

static const u8 *pattern(unsigned int nr)
{
	return patterns + nr * 7919 % DIFF_MAX_BYTES;
}

static bool is_upstream(const struct allocator *a)
{
	return str_has_prefix(a->name, "upstream");
}

static struct diff_room room_of(const struct player *p)
{
	return (struct diff_room){
		.bytes = p->bytes,
		.piece_bytes = p->a->piece_bytes,
		.keeps_low = p->a->keeps_low,
		.honest = !is_upstream(p->a),
		.nr_live = model_nr_mapped(),
		.nr_slots = model_nr_slots(),
	};
}

/* The allocator is called as if from there */
static void enter(const struct diff_op *op)
{
	shim_cpu = op->cpu;
	shim_context.in_interrupt = op->in_interrupt;
}

static void leave(void)
{
	shim_context.in_interrupt = false;
}

static u64 call_map(struct player *p, struct device *dev,
		    const struct diff_op *op, phys_addr_t orig, size_t size)
{
	u64 addr;

	enter(op);
	if (op->alloc_align_mask)
		addr = p->a->tbl_map(dev, orig, size, op->alloc_align_mask,
				     op->dir, 0);
	else
		addr = p->a->map(dev, orig, size, op->dir, 0);
	leave();
	return addr;
}

static const char *map(struct player *p, struct model_buffer *b,
		       const struct diff_op *op, phys_addr_t orig, size_t size)
{
	struct device *dev = &p->devices[op->device];
	struct diff_room room = room_of(p);
	bool must = diff_must_map(&room, dev, p->promised[op->device], orig,
				  size, op->alloc_align_mask);
	u64 addr;

	memcpy(shim_ram(orig), pattern(op->pos + op->buffer), size);
	model_orig(b, orig, size);
	addr = call_map(p, dev, op, orig, size);
	/* Room that CPUs keep for other sizes may have to be asked back, if any is used */
	if (addr == DMA_MAPPING_ERROR && must && p->a->keeps_slots &&
	    room.nr_live) {
		shim_settle();
		addr = call_map(p, dev, op, orig, size);
	}
	p->counts.musts += must;
	if (addr == DMA_MAPPING_ERROR) {
		p->counts.fails++;
		return must ? complain("%zu at %#llx not mapped, %u live, %zu of %zu bytes used",
				       size, (unsigned long long)orig,
				       room.nr_live, p->a->used(p->a),
				       p->a->reserved(p->a)) : NULL;
	}

	p->counts.maps++;
	b->dev = dev;
	b->dir = op->dir;
	b->alloc_align_mask = op->alloc_align_mask;
	b->tlb = op->alloc_align_mask ? addr : addr - dev->dma_offset;
	return model_mapped(b);
}

static const char *unmap(struct player *p, struct model_buffer *b,
			 const struct diff_op *op)
{
	/* The model's is const, the API's is not */
	struct device *dev = &p->devices[b->dev - p->devices];
	const char *err = model_compare(b);

	enter(op);
	p->a->unmap(dev, b->tlb, b->size, b->dir,
		    op->skip_sync ? DMA_ATTR_SKIP_CPU_SYNC : 0);
	leave();
	model_unmap(b, op->skip_sync);
	return err ?: model_unmapped(b);
}

static struct page *call_alloc(struct player *p, struct device *dev,
			       const struct diff_op *op, size_t size)
{
	struct page *page;

	enter(op);
	page = p->a->alloc(dev, size);
	leave();
	return page;
}

static const char *coherent_alloc(struct player *p, struct model_buffer *b,
				  const struct diff_op *op)
{
	struct device *dev = &p->devices[op->device];
	size_t size = min(op->size, MAX_COHERENT);
	struct diff_room room = room_of(p);
	bool must = diff_must_alloc(&room, dev, size);
	struct page *page;
	const char *err;
	u64 addr;

	page = call_alloc(p, dev, op, size);
	if (!page && must && p->a->keeps_slots && room.nr_live) {
		shim_settle();
		page = call_alloc(p, dev, op, size);
	}
	p->counts.musts += must;
	if (!page) {
		p->counts.fails++;
		return must ? complain("%zu not allocated, %u live, %zu of %zu bytes used",
				       size, room.nr_live, p->a->used(p->a),
				       p->a->reserved(p->a)) : NULL;
	}

	p->counts.maps++;
	*b = (struct model_buffer){
		.dev = dev,
		.tlb = page_to_phys(page),
		.size = size,
	};
	addr = b->tlb + dev->dma_offset;
	if (!IS_ALIGNED(addr, PAGE_SIZE << get_order(size)))
		return complain("%zu bytes at %#llx are not aligned", size,
				(unsigned long long)b->tlb);
	err = model_allocated(b);
	if (err)
		return err;
	memcpy(shim_ram(b->tlb), pattern(op->pos), size);
	model_device_wrote(b, 0, pattern(op->pos), size);
	return NULL;
}

static const char *coherent_free(struct player *p, struct model_buffer *b,
				 const struct diff_op *op)
{
	struct device *dev = &p->devices[b->dev - p->devices];
	const char *err = model_compare(b);
	bool freed;

	enter(op);
	freed = p->a->free(dev, phys_to_page(b->tlb), b->size);
	leave();
	if (!freed)
		return "what was allocated is not known when it is freed";
	return err ?: model_unmapped(b);
}

/* A sync or a write, of some part of a buffer */
static const char *touch(struct player *p, struct model_buffer *b,
			 const struct diff_op *op)
{
	struct device *dev = &p->devices[b->dev - p->devices];
	size_t pos = op->pos * 37 % b->size;
	size_t size = op->size % (b->size - pos) + 1;
	const u8 *data = pattern(op->pos + 1);

	if (op->kind == DIFF_DEVICE_WRITES) {
		memcpy(shim_ram(b->tlb + pos), data, size);
		model_device_wrote(b, pos, data, size);
		return NULL;
	}
	if (op->kind == DIFF_CPU_WRITES) {
		memcpy(shim_ram(b->orig + pos), data, size);
		model_cpu_wrote(b, pos, data, size);
		return NULL;
	}

	enter(op);
	if (op->kind == DIFF_SYNC_CPU) {
		p->a->sync_for_cpu(dev, b->tlb + pos, size, b->dir);
		if (b->dir != DMA_TO_DEVICE)
			model_sync_for_cpu(b, pos, size);
	} else {
		p->a->sync_for_device(dev, b->tlb + pos, size, b->dir);
		if (b->dir != DMA_FROM_DEVICE)
			model_sync_for_device(b, pos, size);
	}
	leave();
	p->counts.checks++;
	return model_compare(b);
}

/* Up to 64 buffers of one size, with offsets that differ */
static const char *fill(struct player *p, const struct diff_op *op)
{
	size_t size = (op->size - 1) % FILLER_BYTES + 1;
	unsigned int left = op->buffer % 64 + 1, i;
	const char *err = NULL;

	for (i = 0; i < NR_FILLERS && left && !err; i++) {
		phys_addr_t orig = FILLERS_START + i * FILLER_STRIDE + 0x400 +
				   (op->pos + i * 512) % 0x1000;

		if (fillers[i].dev)
			continue;
		left--;
		err = map(p, &fillers[i], op, orig, size);
	}
	return err;
}

/* Some of them, all or one in up to eight */
static const char *drain(struct player *p, const struct diff_op *op)
{
	unsigned int step = op->pos % 8 + 1, left = op->buffer + 1, i;
	const char *err = NULL;

	for (i = op->pos / 8 % step; i < NR_FILLERS && left && !err; i += step) {
		if (!fillers[i].dev)
			continue;
		left--;
		err = unmap(p, &fillers[i], op);
	}
	return err;
}

/* Originals belong to nobody, bounce buffers only to those who share the pools */
static const char *probe(struct player *p, const struct diff_op *op)
{
	struct device *dev = &p->devices[op->device];
	struct model_buffer *b = &buffers[op->buffer % NR_BUFFERS];
	phys_addr_t stray = BUFFERS_START + op->pos * 4099UL;
	unsigned int i;
	bool is_own;

	if (p->a->owns(dev, stray))
		return complain("%#llx is taken for bounce memory",
				(unsigned long long)stray);
	if (p->a->free(dev, phys_to_page(stray & PAGE_MASK), PAGE_SIZE))
		return "pages were freed that were not allocated";
	if (!b->dev)
		return NULL;
	for (i = 0; i < nr_players; i++) {
		struct player *other = &players[i];

		dev = &other->devices[b->dev - p->devices];
		is_own = other == p;
		if (other->a->owns(dev, b->tlb + op->pos % b->size) != is_own)
			return complain("%#llx is%s for devices of %s",
					(unsigned long long)b->tlb,
					is_own ? " none" : "",
					other->a->name);
	}
	return NULL;
}

static const char *reset(struct player *p)
{
	const struct diff_op op = {};
	const char *err = model_compare_all();
	unsigned int i;

	for (i = 0; i < NR_BUFFERS && !err; i++) {
		if (buffers[i].dev)
			err = unmap(p, &buffers[i], &op);
	}
	for (i = 0; i < NR_FILLERS && !err; i++) {
		if (fillers[i].dev)
			err = unmap(p, &fillers[i], &op);
	}
	for (i = 0; i < NR_COHERENT && !err; i++) {
		if (coherent[i].dev)
			err = coherent_free(p, &coherent[i], &op);
	}
	if (!err && p->a->used(p->a))
		err = complain("nothing is mapped, but %zu bytes are in use",
			       p->a->used(p->a));
	return err;
}

static const char *play_op(struct player *p, const struct diff_op *op)
{
	struct model_buffer *b = &buffers[op->buffer % NR_BUFFERS];
	struct model_buffer *c = &coherent[op->buffer % NR_COHERENT];
	phys_addr_t orig = BUFFERS_START + op->buffer % NR_BUFFERS *
			   BUFFER_STRIDE + PAGE_SIZE + op->pos;
	size_t size = op->size;

	switch (op->kind) {
	case DIFF_MAP:
		if (op->as_promised)
			size = min(p->promised[op->device], DIFF_MAX_BYTES);
		return b->dev ? NULL : map(p, b, op, orig, size);
	case DIFF_TBL_MAP:
		return b->dev ? NULL : map(p, b, op, orig, size);
	case DIFF_UNMAP:
		return b->dev ? unmap(p, b, op) : NULL;
	case DIFF_SYNC_CPU:
	case DIFF_SYNC_DEVICE:
	case DIFF_DEVICE_WRITES:
	case DIFF_CPU_WRITES:
		return b->dev ? touch(p, b, op) : NULL;
	case DIFF_ALLOC:
		/* There no memory for coherent allocations grows, nor would it shrink */
		if (is_upstream(p->a) && p->a->grows)
			return NULL;
		return c->dev ? coherent_free(p, c, op) :
				coherent_alloc(p, c, op);
	case DIFF_FILL:
		return fill(p, op);
	case DIFF_DRAIN:
		return drain(p, op);
	case DIFF_PROBE:
		return probe(p, op);
	case DIFF_TIME:
		shim_pass_ms(op->pos % 8192);
		return NULL;
	case DIFF_NO_MEMORY:
		/* One failure; or from now on blocks of so many pages at most, or not */
		if (op->pos % 2)
			shim_fail_alloc(op->pos / 2 % 4 + 1);
		else
			shim_max_block = op->pos / 2 % 8 ? 1UL << op->buffer % 8 : 0;
		return NULL;
	case DIFF_RESET:
		return reset(p);
	}
	return NULL;
}

/* The pristine allocator serves IOMMU pages larger than its own, but grumbles */
static const char *check_warns(const struct player *p)
{
	unsigned int nr = shim_take_warns();
	const char *log = shim_log;

	if (nr && !(is_upstream(p->a) && shim_log_has("Alloc alignment"))) {
		size_t len = strlen(log);

		return complain("a kernel warning: %s",
				log + (len > 200 ? len - 200 : 0));
	}
	shim_clear_log();
	return NULL;
}

static const char *play_on(struct player *p, const u8 *bytes, size_t len)
{
	const char *err = NULL;
	struct diff_op op;
	size_t i;

	for (i = 0; i < len && !err; i += DIFF_OP_BYTES) {
		diff_decode(bytes + i, len - i, &op);
		err = play_op(p, &op);
		/* Let workers be ready before the next operation */
		shim_settle();
		err = err ?: check_warns(p);
		if (err) {
			int n = snprintf(where, sizeof(where), "%s, operation %zu: ",
					 p->a->name, i / DIFF_OP_BYTES);

			diff_describe(&op, where + n, sizeof(where) - n);
		}
	}
	if (!err) {
		snprintf(where, sizeof(where), "%s, at the end", p->a->name);
		err = reset(p);
		shim_settle();
		err = err ?: check_warns(p);
	}
	/* No failure that waits for somebody else */
	shim_fail_alloc(0);
	shim_max_block = 0;
	return err;
}

const char *diff_play(const u8 *bytes, size_t len)
{
	const char *err = NULL;
	unsigned int i;

	for (i = 0; i < nr_players && !err; i++)
		err = play_on(&players[i], bytes, len);
	return err;
}

const char *diff_where(void)
{
	return where;
}

const struct diff_counts *diff_counts_of(const struct allocator *a)
{
	unsigned int i;

	for (i = 0; i < nr_players; i++) {
		if (players[i].a == a)
			return &players[i].counts;
	}
	return NULL;
}
