# SPDX-License-Identifier: GPL-2.0
"""What `rig.py bench` counted: rows of map and unmap, lookups, and upstream's benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field

from common import RigError
from guest import Value

Metrics = dict[str, Value]

# What a lookup costs in its several outcomes, see bench_module/lookup.c.
LOOKUPS = {
    "hit": "hit, mean of all pools",
    "hit_worst": "hit, worst pool",
    "near.sync": "miss behind a pool, sync",
    "near.unmap": "miss behind a pool, unmap",
    "ram.sync": "miss, any buffer, sync",
    "ram.unmap": "miss, any buffer, unmap",
    "far.sync": "miss beyond memory, sync",
    "far.unmap": "miss beyond memory, unmap",
    "fresh.unmap": "unmap, device never bounced",
}
# These must not depend on the number of pools. How far a walk for any buffer gets may.
STEADY = ("hit", "hit_worst", "near.sync", "near.unmap", "far.sync", "far.unmap")
MISSES = tuple(key for key in LOOKUPS if key.endswith((".sync", ".unmap")) and key != "fresh.unmap")
STEADY_SLACK = 2  # instructions
# The backend of the bench module, made for the deepest walk there can be.
DEEPEST = "pools"


def title_of(kernel: str, backend: str) -> str:
    """How a kernel with a backend, if any, is called."""
    return f"{kernel}/{backend}" if backend else kernel


@dataclass(frozen=True)
class Row:
    """Instructions per map and unmap on both sides."""

    name: str
    base: float
    ours: float
    memcpy: float

    @property
    def ratio(self) -> float:
        return self.ours / self.base

    @property
    def ratio_without_copy(self) -> float:
        """What remains when both sides copy for nothing: the bookkeeping."""
        return (self.ours - self.memcpy) / (self.base - self.memcpy)

    def title(self) -> list[str]:
        """Columns size, direction, min_align_mask, pool occupancy."""
        size, direction, mask, occupancy = self.name.split(".")
        return [size, direction.replace("_", ", ") + (" sync" if "skip" in direction else ""),
                f"{int(mask, 16):#x}", f"{occupancy} %"]

    def sentence(self) -> str:
        """Its title within a sentence."""
        size, direction, mask, occupancy = self.title()
        return f"{size} B, {direction}, mask {mask}, {occupancy} full"

    def as_json(self) -> dict:
        return {"row": self.name, "base": self.base, "ours": self.ours, "memcpy": self.memcpy,
                "ratio": round(self.ratio, 4),
                "ratio_without_copy": round(self.ratio_without_copy, 4)}


class Counts:
    """Maps and unmaps of one boot, in instructions; the module reports hundredths."""

    def __init__(self, metrics: Metrics) -> None:
        self.values = {key: value / 100 for key, value in metrics.items()
                       if isinstance(value, int) and key.startswith(("map.", "unmap.", "memcpy."))}
        self.empty = float(metrics["empty"]) / 100

    def cost(self, key: str) -> float:
        """Instructions of one operation, without those that read the counter."""
        return self.values[key] - self.empty

    def copies(self, size: str, direction: str) -> float:
        """Instructions a map and an unmap must spend copying, whatever the allocator.

        Each map copies to the bounce buffer, for the device may write less
        than all of it. An unmap copies back what came from the device.
        """
        return self.cost(f"memcpy.{size}") * (2 if direction == "from" else 1)


def rows(base: Counts, ours: Counts) -> list[Row]:
    """One row per size, direction, mask and occupancy."""
    if base.values.keys() != ours.values.keys():
        raise RigError("bench: the two kernels measured different things: "
                       + ", ".join(sorted(base.values.keys() ^ ours.values.keys())))
    found = []
    for key in base.values:
        operation, _, rest = key.partition(".")
        if operation == "map":
            size, direction = rest.split(".")[:2]
            found.append(Row(rest, *(side.cost(key) + side.cost(f"unmap.{rest}")
                                     for side in (base, ours)), base.copies(size, direction)))
    return found


@dataclass(frozen=True)
class Lookup:
    """What lookups cost in one state of one guest, in instructions, by LOOKUPS' keys."""

    kernel: str
    backend: str
    pools: int
    costs: dict[str, float]

    @property
    def title(self) -> str:
        return title_of(self.kernel, self.backend)

    def as_json(self) -> dict:
        return {"kernel": self.kernel, "backend": self.backend or None, "pools": self.pools,
                "costs": self.costs}


