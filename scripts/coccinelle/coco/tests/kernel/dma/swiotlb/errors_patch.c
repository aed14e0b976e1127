// SPDX-License-Identifier: GPL-2.0
/* Fixture of errors.cocci in patch mode: a line after HIT is changed, others not */

static int stops(struct pool *pool)
{
	/* HIT: warns and fails */
	BUG_ON(!pool);
	if (!pool->nr_slots)
		/* HIT: has a name */
		return -1;
	return 0;
}

static void stops_quietly(struct pool *pool)
{
	/* HIT: warns and returns */
	BUG_ON(pool->nr_used);
	pool->start = 0;
}

/* Near miss: an index, or none */
static int first_free(struct pool *pool)
{
	unsigned int slot;

	for (slot = 0; slot < pool->nr_slots; slot++)
		if (!pool->used[slot])
			return slot;
	return -1;
}
