/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings and messages
 */
#ifndef _SHIM_TEXT_H
#define _SHIM_TEXT_H

int kstrtoul(const char *s, unsigned int base, unsigned long *res);
int kstrtouint(const char *s, unsigned int base, unsigned int *res);
int kstrtobool(const char *s, bool *res);
ssize_t strscpy(char *to, const char *from, size_t size);
int scnprintf(char *buf, size_t size, const char *fmt, ...);
char *strim(char *s);
bool sysfs_streq(const char *a, const char *b);
int __sysfs_match_string(const char *const *array, size_t nr, const char *s);
int match_string(const char *const *array, size_t nr, const char *s);
char *kasprintf(gfp_t gfp, const char *fmt, ...);
char *kstrdup(const char *s, gfp_t gfp);
char *kstrndup(const char *s, size_t max, gfp_t gfp);
char *strsep(char **stringp, const char *delim);
char *strchrnul(const char *s, int c);
char *strnchr(const char *s, size_t count, int c);

#define kstrtoull(s, base, res)		kstrtoul(s, base, (unsigned long *)(res))
#define kstrtou64(s, base, res)		kstrtoul(s, base, (unsigned long *)(res))
#define kstrtou32(s, base, res)		kstrtouint(s, base, res)
#define sysfs_match_string(array, s) \
	__sysfs_match_string(array, ARRAY_SIZE(array), s)
#define str_has_prefix(s, prefix) \
	(strncmp(s, prefix, strlen(prefix)) ? 0 : strlen(prefix))
#define str_plural(n)			((n) == 1 ? "" : "s")

static inline char *skip_spaces(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return (char *)s;
}

/*
 * Messages: kept in shim_log, the latest at its end. A kernel warning (WARN)
 * fails the test unless it is fetched by shim_take_warns().
 */
extern char shim_log[4096];
void shim_printk(const char *fmt, ...);
void shim_warn(const char *fmt, ...);
void shim_clear_log(void);
void shim_freeze_log(void);
bool shim_log_has(const char *text);
unsigned int shim_take_warns(void);

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_info(fmt, ...)		shim_printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice			pr_info
#define pr_warn				pr_info
#define pr_err				pr_info
#define pr_info_once			pr_info
#define pr_warn_once			pr_info
#define pr_info_ratelimited		pr_info
#define pr_warn_ratelimited		pr_info
#define pr_err_ratelimited		pr_info
#define pr_debug(fmt, ...)		((void)sizeof(fmt))
#define pr_debug_ratelimited		pr_debug

#define WARN(cond, fmt, ...) \
	((cond) ? (shim_warn(fmt, ##__VA_ARGS__), true) : false)
#define WARN_ONCE			WARN
#define WARN_ON(cond)			WARN(cond, "%s: %s\n", __func__, #cond)
#define WARN_ON_ONCE			WARN_ON
#define VM_WARN_ON_ONCE			WARN_ON
#define lockdep_assert(cond)		((void)WARN_ON(!(cond)))

#endif /* _SHIM_TEXT_H */
