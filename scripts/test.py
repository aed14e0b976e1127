#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""make test: every check there is, two at a time, and at the end how many passed.

A step that fails does not stop the others, unless they need what it makes. A step that counts its own tests ends
its output with `N passed, N failed`; a scenario's tests are counted in its report; any other step counts as one.

A guest keeps little more than one processor busy, and a build has parts that nothing else can be done beside. So
there are as many lanes as processors (JOBS), four at most, and each takes the first step of the list that has all
it needs. No step depends on how fast it runs: what counts instructions counts them in the guest's own time.
"""

import json
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass

from common import BUILD, LOGS, REPO, jobs, kbuild_env, main, say

SCRIPTS = REPO / "scripts"
RIG = REPO / "tools/testing/swiotlb-vm/rig.py"
BENCH = ("icount", "dma-map", "lookup-upstream")  # `bench` runs these
USER_SPACE = REPO / "tools/testing/swiotlb"
FUZZ_SECONDS = 60  # whatever the machine: how far that gets is no verdict
MAX_LANES = 4  # each may hold a guest with 3 GiB
COUNT = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")


@dataclass(frozen=True)
class Step:
    """One line of the count.

    `needs` must have passed before it, `after` must have ended; of two steps with the same `lock`, one waits.
    """

    name: str
    command: list
    needs: tuple = ()
    after: tuple = ()
    lock: str = ""


def user_space(name, folder, *words, after=()):
    """Something the Makefiles of the user-space tests do; it may be after what builds into the same folder."""
    return Step(name, ["make", "-s", f"-j{jobs()}", "-C", folder, *words], ("tree",), after)


def kernel(name, *after):
    """All kernels build with all processors; some start from the objects of another."""
    return Step(name, [SCRIPTS / "kernel.py", name], ("tree",), after, "kernel")


# What others wait for comes first, then what takes long. Kernels wait for each other, in this order.
STEPS = [
    Step("deps", ["make", "-s", "deps"]),
    Step("tree", [SCRIPTS / "tree.py"], ("deps",)),
    kernel("pristine"),
    kernel("swiotlb", "pristine"),
    kernel("debug", "swiotlb"),
    Step("check", [SCRIPTS / "check.py"], ("tree",)),
    user_space("fuzz", USER_SPACE, "fuzz", f"SECONDS={FUZZ_SECONDS}", after=("check",)),
    user_space("bench-quick", USER_SPACE / "bench", "run", "ARGS=--quick"),
    Step("bench", [RIG, "bench", "--max-ratio", "1.03"], ("pristine", "swiotlb")),
    kernel("arm64"),
    Step("builds", [SCRIPTS / "builds.py"], ("tree",), ("swiotlb",)),
]
# Each debug scenario takes long, and one of them should not be all that is left at the end.
KERNELS = ("debug", "swiotlb", "arm64", "pristine")


def scenarios():
    """A step for each scenario on each kernel that `make test` runs it on, as the rig lists them."""
    result = subprocess.run([RIG, "list", "--ci"], capture_output=True, text=True, check=False)
    if result.returncode or not result.stdout:
        return [Step("scenarios", [RIG, "list", "--ci"])]  # shows why, and fails
    rows = [line.split() for line in result.stdout.splitlines()]
    return [Step(" ".join([name, *(word.strip("-") for word in options), "on", on]),
                 [RIG, "vm", name, "--kernel", on, "--ci", *options], (on,))
            for wanted in KERNELS for name, on, *options in rows if on == wanted and name not in BENCH]


def report_of(command):
    """Where a scenario leaves its report; None for any other step."""
    if command[:2] != [RIG, "vm"]:
        return None
    name, on = command[2] + ("-coco" if "--coco" in command else ""), command[4]
    return BUILD / "report" / f"{name if on == 'swiotlb' else f'{name}-{on}'}.json"


def report_counts(report):
    """Counts of the tests inside a scenario: the scenario itself counts as one more."""
    try:
        ktap = json.loads(report.read_text())["ktap"]
    except (AttributeError, OSError, ValueError, KeyError):
        return 0, 0, 0
    return ktap.get("passed", 0), ktap.get("failed", 0), ktap.get("skipped", 0)


def run(name, command, running):
    """Run a command with its output shown and logged: its status, its last count, seconds, processor seconds."""
    start, last, log = time.monotonic(), "", LOGS / f"test-{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=REPO, env=kbuild_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as child, open(log, "w") as out:
        running.append(child)
        for line in child.stdout:
            out.write(line)
            counted = COUNT.fullmatch(line.strip())
            last = line if counted else last
            if not counted:  # only our own total may look like a total
                say(f"   [{name}] {line.rstrip()}")
        _, status, usage = os.wait4(child.pid, 0)  # its children's time, too
        child.returncode = os.waitstatus_to_exitcode(status)
        running.remove(child)
    return child.returncode, last, time.monotonic() - start, usage.ru_utime + usage.ru_stime


def step(name, command, running=None):
    """Run one step. Returns its (passed, failed, skipped)."""
    say(f"== {name}")
    report = report_of(command)
    if report:
        report.unlink(missing_ok=True)  # an older one must not speak for this run
    status, last, seconds, cpu_seconds = run(name, command, [] if running is None else running)
    good = status == 0
    counted = COUNT.fullmatch(last.strip())
    if counted:
        passed, failed, skipped = (int(word or 0) for word in counted.groups())
        failed = max(failed, int(not good))
    else:
        passed, failed, skipped = report_counts(report)
        passed, failed = passed + good, failed + (not good)
    say(f"{'ok  ' if failed == 0 and good else 'FAIL'} {name}: {passed} passed, {failed} failed"
        f"{f', {skipped} skipped' if skipped else ''} ({seconds:.0f} s, {cpu_seconds:.0f} s of a processor)")
    return passed, failed, skipped


class Lanes:
    """Steps on their way. Everything but `running` is for whoever holds `change`."""

    def __init__(self, steps):
        self.todo, self.counts, self.locks = list(steps), {}, set()
        self.running = []  # child processes
        self.change = threading.Condition()

    def broken(self, item):
        """The first step it needs that failed."""
        return next((need for need in item.needs if self.counts.get(need, (0, 0, 0))[1]), None)

    def next(self):
        """A step that can start now, out of the list, its lock taken; None if there is none yet."""
        for item in self.todo:
            if all(name in self.counts for name in item.needs + item.after) and item.lock not in self.locks:
                self.locks |= {item.lock} - {""}
                return item
        return None

    def work(self):
        """One lane: until nothing is left to start."""
        while True:
            with self.change:
                while self.todo and not (item := self.next()):
                    self.change.wait()
                if not self.todo:
                    return
                self.todo.remove(item)
                missing = self.broken(item)
            counts = (0, 1, 0)
            try:
                if missing:
                    say(f"FAIL {item.name}: not run, {missing} failed")
                else:
                    counts = step(item.name, item.command, self.running)
            finally:
                with self.change:
                    self.counts[item.name] = counts
                    self.locks.discard(item.lock)
                    self.change.notify_all()

    def run(self, lanes):
        """All steps. What still runs when this one is interrupted is told to end."""
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(lanes)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for child in list(self.running):
                child.terminate()


def test():
    start, lanes = time.monotonic(), Lanes(STEPS + scenarios())
    lanes.run(max(1, min(MAX_LANES, int(jobs()))))
    passed, failed, skipped = (sum(counts[i] for counts in lanes.counts.values()) for i in range(3))
    say(f"make test took {(time.monotonic() - start) / 60:.1f} minutes")
    say(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed != 0


if __name__ == "__main__":
    main(test)
