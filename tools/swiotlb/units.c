// SPDX-License-Identifier: GPL-2.0
/* Numbers for people */
#include "swiotlb-top.h"

/**
 * bytes_text() - a size in at most six characters
 * @bytes: how much, or UNKNOWN, which is "-"
 *
 * Return: the text.
 */
struct text bytes_text(long long bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	struct text t = { "-" };
	double value = bytes;

	if (bytes < 0)
		return t;
	if (!bytes)
		return (struct text){ "0" };
	while (value >= 1000 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	snprintf(t.text, sizeof(t.text), "%.*f%c", unit && value < 99.95, value,
		 units[unit]);
	return t;
}

/**
 * count_text() - a number in at most six characters
 * @count: how many, or UNKNOWN, which is "-"
 *
 * Return: the text.
 */
struct text count_text(double count)
{
	static const char units[] = "kMGTPE";
	struct text t = { "-" };
	int unit = -1;

	if (count < 0)
		return t;
	while (count >= 9999.5 && (unit < 0 || units[unit + 1])) {
		count /= 1000;
		unit++;
	}
	if (unit >= 0)
		snprintf(t.text, sizeof(t.text), "%.*f%c", count < 99.95, count,
			 units[unit]);
	else	/* whole numbers are counters, others are rates */
		snprintf(t.text, sizeof(t.text), "%.*f",
			 count < 99.95 && count != (int)count, count);
	return t;
}

/**
 * rate() - how fast a counter rises
 * @now:     its value, or UNKNOWN
 * @before:  the value before, or UNKNOWN
 * @seconds: between them
 *
 * Return: per second; UNKNOWN if that cannot be said, for example since the kernel
 * is another one.
 */
double rate(long long now, long long before, double seconds)
{
	if (now == UNKNOWN || before == UNKNOWN || now < before || seconds <= 0)
		return UNKNOWN;
	return (now - before) / seconds;
}
