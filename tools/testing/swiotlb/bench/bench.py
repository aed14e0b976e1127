#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The benchmark: upstream and all backends side by side, see README.md.

Each case is run by one process per side. All of them boot, prepare, and then take turns, forwards and backwards, so that
whatever else the machine does slows all of them down. What is compared is the median of the ratios of turns.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[3]
sys.path.append(str(HERE.parents[1] / "swiotlb-vm"))
sys.dont_write_bytecode = True

import cases as what
import keys

try:
    import report
    import stats
except ModuleNotFoundError:
    sys.exit("bench: tables are made by tools/testing/swiotlb-vm, which is not in a kernel tree; by hand, see README.md")

REPETITIONS = 5
# Longer than the slowest preparation or turn on a busy machine
LONGEST_SECONDS = 120


class Failed(Exception):
    """Something the user must know."""


class Side:
    """One program, or one backend of it."""

    def __init__(self, name: str, program: str, backend: str = "") -> None:
        self.name, self.program, self.backend = name, program, backend


class Process:
    """A side at work on a case."""

    def __init__(self, programs: Path, side: Side, kind: str, case: what.Case, quick: bool) -> None:
        self.title = side.name + (f" {kind}" if kind else "")
        params = dict(case.params)
        if side.backend:
            params["backend"] = side.backend
        if quick:
            params["ms"] = min(params.get("ms", 12), 2)
        program = programs / f"bench-{side.program}{'-' + kind if kind else ''}"
        self.command = [str(program), case.scenario, *(f"{key}={value}" for key, value in params.items())]
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self) -> dict:
        watchdog = threading.Timer(LONGEST_SECONDS, self.child.kill)
        watchdog.start()
        text = self.child.stdout.readline()
        watchdog.cancel()
        if not text:
            raise Failed(f"{' '.join(self.command)} ended with status {self.child.wait()}")
        return json.loads(text)

    def ask(self) -> dict:
        try:
            self.child.stdin.write("\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # line() says what happened
        return self.line()

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        self.child.stdout.close()
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


def sides_of(programs: Path, asked: list[str]) -> list[Side]:
    """Upstream with and without growth, and each backend that there is."""
    names = subprocess.run([programs / "bench-ours", "backends"], capture_output=True, text=True, check=True)
    sides = [Side(what.BASE, what.BASE), Side(what.GROWING, what.GROWING)]
    sides += [Side(name.strip("[]"), "ours", name.strip("[]")) for name in names.stdout.split()]
    if asked:
        unknown = set(asked) - {side.name for side in sides}
        if unknown:
            raise Failed(f"bench: no side {', '.join(sorted(unknown))}")
        sides = [side for side in sides if side.name in (what.BASE, *asked)]
    return sides


def left_out(case: what.Case, side: Side) -> bool:
    """Is that side not for this case? What is slow to count is not counted."""
    if case.only:
        return side.name not in case.only
    return "steps" in case.params and case.scenario == "churn" and side.name.startswith(what.BASE) \
        and not has_counter()


def has_counter() -> bool:
    """Does the processor count instructions? Then nobody has to step through them."""
    try:
        return bool(subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True,
                                   check=True).stderr.split(",")[0].isdigit())
    except (OSError, subprocess.SubprocessError):
        return False


def measure(programs: Path, sides: list[Side], table: what.Table, case: what.Case, args) -> dict:
    """All sides on one case: for each side and metric the values of all repetitions. Who ends early has none."""
    found: dict = {}
    processes = []
    try:
        processes = [Process(programs, side, kind, case, args.quick) for side in sides if not left_out(case, side)
                     for kind in table.kinds]
        ready = [process for process in processes if attempt(process.line, process, found) is not None]
        count = case.repetitions or (1 if args.quick else args.repetitions)
        for turn in range(count):
            for process in ready if turn % 2 == 0 else ready[::-1]:
                if "error" not in found.get(process.title, {}):
                    take(attempt(process.ask, process, found), process, case, found)
    finally:
        for process in processes:
            process.end()
    return found


def attempt(step, process: Process, found: dict) -> dict | None:
    """One answer of a side, or its failure."""
    try:
        return step()
    except (Failed, ValueError) as why:
        print(f"bench: {why}", file=sys.stderr)
        found[process.title] = {"error": str(why)}
        return None


def take(values: dict | None, process: Process, case: what.Case, found: dict) -> None:
    """Keep the answer."""
    if values is None:
        return
    entry = found.setdefault(process.title, {})
    for metric in case.metrics:
        entry.setdefault(metric, []).append(values.get(metric))
    if values.get("fails") == 1 and "fails" not in case.metrics:
        entry["impossible"] = True


