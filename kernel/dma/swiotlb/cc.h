/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the `cc` backend share: cc.c, cc_cpu.c, cc_cpu_runs.c, cc_depot.c,
 * cc_nodes.c, cc_stock.c, cc_shelf.c, cc_crumbs.c, cc_chunk.c, cc_reserve.c, cc_runs.c,
 * cc_account.c, cc_show.c, cc_wanted.c, kccd.c, cc_pair.c, cc_tunables.c
 *
 * Locks, each taken inside those above it:
 *
 *	cc.flush_lock		cc_cpu.c: &cc.spill; a mutex, and never inside cc.lock
 *	cc.lock			kccd.c, cc_pair.c: which chunks there are; a mutex
 *	  cc_depot.lock		cc_depot.c: what is free; interrupts off. One depot's at
 *				a time. Slab allocator's own locks inside, see
 *				cc_slab_get()
 *	    cc.reserve_lock	cc_reserve.c: slabs in reserve; interrupts off
 *
 * The caches of the CPUs have no lock, see cc_cpu.c.
 */
#ifndef _KERNEL_DMA_SWIOTLB_CC_H
#define _KERNEL_DMA_SWIOTLB_CC_H

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

#include "cc_slab.h"

struct seq_file;

/* How many slabs of a class are searched for a place */
#define CC_TRIES	8U

/* Searches for any request in a depot, see cc_depot.c */
#define CC_MAX_SEARCHES	(CC_NR_CLASSES * CC_TRIES + 5 * CC_TRIES + 6)
/* And before that, where a small slot will do */
#define CC_SINGLE_SEARCHES	(5 * CC_TRIES)

/* From an offer of up to 512 slots: exact below 16, then eight to an octave */
#define CC_NR_BUCKETS	64

/**
 * struct cc_shelf - the slabs of a class in a depot
 * @bucket:   by what they have to offer; in bucket 0 there is nothing
 * @filled:   which buckets but 0 have any, a bit for each; read without the lock
 * @nr:	      number of slabs
 * @nr_empty: how many of them are free altogether
 * @nr_free:  slots that are free in them
 * @nr_long:  of these, as many as are in the longest run of a slab, if that is long
 * @nr_peak:  most slots that were ever taken
 * @used_bytes: in use by buffers, as far as no CPU counts them
 * @nr_buffers: buffers that got a place here, not from a CPU
 * @nr_bytes: and how many bytes they had
 */
struct cc_shelf {
	struct list_head bucket[CC_NR_BUCKETS];
	u64 filled;
	unsigned int nr;
	unsigned int nr_empty;
	unsigned long nr_free;
	unsigned long nr_long;
	unsigned long nr_peak;
	long used_bytes;
	unsigned long nr_buffers;
	unsigned long nr_bytes;
};

/**
 * struct cc_grower - what kccd knows about a depot
 * @urgent:	  a buffer found no room
 * @boost:	  log2 of how much more than the watermarks there should be
 * @calm_since:	  when @boost was lowered last
 * @watched_since: when kccd began to watch how many chunks are not needed
 * @retry_at:	  it failed, or may not, so it tries nothing before that, and nobody asks
 * @only_near:	  what failed was memory of that node, while there was enough elsewhere:
 *		  for who found no room it does try
 *
 * Times are in jiffies of 64 bits: others come around while nothing is to be done.
 */
struct cc_grower {
	bool urgent;
	unsigned int boost;
	u64 calm_since;
	u64 watched_since;
	u64 retry_at;
	bool only_near;
};

/**
 * struct cc_depot - all memory of a reach, or what of it is of a node
 * @lock:	protects it
 * @cc:		whose it is
 * @reach:	whom it is for
 * @nid:	the node, or %NUMA_NO_NODE
 * @end:	no chunk ends behind that address
 * @lowest_end:	where the lowest chunk ends that it ever had
 * @empty:	chunks that are free altogether: those that are never given back, and
 *		those that were added later. Last used first
 * @nr_empty:	how many these are
 * @nr_empty_grown: how many of them were added later
 * @min_empty:	fewest that ever were, since cc_depot_least_empty()
 * @was_taken:	any was put to use since then
 * @nr_chunks:	all
 * @low_mark:	with fewer empty ones kccd must be asked
 * @was_used:	somebody had this for the first depot to ask, not long ago
 * @was_asked:	and since kccd looked last
 * @starved:	there was no empty one when one was needed, since kccd tried last
 * @used_bytes:	in use by buffers, as far as it is not counted by &struct cc_cpu
 * @reported:	of it what the core knows
 * @shelves:	chunks and slabs in use
 * @crumbs:	of the chunks on the shelf of &CC_PAGES
 * @grower:	how it grows; kccd's, who works one at a time, and not protected
 */
