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
	pthread_mutex_lock(&log_lock);
	shim_log[0] = '\0';
	pthread_mutex_unlock(&log_lock);
}

/* Nobody may write to the log any more, as the process is about to end */
void shim_freeze_log(void)
{
	pthread_mutex_lock(&log_lock);
}

/* For when threads may be writing */
bool shim_log_has(const char *text)
{
	bool has;

	pthread_mutex_lock(&log_lock);
	has = strstr(shim_log, text);
	pthread_mutex_unlock(&log_lock);
	return has;
}

unsigned int shim_take_warns(void)
{
	unsigned int nr;

	pthread_mutex_lock(&log_lock);
	nr = nr_warns;
	nr_warns = 0;
	pthread_mutex_unlock(&log_lock);
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

int kstrtobool(const char *s, bool *res)
{
	switch (*s) {
	case 'y': case 'Y': case 't': case 'T': case '1':
		*res = true;
		return 0;
	case 'n': case 'N': case 'f': case 'F': case '0':
		*res = false;
		return 0;
	}
	return -EINVAL;
}

char *strim(char *s)
{
	size_t len = strlen(s);

	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return skip_spaces(s);
}

/* A newline at the end of either does not matter */
bool sysfs_streq(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return true;
	if (!*a && *b == '\n' && !b[1])
		return true;
	return *a == '\n' && !a[1] && !*b;
}

int __sysfs_match_string(const char *const *array, size_t nr, const char *s)
{
	size_t i;

	for (i = 0; i < nr && array[i]; i++) {
		if (sysfs_streq(array[i], s))
			return i;
	}
	return -EINVAL;
}

int match_string(const char *const *array, size_t nr, const char *s)
{
	size_t i;

	for (i = 0; i < nr && array[i]; i++) {
		if (!strcmp(array[i], s))
			return i;
	}
	return -EINVAL;
}

char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t len = 0;
	char *copy;

	if (!s)
		return NULL;
	while (len < max && s[len])
		len++;
	copy = kzalloc(len + 1, gfp);
	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kstrndup(s, SIZE_MAX, gfp);
}

/* The first @c in the first @count bytes */
char *strnchr(const char *s, size_t count, int c)
{
	for (; count && *s; count--, s++) {
		if (*s == (char)c)
			return (char *)s;
	}
	return NULL;
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return kstrdup(text, gfp);
}
