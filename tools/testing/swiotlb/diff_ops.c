// SPDX-License-Identifier: GPL-2.0
/*
 * The operation language: any bytes are a sequence of operations on an allocator
 */
#include "../../../kernel/dma/swiotlb/tests/slots_model.h"
#include "diff_ops.h"

/* Sixteen, so that what is common is so in any bytes */
static const enum diff_kind kinds[16] = {
	DIFF_MAP, DIFF_MAP, DIFF_MAP, DIFF_UNMAP, DIFF_UNMAP,
	DIFF_SYNC_CPU, DIFF_SYNC_DEVICE, DIFF_DEVICE_WRITES, DIFF_CPU_WRITES,
	DIFF_ALLOC, DIFF_TBL_MAP, DIFF_FILL, DIFF_DRAIN, DIFF_PROBE, DIFF_TIME,
	DIFF_RESET,
};

static const char *const names[] = {
	[DIFF_MAP] = "map",
	[DIFF_TBL_MAP] = "tbl_map",
	[DIFF_UNMAP] = "unmap",
	[DIFF_SYNC_CPU] = "sync_for_cpu",
	[DIFF_SYNC_DEVICE] = "sync_for_device",
	[DIFF_DEVICE_WRITES] = "device writes",
	[DIFF_CPU_WRITES] = "CPU writes",
	[DIFF_ALLOC] = "alloc/free",
	[DIFF_FILL] = "fill",
	[DIFF_DRAIN] = "drain",
	[DIFF_PROBE] = "probe",
	[DIFF_TIME] = "time",
	[DIFF_NO_MEMORY] = "no memory",
	[DIFF_RESET] = "reset",
};

/* Up to 2 MiB; an extra large one in eight is a whole power of two */
static size_t decode_size(unsigned int exp, unsigned int more)
{
	size_t size;

	/* Beyond 256 KiB only cc goes, let that be rare */
	exp %= 64;
	exp = exp >= 54 ? exp - 54 + 12 : exp % 18;
	size = 1UL << exp;
	if (more % 8 == 0)
		return size;
	return min(size + size * (more % 256) / 256, DIFF_MAX_BYTES);
}

void diff_decode(const u8 *bytes, size_t len, struct diff_op *op)
{
	u8 b[DIFF_OP_BYTES] = {};

	memcpy(b, bytes, min(len, sizeof(b)));
	*op = (struct diff_op){
		.kind = kinds[b[0] % 16],
		.cpu = b[0] >> 4 & 3,
		.in_interrupt = b[0] >> 6 & 1,
		.skip_sync = b[0] >> 7,
		.device = b[1] % DIFF_NR_DEVICES,
		.buffer = b[2],
		.dir = b[3] % 3,
		.size = decode_size(b[4], b[5]),
		.as_promised = b[4] % 64 == DIFF_PROMISED,
		.pos = b[6] << 8 | b[7],
	};
	if (op->kind == DIFF_RESET && b[1])
		op->kind = DIFF_NO_MEMORY;
	/* The IOMMU page of 4, 16 or 64 KiB */
	if (op->kind == DIFF_TBL_MAP)
		op->alloc_align_mask = (SZ_4K << 2 * (b[3] / 3 % 3)) - 1;
}

void diff_describe(const struct diff_op *op, char *buf, size_t size)
{
	static const char *const dirs[] = {
		[DMA_BIDIRECTIONAL] = "bidirectional",
		[DMA_TO_DEVICE] = "to device",
		[DMA_FROM_DEVICE] = "from device",
	};

	snprintf(buf, size,
		 "%s: CPU %u%s%s, device %u, buffer %u, %s, size %zu%s, pos %u, mask %#x",
		 names[op->kind], op->cpu,
		 op->in_interrupt ? " in an interrupt" : "",
		 op->skip_sync ? ", skips sync" : "", op->device, op->buffer,
		 dirs[op->dir], op->size, op->as_promised ? " or as promised" : "",
		 op->pos, op->alloc_align_mask);
}

void diff_print_ops(const u8 *bytes, size_t len)
{
	struct diff_op op;
	char text[300];
	size_t i;

	for (i = 0; i < len; i += DIFF_OP_BYTES) {
		diff_decode(bytes + i, len - i, &op);
		diff_describe(&op, text, sizeof(text));
		printf("  %zu: %s\n", i / DIFF_OP_BYTES, text);
	}
}

/* Sizes that a sequence has, by their powers of two: all, some, or large ones */
static const struct {
	u8 first;
	u8 nr;
} size_mixes[] = { { 0, 64 }, { 9, 5 }, { 14, 4 }, { 16, 2 }, { 54, 10 } };

/*
 * Random bytes as they are would hardly ever meet a buffer that is mapped, and would
 * never fill anything.
 */
void diff_random_ops(u64 *seed, u8 *bytes, size_t len)
{
	unsigned int mix = model_random_below(seed, ARRAY_SIZE(size_mixes));
	unsigned int nr_buffers = 1 << (2 + model_random_below(seed, 6));
	unsigned int first = model_random(seed);
	unsigned int nr_devices = 1 << model_random_below(seed, 6);
	unsigned int nr_cpus = 1 << model_random_below(seed, 3);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = model_random(seed) >> 7;
	for (i = 0; i + DIFF_OP_BYTES <= len; i += DIFF_OP_BYTES) {
		u8 *b = bytes + i;

		b[0] = (b[0] & 0xcf) | (b[0] >> 4 & 3) % nr_cpus << 4;
		b[1] = first + b[1] % nr_devices;
		b[2] %= nr_buffers;
		b[4] = size_mixes[mix].first + b[4] % size_mixes[mix].nr;
		/* Time and an end to it all come now and then only */
		if ((b[0] & 0xf) >= 14 && model_random_below(seed, 8))
			b[0] ^= 0xf;
		/* An end less often than memory that others took */
		if ((b[0] & 0xf) == DIFF_BYTE_RESET && model_random_below(seed, 4))
			b[1] |= 1;
	}
}

/*
 * min_align_mask 0, 0x1ff, 0xfff, 0xffff; boundary of 64 KiB, 4 GiB, none; reach of
 * 32 or 64 bits. The rest is where the device sees memory: a device of 32 bits where
 * it is, or 2 GiB higher; one of 64 bits 2 GiB higher, or so that the memory of the
 * allocator lies across 4 GiB.
 */
void diff_device_init(struct device *dev, u64 *dma_mask, unsigned int nr,
		      phys_addr_t middle)
{
	static const unsigned int masks[] = { 0, 0x1ff, 0xfff, 0xffff };
	static const u64 boundaries[] = { 0xffff, 0xffffffff, U64_MAX };
	bool is_64bit = nr / 12 % 2, shifted = nr / 24 % 2;

	*dma_mask = is_64bit ? U64_MAX : 0xffffffff;
	*dev = (struct device){
		.dma_mask = dma_mask,
		.coherent_dma_mask = *dma_mask,
		.min_align_mask = masks[nr % 4],
		.seg_boundary = boundaries[nr / 4 % 3],
		.dma_offset = shifted == is_64bit ? 2UL << 30 : 0,
	};
	if (is_64bit && !shifted)
		dev->dma_offset = SZ_4G - round_down(middle, SZ_64K);
}
