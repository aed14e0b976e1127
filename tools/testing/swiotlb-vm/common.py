# SPDX-License-Identifier: GPL-2.0
"""Paths and small helpers that every module of the rig shares."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

RIG = Path(__file__).resolve().parent
REPO = RIG.parents[2]
BUILD = Path(os.environ.get("BUILD", REPO / "build")).resolve()
REPORTS = BUILD / "report"
LOGS = BUILD / "logs"
SCENARIOS = RIG / "scenarios"


class RigError(Exception):
    """Something the user must mend; printed as one line, without a trace."""


def shown(path: Path) -> str:
    """A path as the user would type it from the top of the repository."""
    try:
        return str(path.relative_to(REPO))
    except ValueError:
        return str(path)


def run_tool(argv: list[str], log: Path, what: str) -> None:
    """Run a build tool quietly; on failure name the log that tells why."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        try:
            done = subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT, check=False)
        except FileNotFoundError:
            raise RigError(f"{what}: {argv[0]} is not installed (make deps)") from None
    if done.returncode:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        hint = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
        raise RigError(f"{what} failed: {hint.strip()} (all of it in {shown(log)})")


def write_atomic(path: Path, data: bytes) -> None:
    """All of it or nothing: another rig may be reading the file right now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


@contextmanager
def build_lock(name: str) -> Iterator[None]:
    """Several rigs may run at a time, but not on the same files."""
    path = BUILD / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
