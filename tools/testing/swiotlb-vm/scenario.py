# SPDX-License-Identifier: GPL-2.0
"""Scenario files: what to boot, on which machine, and the job inside.

A file is a header of `key = value` lines, a line `job:`, and a shell script
for the guest. Lines that start with # in the header are comments. A key may
carry `@<kernel>`; such a line replaces the plain one on that kernel. Keys
marked * may come several times and add up. README.md explains each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from common import SCENARIOS, RigError
from kernels import NAMES

SINGLE = {
    "summary": "", "kernels": "swiotlb", "memory": "512M", "cpus": "2", "devices": "",
    "disk": "64M", "cmdline": "", "limit": "60", "clock": "real", "tools": "",
    "backend": "", "ktap": "no", "patience": "120", "devicetree": "", "compare": "no",
    "latency": "", "iops": "", "nodes": "1",
    "ci": "", "ci_backend": "", "ci_variant": "", "ci_sweep": "", "coco": "", "conversions": "", "sweep": "",
}
MACHINE = ("memory", "cpus", "devices", "disk", "latency", "iops", "limit")  # what a variant can have its own of
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
        return [(name.strip(), split_machine(self.name, rest)[1]) for name, _, rest in pairs] or [("", "")]

    def for_variant(self, variant: str) -> Scenario:
        """The scenario on the machine of one variant."""
        for line in self.lists["variant"]:
            name, _, rest = line.partition(":")
            if name.strip() == variant:
                return replace(self, values=self.values | split_machine(self.name, rest)[0])
        return self

    def for_ci(self) -> Scenario:
        """What `make test` does of it: some of the backends and variants, part of a sweep."""
        lists = self.lists
        if self["ci_variant"]:
            chosen = self["ci_variant"].split()
            lists = lists | {"variant": [line for line in lists["variant"] if line.partition(":")[0].strip() in chosen]}
        return replace(self, lists=lists,
                       values=self.values | {"backend": self["ci_backend"] or self["backend"]})

    def confidential(self) -> Scenario:
        """The same in a confidential guest."""
        return replace(self, name=f"{self.name}-coco",
                       values=self.values | {"cmdline": f"{self['cmdline']} coco_sim".strip()})

    @property
    def ci_kernels(self) -> list[str]:
        """Kernels on which `make test` runs it; all that it is for, unless it says otherwise."""
        return [word for word in (self["ci"].split() or self.kernels) if word != "none"]

    @property
    def coco_kernels(self) -> list[str]:
        """Kernels on which `make test` also runs it in a confidential guest."""
        return self["coco"].split()

    def patterns(self, key: str, variant: str) -> list[str]:
        """Lines of `expect`, `fails` or `allow` for one variant; `[variant] pattern` is for that one only."""
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
    def keeps_nothing(self) -> bool:
        """Its disks only wait before they answer, so that many requests are on their way at a time."""
        return bool(self["latency"])

    @property
    def is_comparable(self) -> bool:
        """Its job is one write pass and one read pass of fio, the numbers of a comparison."""
        return self["compare"] == "yes"

    def allowed(self, variant: str) -> list[tuple[str, str]]:
        """Badness that a variant may cause: (pattern, reason)."""
        return [split_reason(self.name, line) for line in self.patterns("allow", variant)]


def split_machine(where: str, text: str) -> tuple[dict[str, str], str]:
    """The machine of a variant and its kernel parameters: `[memory=8G devices=nvme*4+edu] parameters`."""
    words, rest = re.fullmatch(r"\s*(?:\[(.*?)\])?\s*(.*?)\s*", text).groups()
    values = {word.partition("=")[0]: word.partition("=")[2].replace("+", " ") for word in (words or "").split()}
    for key in values:
        if key not in MACHINE:
            raise RigError(f"{where}: a variant cannot have its own {key}: must be one of {', '.join(MACHINE)}")
    return values, rest


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


def parse_header(name: str, header: str, kernel: str,
                 coco: bool) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Read the header for one kernel; a line for that kernel beats a plain one, one for `coco` both."""
    plain: dict[str, list[str]] = {}
    special: dict[str, list[str]] = {}
    confidential: dict[str, list[str]] = {}
    for number, line in enumerate(header.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\w+)(?:@(\w+))?\s*=\s*(.*?)\s*", line)
        if not match:
            raise RigError(f"{name}.scenario:{number}: not a `key = value` line: {line}")
        key, only, value = match.groups()
        if key not in SINGLE and key not in LISTS:
            raise RigError(f"{name}.scenario:{number}: unknown key {key}")
        if only and only not in (*NAMES, "coco"):
            raise RigError(f"{name}.scenario:{number}: unknown kernel {only}")
        for wanted, lines in ((None, plain), (kernel, special), ("coco" if coco else "", confidential)):
            if only == wanted:
                lines.setdefault(key, []).append(value)
    values = {key: (plain.get(key, [default]) + special.get(key, []) + confidential.get(key, []))[-1]
              for key, default in SINGLE.items()}
    lists = {key: plain.get(key, []) + special.get(key, []) + confidential.get(key, []) for key in LISTS}
    return values, lists


def load(name: str, kernel: str, folder: Path = SCENARIOS, coco: bool = False) -> Scenario:
    """The scenario called `name`, as it applies to `kernel`, and in a confidential guest if so wished."""
    path = folder / f"{name}.scenario"
    if not path.exists():
        known = ", ".join(names(folder))
        raise RigError(f"no scenario {name}: must be one of {known}")
    header, separator, job = path.read_text().partition("\njob:\n")
    if not separator:
        raise RigError(f"{path.name}: no `job:` line")
    values, lists = parse_header(name, header, kernel, coco)
    scenario = Scenario(name, values, lists, job, values["kernels"].split())
    for variant, _ in scenario.variants():
        scenario.allowed(variant)
    return scenario.confidential() if coco else scenario


def names(folder: Path = SCENARIOS) -> list[str]:
    """All scenarios, sorted."""
    return sorted(path.stem for path in folder.glob("*.scenario"))
