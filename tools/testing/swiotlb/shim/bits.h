/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bits and bitmaps
 *
 * Those without underscores are atomic; those that search read word by word, and
 * do not mind that bits change meanwhile.
 */
#ifndef _SHIM_BITS_H
#define _SHIM_BITS_H

#define BITS_PER_LONG		64
#define BITS_PER_BYTE		8
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define BIT_MASK(n)		(1UL << ((n) % BITS_PER_LONG))
#define BIT_WORD(n)		((n) / BITS_PER_LONG)
#define GENMASK(hi, lo)		((~0UL >> (63 - (hi))) & (~0UL << (lo)))
#define GENMASK_ULL(hi, lo)	((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))
#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, BITS_PER_LONG)
#define DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]
#define ffz(x)			__builtin_ctzl(~(unsigned long)(x))
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#define __ffs64(x)		__builtin_ctzll(x)
#define ffs(x)			__builtin_ffs(x)
#define __fls(x)		(63UL - __builtin_clzl(x))
#define fls(x)			((x) ? 32 - __builtin_clz(x) : 0)
#define fls64(x)		((x) ? 64 - __builtin_clzll(x) : 0)
#define fls_long(x)		fls64(x)
#define hweight_long(x)		((unsigned long)__builtin_popcountl(x))
#define hweight64(x)		((unsigned long)__builtin_popcountll(x))
#define hweight32(x)		((unsigned int)__builtin_popcount(x))

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool was = map[BIT_WORD(nr)] & BIT_MASK(nr);

	__set_bit(nr, map);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	bool was = map[BIT_WORD(nr)] & BIT_MASK(nr);

	__clear_bit(nr, map);
	return was;
}

#define __assign_bit(nr, map, v) \
	((v) ? __set_bit(nr, map) : __clear_bit(nr, map))

static inline unsigned long shim_word(const unsigned long *map, unsigned long i)
{
	return __atomic_load_n(&map[i], __ATOMIC_RELAXED);
}

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return shim_word(map, BIT_WORD(nr)) & BIT_MASK(nr);
}

static inline bool test_bit_acquire(unsigned long nr, const unsigned long *map)
{
	return __atomic_load_n(&map[BIT_WORD(nr)], __ATOMIC_ACQUIRE) &
	       BIT_MASK(nr);
}

