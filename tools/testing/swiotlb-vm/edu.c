// SPDX-License-Identifier: GPL-2.0
/*
 * Work on the edu device through the swiotlb_test module:
 *
 *	edu hold <count> <KiB> <seconds>	map <count> buffers and keep them
 *						until killed; what is refused is
 *						tried again for so long
 *	edu stray <bytes> <offset>		let the device write some bytes at
 *						this offset of a mapping, which
 *						may lie outside of it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../selftests/swiotlb/test_module/swiotlb_test.h"

#define ARENA_BYTES	(256u << 10)
#define STRAY_BYTES	16
#define RETRY_US	20000

static int dev;

static int fail(const char *what)
{
	fprintf(stderr, "edu: %s: %s\n", what, strerror(errno));
	return 1;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* NO_WARN: the failures are counted, and the log stays readable. */
static int map(struct swiotlb_test_map *arg, unsigned int dir, unsigned long bytes)
{
	*arg = (struct swiotlb_test_map) {
		.dir = dir,
		.flags = SWIOTLB_TEST_NO_WARN,
		.nr_segs = 1,
		.segs[0] = { .offset = 0, .bytes = bytes },
	};
	return ioctl(dev, SWIOTLB_TEST_IOC_MAP, arg);
}

/* All mappings are of the same memory, which nobody but the device reads. */
static int hold(unsigned long count, unsigned long bytes, double patience_s)
{
	unsigned long held = 0, refused = 0;
	double last_s = now_s();
	struct swiotlb_test_map arg;

	while (held < count) {
		if (!map(&arg, SWIOTLB_TEST_TO_DEVICE, bytes)) {
			held++;
			last_s = now_s();
			continue;
		}
		if (errno != EIO)
			return fail("map");
		refused++;
		if (now_s() - last_s >= patience_s)
			break;
		usleep(RETRY_US);
	}
	printf("held %lu refused %lu\n", held, refused);
	fflush(stdout);
	for (;;)
		pause();
}

static int stray(unsigned long bytes, long offset)
{
	unsigned char *arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
				    MAP_SHARED, dev, 0);
	struct swiotlb_test_unmap unmap = { 0 };
	struct swiotlb_test_edu arg = { 0 };
	struct swiotlb_test_map mapping;

	if (arena == MAP_FAILED)
		return fail("mmap");
	/* Bytes that no pattern in a pool is likely to consist of */
	for (unsigned int i = 0; i < ARENA_BYTES; i++)
		arena[i] = 37 * i + 11;
	if (map(&mapping, SWIOTLB_TEST_BIDIR, bytes))
		return fail("map");
	arg.id = mapping.id;
	arg.bytes = STRAY_BYTES;
	arg.dir = SWIOTLB_TEST_TO_DEVICE;
	if (ioctl(dev, SWIOTLB_TEST_IOC_EDU, &arg))
		return fail("transfer to the device");
	arg.dir = SWIOTLB_TEST_FROM_DEVICE;
	arg.flags = SWIOTLB_TEST_STRAY;
	arg.offset = offset;
	if (ioctl(dev, SWIOTLB_TEST_IOC_EDU, &arg))
		return fail("transfer from the device");
	unmap.id = mapping.id;
	if (ioctl(dev, SWIOTLB_TEST_IOC_UNMAP, &unmap))
		return fail("unmap");
	return 0;
}

int main(int argc, char **argv)
{
	__u64 bytes = ARENA_BYTES;

	dev = open("/dev/swiotlb_test", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return fail("/dev/swiotlb_test");
	if (ioctl(dev, SWIOTLB_TEST_IOC_ARENA, &bytes))
		return fail("arena");
	if (argc == 5 && !strcmp(argv[1], "hold"))
		return hold(strtoul(argv[2], NULL, 0),
			    strtoul(argv[3], NULL, 0) << 10, atof(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "stray"))
		return stray(strtoul(argv[2], NULL, 0), strtol(argv[3], NULL, 0));
	fprintf(stderr, "usage: edu hold <count> <KiB> <seconds> | edu stray <bytes> <offset>\n");
	return 2;
}
