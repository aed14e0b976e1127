# SPDX-License-Identifier: GPL-2.0
"""Failure injection on every conversion in turn: boots that a counting boot gives rise to.

`sweep = <counter>:<parameter> ...` in a scenario: the first boot, which fails nothing, says how many conversions
there are (`sim <counter>` at its end); then one boot follows for each, with `<parameter>=<n>` on its command line.
`ci_sweep = <n>` is how many of each kind `make test` boots, spread evenly; the first and the last are among them.
"""

from __future__ import annotations

import re

import coco
from boot import Boot
from scenario import Scenario

NAME = re.compile(r"(\w+)_(\d+)")


def spread(count: int, most: int) -> list[int]:
    """At most so many numbers out of 1 .. count, both ends and evenly between."""
    if count <= most or most < 1:
        return list(range(1, count + 1))
    if most == 1:
        return [1]
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


def kinds(scenario: Scenario) -> list[tuple[str, str, str]]:
    """(short name, counter, parameter) of each word."""
    found = []
    for word in scenario["sweep"].split():
        counter, _, parameter = word.partition(":")
        found.append((counter.removeprefix("calls_"), counter, parameter))
    return found


def variants(scenario: Scenario, variant: tuple[str, str], counted: Boot, ci: bool) -> list[tuple[str, str]]:
    """Boots to make after the counting one; none if that failed."""
    if not scenario["sweep"] or not counted.passed:
        return []
    most = int(scenario["ci_sweep"] or 0) if ci else 0
    prefix = f"{variant[0]}_" if variant[0] else ""
    return [(f"{prefix}{short}_{number}", f"{variant[1]} {parameter}={number}".strip())
            for short, counter, parameter in kinds(scenario)
            for number in spread(counted.conversions[coco.END].sim[counter], most)]


def problems(variant: tuple[str, str], counted: Boot, swept: Boot) -> list[str]:
    """A boot in which nothing failed proves nothing, if that conversion came before the disks were there."""
    if not swept.passed:
        return []
    match = NAME.search(variant[0])
    at_boot = counted.conversions[coco.BOOT].sim[f"calls_{match[1].rpartition('_')[2]}"]
    if int(match[2]) <= at_boot and not swept.conversions[coco.END].sim["injected"]:
        return [f"conversion {match[2]} did not fail, so this proved nothing"]
    return []