def lookups(kernel: str, backend: str, metrics: Metrics) -> list[Lookup]:
    """All states of a boot: results are called lookup.<own|another backend>.<pools>.<key>."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for key, value in metrics.items():
        if key.startswith("lookup."):
            _, whose, pools, what = key.split(".", 3)
            found.setdefault((whose, int(pools)), {})[what] = float(value) / 100
    return [Lookup(kernel, backend if whose == "own" else whose, pools, costs)
            for (whose, pools), costs in found.items()]


def unsteady(table: list[Lookup]) -> list[str]:
    """Lookups of ours that cost something else with many pools than with one."""
    found = []
    one = {item.title: item for item in table if item.pools == 1}
    for item in table:
        first = one.get(item.title)
        for key in STEADY if first else ():
            more = item.costs[key] - first.costs[key]
            if abs(more) > STEADY_SLACK:
                found.append(f"{item.title}: {LOOKUPS[key]} takes {item.costs[key]:.1f} instructions with "
                             f"{item.pools} pools and {first.costs[key]:.1f} with one")
    return found


def dearer(table: list[Lookup], upstream: Lookup) -> list[str]:
    """Misses of our built-in backends that cost more than upstream's with one pool."""
    return [f"{item.title}: {LOOKUPS[key]} takes {item.costs[key]:.1f} instructions ({item.pools} "
            f"pool{'s' if item.pools > 1 else ''}), upstream's with one pool {upstream.costs[key]:.1f}"
            for item in table if item.backend != DEEPEST
            for key in MISSES if item.costs[key] > upstream.costs[key]]


@dataclass(frozen=True)
class MapTime:
    """A result of upstream's dma_map_benchmark, in microseconds of the guest."""

    kernel: str
    backend: str
    clock: str
    threads: int
    direction: str
    granule_kib: int
    map_us: float
    unmap_us: float

    @property
    def title(self) -> str:
        return title_of(self.kernel, self.backend)

    @property
    def case(self) -> tuple[str, int, str, int]:
        """What was asked for, the same on all kernels and backends."""
        return self.clock, self.threads, self.direction, self.granule_kib

    def as_json(self) -> dict:
        return {"kernel": self.kernel, "backend": self.backend or None, "clock": self.clock,
                "threads": self.threads, "direction": self.direction,
                "granule_kib": self.granule_kib, "map": self.map_us, "unmap": self.unmap_us}


def map_times(kernel: str, backend: str, clock: str, metrics: Metrics) -> list[MapTime]:
    """Those of one boot, see map_benchmark() in guest.sh: the best of rounds, for what disturbs only adds.

    Results are called dma_map_benchmark.<own|none|backend>.<round>.<threads>.<direction>.<KiB>.<what>.
    """
    found: dict[tuple, dict[str, list[float]]] = {}
    for key, value in metrics.items():
        if key.startswith("dma_map_benchmark."):
            _, whose, _, threads, direction, kib, what = key.split(".")
            whose = {"own": backend, "none": ""}.get(whose, whose)
            case = whose, clock, int(threads), direction, int(kib)
            found.setdefault(case, {}).setdefault(what, []).append(float(value))
    return [MapTime(kernel, *case, min(times["map_us"]), min(times["unmap_us"]))
            for case, times in found.items()]


@dataclass
class Bench:
    """Everything that the table, the JSON file and the page are made from.

    `sides` are compared with the base row by row; the bar is for `barred` ones, those of ours.
    """

    base: str
    kernel: str
    max_ratio: float | None
    sides: dict[str, list[Row]] = field(default_factory=dict)
    barred: list[str] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    times: list[MapTime] = field(default_factory=list)

    def worst(self, side: str) -> Row:
        return max(self.sides[side], key=lambda row: row.ratio)

    def worst_without_copy(self, side: str) -> Row:
        return max(self.sides[side], key=lambda row: row.ratio_without_copy)

    def upstream_lookup(self) -> Lookup | None:
        """Upstream's own growing pools, while there is one; they are measured on demand."""
        return next((item for item in self.lookups
                     if item.kernel == "pristine-dynamic" and item.pools == 1), None)

    def over_the_bar(self, side: str) -> bool:
        return (self.max_ratio is not None and side in self.barred
                and self.worst(side).ratio > self.max_ratio)

    @property
    def reasons(self) -> list[str]:
        """Why it failed."""
        found = [f"{side}: map + unmap takes {self.worst(side).ratio:.3f} times what it takes on {self.base}"
                 for side in self.sides if self.over_the_bar(side)]
        mine = [item for item in self.lookups if item.kernel == self.kernel]
        found += unsteady(mine)
        upstream = self.upstream_lookup()
        return found + (dearer(mine, upstream) if upstream else [])

    def as_json(self) -> dict:
        return {
            "verdict": "fail" if self.reasons else "pass", "reasons": self.reasons,
            "max_ratio": self.max_ratio, "unit": "instructions",
            "base": self.base, "kernel": self.kernel,
            "sides": [{"title": side, "verdict": "fail" if self.over_the_bar(side) else "pass",
                       "worst": self.worst(side).as_json(),
                       "worst_without_copy": self.worst_without_copy(side).as_json(),
                       "rows": [row.as_json() for row in table]}
                      for side, table in self.sides.items()],
            "lookup": [item.as_json() for item in self.lookups],
            "dma_map_benchmark_us": [item.as_json() for item in self.times],
        }
