# SPDX-License-Identifier: GPL-2.0
"""`rig.py bench`: what maps, unmaps and lookups cost, counted on the pristine kernel and each backend."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import backends
import bench_page
from boot import Boot, run_boot
from common import REPORTS, shown
from counts import LOOKUPS, Bench, Counts, Lookup, MapTime, lookups, map_times, rows, title_of
from kernels import Kernel
from scenario import load
from single import print_boot

EXACT = "icount"
UPSTREAM_POOLS = "lookup-upstream"
THREADS = "dma-map"
# -icount runs a guest in a single thread, and what it counts does not depend on the host's load.
BOOTS_AT_A_TIME = 2


@dataclass(frozen=True)
class Job:
    """One boot: a scenario on a kernel, with a backend or none."""

    scenario: str
    kernel: Kernel
    backend: str = ""

    @property
    def title(self) -> str:
        return title_of(self.kernel.name, self.backend)

    def run(self) -> Boot:
        tag = "-".join(part for part in (self.scenario, self.kernel.name, self.backend) if part)
        return run_boot(load(self.scenario, self.kernel.name), self.kernel, backend=self.backend,
                        tag=tag)


def print_table(title: str, lines: list[list[str]], words: int) -> None:
    """Columns aligned, the first few of them to the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    print(f"\n{title}")
    for line in lines:
        print("  ".join(text.ljust(width) if index < words else text.rjust(width)
                        for index, (text, width) in enumerate(zip(line, widths))).rstrip())


def row_lines(bench: Bench) -> list[list[str]]:
    """All rows of all sides next to each other, header first."""
    head = ["direction", "bytes", "min_align", "pool full", bench.base]
    for side in bench.sides:
        head += [side.removeprefix(f"{bench.kernel}/"), "ratio", "no copy"]
    lines = [head]
    for group in zip(*bench.sides.values()):
        size, direction, mask, occupancy = group[0].title()
        line = [direction, size, mask, occupancy, f"{group[0].base:,.0f}"]
        for row in group:
            line += [f"{row.ours:,.0f}", f"{row.ratio:.3f}", f"{row.ratio_without_copy:.3f}"]
        lines.append(line)
    return lines


def lookup_lines(table: list[Lookup]) -> list[list[str]]:
    """One column per kernel, backend and number of pools, header first."""
    return [["", *(item.title for item in table)], ["pools", *(str(item.pools) for item in table)]] + [
        [title, *(f"{item.costs[key]:.1f}" for item in table)] for key, title in LOOKUPS.items()]


def time_lines(times: list[MapTime]) -> list[list[str]]:
    """One line per case, one column per kernel and backend, header first."""
    titles = list(dict.fromkeys(item.title for item in times))
    found = {(item.case, item.title): item for item in times}
    lines = [["clock", "direction", "threads", "KiB", *titles]]
    for case in dict.fromkeys(item.case for item in times):
        clock, threads, direction, kib = case
        cells = [found.get((case, title)) for title in titles]
        lines.append([clock, direction, str(threads), str(kib)]
                     + [f"{cell.map_us:.1f} + {cell.unmap_us:.1f}" if cell else "-" for cell in cells])
    return lines


def show(bench: Bench) -> None:
    """All tables, and a line for each side."""
    print_table(f"instructions per map + unmap, and ratio to {bench.base}", row_lines(bench), 1)
    print_table("instructions per lookup, with the call of the DMA API around it",
                lookup_lines(bench.lookups), 1)
    print_table("upstream's dma_map_benchmark, us per map + unmap (icount: 1 us is 1000 instructions; "
                "real: emulated, only the order of magnitude counts)", time_lines(bench.times), 2)
    print()
    for side in bench.sides:
        worst, bare = bench.worst(side), bench.worst_without_copy(side)
        bar = ""
        if side in bench.barred and bench.max_ratio is not None:
            bar = f"; bar {bench.max_ratio}: {'FAIL' if bench.over_the_bar(side) else 'PASS'}"
        print(f"bench: {side}: worst map + unmap {worst.ratio:.3f} ({worst.sentence()}), without the "
              f"copies {bare.ratio_without_copy:.3f} ({bare.sentence()}){bar}")
    for reason in bench.reasons:
        print(f"bench: {reason}")


def exact_jobs(base: Kernel, ours: Kernel, names: list[str], upstream: Kernel | None) -> list[Job]:
    """Boots that count."""
    jobs = [Job(EXACT, base)] + [Job(EXACT, ours, name) for name in names]
    if upstream:
        jobs += [Job(EXACT, upstream), Job(UPSTREAM_POOLS, upstream)]
    return jobs


def run_jobs(jobs: list[Job], at_a_time: int) -> list[Boot]:
    """Boot them all, and say how each went, in their order."""
    boots = []
    with ThreadPoolExecutor(at_a_time) as pool:
        for job, boot in zip(jobs, pool.map(Job.run, jobs)):
            print_boot(load(job.scenario, job.kernel.name), job.kernel, boot)
            boots.append(boot)
    return boots


def collect(bench: Bench, jobs: list[Job], boots: list[Boot]) -> None:
    """Take in what the guests measured."""
    base = Counts(boots[0].results.metrics)
    for job, boot in zip(jobs, boots):
        metrics = boot.results.metrics
        if job.scenario == EXACT and job is not jobs[0]:
            bench.sides[job.title] = rows(base, Counts(metrics))
            if job.kernel.is_ours:
                bench.barred.append(job.title)
        # Upstream's growing pools have a scenario of their own.
        if job.scenario != EXACT or job.kernel.name != "pristine-dynamic":
            bench.lookups += lookups(job.kernel.name, job.backend, metrics)
        clock = "real" if job.scenario == THREADS else "icount"
        bench.times += map_times(job.kernel.name, job.backend, clock, metrics)


# The module fills the pool with segments of 256 KiB, the last slot included, which memory cut up by size does not
# allow; `cc` is measured by tools/testing/swiotlb/bench.
NOT_FILLED = {"cc"}


def built_in_backends(asked: str) -> list[str]:
    """Backends to measure, the classic one first."""
    if asked:
        return [asked]
    found = set(backends.defined_in(backends.REPO / backends.BUILT_IN)) - NOT_FILLED
    return sorted(found, key=lambda name: (name != "fixed", name))


def benchmark(base: Kernel, ours: Kernel, upstream: Kernel | None = None, *, backend: str = "",
              max_ratio: float | None = None) -> int:
    """Boot all, compare. 1 when a boot fails or a bar is exceeded."""
    for stale in ("bench-vm.json", "bench-vm.html"):
        (REPORTS / stale).unlink(missing_ok=True)
    jobs = exact_jobs(base, ours, built_in_backends(backend), upstream)
    boots = run_jobs(jobs, BOOTS_AT_A_TIME)
    timed = [Job(THREADS, base), Job(THREADS, ours)]
    jobs, boots = jobs + timed, boots + run_jobs(timed, 1)
    if not all(boot.passed for boot in boots):
        return 1
    bench = Bench(base.name, ours.name, max_ratio)
    collect(bench, jobs, boots)
    show(bench)
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "bench-vm.json").write_text(json.dumps(bench.as_json(), indent=2) + "\n")
    (REPORTS / "bench-vm.html").write_text(bench_page.render(bench))
    print(f"bench: {'FAIL' if bench.reasons else 'PASS'}; see {shown(REPORTS / 'bench-vm.html')}")
    return 1 if bench.reasons else 0
