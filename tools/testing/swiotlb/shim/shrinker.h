/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shrinkers: who gives memory back when it is tight
 */
#ifndef _SHIM_SHRINKER_H
#define _SHIM_SHRINKER_H

#define SHRINK_STOP	(~0UL)
#define SHRINK_EMPTY	(~0UL - 1)
#define DEFAULT_SEEKS	2

struct shrink_control {
	gfp_t gfp_mask;
	int nid;
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker,
				       struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker,
				      struct shrink_control *sc);
	long batch;
	int seeks;
	void *private_data;
	struct shrinker *shim_next;
};

struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...);
void shrinker_register(struct shrinker *shrinker);
void shrinker_free(struct shrinker *shrinker);

/* Memory is tight: ask all; returns how many objects they said there are */
unsigned long shim_shrink(void);

#endif /* _SHIM_SHRINKER_H */