struct cc_depot {
	spinlock_t lock; /* protects all that is here */
	struct cc *cc;
	enum cc_reach reach;
	int nid;
	u64 end;
	u64 lowest_end;
	struct list_head empty[2];
	unsigned int nr_empty;
	unsigned int nr_empty_grown;
	unsigned int min_empty;
	bool was_taken;
	unsigned int nr_chunks;
	unsigned int low_mark;
	bool was_used;
	bool was_asked;
	bool starved;
	long used_bytes;
	long reported;
	struct cc_shelf shelves[CC_NR_CLASSES];
	struct cc_crumbs crumbs;
	struct cc_grower grower;
} ____cacheline_aligned_in_smp;

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

/* What the core is told at a time of how the use has changed, at least */
#define CC_REPORT_BYTES	((long)SZ_64K)

/* As many slots are cached at most, for each CPU and class. That makes 1 KiB of struct cc_cache */
#define CC_CACHE_SLOTS	60U
/* and so many of them come from and go to the depot at a time */
#define CC_BATCH	(CC_CACHE_SLOTS / 8)

/* All that the caches of a CPU can hold */
#define CC_MAX_SPILL	(CC_NR_STACKS * CC_CACHE_SLOTS)

/**
 * struct cc - the backend's own data
 * @mem:	  what the core knows of it
 * @cpus:	  by CPU
 * @report_bytes: what a CPU need not tell the core yet
 * @ask:	  kccd has something to do
 * @reclaim:	  all CPUs are to give back the slots that they keep
 * @flushed_at:	  when they did last, in jiffies of 64 bits
 * @flush_lock:	  protects @spill
 * @main:	  reach of those who reach all memory
 * @nr_depots:	  number of @depots
 * @needed:	  somebody who frees memory found nothing: the kept chunks are for all,
 *		  as his request may come again from elsewhere,
 * @need_until:	  until then, in jiffies of 64 bits
 * @reserve_lock: protects @reserves
 * @reserves:	  by size of the slots, as &CC_256 and so on
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
 * @nr_leaked:	  conversions that failed, one after the other
 * @squeezed_until: memory was tight not long ago: nothing is made before that but for
 *		  who finds no room, in jiffies of 64 bits
 * @grow:	  kccd: makes chunks and slabs
 * @flush:	  kccd: has all CPUs give back what they keep
 * @trim:	  kccd: gives them back
 * @squeeze:	  kccd: gives all of them back that can be spared
 * @shrinker:	  tells when memory is tight, or %NULL
 * @spill:	  for kccd, what it takes out of a CPU's caches
 * @nr_grows:	  chunks that were added
 * @nr_shrinks:	  chunks that were given back
 * @nr_failures:  how often none could be had, below the cap
 * @nr_chunks:	  by reach, see cc_depot_add()
 * @depots:	  that of &CC_LOW, which is all there is if no memory is above 4 GiB; then
 *		  those of the nodes, from &CC_ANY on
 */
struct cc {
	struct swiotlb_mem *mem;
	struct cc_cpu *cpus;
	long report_bytes;
	bool ask;
	bool reclaim;
	u64 flushed_at;
	struct mutex flush_lock; /* protects spill */
	enum cc_reach main;
	unsigned int nr_depots;
	bool needed;
	u64 need_until;

	spinlock_t reserve_lock ____cacheline_aligned_in_smp; /* protects reserves */
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
	unsigned int nr_leaked;
	u64 squeezed_until;
	struct delayed_work grow;
	struct delayed_work flush;
	struct delayed_work trim;
	struct delayed_work squeeze;
	struct shrinker *shrinker;
	struct cc_ref *spill;
	unsigned long nr_grows;
	unsigned long nr_shrinks;
	unsigned long nr_failures;
	unsigned int nr_chunks[CC_NR_REACHES];
	struct cc_depot depots[] __counted_by(nr_depots);
};

/* Searches for any request at all: each depot twice, and for small slots first, see cc_depot.c */
static inline unsigned int cc_max_searches(const struct cc *cc)
{
	return cc->nr_depots * (CC_SINGLE_SEARCHES + 2 * CC_MAX_SEARCHES);
}

/* Behind the last depot */
static inline struct cc_depot *cc_depots_end(struct cc *cc)
{
	return cc->depots + cc->nr_depots;
}

