# SPDX-License-Identifier: GPL-2.0
"""What an A/B run measures: metrics, the two sides, and their ratio."""

from __future__ import annotations

from dataclasses import dataclass, field

import coco
import fio
import qemu
from boot import Boot
from kernels import Kernel
from scenario import Scenario
from stats import LEAST_ROUNDS, Ratio, Summary, ratio, summarize

IO_TLB_BYTES = 2048


@dataclass(frozen=True)
class Metric:
    """A column of the table. `better` is +1 when more is better, -1 when less is."""

    key: str
    title: str
    unit: str
    better: int
    digits: int = 1


METRICS = (
    Metric("write_iops", "random write IOPS", "1/s", +1, 0),
    Metric("read_iops", "random read IOPS", "1/s", +1, 0),
    Metric("write_mb_per_s", "write throughput", "MB/s", +1),
    Metric("read_mb_per_s", "read throughput", "MB/s", +1),
    Metric("write_p99_ms", "write latency, p99", "ms", -1),
    Metric("read_p99_ms", "read latency, p99", "ms", -1),
    Metric("cpu_s", "guest CPU time, all", "s", -1, 2),
    Metric("cpu_kernel_s", "guest CPU time, kernel", "s", -1, 2),
    Metric("map_failures", "map failures", "", -1, 0),
    Metric("peak_bounce_kib", "peak bounce memory", "KiB", -1, 0),
)
# More of them in confidential guests, see coco.figures().
COCO_METRICS = (
    Metric("conversions_boot", "conversions at boot", "", -1, 0),
    Metric("conversions_io", "conversions during I/O", "", -1, 0),
    Metric("misaligned", "misaligned conversions", "", -1, 0),
    Metric("misaligned_dma", "of these from DMA code", "", -1, 0),
    Metric("convert_ms", "time in conversion", "ms", -1),
    Metric("shared_mib", "shared memory", "MiB", -1),
    Metric("mixed_blocks", "mixed 2 MiB blocks", "", -1, 0),
    Metric("direct_map_4k_mib", "direct map in 4 KiB pages", "MiB", -1, 0),
    Metric("direct_map_2m_mib", "direct map in 2 MiB pages", "MiB", +1, 0),
)


@dataclass
class Side:
    """One of the two that are compared: a kernel with a backend, its boots, what they measured.

    `asked` is the backend it was told to use; without one, it is the kernel's own choice. Two
    equal sides, which show the noise, are told apart by `mark`.
    """

    kernel: Kernel
    asked: str = ""
    mark: str = ""
    boots: list[Boot] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For names of files."""
        return (self.asked or self.kernel.name) + self.mark

    @property
    def backend(self) -> str | None:
        if self.asked:
            return self.asked
        return next((boot.results.backend for boot in self.boots if boot.passed), None)

    @property
    def title(self) -> str:
        name = f"{self.kernel.name}/{self.backend}" if self.backend else self.kernel.name
        return name + self.mark

    def add_round(self, values: dict[str, float]) -> None:
        """What one round of it measured."""
        for key, value in values.items():
            self.values.setdefault(key, []).append(value)

    def summary(self, metric: Metric) -> Summary:
        return summarize(self.values[metric.key])

    def as_json(self, metrics: tuple[Metric, ...]) -> dict:
        return {
            "title": self.title,
            "kernel": self.kernel.name,
            "release": self.boots[0].results.release,
            "backend": self.backend,
            "metrics": {m.key: self.summary(m).as_json() for m in metrics},
            "boots": [boot.as_json() for boot in self.boots],
        }


@dataclass
class Comparison:
    """Everything the table, the JSON file and the page are made from.

    `how` is "boot", where each boot is a round of one side, or "live", where the sides are
    backends that took turns within one boot, which then is a boot of both.
    """

    name: str
    how: str
    scenario: Scenario
    base: Side
    ours: Side
    seconds: float
    planned: int
    bytes_per_pass: int

    @property
    def boots(self) -> list[Boot]:
        """All boots, each once."""
        return list({id(boot): boot for side in (self.base, self.ours) for boot in side.boots}.values())

    @property
    def failed(self) -> list[Boot]:
        return [boot for boot in self.boots if not boot.passed]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What was measured: also conversions, where the guests were confidential."""
        return METRICS + tuple(m for m in COCO_METRICS if m.key in self.ours.values)

    @property
    def rounds(self) -> int:
        """Rounds that count: those that passed on both sides."""
        return len(self.ours.values.get(METRICS[0].key, []))

    @property
    def has_interval(self) -> bool:
        """Enough rounds to tell more than a median."""
        return self.rounds >= LEAST_ROUNDS

    @property
    def reasons(self) -> list[str]:
        """Why boots failed, all of them together."""
        return [reason for boot in self.failed for reason in boot.reasons]

    def ratio(self, metric: Metric) -> Ratio | None:
        return ratio(self.ours.values[metric.key], self.base.values[metric.key])

    def as_json(self) -> dict:
        ratios = {m.key: self.ratio(m) for m in self.metrics}
        return {
            "verdict": "fail" if self.failed else "pass",
            "reasons": self.reasons,
            "how": self.how,
            "scenario": self.scenario.name,
            "rounds": self.rounds,
            "seconds": round(self.seconds, 1),
            "bytes_verified_per_boot": self.bytes_per_pass,
            "metrics": {m.key: {"title": m.title, "unit": m.unit,
                                "better": "more" if m.better > 0 else "less"} for m in self.metrics},
            "kernels": [side.as_json(self.metrics) for side in (self.base, self.ours)],
            "ratio": {key: value.as_json() if value else None for key, value in ratios.items()},
            "host": qemu.host_facts(),
        }


def values_of(passes: dict[str, fio.Pass], cpu: dict[str, int], map_failures: int,
              peak_slots: float) -> dict[str, float]:
    """The numbers of one round of one side, by METRICS' keys."""
    values: dict[str, float] = {}
    for name in ("write", "read"):
        values[f"{name}_iops"] = passes[name].iops
        values[f"{name}_mb_per_s"] = passes[name].mb_per_s
        values[f"{name}_p99_ms"] = passes[name].p99_ms
    values["cpu_kernel_s"] = (cpu["system_ms"] + cpu["irq_ms"]) / 1000
    values["cpu_s"] = values["cpu_kernel_s"] + cpu["user_ms"] / 1000
    values["map_failures"] = map_failures
    values["peak_bounce_kib"] = peak_slots * IO_TLB_BYTES / 1024
    return values


def measure(boot: Boot) -> dict[str, float]:
    """The numbers of one boot that passed."""
    values = values_of(fio.passes(boot.results.files), boot.results.cpu, boot.map_failures,
                       float(boot.results.metrics["io_tlb_used_hiwater"]))
    return values | (coco.figures(boot.conversions) if boot.machine.is_confidential else {})
