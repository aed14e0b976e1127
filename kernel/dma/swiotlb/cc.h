/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the `cc` backend share: cc.c, cc_cpu.c, cc_depot.c, cc_chunk.c,
 * cc_runs.c, kccd.c, cc_tunables.c
 *
 * Locks, each taken inside those above it:
 *
 *	cc.flush_lock		cc_cpu.c: &cc.spill; a mutex, and never inside cc.lock
 *	cc.lock			kccd.c: which chunks there are; a mutex
 *	  cc_depot.lock		cc_depot.c: what is free; interrupts off
 *	    cc.format_lock	cc_chunk.c: formats in reserve; interrupts off
 *
 * The caches of the CPUs have no lock, see cc_cpu.c.
 */
#ifndef _KERNEL_DMA_SWIOTLB_CC_H
#define _KERNEL_DMA_SWIOTLB_CC_H

#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#define CC_CHUNK_SHIFT		21
#define CC_CHUNK_BYTES		((size_t)1 << CC_CHUNK_SHIFT)

/*
 * What a chunk is cut into. Of the first ones a buffer gets one slot, of the
 * others a run of slots; of 4K, too, if there is no room elsewhere.
 */
enum cc_class {
	CC_256,
	CC_512,
	CC_1K,
	CC_2K,
	CC_4K,
	CC_RUN_2K,
	CC_RUN_4K,
	CC_RUN_16K,
	CC_NR_CLASSES,
	CC_NR_SINGLES = CC_RUN_2K,
	CC_NO_CLASS = CC_NR_CLASSES,
};

/* Sizes of slots, each of which needs records of its own */
enum cc_geom {
	CC_GEOM_256,
	CC_GEOM_512,
	CC_GEOM_1K,
	CC_GEOM_2K,
	CC_GEOM_4K,
	CC_GEOM_16K,
	CC_NR_GEOMS
};

/**
 * struct cc_class_def - what a class is
 * @name:	for users
 * @shift:	log2 of the size of a slot
 * @max_slots:	longest span
 * @geom:	whose records it uses
 */
struct cc_class_def {
	const char *name;
	u8 shift;
	u16 max_slots;
	enum cc_geom geom;
};

extern const struct cc_class_def cc_classes[CC_NR_CLASSES];

static inline unsigned int cc_nr_slots(enum cc_class class)
{
	return CC_CHUNK_BYTES >> cc_classes[class].shift;
}

/* The memory that only those use who do not reach all, and the memory of the others */
enum cc_reach {
	CC_LOW,
	CC_ANY,
	CC_NR_REACHES
};

/**
 * struct cc_fit - what a run of free slots must be like
 * @nr_slots: its length
 * @mask:     bits of the number of the run's first slot that matter
 * @bits:     what these bits must be
 * @boundary: the run must not cross a multiple of this plus 1; of the form
 *	      2^n - 1
 * @base:     number of slot 0; all numbers above start with it
 */
struct cc_fit {
	unsigned int nr_slots;
	unsigned long mask;
	unsigned long bits;
	unsigned long boundary;
	unsigned long base;
};

/* Run classes have 1024 slots at most */
#define CC_MAX_RUN_WORDS	BITS_TO_LONGS(1024)

/**
 * struct cc_format - a chunk cut into slots of one size
 * @pool:    what the core sees of the chunk as long as it has this format
 * @chunk:   the chunk, or %NULL while in reserve
 * @class:   what it is used for
 * @reach:   where the chunk belongs
 * @geom:    size of the slots
 * @stack:   which of &cc_cpu.caches its slots go to
 * @cpus:    &cc.cpus
 * @phase:   how its memory was had
 * @grace:   in reserve: may be used when that RCU grace period is over, as
 *	     addresses may have been looked up in @pool
 * @node:    in &cc_reserve.formats
 * @free:    which slots are free; private memory, as all of this
 */
struct cc_format {
	struct io_tlb_pool pool;
	struct cc_chunk *chunk;
	struct cc_cpu *cpus;
	unsigned int stack;
	enum cc_class class;
	enum cc_reach reach;
	enum cc_geom geom;
	enum swiotlb_phase phase;
	unsigned long grace;
	struct list_head node;
	unsigned long free[];
};

/**
 * struct cc_reserve - formats of one geometry that are ready for use
 * @formats:   the formats, those first that have waited longest
 * @nr:	       how many
 * @nr_made:   how many there are, in use and not
 * @low_mark:  with fewer kccd must be asked
 * @missed:    there was none when one was needed
 */
