// SPDX-License-Identifier: GPL-2.0
/*
 * The cc backend: slabs in chunks, and what is kept for whom
 */
#include "cc_mem.h"

#define MAX_SPANS	40000

static struct swiotlb_mem mem;
static struct swiotlb_span spans[MAX_SPANS];
static size_t bytes_of[MAX_SPANS];
static unsigned int nr_spans;

/* Asked for, in steps of 2 KiB: what it takes where nothing is wasted */
static size_t nr_bytes;

static int take_req(struct swiotlb_mem *from, const struct swiotlb_req *req)
{
	struct swiotlb_span *span = &spans[nr_spans];
	int err;

	CHECK(nr_spans < MAX_SPANS);
	err = span_alloc(from, req, span);
	if (err)
		return err;
	CHECK_OK(span_is_wrong(span, req));
	bytes_of[nr_spans] = ALIGN(req->size, SZ_2K);
	nr_bytes += bytes_of[nr_spans++];
	return 0;
}

static int take(size_t bytes)
{
	const struct swiotlb_req req = PLAIN_REQ(bytes);

	return take_req(&mem, &req);
}

static void drop(unsigned int i)
{
	span_free(&spans[i]);
	nr_bytes -= bytes_of[i];
	spans[i] = spans[--nr_spans];
	bytes_of[i] = bytes_of[nr_spans];
}

static void drop_all(void)
{
	while (nr_spans)
		drop(nr_spans - 1);
}

/* Each address leads to the pool of the buffer that is there, whatever is next to it */
TEST(cc_slabs_have_addresses_of_their_own)
{
	static const size_t sizes[] = { 200, 500, 1000, 2000, 4096, 5000, 65536, 300000 };
	struct device dev = {};
	unsigned int i, k, round;
	u64 seed = 1;

	make_cc(&mem);
	stop_growth(&mem);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 600; i++)
			take(sizes[model_random_below(&seed, ARRAY_SIZE(sizes))]);
		for (i = 0; i < nr_spans; i++) {
			struct swiotlb_span *s = &spans[i];
			phys_addr_t last = span_start(s) - 1 +
				((phys_addr_t)s->nr_slots << s->pool->slot_shift);

			CHECK(swiotlb_find_pool(&dev, span_start(s)) == s->pool);
			CHECK(swiotlb_find_pool(&dev, last) == s->pool);
		}
		for (k = 0; k < 550 && nr_spans; k++)
			drop(model_random_below(&seed, nr_spans));
		/* Slabs that went back may be used again after a grace period */
		shim_settle();
	}
	drop_all();
	/* All addresses lead to the chunks again */
	check_nothing_lost(&mem);
	for (i = 0; i < CC_CHUNK_BYTES; i += SZ_4K)
		CHECK_EQ(swiotlb_find_pool(&dev, mem.start + i)->slot_shift, 12);
	drop_cc(&mem);
}

/* Of each class one slab stays, so that it need not be cut for each buffer; not more */
TEST(cc_empty_slabs_go_back)
{
	struct cc_shelf *shelf;
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	shelf = &cc_of(&mem)->depots[CC_ANY].shelves[CC_2K];
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(take(2000), 0);
		if (i % 64 == 0)
			shim_settle();
	}
	CHECK(shelf->nr > 20);
	drop_all();
	cc_cpus_flush(cc_of(&mem), true);
	CHECK_EQ(shelf->nr, 1);
	CHECK_EQ(shelf->nr_empty, 1);
	cc_depot_tidy(&cc_of(&mem)->depots[CC_ANY]);
	CHECK_EQ(shelf->nr, 0);
	drop_cc(&mem);
}

/*
 * What was promised can be had when nothing is mapped: at once, though all CPUs keep
 * slots, and before anybody could take them back
 */
static void promise_at_first_attempt(const char *size)
{
	const struct swiotlb_req large = PLAIN_REQ(SZ_2M);
	static const size_t small[] = { 200, 500, 1000, 2000, 4096 };
	unsigned int k, nr;

	/* Nothing that could help runs so early */
	boot_early(size, 0, NULL);
	for (k = 0; k < 4 * ARRAY_SIZE(small); k++) {
		const struct swiotlb_req req = PLAIN_REQ(small[k / 4]);

		shim_cpu = k % 4;
		for (nr = 0; nr < 700; nr++)
			take_req(default_mem(), &req);
		drop_all();
		test_note("after %zu on CPU %u", small[k / 4], k % 4);
		CHECK_EQ(take_req(default_mem(), &large), 0);
		drop_all();
	}
	shim_cpu = 0;
	boot_initcalls();
}

