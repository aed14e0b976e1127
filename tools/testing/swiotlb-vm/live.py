# SPDX-License-Identifier: GPL-2.0
"""Two backends in turns within one boot, switched while it runs: see live.sh for the guest's half."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import backends
import fio
from boot import Boot, run_boot
from common import BUILD, RIG
from comparison import Side, values_of
from guest import Results, cpu_between
from scenario import Scenario

SIDES = ("a", "b")
TAG = "ab-live"
POLL_S = 1.0


class Progress:
    """Shows each turn when the guest says that it is done, while the `with` block lasts."""

    def __init__(self, log: Path, total: int) -> None:
        self.log, self.total, self.shown = log, total, 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> "Progress":
        self.log.unlink(missing_ok=True)  # of an earlier run
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.show()

    def watch(self) -> None:
        while not self.done.wait(POLL_S):
            self.show()

    def show(self) -> None:
        """Print what is new since the last time."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = [line for line in text.splitlines() if line.startswith("done: ")]
        for line in lines[self.shown:]:
            self.shown += 1
            print(f"[{self.shown:2}/{self.total}] {line.removeprefix('done: ')}", flush=True)


def live_scenario(scenario: Scenario, names: list[str], rounds: int) -> Scenario:
    """The scenario whose job is `rounds` rounds of this one's on either backend."""
    modules = [path for path in dict.fromkeys(map(backends.module_of, names)) if path]
    env = {"ROUNDS": rounds, "SIDE_A": names[0], "SIDE_B": names[1],
           "MODULES": " ".join(path.rpartition("/")[2] for path in modules)}
    turns = 2 * rounds + 1
    return replace(
        scenario,
        values=scenario.values | {"limit": str(turns * int(scenario["limit"]))},
        lists=scenario.lists | {"module": scenario.lists["module"] + modules,
                                "env": scenario.lists["env"] + [f"{k}={v}" for k, v in env.items()]},
        # A body in parentheses: what the job sets, and its exit, stay there.
        job=f"scenario_job() (\nATTACH=$STAGE\n{scenario.job}\n)\n{(RIG / 'live.sh').read_text()}")


def turn_values(results: Results, turn: str) -> dict[str, float]:
    """What one turn, such as `3.a`, measured. KeyError or ValueError if it did not come to its end."""
    passes = {name: fio.parse(name, results.files[f"{turn}.{name}.json"]) for name in ("write", "read")}
    facts = dict(line.split(" ", 1) for line in results.files[f"{turn}.turn"].splitlines())
    return values_of(passes, cpu_between(facts["before"], facts["after"]),
                     int(facts["map_failures"]), float(facts["peak_slots"]))


def run_live(scenario: Scenario, sides: tuple[Side, Side], rounds: int) -> Boot:
    """Boot once; the sides then hold what their turns measured, if the boot passed."""
    item = live_scenario(scenario, [side.asked for side in sides], rounds)
    with Progress(BUILD / "vm" / TAG / "job.log", 2 * rounds + 1):
        boot = run_boot(item, sides[0].kernel, tag=TAG)
    for side in sides:
        side.boots.append(boot)
    if not boot.passed:
        return boot
    try:
        measured = [[turn_values(boot.results, f"{number}.{side}") for side in SIDES]
                    for number in range(1, rounds + 1)]
    except (KeyError, ValueError) as why:
        boot.reasons.append(f"a turn left no numbers: {why!r}")
        return boot
    for pair in measured:
        for side, values in zip(sides, pair):
            side.add_round(values)
    return boot
