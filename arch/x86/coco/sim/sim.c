// SPDX-License-Identifier: GPL-2.0
/*
 * A confidential guest that is none: for tests of DMA, on any virtual machine.
 *
 * With the parameter coco_sim, cc_platform_has() says that memory is encrypted, and
 * bit 52 of a page-table entry, which processors ignore, is the shared bit. So the
 * kernel takes the same paths as in a real confidential guest: it bounces all DMA,
 * converts memory, changes attributes and splits the direct map. What the host
 * would do in a conversion is done here: remember the state of each page, take
 * time, and fail if told to.
 *
 * Without the parameter, none of this runs.
 */

#define pr_fmt(fmt) "coco_sim: " fmt

#include <linux/bits.h>
#include <linux/cc_platform.h>
#include <linux/cpufeature.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/panic.h>
#include <linux/pgtable.h>
#include <linux/random.h>
#include <linux/time64.h>

#include <asm/coco.h>
#include <asm/x86_init.h>

#include "sim.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "coco_sim."

/* Cost of a conversion in ns: of each, and of its parts */
static unsigned int call_ns;
static unsigned int page_ns;
static unsigned int block_ns;
module_param(call_ns, uint, 0644);
MODULE_PARM_DESC(call_ns, "time per conversion");
module_param(page_ns, uint, 0644);
MODULE_PARM_DESC(page_ns, "time per page of 4 KiB, outside of whole blocks");
module_param(block_ns, uint, 0644);
MODULE_PARM_DESC(block_ns, "time per aligned block of 2 MiB");

/* Which conversions fail */
static unsigned long fail_shared_nth;
static unsigned long fail_private_nth;
static unsigned int fail_shared_ppm;
static unsigned int fail_private_ppm;
static unsigned long long fail_start;
static unsigned long long fail_end;
static bool fail_finish;
module_param(fail_shared_nth, ulong, 0644);
MODULE_PARM_DESC(fail_shared_nth, "the conversion to shared that fails, counted from 1");
module_param(fail_private_nth, ulong, 0644);
MODULE_PARM_DESC(fail_private_nth, "the conversion to private that fails, counted from 1");
module_param(fail_shared_ppm, uint, 0644);
MODULE_PARM_DESC(fail_shared_ppm, "how many of a million conversions to shared fail");
module_param(fail_private_ppm, uint, 0644);
MODULE_PARM_DESC(fail_private_ppm, "how many of a million conversions to private fail");
module_param(fail_start, ullong, 0644);
MODULE_PARM_DESC(fail_start, "first physical address where conversions fail");
module_param(fail_end, ullong, 0644);
MODULE_PARM_DESC(fail_end, "first physical address behind");
module_param(fail_finish, bool, 0644);
MODULE_PARM_DESC(fail_finish, "fail after the page tables were changed, not before");

struct sim_calls sim_calls;
static atomic64_t finished[2]; /* of sim_calls.started */

/* The shared bit: ignored by processors, and unused by the kernel */
#define SHARED_BIT	52

static void (*banner_before)(void) __initdata;

/**
 * sim_active() - is this guest a simulated confidential one?
 *
 * Return: as it says; what a hypervisor found out later counts.
 */
bool sim_active(void)
{
	return cc_vendor == CC_VENDOR_SIM;
}

static void wait_ns(u64 ns)
{
	/* Longer ones overflow udelay() */
	for (; ns >= NSEC_PER_MSEC; ns -= NSEC_PER_MSEC)
		udelay(USEC_PER_MSEC);
	udelay(ns / NSEC_PER_USEC);
	ndelay(ns % NSEC_PER_USEC);
}

/* A host is asked once, and works in the largest pages that fit */
static void charge(unsigned long vaddr, int npages)
{
	unsigned long start = vaddr, end = start + ((unsigned long)npages << PAGE_SHIFT);
	u64 blocks = 0;

	if (!is_vmalloc_addr((void *)vaddr) &&
	    round_down(end, PMD_SIZE) > round_up(start, PMD_SIZE))
		blocks = (round_down(end, PMD_SIZE) - round_up(start, PMD_SIZE)) / PMD_SIZE;
	wait_ns(READ_ONCE(call_ns) + blocks * READ_ONCE(block_ns) +
		(npages - blocks * (PMD_SIZE / PAGE_SIZE)) * READ_ONCE(page_ns));
}

