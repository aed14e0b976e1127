/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the cases are written with: tests and their verdicts, the device under
 * test, patterns that tell where a byte came from, the state of the pool.
 *
 * Functions return 0 or a negative number. Those that touch the device return
 * -errno and leave it to the caller whether this is a failure; those that judge
 * (expect_*(), fail()) have already said what is wrong.
 */
#ifndef _SWIOTLB_HARNESS_H
#define _SWIOTLB_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test_module/swiotlb_test.h"

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KIB(n)		((size_t)(n) << 10)
#define MIB(n)		((size_t)(n) << 20)
#define __printf(f, a)	__attribute__((format(printf, f, a)))

/* The legacy slot: what the pool's files in debugfs count in. */
#define SLOT_BYTES	2048
#define PAGE_BYTES	4096

enum {
	TO = SWIOTLB_TEST_TO_DEVICE,
	FROM = SWIOTLB_TEST_FROM_DEVICE,
	BIDIR = SWIOTLB_TEST_BIDIR,
	NR_DIRS = 3
};

/* The device may write what it sees; it reaches the CPU only this way. */
static inline bool dir_from(int dir)
{
	return dir != TO;
}

static inline bool dir_to(int dir)
{
	return dir != FROM;
}

extern const char * const dir_names[NR_DIRS];

/* Tests. Returning TEST_SKIP needs a call of skip() for the reason. */
#define TEST_SKIP	1

struct test {
	const char *group;
	char name[96];
	int (*run)(const struct test *test);
	u64 arg[3];
};

extern bool quick;			/* -q */
extern u64 seed;			/* -s */

void add_test(const char *group, int (*run)(const struct test *test),
	      u64 arg0, u64 arg1, u64 arg2,
	      const char *fmt, ...) __printf(6, 7);
bool groups_exist(const char *groups);
int run_tests(const char *groups);
void list_tests(void);

/* Kept until the test ends: printing may itself need a bounce buffer. */
void diag(const char *fmt, ...) __printf(1, 2);
int fail(const char *fmt, ...) __printf(1, 2);
int skip(const char *fmt, ...) __printf(1, 2);

#define CHECK(cond, ...) do {						\
	if (!(cond))							\
		return fail(__VA_ARGS__);				\
} while (0)
/* For calls which have said themselves what is wrong. */
#define TRY(call) do {							\
	int __ret = (call);						\
	if (__ret)							\
		return __ret;						\
} while (0)

/* Patterns: at every offset, the three differ from each other. */
enum pattern { PAT_ORIGINAL, PAT_DEVICE, PAT_CPU, NR_PATTERNS };
#define PATTERN_BYTES	MIB(1)		/* longest run of one tag */

const u8 *pattern(enum pattern which, u64 tag);
int expect_bytes(const void *got, const void *want, size_t bytes,
		 const char *fmt, ...) __printf(4, 5);

u64 rnd(u64 *state);
static inline u64 rnd_below(u64 *state, u64 limit)
{
	return rnd(state) % limit;
}

/* The device. Contexts are closed, hence mappings freed, when a test ends. */
struct ctx {
	int fd;
	u8 *arena;
	size_t bytes;
};

struct mapping {
	struct ctx *ctx;
	u32 id;
	int dir;
	size_t off;			/* of the original in the arena */
	size_t bytes;
	u64 phys;
	u64 dma;
	bool bounced;
};

#define BOUNDARY_4G	0xffffffffULL
#define DMA_MASK_64	(~0ULL)

int dev_init(void);
struct ctx *ctx_open(size_t bytes);	/* NULL: has called fail() */
void ctx_close(struct ctx *ctx);
int dev_try_params(u64 dma_mask, u64 boundary, u32 min_align_mask);
/* The same, and fail() when refused. */
int dev_params(u64 dma_mask, u64 boundary, u32 min_align_mask);
int dev_info(struct swiotlb_test_info *info);
u64 max_mapping_bytes(void);
int nr_live(void);

int map_ioctl(struct ctx *ctx, struct swiotlb_test_map *arg);
int map(struct ctx *ctx, size_t off, size_t bytes, int dir, u32 flags,
	struct mapping *m);
int unmap(struct mapping *m, u32 flags);
int sync_range(struct mapping *m, size_t off, size_t bytes, u32 flags);
int dev_xfer(struct ctx *ctx, u32 id, u32 seg, size_t off,
	     size_t bytes, void *buf, u32 flags);
int dev_read(struct mapping *m, size_t off, size_t bytes, void *buf);
int dev_write(struct mapping *m, size_t off, size_t bytes, const void *buf);
int expect_device(struct mapping *m, const void *want, const char *fmt, ...)
	__printf(3, 4);

/* The pool, as debugfs tells. */
long pool_nr_slots(void);		/* negative: not known */
long pool_nr_used(void);
long pool_nr_transient(void);		/* of pools made for one mapping each */
int pool_settle(long nr_used);		/* waits until no more is in use */
size_t memory_budget(void);

/* Groups of cases, one function each. */
void add_data_tests(void);
void add_transfer_tests(void);
void add_placement_tests(void);
void add_pool_tests(void);
void add_stress_tests(void);

#endif /* _SWIOTLB_HARNESS_H */
