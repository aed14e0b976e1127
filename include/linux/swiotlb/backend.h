/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a swiotlb backend is: the contract between the core and those who
 * place bounce buffers.
 *
 *	dma-direct, dma-iommu, ...	the DMA layer
 *	      |  map, unmap, sync
 *	core.c, limits.c, bounce.c,	the API; copies; finds pools
 *	lookup.c
 *	      |  alloc, free
 *	fixed.c, ...			a backend: which bytes of which pool
 *	      |
 *	pool.c				memory: found, shared, given back
 *
 * The core tells a backend what a mapping needs (&struct swiotlb_req), and
 * gets a place (&struct swiotlb_span). It then keeps the origin of the buffer
 * in the pool's slot records, copies, and later hands the very same span back.
 * A backend never sees a &struct device, so it can be built and run anywhere.
 *
 * A pool keeps the backend that it was born with until it dies. What changes
 * when an administrator chooses another backend is where new mappings go:
 *
 *	device -> io_tlb_mem -> swiotlb_mem	where new mappings go; switched
 *	address -> pool -> swiotlb_mem		where a mapping is; stays
 */
#ifndef _LINUX_SWIOTLB_BACKEND_H
#define _LINUX_SWIOTLB_BACKEND_H

#include <linux/list.h>
#include <linux/swiotlb/types.h>
#include <linux/types.h>

struct module;
struct seq_file;
struct swiotlb_account;
struct swiotlb_backend_ops;
struct swiotlb_domain;
struct swiotlb_hot;

/* Longest name of a backend, the final NUL included */
#define SWIOTLB_NAME_LEN	16

/**
 * struct swiotlb_slot - what the core remembers about a live buffer
 * @orig_addr: physical address of the buffer that is bounced, or
 *	       %SWIOTLB_NO_ORIG for memory handed out by swiotlb_alloc()
 * @size:      bytes mapped
 * @offset:    bytes between the first slot of the span and the buffer in it
 * @nr_slots:  slots of the span; 0 where no live span begins
 *
 * One record per slot, only that of a span's first slot is in use. Records
 * lie in private memory: nothing that a device or a host can write is trusted.
 */
struct swiotlb_slot {
	phys_addr_t orig_addr;
	u32 size;
	u32 offset:21;
	u32 nr_slots:11;
};

#define SWIOTLB_NO_ORIG		(~(phys_addr_t)0)
#define SWIOTLB_MAX_OFFSET	((1U << 21) - 1)
#define SWIOTLB_MAX_SPAN_SLOTS	((1U << 11) - 1)

/**
 * enum swiotlb_phase - when, and from where, memory is to be had
 * @SWIOTLB_EARLY:    from memblock, before slab and page attributes work
 * @SWIOTLB_LATE:     from the page allocator, in process context
 * @SWIOTLB_RESERVED: at a given physical address, in process context
 * @SWIOTLB_ATOMIC:   from the page allocator, in any context but NMI, for a pool
 *		      that serves one mapping; never where memory must be converted
 */
enum swiotlb_phase {
	SWIOTLB_EARLY,
	SWIOTLB_LATE,
	SWIOTLB_RESERVED,
	SWIOTLB_ATOMIC,
};

/*
 * What the host and devices may write at any moment. Sparse warns of who reads it in
 * place, keeps his own data in it, or takes it for private memory: a cast has to say
 * so, and copying is what bounce.c is for.
 */
#ifdef __CHECKER__
#define __swiotlb_shared __attribute__((noderef, address_space(__swiotlb_shared)))
#else
#define __swiotlb_shared
#endif

/**
 * struct io_tlb_pool - a contiguous piece of bounce memory
 * @start:	first physical address, page-aligned
 * @end:	physical address just behind the last byte, page-aligned
 * @vaddr:	where the kernel reads and writes it
 * @slot_shift:	log2 of the size of a slot in bytes
 * @packed:	records have eight bytes, in @packed_slots. Only where each span is one slot of
 *		up to 2 KiB, with its buffer at the start, and each buffer has an original
 *		below 2^52. %false is always right
 * @slots:	slot records, one per slot; all zero at birth
 * @packed_slots: the same if @packed; only bounce.h knows what is in them
 * @head_dist:	for each slot of a span, but its first one, how far that is; 255 if it
 *		is as far or further, then the slot so far before leads on; all zero at
 *		birth. %NULL where no span has more than one slot
 * @mem:	who owns it
 * @domain:	@mem's, set when it is published
 * @ops:	backend that places buffers in it, for the pool's whole life
 * @nr_slots:	number of slots, and of their records
 * @phase:	when its memory was had, and from where
 * @shared:	memory was made accessible to the host
 *
 * The backend fills in all but @domain before it publishes the pool; nothing
 * changes while it is published.
 */
