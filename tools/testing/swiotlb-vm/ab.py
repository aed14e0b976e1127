# SPDX-License-Identifier: GPL-2.0
"""`rig.py run` and `rig.py ab`: the same job on two sides, interleaved, round after round."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import backends
import fio
import page
import scenario as scenarios
import table
from boot import Boot, console_tail, log_tail, run_boot
from common import REPORTS, RigError, shown
from comparison import Comparison, Side, measure
from kernels import find_kernel
from live import run_live
from scenario import Scenario, load

MAX_FAILED_BOOTS = 2
BASELINE = "pristine"
UNDER_TEST = "swiotlb"


@dataclass(frozen=True)
class Choice:
    """One side as the user names it: a kernel, and a backend or "" for the kernel's own choice."""

    kernel: str
    backend: str


@dataclass(frozen=True)
class Plan:
    """What to compare with what, and how. `name` is that of the report."""

    name: str
    choices: tuple[Choice, Choice]
    scenario: str = "nvme"
    how: str = "boot"
    rounds: int = 5
    coco: bool = False

    def load(self, kernel: str) -> Scenario:
        """The scenario on a kernel, in the kind of guest that was asked for."""
        return load(self.scenario, kernel, coco=self.coco)

    def check(self) -> None:
        """Find what is wrong before anything is built or booted."""
        if self.rounds < 1:
            raise RigError("--rounds must be at least 1")
        if self.how not in ("boot", "live"):
            raise RigError(f"HOW={self.how}: must be boot or live")
        if self.coco and self.how == "live":
            raise RigError("what one boot converts cannot be told apart by side: COCO=1 wants HOW=boot")
        for choice in self.choices:
            backends.check(choice.backend)
            scenario = self.load(choice.kernel)
            if not scenario.is_comparable:
                raise RigError(f"scenario {self.scenario} has nothing to compare: "
                               f"must be one of {', '.join(comparable())}")
            if choice.kernel == BASELINE and self.how == "live":
                raise RigError("a running kernel cannot become the pristine one: "
                               "compare with it by HOW=boot")
            if choice.kernel == BASELINE and choice.backend:
                raise RigError("the pristine kernel has no backends to choose from")


def side_of(word: str) -> Choice:
    """`pristine`, or a backend of the kernel under test."""
    return Choice(BASELINE, "") if word == BASELINE else Choice(UNDER_TEST, word)


def comparable() -> list[str]:
    """Scenarios whose numbers can be compared."""
    return [name for name in scenarios.names() if load(name, UNDER_TEST).is_comparable]


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
    print(f"[{number:2}/{total}] round {(number + 1) // 2}, {side.title:20} {boot.seconds:5.1f} s  "
          f"{what}   elapsed {clock(elapsed)}, left about {clock(left)}", flush=True)


def print_failure(boot: Boot) -> None:
    """The details that one line cannot hold."""
    for reason in boot.reasons[1:5]:
        print(f"  {reason}")
    print(f"  last lines of the job:\n{log_tail(boot)}")
    print(f"  last lines of the console, {shown(boot.console)}:\n{console_tail(boot)}", flush=True)


def boot_all(plan: Plan, base: Side, ours: Side) -> None:
    """Boot A B B A A B ...: who boots second must not always be the same, or whatever changes while
    the host works looks like a difference between the sides. Gives up after a few failures."""
    start, number, failures = time.monotonic(), 0, 0
    for round_number in range(1, plan.rounds + 1):
        pair = []
        for side in (base, ours) if round_number % 2 else (ours, base):
            number += 1
            boot = run_boot(plan.load(side.kernel.name), side.kernel, backend=side.asked,
                            tag=f"{plan.name}-{side.label}-{round_number}")
            side.boots.append(boot)
            pair.append((side, boot))
            progress(number, 2 * plan.rounds, side, boot, start)
            if not boot.passed:
                print_failure(boot)
                failures += 1
            if failures >= MAX_FAILED_BOOTS:
                print(f"giving up after {failures} failed boots", flush=True)
                return
        # Only whole rounds count, or the pairs of ratio() would be mixed up.
        if all(boot.passed for _, boot in pair):
            for side, boot in pair:
                side.add_round(measure(boot))


def live_all(plan: Plan, scenario: Scenario, base: Side, ours: Side) -> None:
    """All rounds in one boot."""
    print(f"one boot of the {base.kernel.name} kernel, {2 * plan.rounds} turns and one to warm up",
          flush=True)
    boot = run_live(scenario, (base, ours), plan.rounds)
    if not boot.passed:
        print(f"FAIL: {boot.reasons[0]}")
        print_failure(boot)


def sides_of(plan: Plan, overrides: dict[str, Path]) -> tuple[Side, Side]:
    """Both sides with their kernels, which must have been built."""
    base, ours = (Side(find_kernel(choice.kernel, overrides), choice.backend)
                  for choice in plan.choices)
    if plan.choices[0] == plan.choices[1]:
        ours.mark = "-again"
    return base, ours


def compare(plan: Plan, overrides: dict[str, Path]) -> int:
    """The whole run. 0 only if every boot passed."""
    plan.check()
    base, ours = sides_of(plan, overrides)
    scenario = plan.load(ours.kernel.name)
    total = fio.disk_bytes(scenario)
    print(f"{scenario['summary']}: {total >> 20} MiB written and verified each time, "
          f"{plan.rounds} rounds, {scenario['cmdline']}", flush=True)
    for stale in (f"{plan.name}.json", f"{plan.name}.html"):
        (REPORTS / stale).unlink(missing_ok=True)
    start = time.monotonic()
    if plan.how == "live":
        live_all(plan, scenario, base, ours)
    else:
        boot_all(plan, base, ours)
    planned = 1 if plan.how == "live" else 2 * plan.rounds
    return report(Comparison(plan.name, plan.how, scenario, base, ours, time.monotonic() - start,
                             planned, total))


def report(result: Comparison) -> int:
    """Table, JSON, page, and the last line."""
    name = result.name
    if not result.rounds:
        write_json(name, {"verdict": "fail", "reasons": result.reasons, "rounds": 0})
        print(f"{name}: FAIL, no round passed on both sides", flush=True)
        return 1
    table.show(result)
    write_json(name, result.as_json())
    (REPORTS / f"{name}.html").write_text(page.render(result))
    passed = len(result.boots) - len(result.failed)
    print(f"{name}: {'FAIL' if result.failed else 'PASS'}, {passed} of {result.planned} boots passed "
          f"in {clock(result.seconds)}; see {shown(REPORTS)}/{name}.html")
    return 1 if result.failed else 0


def write_json(name: str, content: dict) -> None:
    """build/report/run.json or ab.json"""
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
