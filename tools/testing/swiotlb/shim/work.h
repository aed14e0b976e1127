/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Workqueues with threads of their own
 */
#ifndef _SHIM_WORK_H
#define _SHIM_WORK_H

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);

/*
 * @queue is where it waits or was last, @pending that it waits or its timer
 * runs, @disabled how many wait for it to end and want it not to begin again.
 */
struct work_struct {
	work_func_t func;
	struct list_head entry;
	struct workqueue_struct *queue;
	bool pending;
	unsigned int disabled;
};

/* @due is in jiffies; @timer is linked while its timer runs */
struct delayed_work {
	struct work_struct work;
	struct list_head timer;
	bool armed;
	unsigned long due;
};

#define __WORK_INITIALIZER(name, fn)	{ .func = (fn) }
#define DECLARE_WORK(name, fn) \
	struct work_struct name = __WORK_INITIALIZER(name, fn)
#define DECLARE_DELAYED_WORK(name, fn) \
	struct delayed_work name = { .work = __WORK_INITIALIZER(name, fn) }
#define INIT_WORK(w, fn) \
	((void)(*(w) = (struct work_struct){ .func = (fn) }))
#define INIT_DELAYED_WORK(w, fn) \
	((void)(*(w) = (struct delayed_work){ .work = { .func = (fn) } }))
#define INIT_DEFERRABLE_WORK(w, fn)	INIT_DELAYED_WORK(w, fn)

#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define work_pending(w)		READ_ONCE((w)->pending)
#define delayed_work_pending(w)	work_pending(&(w)->work)

enum {
	WQ_UNBOUND	= 1 << 1,
	WQ_FREEZABLE	= 1 << 2,
	WQ_MEM_RECLAIM	= 1 << 3,
	WQ_HIGHPRI	= 1 << 4,
	WQ_CPU_INTENSIVE = 1 << 5,
	WQ_POWER_EFFICIENT = 1 << 7,
};

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags,
					 int max_active, ...);
void destroy_workqueue(struct workqueue_struct *wq);
#define alloc_ordered_workqueue(fmt, flags, args...) \
	alloc_workqueue(fmt, flags, 1, ##args)
#define create_singlethread_workqueue(name) alloc_ordered_workqueue(name, 0)

extern struct workqueue_struct *const shim_system_wq;
#define system_wq		shim_system_wq
#define system_unbound_wq	shim_system_wq
#define system_long_wq		shim_system_wq

/* Any context; false if it was pending already */
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay);
#define schedule_work(work)		queue_work(system_wq, work)
#define schedule_delayed_work(work, delay) \
	queue_delayed_work(system_wq, work, delay)

/* Process context */
bool flush_work(struct work_struct *work);
bool flush_delayed_work(struct delayed_work *work);
bool cancel_work_sync(struct work_struct *work);
bool cancel_delayed_work_sync(struct delayed_work *work);
bool cancel_delayed_work(struct delayed_work *work);
bool disable_work_sync(struct work_struct *work);
bool disable_delayed_work_sync(struct delayed_work *work);
bool enable_work(struct work_struct *work);
#define enable_delayed_work(w)		enable_work(&(w)->work)
void flush_workqueue(struct workqueue_struct *wq);
#define drain_workqueue(wq)		flush_workqueue(wq)
#define flush_scheduled_work()		flush_workqueue(system_wq)

/* Wait until no work waits in any queue, nor runs; timers do not count */
void shim_settle(void);
/* Let no work begin until that is over, so that it finds all there is at once; wait for none */
void shim_hold_works(bool hold);
/* Number of timers that run */
unsigned int shim_nr_timers(void);
/* A thread that is never joined */
void shim_thread(void *(*fn)(void *arg), void *arg);
/* Is this thread a worker of a queue that memory is reclaimed by? */
bool shim_is_reclaimer(void);

#endif /* _SHIM_WORK_H */
