/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the swiotlb core share with each other
 *
 * Locks, each taken inside those above it in its group:
 *
 *	rmem_mutex		restricted.c: birth of restricted pools
 *	  swiotlb_mutex		select.c: which memory there is, who uses it
 *	    swiotlb_backend_mutex
 *				backend.c: the list of registered backends
 *	  swiotlb_dir lock	debugfs.c: birth of the folder
 *
 *	dynamic.lock		resize.c: growth and shrinking; never inside
 *				swiotlb_mutex, but whoever holds that may wait for
 *				who holds this
 *	  slot_area.lock	areas.c: slots of an area; interrupts off
 *	  dynamic.ask_lock	resize.c: what is asked for; interrupts off
 *
 *	shared_mutex		shared.c: memory is converted and given back
 *	  shared_lock		shared.c: blocks of pages; interrupts off
 *
 *	cc.lock, and inside it	cc.h: like dynamic.lock, for the `cc` backend
 *
 *	lookup_lock		lookup.c: shape of the table; interrupts off
 *
 * Lookup itself and the slot records take no lock: see lookup.c and bounce.h.
 * RCU keeps the memory that a mapping is about to use, see select.c.
 */
#ifndef _KERNEL_DMA_SWIOTLB_INTERNAL_H
#define _KERNEL_DMA_SWIOTLB_INTERNAL_H

#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/swiotlb/backend.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "stats.h"

struct dentry;
struct io_tlb_pool;

/**
 * struct swiotlb_domain - what devices that share pools share besides
 * @name:      name of its folder in debugfs
 * @mems:      its memory, whether new mappings go there or not; protected by
 *	       swiotlb_mutex
 * @accounts:  what was counted, by backend; protected by swiotlb_mutex, never
 *	       shrinks
 * @own:       what was counted of no backend's memory; and the use of all memory
 * @alloc_nslabs: slots that hold what dma_alloc_*() got; they count as in use
 * @alloc_bytes: bytes of shared blocks for what dma_alloc_*() gets elsewhere than
 *	       from pools, see shared.c
 * @promised:  largest mapping in bytes that any device was told it may make
 * @debugfs:   its folder in debugfs
 */
struct swiotlb_domain {
	const char *name;
	struct list_head mems;
	struct list_head accounts;
	struct swiotlb_account own;
	atomic_long_t alloc_nslabs;
	atomic_long_t alloc_bytes;
	atomic_long_t promised;
	struct dentry *debugfs;
};

static inline void swiotlb_domain_init(struct swiotlb_domain *domain,
				       const char *name)
{
	*domain = (struct swiotlb_domain) {
		.name = name,
		.mems = LIST_HEAD_INIT(domain->mems),
		.accounts = LIST_HEAD_INIT(domain->accounts),
	};
}

/* Tests make memory of their own, which has no account */
static inline struct swiotlb_account *swiotlb_account_of(struct swiotlb_mem *mem)
{
	return mem->account ?: &mem->domain->own;
}

/* core.c */
extern struct io_tlb_mem swiotlb_default;
extern struct swiotlb_domain swiotlb_default_domain;

/* A device that was never initialised follows the default */
static inline struct io_tlb_mem *io_tlb_mem_of(struct device *dev)
{
	struct io_tlb_mem *iotlb = READ_ONCE(dev->dma_io_tlb_mem);

	return likely(iotlb) ? iotlb : &swiotlb_default;
}

struct page *swiotlb_alloc_in_pool(struct device *dev, size_t size,
				   bool has_other);

/*
 * What a bus adds to physical addresses. False, and 0, if it leads to none of @mem; if
 * somebody translates the addresses, alignment is all that counts.
 */
static __always_inline bool swiotlb_dma_offset(struct device *dev,
					       const struct swiotlb_mem *mem,
					       u64 *offset)
{
	dma_addr_t start = phys_to_dma_unencrypted(dev, mem->start);

	if (unlikely(start == DMA_MAPPING_ERROR)) {
		*offset = 0;
		return false;
	}
	*offset = (u64)start - mem->start;
	return true;
}

/* select.c: which memory there is, and where new mappings go */
extern struct mutex swiotlb_mutex;
struct swiotlb_mem *
swiotlb_mem_create(struct swiotlb_domain *domain,
		   const struct swiotlb_backend_ops *ops,
		   const struct swiotlb_params *params);
void swiotlb_mem_bind(struct io_tlb_mem *iotlb, struct swiotlb_mem *mem);
void swiotlb_mem_destroy(struct swiotlb_mem *mem);
int swiotlb_select(struct io_tlb_mem *iotlb,
		   const struct swiotlb_backend_ops *ops);
int swiotlb_switch(const char *name);
bool swiotlb_queue_work(struct delayed_work *work, unsigned long delay);
bool swiotlb_queue_growth(struct delayed_work *work);
bool swiotlb_is_awake(void);

