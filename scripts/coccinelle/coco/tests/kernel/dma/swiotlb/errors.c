// SPDX-License-Identifier: GPL-2.0
/* Fixture of errors.cocci: a line that says HIT is reported, others not */

static int stops(struct pool *pool)
{
	BUG_ON(!pool);	/* HIT: BUG_ON */
	if (pool->nr_slots < pool->nr_used)
		BUG();	/* HIT: BUG */
	VM_BUG_ON(pool->start > pool->end);	/* HIT: VM_BUG_ON */
	return 0;
}

static void stops_quietly(struct pool *pool)
{
	BUG_ON(pool->nr_used);	/* HIT: BUG_ON */
	pool->start = 0;
}

static int mixed(struct pool *pool)
{
	if (!pool)
		return -EINVAL;
	if (!pool->nr_slots)
		return -1;	/* HIT: returns -1 */
	return pool->nr_slots;
}

static int status(struct pool *pool)
{
	if (!pool)
		return -1;	/* HIT: returns -1 */
	return 0;
}

static int stored(struct pool *pool)
{
	int err = -1;	/* HIT: in err */

	if (pool)
		err = pool->nr_slots;
	return err;
}

static void *pointer(struct pool *pool)
{
	return pool ?: ERR_PTR(-1);	/* HIT: pointer */
}

/* Near misses */

/* An index, or none */
static int first_free(struct pool *pool)
{
	unsigned int slot;

	for (slot = 0; slot < pool->nr_slots; slot++)
		if (!pool->used[slot])
			return slot;
	return -1;
}

static void argument(struct pool *pool)
{
	free_reserved_area(pool->vaddr, pool->vaddr + pool->bytes, -1, NULL);
}

static int warns(struct pool *pool)
{
	int slot = -1;

	if (WARN_ON_ONCE(!pool))
		return -EINVAL;
	BUILD_BUG_ON(sizeof(*pool) > PAGE_SIZE);
	remember(pool, slot);
	return 0;
}
