// SPDX-License-Identifier: GPL-2.0
/*
 * Workqueues with threads of their own, and the clock that starts delayed work
 *
 * Each queue has up to NR_WORKERS threads, so that different works run at the
 * same time; one work never does. A work may free itself: once its function runs
 * nothing here looks at it any more.
 *
 * One lock protects it all, since tests do not care for speed here.
 */
#include <pthread.h>
#include <unistd.h>

#include "shim.h"

#define NR_WORKERS	2

/**
 * struct workqueue_struct - a queue and its workers
 * @works:   those that wait
 * @running: what each worker is at, or %NULL
 * @nr_runs: how often each worker began a work
 * @nr:	     number of workers
 * @flags:   as given to alloc_workqueue()
 * @nr_threads: workers that there are
 * @nr_started: workers that have begun
 * @dying:   the workers should not
 * @node:    in the list of all
 */
struct workqueue_struct {
	struct list_head works;
	struct work_struct *running[NR_WORKERS];
	unsigned long nr_runs[NR_WORKERS];
	unsigned int nr;
	unsigned int flags;
	unsigned int nr_threads;
	unsigned int nr_started;
	bool dying;
	struct list_head node;
};

unsigned long shim_jiffies = -60UL * HZ;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static LIST_HEAD(queues);
static LIST_HEAD(timers);
static struct workqueue_struct system_queue = {
	.works = LIST_HEAD_INIT(system_queue.works),
	.nr = NR_WORKERS,
};
struct workqueue_struct *const shim_system_wq = &system_queue;

static __thread struct workqueue_struct *my_queue;
static __thread unsigned int my_number;
static bool clock_runs, clock_stops;
static bool are_held;

void shim_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, fn, arg)) {
		perror("swiotlb tests: no thread");
		_exit(2);
	}
	pthread_attr_destroy(&attr);
}

bool shim_is_reclaimer(void)
{
	return my_queue && my_queue->flags & WQ_MEM_RECLAIM;
}

static int worker_of(struct workqueue_struct *wq, struct work_struct *work)
{
	unsigned int i;

	for (i = 0; wq && i < wq->nr; i++) {
		if (wq->running[i] == work)
			return i;
	}
	return -1;
}

/* The first that waits and does not run just now */
static struct work_struct *next_work(struct workqueue_struct *wq)
{
	struct work_struct *work;

	list_for_each_entry(work, &wq->works, entry) {
		if (worker_of(wq, work) < 0)
			return work;
	}
	return NULL;
}

static void check_context(const char *what)
{
	if (!shim_may_sleep())
		shim_warn("%s left its locks held\n", what);
}

static void *work_loop(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct work_struct *work;
	unsigned int i;

	pthread_mutex_lock(&lock);
	i = wq->nr_started++;
	my_queue = wq;
	my_number = i;
	shim_cpu = i;
	while (!wq->dying) {
		work = are_held ? NULL : next_work(wq);
		if (!work) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}

		list_del(&work->entry);
		WRITE_ONCE(work->pending, false);
		wq->running[i] = work;
		wq->nr_runs[i]++;
		pthread_mutex_unlock(&lock);
		work->func(work);
		check_context("a work");
		pthread_mutex_lock(&lock);
		wq->running[i] = NULL;
		pthread_cond_broadcast(&changed);
	}
	wq->nr_threads--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void start(struct workqueue_struct *wq)
{
	unsigned int i;

	if (wq->node.next)
		return;
	list_add(&wq->node, &queues);
	wq->nr_threads = wq->nr;
	for (i = 0; i < wq->nr; i++)
		shim_thread(work_loop, wq);
}

/* Put it where a worker finds it; it is marked as pending already */
static void insert(struct workqueue_struct *wq, struct work_struct *work)
{
	start(wq);
	/* A work does not run twice at once, not even from two queues */
	if (worker_of(work->queue, work) >= 0)
		wq = work->queue;
	work->queue = wq;
	list_add_tail(&work->entry, &wq->works);
	pthread_cond_broadcast(&changed);
}

