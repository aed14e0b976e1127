/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time, of which tests decide how fast it passes: it stands still unless told
 */
#ifndef _SHIM_CLOCK_H
#define _SHIM_CLOCK_H

#define HZ	250
#define NSEC_PER_MSEC	1000000L
#define MSEC_PER_SEC	1000L

/* Wraps around after the first minute */
extern unsigned long shim_jiffies;
#define jiffies			__atomic_load_n(&shim_jiffies, __ATOMIC_RELAXED)
/* Does not wrap around, nor does the kernel's: it begins with 300 s less than 32 bits hold */
#define get_jiffies_64()	((u64)(jiffies + 300UL * HZ))
#define time_before64(a, b)	((long)((a) - (b)) < 0)

#define MAX_JIFFY_OFFSET	((LONG_MAX >> 1) - 1)
#define msecs_to_jiffies(ms) \
	((unsigned long)DIV_ROUND_UP((u64)(ms) * HZ, 1000))
#define usecs_to_jiffies(us) \
	((unsigned long)DIV_ROUND_UP((u64)(us) * HZ, 1000000))
#define secs_to_jiffies(s)	((unsigned long)(s) * HZ)
#define jiffies_to_msecs(j)	((unsigned int)((u64)(j) * 1000 / HZ))
#define round_jiffies_relative(j)	(j)
#define round_jiffies_up_relative(j)	(j)

#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
#define time_in_range(a, b, c)	(time_after_eq(a, b) && time_before_eq(a, c))
#define time_is_before_jiffies(a)	time_after(jiffies, a)
#define time_is_after_jiffies(a)	time_before(jiffies, a)
#define time_is_before_eq_jiffies(a)	time_after_eq(jiffies, a)

#define ktime_get_ns()		((u64)jiffies * (1000000000 / HZ))
#define ktime_get_mono_fast_ns()	ktime_get_ns()
#define local_clock()		ktime_get_ns()

/* Let @ms pass: what is due meanwhile is done, in order, before this returns */
void shim_pass_ms(unsigned long ms);
/* Let time pass by itself from now on, a jiffy every 50 us; or stand still */
void shim_run_clock(bool run);
/* Gives way for about as long as the clock takes, if it runs */
void msleep(unsigned int ms);
#define usleep_range(from, to)	msleep(1)

#endif /* _SHIM_CLOCK_H */
