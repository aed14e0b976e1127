# SPDX-License-Identifier: GPL-2.0
"""`rig.py vm`: run scenarios one by one, report each in a line and a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import coco
import fio
import sweep
from boot import Boot, console_tail, log_tail, report_name, run_boot
from common import REPORTS, RigError, shown
from kernels import Kernel
from scenario import Scenario, load


@dataclass(frozen=True)
class Options:
    """What the command line asks for: "" and False leave it to the scenario."""

    backend: str = ""
    cmdline: str = ""
    coco: bool = False
    ci: bool = False

    def load(self, name: str, kernel: Kernel) -> Scenario:
        """A scenario as asked for."""
        scenario = load(name, kernel.role, coco=self.coco)
        if kernel.role not in scenario.kernels:
            raise RigError(f"scenario {name} is not meant for the {kernel.name} kernel")
        return scenario.for_ci() if self.ci else scenario


def run_scenarios(names: list[str], kernel: Kernel, options: Options) -> int:
    """0 if all passed. All are loaded first, so that a typo fails at once."""
    todo = [options.load(name, kernel) for name in names]
    results = [run_scenario(scenario, kernel, options) for scenario in todo]
    if len(results) > 1:
        print(f"{results.count(True)} of {len(results)} scenarios passed on {kernel.name}")
    return 0 if all(results) else 1


def wanted_backends(scenario: Scenario, kernel: Kernel, asked: str) -> list[str]:
    """Backends to boot with, one after the other; "" is the kernel's own choice."""
    if asked or not kernel.is_ours:
        return [asked]
    return scenario["backend"].split() or [""]


def run_scenario(scenario: Scenario, kernel: Kernel, options: Options) -> bool:
    """All boots of one scenario: each variant with each backend, and what a sweep makes of it."""
    boots, wanted = [], wanted_backends(scenario, kernel, options.backend)

    def run(variant: tuple[str, str], backend: str, counted: Boot | None = None) -> Boot:
        parts = (report_name(scenario, kernel), variant[0], backend if len(wanted) > 1 else "")
        boot = run_boot(scenario.for_variant(variant[0]), kernel, variant, backend, options.cmdline,
                        tag="-".join(part for part in parts if part))
        if counted:
            boot.reasons += sweep.problems(variant, counted, boot)
        boots.append(boot)
        print_boot(scenario, kernel, boot)
        return boot

    for backend in wanted:
        for variant in scenario.variants():
            boot = run(variant, backend)
            for injected in sweep.variants(scenario, variant, boot, options.ci):
                run(injected, backend, boot)
    write_report(scenario, kernel, boots)
    return all(boot.passed for boot in boots)


def print_boot(scenario: Scenario, kernel: Kernel, boot: Boot) -> None:
    """One line for a pass; reason, job log and console tail for a failure."""
    name = f"{scenario.name}:{boot.variant}" if boot.variant else scenario.name
    tests = f", {boot.counts.passed}/{boot.counts.total} tests" if boot.counts.total else ""
    backend = f"/{boot.backend}" if boot.backend else ""
    verdict = "PASS" if boot.passed else "FAIL"
    print(f"{verdict} {name} on {kernel.name}{backend}: {boot.seconds:.1f} s{tests}", flush=True)
    for skip in boot.counts.skips:
        print(f"  skipped: {skip}", flush=True)
    if scenario.keeps_nothing and boot.results.verdict:
        for item in fio.passes(boot.results.files).values():
            print(f"  fio: {item.sentence()}", flush=True)
    if "figures" in boot.results.metrics:
        print(f"  {boot.results.metrics['figures']}", flush=True)
    if boot.passed:
        if coco.END in boot.conversions:
            print(f"  {coco.sentence(boot.conversions)}", flush=True)
        return
    for reason in boot.reasons[:5]:
        print(f"  {reason}")
    print(f"  last lines of the job, {shown(boot.machine.log)}:\n{log_tail(boot)}")
    print(f"  last lines of the console, {shown(boot.console)}:\n{console_tail(boot)}", flush=True)


def merged_ktap(boots: list[Boot]) -> dict[str, int]:
    """Counts of all boots together."""
    total: dict[str, int] = {}
    for boot in boots:
        for key, count in boot.counts.as_json().items():
            total[key] = total.get(key, 0) + count
    return total


def write_report(scenario: Scenario, kernel: Kernel, boots: list[Boot]) -> Path:
    """build/report/<scenario>.json; keys are documented in README.md."""
    first = boots[0].results
    report = {
        "scenario": scenario.name,
        "summary": scenario["summary"],
        "kernel": kernel.name,
        "verdict": "pass" if all(boot.passed for boot in boots) else "fail",
        "reasons": [reason for boot in boots for reason in boot.reasons],
        "seconds": round(sum(boot.seconds for boot in boots), 2),
        "release": first.release,
        "cmdline": first.cmdline,
        "backend": first.backend,
        "metrics": first.metrics,
        "ktap": merged_ktap(boots),
        "boots": [boot.as_json() for boot in boots],
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"{report_name(scenario, kernel)}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    return path
