// SPDX-License-Identifier: GPL-2.0
/*
 * What bouncing should do to memory: a model to compare allocators with
 *
 * A page that a live bounce buffer touches has a shadow, which says what each of
 * its bytes should be. It is made by a copy when the first buffer comes, and from
 * then on changes only as the model is told. So whatever an allocator writes
 * into slack, into neighbours or in the wrong place shows at the next comparison,
 * and so does what it fails to write. The shadow goes with the last buffer.
 */
#include "model.h"

#define NR_PAGES	(SHIM_RAM_END >> PAGE_SHIFT)
#define MAX_MAPPED	4096
/* More can only be if they overlap: no allocator has slots below 64 bytes */
#define MAX_PER_PAGE	64

/**
 * struct shadow - a page that bounce buffers touch
 * @bytes: what it should be
 * @next:  in the list of spare ones
 * @nr:	   how many buffers touch it
 * @who:   which
 */
struct shadow {
	u8 bytes[PAGE_SIZE];
	struct shadow *next;
	unsigned int nr;
	const struct model_buffer *who[MAX_PER_PAGE];
};

static struct shadow *shadows[NR_PAGES];
static struct model_buffer *mapped[MAX_MAPPED];
static unsigned int nr_mapped;
static unsigned long nr_slots;

/* Those that no page has now; who is slow under a sanitizer is malloc() */
static struct shadow *spare;

static char wrong[300];

const char *complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(wrong, sizeof(wrong), fmt, args);
	va_end(args);
	return wrong;
}

/* The memory that it has for itself: more than itself under an IOMMU */
static phys_addr_t own_start(const struct model_buffer *b)
{
	return b->tlb & ~(phys_addr_t)b->alloc_align_mask;
}

static phys_addr_t own_end(const struct model_buffer *b)
{
	return ((b->tlb + b->size - 1) | b->alloc_align_mask) + 1;
}

static unsigned long slots_of(const struct model_buffer *b)
{
	unsigned int below = (b->dev->min_align_mask | b->alloc_align_mask) &
			     (2048 - 1);

	return DIV_ROUND_UP(own_end(b) - own_start(b) + (b->tlb & below), 2048);
}

void model_orig(struct model_buffer *b, phys_addr_t orig, size_t size)
{
	b->orig = orig;
	b->size = size;
	if (b->capacity < size) {
		free(b->expected);
		b->expected = malloc(size + 2 * MODEL_GUARD);
		b->capacity = size;
	}
	memcpy(b->expected, shim_ram(orig - MODEL_GUARD),
	       size + 2 * MODEL_GUARD);
}

static struct shadow *shadow_new(void)
{
	struct shadow *shadow = spare ?: malloc(sizeof(*shadow));

	if (shadow == spare)
		spare = spare->next;
	shadow->nr = 0;
	return shadow;
}

static void shadow_drop(struct shadow *shadow)
{
	shadow->next = spare;
	spare = shadow;
}

static const char *overlaps(const struct model_buffer *b,
			    const struct shadow *shadow)
{
	unsigned int i;

	for (i = 0; i < shadow->nr; i++) {
		const struct model_buffer *other = shadow->who[i];

		if (own_start(b) < own_end(other) &&
		    own_start(other) < own_end(b))
			return complain("%#llx+%#zx (%#x) is in live %#llx+%#zx (%#x)",
					(unsigned long long)b->tlb, b->size,
					b->alloc_align_mask,
					(unsigned long long)other->tlb,
					other->size, other->alloc_align_mask);
	}
	return NULL;
}

static const char *enter(struct model_buffer *b)
{
	unsigned long pfn;

	if (nr_mapped == MAX_MAPPED)
		return "the model is full";
	for (pfn = PHYS_PFN(own_start(b)); pfn <= PHYS_PFN(own_end(b) - 1); pfn++) {
		struct shadow *shadow = shadows[pfn];
		const char *err = shadow ? overlaps(b, shadow) : NULL;

		if (!err && shadow && shadow->nr == MAX_PER_PAGE)
			err = complain("%u buffers in a page", MAX_PER_PAGE);
		if (err)
			return err;
	}

	for (pfn = PHYS_PFN(own_start(b)); pfn <= PHYS_PFN(own_end(b) - 1); pfn++) {
		struct shadow *shadow = shadows[pfn];

		if (!shadow) {
			shadow = shadow_new();
			memcpy(shadow->bytes, shim_ram(PFN_PHYS(pfn)),
			       PAGE_SIZE);
			shadows[pfn] = shadow;
		}
		shadow->who[shadow->nr++] = b;
	}
	b->nr = nr_mapped;
	mapped[nr_mapped++] = b;
	nr_slots += slots_of(b);
	return NULL;
}

static void leave(struct model_buffer *b)
{
	unsigned long pfn;
	unsigned int i;

	nr_slots -= slots_of(b);
	for (pfn = PHYS_PFN(own_start(b)); pfn <= PHYS_PFN(own_end(b) - 1); pfn++) {
		struct shadow *shadow = shadows[pfn];

		for (i = 0; shadow->who[i] != b; i++)
			;
		shadow->who[i] = shadow->who[--shadow->nr];
		if (!shadow->nr) {
			shadow_drop(shadow);
			shadows[pfn] = NULL;
		}
	}
	mapped[b->nr] = mapped[--nr_mapped];
	mapped[b->nr]->nr = b->nr;
	b->dev = NULL;
}

