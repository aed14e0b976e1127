# SPDX-License-Identifier: GPL-2.0
"""Kernels under test, and the modules built against them."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from common import BUILD, LOGS, REPO, RigError, run_tool, shown

KERNEL_MAP_START = 0xffffffff80000000  # virtual address of physical 0 in the kernel's own mapping
NAMES = ("swiotlb", "pristine", "debug", "gcov", "arm64", "pristine-dynamic")
IMAGES = {"x86": "arch/x86/boot/bzImage", "arm64": "arch/arm64/boot/Image"}


@dataclass(frozen=True)
class Kernel:
    """One built kernel: its name on command lines and its object tree."""

    name: str
    obj: Path

    @property
    def arch(self) -> str:
        """The arm64 kernel is called like its architecture; all others are x86."""
        return "arm64" if self.name == "arm64" else "x86"

    @property
    def image(self) -> Path:
        return self.obj / IMAGES[self.arch]

    @property
    def role(self) -> str:
        """What scenarios take it for: the one that counts what is reached is in all else like the one under test."""
        return "swiotlb" if self.name == "gcov" else self.name

    @property
    def is_ours(self) -> bool:
        """The pristine kernels have no backends, so nothing to select or read back."""
        return not self.name.startswith("pristine")

    def end_kib(self) -> int:
        """Where the loaded kernel ends in physical memory, in KiB, rounded up."""
        for line in (self.obj / "System.map").read_text().splitlines():
            address, _, symbol = line.split(" ", 2)
            if symbol == "_end":
                return (int(address, 16) - KERNEL_MAP_START + 1023) // 1024
        raise RigError(f"no _end in {shown(self.obj / 'System.map')}")

    def stamp(self) -> str:
        """Changes whenever a module must be built again for this kernel."""
        release = (self.obj / "include/config/kernel.release").read_text().strip()
        symvers = hashlib.sha256((self.obj / "Module.symvers").read_bytes()).hexdigest()
        config = hashlib.sha256((self.obj / "include/config/auto.conf").read_bytes()).hexdigest()
        return f"{self.obj} {release} {symvers} {config}"


def default_obj(name: str) -> Path:
    """Object tree of a kernel, found by the baseline's folder name.

    The release is written down in one place only, and that is not here: the
    baseline is build/<release>-pristine, the others are in build/<release>.
    """
    release = os.environ.get("KERNEL_RELEASE")
    if not release:
        found = sorted(BUILD.glob("*-pristine"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise RigError(f"no kernel in {shown(BUILD)}: run `make kernel` first, or give --obj")
        release = found[-1].name.removesuffix("-pristine")
    folder = {"pristine": f"{release}-pristine/obj", "debug": f"{release}/obj-debug",
              "gcov": f"{release}/obj-gcov",
              "arm64": f"{release}/obj-arm64-vm",
              "pristine-dynamic": f"{release}-pristine/obj-dynamic"}
    return BUILD / folder.get(name, f"{release}/obj")


def find_kernel(name: str, overrides: dict[str, Path]) -> Kernel:
    """The kernel called `name`, which must have been built."""
    if name not in NAMES:
        raise RigError(f"unknown kernel {name}: must be one of {', '.join(NAMES)}")
    kernel = Kernel(name, (overrides.get(name) or default_obj(name)).resolve())
    if not kernel.image.exists():
        raise RigError(f"the {name} kernel is not built: no {shown(kernel.image)}")
    return kernel


def find_modules(kernel: Kernel, pattern: str) -> list[Path]:
    """Modules for one `module =` line of a scenario.

    A pattern with a Makefile behind it is a folder of this repository, built
    out of tree; anything else is a file pattern in the kernel's object tree.
    """
    if (REPO / pattern / "Makefile").exists():
        return build_modules(kernel, REPO / pattern)
    found = sorted(kernel.obj.glob(pattern))
    if not found:
        raise RigError(f"no module matches {pattern} in {shown(kernel.obj)}")
    return found


def folder_hash(folder: Path) -> str:
    """Content of a small source folder, so that a build happens only if due."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".c", ".h") or path.name in ("Makefile", "Kbuild"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build_modules(kernel: Kernel, source: Path) -> list[Path]:
    """Build a folder of out-of-tree modules in build/, not in the repository."""
    work = BUILD / "modules" / kernel.name / source.name
    stamp_file = work / "rig.stamp"
    stamp = f"{kernel.stamp()} {folder_hash(source)}"
    if not stamp_file.exists() or stamp_file.read_text() != stamp:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(source, work)
        log = LOGS / f"module-{source.name}-{kernel.name}.log"
        run_tool(["make", "-C", str(kernel.obj), f"M={work}", "modules"], log,
                 f"building {source.name} for the {kernel.name} kernel")
        stamp_file.write_text(stamp)
    return sorted(work.glob("*.ko"))
