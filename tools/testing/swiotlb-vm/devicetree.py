# SPDX-License-Identifier: GPL-2.0
"""Device trees: QEMU's own, and what a scenario adds to it.

QEMU describes its arm64 board in a device tree, and knows nothing of pools of
reserved memory. A scenario adds them as source, where a node that exists
already is extended, which is what dtc does when a source names it twice.
"""

from __future__ import annotations

from pathlib import Path

from common import run_tool


def extend(dtc: Path, dump: Path, addition: Path, tree: Path) -> None:
    """Write `tree`: the dumped tree with the nodes of `addition`. dtc is the kernel's own."""
    source = tree.with_suffix(".dts")
    log = tree.with_suffix(".log")
    run_tool([str(dtc), "-q", "-I", "dtb", "-O", "dts", "-o", str(source), str(dump)], log,
             "reading QEMU's device tree")
    with source.open("a") as out:
        out.write(addition.read_text())
    run_tool([str(dtc), "-q", "-I", "dts", "-O", "dtb", "-o", str(tree), str(source)], log,
             f"adding {addition.name} to the device tree")