static inline void set_bit(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_or(&map[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_and(&map[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void change_bit(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_xor(&map[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit_unlock(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_and(&map[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_RELEASE);
}

static inline bool test_and_set_bit(unsigned long nr, unsigned long *map)
{
	return __atomic_fetch_or(&map[BIT_WORD(nr)], BIT_MASK(nr),
				 __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

static inline bool test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	return __atomic_fetch_and(&map[BIT_WORD(nr)], ~BIT_MASK(nr),
				  __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

#define test_and_set_bit_lock(nr, map)	test_and_set_bit(nr, map)
#define assign_bit(nr, map, v) \
	((v) ? set_bit(nr, map) : clear_bit(nr, map))

/* The first of the bits @from to @nr - 1 of (@map ^ @flip) & @and, or @nr */
static inline unsigned long shim_find(const unsigned long *map,
				      const unsigned long *and,
				      unsigned long flip, unsigned long nr,
				      unsigned long from)
{
	unsigned long i, w;

	if (from >= nr)
		return nr;
	for (i = BIT_WORD(from); i < BITS_TO_LONGS(nr); i++) {
		w = shim_word(map, i) ^ flip;
		if (and)
			w &= shim_word(and, i);
		if (i == BIT_WORD(from))
			w &= ~0UL << from % BITS_PER_LONG;
		if (w)
			return min(i * BITS_PER_LONG + __ffs(w), nr);
	}
	return nr;
}

#define find_first_bit(map, nr)		shim_find(map, NULL, 0, nr, 0)
#define find_next_bit(map, nr, from)	shim_find(map, NULL, 0, nr, from)
#define find_first_zero_bit(map, nr)	shim_find(map, NULL, ~0UL, nr, 0)
#define find_next_zero_bit(map, nr, from) \
	shim_find(map, NULL, ~0UL, nr, from)
#define find_first_and_bit(a, b, nr)	shim_find(a, b, 0, nr, 0)
#define find_next_and_bit(a, b, nr, from)	shim_find(a, b, 0, nr, from)

static inline unsigned long find_last_bit(const unsigned long *map,
					  unsigned long nr)
{
	unsigned long i = nr;

	while (i--) {
		if (test_bit(i, map))
			return i;
	}
	return nr;
}

/* From @from up to the end, then from the start up to @from */
static inline unsigned long find_next_bit_wrap(const unsigned long *map,
					       unsigned long nr,
					       unsigned long from)
{
	unsigned long bit = find_next_bit(map, nr, from);

	if (bit < nr || !from)
		return bit;
	bit = find_first_bit(map, from);
	return bit < from ? bit : nr;
}

#define for_each_set_bit(bit, map, nr) \
	for ((bit) = 0; \
	     (bit) = find_next_bit(map, nr, bit), (bit) < (nr); (bit)++)
#define for_each_set_bit_from(bit, map, nr) \
	for (; (bit) = find_next_bit(map, nr, bit), (bit) < (nr); (bit)++)
#define for_each_clear_bit(bit, map, nr) \
	for ((bit) = 0; \
	     (bit) = find_next_zero_bit(map, nr, bit), (bit) < (nr); (bit)++)
#define for_each_and_bit(bit, a, b, nr) \
	for ((bit) = 0; \
	     (bit) = find_next_and_bit(a, b, nr, bit), (bit) < (nr); (bit)++)

/* First of @wrap_start to the end, 0 to @wrap_start - 1; see the kernel's */
#define for_each_set_bit_wrap(bit, map, nr, start) \
	for ((bit) = shim_wrap_first(map, nr, start); (bit) < (nr); \
	     (bit) = shim_wrap_next(map, nr, start, (bit) + 1))

static inline unsigned long shim_wrap_first(const unsigned long *map,
					    unsigned long nr, unsigned long start)
{
	return find_next_bit_wrap(map, nr, start);
}

static inline unsigned long shim_wrap_next(const unsigned long *map,
					   unsigned long nr, unsigned long start,
					   unsigned long next)
{
	unsigned long bit;

	if (next > start) {
		bit = find_next_bit(map, nr, next);
		if (bit < nr)
			return bit;
		next = 0;
	}
	bit = find_next_bit(map, start, next);
	return bit < start ? bit : nr;
}

/* Bitmaps; not atomic */
static inline void bitmap_zero(unsigned long *map, unsigned int nr)
{
	memset(map, 0, BITS_TO_LONGS(nr) * sizeof(long));
}

static inline void bitmap_fill(unsigned long *map, unsigned int nr)
{
	memset(map, 0xff, BITS_TO_LONGS(nr) * sizeof(long));
}

/* Of the @nr bits from @start on, those in that word; by words, as the kernel's */
static inline unsigned long shim_bits_in(unsigned long word, unsigned int start,
					 unsigned int nr)
{
	unsigned long mask = ~0UL;

	if (word == BIT_WORD(start))
		mask &= ~0UL << (start % BITS_PER_LONG);
	if (word == BIT_WORD(start + nr - 1))
		mask &= ~0UL >> (BITS_PER_LONG - 1 - (start + nr - 1) % BITS_PER_LONG);
	return mask;
}

static inline void bitmap_set(unsigned long *map, unsigned int start, int nr)
{
	unsigned long word = BIT_WORD(start);

	for (; nr && word <= BIT_WORD(start + nr - 1); word++)
		map[word] |= shim_bits_in(word, start, nr);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start, int nr)
{
	unsigned long word = BIT_WORD(start);

	for (; nr && word <= BIT_WORD(start + nr - 1); word++)
		map[word] &= ~shim_bits_in(word, start, nr);
}

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int nr)
{
	unsigned int bit, weight = 0;

	for_each_set_bit(bit, map, nr)
		weight++;
	return weight;
}

/* The first of @nr clear bits, at an index that plus @offset has no bit of @mask */
static inline unsigned long
bitmap_find_next_zero_area_off(const unsigned long *map, unsigned long size,
			       unsigned long start, unsigned int nr,
			       unsigned long mask, unsigned long offset)
{
	unsigned long first = start;

	for (;;) {
		first = find_next_zero_bit(map, size, first);
		first = ((first + offset + mask) & ~mask) - offset;
		if (first + nr > size)
			return first + nr;
		if (find_next_bit(map, first + nr, first) >= first + nr)
			return first;
		first++;
	}
}

#define bitmap_empty(map, nr)	(find_first_bit(map, nr) >= (nr))
#define bitmap_full(map, nr)	(find_first_zero_bit(map, nr) >= (nr))
#define bitmap_size(nr)		(BITS_TO_LONGS(nr) * sizeof(long))
#define bitmap_zalloc(nr, gfp)	((unsigned long *)kzalloc(bitmap_size(nr), gfp))
#define bitmap_free(map)	kfree(map)

#endif /* _SHIM_BITS_H */
