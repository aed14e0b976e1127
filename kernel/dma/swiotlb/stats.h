/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is counted, and where
 *
 * A counter is one line in one of the lists below: members, sums and the lines of
 * the file "stats" are made of these, and scripts/documented.py wants each of them
 * in the documents. Reasons of failures are a list of their own, since they have
 * more to do: &enum swiotlb_fail.
 *
 * An account has the counters of one backend in one domain. It is there from the
 * first memory of the backend to the end of the domain, however often that memory
 * comes and goes, so that counters never fall. What happens with each mapping is
 * counted per CPU; what is rare is atomic, and costs nobody anything.
 *
 * On 32-bit machines counters wrap around, those of bytes soon.
 */
#ifndef _KERNEL_DMA_SWIOTLB_STATS_H
#define _KERNEL_DMA_SWIOTLB_STATS_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>

/* Sums of others: mappings are counted once, by size */
#define SWIOTLB_SUM_COUNTERS(counter)	\
	counter(maps)

/* Per CPU, with CONFIG_SWIOTLB_STATS only; no more than fit in a cache line */
#define SWIOTLB_HOT_COUNTERS(counter)	\
	counter(unmaps);		\
	counter(syncs_for_device);	\
	counter(syncs_for_cpu);		\
	counter(bytes_to_device);	\
	counter(bytes_from_device);	\
	counter(allocs);		\
	counter(frees)

/* Atomic, and always there */
#define SWIOTLB_RARE_COUNTERS(counter)	\
	counter(alloc_fallbacks);	\
	counter(grows);			\
	counter(grown_bytes);		\
	counter(shrinks);		\
	counter(shrunk_bytes);		\
	counter(shares);		\
	counter(shared_bytes);		\
	counter(share_ns);		\
	counter(unshares);		\
	counter(unshared_bytes);	\
	counter(unshare_ns);		\
	counter(leaked_bytes);		\
	counter(granule_misses)

#define SWIOTLB_LONG_MEMBER(name)	unsigned long name
#define SWIOTLB_ATOMIC_MEMBER(name)	atomic_long_t name

/*
 * Sizes of mappings are counted in steps of a quarter of an octave: 128 bytes and
 * less, up to 160, 192, 224, 256, 320 and so on up to 2 MiB, and more than that
 */
#define SWIOTLB_MIN_SIZE_SHIFT	7
#define SWIOTLB_MAX_SIZE_SHIFT	21
#define SWIOTLB_STEP_SHIFT	2
#define SWIOTLB_NR_SIZES	(((SWIOTLB_MAX_SIZE_SHIFT -		\
				   SWIOTLB_MIN_SIZE_SHIFT) <<		\
				  SWIOTLB_STEP_SHIFT) + 2)

/**
 * struct swiotlb_hot - what a CPU counts of an account
 * @sizes: mappings by size, see swiotlb_size_index()
 *
 * And a member for each of SWIOTLB_HOT_COUNTERS().
 */
struct swiotlb_hot {
	/* private: one for each */
	SWIOTLB_HOT_COUNTERS(SWIOTLB_LONG_MEMBER);
	/* public: */
	unsigned long sizes[SWIOTLB_NR_SIZES];
} ____cacheline_aligned_in_smp;

/**
 * struct swiotlb_level - how much is in use, as reported
 * @used:    bytes
 * @hiwater: highest value of @used since boot, or since it was reset
 */
struct swiotlb_level {
	atomic_long_t used;
	atomic_long_t hiwater;
};

/**
 * struct swiotlb_account - the counters of a backend in a domain
 * @node:      in the domain's list; protected by swiotlb_mutex
 * @backend:   name of the backend; not a pointer, as modules go
 * @hot:       per-CPU counters; %NULL without CONFIG_SWIOTLB_STATS
 * @level:     use of its memory
 * @transient: bytes of its pools that serve a single mapping
 * @fails:     failed mappings by reason
 *
 * And a member for each of SWIOTLB_RARE_COUNTERS().
 */