static bool mark(struct work_struct *work)
{
	if (!work->func)
		shim_warn("a work that was never initialised\n");
	if (work->pending || work->disabled)
		return false;
	WRITE_ONCE(work->pending, true);
	return true;
}

static void arm(struct workqueue_struct *wq, struct delayed_work *work,
		unsigned long delay)
{
	if (!delay) {
		insert(wq, &work->work);
		return;
	}
	if (worker_of(work->work.queue, &work->work) < 0)
		work->work.queue = wq;
	work->due = jiffies + delay;
	work->armed = true;
	list_add_tail(&work->timer, &timers);
}

/* Take it from where it waits; tells if it did */
static bool unqueue(struct work_struct *work, struct delayed_work *delayed)
{
	if (!work->pending)
		return false;
	if (delayed && delayed->armed) {
		delayed->armed = false;
		list_del(&delayed->timer);
	} else {
		list_del(&work->entry);
	}
	WRITE_ONCE(work->pending, false);
	return true;
}

/* Wait until the run that goes on now is over, but not for a next one */
static bool wait_for_run(struct work_struct *work)
{
	struct workqueue_struct *wq = work->queue;
	int i = worker_of(wq, work);
	unsigned long run;

	if (i < 0)
		return false;
	if (wq == my_queue && i == my_number) {
		shim_warn("a work waits for itself\n");
		return false;
	}
	run = wq->nr_runs[i];
	while (wq->running[i] == work && wq->nr_runs[i] == run)
		pthread_cond_wait(&changed, &lock);
	return true;
}

static bool cancel(struct work_struct *work, struct delayed_work *delayed,
		   bool enable)
{
	bool was_pending;

	might_sleep();
	pthread_mutex_lock(&lock);
	was_pending = unqueue(work, delayed);
	work->disabled++;
	wait_for_run(work);
	if (enable)
		work->disabled--;
	pthread_mutex_unlock(&lock);
	return was_pending;
}