static const char *check_place(const struct model_buffer *b)
{
	const struct device *dev = b->dev;
	u64 addr = b->tlb + dev->dma_offset;
	u64 boundary = dev->seg_boundary;

	if ((b->tlb ^ b->orig) & dev->min_align_mask && b->orig)
		return complain("%#llx for %#llx: differ in min_align_mask %#x",
				(unsigned long long)b->tlb,
				(unsigned long long)b->orig,
				dev->min_align_mask);
	if ((addr & boundary) + b->size - 1 > boundary)
		return complain("%#llx+%#zx crosses the boundary %#llx",
				(unsigned long long)addr, b->size,
				(unsigned long long)boundary);
	/* Who asks for whole IOMMU pages translates addresses himself */
	if (!b->alloc_align_mask && addr + b->size - 1 > *dev->dma_mask)
		return complain("%#llx+%#zx is beyond the limit %#llx",
				(unsigned long long)addr, b->size,
				(unsigned long long)*dev->dma_mask);
	return NULL;
}

/* Let the shadows have @data at @pos in the bounce buffer, or @data that */
static void to_shadow(const struct model_buffer *b, size_t pos, const u8 *data,
		      size_t size)
{
	phys_addr_t addr = b->tlb + pos;

	while (size) {
		size_t part = min(size, PAGE_SIZE - offset_in_page(addr));

		memcpy(shadows[PHYS_PFN(addr)]->bytes + offset_in_page(addr),
		       data, part);
		addr += part;
		data += part;
		size -= part;
	}
}

static void from_shadow(const struct model_buffer *b, size_t pos, u8 *data,
			size_t size)
{
	phys_addr_t addr = b->tlb + pos;

	while (size) {
		size_t part = min(size, PAGE_SIZE - offset_in_page(addr));

		memcpy(data, shadows[PHYS_PFN(addr)]->bytes + offset_in_page(addr),
		       part);
		addr += part;
		data += part;
		size -= part;
	}
}

const char *model_mapped(struct model_buffer *b)
{
	const char *err = check_place(b) ?: enter(b);

	if (err)
		return err;
	/* Whatever the direction, the original was copied */
	model_sync_for_device(b, 0, b->size);
	return model_compare(b);
}

const char *model_allocated(struct model_buffer *b)
{
	b->orig = 0;
	if (!PAGE_ALIGNED(b->tlb))
		return complain("%#llx is no page", (unsigned long long)b->tlb);
	return check_place(b) ?: enter(b);
}

void model_device_wrote(struct model_buffer *b, size_t pos, const u8 *data,
			size_t size)
{
	to_shadow(b, pos, data, size);
}

void model_cpu_wrote(struct model_buffer *b, size_t pos, const u8 *data,
		     size_t size)
{
	memcpy(b->expected + MODEL_GUARD + pos, data, size);
}

void model_sync_for_cpu(struct model_buffer *b, size_t pos, size_t size)
{
	from_shadow(b, pos, b->expected + MODEL_GUARD + pos, size);
}

void model_sync_for_device(struct model_buffer *b, size_t pos, size_t size)
{
	to_shadow(b, pos, b->expected + MODEL_GUARD + pos, size);
}

static const char *check_orig(const struct model_buffer *b)
{
	const u8 *is;
	size_t i;

	if (!b->orig)
		return NULL;
	is = shim_ram(b->orig - MODEL_GUARD);
	if (!memcmp(is, b->expected, b->size + 2 * MODEL_GUARD))
		return NULL;
	for (i = 0; is[i] == b->expected[i]; i++)
		;
	return complain("original %#llx+%#zx: byte %td is %#x, not %#x",
			(unsigned long long)b->orig, b->size,
			(ptrdiff_t)(i - MODEL_GUARD), is[i], b->expected[i]);
}

static const char *check_page(const struct model_buffer *b, unsigned long pfn)
{
	const u8 *is = shim_ram(PFN_PHYS(pfn));
	const u8 *expected = shadows[pfn]->bytes;
	size_t i;

	if (!memcmp(is, expected, PAGE_SIZE))
		return NULL;
	for (i = 0; is[i] == expected[i]; i++)
		;
	return complain("bounce buffer %#llx+%#zx: byte %td is %#x, not %#x",
			(unsigned long long)b->tlb, b->size,
			(ptrdiff_t)(PFN_PHYS(pfn) + i - b->tlb), is[i],
			expected[i]);
}

const char *model_compare(const struct model_buffer *b)
{
	const char *err = check_orig(b);
	unsigned long pfn;

	for (pfn = PHYS_PFN(own_start(b));
	     !err && pfn <= PHYS_PFN(own_end(b) - 1); pfn++)
		err = check_page(b, pfn);
	return err;
}

void model_unmap(struct model_buffer *b, bool skip_sync)
{
	if (b->orig && !skip_sync && b->dir != DMA_TO_DEVICE)
		model_sync_for_cpu(b, 0, b->size);
}

const char *model_unmapped(struct model_buffer *b)
{
	const char *err = check_orig(b);
	unsigned long first = PHYS_PFN(own_start(b)), pfn;
	unsigned long end = PHYS_PFN(own_end(b) - 1) + 1;

	leave(b);
	/* Memory that nobody uses any more may be anything, and anyone's */
	for (pfn = first; !err && pfn < end; pfn++) {
		if (shadows[pfn])
			err = check_page(shadows[pfn]->who[0], pfn);
	}
	return err;
}

const char *model_compare_all(void)
{
	const char *err = NULL;
	unsigned int i;

	for (i = 0; !err && i < nr_mapped; i++)
		err = model_compare(mapped[i]);
	return err;
}

unsigned int model_nr_mapped(void)
{
	return nr_mapped;
}

unsigned long model_nr_slots(void)
{
	return nr_slots;
}

void model_reset(void)
{
	while (nr_mapped)
		leave(mapped[0]);
}
