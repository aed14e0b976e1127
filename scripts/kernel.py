#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Configure and build one of the kernels: kernel.py swiotlb|pristine|debug|gcov|arm64|pristine-dynamic

Object trees lie inside their source trees (build/<release>/obj), so that kbuild names sources by the same relative
paths in all of them. That makes object trees interchangeable: the second lean kernel starts as a copy of the first
one's objects, and only what differs between the sources is compiled.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

from common import (BUILD, LOGS, PRISTINE, REPO, TREE, Failed, jobs, kbuild_env, lock, main, run, say)
from tree import MANIFEST, same

# name: (source tree, object folder, configuration fragments, object tree to start from)
KERNELS = {
    "swiotlb": (TREE, "obj", ["base", "coco", "swiotlb"], PRISTINE / "obj"),
    "pristine": (PRISTINE, "obj", ["base", "coco"], TREE / "obj"),
    "debug": (TREE, "obj-debug", ["base", "coco", "swiotlb", "debug"], None),
    "gcov": (TREE, "obj-gcov", ["base", "coco", "swiotlb", "gcov"], None),
    "arm64": (TREE, "obj-arm64-vm", ["arm64"], None),
    "pristine-dynamic": (PRISTINE, "obj-dynamic", ["base", "coco", "pristine-dynamic"], None),
}
IMAGE = "arch/x86/boot/bzImage"
ARM64_IMAGE = "arch/arm64/boot/Image"
# Without optimization, for only then each return, say, has counters of its own.
GCOV_VARIABLES = ["CFLAGS_GCOV=--coverage -fprofile-update=atomic -O0 -w "
                  f"-include {REPO / 'tools/testing/swiotlb-vm/gcov.h'}"]
ARM64_VARIABLES = ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]


def read_fragments(names):
    """Options of configs/<name>.config; later fragments override earlier ones."""
    options = {}
    for name in names:
        text = (REPO / "configs" / f"{name}.config").read_text()
        options.update(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.M))
    return options


def broken_options(options, dotconfig):
    """Requested options that Kconfig did not grant, because a dependency is missing or the name is gone."""
    have = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", dotconfig.read_text(), re.M))
    return [f"{name}={value} (is {have.get(name, 'n')})" for name, value in options.items()
            if have.get(name, "n") != value]


def kconfig_state(tree, options):
    """Changes when Kconfig must run again: other options, or other Kconfig files where we change any."""
    state = hashlib.sha256(repr(sorted(options.items())).encode())
    for folder in ("arch/x86/coco", "kernel/dma", "samples/swiotlb"):
        for path in sorted((tree / folder).rglob("Kconfig*")):
            state.update(path.read_bytes())
    return state.hexdigest()


def configure(tree, obj, options, log, what, variables=()):
    """Write obj/.config from nothing but `options`, unless it is that already; verify that every option holds."""
    stamp = obj / ".configured"
    state = kconfig_state(tree, options)
    if stamp.exists() and stamp.read_text() == state and (obj / ".config").exists():
        return
    obj.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    fragment = obj / "requested.config"
    fragment.write_text("".join(f"{name}={value}\n" for name, value in sorted(options.items())))
    command = make(tree, obj, variables) + [f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"]
    run(command, log, f"{what}: configure", env=kbuild_env())
    broken = broken_options(options, obj / ".config")
    if broken:
        raise Failed(f"{what}: configuration does not hold: {', '.join(broken)}")
    stamp.write_text(state)


def make(tree, obj, variables=()):
    """`make` for one object tree. O= is relative to the source tree, as are then all paths in the objects."""
    return ["make", "-C", tree, f"O={obj.relative_to(tree)}", f"-j{jobs()}", *variables]


def seed(obj, donor, what):
    """Start from the other kernel's objects."""
    if obj.exists() or donor is None or not (donor / IMAGE).exists():
        return
    start = time.monotonic()
    half = obj.with_name(obj.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", donor, half], check=True)
    # objtool is built with absolute paths. Rebuilding it because its folder moved would rebuild every object.
    for path in (half / "tools").rglob(".*.cmd"):
        text, times = path.read_text(), path.stat()
        path.write_text(text.replace(f"{donor.parent}/", f"{obj.parent}/"))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    (half / ".configured").unlink(missing_ok=True)
    # Objects are newer than the files in which the trees differ, but were not made from this tree's. Many files
    # include some that both trees have from us: those must not look newer.
    for path in MANIFEST.read_text().splitlines():
        if (obj.parent / path).exists() and not same(obj.parent / path, donor.parent / path):
            os.utime(obj.parent / path)
    half.rename(obj)
    say(f"{what}: starts from the objects of {donor.relative_to(REPO)} ({time.monotonic() - start:.0f} s)")


def kernel():
    if len(sys.argv) != 2 or sys.argv[1] not in KERNELS:
        raise Failed(f"usage: kernel.py {'|'.join(KERNELS)}")
    name = sys.argv[1]
    tree, folder, fragments, donor = KERNELS[name]
    obj, what, log = tree / folder, f"kernel {name}", LOGS / f"kernel-{name}.log"
    image, variables, targets = IMAGE, [], ["bzImage", "modules"]
    if name == "gcov":
        variables = GCOV_VARIABLES
    if name == "arm64":  # one image, no modules
        image, variables, targets = ARM64_IMAGE, ARM64_VARIABLES, ["Image"]
    if not tree.exists():
        raise Failed(f"{what}: {tree.relative_to(REPO)} is missing (make tree)")
    start = time.monotonic()
    with lock("kernel"):  # one kernel at a time: each uses all processors, and the second starts from the first
        seed(obj, donor, what)
        options = read_fragments(fragments)
        options["CONFIG_LOCALVERSION"] = f'"-{name}"'
        configure(tree, obj, options, log, what, variables)
        if not (obj / image).exists():
            say(f"{what}: building with {jobs()} jobs")
        run(make(tree, obj, variables) + targets, log, what, env=kbuild_env())
    release = (obj / "include/config/kernel.release").read_text().strip()
    say(f"{what}: {release} ready after {time.monotonic() - start:.1f} s ({(obj / image).relative_to(REPO)})")


if __name__ == "__main__":
    BUILD.mkdir(exist_ok=True)
    main(kernel)
