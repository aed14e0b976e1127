// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters
 */
#include "shim.h"

static struct kernel_param *params;

void shim_param_register(struct kernel_param *param)
{
	param->shim_next = params;
	params = param;
}

const struct kernel_param *shim_param_first(void)
{
	return params;
}

static struct kernel_param *find_param(const char *name)
{
	struct kernel_param *kp;

	for (kp = params; kp && strcmp(kp->name, name); kp = kp->shim_next)
		;
	return kp;
}

int shim_param_set(const char *name, const char *value)
{
	struct kernel_param *kp = find_param(name);

	return !kp ? -ENOENT : !kp->ops->set ? -EPERM : kp->ops->set(value, kp);
}

int shim_param_get(const char *name, char *buf)
{
	struct kernel_param *kp = find_param(name);

	return !kp ? -ENOENT : !kp->ops->get ? -EPERM : kp->ops->get(buf, kp);
}

int param_set_uint_minmax(const char *val, const struct kernel_param *kp,
			  unsigned int min, unsigned int max)
{
	unsigned int value;
	int err = kstrtouint(val, 0, &value);

	if (err)
		return err;
	if (value < min || value > max)
		return -EINVAL;
	WRITE_ONCE(*(unsigned int *)kp->arg, value);
	return 0;
}

int param_set_uint(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, UINT_MAX);
}

int param_get_uint(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%u\n", *(unsigned int *)kp->arg);
}

int param_set_int(const char *val, const struct kernel_param *kp)
{
	bool negative = *val == '-';
	unsigned int value;
	int err = kstrtouint(val + negative, 0, &value);

	if (err)
		return err;
	if (value > INT_MAX)
		return -ERANGE;
	WRITE_ONCE(*(int *)kp->arg, negative ? -(int)value : (int)value);
	return 0;
}

int param_get_int(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%d\n", *(int *)kp->arg);
}

int param_set_ulong(const char *val, const struct kernel_param *kp)
{
	return kstrtoul(val, 0, kp->arg);
}

int param_get_ulong(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%lu\n", *(unsigned long *)kp->arg);
}

int param_set_bool(const char *val, const struct kernel_param *kp)
{
	return kstrtobool(val ?: "1", kp->arg);
}

int param_get_bool(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%c\n", *(bool *)kp->arg ? 'Y' : 'N');
}

/* As in the kernel what was set before slab is there is not copied */
int param_set_charp(const char *val, const struct kernel_param *kp)
{
	char **value = kp->arg;

	if (strlen(val) > 1024)
		return -ENOSPC;
	*value = shim_slab ? kstrdup(val, GFP_KERNEL) : (char *)val;
	return *value ? 0 : -ENOMEM;
}

int param_get_charp(char *buffer, const struct kernel_param *kp)
{
	char **value = kp->arg;

	return scnprintf(buffer, PAGE_SIZE, "%s\n", *value ?: "(null)");
}

int param_set_copystring(const char *val, const struct kernel_param *kp)
{
	if (strlen(val) + 1 > kp->str->maxlen)
		return -ENOSPC;
	memcpy(kp->str->string, val, strlen(val) + 1);
	return 0;
}

int param_get_string(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%s\n", kp->str->string);
}

#define PARAM_OPS(type, setter, getter) \
	const struct kernel_param_ops param_ops_##type = { \
		.set = setter, .get = getter, \
	}

PARAM_OPS(uint, param_set_uint, param_get_uint);
PARAM_OPS(int, param_set_int, param_get_int);
PARAM_OPS(ulong, param_set_ulong, param_get_ulong);
PARAM_OPS(bool, param_set_bool, param_get_bool);
PARAM_OPS(charp, param_set_charp, param_get_charp);
PARAM_OPS(string, param_set_copystring, param_get_string);

/* What tracepoints would have seen */
unsigned long shim_nr_switches, shim_nr_grows, shim_nr_shrinks;
const char *shim_fail_reason, *shim_fail_backend;
