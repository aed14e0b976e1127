#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""make test: every check there is, one after the other, and at the end how many passed.

A step that fails does not stop the ones after it, unless they need what it makes. A step that counts its own tests
ends its output with `N passed, N failed`; a scenario's tests are counted in its report; any other step counts as one.
"""

import json
import re
import subprocess
import time

from common import BUILD, LOGS, REPO, kbuild_env, main, say

SCRIPTS = REPO / "scripts"
RIG = REPO / "tools/testing/swiotlb-vm/rig.py"
BENCH = ("icount", "dma-map", "lookup-upstream")
COUNT = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")

# name, command, names of the steps it needs
STEPS = [
    ("deps", ["make", "-s", "deps"], []),
    ("tree", [SCRIPTS / "tree.py"], ["deps"]),
    ("check", [SCRIPTS / "check.py"], ["tree"]),
    ("pristine", [SCRIPTS / "kernel.py", "pristine"], ["tree"]),
    ("swiotlb", [SCRIPTS / "kernel.py", "swiotlb"], ["tree"]),
    ("builds", [SCRIPTS / "builds.py"], ["tree"]),
    ("debug", [SCRIPTS / "kernel.py", "debug"], ["tree"]),
    ("arm64", [SCRIPTS / "kernel.py", "arm64"], ["tree"]),
    ("bench", [RIG, "bench", "--max-ratio", "1.03"], ["pristine", "swiotlb"]),
]


def scenarios():
    """A step for each scenario on each kernel it is for, as the rig lists them."""
    result = subprocess.run([RIG, "list"], capture_output=True, text=True, check=False)
    if result.returncode or not result.stdout:
        return [("scenarios", [RIG, "list"], [])]  # shows why, and fails
    # `bench` runs these, on both kernels.
    rows = [row for row in (line.split()[:2] for line in result.stdout.splitlines()) if row[0] not in BENCH]
    return [(f"{name} on {kernel}", [RIG, "vm", name, "--kernel", kernel], [kernel])
            for kernel in ("swiotlb", "pristine", "debug", "arm64") for name, kernels in rows if kernel in kernels.split(",")]


def report_of(command):
    """Where a scenario leaves its report; None for any other step."""
    if command[:2] != [RIG, "vm"]:
        return None
    name, kernel = command[2], command[4]
    return BUILD / "report" / f"{name if kernel == 'swiotlb' else f'{name}-{kernel}'}.json"


def report_counts(report):
    """Counts of the tests inside a scenario: the scenario itself counts as one more."""
    try:
        ktap = json.loads(report.read_text())["ktap"]
    except (AttributeError, OSError, ValueError, KeyError):
        return 0, 0, 0
    return ktap.get("passed", 0), ktap.get("failed", 0), ktap.get("skipped", 0)


def step(name, command):
    """Run one step, showing its output while it works. Returns its (passed, failed, skipped)."""
    start = time.monotonic()
    say(f"== {name}")
    report = report_of(command)
    if report:
        report.unlink(missing_ok=True)  # an older one must not speak for this run
    last, log = "", LOGS / f"test-{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=REPO, env=kbuild_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as child, open(log, "w") as out:
        for line in child.stdout:
            out.write(line)
            counted = COUNT.fullmatch(line.strip())
            last = line if counted else last
            if not counted:  # only our own total may look like a total
                print(f"   {line}", end="", flush=True)
    good = child.returncode == 0
    counted = COUNT.fullmatch(last.strip())
    if counted:
        passed, failed, skipped = (int(word or 0) for word in counted.groups())
        failed = max(failed, int(not good))
    else:
        passed, failed, skipped = report_counts(report)
        passed, failed = passed + good, failed + (not good)
    say(f"{'ok  ' if failed == 0 and good else 'FAIL'} {name}: {passed} passed, {failed} failed"
        f"{f', {skipped} skipped' if skipped else ''} ({time.monotonic() - start:.0f} s)")
    return passed, failed, skipped


def test():
    total, broken, start = [0, 0, 0], set(), time.monotonic()
    for name, command, needs in STEPS + scenarios():
        missing = [need for need in needs if need in broken]
        if missing:
            say(f"FAIL {name}: not run, {missing[0]} failed")
            counts = (0, 1, 0)
        else:
            counts = step(name, command)
        if counts[1]:
            broken.add(name)
        total = [a + b for a, b in zip(total, counts)]
    passed, failed, skipped = total
    say(f"make test took {(time.monotonic() - start) / 60:.1f} minutes")
    say(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed != 0


if __name__ == "__main__":
    main(test)
