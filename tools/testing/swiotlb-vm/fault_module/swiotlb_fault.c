// SPDX-License-Identifier: GPL-2.0
/*
 * Misbehave on demand, to prove that the rig, and the debug kernel's checks,
 * notice. Loading does the damage: insmod swiotlb_fault.ko kind=<name>.
 */

#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/processor.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *kind = "";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "name of the fault");

static void fault_warn(void)
{
	WARN(1, "swiotlb_fault was told to warn\n");
}

static void fault_oops(void)
{
	WRITE_ONCE(*(int *)8, 0);
}

static void fault_stall(void)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

/* One byte past the end of an object: for KASAN. */
static void fault_overrun(void)
{
	char *p = kmalloc(123, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	p[123] = 1;
	kfree(p);
}

/* Two locks in both orders: for lockdep. */
static void fault_lock_order(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);

	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

/* What a map or unmap must never do: for DEBUG_ATOMIC_SLEEP. */
static void fault_sleep(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	msleep(20);
	spin_unlock(&lock);
}

/* Unmap another size than was mapped: for DMA_API_DEBUG. */
static void fault_unmap(void)
{
	struct platform_device *pdev;
	void *p = kzalloc(4096, GFP_KERNEL);
	dma_addr_t addr;

	pdev = platform_device_register_simple("swiotlb_fault", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev) || !p)
		return;
	if (dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64)))
		return;
	addr = dma_map_single(&pdev->dev, p, 4096, DMA_TO_DEVICE);
	if (!dma_mapping_error(&pdev->dev, addr))
		dma_unmap_single(&pdev->dev, addr, 2048, DMA_TO_DEVICE);
}

/* Shift by more bits than there are: for UBSAN. */
static void fault_shift(void)
{
	unsigned int bits = 32;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("swiotlb_fault: 1 << 32 is %d\n", 1 << bits);
}

static const struct {
	const char *kind;
	void (*fault)(void);
} faults[] = {
	{ "warn", fault_warn },
	{ "oops", fault_oops },
	{ "stall", fault_stall },
	{ "overrun", fault_overrun },
	{ "lock_order", fault_lock_order },
	{ "sleep", fault_sleep },
	{ "unmap", fault_unmap },
	{ "shift", fault_shift },
};

static int __init swiotlb_fault_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(kind, faults[i].kind)) {
			faults[i].fault();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit swiotlb_fault_exit(void)
{
}

module_init(swiotlb_fault_init);
module_exit(swiotlb_fault_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults for the test rig to notice");
