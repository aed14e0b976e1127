// SPDX-License-Identifier: GPL-2.0
/*
 * A backend of a module, as simple as can be
 */
#include <unistd.h>

#include "toy.h"

struct toy {
	struct io_tlb_pool pool;
	spinlock_t lock; /* protects the rest */
	unsigned int nr_used;
	unsigned int nr_slots;
	bool is_closed;		/* nobody may allocate any more */
	bool is_dead;		/* nor free */
	unsigned long *used;
	struct swiotlb_slot slots[];
};

struct module toy_module = { .name = "swiotlb_toy" };
struct toy_wish toy_wish;
unsigned int toy_nr_inits, toy_nr_exits, toy_nr_stalled;

static void stall(const bool *stalls)
{
	__atomic_fetch_add(&toy_nr_stalled, 1, __ATOMIC_SEQ_CST);
	/* Pairs with the release of who wishes it */
	while (smp_load_acquire(stalls))
		usleep(50);
	__atomic_fetch_sub(&toy_nr_stalled, 1, __ATOMIC_SEQ_CST);
}

static int toy_alloc(struct swiotlb_mem *mem, const struct swiotlb_req *req,
		     struct swiotlb_span *span)
{
	struct toy *toy = mem->backend;
	unsigned int offset = req->orig_addr & req->min_align_mask &
			      (TOY_SLOT_BYTES - 1);
	unsigned long flags, slot;

	CHECK(rcu_read_lock_held());
	CHECK(!toy->is_closed);
	stall(&toy_wish.stalls);
	if (req->size + offset > TOY_SLOT_BYTES ||
	    req->alloc_align_mask >= TOY_SLOT_BYTES)
		return -E2BIG;
	if (toy->pool.end - 1 + req->dma_offset > req->addr_limit)
		return -ENXIO;

	spin_lock_irqsave(&toy->lock, flags);
	slot = find_first_zero_bit(toy->used, toy->nr_slots);
	if (slot < toy->nr_slots) {
		__set_bit(slot, toy->used);
		WRITE_ONCE(toy->nr_used, toy->nr_used + 1);
	}
	spin_unlock_irqrestore(&toy->lock, flags);
	if (slot == toy->nr_slots)
		return -ENOSPC;

	span->pool = &toy->pool;
	span->slot = slot;
	span->nr_slots = 1;
	span->offset = offset;
	swiotlb_report_used(mem, TOY_SLOT_BYTES);
	return 0;
}

static struct toy *toy_of(const struct swiotlb_span *span)
{
	return container_of(span->pool, struct toy, pool);
}

static void toy_free(const struct swiotlb_span *span)
{
	struct toy *toy = toy_of(span);
	unsigned long flags;

	CHECK(rcu_read_lock_held());
	CHECK(!toy->is_dead);
	CHECK_EQ(span->nr_slots, 1);
	swiotlb_report_used(toy->pool.mem, -(long)TOY_SLOT_BYTES);
	spin_lock_irqsave(&toy->lock, flags);
	CHECK(__test_and_clear_bit(span->slot, toy->used));
	WRITE_ONCE(toy->nr_used, toy->nr_used - 1);
	spin_unlock_irqrestore(&toy->lock, flags);
}

static const u8 *toy_stray(const struct swiotlb_span *span, size_t size)
{
	CHECK(rcu_read_lock_held());
	CHECK(size && size + span->offset <= TOY_SLOT_BYTES);
	if (!toy_wish.stray)
		return NULL;
	return span->pool->vaddr + span->slot * TOY_SLOT_BYTES + span->offset +
	       toy_wish.stray;
}

static size_t toy_max_mapping(struct swiotlb_mem *mem,
			      const struct swiotlb_limits *limits)
{
	size_t lost = min((size_t)limits->min_align_mask, TOY_SLOT_BYTES - 1);
	size_t bytes = toy_wish.max_mapping ?: TOY_SLOT_BYTES - lost;

	if (rcu_read_lock_held())
		stall(&toy_wish.max_stalls);
	return bytes;
}

