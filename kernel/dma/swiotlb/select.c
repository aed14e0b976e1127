// SPDX-License-Identifier: GPL-2.0
/*
 * Which bounce memory there is, and where new mappings go
 *
 * A mapped buffer cannot be taken back from a device, so memory is not moved
 * from one backend to another: it is pinned, and drained by time. There are
 *
 *	io_tlb_mem	what devices are bound to: the default, or a backend that
 *			devices were pinned to. Its pointer tells where new
 *			mappings go, and is all that a switch changes.
 *	swiotlb_mem	memory of a backend. It counts those pointers. Without any it
 *			gets no new mappings, and retires: once the last one is
 *			gone, a worker takes it apart and gives its memory back.
 *
 * At most one swiotlb_mem of a backend lives at a time. Who goes back to a
 * backend whose memory is still retiring gets just that, with its mappings. So
 * however often backends are switched, memory does not pile up.
 *
 * Mapping follows the pointer and allocates in one RCU read section, which having
 * preemption off is, too. The worker waits for a grace period before it asks whether
 * anything is in use: after that, use can only fall.
 *
 * Locking: swiotlb_mutex protects the lists of memory and the counts of users, and
 * serialises all changes of the pointers. It is held while memory is converted
 * and given back, so who switches may have to wait.
 */
#define pr_fmt(fmt) "software IO TLB: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <linux/swiotlb.h>
#include <linux/workqueue.h>
#include <trace/events/swiotlb.h>

#include "internal.h"

/* How often a worker asks whether retiring memory is empty: ever less often */
#define RETIRE_MIN_DELAY	(HZ / 10)
#define RETIRE_MAX_DELAY	HZ

/* Protects which memory there is, and who uses it */
DEFINE_MUTEX(swiotlb_mutex);

static struct workqueue_struct *swiotlb_wq, *growth_wq;
static unsigned long retire_delay;

static void retire(struct work_struct *work);
static DECLARE_DELAYED_WORK(retire_work, retire);

/**
 * swiotlb_queue_work() - have memory freed in process context
 * @work:  does it, and waits for no memory
 * @delay: how soon, in jiffies
 *
 * Context: any.
 * Return: %false if it is too early in boot; then nothing is done.
 */
bool swiotlb_queue_work(struct delayed_work *work, unsigned long delay)
{
	/* Pairs with the release in swiotlb_wq_init() */
	struct workqueue_struct *wq = smp_load_acquire(&swiotlb_wq);

	if (!wq)
		return false;

	queue_delayed_work(wq, work, delay);
	return true;
}

/**
 * swiotlb_queue_growth() - have memory made in process context, before others run
 * @work: does it, and may wait for memory; so it frees none that others wait for
 *
 * Whoever uses bounce memory up keeps a CPU busy, and is refused if more comes late: so
 * it is made on that CPU, before tasks that run there, and that takes long. But isolated
 * CPUs are left alone.
 *
 * Context: any.
 * Return: %false if it is too early in boot; then nothing is done.
 */
bool swiotlb_queue_growth(struct delayed_work *work)
{
	if (!swiotlb_is_awake())
		return false;

	queue_delayed_work(cpu_is_isolated(raw_smp_processor_id()) ?
			   system_unbound_wq : growth_wq, work, 0);
	return true;
}

/**
 * swiotlb_is_awake() - can things be done in process context
 *
 * Context: any.
 * Return: %false if it is too early in boot.
 */
bool swiotlb_is_awake(void)
{
	/* Pairs with the release in swiotlb_wq_init() */
	return smp_load_acquire(&swiotlb_wq);
}

static void retire_soon(void)
{
	lockdep_assert_held(&swiotlb_mutex);
	retire_delay = RETIRE_MIN_DELAY;
	if (swiotlb_wq)
		mod_delayed_work(swiotlb_wq, &retire_work, 0);
}