static bool flush(struct work_struct *work, struct delayed_work *delayed)
{
	bool waited = false;

	might_sleep();
	pthread_mutex_lock(&lock);
	if (delayed && delayed->armed) {
		delayed->armed = false;
		list_del(&delayed->timer);
		insert(work->queue, work);
	}
	while (work->pending && !(delayed && delayed->armed)) {
		waited = true;
		pthread_cond_wait(&changed, &lock);
	}
	waited |= wait_for_run(work);
	pthread_mutex_unlock(&lock);
	return waited;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool marked;

	pthread_mutex_lock(&lock);
	marked = mark(work);
	if (marked)
		insert(wq, work);
	pthread_mutex_unlock(&lock);
	return marked;
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
			unsigned long delay)
{
	bool marked;

	/* Interrupts ask for work, too */
	shim_context.irqs_off++;
	pthread_mutex_lock(&lock);
	marked = mark(&work->work);
	if (marked)
		arm(wq, work, delay);
	pthread_mutex_unlock(&lock);
	shim_context.irqs_off--;
	return marked;
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work,
		      unsigned long delay)
{
	bool was_pending;

	pthread_mutex_lock(&lock);
	was_pending = unqueue(&work->work, work);
	if (mark(&work->work))
		arm(wq, work, delay);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

bool flush_work(struct work_struct *work)
{
	return flush(work, NULL);
}

bool flush_delayed_work(struct delayed_work *work)
{
	return flush(&work->work, work);
}

bool cancel_work_sync(struct work_struct *work)
{
	return cancel(work, NULL, true);
}

bool cancel_delayed_work_sync(struct delayed_work *work)
{
	return cancel(&work->work, work, true);
}

bool disable_work_sync(struct work_struct *work)
{
	return cancel(work, NULL, false);
}

bool disable_delayed_work_sync(struct delayed_work *work)
{
	return cancel(&work->work, work, false);
}

bool enable_work(struct work_struct *work)
{
	bool enabled;

	pthread_mutex_lock(&lock);
	enabled = !--work->disabled;
	pthread_mutex_unlock(&lock);
	return enabled;
}

bool cancel_delayed_work(struct delayed_work *work)
{
	bool was_pending;

	pthread_mutex_lock(&lock);
	was_pending = unqueue(&work->work, work);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

static bool is_idle(const struct workqueue_struct *wq)
{
	unsigned int i;

	for (i = 0; i < wq->nr; i++) {
		if (wq->running[i])
			return false;
	}
	return list_empty(&wq->works);
}

void flush_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	pthread_mutex_lock(&lock);
	while (!is_idle(wq))
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags,
					 int max_active, ...)
{
	struct workqueue_struct *wq = kzalloc(sizeof(*wq), GFP_KERNEL);

	if (!wq)
		return NULL;
	INIT_LIST_HEAD(&wq->works);
	wq->flags = flags;
	wq->nr = max_active == 1 ? 1 : NR_WORKERS;
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	flush_workqueue(wq);
	pthread_mutex_lock(&lock);
	wq->dying = true;
	pthread_cond_broadcast(&changed);
	while (wq->nr_threads)
		pthread_cond_wait(&changed, &lock);
	if (wq->node.next)
		list_del(&wq->node);
	pthread_mutex_unlock(&lock);
	kfree(wq);
}

/* All queues at once, as one may put work into another */
static void settle(void)
{
	struct workqueue_struct *wq;

again:
	list_for_each_entry(wq, &queues, node) {
		if (!is_idle(wq)) {
			pthread_cond_wait(&changed, &lock);
			goto again;
		}
	}
}

void shim_settle(void)
{
	pthread_mutex_lock(&lock);
	settle();
	pthread_mutex_unlock(&lock);
}

void shim_hold_works(bool hold)
{
	pthread_mutex_lock(&lock);
	are_held = hold;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

unsigned int shim_nr_timers(void)
{
	struct list_head *pos;
	unsigned int nr = 0;

	pthread_mutex_lock(&lock);
	list_for_each(pos, &timers)
		nr++;
	pthread_mutex_unlock(&lock);
	return nr;
}

/* The timer that is due first, if it is due at @now */
static struct delayed_work *first_due(unsigned long now)
{
	struct delayed_work *work, *first = NULL;

	list_for_each_entry(work, &timers, timer) {
		if (time_before_eq(work->due, now) &&
		    (!first || time_before(work->due, first->due)))
			first = work;
	}
	return first;
}

static void expire(struct delayed_work *work)
{
	if (time_before(jiffies, work->due))
		WRITE_ONCE(shim_jiffies, work->due);
	work->armed = false;
	list_del(&work->timer);
	insert(work->work.queue, &work->work);
}

void shim_pass_ms(unsigned long ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(ms);
	struct delayed_work *work;

	pthread_mutex_lock(&lock);
	settle();
	while ((work = first_due(until))) {
		expire(work);
		settle();
	}
	if (time_before(jiffies, until))
		WRITE_ONCE(shim_jiffies, until);
	pthread_mutex_unlock(&lock);
}

static void *clock_loop(void *arg)
{
	struct delayed_work *work;

	pthread_mutex_lock(&lock);
	while (!clock_stops) {
		pthread_mutex_unlock(&lock);
		usleep(50);
		pthread_mutex_lock(&lock);
		WRITE_ONCE(shim_jiffies, shim_jiffies + 1);
		while ((work = first_due(jiffies)))
			expire(work);
	}
	clock_runs = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

void shim_run_clock(bool run)
{
	pthread_mutex_lock(&lock);
	clock_stops = !run;
	if (run && !clock_runs) {
		clock_runs = true;
		shim_thread(clock_loop, NULL);
	}
	while (!run && clock_runs)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void msleep(unsigned int ms)
{
	might_sleep();
	usleep(50 * ms);
}