/* pages.c: pages for bounce memory */
void *swiotlb_pages_get(size_t bytes, gfp_t gfp, int nid);
void swiotlb_pages_put(void *vaddr, size_t bytes);
gfp_t swiotlb_zone(u64 last);
bool swiotlb_lower_zone(gfp_t *zone);

/* pool.c: and what becomes of them */
unsigned long swiotlb_leak_delay(unsigned int nr_leaked);
int swiotlb_pages_share(struct swiotlb_account *account, void *vaddr,
			size_t bytes);
int swiotlb_pages_unshare(struct swiotlb_account *account, void *vaddr,
			  size_t bytes);

/* device.c */
void swiotlb_restrict(struct device *dev, struct io_tlb_mem *iotlb);

/* boot.c */
int swiotlb_live_params(struct swiotlb_params *params);

/* backend.c: who may place buffers */
const struct swiotlb_backend_ops *swiotlb_find_builtin(const char *name);
const struct swiotlb_backend_ops *swiotlb_default_backend(void);
const struct swiotlb_backend_ops *swiotlb_get_backend(const char *name);
int swiotlb_show_backends(const struct swiotlb_backend_ops *active, char *buf,
			  size_t size);

/* param.c: the command line */
#define SWIOTLB_MAX_AREAS	65536U

/**
 * struct swiotlb_cmdline - what swiotlb= said
 * @nslabs:	 size in units of %IO_TLB_SIZE; valid if @has_nslabs
 * @nr_areas:	 number of areas; 0 if it did not say
 * @has_nslabs:	 a size was given
 * @force:	 every device bounces
 * @noforce:	 no default pool at all; wins over @force
 * @backend:	 backend asked for, or %NULL
 */
struct swiotlb_cmdline {
	unsigned long nslabs;
	unsigned int nr_areas;
	bool has_nslabs;
	bool force;
	bool noforce;
	const struct swiotlb_backend_ops *backend;
};

void swiotlb_parse_cmdline(const char *str, struct swiotlb_cmdline *cmdline);

/* bounce.c: copies between a buffer and its bounce buffer */
void swiotlb_copy_in(void __swiotlb_shared *vaddr, phys_addr_t orig_addr,
		     size_t size);
void swiotlb_copy_out(void __swiotlb_shared *vaddr, phys_addr_t orig_addr,
		      size_t size);
size_t swiotlb_bounce(struct device *dev, phys_addr_t tlb_addr, size_t size,
		      enum dma_data_direction dir, struct io_tlb_pool *pool);
void swiotlb_check_stray(struct device *dev, const struct swiotlb_span *span,
			 size_t size);

/* stats.c: counters, failures, and what is in use */
int swiotlb_account_open(struct swiotlb_mem *mem);
void swiotlb_accounts_free(struct swiotlb_domain *domain);
void swiotlb_account_sum(const struct swiotlb_account *account,
			 struct swiotlb_counts *sum);
void swiotlb_domain_sum(const struct swiotlb_domain *domain,
			struct swiotlb_counts *sum);
void swiotlb_map_failed(struct device *dev, struct swiotlb_domain *domain,
			struct swiotlb_mem *mem, const struct swiotlb_req *req,
			int err, unsigned long attrs);
void swiotlb_promise(struct swiotlb_domain *domain, size_t bytes);
unsigned long swiotlb_size_bytes(const struct swiotlb_domain *domain);
unsigned long swiotlb_transient_bytes(const struct swiotlb_domain *domain);
unsigned long swiotlb_mem_used(struct swiotlb_mem *mem);
unsigned long swiotlb_used_bytes(struct swiotlb_domain *domain);
unsigned long swiotlb_hiwater_bytes(struct swiotlb_domain *domain);
void swiotlb_reset_hiwater(struct swiotlb_domain *domain);
extern const char *const swiotlb_fail_names[SWIOTLB_NR_FAILS];

/* debugfs.c */
#ifdef CONFIG_DEBUG_FS
void swiotlb_debugfs_add(struct swiotlb_domain *domain);
#else
static inline void swiotlb_debugfs_add(struct swiotlb_domain *domain)
{
}
#endif

/* fixed.c */
extern const struct swiotlb_backend_ops swiotlb_fixed;
int swiotlb_fixed_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
			struct swiotlb_span *span);
void swiotlb_fixed_free(const struct swiotlb_span *span);

/* dynamic.c */
extern const struct swiotlb_backend_ops swiotlb_dynamic;
int swiotlb_dynamic_alloc(struct swiotlb_mem *mem,
			  const struct swiotlb_req *req,
			  struct swiotlb_span *span);
void swiotlb_dynamic_free(const struct swiotlb_span *span);

/* cc.c, cc_cpu.c */
extern const struct swiotlb_backend_ops swiotlb_cc;
int swiotlb_cc_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		     struct swiotlb_span *span);
void swiotlb_cc_free(const struct swiotlb_span *span);

#endif /* _KERNEL_DMA_SWIOTLB_INTERNAL_H */
