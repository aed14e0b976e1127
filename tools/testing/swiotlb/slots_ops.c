// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of operations on a slot map
 *
 * A sequence is made first and then played, so that it can be played again
 * without some of its operations: what is not needed for the failure is left
 * out, until nothing more can be.
 */
#include "slots_ops.h"
#include "test.h"

#define NR_OPS	300

/**
 * struct op - take a run, or give one back
 * @fit:     what to take; nothing is taken if its length is 0
 * @victim:  else which of the live runs to give back, modulo their number
 * @skipped: this operation is left out
 */
struct op {
	struct slot_fit fit;
	unsigned int victim;
	bool skipped;
};

struct run {
	unsigned int slot;
	unsigned int nr_slots;
};

static struct op ops[NR_OPS];

static void make_op(struct op *op, u64 *seed)
{
	static const unsigned int sizes[] = { 1, 1, 2, 2, 3, 4, 8, 16, 33, 128 };
	unsigned int size = sizes[model_random_below(seed, ARRAY_SIZE(sizes))];

	*op = (struct op){ .victim = model_random(seed) };
	if (model_random_below(seed, 100) < 45)
		return;

	op->fit.nr_slots = model_random_below(seed, size) + 1;
	op->fit.boundary = ~0UL >> model_random_below(seed, 60);
	op->fit.base = model_random(seed);
	if (model_random_below(seed, 2)) {
		op->fit.mask = model_random(seed) >>
			       (23 + model_random_below(seed, 8));
		op->fit.bits = model_random(seed) & op->fit.mask;
	}
}

/* What goes wrong, or NULL */
static const char *play(unsigned int nr_slots)
{
	void *meta = calloc(1, slot_map_bytes(nr_slots));
	static struct run live[NR_OPS];
	static struct slots_model model;
	unsigned int nr_live = 0, i;
	const char *wrong = NULL;
	struct slot_map map;

	slot_map_init(&map, nr_slots, meta);
	model_init(&model, nr_slots);

	for (i = 0; i < NR_OPS && !wrong; i++) {
		const struct op *op = &ops[i];
		int slot;

		if (op->skipped) {
			continue;
		} else if (op->fit.nr_slots) {
			slot = slot_map_alloc(&map, &op->fit);
			if (slot != model_find(&model, &op->fit)) {
				wrong = "not the slot that was promised";
				break;
			}
			if (slot < 0)
				continue;
			live[nr_live].slot = slot;
			live[nr_live++].nr_slots = op->fit.nr_slots;
			model_set(&model, slot, op->fit.nr_slots, true);
		} else if (nr_live) {
			struct run *run = &live[op->victim % nr_live];

			slot_map_free(&map, run->slot, run->nr_slots);
			model_set(&model, run->slot, run->nr_slots, false);
			*run = live[--nr_live];
		}
		wrong = model_check(&model, &map);
	}
	free(meta);
	return wrong;
}

static void shrink(unsigned int nr_slots)
{
	unsigned int len, start, i;

	for (len = NR_OPS / 2; len; len /= 2) {
		for (start = 0; start + len <= NR_OPS; start += len) {
			bool was[NR_OPS];

			for (i = start; i < start + len; i++) {
				was[i] = ops[i].skipped;
				ops[i].skipped = true;
			}
			if (play(nr_slots))
				continue;
			for (i = start; i < start + len; i++)
				ops[i].skipped = was[i];
		}
	}
}

static void print_ops(void)
{
	unsigned int i;

	for (i = 0; i < NR_OPS; i++) {
		const struct slot_fit *fit = &ops[i].fit;

		if (ops[i].skipped)
			continue;
		if (fit->nr_slots)
			printf("  alloc %u mask %#x bits %#x boundary %#lx base %#lx\n",
			       fit->nr_slots, fit->mask, fit->bits,
			       fit->boundary, fit->base);
		else
			printf("  free %u\n", ops[i].victim);
	}
}

void slots_ops_run(u64 seed, unsigned int nr_slots)
{
	const char *wrong;
	unsigned int i;

	test_note("seed %lu, %u slots", (unsigned long)seed, nr_slots);
	for (i = 0; i < NR_OPS; i++)
		make_op(&ops[i], &seed);
	wrong = play(nr_slots);
	if (!wrong)
		return;

	shrink(nr_slots);
	print_ops();
	test_fail(__FILE__, __LINE__, "%s", play(nr_slots));
}