struct io_tlb_pool {
	phys_addr_t start;
	phys_addr_t end;
	void __swiotlb_shared *vaddr;
	unsigned int slot_shift;
	bool packed;
	union {
		struct swiotlb_slot *slots;
		u64 *packed_slots;
	};
	u8 *head_dist;
	struct swiotlb_mem *mem;
	struct swiotlb_domain *domain;
	const struct swiotlb_backend_ops *ops;
	unsigned long nr_slots;
	enum swiotlb_phase phase;
	bool shared;
};

/**
 * struct swiotlb_req - what a mapping needs
 * @orig_addr:	      physical address of the buffer to be bounced, or %SWIOTLB_NO_ORIG
 *		      for pages that are allocated, and likely to be held for long
 * @size:	      its bytes, 1 to %U32_MAX
 * @min_align_mask:   bits of @orig_addr that the DMA address must share
 * @alloc_align_mask: the span must start at a multiple of this plus 1; 0 or all
 *		      ones below some power of two
 * @align_end:	      and it must end at such a multiple, too
 * @boundary_mask:    the buffer must not cross a multiple of this plus 1
 * @addr_limit:	      highest DMA address that the device reaches
 * @dma_offset:	      what to add to a physical address of the pool to get the
 *		      DMA address that the masks and the limit speak of
 */
struct swiotlb_req {
	phys_addr_t orig_addr;
	size_t size;
	unsigned int min_align_mask;
	unsigned int alloc_align_mask;
	bool align_end;
	u64 boundary_mask;
	u64 addr_limit;
	u64 dma_offset;
};

/**
 * struct swiotlb_span - where a mapping got its place
 * @pool:     pool that it lies in
 * @slot:     index of its first slot
 * @nr_slots: number of slots, up to %SWIOTLB_MAX_SPAN_SLOTS
 * @offset:   bytes from the start of @slot to the mapped buffer, up to
 *	      %SWIOTLB_MAX_OFFSET
 */
struct swiotlb_span {
	struct io_tlb_pool *pool;
	unsigned int slot;
	unsigned int nr_slots;
	unsigned int offset;
};

/**
 * struct swiotlb_limits - what a device demands of all its mappings
 * @min_align_mask: see &struct swiotlb_req
 * @boundary_mask:  see &struct swiotlb_req
 * @dma_offset:	    see &struct swiotlb_req
 */
struct swiotlb_limits {
	unsigned int min_align_mask;
	u64 boundary_mask;
	u64 dma_offset;
};

/**
 * struct swiotlb_params - what a new &struct swiotlb_mem should be like
 * @phase:    when and from where
 * @bytes:    size of its memory, a multiple of %IO_TLB_SIZE; less is fine where
 *	      memory is tight, except for %SWIOTLB_RESERVED
 * @nr_areas: independent parts wanted, about one per CPU
 * @flags:    %SWIOTLB_ANY if memory above 4 GiB will do; %SWIOTLB_LOW_FIRST if that
 *	      is for when there is none below; %SWIOTLB_UNSIZED if nobody asked
 *	      for just that many @bytes, so that who can grow may begin with less;
 *	      %SWIOTLB_EXACT if less is of no use; %SWIOTLB_NODE if memory of @nid is
 *	      best, or with %__GFP_THISNODE no other will do, for @bytes that are a
 *	      power of two
 * @gfp:      zone of the memory (%SWIOTLB_LATE, %SWIOTLB_ATOMIC), and how hard to
 *	      try (%SWIOTLB_LATE)
 * @nid:      the node (%SWIOTLB_LATE)
 * @remap:    told of all memory before use, may refuse it with an errno, in
 *	      which case less is tried; or %NULL
 * @base:     physical address (%SWIOTLB_RESERVED)
 */