TEST(cc_keeps_promises_at_the_first_attempt)
{
	promise_at_first_attempt("4096,cc");
}

TEST(cc_keeps_promises_with_one_chunk)
{
	promise_at_first_attempt("1024,cc");
}

/* Also where CPUs are of other nodes than the memory */
TEST(cc_keeps_promises_on_any_node)
{
	shim_nr_nodes = 3;
	promise_at_first_attempt("4096,cc");
}

/* What is kept is for those who free memory; if that was not enough, for all for a while */
TEST(cc_opens_its_reserve_for_a_while)
{
	make_cc_of(&mem, 256UL << 20);
	stop_growth(&mem);
	while (!take(SZ_2M))
		;
	current->flags |= PF_MEMALLOC;
	CHECK_EQ(take(SZ_2M), 0);
	/* That was all, and it is told so */
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	current->flags &= ~PF_MEMALLOC;
	drop(nr_spans - 1);
	CHECK_EQ(take(SZ_2M), 0);
	drop(nr_spans - 1);
	shim_pass_ms(1500);
	CHECK_EQ(take(SZ_2M), -ENOSPC);
	drop_all();
	drop_cc(&mem);
}

/* Single pages are taken where few are free, so that whole blocks become free elsewhere */
TEST(cc_single_pages_leave_room)
{
	unsigned int i, nr;
	u64 seed = 3;

	make_cc_of(&mem, 16UL << 20);
	stop_growth(&mem);
	while (!take(4096))
		;
	nr = nr_spans - nr_spans / 10;
	while (nr_spans > nr)
		drop(model_random_below(&seed, nr_spans));
	for (i = 0; i < 60000; i++) {
		drop(model_random_below(&seed, nr_spans));
		CHECK_EQ(take(4096), 0);
	}
	cc_cpus_flush(cc_of(&mem), true);
	for (nr = 0; !take(SZ_64K); nr++)
		;
	printf("  %u pages in blocks of 16, of %u that were free\n", 16 * nr,
	       16U * (unsigned int)(SZ_16M / SZ_64K) / 10);
	/* Taken anywhere, these would be none */
	CHECK(nr >= 8);
	drop_all();
	drop_cc(&mem);
}

#define BLOCK_BYTES	((size_t)CC_BLOCK_PAGES * SZ_4K)

static phys_addr_t block_of(const struct swiotlb_span *span)
{
	return round_down(span_start(span), BLOCK_BYTES);
}

/* The chunk of a page that comes from others' chunks than @other */
static phys_addr_t some_chunk(phys_addr_t other)
{
	unsigned int i;

	for (i = 0; i < nr_spans; i++) {
		const struct cc_slab *slab = container_of(spans[i].pool,
							  struct cc_slab, pool);

		if (slab->class == CC_PAGES && slab->reach == CC_ANY &&
		    slab->pool.start != other)
			return slab->pool.start;
	}
	CHECK(false);
	return 0;
}

static void drop_in(phys_addr_t block, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr_spans && nr; i++) {
		if (block_of(&spans[i]) != block)
			continue;
		drop(i--);
		nr--;
	}
	CHECK_EQ(nr, 0);
}

/* They come from the block where fewest are free: of all chunks, and of its chunk */
TEST(cc_single_pages_come_from_crumbs)
{
	phys_addr_t few, some, many;

	make_cc(&mem);
	stop_growth(&mem);
	while (!take(4096))
		;
	shim_settle();
	many = some_chunk(0);
	few = some_chunk(many) + 5 * BLOCK_BYTES;
	some = many + 20 * BLOCK_BYTES;
	many += 3 * BLOCK_BYTES;
	drop_in(many, 8);
	drop_in(some, 2);
	drop_in(few, 1);
	cc_cpus_flush(cc_of(&mem), true);

	CHECK_EQ(take(4096), 0);
	CHECK_EQ(block_of(&spans[nr_spans - 1]), few);
	CHECK_EQ(take(4096), 0);
	CHECK_EQ(block_of(&spans[nr_spans - 1]), some);
	CHECK_EQ(take(4096), 0);
	CHECK_EQ(block_of(&spans[nr_spans - 1]), some);
	CHECK_EQ(take(4096), 0);
	CHECK_EQ(block_of(&spans[nr_spans - 1]), many);
	drop_all();
	drop_cc(&mem);
}

