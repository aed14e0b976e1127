// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of backends
 */
#include "toy.h"

/* Complete, and never called */
static struct swiotlb_backend_ops complete(const char *name)
{
	struct swiotlb_backend_ops ops = swiotlb_fixed;

	memset(ops.name, 0, sizeof(ops.name));
	memcpy(ops.name, name, min(strlen(name), sizeof(ops.name)));
	return ops;
}

static void check_list(const char *expected)
{
	char line[200];

	CHECK_EQ(swiotlb_show_backends(NULL, line, sizeof(line)),
		 strlen(expected));
	test_note("backends \"%s\"", line);
	CHECK(!strcmp(line, expected));
}

TEST(backend_three_are_built_in)
{
	CHECK(swiotlb_find_builtin("fixed") == &swiotlb_fixed);
	CHECK(swiotlb_find_builtin("dynamic") == &swiotlb_dynamic);
	CHECK(swiotlb_find_builtin("cc") == &swiotlb_cc);
	CHECK(swiotlb_default_backend() == &swiotlb_fixed);
	CHECK(!swiotlb_find_builtin(""));
	CHECK(!swiotlb_find_builtin("fixe"));
	CHECK(!swiotlb_find_builtin("fixed "));
	check_list("fixed dynamic cc");
}

TEST(backend_comes_and_goes)
{
	struct swiotlb_backend_ops a = complete("a"), b = complete("b-2_x");

	CHECK_EQ(swiotlb_register_backend(&a), 0);
	check_list("fixed dynamic cc a");
	CHECK_EQ(swiotlb_register_backend(&b), 0);
	check_list("fixed dynamic cc a b-2_x");
	CHECK_EQ(swiotlb_unregister_backend(&a), 0);
	check_list("fixed dynamic cc b-2_x");
	CHECK_EQ(swiotlb_unregister_backend(&a), -ENOENT);
	CHECK_EQ(swiotlb_register_backend(&a), 0);
	check_list("fixed dynamic cc b-2_x a");
	CHECK_EQ(swiotlb_unregister_backend(&b), 0);
	CHECK_EQ(swiotlb_unregister_backend(&a), 0);
	check_list("fixed dynamic cc");
	CHECK_EQ(shim_live, 0);
}

TEST(backend_name_leads_to_one_only)
{
	struct swiotlb_backend_ops a = complete("a"), twin = complete("a");
	struct swiotlb_backend_ops fixed = complete("fixed");

	CHECK_EQ(swiotlb_register_backend(&fixed), -EEXIST);
	CHECK_EQ(swiotlb_unregister_backend(&fixed), -ENOENT);
	CHECK_EQ(swiotlb_unregister_backend(&swiotlb_fixed), -ENOENT);
	CHECK_EQ(swiotlb_register_backend(&a), 0);
	CHECK_EQ(swiotlb_register_backend(&a), -EEXIST);
	CHECK_EQ(swiotlb_register_backend(&twin), -EEXIST);
	CHECK_EQ(swiotlb_unregister_backend(&twin), -ENOENT);
	check_list("fixed dynamic cc a");
	CHECK_EQ(swiotlb_unregister_backend(&a), 0);
	CHECK_EQ(shim_live, 0);
}

#define CHECK_NEEDS(member) ({ \
	struct swiotlb_backend_ops ops = complete("a"); \
	ops.member = NULL; \
	test_note("no " #member); \
	CHECK_EQ(swiotlb_register_backend(&ops), -EINVAL); \
	check_list("fixed dynamic cc"); \
})

#define CHECK_DOES_WITHOUT(member) ({ \
	struct swiotlb_backend_ops ops = complete("a"); \
	ops.member = NULL; \
	test_note("no " #member); \
	CHECK_EQ(swiotlb_register_backend(&ops), 0); \
	CHECK_EQ(swiotlb_unregister_backend(&ops), 0); \
})

