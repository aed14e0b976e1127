/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration, types, compiler, arithmetic
 */
#ifndef _SHIM_BASE_H
#define _SHIM_BASE_H

#include <ctype.h>
#include <endian.h>
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
#define CONFIG_64BIT			1
#define CONFIG_CONTIG_ALLOC		1
#ifndef SHIM_NO_DEBUG_FS
#define CONFIG_DEBUG_FS			1
#define CONFIG_SWIOTLB_STATS		1
#endif
#define CONFIG_DMA_RESTRICTED_POOL	1
#define CONFIG_KUNIT			1
#define CONFIG_MODULES			1
#define CONFIG_PCI			1
#define CONFIG_SMP			1
#define CONFIG_SWIOTLB			1
#define CONFIG_SWIOTLB_DEFAULT_BACKEND	"fixed"
#define CONFIG_SYSFS			1
#define CONFIG_ARCH_HAS_CC_PLATFORM	1
#define CONFIG_ZONE_DMA			1
#define CONFIG_ZONE_DMA32		1

/* True if the option is defined as 1, and false if there is no such option */
#define IS_ENABLED(option)		__shim_is_1(option)
#define IS_BUILTIN(option)		__shim_is_1(option)
#define __shim_is_1(value)		__shim_is_1_(__shim_arg_##value)
#define __shim_is_1_(arg)		__shim_second(arg 1, 0)
#define __shim_second(a, b, ...)	b
#define __shim_arg_1			0,

/* Types */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;
typedef unsigned short umode_t;

/* Anywhere in memory */
struct shim_unaligned64 {
	u64 value;
} __attribute__((packed));

static inline u64 get_unaligned_le64(const void *p)
{
	return le64toh(((const struct shim_unaligned64 *)p)->value);
}

static inline void put_unaligned_le64(u64 value, void *p)
{
	((struct shim_unaligned64 *)p)->value = htole64(value);
}

#define U8_MAX		UINT8_MAX
#define U16_MAX		UINT16_MAX
#define U32_MAX		UINT32_MAX
#define U64_MAX		UINT64_MAX
#define S32_MAX		INT32_MAX
#define S64_MAX		INT64_MAX
#define PHYS_ADDR_MAX	(~(phys_addr_t)0)

/* Compiler */
#define __init
#define __initdata
#define __initconst
#define __ref
#define __refdata
#define __read_mostly
#define __ro_after_init
#define __rcu
#define __percpu
#define __iomem
#define __force
#define __must_check
#define __maybe_unused			__attribute__((unused))
#define __cold				__attribute__((cold))
#undef __always_inline
#define __always_inline			inline __attribute__((always_inline))
#define noinline			__attribute__((noinline))
#define fallthrough			__attribute__((fallthrough))
#define __printf(fmt, args)		__attribute__((format(printf, fmt, args)))
#define ____cacheline_aligned		__attribute__((aligned(64)))
#define ____cacheline_aligned_in_smp	__attribute__((aligned(64)))
#define SMP_CACHE_BYTES			64
#define L1_CACHE_BYTES			64
#define L1_CACHE_ALIGN(x)		ALIGN(x, SMP_CACHE_BYTES)
#define likely(x)			__builtin_expect(!!(x), 1)
#define unlikely(x)			__builtin_expect(!!(x), 0)
#define prefetch(p)			__builtin_prefetch(p)
#define barrier()			__asm__ __volatile__("" ::: "memory")
#define OPTIMIZER_HIDE_VAR(var)	__asm__ ("" : "=r"(var) : "0"(var))
#define static_assert(expr, ...)	_Static_assert(expr, #expr)
#define BUILD_BUG_ON(cond)		_Static_assert(!(cond), #cond)
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define data_race(expr)			(expr)
#define __counted_by(member)
#define __cleanup(fn)			__attribute__((cleanup(fn)))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define container_of_const(ptr, type, member) container_of(ptr, type, member)
#define __shim_paste(a, b)		a##b
#define __shim_paste2(a, b)		__shim_paste(a, b)
#define __UNIQUE_ID(prefix)		__shim_paste2(prefix, __COUNTER__)

