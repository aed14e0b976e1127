# SPDX-License-Identifier: GPL-2.0
"""`rig.py bench`: instructions per map and unmap, counted on both kernels."""

from __future__ import annotations

import json
from dataclasses import dataclass

from boot import Boot, run_boot
from common import REPORTS, RigError, shown
from kernels import Kernel
from scenario import load
from single import print_boot


@dataclass(frozen=True)
class Row:
    """Instructions per operation on both kernels."""

    name: str
    base: float
    ours: float
    memcpy: float

    @property
    def is_miss(self) -> bool:
        """A failed lookup, no map: what directly mapped devices pay per unmap."""
        return self.name.startswith("miss.")

    @property
    def ratio(self) -> float:
        return self.ours / self.base

    @property
    def ratio_without_copy(self) -> float:
        """What remains when both kernels copy for nothing: the bookkeeping."""
        return (self.ours - self.memcpy) / (self.base - self.memcpy)

    def as_json(self) -> dict:
        return {"row": self.name, "base": self.base, "ours": self.ours, "memcpy": self.memcpy,
                "ratio": round(self.ratio, 4),
                "ratio_without_copy": round(self.ratio_without_copy, 4)}


class Counts:
    """Numbers of one kernel, in instructions; the module reports hundredths."""

    def __init__(self, boot: Boot) -> None:
        self.values = {key: value / 100 for key, value in boot.results.metrics.items()
                       if isinstance(value, int) and not key.startswith("io_tlb")}
        self.empty = self.values.pop("empty")

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
    """One row per size, direction, mask and occupancy, then the lookup misses."""
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
        elif operation == "miss":
            found.append(Row(key, base.cost(key), ours.cost(key), 0.0))
    return found


def row_title(name: str) -> list[str]:
    """Columns size, direction, min_align_mask, pool occupancy."""
    if name.startswith("miss."):
        return ["", f"lookup miss, {name.removeprefix('miss.')}", "", ""]
    size, direction, mask, occupancy = name.split(".")
    return [size, direction.replace("_", ", ") + (" sync" if "skip" in direction else ""),
            f"{int(mask, 16):#x}", f"{occupancy} %"]


def short(row: Row) -> str:
    """A row's title within a sentence."""
    size, direction, mask, occupancy = row_title(row.name)
    return f"{size} B, {direction}, mask {mask}, {occupancy} full"


def show(table: list[Row], base: Kernel, ours: Kernel) -> None:
    """Print all rows, aligned."""
    head = ["bytes", "direction", "min_align", "pool full", base.name, ours.name, "ratio", "no copy"]
    lines = [head] + [
        row_title(row.name) + [f"{row.base:,.0f}", f"{row.ours:,.0f}", f"{row.ratio:.3f}",
                               f"{row.ratio_without_copy:.3f}"] for row in table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print("\ninstructions per map + unmap")
    for line in lines:
        print("  ".join(text.ljust(width) if index == 1 else text.rjust(width)
                        for index, (text, width) in enumerate(zip(line, widths))).rstrip())


def benchmark(base: Kernel, ours: Kernel, backend: str, max_ratio: float | None) -> int:
    """Boot both, compare. With a bar, 1 when some map + unmap exceeds it."""
    (REPORTS / "bench.json").unlink(missing_ok=True)
    boots = []
    for kernel in (base, ours):
        scenario = load("icount", kernel.name)
        boot = run_boot(scenario, kernel, backend=backend if kernel is ours else "")
        print_boot(scenario, kernel, boot)
        if not boot.passed:
            return 1
        boots.append(boot)
    table = rows(*(Counts(boot) for boot in boots))
    show(table, base, ours)
    bounced = [row for row in table if not row.is_miss]
    worst = max(bounced, key=lambda row: row.ratio)
    bare = max(bounced, key=lambda row: row.ratio_without_copy)
    miss = max((row for row in table if row.is_miss), key=lambda row: row.ratio)
    failed = max_ratio is not None and worst.ratio > max_ratio
    report = {
        "verdict": "fail" if failed else "pass", "max_ratio": max_ratio, "unit": "instructions",
        "base": base.name, "kernel": ours.name, "backend": boots[1].results.backend,
        "worst": worst.as_json(), "worst_without_copy": bare.as_json(),
        "worst_miss": miss.as_json(), "rows": [row.as_json() for row in table],
        "dma_map_benchmark_us": [
            {key: boot.results.metrics[f"dma_map_benchmark.{key}_us"] for key in ("map", "unmap")}
            for boot in boots],
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    for kernel, boot in zip((base, ours), boots):
        print(f"upstream's dma_map_benchmark, 4 KiB, {kernel.name}: map "
              f"{boot.results.metrics['dma_map_benchmark.map_us']} us, unmap "
              f"{boot.results.metrics['dma_map_benchmark.unmap_us']} us (1 us = 1000 instructions)")
    bar = "" if max_ratio is None else f"; bar {max_ratio}: {'FAIL' if failed else 'PASS'}"
    print(f"bench: worst map + unmap {worst.ratio:.3f} ({short(worst)}), without the copies "
          f"{bare.ratio_without_copy:.3f} ({short(bare)}), worst lookup miss {miss.ratio:.3f}{bar}; "
          f"see {shown(REPORTS / 'bench.json')}")
    return 1 if failed else 0
