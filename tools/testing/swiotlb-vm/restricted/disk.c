// SPDX-License-Identifier: GPL-2.0
/* Disks against a model of what must be on them, past the page cache. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "job.h"

#define SECTOR		512
#define DISK_BYTES	(8u << 20)
#define PAGE_BYTES	4096
#define NR_OPS		200
#define MAX_SEGS	3
#define POISON		0xa5

#define CROWD_THREADS	16
#define CROWD_BYTES	(64u << 10)
/* Not side by side: else they would be merged into requests too large for any pool. */
#define CROWD_STEP	(DISK_BYTES / CROWD_THREADS)
#define CROWD_ROUNDS	24

static uint64_t rnd(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);	/* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void fill(unsigned char *buf, size_t bytes, uint64_t *state)
{
	for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
		uint64_t word = rnd(state);

		memcpy(buf + i, &word, sizeof(word));
	}
}

static int compare(const struct device *dev, const unsigned char *got,
		   const unsigned char *want, size_t bytes, size_t where, const char *what)
{
	if (!memcmp(got, want, bytes))
		return 0;
	for (size_t i = 0; i < bytes; i++)
		if (got[i] != want[i])
			return fail("%s: %s at byte %zu: expected 0x%02x got 0x%02x",
				    dev->what, what, where + i, want[i], got[i]);
	return 0;
}

static int open_disk(const struct device *dev)
{
	char path[PATH_MAX];
	int fd;

	if (device_disk(dev, path, sizeof(path)))
		return -1;
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	return fd < 0 ? fail("%s: %s: %s", dev->what, path, strerror(errno)) : fd;
}

/* Cut a buffer into pieces of whole sectors; returns how many. */
static int cut(struct iovec *segs, unsigned char *buf, size_t bytes, uint64_t *state)
{
	int nr = 0;

	while (nr < MAX_SEGS - 1 && bytes > SECTOR && rnd(state) % 2) {
		size_t piece = (1 + rnd(state) % (bytes / SECTOR - 1)) * SECTOR;

		segs[nr++] = (struct iovec){ buf, piece };
		buf += piece;
		bytes -= piece;
	}
	segs[nr++] = (struct iovec){ buf, bytes };
	return nr;
}

/*
 * One request at a random place, of a random number of sectors, into a buffer
 * that begins anywhere in a page and has a sector of poison on either side.
 */
static int one_op(const struct device *dev, int fd, unsigned char *model,
		  unsigned char *room, size_t max_bytes, uint64_t *state)
{
	size_t bytes = (1 + rnd(state) % (rnd(state) % 2 ? 16 : max_bytes / SECTOR)) * SECTOR;
	size_t where = rnd(state) % ((DISK_BYTES - bytes) / SECTOR + 1) * SECTOR;
	unsigned char *buf = room + PAGE_BYTES + rnd(state) % (PAGE_BYTES / SECTOR) * SECTOR;
	unsigned char guard[SECTOR];
	struct iovec segs[MAX_SEGS];
	int nr_segs = cut(segs, buf, bytes, state);
	bool writes = rnd(state) % 2;
	ssize_t done;

	memset(guard, POISON, sizeof(guard));
	memset(buf - SECTOR, POISON, bytes + 2 * SECTOR);
	if (writes) {
		fill(buf, bytes, state);
		memcpy(model + where, buf, bytes);
		done = pwritev(fd, segs, nr_segs, where);
	} else {
		done = preadv(fd, segs, nr_segs, where);
	}
	if (done != (ssize_t)bytes)
		return fail("%s: %s of %zu bytes at %zu: %s", dev->what, writes ? "write" : "read",
			    bytes, where, done < 0 ? strerror(errno) : "short");

	/* What was written is still in the buffer; what was read must be in it. */
	if (compare(dev, buf, model + where, bytes, where, writes ? "written buffer" : "data"))
		return -1;
	if (compare(dev, buf - SECTOR, guard, SECTOR, 0, "before the buffer"))
		return -1;
	return compare(dev, buf + bytes, guard, SECTOR, 0, "behind the buffer");
}

/* Random requests of up to @max_bytes, and in the end every byte of the disk. */
int disk_verify(const struct device *dev, size_t max_bytes)
{
	unsigned char *model = calloc(1, DISK_BYTES), *room;
	uint64_t state = max_bytes;
	int fd = open_disk(dev), ret = fd < 0 ? -1 : 0;

	if (!model || posix_memalign((void **)&room, PAGE_BYTES, max_bytes + 4 * PAGE_BYTES)) {
		fprintf(stderr, "job: no memory\n");
		exit(1);
	}
	for (int i = 0; i < NR_OPS && !ret; i++)
		ret = one_op(dev, fd, model, room, max_bytes, &state);
	for (size_t where = 0; where < DISK_BYTES && !ret; where += max_bytes) {
		size_t bytes = DISK_BYTES - where < max_bytes ? DISK_BYTES - where : max_bytes;

		memset(room, POISON, bytes);
		if (pread(fd, room, bytes, where) != (ssize_t)bytes)
			ret = fail("%s: read at %zu: %s", dev->what, where, strerror(errno));
		else
			ret = compare(dev, room, model + where, bytes, where, "data");
	}
	if (fd >= 0)
		close(fd);
	free(room);
	free(model);
	return ret;
}

struct member {
	pthread_t thread;
	const struct device *dev;
	int fd;
	size_t where;
	int ret;
};

/* Write and read back, over and over, a part of the disk that nobody else uses. */
static void *crowd_member(void *arg)
{
	struct member *me = arg;
	uint64_t state = me->where;
	unsigned char *want, *got;

	if (posix_memalign((void **)&want, PAGE_BYTES, 2 * CROWD_BYTES)) {
		fprintf(stderr, "job: no memory\n");
		exit(1);
	}
	got = want + CROWD_BYTES;
	for (int i = 0; i < CROWD_ROUNDS && !me->ret; i++) {
		fill(want, CROWD_BYTES, &state);
		memset(got, POISON, CROWD_BYTES);
		if (pwrite(me->fd, want, CROWD_BYTES, me->where) != CROWD_BYTES ||
		    pread(me->fd, got, CROWD_BYTES, me->where) != CROWD_BYTES)
			me->ret = fail("%s: I/O at %zu: %s", me->dev->what, me->where,
				       strerror(errno));
		else
			me->ret = compare(me->dev, got, want, CROWD_BYTES, me->where, "data");
	}
	free(want);
	return NULL;
}

/*
 * More requests at a time than the pool has room for, but each of them fits: so
 * the driver is refused, tries again, and gets everything done.
 */
int disk_crowd(const struct device *dev)
{
	struct member crowd[CROWD_THREADS];
	int fd = open_disk(dev), ret = 0;

	if (fd < 0)
		return -1;
	for (int i = 0; i < CROWD_THREADS; i++) {
		crowd[i] = (struct member){
			.dev = dev, .fd = fd, .where = (size_t)i * CROWD_STEP,
		};
		if (pthread_create(&crowd[i].thread, NULL, crowd_member, &crowd[i])) {
			fprintf(stderr, "job: no thread\n");
			exit(1);
		}
	}
	for (int i = 0; i < CROWD_THREADS; i++) {
		pthread_join(crowd[i].thread, NULL);
		ret |= crowd[i].ret;
	}
	close(fd);
	return ret;
}
