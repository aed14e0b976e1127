/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that map and unmap each other's buffers, and threads that disturb them
 */
#ifndef _SWIOTLB_RACE_CROWD_H
#define _SWIOTLB_RACE_CROWD_H

#include "system.h"

#define CROWD_MAPPERS	4U
#define CROWD_WAITING	12U

/* What a thread does */
typedef void *crowd_fn(void *arg);

/* The first are the mappers' own to begin with, the others wait for somebody to unmap them */
extern struct buffer crowd_buffers[CROWD_MAPPERS + CROWD_WAITING];

/* Leave a buffer for others, in one of CROWD_WAITING places, and get who was there */
struct buffer *crowd_swap(struct buffer *mine, unsigned int place);

/* Those who disturb go on until then */
bool crowd_is_done(void);

/**
 * crowd_run() - have all at work at once
 * @mapper:    what each mapper does; its argument is its buffer
 * @others:    what those who disturb do, one thread each
 * @nr_others: how many
 * @is_enough: have they disturbed enough? Or %NULL, if the mappers are to say
 *
 * CPUs are held up at bad moments, and time passes fast. What is mapped in the end is
 * up to the caller.
 */
void crowd_run(crowd_fn *mapper, crowd_fn *const others[],
	       unsigned int nr_others, bool (*is_enough)(void));

#endif /* _SWIOTLB_RACE_CROWD_H */