/* Was conversion number @nth of its direction to fail? Counts it then. */
static bool inject(u64 nth, unsigned long vaddr, int npages, bool enc)
{
	unsigned long fail_nth = enc ? READ_ONCE(fail_private_nth) :
				       READ_ONCE(fail_shared_nth);
	unsigned int ppm = enc ? READ_ONCE(fail_private_ppm) :
				 READ_ONCE(fail_shared_ppm);
	u64 start = READ_ONCE(fail_start), end = READ_ONCE(fail_end);

	if (nth != fail_nth &&
	    !(ppm && get_random_u32_below(1000000) < ppm) &&
	    !(start < end && sim_overlaps(vaddr, npages, start, end)))
		return false;
	atomic64_inc(&sim_calls.injected);
	atomic64_add((u64)npages << PAGE_SHIFT, &sim_calls.injected_bytes);
	return true;
}

/* Before the page tables are changed */
static int sim_prepare(unsigned long vaddr, int npages, bool enc)
{
	u64 nth = atomic64_inc_return(&sim_calls.started[enc]);

	charge(vaddr, npages);
	sim_state_begin(vaddr, npages);
	if (READ_ONCE(fail_finish) || !inject(nth, vaddr, npages, enc))
		return 0;
	atomic64_inc(&finished[enc]);
	return -EIO;
}

/* After */
static int sim_finish(unsigned long vaddr, int npages, bool enc)
{
	u64 nth = atomic64_inc_return(&finished[enc]);

	if (READ_ONCE(fail_finish) && inject(nth, vaddr, npages, enc))
		return -EIO;
	sim_state_end(vaddr, npages, enc);
	return 0;
}

/* As on TDX, where a private mapping of shared memory is fatal */
static bool sim_tlb_flush_required(bool enc)
{
	return !enc;
}

static bool sim_cache_flush_required(void)
{
	return false;
}

/* The last hook of setup_arch(): memory is mapped, and its allocator the early one */
static void __init sim_banner(void)
{
	banner_before();
	if (!sim_active()) {
		pr_err("another platform took over, nothing is simulated\n");
		return;
	}
	sim_state_alloc();
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	pr_warn("**********************************************************\n");
	pr_warn("** This is a simulated confidential guest, for tests.   **\n");
	pr_warn("** Its memory is NOT protected from the host.           **\n");
	pr_warn("**********************************************************\n");
}

/*
 * Early, because the size of bounce buffers depends on it. On AMD's processors
 * cc_vendor is set anyway: what counts is whether memory is encrypted, or the
 * processor protects that of others.
 */
static int __init sim_setup(char *arg)
{
	bool on = true;

	if (arg && kstrtobool(arg, &on)) {
		pr_err("coco_sim= is on or off\n");
		return -EINVAL;
	}
	if (!on || sim_active())
		return 0;
	if (cc_mask || cc_platform_has(CC_ATTR_MEM_ENCRYPT) ||
	    cc_platform_has(CC_ATTR_HOST_SEV_SNP)) {
		pr_err("refused, this platform encrypts memory\n");
		return -EBUSY;
	}
	/* A Xen PV guest's page tables belong to Xen */
	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR) ||
	    boot_cpu_has(X86_FEATURE_XENPV)) {
		pr_err("refused, needs a fully virtualized machine\n");
		return -ENODEV;
	}

	cc_vendor = CC_VENDOR_SIM;
	cc_set_mask(BIT_ULL(SHARED_BIT));
	x86_platform.guest.enc_status_change_prepare = sim_prepare;
	x86_platform.guest.enc_status_change_finish = sim_finish;
	x86_platform.guest.enc_tlb_flush_required = sim_tlb_flush_required;
	x86_platform.guest.enc_cache_flush_required = sim_cache_flush_required;
	banner_before = x86_init.oem.banner;
	x86_init.oem.banner = sim_banner;
	return 0;
}
early_param("coco_sim", sim_setup);
