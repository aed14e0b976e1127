// SPDX-License-Identifier: GPL-2.0
/*
 * Shrinkers: asked when a test says that memory is tight
 */
#include "shim.h"

static struct shrinker *shrinkers;

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	return kzalloc(sizeof(struct shrinker), GFP_KERNEL);
}

void shrinker_register(struct shrinker *shrinker)
{
	shrinker->shim_next = shrinkers;
	shrinkers = shrinker;
}

void shrinker_free(struct shrinker *shrinker)
{
	struct shrinker **p;

	for (p = &shrinkers; *p && *p != shrinker; p = &(*p)->shim_next)
		;
	if (*p)
		*p = shrinker->shim_next;
	kfree(shrinker);
}

unsigned long shim_shrink(void)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	unsigned long nr, nr_all = 0, done;
	struct shrinker *s;

	for (s = shrinkers; s; s = s->shim_next) {
		nr = s->count_objects(s, &sc);
		sc.nr_to_scan = nr;
		if (!nr || nr == SHRINK_EMPTY)
			continue;
		nr_all += nr;
		do {
			done = s->scan_objects(s, &sc);
		} while (done && done != SHRINK_STOP);
	}
	return nr_all;
}