def floors(programs: Path, table: what.Table, case: what.Case, args) -> dict:
    """memcpy() alone, as one more side."""
    if table.key not in ("sizes-copy", "copying"):
        return {}
    params = {"size": case.params.get("size", 4096), "small": case.params.get("small", 0)}
    if table.key == "copying":
        params["spread"] = 1024
    return measure(programs, [Side("memcpy", what.BASE)], what.Table("", "", "", []),
                   what.Case(case.title, "copy", params), args)


def summarise(found: dict, base: str) -> dict:
    """Medians, ranges, ratios to @base in the same turn."""
    sides: dict = {}
    for title, metrics in found.items():
        side = sides[title] = {"impossible": metrics.pop("impossible", False), "metrics": {}}
        if "error" in metrics:
            side["error"] = metrics.pop("error")
            continue
        for metric, values in metrics.items():
            if any(value is None for value in values):
                continue
            entry = stats.summarize(values).as_json()
            reference = found.get(base, {}).get(metric)
            if reference and title != base and None not in reference and len(reference) == len(values):
                ratio = stats.ratio(values, reference)
                entry["ratio"] = ratio.as_json() if ratio else None
            side["metrics"][metric] = entry
    return sides


def run_all(args) -> dict:
    """Everything, printed as it comes."""
    sides = sides_of(args.programs, args.side)
    found = []
    for table in what.tables():
        if args.table and table.key not in args.table:
            continue
        lines, begun = [], time.monotonic()
        for index, case in enumerate(table.cases):
            if args.quick and index not in table.quick:
                continue
            values = measure(args.programs, sides, table, case, args)
            values.update(floors(args.programs, table, case, args))
            lines.append({"title": case.title, "scenario": case.scenario, "params": case.params,
                          "sides": summarise(values, what.BASE)})
        if lines:
            entry = {"key": table.key, "title": table.title,
                     "seconds": round(time.monotonic() - begun, 1), "note": table.note, "units": table.units,
                     "ratios": table.reference, "cases": lines}
            found.append(entry)
            print(report.text_table(entry, what.BASE), flush=True)
    return {"base": what.BASE, "sides": [side.name for side in sides], "repetitions": args.repetitions,
            "quick": args.quick, "host": host(), "tables": found}


def verdicts(found: dict) -> tuple[int, int]:
    """Sides of cases that gave sensible values, and those that did not: whatever the machine, time passes."""
    passed = failed = 0
    for table in found["tables"]:
        for case in table["cases"]:
            for title, side in case["sides"].items():
                bad = [metric for metric, entry in side["metrics"].items()
                       if entry["low"] < 0 or (table["units"].get(metric) in ("ns", "times") and entry["low"] == 0)]
                # All that --quick asks for fits, if it does upstream
                if found["quick"] and side["impossible"] and not case["sides"].get(what.BASE, side)["impossible"]:
                    bad.append("all maps fail")
                if "error" in side or bad or not side["metrics"]:
                    print(f"FAIL {table['key']}, {case['title']}, {title}: {side.get('error') or bad or 'no values'}")
                    failed += 1
                else:
                    passed += 1
    return passed, failed


def host() -> dict:
    """What one needs to know of the machine."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    return {"cpu": model, "cpus": os.cpu_count(), "compiler": compiler, "load": os.getloadavg()[0],
            "counts_instructions": "by hardware" if has_counter() else "by single steps"}


def documented(found: dict) -> int:
    """Are all keys, and no others, in README.md? How many are wrong."""
    wrong = keys.differences(found)
    for line in wrong:
        print(f"FAIL {line}")
    return len(wrong)


def write(folder: Path, reports: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reports.items():
        (folder / name).write_text(text)
    print(f"bench: see {os.path.relpath(folder / 'bench.html')}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=Path, default=TOP / "build/swiotlb-bench")
    parser.add_argument("--out", type=Path, default=TOP / "build/report", help="folder of bench.json and bench.html")
    parser.add_argument("--quick", action="store_true", help="does it work? Few cases, once; writes no report")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--table", action="append", default=[], help="only this one, may be repeated; writes no report")
    parser.add_argument("--side", action="append", default=[], help="besides upstream only this one, may be repeated")
    args = parser.parse_args()
    start = time.monotonic()
    try:
        found = run_all(args)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    found["seconds"] = round(time.monotonic() - start, 1)
    passed, failed = verdicts(found)
    if not (args.table or args.side):
        reports = {"bench.json": json.dumps(found, indent=1) + "\n", "bench.html": report.render(found)}
        if args.quick:
            passed, failed = passed + 1, failed + documented(json.loads(reports["bench.json"]))
        else:
            write(args.out, reports)
    print(f"bench: took {found['seconds']:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
