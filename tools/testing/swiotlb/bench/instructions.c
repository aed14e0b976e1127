// SPDX-License-Identifier: GPL-2.0
/*
 * What things cost in instructions: counted by the hardware, or, where there is no such
 * counter, as in many virtual machines, by having the processor stop after each
 *
 * This file has nothing to do with the kernel's headers, or stand-ins for them.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "instructions.h"

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static double count_by_hardware(int fd, void (*fn)(void *arg), void *arg)
{
	uint64_t nr = 0;

	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	fn(arg);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return read(fd, &nr, sizeof(nr)) == sizeof(nr) ? nr : -1;
}

#ifdef __x86_64__
#define TRAP_FLAG	0x100

static volatile sig_atomic_t stop_stepping;
static uint64_t nr_steps;

static void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	nr_steps++;
	if (stop_stepping)
		c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static double __attribute__((noinline)) count_by_steps(void (*fn)(void *arg), void *arg)
{
	struct sigaction action = {
		.sa_sigaction = on_step,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGTRAP, &action, NULL);
	stop_stepping = 0;
	nr_steps = 0;
	asm volatile("pushfq; orq %0, (%%rsp); popfq" : : "i" (TRAP_FLAG)
		     : "memory", "cc");
	fn(arg);
	stop_stepping = 1;
	asm volatile("nop; nop" : : : "memory");
	return nr_steps;
}
#else
static double count_by_steps(void (*fn)(void *arg), void *arg)
{
	return -1;
}
#endif

static void do_nothing(void *arg)
{
}

static int counter(void)
{
	static int fd = -2;

	if (fd == -2)
		fd = open_counter();
	return fd;
}

bool instructions_are_cheap(void)
{
	return counter() >= 0;
}

double count_instructions(void (*fn)(void *arg), void *arg)
{
	int fd = counter();

	if (fd >= 0)
		return count_by_hardware(fd, fn, arg) -
		       count_by_hardware(fd, do_nothing, NULL);
	return count_by_steps(fn, arg) - count_by_steps(do_nothing, NULL);
}
