# SPDX-License-Identifier: GPL-2.0
# The kernel we extend. The build takes its release, its package and where the package puts it from here,
# so that a second release is a second set of these lines and a second folder in patches/.

KERNEL_RELEASE := 6.12
KERNEL_PACKAGE := linux-source-6.12
KERNEL_TARBALL := /usr/src/linux-source-6.12.tar.xz

# How the distribution configures it: here, for confidential guests in clouds. The same package has others.
KERNEL_CONFIG_PACKAGE := linux-config-6.12
KERNEL_CONFIG := /usr/src/linux-config-6.12/config.amd64_none_cloud-amd64.xz

# What the overlay replaces: absent from the integrated tree.
KERNEL_LEGACY := kernel/dma/swiotlb.c

# Folders copied over the kernel's. The rig (tools/testing/swiotlb-vm) compares two trees and
# belongs to neither, so it stays out.
KERNEL_OVERLAY := Documentation arch include kernel samples scripts/coccinelle/coco tools/swiotlb \
	tools/testing/selftests/swiotlb tools/testing/swiotlb

# Those of its files that the pristine kernel gets too, with the patches in series.baseline: the simulated confidential
# guest and the accounting of conversions, without which it could not be measured.
KERNEL_BASELINE := arch/x86/coco/Kconfig arch/x86/coco/conversions.c arch/x86/coco/sim/* \
	arch/x86/include/asm/coco_convert.h include/trace/events/coco.h
