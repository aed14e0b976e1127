// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated physical memory, and who may read it
 */
#include <pthread.h>
#include <sys/mman.h>

#include "shim.h"

enum state {
	PRIVATE,
	SHARED,
	DOUBTFUL,	/* a conversion failed */
};

phys_addr_t shim_highmem_start = SHIM_RAM_END;
unsigned int shim_physmem_bits = 52;
unsigned long max_pfn = SHIM_RAM_END >> PAGE_SHIFT;
u64 zone_dma_limit = SHIM_DMA_END - 1;
bool shim_cc;
unsigned int shim_refuse_conversions, shim_work_conversions;
size_t shim_granule = PAGE_SIZE;
unsigned long shim_nr_conversions, shim_nr_misaligned;
static unsigned int conversions_until_failure;
static bool conversion_failed;

static char *ram;
static u8 state[SHIM_RAM_END >> PAGE_SHIFT];
static size_t nr_pages_in[3];
static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;

/* Between its two parts there are addresses, and nothing behind them */
static void __attribute__((constructor)) map_ram(void)
{
	ram = mmap(NULL, SHIM_RAM_END, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED ||
	    mprotect(ram + SHIM_RAM_BYTES, SHIM_HIGH_START - SHIM_RAM_BYTES,
		     PROT_NONE)) {
		perror("swiotlb tests: no address space for simulated RAM");
		exit(2);
	}
}

static bool is_ram(phys_addr_t paddr)
{
	return paddr < SHIM_RAM_BYTES ||
	       (paddr >= SHIM_HIGH_START && paddr < SHIM_RAM_END);
}

void *shim_ram(phys_addr_t paddr)
{
	if (!is_ram(paddr))
		shim_warn("%#lx is no RAM\n", (unsigned long)paddr);
	return ram + paddr;
}

void *phys_to_virt(phys_addr_t paddr)
{
	if (paddr >= shim_highmem_start)
		shim_warn("%#lx has no address\n", (unsigned long)paddr);
	return shim_ram(paddr);
}

phys_addr_t virt_to_phys(const void *vaddr)
{
	return (const char *)vaddr - ram;
}

void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len)
{
	if (offset + len > PAGE_SIZE)
		shim_warn("copy beyond a page\n");
	memcpy(to, shim_ram(page_to_phys(page) + offset), len);
}

void memcpy_to_page(struct page *page, size_t offset, const char *from,
		    size_t len)
{
	if (offset + len > PAGE_SIZE)
		shim_warn("copy beyond a page\n");
	memcpy(shim_ram(page_to_phys(page) + offset), from, len);
}

size_t cc_shared_granule(void);
size_t cc_shared_granule(void)
{
	return shim_cc ? shim_granule : PAGE_SIZE;
}

void shim_fail_conversion(unsigned int nth)
{
	pthread_mutex_lock(&state_lock);
	conversions_until_failure = nth;
	conversion_failed = false;
	pthread_mutex_unlock(&state_lock);
}

bool shim_conversion_failed(void)
{
	bool failed;

	pthread_mutex_lock(&state_lock);
	failed = conversion_failed;
	conversions_until_failure = 0;
	pthread_mutex_unlock(&state_lock);
	return failed;
}

static void check_contents(unsigned long pfn)
{
	static const u8 old[] = { SHIM_OLD_DATA, SHIM_OLD_DATA, SHIM_OLD_DATA };

	if (!memcmp(ram + PFN_PHYS(pfn), old, sizeof(old)))
		shim_warn("page %#lx is shown to the host, with old data in it\n",
			  pfn);
}

static int convert(unsigned long addr, int nr_pages, enum state from,
		   enum state to, const char *who)
{
	unsigned long pfn = PHYS_PFN(virt_to_phys((void *)addr)), i;
	bool wrong = false;
	int err = 0;

	shim_might_sleep(who);
	if (!PAGE_ALIGNED(addr) || nr_pages <= 0 ||
	    pfn + nr_pages > ARRAY_SIZE(state)) {
		shim_warn("%s: %d pages at %#lx\n", who, nr_pages, addr);
		return -EINVAL;
	}

	pthread_mutex_lock(&state_lock);
	shim_nr_conversions++;
	shim_nr_misaligned += !IS_ALIGNED(PFN_PHYS(pfn) | PFN_PHYS(nr_pages),
					  cc_shared_granule());
	if (conversions_until_failure && !--conversions_until_failure) {
		conversion_failed = true;
		to = DOUBTFUL;
		err = -EIO;
	} else if (shim_work_conversions) {
		shim_work_conversions--;
	} else if (shim_refuse_conversions) {
		shim_refuse_conversions--;
		to = DOUBTFUL;
		err = -EIO;
	}
	for (i = pfn; i < pfn + nr_pages; i++) {
		wrong |= state[i] != from;
		if (to == SHARED)
			check_contents(i);
		if (shim_cc)
			memset(ram + PFN_PHYS(i), 0xcc, SHIM_OLD_BYTES);
		nr_pages_in[state[i]]--;
		nr_pages_in[to]++;
		state[i] = to;
	}
	pthread_mutex_unlock(&state_lock);

	if (wrong)
		shim_warn("%s: some of %d pages at frame %#lx are that, or in doubt\n",
			  who, nr_pages, pfn);
	return err;
}

int set_memory_decrypted(unsigned long addr, int nr_pages)
{
	return convert(addr, nr_pages, PRIVATE, SHARED, __func__);
}

int set_memory_encrypted(unsigned long addr, int nr_pages)
{
	return convert(addr, nr_pages, SHARED, PRIVATE, __func__);
}

static size_t bytes_in(enum state which)
{
	size_t nr;

	pthread_mutex_lock(&state_lock);
	nr = nr_pages_in[which];
	pthread_mutex_unlock(&state_lock);
	return nr << PAGE_SHIFT;
}

size_t shim_shared_bytes(void)
{
	return bytes_in(SHARED);
}

size_t shim_doubtful_bytes(void)
{
	return bytes_in(DOUBTFUL);
}

void shim_check_private(phys_addr_t paddr, size_t bytes, const char *who)
{
	unsigned long pfn;

	pthread_mutex_lock(&state_lock);
	for (pfn = PHYS_PFN(paddr); pfn < PHYS_PFN(paddr + bytes - 1) + 1; pfn++) {
		if (state[pfn] == PRIVATE)
			continue;
		shim_warn("%s: page %#lx is given back while it is %s\n", who,
			  pfn, state[pfn] == SHARED ? "shared" : "in doubt");
		break;
	}
	pthread_mutex_unlock(&state_lock);
}
