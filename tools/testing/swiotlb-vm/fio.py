# SPDX-License-Identifier: GPL-2.0
"""fio's reports: numbers out of them, and proof that every byte was verified."""

from __future__ import annotations

import json
from dataclasses import dataclass

import qemu
from scenario import Scenario

DISK_KINDS = ("nvme", "virtio-blk", "ahci")


@dataclass(frozen=True)
class Pass:
    """One run of fio over all disks of a guest, in one direction or both."""

    name: str
    direction: str
    bytes: int
    errors: int
    iops: float
    mb_per_s: float
    p99_ms: float
    longest_ms: float

    def sentence(self) -> str:
        """For the terminal."""
        return (f"{self.name} {self.iops:.0f} IOPS, {self.mb_per_s:.0f} MB/s, p99 {self.p99_ms:.0f} ms, "
                f"longest {self.longest_ms:.0f} ms")


def parse(name: str, text: str) -> Pass:
    """The one group of jobs in a report. ValueError when it is not fio's."""
    job = json.loads(text)["jobs"][0]
    names = [name for name in ("read", "write") if job[name]["io_bytes"]] or ["write"]
    sides = [job[name] for name in names]
    return Pass(
        name=name, direction=names[0] if len(names) == 1 else "mixed", errors=job["error"],
        bytes=sum(side["io_bytes"] for side in sides), iops=sum(side["iops"] for side in sides),
        mb_per_s=sum(side["bw_bytes"] for side in sides) / 1e6,
        p99_ms=max(side["clat_ns"]["percentile"]["99.000000"] for side in sides) / 1e6,
        longest_ms=max(side["lat_ns"]["max"] for side in sides) / 1e6)


def passes(files: dict[str, str]) -> dict[str, Pass]:
    """All passes among the forwarded files, by name."""
    return {name.removesuffix(".json"): parse(name.removesuffix(".json"), text)
            for name, text in sorted(files.items()) if name.endswith(".json")}


def disk_bytes(scenario: Scenario) -> int:
    """Bytes on all disks of a scenario together."""
    count = 0
    for word in scenario["devices"].split():
        kind, _, number = word.removeprefix("external/").partition("*")
        count += int(number or 1) * (kind in DISK_KINDS)
    return count * qemu.parse_size(scenario["disk"])


def problems(files: dict[str, str], scenario: Scenario) -> list[str]:
    """Why these reports do not prove that all disks were written and verified.

    A verifying fio fails by itself on a wrong byte, but would be as content
    with half of the bytes: so each pass must have covered all of them.
    """
    if "fio" not in scenario["tools"].split():
        return []
    total, reasons = disk_bytes(scenario), []
    try:
        found = passes(files)
    except (ValueError, KeyError, IndexError) as why:
        return [f"fio: unreadable report: {why!r}"]
    if scenario.keeps_nothing:
        if not found:
            return ["fio: nothing was reported"]
        return [f"fio: {item.name} moved {item.bytes} bytes with {item.errors} errors"
                for item in found.values() if item.errors or not item.bytes]
    for item in found.values():
        if item.bytes != total or item.errors:
            reasons.append(f"fio: pass {item.name} covered {item.bytes} of {total} bytes "
                           f"with {item.errors} errors")
    for direction in ("write", "read"):
        if not any(item.direction == direction for item in found.values()):
            reasons.append(f"fio: no {direction} pass was reported")
    return reasons
