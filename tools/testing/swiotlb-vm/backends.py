# SPDX-License-Identifier: GPL-2.0
"""Backends by name: which there are, and which of them are modules.

Read from the sources, so that a wrong name is found before a kernel is built.
"""

from __future__ import annotations

import re
from pathlib import Path

from common import REPO, RigError

BUILT_IN = "kernel/dma/swiotlb"
MODULES = "samples/swiotlb"
OPS_NAME = re.compile(r"struct swiotlb_backend_ops \w+ = \{[^}]*?\.name\s*=\s*\"([\w-]+)\"")


def defined_in(folder: Path) -> list[str]:
    """Names of the backends that the C files of a folder define, sorted."""
    return sorted(name for path in folder.glob("*.c") for name in OPS_NAME.findall(path.read_text()))


def known(root: Path = REPO) -> list[str]:
    """All backends, those that are modules last."""
    return defined_in(root / BUILT_IN) + defined_in(root / MODULES)


def module_of(backend: str, root: Path = REPO) -> str:
    """A backend's module in the kernel's object tree; "" if it is built in."""
    return f"{MODULES}/swiotlb_{backend}.ko" if backend in defined_in(root / MODULES) else ""


def check(backend: str, root: Path = REPO) -> None:
    """Complain about a backend that does not exist."""
    if backend and backend not in known(root):
        raise RigError(f"no backend {backend}: must be one of {', '.join(known(root))}")