static int __init swiotlb_wq_init(void)
{
	struct workqueue_struct *wq;

	growth_wq = alloc_workqueue("swiotlb_grow", WQ_HIGHPRI | WQ_CPU_INTENSIVE, 0);
	if (!growth_wq)
		return -ENOMEM;
	/* What is queued there frees memory, so it must not wait for memory to be run */
	wq = alloc_workqueue("swiotlb", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!wq) {
		destroy_workqueue(growth_wq);
		return -ENOMEM;
	}

	mutex_lock(&swiotlb_mutex);
	/* Pairs with the acquires above */
	smp_store_release(&swiotlb_wq, wq);
	/* What was put aside so early in boot did not retire yet */
	retire_soon();
	mutex_unlock(&swiotlb_mutex);
	return 0;
}
core_initcall(swiotlb_wq_init);

/**
 * swiotlb_mem_create() - make memory of a backend
 * @domain: whose devices it is for
 * @ops:    the backend; on success a reference to its module goes to the memory
 * @params: what it should be like
 *
 * Nobody uses it yet.
 *
 * Context: early boot for %SWIOTLB_EARLY, else process context, may sleep;
 * swiotlb_mutex is held.
 * Return: the memory, or the backend's errno as a pointer.
 */
struct swiotlb_mem *
swiotlb_mem_create(struct swiotlb_domain *domain,
		   const struct swiotlb_backend_ops *ops,
		   const struct swiotlb_params *params)
{
	struct swiotlb_mem *mem;
	int err;

	lockdep_assert_held(&swiotlb_mutex);
	mem = swiotlb_meta_alloc(sizeof(*mem), params->phase);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	mem->ops = ops;
	mem->domain = domain;
	mem->phase = params->phase;
	err = swiotlb_account_open(mem);
	if (!err)
		err = ops->init(mem, params);
	if (err) {
		swiotlb_meta_free(mem, sizeof(*mem), params->phase);
		return ERR_PTR(err);
	}

	list_add_tail(&mem->node, &domain->mems);
	return mem;
}

/**
 * swiotlb_mem_destroy() - take memory of a backend apart
 * @mem: nobody uses it, and nothing is mapped in it
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 */
void swiotlb_mem_destroy(struct swiotlb_mem *mem)
{
	const struct swiotlb_backend_ops *ops = mem->ops;

	lockdep_assert_held(&swiotlb_mutex);
	list_del(&mem->node);
	ops->exit(mem);
	swiotlb_meta_free(mem, sizeof(*mem), mem->phase);
	module_put(ops->owner);
}

static void retire(struct work_struct *work)
{
	struct swiotlb_mem *mem, *next;
	bool again = false;

	guard(mutex)(&swiotlb_mutex);
	/* Who saw memory before it lost its last user has now mapped there */
	synchronize_rcu();

	list_for_each_entry_safe(mem, next, &swiotlb_default_domain.mems, node) {
		if (mem->nr_users)
			continue;
		if (mem->ops->used(mem))
			again = true;
		else
			swiotlb_mem_destroy(mem);
	}
	if (!again)
		return;

	swiotlb_queue_work(&retire_work, retire_delay);
	retire_delay = min_t(unsigned long, 2 * retire_delay, RETIRE_MAX_DELAY);
}

/**
 * swiotlb_mem_bind() - say where new mappings go
 * @iotlb: what devices are bound to
 * @mem:   the memory, or %NULL for nowhere
 *
 * Mappings that have begun may still go to where they went before. That memory
 * retires if nothing else leads to it.
 *
 * Context: as swiotlb_mem_create(); swiotlb_mutex is held.
 */
void swiotlb_mem_bind(struct io_tlb_mem *iotlb, struct swiotlb_mem *mem)
{
	struct swiotlb_mem *old;

	old = rcu_dereference_protected(iotlb->mem,
					lockdep_is_held(&swiotlb_mutex));
	if (mem)
		mem->nr_users++;
	rcu_assign_pointer(iotlb->mem, mem);
	if (old && !--old->nr_users)
		retire_soon();
}

/* The memory of a backend in the default domain, made if need be */
static struct swiotlb_mem *mem_of_backend(const struct swiotlb_backend_ops *ops)
{
	struct swiotlb_params params;
	struct swiotlb_mem *mem;
	int err;

