# SPDX-License-Identifier: GPL-2.0
"""What came back through the results port, see init.c for the format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

# /proc/stat counts hundredths of a second, whatever the kernel's HZ.
TICK_MS = 10
Value = int | float | str


@dataclass
class Results:
    """Everything a guest said about itself; empty when it said nothing."""

    release: str | None = None
    cmdline: str | None = None
    backend: str | None = None
    backend_at_end: str | None = None
    verdict: str | None = None
    reason: str | None = None
    cpu_stat: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Value] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def cpu(self) -> dict[str, int]:
        """CPU time of all guest CPUs while the job ran; empty if it did not end."""
        if self.cpu_stat.keys() != {"before", "after"}:
            return {}
        return cpu_between(self.cpu_stat["before"], self.cpu_stat["after"])


def cpu_between(before: str, after: str) -> dict[str, int]:
    """CPU time that passed between two first lines of /proc/stat."""
    counts = (list(map(int, line.split()[1:8])) for line in (before, after))
    user, nice, system, _, _, irq, softirq = (TICK_MS * (to - start) for start, to in zip(*counts))
    return {"user_ms": user + nice, "system_ms": system, "irq_ms": irq + softirq}


def number_or_word(text: str) -> Value:
    """Metrics are sent as text: a guest's `007` or `1e3` is ours to judge."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text)
    return text


def selected_backend(line: str | None) -> str | None:
    """`fixed` of `[fixed] other`; empty if none is active, None if there is no such file."""
    if line is None:
        return None
    match = re.search(r"\[([\w-]+)\]", line)
    return match[1] if match else ""


def read_results(path: Path) -> Results:
    """Parse as far as the guest got: a crash leaves half a line behind."""
    results = Results()
    text = path.read_text(errors="replace") if path.exists() else ""
    for line in text.splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            break
        take(results, item)
    return results


def take(results: Results, item: dict) -> None:
    """Add one line of the results port."""
    kind = item.pop("type", None)
    if kind == "hello":
        results.release, results.cmdline = item["release"], item["cmdline"]
        results.backend = selected_backend(item["backend"])
    elif kind == "cpu":
        results.cpu_stat[item["when"]] = item["stat"]
    elif kind == "metric":
        results.metrics[item["key"]] = number_or_word(item["value"])
    elif kind == "file":
        results.files[item["name"]] = item["text"]
    elif kind == "end":
        results.verdict, results.reason = item["verdict"], item["reason"]
        results.backend_at_end = selected_backend(item.get("backend"))
