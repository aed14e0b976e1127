#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compile our files and their users under every configuration that matters, without linking a kernel.

builds.py [variant...]; ARCHS=all adds the architectures whose cross compiler happens to be installed.

kernel/dma and its users are compiled with warnings as errors, those of W=1 among them, and sparse looks at them.
Variants of one architecture share an object tree (build/<release>/obj-<arch>), in which kbuild recompiles only what
depends on the options that changed. With the first variant, sparse has to find the mistakes that it is there for:
they lie in tools/testing/swiotlb/sparse.
"""

import os
import re
import shutil
import sys
import time

from common import BUILD, LOGS, REPO, TREE, Failed, kbuild_env, lock, main, run, say
from kernel import configure, make, seed

COMMON_USERS = ["kernel/dma/", "drivers/base/core.o", "mm/slab_common.o"]
X86_USERS = COMMON_USERS + ["arch/x86/kernel/pci-dma.o", "arch/x86/kernel/setup.o"]
COCO = ["arch/x86/coco/", "arch/x86/mm/mem_encrypt.o", "arch/x86/mm/pat/set_memory.o"]
ARM64_USERS = COMMON_USERS + ["arch/arm64/mm/init.o", "drivers/iommu/dma-iommu.o", "drivers/xen/swiotlb-xen.o"]

# What every variant has; a variant's own words override it. WERROR: one warning is a failure.
BASE = "BLOCK=y MODULES=y MULTIUSER=y PCI=y PRINTK=y PROC_FS=y SYSFS=y WERROR=y"
DIAG = "DEBUG_KERNEL=y DEBUG_FS=y FTRACE=y ENABLE_DEFAULT_TRACERS=y KUNIT=m SWIOTLB_KUNIT_TEST=m SAMPLES=y " \
       "SAMPLE_SWIOTLB_GUARD=m"

# architecture, cross compiler, in the default set?
ARCHS = {
    "x86": ("", True),
    "arm64": ("aarch64-linux-gnu-", True),
    "i386": ("", True),
    "arm": ("arm-linux-gnueabihf-", False),
    "riscv": ("riscv64-linux-gnu-", False),
    "mips": ("mips64el-linux-gnuabi64-", False),
    "powerpc": ("powerpc64le-linux-gnu-", False),
    "s390": ("s390x-linux-gnu-", False),
}

# (name, architecture, options, targets); the name says what the variant is there for
VARIANTS = [
    ("bare", "x86", "64BIT=y SMP=y", X86_USERS),
    ("diagnostics", "x86", f"64BIT=y SMP=y DMA_API_DEBUG=y DMA_MAP_BENCHMARK=y {DIAG}", X86_USERS),
    ("uniprocessor", "x86", "64BIT=y DEBUG_FS=y", X86_USERS),
    ("restricted-pool", "x86", "64BIT=y SMP=y OF=y DMA_RESTRICTED_POOL=y DEBUG_FS=y", X86_USERS),
    ("xen", "x86", "64BIT=y SMP=y HYPERVISOR_GUEST=y PARAVIRT=y XEN=y XEN_PV=y SWIOTLB_XEN=y",
     X86_USERS + ["drivers/xen/swiotlb-xen.o"]),
    ("iommu", "x86", "64BIT=y SMP=y ACPI=y PCI_MSI=y IOMMU_SUPPORT=y INTEL_IOMMU=y IOMMU_DMA=y",
     X86_USERS + ["drivers/iommu/dma-iommu.o"]),
    ("encrypted", "x86", "64BIT=y SMP=y ACPI=y EFI=y EFI_STUB=y HYPERVISOR_GUEST=y PARAVIRT=y X86_X2APIC=y "
     "CPU_SUP_AMD=y CPU_SUP_INTEL=y AMD_MEM_ENCRYPT=y INTEL_TDX_GUEST=y GART_IOMMU=y DEBUG_KERNEL=y COCO_SIM=y",
     X86_USERS + COCO + ["arch/x86/mm/mem_encrypt_amd.o", "arch/x86/kernel/amd_gart_64.o"]),
    ("not-accounted", "x86", "64BIT=y SMP=y ACPI=y EFI=y EFI_STUB=y CPU_SUP_AMD=y AMD_MEM_ENCRYPT=y COCO_CONVERSIONS=n",
     X86_USERS + COCO),
    ("simulated", "x86", f"64BIT=y SMP=y COCO_SIM=y {DIAG}", X86_USERS + COCO),
    ("everything", "arm64", f"SMP=y XEN=y SWIOTLB_XEN=y IOMMU_SUPPORT=y ARM_SMMU_V3=y DMA_RESTRICTED_POOL=y {DIAG}",
     ARM64_USERS),
    ("64k-pages", "arm64", "SMP=y ARM64_64K_PAGES=y DMA_RESTRICTED_POOL=y DEBUG_FS=y",
     COMMON_USERS + ["arch/arm64/mm/init.o"]),
    ("highmem", "i386", f"SMP=y HIGHMEM64G=y X86_PAE=y SWIOTLB=y {DIAG}", X86_USERS),
    ("without-swiotlb", "i386", "SMP=y SWIOTLB=n DEBUG_FS=y", X86_USERS),
    ("lpae", "arm", "MMU=y ARCH_MULTIPLATFORM=y ARCH_MULTI_V7=y ARM_LPAE=y SWIOTLB=y HIGHMEM=y DEBUG_FS=y",
     COMMON_USERS + ["arch/arm/mm/init.o"]),
    ("default", "riscv", "SMP=y MMU=y 64BIT=y SWIOTLB=y DMA_RESTRICTED_POOL=y DEBUG_FS=y",
     COMMON_USERS + ["arch/riscv/mm/init.o"]),
    ("loongson", "mips", "MACH_LOONGSON64=y 64BIT=y SWIOTLB=y DEBUG_FS=y",
     COMMON_USERS + ["arch/mips/kernel/setup.o", "arch/mips/loongson64/dma.o"]),
    ("pseries", "powerpc", "PPC64=y PPC_BOOK3S_64=y PPC_PSERIES=y PPC_SVM=y SWIOTLB=y CPU_LITTLE_ENDIAN=y DEBUG_FS=y",
     COMMON_USERS + ["arch/powerpc/mm/mem.o", "arch/powerpc/kernel/dma-swiotlb.o"]),
    ("default", "s390", "SMP=y SWIOTLB=y DEBUG_FS=y", COMMON_USERS + ["arch/s390/mm/init.o"]),
]

SAMPLES = ["samples/swiotlb/"]
MISTAKES = REPO / "tools/testing/swiotlb/sparse"
OURS = re.compile(r"((kernel/dma|samples)/swiotlb/|include/(linux|trace/events)/(swiotlb|coco|cc_granule)"
                  r"|arch/x86/coco/(sim/|conversions|guest)|arch/x86/include/asm/coco_\w)\S*:\d+:.*(warning|error):")


def variables(arch):
    cross = ARCHS[arch][0]
    return [f"ARCH={arch}"] + ([f"CROSS_COMPILE={cross}"] if cross else [])


def build(name, arch, words, targets):
    """Compile and check one variant; raises Failed on the first finding."""
    what = f"{arch}/{name}"
    log = LOGS / f"builds-{arch}-{name}.log"
    obj = TREE / f"obj-{arch}"
    if arch == "x86":
        seed(obj, TREE / "obj", what)  # host tools, for one
    options = dict(f"CONFIG_{word}".split("=", 1) for word in f"{BASE} {words}".split())
    configure(TREE, obj, options, log.with_suffix(".configure.log"), what, variables(arch))
    command = make(TREE, obj, variables(arch))
    if "CONFIG_SAMPLES" in options:
        targets = targets + SAMPLES
    # C=2 also checks what need not be recompiled. Sparse has something to say on most kernel headers: only ours count.
    sparse = [] if arch == "riscv" else ["C=2"]  # its -march is beyond sparse
    run(command + ["W=1", *sparse, *targets], log, what, env=kbuild_env())
    findings = [line for line in log.read_text(errors="replace").splitlines() if OURS.search(line)]
    if findings:
        print("\n".join(findings[:12]), file=sys.stderr)
        raise Failed(f"{what}: {len(findings)} warnings from W=1 or sparse in {log.relative_to(REPO)}")
    if (name, arch) == VARIANTS[0][:2]:
        sparse_finds_mistakes(command, what)


def sparse_finds_mistakes(command, what):
    """Each line there that says so, and no other, makes sparse warn of just that."""
    work, log = BUILD / "sparse", LOGS / "builds-sparse.log"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(MISTAKES, work)
    run(command + [f"M={work}", "C=2", "mistakes.o"], log, what, env=kbuild_env())
    wrong = missed_mistakes((MISTAKES / "mistakes.c").read_text(), log.read_text(errors="replace"))
    if wrong:
        raise Failed(f"{what}: {'; '.join(wrong)}, see {log.relative_to(REPO)}")


def missed_mistakes(source, log):
    """Lines of the source about which the log says anything else than they do."""
    said = {}
    for number, text in re.findall(r"mistakes\.c:(\d+):\d+: warning: (.*)", log):
        said.setdefault(int(number), []).append(text)
    wanted = {number: match[1] for number, line in enumerate(source.splitlines(), 1)
              if (match := re.search(r"/\* sparse: (.*?) \*/", line))}
    return [f"sparse does not say {text!r} of line {number}" for number, text in wanted.items()
            if not any(text in line for line in said.get(number, []))] + \
        [f"sparse says {said[number][0]!r} of line {number}" for number in sorted(set(said) - set(wanted))]


def selected(arguments):
    """The variants to build, and the architectures left out for want of a compiler."""
    unknown = set(arguments) - {f"{arch}/{name}" for name, arch, _, _ in VARIANTS} - set(ARCHS)
    if unknown:
        raise Failed(f"builds: no variant {' '.join(sorted(unknown))}")
    chosen, absent = [], []
    for variant in VARIANTS:
        name, arch = variant[:2]
        cross, default = ARCHS[arch]
        if arguments:
            take = arch in arguments or f"{arch}/{name}" in arguments
        else:
            take = default or os.environ.get("ARCHS") == "all"
        if take and cross and not shutil.which(f"{cross}gcc"):
            if default:
                raise Failed(f"builds: {cross}gcc is missing (make deps installs it)")
            absent.append(f"{arch}/{name}: no {cross}gcc")
        elif take:
            chosen.append(variant)
    return chosen, absent


def builds():
    if not shutil.which("sparse"):
        raise Failed("builds: sparse is missing (make deps installs it)")
    chosen, absent = selected(sys.argv[1:])
    failed = 0
    with lock("builds"):
        for variant in chosen:
            start = time.monotonic()
            try:
                build(*variant)
                result = "ok  "
            except Failed as why:
                print(why, file=sys.stderr)
                result = "FAIL"
                failed += 1
            say(f"{result} builds {variant[1]}/{variant[0]} ({time.monotonic() - start:.0f} s)")
    for reason in absent:
        say(f"SKIP builds {reason}")
    say(f"{len(chosen) - failed} passed, {failed} failed" + (f", {len(absent)} skipped" if absent else ""))
    return failed != 0


if __name__ == "__main__":
    main(builds)
