# SPDX-License-Identifier: GPL-2.0
"""What gcov says was reached of a source file, and how what several builds say is put together.

In user space and in the kernel the sources are compiled without optimization, but with other macros, which can have
branches of their own, and lines: what counts is what user space has of a file. Where guests know as many branches
of a line, they are taken for the same ones, in the same order; where they do not, they add them only if they took all of
theirs, which must be more.

Functions in headers are inlined in many files, and not counted.
"""

import dataclasses
import json
import pathlib
import re
import subprocess


@dataclasses.dataclass
class Line:
    """How often a line was reached, and each of its branches taken."""

    count: int = 0
    branches: list = dataclasses.field(default_factory=list)

    @property
    def taken(self):
        """Number of branches."""
        return sum(1 for count in self.branches if count)

    @property
    def missing(self):
        """Number of branches that were not."""
        return len(self.branches) - self.taken


def lines_of(counts):
    """Of what gcov says of one file: number -> Line. A line that is in several functions is there several times."""
    lines = {}
    for entry in counts["lines"]:
        line = lines.setdefault(entry["line_number"], Line())
        line.count += entry["count"]
        line.branches += [branch["count"] for branch in entry["branches"]]
    return lines


def read(counters):
    """Name of a source -> number -> Line, of all files with counters in one folder, of which one run wrote each.

    Raises ValueError if there are none, or gcov cannot make sense of them.
    """
    if not counters:
        raise ValueError("no counters were written")
    done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *sorted(path.resolve() for path in counters)],
                          capture_output=True, text=True, check=False)
    bad = [line for line in done.stderr.splitlines() if "mismatch" in line or "cannot open notes" in line]
    if done.returncode or bad:
        raise ValueError(f"gcov in {counters[0].parent}: {(bad or done.stderr.splitlines() or ['failed'])[0]}")
    found = {}
    for text in done.stdout.splitlines():
        for file in json.loads(text)["files"]:
            name = pathlib.Path(file["file"]).name
            if name in {path.with_suffix(".c").name for path in counters}:
                found[name] = lines_of(file)
    return found


def add(one, other):
    """Lines of two runs of the same build."""
    result = {}
    for number in one.keys() | other.keys():
        parts = [lines[number] for lines in (one, other) if number in lines]
        branches = [sum(counts) for counts in zip(*(part.branches for part in parts))]
        result[number] = Line(sum(part.count for part in parts), branches)
    return result


def joined(line, there):
    """A line of two builds, see above."""
    if len(there.branches) == len(line.branches):
        branches = [sum(counts) for counts in zip(line.branches, there.branches)]
    elif there.taken == len(there.branches) > len(line.branches):
        branches = [1] * len(line.branches)
    else:
        branches = line.branches
    return Line(line.count + there.count, branches)


def together(user, guests):
    """Lines of two builds."""
    return {number: joined(line, guests.get(number, Line())) for number, line in user.items()}


def blank(lines):
    """The same lines, none of them reached."""
    return {number: Line(0, [0] * len(line.branches)) for number, line in lines.items()}


def figures(lines):
    """[lines, reached, branches, taken]"""
    return [len(lines), sum(1 for line in lines.values() if line.count),
            sum(len(line.branches) for line in lines.values()), sum(line.taken for line in lines.values())]


def function_at(text, number):
    """The name of the function that line is in; gcov does not name those that are inlined or never called."""
    for line in reversed(text[:number]):
        start = re.match(r"[A-Za-z_][\w\s*]*?(\w+)\(", line)
        if start:
            return start[1]
    return "?"


def unreached(lines, text):
    """Function name -> numbers of its lines that were not reached."""
    found = {}
    for number in sorted(number for number, line in lines.items() if not line.count):
        found.setdefault(function_at(text, number), []).append(number)
    return found