/* Does who asks reach all up to that address? Wraps as DMA addresses do */
static inline bool cc_reaches(const struct swiotlb_req *req, u64 end)
{
	return end - 1 + req->dma_offset <= req->addr_limit;
}

/* cc_runs.c: pure code */
int cc_find_run(const unsigned long *free, unsigned int nr_slots,
		unsigned int first, const struct cc_fit *fit);
bool cc_fits(const struct cc_fit *fit, unsigned int slot);
unsigned int cc_longest_run(const unsigned long *free, struct cc_word *words,
			    unsigned int nr_words, unsigned int from,
			    unsigned int to);
unsigned int cc_bucket_of(unsigned int nr);
unsigned int cc_bucket_above(unsigned int nr);
bool cc_fit(const struct swiotlb_req *req, enum cc_class class,
	    struct cc_fit *fit, unsigned int *offset);

/* cc_chunk.c: chunks and slabs */
void *cc_exact_alloc(size_t bytes, enum swiotlb_phase phase, gfp_t gfp);
void cc_exact_free(void *p, size_t bytes, enum swiotlb_phase phase);
int cc_slab_init(struct cc *cc, struct cc_slab *slab, unsigned int nr_slots,
		 unsigned int shift, enum swiotlb_phase phase, gfp_t gfp);
void cc_slab_exit(struct cc_slab *slab);
void cc_slab_place(struct cc_slab *slab, struct cc_chunk *chunk,
		   unsigned int page, enum cc_class class);
void cc_slab_retire(struct cc_slab *slab);
unsigned int cc_slab_page(const struct cc_slab *slab);
unsigned int cc_slab_take(struct cc_slab *slab, struct cc_ref *refs,
			  unsigned int nr);
int cc_chunk_init(struct cc *cc, struct cc_chunk *chunk);
void cc_chunk_exit(struct cc_chunk *chunk);
void cc_chunk_use(struct cc_chunk *chunk, enum cc_class class);
int cc_chunk_publish(struct cc_chunk *chunk);

/* cc_reserve.c: slabs that are ready for use */
int cc_slab_make(struct cc *cc, enum cc_class geom, enum swiotlb_phase phase,
		 gfp_t gfp);
struct cc_slab *cc_slab_get(struct cc *cc, enum cc_class class);
void cc_slab_put(struct cc *cc, struct cc_slab *slab);
bool cc_slab_drop(struct cc *cc, enum cc_class geom, unsigned int nr_keep);
void cc_slabs_init(struct cc *cc);
void cc_slabs_exit(struct cc *cc);
int cc_reserves_fill(struct cc *cc, enum swiotlb_phase phase);
bool cc_reserves_are_large(struct cc *cc);
void cc_reserves_trim(struct cc *cc);

/* cc_shelf.c: which slab has room */
void cc_shelf_init(struct cc_shelf *shelf);
void cc_shelf_add(struct cc_shelf *shelf, struct cc_slab *slab);
void cc_shelf_remove(struct cc_shelf *shelf, struct cc_slab *slab);
void cc_shelf_changed(struct cc_shelf *shelf, struct cc_slab *slab,
		      unsigned int first, unsigned int last, int delta);
bool cc_shelf_may_have(const struct cc_shelf *shelf, unsigned int nr_slots);
struct cc_slab *cc_shelf_fullest(struct cc_shelf *shelf);
struct cc_slab *cc_shelf_empty(struct cc_shelf *shelf, unsigned int nr_slots);
int cc_slab_find(struct cc_slab *slab, struct cc_fit *fit);
struct cc_slab *cc_shelf_find(struct cc_shelf *shelf, unsigned int nr_slots,
			      const struct swiotlb_req *req,
			      struct cc_fit *fit, int *slot);

/* cc_crumbs.c: single pages */
void cc_crumbs_init(struct cc_crumbs *crumbs);
void cc_crumbs_add(struct cc_chunk *chunk);
void cc_crumbs_changed(struct cc_crumbs *crumbs, struct cc_chunk *chunk,
		       unsigned int first, unsigned int last);
struct cc_chunk *cc_crumbs_find(const struct cc_crumbs *crumbs);
unsigned int cc_crumbs_take(struct cc_chunk *chunk, struct cc_ref *refs,
			    unsigned int nr);

/* cc_depot.c: what is free */
void cc_depot_retire(struct cc_depot *d, struct cc_slab *slab);
unsigned int cc_depot_take(struct cc_depot *d, enum cc_class class,
			   struct cc_ref *refs, unsigned int nr);
