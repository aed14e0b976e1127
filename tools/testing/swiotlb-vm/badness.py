# SPDX-License-Identifier: GPL-2.0
"""Console lines that mean trouble, and the explicit exceptions.

The console never decides that a guest passed; it only ever makes one fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from common import RIG
from scenario import split_reason

# Refused maps as the kernels log them. dev_warn_ratelimited() drops lines in
# a burst and says later, before its next message, how many it dropped.
MAP_FAILURE = re.compile(
    r"swiotlb buffer is \w+ \(sz|swiotlb has no memory to bounce|swiotlb request of \d+ bytes"
    r"|swiotlb memory .* out of reach|an not allocate SWIOTLB buffer earlier")
SUPPRESSED = re.compile(r"swiotlb\w*: (\d+) callbacks suppressed")

PATTERNS = (
    r"WARNING:", r"\bBUG\b", r"\bOops\b", r"Call Trace:", r"general protection",
    r"Kernel panic", r"kernel panic", r"Unable to handle", r"unable to handle",
    r"INFO: task .* blocked", r"INFO: possible", r"possible (circular|recursive|irq) locking",
    r"INFO: (trying|lockdep)", r"suspicious RCU usage", r"inconsistent lock state",
    r"sleeping function called from", r"scheduling while atomic",
    r"rcu.*(detected|self-detected) (expedited )?stall", r"soft lockup", r"hard LOCKUP",
    r"KASAN", r"KMSAN", r"KCSAN", r"KFENCE:", r"UBSAN:", r"kmemleak", r"DMA-API:",
    r"refcount_t:", r"list_(add|del) corruption", r"ODEBUG:", r"Bad page state",
    r"Out of memory", r"oom-kill", r"page allocation failure", r"segfault at", r"traps:",
    r"I/O error", r"Buffer I/O", r"critical (medium|target) error", r"timed? ?out", r"timeout",
    r"swiotlb.*(fail|overflow|invalid|leak|unknown|ignored)", r"IO TLB:.*(no |cannot|refuse|leak)",
    MAP_FAILURE.pattern, r"[Ff]ailed to", r"DMA addr .* overflow",
    r"coco_sim: (private|shared) page", r"Unknown symbol", r"disagrees about version", r"callbacks suppressed",
    r"nobody cared", r"Badness", r"protocol violation", r"corrupt",
)
BAD = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS))
PANIC = re.compile(r"Kernel panic - (.*)")


@dataclass(frozen=True)
class Findings:
    """Result of reading one console."""

    bad: list[str]
    allowed: list[dict[str, str]]


def allow_list() -> list[tuple[str, str]]:
    """Exceptions for every scenario: badness.allow, `pattern ## reason` per line."""
    lines = (RIG / "badness.allow").read_text().splitlines()
    return [split_reason("badness.allow", line)
            for line in lines if line.strip() and not line.startswith("#")]


def examine(console: str, allowed: list[tuple[str, str]]) -> Findings:
    """Split the suspicious lines of a console into bad and allowed ones."""
    exceptions = [(re.compile(pattern), reason) for pattern, reason in allowed]
    findings = Findings([], [])
    for line in console.splitlines():
        if not BAD.search(line):
            continue
        reason = next((why for pattern, why in exceptions if pattern.search(line)), None)
        if reason is None:
            findings.bad.append(line.strip())
        else:
            findings.allowed.append({"line": line.strip(), "reason": reason})
    return findings


def count_map_failures(console: str) -> int:
    """Refused maps, with those the kernel's rate limit swallowed and owned up to."""
    suppressed = sum(int(match[1]) for match in SUPPRESSED.finditer(console))
    return len(MAP_FAILURE.findall(console)) + suppressed


def panic_reason(console: str) -> str:
    """The panic's own words, or nothing."""
    match = PANIC.search(console)
    return match[1].strip() if match else ""
