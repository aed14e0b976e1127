# SPDX-License-Identifier: GPL-2.0
"""Medians, spread, and an honest interval for a ratio of few rounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import comb
from statistics import median

WANTED_CONFIDENCE = 0.95
# Five rounds cannot give more than 93.75 %; fewer are no ground for a verdict.
LEAST_ROUNDS = 5
LEAST_CONFIDENCE = 0.93


@dataclass(frozen=True)
class Summary:
    """One metric on one kernel, over all rounds."""

    median: float
    low: float
    high: float
    values: list[float]

    def as_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Ratio:
    """Kernel under test over baseline, with an interval for the true median."""

    median: float
    low: float
    high: float
    confidence: float

    def as_json(self) -> dict:
        return asdict(self)

    @property
    def has_interval(self) -> bool:
        """Enough rounds for low and high to mean anything."""
        return self.confidence >= LEAST_CONFIDENCE

    @property
    def decided(self) -> bool:
        """The interval excludes "no difference", and enough rounds say so."""
        return self.has_interval and (self.low > 1 or self.high < 1)


def summarize(values: list[float]) -> Summary:
    """Median and range: with a handful of rounds, quartiles would pretend."""
    return Summary(median(values), min(values), max(values), values)


def sign_confidence(count: int, dropped: int) -> float:
    """How surely the median lies between the values left after dropping some at each end.

    Each value falls to either side of the true median like a coin; no shape
    of the distribution is assumed, which a bootstrap of five values would.
    """
    return 1 - 2 * sum(comb(count, k) for k in range(dropped + 1)) / 2 ** count


def best_interval(count: int) -> tuple[int, float]:
    """Values to drop at each end for the narrowest interval we accept, and its confidence."""
    dropped = 0
    while sign_confidence(count, dropped + 1) >= WANTED_CONFIDENCE:
        dropped += 1
    return dropped, sign_confidence(count, dropped)


def ratio(ours: list[float], base: list[float]) -> Ratio | None:
    """Median of the ratios of rounds, with a sign-test interval; None without a baseline.

    Each round has one boot of either kernel, one right after the other, so
    whatever slowed the machine down in that minute cancels out in the pair.
    """
    if len(ours) != len(base) or not ours or min(base) <= 0:
        return None
    pairs = sorted(mine / theirs for mine, theirs in zip(ours, base))
    dropped, confidence = best_interval(len(pairs))
    return Ratio(median(pairs), pairs[dropped], pairs[-1 - dropped], confidence)
