# SPDX-License-Identifier: GPL-2.0
"""Count the results in KTAP, the test output format of KUnit and kselftest."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field

RESULT = re.compile(r"^(\s*)(not )?ok (\d+)\b(.*)$")
PLAN = re.compile(r"^(\s*)1\.\.(\d+)")


@dataclass
class Level:
    """One nesting level while it is open."""

    planned: int | None = None
    seen: int = 0


@dataclass
class Counts:
    """Leaf results only: a suite that repeats its cases counts them once."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)  # each with its reason

    def as_json(self) -> dict[str, int]:
        return {key: value for key, value in asdict(self).items() if isinstance(value, int)}

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.skipped


class Parser:
    """Fed line by line; indentation is the nesting level."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.levels: dict[int, Level] = {}

    def close_below(self, indent: int) -> bool:
        """Check the plans of all deeper levels. True if there were any results."""
        had_children = False
        for depth in sorted(depth for depth in self.levels if depth > indent):
            level = self.levels.pop(depth)
            had_children |= level.seen > 0
            if level.planned is not None and level.planned != level.seen:
                self.counts.problems.append(
                    f"KTAP: {level.planned} tests planned, {level.seen} reported")
        return had_children

    def feed(self, line: str) -> None:
        plan = PLAN.match(line)
        if plan:
            self.close_below(len(plan[1]) - 1)
            self.levels[len(plan[1])] = Level(planned=int(plan[2]))
            return
        result = RESULT.match(line)
        if not result:
            return
        indent = len(result[1])
        had_children = self.close_below(indent)
        self.levels.setdefault(indent, Level()).seen += 1
        self.count(result, had_children)

    def count(self, result: re.Match[str], had_children: bool) -> None:
        """A parent counts only when it fails without a failed child to blame."""
        name = result[4].strip(" -")
        if "# SKIP" in result[4].upper():
            self.counts.skipped += not had_children
            self.counts.skips.append(name)
        elif result[2]:
            self.counts.problems.append(f"KTAP: not ok: {name}")
            self.counts.failed += not had_children
        else:
            self.counts.passed += not had_children


def parse(text: str) -> Counts:
    """Results of all KTAP in a log; other lines are ignored."""
    parser = Parser()
    for line in text.splitlines():
        parser.feed(line)
    parser.close_below(-1)
    return parser.counts
