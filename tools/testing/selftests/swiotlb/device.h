/* SPDX-License-Identifier: GPL-2.0 */
/* What the runner, but no case, needs of the device. */
#ifndef _SWIOTLB_DEVICE_H
#define _SWIOTLB_DEVICE_H

void ctx_close_all(void);
void patterns_init(void);

#endif /* _SWIOTLB_DEVICE_H */