	list_for_each_entry(mem, &swiotlb_default_domain.mems, node) {
		if (mem->ops == ops) {
			/* It has a reference already */
			module_put(ops->owner);
			return mem;
		}
	}

	err = swiotlb_live_params(&params);
	mem = err ? ERR_PTR(err) :
		    swiotlb_mem_create(&swiotlb_default_domain, ops, &params);
	if (IS_ERR(mem)) {
		pr_warn("backend %s could not set up %zu bytes: %pe\n",
			ops->name, params.bytes, mem);
		module_put(ops->owner);
	}
	return mem;
}

static size_t max_bytes(struct swiotlb_mem *mem)
{
	const struct swiotlb_limits none = { .boundary_mask = U64_MAX };

	return mem->ops->max_mapping(mem, &none);
}

/*
 * Drivers ask once how much they may map at a time. They must not be
 * disappointed later.
 */
static int keeps_promises(struct swiotlb_mem *mem)
{
	long promised = atomic_long_read(&mem->domain->promised);
	size_t bytes = max_bytes(mem);

	if (bytes >= promised)
		return 0;

	pr_warn("backend %s maps %zu bytes at most, but devices were promised %ld\n",
		mem->ops->name, bytes, promised);
	return -ERANGE;
}

/**
 * swiotlb_select() - let new mappings go to a backend
 * @iotlb: what devices of the default domain are bound to
 * @ops:   the backend, from swiotlb_get_backend(); the reference goes to the
 *	   memory, or is let go
 *
 * Context: process context, may sleep; swiotlb_mutex is held.
 * Return: 0; -ERANGE if it maps less at a time than devices were promised; -EPERM
 * if the user wanted no bounce memory; -EOPNOTSUPP where the platform remaps it;
 * or the errno of the backend. On failure nothing has changed.
 */
int swiotlb_select(struct io_tlb_mem *iotlb,
		   const struct swiotlb_backend_ops *ops)
{
	struct swiotlb_mem *mem, *old;
	int err;

	lockdep_assert_held(&swiotlb_mutex);
	mem = mem_of_backend(ops);
	if (IS_ERR(mem))
		return PTR_ERR(mem);

	/* Who is there already is asked for nothing */
	old = rcu_dereference_protected(iotlb->mem,
					lockdep_is_held(&swiotlb_mutex));
	if (mem == old)
		return 0;

	err = keeps_promises(mem);
	if (err) {
		/* It goes if nobody uses it */
		retire_soon();
		return err;
	}

	swiotlb_mem_bind(iotlb, mem);
	if (!old || max_bytes(old) <= max_bytes(mem))
		return 0;

	/* A device may have been promised more while it was asked for */
	synchronize_rcu();
	err = keeps_promises(mem);
	if (err)
		swiotlb_mem_bind(iotlb, old);
	return err;
}

/* Where new mappings of devices that follow the default go */
static struct swiotlb_mem *default_mem(void)
{
	return rcu_dereference_protected(swiotlb_default.mem,
					 lockdep_is_held(&swiotlb_mutex));
}

/**
 * swiotlb_switch() - choose the backend of all devices that follow the default
 * @name: its name, a newline may follow
 *
 * Context: process context, may sleep.
 * Return: -EINVAL if there is no such backend, else as swiotlb_select().
 */
int swiotlb_switch(const char *name)
{
	const struct swiotlb_backend_ops *ops;
	struct swiotlb_mem *old, *new;
	int err;

	guard(mutex)(&swiotlb_mutex);
	ops = swiotlb_get_backend(name);
	if (!ops)
		return -EINVAL;

	old = default_mem();
	err = swiotlb_select(&swiotlb_default, ops);
	if (err)
		return err;

	new = default_mem();
	if (new != old) {
		trace_swiotlb_switch(old ? old->ops->name : "none",
				     new->ops->name);
		pr_info("backend %s, %lu slabs\n", new->ops->name,
			READ_ONCE(new->nslabs));
	}
	return 0;
}
