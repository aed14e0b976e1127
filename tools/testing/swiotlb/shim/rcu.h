/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RCU: synchronize_rcu() really waits for all readers that began before
 */
#ifndef _SHIM_RCU_H
#define _SHIM_RCU_H

/* How often synchronize_rcu() was called */
extern unsigned int shim_grace_periods;

void rcu_read_lock(void);
void rcu_read_unlock(void);
/* For preempt_disable() and preempt_enable(), too: between them is a reader */
void shim_reader_begin(void);
void shim_reader_end(void);
void synchronize_rcu(void);
#define synchronize_rcu_expedited()	synchronize_rcu()
#define rcu_read_lock_held()		(shim_context.rcu_readers > 0)

/* Has a grace period passed since? Nobody waits, anybody may ask */
unsigned long get_state_synchronize_rcu(void);
#define get_completed_synchronize_rcu()	0UL
#define start_poll_synchronize_rcu()	get_state_synchronize_rcu()
bool poll_state_synchronize_rcu(unsigned long state);

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

/* Called by a thread of their own, at the latest when rcu_barrier() returns */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

#define rcu_check(cond) \
	((cond) || !shim_slab ? (void)0 : \
	 shim_warn("%s: RCU pointer without protection\n", __func__))

#define RCU_INIT_POINTER(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELAXED)
#define rcu_assign_pointer(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define rcu_access_pointer(p)	__atomic_load_n(&(p), __ATOMIC_RELAXED)
#define rcu_dereference_raw(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define __rcu_dereference(p, cond) ({ \
	typeof(p) __now; \
	rcu_check(cond); \
	shim_jitter(); \
	__now = rcu_dereference_raw(p); \
	shim_jitter(); \
	__now; })
#define rcu_dereference_check(p, cond) \
	__rcu_dereference(p, (cond) || rcu_read_lock_held())
#define rcu_dereference(p)	rcu_dereference_check(p, false)
#define rcu_dereference_sched(p) \
	__rcu_dereference(p, shim_context.preempt_count > 0)
/* A plain read, so that ThreadSanitizer sees if it is not protected */
#define rcu_dereference_protected(p, cond)	(rcu_check(cond), (p))
#define rcu_replace_pointer(p, new, cond) ({ \
	typeof(p) __was = rcu_dereference_protected(p, cond); \
	rcu_assign_pointer(p, new); \
	__was; })

#endif /* _SHIM_RCU_H */