static size_t toy_used(struct swiotlb_mem *mem)
{
	struct toy *toy = mem->backend;

	return READ_ONCE(toy->nr_used) * TOY_SLOT_BYTES;
}

static int toy_init(struct swiotlb_mem *mem, const struct swiotlb_params *params)
{
	struct io_tlb_pool pool = { .mem = mem, .ops = &toy_ops };
	unsigned int nr_slots;
	struct toy *toy;
	int err;

	lockdep_assert_held(&swiotlb_mutex);
	CHECK(mem->domain && mem->ops == &toy_ops && !mem->backend);
	CHECK_EQ(params->phase, SWIOTLB_LATE);
	CHECK(module_refcount(&toy_module) > 0);
	if (toy_wish.init_err)
		return toy_wish.init_err;

	err = swiotlb_pool_provision(mem, &pool, params);
	if (err)
		return err;

	nr_slots = (pool.end - pool.start) / TOY_SLOT_BYTES;
	toy = swiotlb_meta_alloc(struct_size(toy, slots, nr_slots) +
				 bitmap_size(nr_slots), pool.phase);
	if (!toy) {
		swiotlb_pool_release(mem, &pool);
		return -ENOMEM;
	}

	toy->pool = pool;
	toy->pool.slot_shift = ilog2(TOY_SLOT_BYTES);
	toy->pool.slots = toy->slots;
	toy->pool.nr_slots = nr_slots;
	toy->nr_slots = nr_slots;
	toy->used = (unsigned long *)(toy->slots + nr_slots);
	spin_lock_init(&toy->lock);
	/* On failure it is leaked, and accounted for as such */
	err = swiotlb_pool_share(mem, &toy->pool);
	if (!err) {
		err = swiotlb_pool_publish(&toy->pool);
		if (err)
			swiotlb_pool_release(mem, &toy->pool);
	}
	if (err) {
		kvfree(toy);
		return err;
	}

	mem->backend = toy;
	mem->start = toy->pool.start;
	mem->end = toy->pool.end;
	mem->nslabs = (mem->end - mem->start) >> IO_TLB_SHIFT;
	WRITE_ONCE(toy_nr_inits, toy_nr_inits + 1);
	return 0;
}

static void toy_exit(struct swiotlb_mem *mem)
{
	struct toy *toy = mem->backend;

	lockdep_assert_held(&swiotlb_mutex);
	CHECK_EQ(mem->nr_users, 0);
	CHECK_EQ(READ_ONCE(toy->nr_used), 0);
	CHECK(module_refcount(&toy_module) > 0);
	toy->is_closed = true;

	/* Only who frees may not be done yet */
	swiotlb_pool_retract(&toy->pool);
	synchronize_rcu();
	CHECK_EQ(toy->nr_used, 0);
	toy->is_dead = true;
	swiotlb_pool_release(mem, &toy->pool);
	kvfree(toy);
	mem->backend = NULL;
	WRITE_ONCE(toy_nr_exits, toy_nr_exits + 1);
}

static void toy_show(struct swiotlb_mem *mem, struct seq_file *m)
{
	seq_printf(m, "toys %u\n", ((struct toy *)mem->backend)->nr_slots);
}

struct swiotlb_backend_ops toy_ops = {
	.alloc		= toy_alloc,
	.free		= toy_free,
	.stray		= toy_stray,
	.max_mapping	= toy_max_mapping,
	.used		= toy_used,
	.init		= toy_init,
	.exit		= toy_exit,
	.show		= toy_show,
	.name		= "toy",
	.owner		= &toy_module,
};

void toy_register(void)
{
	CHECK_EQ(swiotlb_register_backend(&toy_ops), 0);
}

/* As a module is unloaded: not while it is in use, and then for good */
void toy_unregister(void)
{
	CHECK_EQ(module_refcount(&toy_module), 0);
	CHECK_EQ(swiotlb_unregister_backend(&toy_ops), 0);
}
