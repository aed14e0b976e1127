// SPDX-License-Identifier: GPL-2.0
/*
 * The list of allocators, and the built-in backends as allocators
 *
 * A backend that joins the table in backend.c is here without further ado. Each gets
 * memory in a domain of its own, made as late set-up makes it, so any number can be
 * open side by side.
 */
#include <linux/swiotlb.h>
#include <linux/swiotlb/backend.h>

#include "../../../kernel/dma/swiotlb/internal.h"
#include "allocator.h"

int shim_swiotlb_wq_init(void);

#define MAX_BACKENDS	8

/**
 * struct backend_allocator - a backend as an allocator
 * @a:	    what others see
 * @ops:    the backend
 * @domain: its memory
 * @iotlb:  what its devices are bound to
 */
struct backend_allocator {
	struct allocator a;
	const struct swiotlb_backend_ops *ops;
	struct swiotlb_domain domain;
	struct io_tlb_mem iotlb;
};

/* What differs from one to the other, of those where anything does */
static const struct {
	const char *name;
	size_t piece_bytes;
	bool keeps_low;
	bool keeps_slots;
} traits[] = {
	{ "cc", SZ_2M, true, true },
};

static struct backend_allocator backends[MAX_BACKENDS];
static struct allocator *allocators;

static struct backend_allocator *of(struct allocator *a)
{
	return container_of(a, struct backend_allocator, a);
}

static struct swiotlb_mem *mem_of(struct allocator *a)
{
	return rcu_dereference_raw(of(a)->iotlb.mem);
}

static int backend_open(struct allocator *a,
			const struct allocator_params *wanted)
{
	static bool is_awake;
	const struct swiotlb_params params = {
		.phase = SWIOTLB_LATE,
		.bytes = wanted->bytes,
		.nr_areas = wanted->nr_areas,
		.flags = wanted->low ? 0 : SWIOTLB_ANY,
		.gfp = wanted->low ? GFP_KERNEL | GFP_DMA32 : GFP_KERNEL,
	};
	struct backend_allocator *b = of(a);
	struct swiotlb_mem *mem;

	if (!is_awake && shim_swiotlb_wq_init())
		return -ENOMEM;
	is_awake = true;

	swiotlb_domain_init(&b->domain, a->name);
	b->iotlb.domain = &b->domain;

	guard(mutex)(&swiotlb_mutex);
	mem = swiotlb_mem_create(&b->domain, b->ops, &params);
	if (IS_ERR(mem)) {
		swiotlb_accounts_free(&b->domain);
		return PTR_ERR(mem);
	}
	swiotlb_mem_bind(&b->iotlb, mem);
	return 0;
}

static void backend_close(struct allocator *a)
{
	struct swiotlb_mem *mem = mem_of(a);

	guard(mutex)(&swiotlb_mutex);
	swiotlb_mem_bind(&of(a)->iotlb, NULL);
	synchronize_rcu();
	swiotlb_mem_destroy(mem);
	swiotlb_accounts_free(&of(a)->domain);
}

static void backend_bind(struct allocator *a, struct device *dev)
{
	dev->dma_io_tlb_mem = &of(a)->iotlb;
}

static bool backend_owns(struct device *dev, phys_addr_t paddr)
{
	return swiotlb_find_pool(dev, paddr);
}

static size_t backend_used(struct allocator *a)
{
	struct swiotlb_mem *mem = mem_of(a);

	return mem->ops->used(mem);
}

static size_t backend_reserved(struct allocator *a)
{
	return (size_t)READ_ONCE(mem_of(a)->nslabs) << IO_TLB_SHIFT;
}

static void add_backend(unsigned int i, const struct swiotlb_backend_ops *ops)
{
	unsigned int j;

	backends[i].ops = ops;
	backends[i].a = (struct allocator){
		.name = ops->name,
		.grows = ops->grow,
		.open = backend_open,
		.close = backend_close,
		.bind = backend_bind,
		.map = swiotlb_map,
		.tbl_map = swiotlb_tbl_map_single,
		.unmap = swiotlb_tbl_unmap_single,
		.sync_for_cpu = swiotlb_sync_single_for_cpu,
		.sync_for_device = swiotlb_sync_single_for_device,
		.alloc = swiotlb_alloc,
		.free = swiotlb_free,
		.max_mapping = swiotlb_max_mapping_size,
		.owns = backend_owns,
		.used = backend_used,
		.reserved = backend_reserved,
	};
	for (j = 0; j < ARRAY_SIZE(traits); j++) {
		if (strcmp(traits[j].name, ops->name))
			continue;
		backends[i].a.piece_bytes = traits[j].piece_bytes;
		backends[i].a.keeps_low = traits[j].keeps_low;
		backends[i].a.keeps_slots = traits[j].keeps_slots;
	}
}

/* The names of all backends are one line, the active one in brackets */
static void add_backends(void)
{
	static char names[256];
	char *rest = names, *name;
	unsigned int i;

	swiotlb_show_backends(NULL, names, sizeof(names));
	for (i = 0; i < MAX_BACKENDS && (name = strsep(&rest, " ")); i++) {
		const struct swiotlb_backend_ops *ops =
			swiotlb_find_builtin(name);

		if (ops)
			add_backend(i, ops);
	}
	while (i--) {
		if (backends[i].ops) {
			backends[i].a.next = allocators;
			allocators = &backends[i].a;
		}
	}
}

void allocator_register(struct allocator *a)
{
	struct allocator **last = &allocators;

	while (*last)
		last = &(*last)->next;
	*last = a;
}

struct allocator *allocator_first(void)
{
	if (!backends[0].ops)
		add_backends();
	return allocators;
}

struct allocator *allocator_named(const char *name)
{
	struct allocator *a;

	for_each_allocator(a) {
		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}
