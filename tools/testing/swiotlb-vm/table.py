# SPDX-License-Identifier: GPL-2.0
"""The comparison as a table for a terminal."""

from __future__ import annotations

from comparison import Comparison, Metric
from stats import LEAST_ROUNDS, Ratio, Summary, best_interval


def number(value: float, digits: int) -> str:
    """Fixed digits, thousands apart."""
    return f"{value:,.{digits}f}"


def cell(summary: Summary, digits: int) -> str:
    """Median and, in brackets, the range over all rounds."""
    low, high = number(summary.low, digits), number(summary.high, digits)
    return f"{number(summary.median, digits)} [{low} .. {high}]"


def ratio_cell(found: Ratio | None) -> str:
    """Ratio and, after enough rounds, its interval."""
    if found is None:
        return "-"
    if not found.has_interval:
        return f"{found.median:.3f}"
    return f"{found.median:.3f} [{found.low:.3f} .. {found.high:.3f}]"


def confidence(rounds: int) -> str:
    """Of the interval, in whole per cent: a few rounds cannot give just any."""
    return f"{best_interval(rounds)[1]:.0%}"


def too_few(rounds: int) -> str:
    """What to say instead of an interval."""
    return (f"{rounds} round{'s' if rounds > 1 else ''}: too few for an interval, which takes "
            f"{LEAST_ROUNDS}; nothing is decided")


def verdict(metric: Metric, found: Ratio | None) -> str:
    """In words, and only where the interval allows any."""
    if found is None or not found.decided:
        return ""
    return "better" if (found.median > 1) == (metric.better > 0) else "worse"


def rows(result: Comparison) -> list[list[str]]:
    """The table's text, header first."""
    ratio = f"ratio [{confidence(result.rounds)} interval]" if result.has_interval else "ratio"
    lines = [["median [range]", "unit", result.base.title, result.ours.title, ratio, ""]]
    for metric in result.metrics:
        found = result.ratio(metric)
        lines.append([metric.title, metric.unit, cell(result.base.summary(metric), metric.digits),
                      cell(result.ours.summary(metric), metric.digits),
                      ratio_cell(found), verdict(metric, found)])
    return lines


def show(result: Comparison) -> None:
    """Print it, columns aligned."""
    lines = rows(result)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    print()
    for index, line in enumerate(lines):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        if not index:
            print("  ".join("-" * width for width in widths if width))
    if not result.has_interval:
        print(too_few(result.rounds))
    print()
