/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules, their parameters, and how a kernel boots
 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

/* Tests make their own: { .name = "x" }, and read @refs */
struct module {
	const char *name;
	atomic_t refs;
	bool going;
};

#define THIS_MODULE		((struct module *)NULL)
#define KBUILD_MODNAME		"swiotlb"

static inline bool try_module_get(struct module *module)
{
	if (!module)
		return true;
	if (__atomic_load_n(&module->going, __ATOMIC_ACQUIRE))
		return false;
	atomic_inc(&module->refs);
	return true;
}

static inline void __module_get(struct module *module)
{
	if (module)
		atomic_inc(&module->refs);
}

static inline void module_put(struct module *module)
{
	if (module && atomic_dec_return(&module->refs) < 0)
		shim_warn("module %s is put once too often\n", module->name);
}

#define module_refcount(module)		atomic_read(&(module)->refs)
#define module_name(module)		((module) ? (module)->name : "kernel")

/* Parameters: read and written by shim_param_get() and shim_param_set() */
struct kernel_param;

struct kernel_param_ops {
	unsigned int flags;
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
	void (*free)(void *arg);
};

struct kparam_string {
	unsigned int maxlen;
	char *string;
};

struct kernel_param {
	const char *name;
	struct module *mod;
	const struct kernel_param_ops *ops;
	umode_t perm;
	s8 level;
	u8 flags;
	union {
		void *arg;
		const struct kparam_string *str;
	};
	struct kernel_param *shim_next;
};

#define KERNEL_PARAM_OPS_FL_NOARG	1

extern const struct kernel_param_ops param_ops_uint, param_ops_int,
	param_ops_ulong, param_ops_bool, param_ops_charp, param_ops_string;
int param_set_uint(const char *val, const struct kernel_param *kp);
int param_get_uint(char *buffer, const struct kernel_param *kp);
int param_set_uint_minmax(const char *val, const struct kernel_param *kp,
			  unsigned int min, unsigned int max);
int param_set_int(const char *val, const struct kernel_param *kp);
int param_get_int(char *buffer, const struct kernel_param *kp);
int param_set_ulong(const char *val, const struct kernel_param *kp);
int param_get_ulong(char *buffer, const struct kernel_param *kp);
int param_set_bool(const char *val, const struct kernel_param *kp);
int param_get_bool(char *buffer, const struct kernel_param *kp);
int param_set_charp(const char *val, const struct kernel_param *kp);
int param_get_charp(char *buffer, const struct kernel_param *kp);
int param_set_copystring(const char *val, const struct kernel_param *kp);
int param_get_string(char *buffer, const struct kernel_param *kp);
#define kernel_param_lock(mod)		((void)(mod))
#define kernel_param_unlock(mod)	((void)(mod))

void shim_param_register(struct kernel_param *param);
/* All there are, linked by shim_next */
const struct kernel_param *shim_param_first(void);
int shim_param_set(const char *name, const char *value);
/* @buf has room for a page; its length, or an errno */
int shim_param_get(const char *name, char *buf);

#define module_param_cb(param, operations, argument, mode) \
	static void __attribute__((constructor)) shim_param_##param(void) \
	{ \
		static struct kernel_param kp = { \
			.name = #param, \
			.ops = (operations), \
			.perm = (mode), \
			.arg = (void *)(argument), \
		}; \
		shim_param_register(&kp); \
	} \
	static void shim_param_##param(void)
#define core_param_cb(param, operations, argument, mode) \
	module_param_cb(param, operations, argument, mode)
#define module_param_named(param, value, type, mode) \
	module_param_cb(param, &param_ops_##type, &(value), mode)
#define module_param(param, type, mode) \
	module_param_named(param, param, type, mode)
#define core_param(param, value, type, mode) \
	module_param_named(param, value, type, mode)
#define module_param_string(param, text, size, mode) \
	static const struct kparam_string shim_string_##param = { size, text }; \
	module_param_cb(param, &param_ops_string, &shim_string_##param, mode)
#define MODULE_PARM_DESC(param, desc)	struct kernel_param
#define MODULE_LICENSE(text)		struct kernel_param
#define MODULE_DESCRIPTION(text)	struct kernel_param
#define MODULE_AUTHOR(text)		struct kernel_param
#define MODULE_IMPORT_NS(ns)		struct kernel_param

/* Booting is up to the test, which calls shim_<function> */
#define early_param(name, fn) \
	int shim_##fn(char *value); \
	int shim_##fn(char *value) { return fn(value); } \
	SHIM_NO_EXPORT(shim_##fn)
#define __setup(name, fn)	early_param(name, fn)
#define shim_initcall(fn) \
	int shim_##fn(void); \
	int shim_##fn(void) { return fn(); } \
	SHIM_NO_EXPORT(shim_##fn)
#define pure_initcall(fn)	shim_initcall(fn)
#define core_initcall(fn)	shim_initcall(fn)
#define core_initcall_sync(fn)	shim_initcall(fn)
#define postcore_initcall(fn)	shim_initcall(fn)
#define arch_initcall(fn)	shim_initcall(fn)
#define subsys_initcall(fn)	shim_initcall(fn)
#define fs_initcall(fn)		shim_initcall(fn)
#define rootfs_initcall(fn)	shim_initcall(fn)
#define device_initcall(fn)	shim_initcall(fn)
#define late_initcall(fn)	shim_initcall(fn)
#define module_init(fn)		shim_initcall(fn)
#define module_exit(fn) \
	void shim_##fn(void); \
	void shim_##fn(void) { fn(); } \
	SHIM_NO_EXPORT(shim_##fn)

#endif /* _SHIM_MODULE_H */
