// SPDX-License-Identifier: GPL-2.0
/*
 * Strings and messages
 */
#include <pthread.h>

#include "shim.h"

char shim_log[4096];
static unsigned int nr_warns;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_to_log(const char *fmt, va_list args)
{
	size_t len = strlen(shim_log);

	if (len > sizeof(shim_log) / 2) {
		memmove(shim_log, shim_log + len / 2, len - len / 2 + 1);
		len -= len / 2;
	}
	vsnprintf(shim_log + len, sizeof(shim_log) - len, fmt, args);
}

void shim_printk(const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&log_lock);
	va_start(args, fmt);
	add_to_log(fmt, args);
	va_end(args);
	pthread_mutex_unlock(&log_lock);
}

void shim_warn(const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&log_lock);
	nr_warns++;
	va_start(args, fmt);
	add_to_log(fmt, args);
	va_end(args);
	pthread_mutex_unlock(&log_lock);
}

void shim_clear_log(void)
{
	shim_log[0] = '\0';
}

unsigned int shim_take_warns(void)
{
	unsigned int nr = nr_warns;

	nr_warns = 0;
	return nr;
}

/* Strict as the kernel's: a number, and at most a newline behind it */
int kstrtoul(const char *s, unsigned int base, unsigned long *res)
{
	unsigned long value;
	char *end;

	if (!isdigit(*s) && !(*s == '+' && isdigit(s[1])))
		return -EINVAL;
	errno = 0;
	value = strtoul(s, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	*res = value;
	return 0;
}

int kstrtouint(const char *s, unsigned int base, unsigned int *res)
{
	unsigned long value;
	int err = kstrtoul(s, base, &value);

	if (err)
		return err;
	if (value > UINT_MAX)
		return -ERANGE;
	*res = value;
	return 0;
}

ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(to, from, size - 1);
		to[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return len;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	if (!size)
		return 0;
	return min((size_t)len, size - 1);
}