void cc_depot_put(struct cc *cc, const struct cc_ref *refs, unsigned int nr);
int cc_depot_alloc(struct cc_depot *d, enum cc_class class,
		   const struct swiotlb_req *req, struct swiotlb_span *span);
void cc_depot_put_run(const struct swiotlb_span *span);
void cc_depot_free(const struct swiotlb_span *span);
void cc_depot_refused(struct cc *cc);
void cc_depot_count(struct cc_depot *d, enum cc_class class, size_t size);

static inline struct cc_shelf *cc_shelf_of(const struct cc_slab *slab)
{
	return &slab->chunk->depot->shelves[slab->class];
}

/* cc_nodes.c: which depot */
unsigned int cc_nodes_depots(enum cc_reach reach);
void cc_nodes_init(struct cc *cc, u64 end);
struct cc_depot *cc_nodes_home(struct cc *cc, enum cc_reach reach);
struct cc_depot *cc_nodes_next(struct cc_depot *d, struct cc_depot *home);
struct cc_depot *cc_nodes_depot(struct cc *cc, enum cc_reach reach, int nid);

/* cc_stock.c: chunks come and go */
void cc_depot_init(struct cc *cc, struct cc_depot *d, enum cc_reach reach,
		   int nid, u64 end);
void cc_depot_exit(struct cc_depot *d);
void cc_depot_count_empty(struct cc_depot *d, const struct cc_chunk *chunk,
			  int nr);
void cc_depot_put_empty(struct cc_depot *d, struct cc_chunk *chunk);
void cc_depot_add(struct cc_depot *d, struct cc_chunk *chunk);
struct cc_chunk *cc_depot_remove(struct cc_depot *d, unsigned long idle);
void cc_depot_tidy(struct cc_depot *d);
unsigned int cc_depot_least_empty(struct cc_depot *d, bool *was_taken);

/* cc_cpu.c: the caches of the CPUs */
size_t cc_cpus_bytes(void);
void cc_cpus_size(struct cc *cc, u64 bytes);
void cc_cpus_flush(struct cc *cc, bool all);
bool cc_cpus_have_any(const struct cc *cc);
long cc_cpu_used(const struct cc_cpu *c);
long cc_cpu_unreported(struct cc *cc, struct cc_cpu *c);

/* cc_cpu_runs.c: and their runs */
bool cc_runs_alloc(struct cc *cc, enum cc_reach reach,
		   const struct swiotlb_req *req, struct swiotlb_span *span);
bool cc_runs_free(const struct swiotlb_span *span);
unsigned int cc_runs_empty(struct cc_cpu *c, struct swiotlb_span *runs);

/* cc_account.c: what is counted of each class */
void cc_class_cached(struct cc *cc, enum cc_class class,
		     struct swiotlb_class *sum);
bool swiotlb_cc_class(struct swiotlb_mem *mem, unsigned int index,
		      struct swiotlb_class *class);

/* kccd.c: growth and shrinking */
void kccd_init(struct cc *cc);
void kccd_exit(struct cc *cc);
void kccd_ask(struct cc *cc);
void kccd_ask_for(struct cc_depot *d);
void kccd_resized(struct cc *cc);
u64 kccd_all_bytes(const struct cc *cc);
u64 kccd_cap_bytes(const struct cc *cc);
bool kccd_has_room(const struct cc *cc, size_t bytes);

/* cc_pair.c: memory for chunks */
int cc_add_chunks(struct cc *cc, enum cc_reach reach,
		  const struct swiotlb_params *params, bool grown);
void cc_free_chunk(struct cc_chunk *chunk);
int cc_grow_depot(struct cc_depot *d, const struct swiotlb_params *params,
		  unsigned int nr_missing);

/* cc_wanted.c: how much should be empty */
unsigned int cc_most_wanted(const struct cc_depot *d);
unsigned int cc_wanted(struct cc_depot *d);
int cc_surplus(struct cc *cc, enum cc_reach reach);
bool cc_has_empty(struct cc *cc, enum cc_reach reach);

/* cc_show.c */
void swiotlb_cc_show(struct swiotlb_mem *mem, struct seq_file *m);

/* cc_tunables.c */
unsigned int cc_idle_jiffies(void);
u64 cc_max_bytes(void);
u64 cc_watermark_bytes(enum cc_class class);
u64 cc_mark_bytes(enum cc_class class, u64 all_bytes);

#endif /* _KERNEL_DMA_SWIOTLB_CC_H */
