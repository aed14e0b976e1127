/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types, arithmetic, bits, lists, strings, and messages
 */
#ifndef _SHIM_BASE_H
#define _SHIM_BASE_H

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Configuration: this is a 64-bit kernel with KUnit */
#define CONFIG_KUNIT			1
#define CONFIG_SWIOTLB			1
#define CONFIG_SWIOTLB_DEFAULT_BACKEND	"fixed"
#define CONFIG_DMA_RESTRICTED_POOL	1
#define IS_ENABLED(option)		(option)

/* Types */
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;

#define U32_MAX		UINT32_MAX
#define U32_MAX		UINT32_MAX
#define U64_MAX		UINT64_MAX

/* Compiler */
#define __init
#define __ref
#define __read_mostly
#define ____cacheline_aligned_in_smp	__attribute__((aligned(64)))
#define SMP_CACHE_BYTES			64
#define L1_CACHE_ALIGN(x)		ALIGN(x, SMP_CACHE_BYTES)
#define likely(x)			__builtin_expect(!!(x), 1)
#define unlikely(x)			__builtin_expect(!!(x), 0)
#define static_assert(expr)		_Static_assert(expr, #expr)
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define VISIBLE_IF_KUNIT
#define SHIM_NO_EXPORT(symbol)		extern typeof(symbol) symbol
#define EXPORT_SYMBOL_IF_KUNIT(symbol)	SHIM_NO_EXPORT(symbol)
#define EXPORT_SYMBOL_GPL(symbol)	SHIM_NO_EXPORT(symbol)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* Arithmetic */
#define min(a, b) ({ __auto_type _a = (a); __auto_type _b = (b); \
		     _a < _b ? _a : _b; })
#define max(a, b) ({ __auto_type _c = (a); __auto_type _d = (b); \
		     _c > _d ? _c : _d; })
#define max3(a, b, c)		max(max(a, b), c)
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define min_not_zero(a, b) \
	({ __auto_type _e = (a); __auto_type _f = (b); \
	   _e == 0 ? _f : _f == 0 ? _e : min(_e, _f); })
#define swap(a, b)	({ typeof(a) _t = (a); (a) = (b); (b) = _t; })
#define ALIGN(x, a) \
	(((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define round_down(x, a)	((x) & ~((typeof(x))(a) - 1))
#define roundup(x, a)		(((x) + (a) - 1) / (a) * (a))
#define DIV_ROUND_UP(x, a)	(((x) + (a) - 1) / (a))
#define SZ_1M			0x100000
#define SZ_2M			0x200000

static inline unsigned int ilog2(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

static inline unsigned int order_base_2(unsigned long x)
{
	return x > 1 ? ilog2(x - 1) + 1 : 0;
}

#define roundup_pow_of_two(x)	(1UL << order_base_2(x))
#define rounddown_pow_of_two(x)	(1UL << ilog2(x))

static inline size_t size_mul(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_mul_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_add_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

#define array_size(n, bytes)		size_mul(n, bytes)
#define flex_array_size(p, member, n)	size_mul(n, sizeof((p)->member[0]))
#define struct_size(p, member, n) \
	size_add(sizeof(*(p)), flex_array_size(p, member, n))

/* Bits */
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(hi, lo)	((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))
#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, 64)
#define ffz(x)			__builtin_ctzl(~(unsigned long)(x))
#define __ffs64(x)		__builtin_ctzll(x)

static inline void __set_bit(unsigned int nr, unsigned long *map)
{
	map[nr / 64] |= 1UL << nr % 64;
}

static inline void __clear_bit(unsigned int nr, unsigned long *map)
{
	map[nr / 64] &= ~(1UL << nr % 64);
}

static inline bool test_bit(unsigned int nr, const unsigned long *map)
{
	return map[nr / 64] >> nr % 64 & 1;
}

#define for_each_set_bit(bit, map, nr) \
	for ((bit) = 0; (bit) < (nr); (bit)++) \
		if (test_bit(bit, map))

/* Lists */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }
#define list_for_each_entry(pos, head, member) \
	for ((pos) = container_of((head)->next, typeof(*(pos)), member); \
	     &(pos)->member != (head); \
	     (pos) = container_of((pos)->member.next, typeof(*(pos)), member))

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->next = head;
	new->prev = head->prev;
	head->prev->next = new;
	head->prev = new;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

/* Strings */
int kstrtoul(const char *s, unsigned int base, unsigned long *res);
int kstrtouint(const char *s, unsigned int base, unsigned int *res);
ssize_t strscpy(char *to, const char *from, size_t size);
int scnprintf(char *buf, size_t size, const char *fmt, ...);

/*
 * Messages: kept in shim_log, the latest at its end. A kernel warning (WARN)
 * fails the test unless it is fetched by shim_take_warns().
 */
extern char shim_log[4096];
void shim_printk(const char *fmt, ...);
void shim_warn(const char *fmt, ...);
void shim_clear_log(void);
unsigned int shim_take_warns(void);

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_info(fmt, ...)		shim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)		shim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)		shim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_ratelimited		pr_err
#define WARN_ON_ONCE(cond) \
	((cond) ? (shim_warn("%s: %s\n", __func__, #cond), true) : false)

#endif /* _SHIM_BASE_H */