struct cc_reserve {
	struct list_head formats;
	unsigned int nr;
	unsigned int nr_made;
	unsigned int low_mark;
	bool missed;
};

/**
 * struct cc_chunk - 2 MiB of bounce memory
 * @home:      the memory; and what the core sees of it while it has no format
 * @home_slot: the only, and always empty, record of @home
 * @format:    how it is cut up, or %NULL if it is not; an empty one may still be
 * @depot:     where it belongs
 * @node:      in one of &cc_depot.empty or in &cc_shelf.bucket
 * @all:       in &cc.chunks
 * @nr_free:   slots that are free
 * @bucket:    number of its &cc_shelf.bucket
 * @first:     no slot is free in the words of &cc_format.free below this one
 * @grown:     was added later, and may be given back
 * @phase:     how this structure was had
 * @emptied:   when all of it became free, in jiffies
 */
struct cc_chunk {
	struct io_tlb_pool home;
	struct swiotlb_slot home_slot;
	struct cc_format *format;
	struct cc_depot *depot;
	struct list_head node;
	struct list_head all;
	unsigned int nr_free;
	unsigned int bucket;
	unsigned int first;
	bool grown;
	enum swiotlb_phase phase;
	unsigned long emptied;
};

/* From a length of up to 8192 slots: exact below 16, then eight to an octave */
#define CC_NR_BUCKETS	96

/**
 * struct cc_shelf - the chunks of a class in a depot
 * @bucket:    by what they have to offer: for single slots by how many are free,
 *	       for runs by the longest one; in bucket 0 there is nothing
 * @filled:    which buckets but 0 have any
 * @nr_chunks: number of chunks
 * @nr_free:   slots that are free in them
 * @nr_peak:   most slots that were ever taken
 */
struct cc_shelf {
	struct list_head bucket[CC_NR_BUCKETS];
	unsigned long filled[BITS_TO_LONGS(CC_NR_BUCKETS)];
	unsigned int nr_chunks;
	unsigned long nr_free;
	unsigned long nr_peak;
};

/**
 * struct cc_depot - all memory of one reach
 * @lock:	protects it
 * @cc:		whose it is
 * @reach:	whom it is for
 * @end:	no chunk ends behind that address
 * @lowest_end:	where the lowest chunk ends that it ever had
 * @empty:	empty chunks by the class that they were used for last, or by
 *		%CC_NO_CLASS; those that are never given back, and those that were
 *		added later. Last used first
 * @nr_empty:	how many these are
 * @nr_empty_grown: how many of them were added later
 * @min_empty:	fewest that ever were, since cc_depot_least_empty()
 * @nr_chunks:	all
 * @keep:	so many empty ones are for those who need memory to free memory
 * @low_mark:	with fewer empty ones kccd must be asked
 * @was_used:	somebody asked for memory of this reach
 * @starved:	there was no empty one when one was needed, since kccd ran last
 * @used_bytes:	in use by buffers, as far as it is not counted by &struct cc_cpu
 * @reported:	of it what the core knows
 * @shelves:	chunks with a format
 */
struct cc_depot {
	spinlock_t lock; /* protects all that is here */
	struct cc *cc;
	enum cc_reach reach;
	u64 end;
	u64 lowest_end;
	struct list_head empty[2][CC_NR_CLASSES + 1];
	unsigned int nr_empty;
	unsigned int nr_empty_grown;
	unsigned int min_empty;
	unsigned int nr_chunks;
	unsigned int keep;
	unsigned int low_mark;
	bool was_used;
	bool starved;
	long used_bytes;
	long reported;
	struct cc_shelf shelves[CC_NR_CLASSES];
};

/**
 * struct cc_ref - a slot
 * @pool: pool that it lies in
 * @slot: its number there
 */
struct cc_ref {
	struct io_tlb_pool *pool;
	unsigned int slot;
};

/* The stacks of a CPU, by reach and class; slots of runs, and others, go to none */
#define CC_NR_STACKS	(CC_NR_REACHES * CC_NR_SINGLES)
#define CC_NO_STACK	CC_NR_STACKS

static __always_inline unsigned int cc_stack(enum cc_reach reach,
					     enum cc_class class)
{
	return class < CC_NR_SINGLES ? reach * CC_NR_SINGLES + class :
				       CC_NO_STACK;
}

