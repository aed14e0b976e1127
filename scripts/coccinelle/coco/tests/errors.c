// SPDX-License-Identifier: GPL-2.0
/* Fixture of errors.cocci: elsewhere than in kernel/dma/swiotlb nothing is reported */

static int not_ours(struct pool *pool)
{
	BUG_ON(!pool);
	if (!pool->nr_slots)
		return -1;
	return 0;
}
