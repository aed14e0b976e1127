# SPDX-License-Identifier: GPL-2.0
"""What a guest on the gcov kernel reached of kernel/dma/swiotlb/: from its debugfs to build/gcov/<boot>/.

init.c sends the files when the job has ended. tools/testing/swiotlb/coverage reads them, with gcov, which wants the
compiler's notes about each file beside its counters.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from common import BUILD
from guest import Results
from kernels import Kernel

NAME = "gcov"
SOURCES = "kernel/dma/swiotlb"
COUNTERS = ".gcda"


def env_for(kernel: Kernel) -> dict[str, str]:
    """For init.c: which files to send. The kernel calls them as they were called when it was built."""
    if kernel.name != NAME:
        return {}
    return {"GCOV_FILES": f"/sys/kernel/debug/gcov{kernel.obj / SOURCES}/*{COUNTERS}"}


def keep(results: Results, kernel: Kernel, folder: Path) -> None:
    """Put the files of one boot into a folder of their own, in place of those of an earlier one."""
    shutil.rmtree(folder, ignore_errors=True)
    counters = {name: results.files.pop(name) for name in list(results.files) if name.endswith(COUNTERS)}
    for name, text in counters.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))  # init.c sends each byte as one character
        notes = Path(name).with_suffix(".gcno")
        (folder / notes).symlink_to(kernel.obj / SOURCES / notes)


def problems(results: Results, kernel: Kernel, tag: str) -> list[str]:
    """Keep what a boot counted. A kernel that counts and says nothing is a failure."""
    if kernel.name != NAME:
        return []
    folder = BUILD / NAME / tag
    keep(results, kernel, folder)
    return [] if folder.exists() else ["the guest sent no counters of gcov"]
