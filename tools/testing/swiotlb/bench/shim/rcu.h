/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RCU whose readers cost next to nothing, as in the kernel
 *
 * As in ../../shim/rcu.c a reader notes the generation in which it began, but
 * without a barrier: who waits has the operating system send one to all threads. Who may
 * not be preempted notes no more than that: who waits looks until it is over.
 */
#ifndef _SHIM_RCU_H
#define _SHIM_RCU_H

extern unsigned int shim_grace_periods;

struct shim_reader {
	unsigned long began;
	unsigned int nesting;
	bool known;
	const unsigned int *spinlocks;
	struct shim_reader *next;
};

extern __thread struct shim_reader shim_reader;
extern unsigned long shim_generation;
void shim_new_reader(void);

static __always_inline void rcu_read_lock(void)
{
	if (unlikely(!shim_reader.known))
		shim_new_reader();
	if (!shim_reader.nesting++)
		__atomic_store_n(&shim_reader.began,
				 READ_ONCE(shim_generation), __ATOMIC_RELAXED);
	barrier();
}

static __always_inline void rcu_read_unlock(void)
{
	barrier();
	if (!--shim_reader.nesting)
		__atomic_store_n(&shim_reader.began, 0, __ATOMIC_RELEASE);
}

void synchronize_rcu(void);
#define synchronize_rcu_expedited()	synchronize_rcu()
#define rcu_read_lock_held()		true

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

/* Is it over what went on when the cookie was made? */
unsigned long get_state_synchronize_rcu(void);
#define get_completed_synchronize_rcu()	0UL
unsigned long start_poll_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long cookie);

#define RCU_INIT_POINTER(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELAXED)
#define rcu_assign_pointer(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define rcu_access_pointer(p)	READ_ONCE(p)
#define rcu_dereference_raw(p)	READ_ONCE(p)
#define rcu_dereference_check(p, cond)		READ_ONCE(p)
#define rcu_dereference(p)			READ_ONCE(p)
#define rcu_dereference_sched(p)		READ_ONCE(p)
#define rcu_dereference_protected(p, cond)	(p)
#define rcu_replace_pointer(p, new, cond) ({ \
	typeof(p) __was = (p); \
	rcu_assign_pointer(p, new); \
	__was; })

#endif /* _SHIM_RCU_H */
