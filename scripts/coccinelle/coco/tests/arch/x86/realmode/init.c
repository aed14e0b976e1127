// SPDX-License-Identifier: GPL-2.0
/* Fixture of granule.cocci: a place that is exempt, where nothing is reported */

static int trampoline(void *base, size_t size)
{
	return set_memory_decrypted((unsigned long)base, size >> PAGE_SHIFT);
}
