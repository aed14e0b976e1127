// SPDX-License-Identifier: GPL-2.0
/* The device under test, patterns, and the pool's state. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "device.h"

#define DEV_PATH	"/dev/swiotlb_test"
#define DEBUGFS		"/sys/kernel/debug"
#define POOL_DIR	DEBUGFS "/swiotlb/"
#define MAX_CTXS	256
#define SETTLE_MS	5000

const char * const dir_names[NR_DIRS] = {
	[TO] = "to", [FROM] = "from", [BIDIR] = "bidir",
};

static int dev_fd = -1;

/* ---- patterns ---- */

#define TAGS_BYTES	MIB(1)		/* where runs may start */
static u8 *pattern_table[NR_PATTERNS];

u64 rnd(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ULL);	/* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void patterns_init(void)
{
	static const u8 twist[NR_PATTERNS] = { 0x00, 0xff, 0x5a };
	size_t i, bytes = PATTERN_BYTES + TAGS_BYTES;
	u64 state = seed;
	int which;

	for (which = 0; which < NR_PATTERNS; which++) {
		pattern_table[which] = malloc(bytes);
		if (!pattern_table[which]) {
			fprintf(stderr, "swiotlb_test: no memory for patterns\n");
			exit(1);
		}
	}
	for (i = 0; i < bytes; i++) {
		u8 byte = rnd(&state);

		for (which = 0; which < NR_PATTERNS; which++)
			pattern_table[which][i] = byte ^ twist[which];
	}
}

const u8 *pattern(enum pattern which, u64 tag)
{
	u64 state = tag;

	return pattern_table[which] + rnd_below(&state, TAGS_BYTES);
}

static int vexpect(const u8 *got, const u8 *want, size_t bytes,
		   const char *fmt, va_list ap)
{
	size_t i, first = 0, nr_wrong = 0;
	char what[160];

	if (!memcmp(got, want, bytes))
		return 0;
	for (i = bytes; i--;) {
		if (got[i] != want[i]) {
			first = i;
			nr_wrong++;
		}
	}
	vsnprintf(what, sizeof(what), fmt, ap);
	return fail("%s: expected 0x%02x got 0x%02x at offset %zu, %zu of %zu bytes wrong",
		    what, want[first], got[first], first, nr_wrong, bytes);
}

int expect_bytes(const void *got, const void *want, size_t bytes,
		 const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vexpect(got, want, bytes, fmt, ap);
	va_end(ap);
	return ret;
}

/* ---- contexts ---- */

static pthread_mutex_t ctx_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ctx *ctxs[MAX_CTXS];

static int dev_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? -errno : 0;
}

int dev_init(void)
{
	dev_fd = open(DEV_PATH, O_RDWR | O_CLOEXEC);
	if (dev_fd < 0)
		return -errno;
	if (access(POOL_DIR, F_OK))	/* no success is fine: tests skip */
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	return 0;
}

static bool ctx_register(struct ctx *ctx)
{
	bool ok = false;
	int i;

	ctx->fd = -1;
	pthread_mutex_lock(&ctx_lock);
	for (i = 0; i < MAX_CTXS && !ok; i++) {
		if (!ctxs[i]) {
			ctxs[i] = ctx;
			ok = true;
		}
	}
	pthread_mutex_unlock(&ctx_lock);
	return ok;
}

struct ctx *ctx_open(size_t bytes)
{
	struct ctx *ctx = calloc(1, sizeof(*ctx));
	u64 arg = bytes;

	if (!ctx || !ctx_register(ctx)) {
		free(ctx);
		fail("too many contexts");
		return NULL;
	}
	/* From here on, ctx_close_all() cleans up. */
	ctx->fd = open(DEV_PATH, O_RDWR | O_CLOEXEC);
	if (ctx->fd < 0) {
		fail("cannot open " DEV_PATH ": %s", strerror(errno));
		return NULL;
	}
	if (dev_ioctl(ctx->fd, SWIOTLB_TEST_IOC_ARENA, &arg)) {
		fail("no arena of %zu bytes: %s", bytes, strerror(errno));
		return NULL;
	}
	ctx->arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ctx->fd, 0);
	if (ctx->arena == MAP_FAILED) {
		ctx->arena = NULL;
		fail("cannot mmap the arena: %s", strerror(errno));
		return NULL;
	}
	ctx->bytes = bytes;
	return ctx;
}

void ctx_close(struct ctx *ctx)
{
	int i;

	pthread_mutex_lock(&ctx_lock);
	for (i = 0; i < MAX_CTXS; i++)
		if (ctxs[i] == ctx)
			ctxs[i] = NULL;
	pthread_mutex_unlock(&ctx_lock);
	if (ctx->arena)
		munmap(ctx->arena, ctx->bytes);
	if (ctx->fd >= 0)
		close(ctx->fd);
	free(ctx);
}

void ctx_close_all(void)
{
	int i;

	for (i = 0; i < MAX_CTXS; i++)
		if (ctxs[i])
			ctx_close(ctxs[i]);
}

/* ---- operations ---- */