struct swiotlb_params {
	enum swiotlb_phase phase;
	size_t bytes;
	unsigned int nr_areas;
	unsigned int flags;
	gfp_t gfp;
	int nid;
	int (*remap)(void *tlb, unsigned long nslabs);
	phys_addr_t base;
};

/**
 * enum swiotlb_fail - why a mapping got no place
 * @SWIOTLB_FAIL_INVALID:    the request makes no sense, zero bytes for example
 * @SWIOTLB_FAIL_NOT_READY:  there is no usable bounce memory at all
 * @SWIOTLB_FAIL_TOO_LARGE:  no request of this size can ever succeed
 * @SWIOTLB_FAIL_REACH:	     the device cannot address any bounce memory
 * @SWIOTLB_FAIL_FRAGMENTED: enough is free, but not in one fitting piece
 * @SWIOTLB_FAIL_EXHAUSTED:  not enough is free
 * @SWIOTLB_NR_FAILS:	     number of the reasons above
 */
enum swiotlb_fail {
	SWIOTLB_FAIL_INVALID,
	SWIOTLB_FAIL_NOT_READY,
	SWIOTLB_FAIL_TOO_LARGE,
	SWIOTLB_FAIL_REACH,
	SWIOTLB_FAIL_FRAGMENTED,
	SWIOTLB_FAIL_EXHAUSTED,
	SWIOTLB_NR_FAILS
};

/**
 * struct swiotlb_mem - bounce memory of a backend
 * @ops:	the backend
 * @backend:	the backend's own data, set by &swiotlb_backend_ops.init
 * @start:	physical address of its first pool, set by the backend
 * @end:	just behind the highest address that a pool of its may ever have,
 *		set by the backend
 * @nslabs:	size of its pools in units of %IO_TLB_SIZE, but for those that serve a
 *		single mapping; set by the backend, which may change it any time
 * @domain:	whose devices use it; for the core
 * @hot:	what each CPU counts of it; for the core
 * @account:	what else is counted of it; for the core
 * @nr_users:	number of &struct io_tlb_mem that lead here; for the core
 * @node:	in the domain's list; for the core
 * @phase:	when it was made; for the core
 *
 * At most one of a backend lives at a time in a domain.
 */
struct swiotlb_mem {
	const struct swiotlb_backend_ops *ops;
	void *backend;
	phys_addr_t start;
	phys_addr_t end;
	unsigned long nslabs;
	struct swiotlb_domain *domain;
	struct swiotlb_hot __percpu *hot;
	struct swiotlb_account *account;
	unsigned int nr_users;
	struct list_head node;
	enum swiotlb_phase phase;
};

/**
 * struct swiotlb_class - buffers of about one size, as a backend sorts them
 * @name:	 for users: no space, no dot
 * @size_bytes:	 memory that is set apart for them
 * @used_bytes:	 what they have of it
 * @hiwater_bytes: the most that ever was taken of it, for them or in advance
 * @buffers:	 how many there ever were
 * @buffer_bytes: and how large they were together
 */
struct swiotlb_class {
	const char *name;
	unsigned long size_bytes;
	unsigned long used_bytes;
	unsigned long hiwater_bytes;
	unsigned long buffers;
	unsigned long buffer_bytes;
};

