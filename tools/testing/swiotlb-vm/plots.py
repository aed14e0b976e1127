# SPDX-License-Identifier: GPL-2.0
"""Inline SVG for page.py: a forest plot of ratios, and strips of dots."""

from __future__ import annotations

import math
from html import escape
from comparison import Comparison, Metric
from stats import Ratio
from table import number, verdict

FOREST_WIDTH, ROW, LABEL, RATIO_TEXT = 880, 26, 190, 150
STRIP_WIDTH, STRIP_HEIGHT, STRIP_MARGIN = 440, 96, 26


class Axis:
    """A linear scale from values to pixels, with round ticks."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        if high <= low:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.left, self.right = low, high, left, right

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.left + share * (self.right - self.left), 1)

    def ticks(self, wanted: int) -> list[float]:
        step = 10 ** math.floor(math.log10((self.high - self.low) / wanted))
        step = next(step * factor for factor in (1, 2, 5, 10)
                    if (self.high - self.low) / (step * factor) <= wanted)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def tick_text(value: float) -> str:
    """As few digits as tell ticks apart."""
    return f"{value:,.4f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def svg(width: int, height: int, label: str, parts: list[str]) -> str:
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
            + "".join(parts) + "</svg>")


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1,
         more: str = "") -> str:
    return (f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="var(--{colour})" '
            f'stroke-width="{width}" {more}/>')


def text(x: float, y: float, words: str, anchor: str = "start", css: str = "",
         colour: str = "") -> str:
    style = f' style="fill:var(--{colour})"' if colour else ""
    return (f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{css}"{style}>'
            f"{escape(words)}</text>")


def edges(ratio: Ratio) -> tuple[float, float]:
    """Ends of the interval; the median where there is none."""
    return (ratio.low, ratio.high) if ratio.has_interval else (ratio.median, ratio.median)


def forest_axis(ratios: list[Ratio]) -> Axis:
    """Around 1, at least five per cent to either side; no ratio is below 0."""
    reach = max([abs(edge - 1) for ratio in ratios for edge in edges(ratio)] + [0.05])
    return Axis(max(0, 1 - 1.1 * reach), 1 + 1.1 * reach, LABEL, FOREST_WIDTH - RATIO_TEXT)


def forest(result: Comparison) -> str:
    """All ratios with their intervals on one axis."""
    rows = [(metric, result.ratio(metric)) for metric in result.metrics]
    axis = forest_axis([ratio for _, ratio in rows if ratio])
    bottom = ROW * len(rows) + 4
    parts = []
    for tick in axis.ticks(8):
        x = axis.x(tick)
        parts.append(line(x, 0, x, bottom, "line"))
        parts.append(text(x, bottom + 16, tick_text(tick), "middle", "soft"))
    parts.append(line(axis.x(1), 0, axis.x(1), bottom, "soft", 1.5))
    for index, (metric, ratio) in enumerate(rows):
        parts += forest_row(axis, metric, ratio, ROW * index + ROW / 2 + 2)
    return svg(FOREST_WIDTH, bottom + 22, "ratio of each metric to the baseline", parts)


def forest_row(axis: Axis, metric: Metric, ratio: Ratio | None, y: float) -> list[str]:
    """One metric: name, interval, point, number."""
    parts = [text(0, y + 4, metric.title)]
    if ratio is None:
        parts.append(text(FOREST_WIDTH, y + 4, "none on either side to compare", "end", "soft"))
        return parts
    colour = {"better": "good", "worse": "bad"}.get(verdict(metric, ratio), "soft")
    low, high = edges(ratio)
    parts.append(line(axis.x(low), y, axis.x(high), y, colour, 3,
                      'stroke-linecap="round" opacity=".55"'))
    parts.append(f'<circle cx="{axis.x(ratio.median)}" cy="{y}" r="5" fill="var(--{colour})"/>')
    words = f"{ratio.median:.3f}" + (f" [{low:.3f}, {high:.3f}]" if ratio.has_interval else "")
    parts.append(text(FOREST_WIDTH, y + 4, words, "end", "", colour if colour != "soft" else ""))
    return parts


def strip(result: Comparison, metric: Metric) -> str:
    """Dots of both sides above a common axis."""
    sides = ((result.base, "base"), (result.ours, "ours"))
    values = [value for side, _ in sides for value in side.values[metric.key]]
    pad = 0.05 * (max(values) - min(values)) or 0.02 * abs(max(values)) or 0.5
    axis = Axis(min(values) - pad, max(values) + pad, STRIP_MARGIN, STRIP_WIDTH - STRIP_MARGIN)
    bottom, parts = STRIP_HEIGHT - 20, []
    # Where nothing ever varied, a scale would only invent a spread.
    for tick in axis.ticks(5) if min(values) < max(values) else [values[0]]:
        x = axis.x(tick)
        parts.append(line(x, 6, x, bottom, "line"))
        parts.append(text(x, bottom + 15, tick_text(tick), "middle", "soft"))
    for index, (side, colour) in enumerate(sides):
        parts += strip_row(axis, side.values[metric.key], side.summary(metric).median,
                           22 + 34 * index, colour, metric.digits)
    return svg(STRIP_WIDTH, STRIP_HEIGHT, f"{metric.title} of every round", parts)


def strip_row(axis: Axis, values: list[float], middle: float, y: float, colour: str,
              digits: int) -> list[str]:
    """One side's dots, its median as a bar with the number on top of it."""
    parts = [f'<circle cx="{axis.x(value)}" cy="{y}" r="4.5" fill="var(--{colour})" '
             f'opacity=".7"><title>{number(value, digits)}</title></circle>' for value in values]
    parts.append(line(axis.x(middle), y - 10, axis.x(middle), y + 10, colour, 2.5))
    return parts