/* Whatever is exported, by whatever name, is just not static here */
#define VISIBLE_IF_KUNIT
#define SHIM_NO_EXPORT(symbol)		extern typeof(symbol) symbol
#define EXPORT_SYMBOL(symbol)		SHIM_NO_EXPORT(symbol)
#define EXPORT_SYMBOL_GPL(symbol)	SHIM_NO_EXPORT(symbol)
#define EXPORT_SYMBOL_IF_KUNIT(symbol)	SHIM_NO_EXPORT(symbol)
#define EXPORT_SYMBOL_NS_GPL(symbol, ns)	SHIM_NO_EXPORT(symbol)

/* Arithmetic */
#define min(a, b) ({ __auto_type _a = (a); __auto_type _b = (b); \
		     _a < _b ? _a : _b; })
#define max(a, b) ({ __auto_type _c = (a); __auto_type _d = (b); \
		     _c > _d ? _c : _d; })
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define umin(a, b)		min((u64)(a), (u64)(b))
#define umax(a, b)		max((u64)(a), (u64)(b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(type, v, lo, hi) \
	clamp((type)(v), (type)(lo), (type)(hi))
#define clamp_val(v, lo, hi)	clamp_t(typeof(v), v, lo, hi)
#define in_range(v, start, len)	((v) - (start) < (len))
#define min_not_zero(a, b) \
	({ __auto_type _e = (a); __auto_type _f = (b); \
	   _e == 0 ? _f : _f == 0 ? _e : min(_e, _f); })
#define swap(a, b)	({ typeof(a) _t = (a); (a) = (b); (b) = _t; })
#define ALIGN(x, a) \
	(((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define round_down(x, a)	((x) & ~((typeof(x))(a) - 1))
#define round_up(x, a)		ALIGN(x, a)
#define roundup(x, a)		(((x) + (a) - 1) / (a) * (a))
#define rounddown(x, a)		((x) / (a) * (a))
#define DIV_ROUND_UP(x, a)	(((x) + (a) - 1) / (a))
#define DIV_ROUND_UP_ULL(x, a)	DIV_ROUND_UP((u64)(x), a)
#define div_u64(x, a)		((u64)(x) / (u32)(a))
#define div64_u64(x, a)		((u64)(x) / (u64)(a))
#define mult_frac(x, n, d)	((x) / (d) * (n) + (x) % (d) * (n) / (d))
#define is_power_of_2(x)	((x) && !((x) & ((x) - 1)))
#define upper_32_bits(x)	((u32)((u64)(x) >> 32))
#define lower_32_bits(x)	((u32)(x))
#define SZ_2K			0x800
#define SZ_1K			0x400
#define SZ_4K			0x1000
#define SZ_16K			0x4000
#define SZ_64K			0x10000
#define SZ_256K			0x40000
#define SZ_512K			0x80000
#define SZ_1M			0x100000
#define SZ_2M			0x200000
#define SZ_4M			0x400000
#define SZ_8M			0x800000
#define SZ_16M			0x1000000
#define SZ_64M			0x4000000
#define SZ_1G			0x40000000
#define SZ_4G			0x100000000ULL

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

#define check_add_overflow(a, b, res)	__builtin_add_overflow(a, b, res)
#define check_sub_overflow(a, b, res)	__builtin_sub_overflow(a, b, res)
#define check_mul_overflow(a, b, res)	__builtin_mul_overflow(a, b, res)

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
#define array3_size(a, b, c)		size_mul(size_mul(a, b), c)
#define flex_array_size(p, member, n)	size_mul(n, sizeof((p)->member[0]))
#define struct_size(p, member, n) \
	size_add(sizeof(*(p)), flex_array_size(p, member, n))

/* Errors as pointers, and those that the C library does not know */
#define MAX_ERRNO		4095
#define EPROBE_DEFER		517
#define ENOTSUPP		524
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(p)		((long)(p))
#define IS_ERR_VALUE(x)		((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)
#define IS_ERR(p)		IS_ERR_VALUE((unsigned long)(p))
#define IS_ERR_OR_NULL(p)	(!(p) || IS_ERR(p))
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? (int)PTR_ERR(p) : 0)
#define ERR_CAST(p)		((void *)(p))

#endif /* _SHIM_BASE_H */
