# SPDX-License-Identifier: GPL-2.0
"""Scenario files: what to boot, on which machine, and the job inside.

A file is a header of `key = value` lines, a line `job:`, and a shell script
for the guest. Lines that start with # in the header are comments. A key may
carry `@<kernel>`; such a line replaces the plain one on that kernel. Keys
marked * may come several times and add up. README.md explains each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from common import SCENARIOS, RigError
from kernels import NAMES

SINGLE = {
    "summary": "", "kernels": "swiotlb", "memory": "512M", "cpus": "2", "devices": "",
    "disk": "64M", "cmdline": "", "limit": "60", "clock": "real", "tools": "",
    "backend": "", "ktap": "no", "patience": "120", "devicetree": "", "compare": "no",
}
LISTS = ("module", "module_if_built", "program", "expect", "allow", "variant", "env", "fails")


@dataclass
class Scenario:
    """One scenario file as it applies to one kernel."""

    name: str
    values: dict[str, str]
    lists: dict[str, list[str]]
    job: str
    kernels: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> str:
        return self.values[key]

    def variants(self) -> list[tuple[str, str]]:
        """Boots to make: (name, further kernel parameters); one without a name if none."""
        pairs = [line.partition(":") for line in self.lists["variant"]]
        return [(name.strip(), rest.strip()) for name, _, rest in pairs] or [("", "")]

    def patterns(self, key: str, variant: str) -> list[str]:
        """Patterns of `expect` or `fails` for one variant; `[variant] pattern` is for that one only."""
        found = []
        for line in self.lists[key]:
            only, pattern = re.fullmatch(r"(?:\[(\w+)\] )?(.*)", line).groups()
            if only in (None, variant):
                found.append(pattern)
        return found

    def must_fail(self, variant: str) -> list[str]:
        """Patterns of the reasons with which a boot has to fail."""
        return self.patterns("fails", variant)

    @property
    def is_comparable(self) -> bool:
        """Its job is one write pass and one read pass of fio, the numbers of a comparison."""
        return self["compare"] == "yes"

    def allowed(self) -> list[tuple[str, str]]:
        """Badness this scenario may cause: (pattern, reason)."""
        return [split_reason(self.name, line) for line in self.lists["allow"]]


def split_reason(where: str, line: str) -> tuple[str, str]:
    """`pattern ## reason`: nobody may allow badness without saying why."""
    pattern, separator, reason = line.partition(" ## ")
    if not separator or not reason.strip():
        raise RigError(f"{where}: no reason (` ## why`) behind the allowed pattern {line!r}")
    try:
        re.compile(pattern.strip())
    except re.error as why:
        raise RigError(f"{where}: bad pattern {pattern.strip()!r}: {why}") from None
    return pattern.strip(), reason.strip()


def parse_header(name: str, header: str, kernel: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Read the header for one kernel; a line for that kernel beats a plain one."""
    plain: dict[str, list[str]] = {}
    special: dict[str, list[str]] = {}
    for number, line in enumerate(header.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\w+)(?:@(\w+))?\s*=\s*(.*?)\s*", line)
        if not match:
            raise RigError(f"{name}.scenario:{number}: not a `key = value` line: {line}")
        key, only, value = match.groups()
        if key not in SINGLE and key not in LISTS:
            raise RigError(f"{name}.scenario:{number}: unknown key {key}")
        if only and only not in NAMES:
            raise RigError(f"{name}.scenario:{number}: unknown kernel {only}")
        if not only or only == kernel:
            (special if only else plain).setdefault(key, []).append(value)
    values = {key: special.get(key, plain.get(key, [default]))[-1]
              for key, default in SINGLE.items()}
    lists = {key: plain.get(key, []) + special.get(key, []) for key in LISTS}
    return values, lists


def load(name: str, kernel: str, folder: Path = SCENARIOS) -> Scenario:
    """The scenario called `name`, as it applies to `kernel`."""
    path = folder / f"{name}.scenario"
    if not path.exists():
        known = ", ".join(names(folder))
        raise RigError(f"no scenario {name}: must be one of {known}")
    header, separator, job = path.read_text().partition("\njob:\n")
    if not separator:
        raise RigError(f"{path.name}: no `job:` line")
    values, lists = parse_header(name, header, kernel)
    scenario = Scenario(name, values, lists, job, values["kernels"].split())
    scenario.allowed()
    return scenario


def names(folder: Path = SCENARIOS) -> list[str]:
    """All scenarios, sorted."""
    return sorted(path.stem for path in folder.glob("*.scenario"))