/**
 * struct swiotlb_backend_ops - the contract
 * @alloc: find room for a request. Required. Called for every mapping, in any
 *	context but NMI, interrupts on or off, from all CPUs at once. Must not sleep,
 *	allocate or convert memory. 0 and a filled-in span; or, with the span
 *	untouched, -ENOSPC (no room now), -E2BIG (never), -ENXIO (the device
 *	reaches none of the memory), -EINVAL. Called in an RCU read section.
 * @grow: last resort when @alloc said -ENOSPC. Optional. Like @alloc, but it may
 *	allocate memory if it does not wait for it. It may also have memory made
 *	in process context, for later mappings. In the same RCU read section.
 * @free: take a span back. Required. Cannot fail. Any context but NMI, any CPU;
 *	comes exactly once for each span that @alloc or @grow gave, in an RCU
 *	read section.
 * @stray: find what a device wrote outside its buffer. Optional. Called before
 *	@free with the size of the buffer in bytes, same context. The
 *	first wrong byte, or %NULL. What surrounds the buffer in a span with
 *	&swiotlb_req.alloc_align_mask belongs to the caller, who may write it.
 * @max_mapping: the largest size in bytes of which every request can succeed in
 *	an empty pool, given limits, whatever its address; but a buffer that
 *	itself crosses the boundary need not. For no limits less than `fixed`
 *	promises, or devices cannot be switched over. Required. Any context,
 *	also while there is no memory.
 * @used: bytes in use. Required. Any context, may be off by mappings that
 *	come or go meanwhile. But once nothing new comes, 0 means that every
 *	span was freed.
 * @peak: what is known for sure of the highest use in bytes since boot, or since
 *	this was called with @reset. Optional: the core knows it to within the
 *	steps in which the backend reports use. Process context.
 * @init: make the memory and the pools, publish them, and set the members of
 *	&struct swiotlb_mem that are the backend's. Required. All or nothing:
 *	0, or an errno and no trace. %SWIOTLB_EARLY comes before slab, on one
 *	CPU; %SWIOTLB_LATE and %SWIOTLB_RESERVED may sleep.
 * @finalize: for memory made by %SWIOTLB_EARLY: convert it, now that page
 *	attributes can be changed. Required of those that are built in. Once,
 *	during boot, on some architectures before slab. On an errno the core
 *	gives the memory up.
 * @exit: the reverse of @init. Required. Process context; nothing is in use,
 *	and nothing will be. RCU readers, the last @free among them, may still
 *	be at work.
 * @class: tell about the @index-th class that it sorts buffers into; %false if there
 *	are no more. Optional. Process context, the memory stays.
 * @show: print the backend's own lines for debugfs. Optional. May sleep.
 * @name: how users call it: [a-z][a-z0-9_-]*, shorter than %SWIOTLB_NAME_LEN
 * @owner: module that it lives in, or %NULL; it cannot go while any of its
 *	memory lives
 */
struct swiotlb_backend_ops {
	int (*alloc)(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		     struct swiotlb_span *span);
	int (*grow)(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		    struct swiotlb_span *span);
	void (*free)(const struct swiotlb_span *span);
	const u8 *(*stray)(const struct swiotlb_span *span, size_t size);

	size_t (*max_mapping)(struct swiotlb_mem *mem,
			      const struct swiotlb_limits *limits);
	size_t (*used)(struct swiotlb_mem *mem);
	size_t (*peak)(struct swiotlb_mem *mem, bool reset);
	int (*init)(struct swiotlb_mem *mem,
		    const struct swiotlb_params *params);
	int (*finalize)(struct swiotlb_mem *mem);
	void (*exit)(struct swiotlb_mem *mem);
	bool (*class)(struct swiotlb_mem *mem, unsigned int index,
		      struct swiotlb_class *class);
	void (*show)(struct swiotlb_mem *mem, struct seq_file *m);

	char name[SWIOTLB_NAME_LEN];
	struct module *owner;
};

int swiotlb_register_backend(const struct swiotlb_backend_ops *ops);
int swiotlb_unregister_backend(const struct swiotlb_backend_ops *ops);

/* Services of the core for backends, see pool.c, lookup.c and stats.c */
int swiotlb_pool_provision(struct swiotlb_mem *mem, struct io_tlb_pool *pool,
			   const struct swiotlb_params *params);
int swiotlb_pool_share(struct swiotlb_mem *mem, struct io_tlb_pool *pool);
void swiotlb_pool_release(struct swiotlb_mem *mem, struct io_tlb_pool *pool);
int swiotlb_pool_expect(phys_addr_t start, phys_addr_t end);
int swiotlb_pool_publish(struct io_tlb_pool *pool);
int swiotlb_pool_publish_atomic(struct io_tlb_pool *pool);
void swiotlb_pool_return(struct io_tlb_pool *pool, struct io_tlb_pool *around);
void swiotlb_pool_retract(struct io_tlb_pool *pool);
void *swiotlb_meta_alloc(size_t bytes, enum swiotlb_phase phase);
void swiotlb_meta_free(void *meta, size_t bytes, enum swiotlb_phase phase);
void swiotlb_report_used(struct swiotlb_mem *mem, long delta_bytes);
void swiotlb_report_transient(struct swiotlb_mem *mem, long delta_bytes);
void swiotlb_report_grow(struct swiotlb_mem *mem, size_t bytes);
void swiotlb_report_shrink(struct swiotlb_mem *mem, size_t bytes);

#endif /* _LINUX_SWIOTLB_BACKEND_H */