int dev_try_params(u64 dma_mask, u64 boundary, u32 min_align_mask)
{
	struct swiotlb_test_params arg = {
		.dma_mask = dma_mask,
		.seg_boundary_mask = boundary,
		.min_align_mask = min_align_mask,
		/* What dma-debug would complain about is not what we test. */
		.max_seg_bytes = SWIOTLB_TEST_MAX_ARENA_BYTES,
	};

	return dev_ioctl(dev_fd, SWIOTLB_TEST_IOC_PARAMS, &arg);
}

int dev_params(u64 dma_mask, u64 boundary, u32 min_align_mask)
{
	int ret = dev_try_params(dma_mask, boundary, min_align_mask);

	if (ret)
		return fail("refused: DMA mask 0x%llx boundary 0x%llx min_align_mask 0x%x: %s",
			    dma_mask,
			    boundary, min_align_mask,
			    strerror(-ret));
	return 0;
}

int dev_info(struct swiotlb_test_info *info)
{
	return dev_ioctl(dev_fd, SWIOTLB_TEST_IOC_INFO, info);
}

u64 max_mapping_bytes(void)
{
	struct swiotlb_test_info info;

	return dev_info(&info) ? 0 : info.max_mapping_bytes;
}

int nr_live(void)
{
	struct swiotlb_test_info info;

	return dev_info(&info) ? -1 : (int)info.nr_live;
}

int map_ioctl(struct ctx *ctx, struct swiotlb_test_map *arg)
{
	return dev_ioctl(ctx->fd, SWIOTLB_TEST_IOC_MAP, arg);
}

int map(struct ctx *ctx, size_t off, size_t bytes, int dir, u32 flags,
	struct mapping *m)
{
	struct swiotlb_test_map arg = {
		.dir = dir,
		.flags = flags,
		.nr_segs = 1,
		.segs[0] = { .offset = off, .bytes = bytes },
	};
	int ret = map_ioctl(ctx, &arg);

	if (ret)
		return ret;
	*m = (struct mapping) {
		.ctx = ctx, .id = arg.id, .dir = dir, .off = off,
		.bytes = bytes, .phys = arg.segs[0].phys,
		.dma = arg.segs[0].dma, .bounced = arg.segs[0].bounced,
	};
	return 0;
}

int unmap(struct mapping *m, u32 flags)
{
	struct swiotlb_test_unmap arg = { .id = m->id, .flags = flags };

	return dev_ioctl(m->ctx->fd, SWIOTLB_TEST_IOC_UNMAP, &arg);
}

int sync_range(struct mapping *m, size_t off, size_t bytes, u32 flags)
{
	struct swiotlb_test_sync arg = {
		.id = m->id, .flags = flags, .offset = off, .bytes = bytes,
	};

	return dev_ioctl(m->ctx->fd, SWIOTLB_TEST_IOC_SYNC, &arg);
}

int dev_xfer(struct ctx *ctx, u32 id, u32 seg, size_t off,
	     size_t bytes, void *buf, u32 flags)
{
	struct swiotlb_test_xfer arg = {
		.id = id, .seg = seg, .flags = flags, .offset = off,
		.bytes = bytes, .user_addr = (uintptr_t)buf,
	};

	return dev_ioctl(ctx->fd, SWIOTLB_TEST_IOC_XFER, &arg);
}

int dev_read(struct mapping *m, size_t off, size_t bytes, void *buf)
{
	return dev_xfer(m->ctx, m->id, 0, off, bytes, buf, 0);
}

int dev_write(struct mapping *m, size_t off, size_t bytes, const void *buf)
{
	return dev_xfer(m->ctx, m->id, 0, off, bytes, (void *)buf,
			SWIOTLB_TEST_WRITE);
}

int expect_device(struct mapping *m, const void *want, const char *fmt, ...)
{
	static __thread u8 buf[MIB(1)];
	va_list ap;
	int ret;

	ret = dev_read(m, 0, m->bytes, buf);
	if (ret)
		return fail("the device cannot read at DMA address 0x%llx: %s",
			    m->dma, strerror(-ret));
	va_start(ap, fmt);
	ret = vexpect(buf, want, m->bytes, fmt, ap);
	va_end(ap);
	return ret;
}

/* ---- the pool ---- */

static long read_long(const char *path)
{
	FILE *file = fopen(path, "re");
	long val;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &val) != 1)
		val = -1;
	fclose(file);
	return val;
}

long pool_nr_slots(void)
{
	return read_long(POOL_DIR "io_tlb_nslabs");
}

long pool_nr_used(void)
{
	return read_long(POOL_DIR "io_tlb_used");
}

long pool_nr_transient(void)
{
	return read_long(POOL_DIR "io_tlb_transient_nslabs");
}

/* Other devices use the pool too, but not for long. */
int pool_settle(long nr_used)
{
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int waited_ms;
	long now = 0;

	if (nr_live())
		return fail("%d mappings still live", nr_live());
	for (waited_ms = 0; waited_ms < SETTLE_MS; waited_ms += 10) {
		now = pool_nr_used();
		if (now >= 0 && now <= nr_used)
			return 0;
		nanosleep(&pause, NULL);
	}
	return fail("leak: expected at most %ld slots in use, got %ld", nr_used,
		    now);
}

/* How much memory buffers may take: half of what is there. */
size_t memory_budget(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;
	char line[128];

	if (!file)
		return MIB(32);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu kB", &kib) == 1)
			break;
	fclose(file);
	return KIB(kib) / 2;
}
