// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes that sparse must find, and one that it cannot
 *
 * gcc finds nothing wrong with any of them. Where sparse must warn, the line says what
 * about; scripts/builds.py compares.
 */
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/swiotlb/backend.h>

/* Free slots make a list that a device may redirect */
struct list_head *list_in_shared_memory(struct io_tlb_pool *pool);
struct list_head *list_in_shared_memory(struct io_tlb_pool *pool)
{
	return pool->vaddr; /* sparse: different address spaces */
}

/* What is read twice may be another thing each time */
u32 length_from_shared_memory(struct io_tlb_pool *pool);
u32 length_from_shared_memory(struct io_tlb_pool *pool)
{
	u32 __swiotlb_shared *length = pool->vaddr;

	if (*length > 64) /* sparse: dereference of noderef */
		return 64;
	return *length; /* sparse: dereference of noderef */
}

/* Whoever gets that memory next writes secrets where the host reads them */
void shared_memory_freed(struct io_tlb_pool *pool);
void shared_memory_freed(struct io_tlb_pool *pool)
{
	void *mine = pool->vaddr; /* sparse: different address spaces */

	swiotlb_meta_free(mine, PAGE_SIZE, SWIOTLB_LATE);
}

/* A pool that lies in private memory cannot be reached by a device */
void private_memory_as_pool(struct io_tlb_pool *pool);
void private_memory_as_pool(struct io_tlb_pool *pool)
{
	void *mine = swiotlb_meta_alloc(PAGE_SIZE, SWIOTLB_LATE);

	pool->vaddr = mine; /* sparse: different address spaces */
}

/* A way out with the lock held */
int lock_kept(spinlock_t *lock, int busy);
int lock_kept(spinlock_t *lock, int busy) /* sparse: context imbalance */
{
	spin_lock(lock);
	if (busy)
		return -EBUSY;
	spin_unlock(lock);
	return 0;
}

/*
 * Sparse counts locks within a function, and does not know which: who calls a
 * function marked __must_hold() without the lock is not found. Lockdep is for that, and
 * so functions that want a lock assert it, and carry no mark.
 */
static void wants_lock(spinlock_t *lock) __must_hold(lock)
{
}

void lock_forgotten(spinlock_t *lock);
void lock_forgotten(spinlock_t *lock)
{
	wants_lock(lock);
}