struct swiotlb_account {
	struct list_head node;
	char backend[SWIOTLB_NAME_LEN];
	struct swiotlb_hot __percpu *hot;
	struct swiotlb_level level;
	atomic_long_t transient;
	atomic_long_t fails[SWIOTLB_NR_FAILS];
	/* private: one for each */
	SWIOTLB_RARE_COUNTERS(SWIOTLB_ATOMIC_MEMBER);
};

/**
 * struct swiotlb_counts - sums of all counters, as they are shown
 * @sizes: see &struct swiotlb_hot
 * @fails: see &struct swiotlb_account
 *
 * And a member for each counter.
 */
struct swiotlb_counts {
	/* private: one for each */
	SWIOTLB_SUM_COUNTERS(SWIOTLB_LONG_MEMBER);
	SWIOTLB_HOT_COUNTERS(SWIOTLB_LONG_MEMBER);
	SWIOTLB_RARE_COUNTERS(SWIOTLB_LONG_MEMBER);
	/* public: */
	unsigned long sizes[SWIOTLB_NR_SIZES];
	unsigned long fails[SWIOTLB_NR_FAILS];
};

/* Count @n more of a SWIOTLB_HOT_COUNTERS(). Any context but NMI. */
#define swiotlb_count_hot(mem, counter, n)				\
	do {								\
		if (IS_ENABLED(CONFIG_SWIOTLB_STATS))			\
			this_cpu_add((mem)->hot->counter, n);		\
	} while (0)

/* Nearly all mappings are small: what counts them is in a table, by their last byte */
#define SWIOTLB_SMALL_SIZE	SZ_4K
#define SWIOTLB_SMALL_SHIFT	(SWIOTLB_MIN_SIZE_SHIFT - SWIOTLB_STEP_SHIFT)
extern const u8 swiotlb_small_sizes[];

/**
 * swiotlb_size_index() - where mappings of a size are counted
 * @size: bytes, 1 to %U32_MAX
 *
 * Context: any.
 * Return: index in &swiotlb_hot.sizes.
 */
static inline unsigned int swiotlb_size_index(size_t size)
{
	u32 last = size - 1;
	unsigned int bits;

	if (likely(last < SWIOTLB_SMALL_SIZE))
		return swiotlb_small_sizes[last >> SWIOTLB_SMALL_SHIFT];
	if (unlikely(last >= BIT(SWIOTLB_MAX_SIZE_SHIFT)))
		return SWIOTLB_NR_SIZES - 1;

	/* The bits behind the highest one tell the step */
	bits = fls(last) - 1;
	return ((bits - SWIOTLB_MIN_SIZE_SHIFT) << SWIOTLB_STEP_SHIFT) + 1 +
	       (last >> (bits - SWIOTLB_STEP_SHIFT)) - BIT(SWIOTLB_STEP_SHIFT);
}

/**
 * swiotlb_size_limit() - largest size that is counted somewhere
 * @index: index in &swiotlb_hot.sizes, but not the last one, which has no limit
 *
 * Context: any.
 * Return: bytes.
 */
static inline size_t swiotlb_size_limit(unsigned int index)
{
	unsigned int octave, step;

	if (!index)
		return BIT(SWIOTLB_MIN_SIZE_SHIFT);

	octave = (index - 1) >> SWIOTLB_STEP_SHIFT;
	step = (index - 1) & (BIT(SWIOTLB_STEP_SHIFT) - 1);
	return (BIT(SWIOTLB_STEP_SHIFT) + step + 1)
	       << (octave + SWIOTLB_MIN_SIZE_SHIFT - SWIOTLB_STEP_SHIFT);
}

/* A mapping is made, and copied. Any context but NMI; the mapping keeps @mem. */
static __always_inline void swiotlb_count_map(struct swiotlb_mem *mem,
					      size_t size)
{
	swiotlb_count_hot(mem, sizes[swiotlb_size_index(size)], 1);
	swiotlb_count_hot(mem, bytes_to_device, size);
}

#endif /* _KERNEL_DMA_SWIOTLB_STATS_H */