/* As many slots are cached at most, for each CPU and class */
#define CC_CACHE_SLOTS	64U
/* and so many of them come from and go to the depot at a time */
#define CC_BATCH	(CC_CACHE_SLOTS / 2)

/**
 * struct cc_cache - free slots of one class
 * @nr:		how many
 * @limit:	how many there may be
 * @nr_allocs:	how many buffers got one
 * @nr_bytes:	and how many bytes they had
 * @nr_frees:	how many buffers gave one back
 * @refs:	the slots, the last one is the next to be used
 * @counted:	@nr_allocs less @nr_frees, as far as it is in &cc_cpu.used_bytes
 *
 * What each map and unmap needs is in one or two cache lines.
 */
struct cc_cache {
	unsigned int nr;
	unsigned int limit;
	unsigned long nr_allocs;
	unsigned long nr_bytes;
	unsigned long nr_frees;
	struct cc_ref refs[CC_CACHE_SLOTS];
	long counted;
} ____cacheline_aligned;

/**
 * struct cc_cpu - what belongs to a CPU
 * @busy:	somebody is at it; whoever interrupts him goes to the depot
 * @used_bytes:	in use by buffers: what was allocated here less what was freed here,
 *		as of when each of @caches was filled or emptied last
 * @reported:	of it what the core knows
 * @seen:	how many buffers there had been when kccd looked last
 * @caches:	free slots, see cc_stack()
 */
struct cc_cpu {
	bool busy;
	long used_bytes;
	long reported;
	unsigned long seen;
	struct cc_cache caches[CC_NR_STACKS];
} ____cacheline_aligned;

/* All that the caches of a CPU can hold */
#define CC_MAX_SPILL	(CC_NR_STACKS * CC_CACHE_SLOTS)

/**
 * struct cc_grower - what kccd knows about one reach
 * @urgent:	  a buffer found no room
 * @boost:	  log2 of how much more than the watermarks there should be
 * @calm_since:	  when @boost was lowered last, in jiffies
 * @watched_since: when kccd began to watch how many chunks are not needed
 * @retry_at:	  it failed, so it tries nothing before that, and nobody asks; in jiffies
 *		  of 64 bits
 */
struct cc_grower {
	bool urgent;
	unsigned int boost;
	unsigned long calm_since;
	unsigned long watched_since;
	u64 retry_at;
};

/**
 * struct cc - the backend's own data
 * @mem:	  what the core knows of it
 * @cpus:	  by CPU
 * @ask:	  kccd has something to do
 * @reclaim:	  all CPUs are to give back the slots that they keep
 * @flushed_at:	  when they did last, in jiffies of 64 bits
 * @flush_lock:	  protects @spill
 * @main:	  reach of those who reach all memory
 * @depots:	  by reach; &CC_LOW is all there is if no memory is above 4 GiB
 * @format_lock:  protects @reserves
 * @reserves:	  by geometry
 * @phase:	  when it was made
 * @growable:	  more memory can be had
 * @live:	  was made on the running system
 * @lock:	  protects the rest
 * @chunks:	  all of them
 * @chunk_array:  those of the boot memory, in one piece of memory
 * @nr_array:	  how many these are
 * @regions:	  the boot memory
 * @nr_boot:	  chunks that are never given back
 * @nr_grown:	  the others
 * @growers:	  by reach
 * @nr_leaked:	  conversions that failed, one after the other
 * @squeezed_until: memory was tight not long ago: nothing is made before that but for
 *		  who finds no room, in jiffies of 64 bits
 * @grow:	  kccd: makes chunks and formats
 * @trim:	  kccd: gives them back
 * @squeeze:	  kccd: gives all of them back that can be spared
 * @shrinker:	  tells when memory is tight, or %NULL
 * @spill:	  for kccd, what it takes out of a CPU's caches
 * @nr_grows:	  chunks that were added
 * @nr_shrinks:	  chunks that were given back
 * @nr_failures:  how often none could be added
 */
struct cc {
	struct swiotlb_mem *mem;
	struct cc_cpu *cpus;
	bool ask;
	bool reclaim;
	u64 flushed_at;
	struct mutex flush_lock; /* protects spill */
	enum cc_reach main;
	struct cc_depot depots[CC_NR_REACHES];

	spinlock_t format_lock; /* protects reserves */
	struct cc_reserve reserves[CC_NR_GEOMS];

