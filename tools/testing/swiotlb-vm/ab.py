# SPDX-License-Identifier: GPL-2.0
"""`rig.py run`: the same job on both kernels, interleaved, round after round."""

from __future__ import annotations

import json
import time

import fio
import page
import table
from boot import Boot, console_tail, log_tail, run_boot
from common import REPORTS, RigError, shown
from comparison import Comparison, Side, measure
from kernels import Kernel
from scenario import Scenario, load

MAX_FAILED_BOOTS = 2


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def progress(number: int, total: int, side: Side, boot: Boot, start: float) -> None:
    """One line per boot: where we are, what it gave, how long it will take."""
    elapsed = time.monotonic() - start
    left = elapsed / number * (total - number)
    if boot.passed:
        found = fio.passes(boot.results.files)
        what = f"{found['write'].iops:6.0f} writes/s {found['read'].iops:6.0f} reads/s, verified"
    else:
        what = f"FAIL: {boot.reasons[0]}"
    print(f"[{number:2}/{total}] round {(number + 1) // 2}, {side.title:14} {boot.seconds:5.1f} s  "
          f"{what}   elapsed {clock(elapsed)}, left about {clock(left)}", flush=True)


def print_failure(boot: Boot) -> None:
    """The details that one line cannot hold."""
    for reason in boot.reasons[1:5]:
        print(f"  {reason}")
    print(f"  last lines of the job:\n{log_tail(boot)}")
    print(f"  last lines of the console, {shown(boot.console)}:\n{console_tail(boot)}", flush=True)


def boot_all(scenario: Scenario, base: Side, ours: Side, rounds: int, backend: str) -> list[Boot]:
    """Boot A B B A A B ...: who boots second must not always be the same, or whatever changes while
    the host works looks like a difference between kernels. Returns the boots that failed. Gives up
    after a few."""
    failed: list[Boot] = []
    start, number = time.monotonic(), 0
    for round_number in range(1, rounds + 1):
        pair = []
        for side in (base, ours) if round_number % 2 else (ours, base):
            number += 1
            boot = run_boot(load(scenario.name, side.kernel.name), side.kernel,
                            backend=backend if side is ours else "",
                            tag=f"run-{side.kernel.name}-{round_number}")
            side.boots.append(boot)
            pair.append((side, boot))
            progress(number, 2 * rounds, side, boot, start)
            if not boot.passed:
                print_failure(boot)
                failed.append(boot)
            if len(failed) >= MAX_FAILED_BOOTS:
                print(f"giving up after {len(failed)} failed boots", flush=True)
                return failed
        # Only whole rounds count, or the pairs of ratio() would be mixed up.
        if all(boot.passed for _, boot in pair):
            for side, boot in pair:
                for key, value in measure(boot).items():
                    side.values.setdefault(key, []).append(value)
    return failed


def compare(base: Kernel, ours: Kernel, rounds: int, backend: str) -> int:
    """The whole run. 0 only if every boot passed."""
    if rounds < 1:
        raise RigError("--rounds must be at least 1")
    scenario = load("nvme", ours.name)
    sides = Side(base), Side(ours)
    total = fio.disk_bytes(scenario)
    print(f"{scenario['summary']}: {total >> 20} MiB written and verified per boot, "
          f"{rounds} rounds, swiotlb=force", flush=True)
    for stale in ("run.json", "run.html"):
        (REPORTS / stale).unlink(missing_ok=True)
    start = time.monotonic()
    failed = boot_all(scenario, *sides, rounds, backend)
    result = Comparison(scenario, *sides, time.monotonic() - start, failed, total)
    if not result.ours.values:
        write_json({"verdict": "fail", "reasons": result.reasons, "rounds": 0})
        print("run: FAIL, no round passed on both kernels", flush=True)
        return 1
    table.show(result)
    write_json(result.as_json())
    (REPORTS / "run.html").write_text(page.render(result))
    done = sum(len(side.boots) for side in sides)
    print(f"run: {'FAIL' if failed else 'PASS'}, {done - len(failed)} of {2 * rounds} boots passed "
          f"in {clock(result.seconds)}; see {shown(REPORTS)}/run.html")
    return 1 if failed else 0


def write_json(report: dict) -> None:
    """build/report/run.json"""
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "run.json").write_text(json.dumps(report, indent=2) + "\n")