TEST(backend_must_be_complete)
{
	CHECK_NEEDS(alloc);
	CHECK_NEEDS(free);
	CHECK_NEEDS(max_mapping);
	CHECK_NEEDS(used);
	CHECK_NEEDS(init);
	CHECK_NEEDS(exit);
	CHECK_DOES_WITHOUT(grow);
	CHECK_DOES_WITHOUT(stray);
	CHECK_DOES_WITHOUT(peak);
	CHECK_DOES_WITHOUT(finalize);
	CHECK_DOES_WITHOUT(show);
	CHECK_DOES_WITHOUT(owner);
	CHECK_EQ(shim_live, 0);
}

TEST(backend_must_be_well_named)
{
	static const char *const bad[] = {
		"", "A", "Abc", "1abc", "-a", "_a", " a", "a ", "a b", "a,b",
		"a\n", "a.b", "aB", "\xe4", "force", "noforce", "default",
		"abcdefghijklmnop", "abcdefghijklmnopq",
	};
	static const char *const good[] = {
		"a", "abc", "a1", "a-b", "a_b", "abcdefghijklmno", "forced",
		"fixed2", "fixe", "defaults",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct swiotlb_backend_ops ops = complete(bad[i]);

		test_note("name \"%s\"", bad[i]);
		CHECK_EQ(swiotlb_register_backend(&ops), -EINVAL);
		check_list("fixed dynamic cc");
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct swiotlb_backend_ops ops = complete(good[i]);

		test_note("name \"%s\"", good[i]);
		CHECK_EQ(swiotlb_register_backend(&ops), 0);
		CHECK_EQ(swiotlb_unregister_backend(&ops), 0);
	}
}

TEST(backend_without_memory_is_not_registered)
{
	struct swiotlb_backend_ops a = complete("a");

	shim_fail_alloc(1);
	CHECK_EQ(swiotlb_register_backend(&a), -ENOMEM);
	CHECK(shim_alloc_failed());
	check_list("fixed dynamic cc");
	CHECK_EQ(swiotlb_unregister_backend(&a), -ENOENT);
}

/* However short the buffer, it is kept to, and what is in it is a string */
TEST(backend_list_is_cut)
{
	struct swiotlb_backend_ops a = complete("a");
	size_t size;

	CHECK_EQ(swiotlb_register_backend(&a), 0);
	for (size = 1; size < 28; size++) {
		char *line = malloc(size);
		int len = swiotlb_show_backends(&swiotlb_fixed, line, size);

		CHECK(len >= 0 && len < size);
		CHECK_EQ(strlen(line), len);
		CHECK(!strncmp(line, "[fixed] dynamic cc a", len));
		free(line);
	}
	CHECK_EQ(swiotlb_unregister_backend(&a), 0);
}

/* Who is going to use it keeps its module; a shell writes a newline behind a name */
TEST(backend_get_takes_a_reference)
{
	toy_register();
	CHECK(swiotlb_get_backend("fixed") == &swiotlb_fixed);
	CHECK(swiotlb_get_backend("dynamic\n") == &swiotlb_dynamic);
	CHECK(swiotlb_get_backend("toy\n") == &toy_ops);
	CHECK(swiotlb_get_backend("toy") == &toy_ops);
	CHECK_EQ(module_refcount(&toy_module), 2);
	CHECK(!swiotlb_get_backend("toys"));
	CHECK(!swiotlb_get_backend("to"));
	CHECK(!swiotlb_get_backend("toy "));
	CHECK(!swiotlb_get_backend("toy\n\n"));
	CHECK(!swiotlb_get_backend(""));
	CHECK(!swiotlb_get_backend("\n"));
	CHECK_EQ(module_refcount(&toy_module), 2);

	/* It is being unloaded, though still listed */
	toy_module.going = true;
	CHECK(!swiotlb_get_backend("toy"));
	CHECK_EQ(module_refcount(&toy_module), 2);
	module_put(&toy_module);
	module_put(&toy_module);
	toy_unregister();
}

TEST(backend_file_shows_the_active_one)
{
	struct swiotlb_backend_ops a = complete("a");

	boot_with("noforce");
	check_backends("fixed dynamic cc");
	CHECK_EQ(swiotlb_register_backend(&a), 0);
	check_backends("fixed dynamic cc a");
	CHECK_EQ(swiotlb_unregister_backend(&a), 0);
}
