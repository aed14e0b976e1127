// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of backends
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "../internal.h"

/* Complete; nobody asks for it by name, so it is never called */
static const struct swiotlb_backend_ops *make_ops(struct kunit *test,
						  const char *name)
{
	struct swiotlb_backend_ops *ops;

	ops = kunit_kmalloc(test, sizeof(*ops), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ops);
	*ops = swiotlb_fixed;
	/* One that is too long has no NUL at its end */
	memset(ops->name, 0, sizeof(ops->name));
	memcpy(ops->name, name, min(strlen(name), sizeof(ops->name)));
	return ops;
}

static bool is_listed(struct kunit *test, const char *name)
{
	char *line = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	char *word;

	KUNIT_ASSERT_NOT_NULL(test, line);
	swiotlb_show_backends(NULL, line, PAGE_SIZE);
	while ((word = strsep(&line, " "))) {
		if (!strcmp(word, name))
			return true;
	}
	return false;
}

static void backend_fixed_is_built_in(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, swiotlb_find_builtin("fixed"), &swiotlb_fixed);
	KUNIT_EXPECT_NULL(test, swiotlb_find_builtin("fixe"));
	KUNIT_EXPECT_NULL(test, swiotlb_find_builtin(""));
	KUNIT_EXPECT_NOT_NULL(test, swiotlb_default_backend());
	KUNIT_EXPECT_TRUE(test, is_listed(test, "fixed"));
}

static void backend_comes_and_goes(struct kunit *test)
{
	const struct swiotlb_backend_ops *a = make_ops(test, "kunit-a");
	const struct swiotlb_backend_ops *b = make_ops(test, "kunit-b");

	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(a), 0);
	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(b), 0);
	KUNIT_EXPECT_TRUE(test, is_listed(test, "kunit-a"));
	KUNIT_EXPECT_TRUE(test, is_listed(test, "kunit-b"));

	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(a), 0);
	KUNIT_EXPECT_FALSE(test, is_listed(test, "kunit-a"));
	KUNIT_EXPECT_TRUE(test, is_listed(test, "kunit-b"));
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(a), -ENOENT);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(b), 0);
	KUNIT_EXPECT_FALSE(test, is_listed(test, "kunit-b"));
}

static void backend_name_leads_to_one_only(struct kunit *test)
{
	const struct swiotlb_backend_ops *a = make_ops(test, "kunit-a");
	const struct swiotlb_backend_ops *twin = make_ops(test, "kunit-a");
	const struct swiotlb_backend_ops *fixed = make_ops(test, "fixed");

	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(fixed), -EEXIST);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(fixed), -ENOENT);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(&swiotlb_fixed),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(a), 0);
	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(a), -EEXIST);
	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(twin), -EEXIST);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(twin), -ENOENT);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(a), 0);
}

/* Offsets of the members that must be there */
static const size_t required[] = {
	offsetof(struct swiotlb_backend_ops, alloc),
	offsetof(struct swiotlb_backend_ops, free),
	offsetof(struct swiotlb_backend_ops, max_mapping),
	offsetof(struct swiotlb_backend_ops, used),
	offsetof(struct swiotlb_backend_ops, init),
	offsetof(struct swiotlb_backend_ops, exit),
};

static void backend_must_be_complete(struct kunit *test)
{
	struct swiotlb_backend_ops ops;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		ops = *make_ops(test, "kunit-a");
		memset((void *)&ops + required[i], 0, sizeof(void *));
		KUNIT_EXPECT_EQ_MSG(test, swiotlb_register_backend(&ops),
				    -EINVAL, "without member %u", i);
	}

	ops = *make_ops(test, "kunit-a");
	ops.finalize = NULL;
	ops.show = NULL;
	KUNIT_EXPECT_EQ(test, swiotlb_register_backend(&ops), 0);
	KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(&ops), 0);
}

static void backend_must_be_well_named(struct kunit *test)
{
	static const char *const bad[] = {
		"", "A", "Abc", "1abc", "-a", "_a", " a", "a ", "a b", "a,b",
		"a\n", "a.b", "aB", "force", "noforce", "abcdefghijklmnop",
		"abcdefghijklmnopq",
	};
	static const char *const good[] = {
		"kunit1", "kunit-a", "kunit_a", "kunit-klmnopqrs", "forced",
	};
	const struct swiotlb_backend_ops *ops;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ops = make_ops(test, bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, swiotlb_register_backend(ops),
				    -EINVAL, "name \"%s\"", bad[i]);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ops = make_ops(test, good[i]);
		KUNIT_EXPECT_EQ_MSG(test, swiotlb_register_backend(ops), 0,
				    "name \"%s\"", good[i]);
		KUNIT_EXPECT_EQ(test, swiotlb_unregister_backend(ops), 0);
	}
}

static struct kunit_case backend_test_cases[] = {
	KUNIT_CASE(backend_fixed_is_built_in),
	KUNIT_CASE(backend_comes_and_goes),
	KUNIT_CASE(backend_name_leads_to_one_only),
	KUNIT_CASE(backend_must_be_complete),
	KUNIT_CASE(backend_must_be_well_named),
	{}
};

static struct kunit_suite backend_test_suite = {
	.name = "swiotlb_backend",
	.test_cases = backend_test_cases,
};

kunit_test_suite(backend_test_suite);

MODULE_DESCRIPTION("Tests of swiotlb's registry of backends");
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