	enum swiotlb_phase phase;
	bool growable;
	bool live;

	struct mutex lock; /* protects the rest */
	struct list_head chunks;
	struct cc_chunk *chunk_array;
	unsigned int nr_array;
	struct io_tlb_pool regions[CC_NR_REACHES];
	unsigned int nr_boot;
	unsigned int nr_grown;
	struct cc_grower growers[CC_NR_REACHES];
	unsigned int nr_leaked;
	u64 squeezed_until;
	struct delayed_work grow;
	struct delayed_work trim;
	struct delayed_work squeeze;
	struct shrinker *shrinker;
	struct cc_ref *spill;
	unsigned long nr_grows;
	unsigned long nr_shrinks;
	unsigned long nr_failures;
};

/* Does who asks reach all up to that address? Wraps as DMA addresses do */
static inline bool cc_reaches(const struct swiotlb_req *req, u64 end)
{
	return end - 1 + req->dma_offset <= req->addr_limit;
}

/* cc_runs.c: pure code */
int cc_find_run(const unsigned long *free, unsigned int nr_slots,
		unsigned int first, const struct cc_fit *fit);
unsigned int cc_longest_run(const unsigned long *free, unsigned int nr_slots);
unsigned int cc_bucket_of(unsigned int nr);
unsigned int cc_bucket_above(unsigned int nr);
bool cc_fit(const struct swiotlb_req *req, enum cc_class class,
	    struct cc_fit *fit, unsigned int *offset);

/* cc_chunk.c: chunks and formats */
int cc_chunk_publish(struct cc_chunk *chunk);
bool cc_chunk_format(struct cc_chunk *chunk, enum cc_class class);
void cc_chunk_unformat(struct cc_chunk *chunk);
void cc_chunk_init(struct cc *cc, struct cc_chunk *chunk);
unsigned int cc_chunk_take(struct cc_chunk *chunk, struct cc_ref *refs,
			   unsigned int nr);
int cc_format_make(struct cc *cc, enum cc_geom geom, enum swiotlb_phase phase);
bool cc_format_drop(struct cc *cc, enum cc_geom geom, unsigned int nr_keep);
void cc_formats_init(struct cc *cc);
void cc_formats_exit(struct cc *cc);

/* cc_depot.c: what is free */
void cc_depot_init(struct cc *cc, enum cc_reach reach, u64 end);
void cc_depot_add(struct cc_depot *d, struct cc_chunk *chunk);
struct cc_chunk *cc_depot_remove(struct cc_depot *d, unsigned long idle);
unsigned int cc_depot_take(struct cc_depot *d, enum cc_class class,
			   struct cc_ref *refs, unsigned int nr);
void cc_depot_put(struct cc *cc, const struct cc_ref *refs, unsigned int nr);
int cc_depot_alloc(struct cc_depot *d, enum cc_class class,
		   const struct swiotlb_req *req, struct swiotlb_span *span);
void cc_depot_free(const struct swiotlb_span *span);
void cc_depot_count(struct cc_depot *d, long delta_bytes);
bool cc_depot_tidy(struct cc_depot *d, unsigned long idle);
unsigned int cc_depot_least_empty(struct cc_depot *d);

/* cc_cpu.c: the caches of the CPUs */
size_t cc_cpus_bytes(void);
void cc_cpus_size(struct cc *cc, u64 bytes);
void cc_cpus_flush(struct cc *cc, bool all);
bool cc_cpus_have_any(const struct cc *cc);
long cc_cpu_used(const struct cc_cpu *c);

/* kccd.c: growth and shrinking */
void kccd_init(struct cc *cc);
void kccd_exit(struct cc *cc);
void kccd_ask(struct cc *cc);
void kccd_ask_for(struct cc *cc, enum cc_reach reach);
int kccd_add_chunk(struct cc *cc, enum cc_reach reach,
		   const struct swiotlb_params *params, bool grown);
void kccd_resized(struct cc *cc);
u64 kccd_cap_bytes(const struct cc *cc);
unsigned int kccd_wanted(struct cc *cc, enum cc_reach reach);

/* cc_tunables.c */
unsigned int cc_idle_jiffies(void);
u64 cc_max_bytes(void);
u64 cc_watermark_bytes(enum cc_class class);

#endif /* _KERNEL_DMA_SWIOTLB_CC_H */
