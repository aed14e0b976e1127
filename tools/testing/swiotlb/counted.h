/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was counted in a domain, over all backends and none
 */
#ifndef _SWIOTLB_COUNTED_H
#define _SWIOTLB_COUNTED_H

#include "../../../kernel/dma/swiotlb/internal.h"

static inline struct swiotlb_counts
domain_counts(const struct swiotlb_domain *domain)
{
	struct swiotlb_counts sum;

	guard(mutex)(&swiotlb_mutex);
	swiotlb_domain_sum(domain, &sum);
	return sum;
}

#define counted(domain, counter)	(domain_counts(domain).counter)

static inline unsigned long transient_bytes(const struct swiotlb_domain *domain)
{
	guard(mutex)(&swiotlb_mutex);
	return swiotlb_transient_bytes(domain);
}

#endif /* _SWIOTLB_COUNTED_H */