/* Pages that are free here and there are not what large buffers need */
TEST(cc_counts_long_runs_only)
{
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	while (!take(SZ_64K))
		;
	for (i = nr_spans; i > 1; i -= 2)
		drop(i - 1);
	/* 8 MiB in holes; 4 MiB should be free, without any doubling */
	cc_of(&mem)->depots[CC_ANY].grower.boost = 0;
	CHECK(cc_wanted(&cc_of(&mem)->depots[CC_ANY]) >= 2);
	drop_all();
	drop_cc(&mem);
}

static void *read_for_a_while(void *arg)
{
	bool *stop = arg;

	rcu_read_lock();
	WRITE_ONCE(stop[1], true);
	while (!READ_ONCE(stop[0]))
		cpu_relax();
	rcu_read_unlock();
	return NULL;
}

/* A slab that somebody may still look at is not used elsewhere */
TEST(cc_slabs_wait_for_readers)
{
	static bool stop[2];
	struct io_tlb_pool *pool;
	pthread_t reader;
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	CHECK(!pthread_create(&reader, NULL, read_for_a_while, stop));
	while (!READ_ONCE(stop[1]))
		;
	CHECK_EQ(take(1000), 0);
	pool = spans[0].pool;
	CHECK_EQ(pool->slot_shift, 10);
	drop(0);
	cc_cpus_flush(cc_of(&mem), true);
	cc_depot_tidy(&cc_of(&mem)->depots[CC_ANY]);
	for (i = 0; i < 3000; i++) {
		CHECK_EQ(take(1000), 0);
		CHECK(spans[i].pool != pool);
	}
	drop_all();
	WRITE_ONCE(stop[0], true);
	pthread_join(reader, NULL);
	drop_cc(&mem);
}

/* Churn around a target; what share of the requests up to 16 KiB fails, in permille */
static unsigned int churn(unsigned int nr_steps, size_t full, u64 *seed,
			  void (*now_and_then)(void))
{
	unsigned int i, nr_tries = 0, nr_fails = 0;

	for (i = 0; i < nr_steps; i++) {
		if (nr_bytes < full && model_random_below(seed, 8)) {
			size_t bytes = mix_size(seed);
			int err = take(bytes);

			nr_tries += bytes <= SZ_16K;
			nr_fails += bytes <= SZ_16K && err;
		} else if (nr_spans) {
			drop(model_random_below(seed, nr_spans));
		}
		if (i % 64 == 0)
			now_and_then();
	}
	CHECK(nr_tries > nr_steps / 8);
	return 1000ULL * nr_fails / nr_tries;
}

/*
 * In a pool that is full but for a tenth, small buffers are served whatever becomes of
 * large ones, and go on to be
 */
TEST(cc_small_buffers_fail_rarely)
{
	size_t full = (64UL << 20) / 100 * 90;
	unsigned int permille;
	u64 seed = 5;

	make_cc_of(&mem, 64UL << 20);
	stop_growth(&mem);
	churn(300000, full, &seed, shim_settle);
	permille = churn(100000, full, &seed, shim_settle);
	printf("  %u of 1000 failed\n", permille);
	CHECK(permille <= 10);
	drop_all();
	drop_cc(&mem);
}

static struct cc_slab *stolen[4096];
static unsigned int nr_stolen;

static void steal_slabs(void)
{
	struct cc_slab *slab;
	unsigned int class;

	for (class = 0; class < CC_NR_GEOMS; class++) {
		while (nr_stolen < ARRAY_SIZE(stolen) &&
		       (slab = cc_slab_get(cc_of(&mem), class)))
			stolen[nr_stolen++] = slab;
	}
}

