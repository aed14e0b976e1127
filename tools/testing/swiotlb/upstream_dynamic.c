// SPDX-License-Identifier: GPL-2.0
/*
 * The pristine swiotlb with CONFIG_SWIOTLB_DYNAMIC as another allocator
 */
#define UPSTREAM_DYNAMIC

#include "upstream.c"