/* Whoever needs a slab when kccd has made none makes one, if there is memory at once */
TEST(cc_makes_slabs_on_the_spot)
{
	static const size_t sizes[] = { 256, 512, SZ_1K, SZ_2K, 3 * SZ_2K };
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	/* It is faster than kccd */
	for (i = 0; i < 4000; i++)
		CHECK_EQ(take(sizes[i % 5]), 0);
	for (i = 0; i < nr_spans; i++)
		CHECK_EQ(spans[i].nr_slots << spans[i].pool->slot_shift,
			 sizes[i % 5]);
	drop_all();

	/* They are freed one day */
	shim_pass_ms(20000);
	for (i = 0; i < CC_NR_GEOMS; i++)
		CHECK(cc_of(&mem)->reserves[i].nr_made <= 8);
	drop_cc(&mem);
}

/* Of those that come and go, not more wait for a grace period than are in use, or few */
TEST(cc_makes_no_more_slabs_than_needed)
{
	unsigned int i, k;

	make_cc(&mem);
	stop_growth(&mem);
	/* No grace period is over before this is */
	rcu_read_lock();
	for (i = 0; i < 200; i++) {
		for (k = 0; k < 64; k++)
			CHECK_EQ(take(3 * SZ_2K), 0);
		drop_all();
		cc_depot_tidy(&cc_of(&mem)->depots[CC_ANY]);
	}
	rcu_read_unlock();
	CHECK(cc_of(&mem)->reserves[CC_2K].nr_made >= 7);
	CHECK(cc_of(&mem)->reserves[CC_2K].nr_made <= 30);
	drop_cc(&mem);
}

/* Where memory is tight it is asked once, and then not before kccd has come */
TEST(cc_makes_no_slabs_in_vain)
{
	unsigned long nr_asked;
	unsigned int i;

	make_cc(&mem);
	stop_growth(&mem);
	disable_delayed_work_sync(&cc_of(&mem)->grow);
	while (cc_slab_drop(cc_of(&mem), CC_256, 0) ||
	       cc_slab_drop(cc_of(&mem), CC_512, 0) ||
	       cc_slab_drop(cc_of(&mem), CC_1K, 0) ||
	       cc_slab_drop(cc_of(&mem), CC_2K, 0))
		;
	shim_nowait_fails = true;
	nr_asked = shim_nr_nowait;
	for (i = 0; i < 100; i++)
		CHECK_EQ(take(100), 0);
	CHECK(shim_nr_nowait - nr_asked <= CC_NR_GEOMS);

	/* None is left out: all are asked for again after kccd had not enough for one */
	shim_nowait_fails = false;
	shim_fail_alloc(1);
	enable_work(&cc_of(&mem)->grow.work);
	CHECK_EQ(cc_reserves_fill(cc_of(&mem), SWIOTLB_LATE), -ENOMEM);
	shim_alloc_failed();
	for (i = 0; i < CC_NR_GEOMS; i++)
		CHECK(!cc_of(&mem)->reserves[i].missed);
	drop_all();
	drop_cc(&mem);
}

/*
 * Where slabs are short buffers that need no page get one, and in a full pool these
 * are lost to all others. But not for good: when there are slabs again they come back
 */
TEST(cc_recovers_from_a_lack_of_slabs)
{
	size_t full = (64UL << 20) / 100 * 90;
	unsigned int permille, nr;
	u64 seed = 6;

	make_cc_of(&mem, 64UL << 20);
	stop_growth(&mem);
	shim_nowait_fails = true;
	/* Or kccd would make more, and how many were stolen would be a matter of time */
	disable_delayed_work_sync(&cc_of(&mem)->grow);
	steal_slabs();
	permille = churn(60000, full, &seed, steal_slabs);
	printf("  without slabs %u of 1000 failed\n", permille);
	CHECK(permille > 100);
	/* Of pages that are no slabs one of 64 is left to those who need a page */
	while (!take(200))
		;
	for (nr = 0; !take(SZ_4K); nr++)
		;
	CHECK(nr >= cc_of(&mem)->nr_boot * CC_CHUNK_PAGES / 128);
	shim_nowait_fails = false;
	enable_work(&cc_of(&mem)->grow.work);
	while (nr_stolen)
		cc_slab_put(cc_of(&mem), stolen[--nr_stolen]);
	churn(600000, full, &seed, shim_settle);
	permille = churn(100000, full, &seed, shim_settle);
	printf("  with slabs %u of 1000\n", permille);
	CHECK(permille <= 10);
	drop_all();
	drop_cc(&mem);
}
