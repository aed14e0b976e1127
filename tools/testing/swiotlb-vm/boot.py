# SPDX-License-Identifier: GPL-2.0
"""One boot of one scenario: prepare, run, judge."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import backends
import badness
import coco
import fio
import gcov
import initramfs
import ktap
import qemu
from common import BUILD, LOGS, REPO, RigError, build_lock, shown
from guest import Results, read_results
from kernels import Kernel, find_modules
from netecho import EchoServer
from scenario import Scenario

TAIL_LINES = 10
PANIC_TAIL_LINES = 45  # a whole trace


@dataclass
class Boot:
    """The outcome of one boot."""

    variant: str
    reasons: list[str]
    seconds: float
    console: Path
    results: Results
    counts: ktap.Counts
    findings: badness.Findings
    map_failures: int
    machine: qemu.Machine

    @property
    def passed(self) -> bool:
        return not self.reasons

    @property
    def backend(self) -> str | None:
        """What the job ran on, or ended on where it switched."""
        return self.results.backend_at_end or self.results.backend

    @property
    def conversions(self) -> dict[str, coco.Snapshot]:
        """Snapshots by phase, of a confidential guest that came to its end."""
        return coco.snapshots(self.results) if self.results.verdict else {}

    def as_json(self) -> dict:
        return {
            "variant": self.variant,
            "verdict": "pass" if self.passed else "fail",
            "reasons": self.reasons,
            "seconds": round(self.seconds, 2),
            "release": self.results.release,
            "cmdline": self.results.cmdline,
            "backend": self.results.backend,
            "backend_at_end": self.results.backend_at_end,
            "cpu": self.results.cpu,
            "metrics": self.results.metrics,
            "map_failures": self.map_failures,
            "ktap": self.counts.as_json(),
            "conversions": {phase: item.as_json() for phase, item in self.conversions.items()},
            "badness": self.findings.bad,
            "allowed": self.findings.allowed,
            "console": shown(self.console),
            "qemu": qemu.describe(self.machine),
        }


def add_backend(cmdline: str, backend: str) -> str:
    """Put the backend into the swiotlb= list: one parameter, one list."""
    if not backend:
        return cmdline
    if re.search(r"(^| )swiotlb=", cmdline):
        return re.sub(r"((?:^| )swiotlb=\S*)", rf"\1,{backend}", cmdline, count=1)
    return f"{cmdline} swiotlb={backend}".strip()


def job_files(scenario: Scenario, kernel: Kernel, module: str) -> dict[str, Path]:
    """Modules and programs of a scenario, and of its backend, by their place under /job."""
    files = {}
    for pattern in scenario.lists["module"] + ([module] if module else []):
        for path in find_modules(kernel, pattern):
            files[f"modules/{path.name}"] = path
    for pattern in scenario.lists["module_if_built"]:
        for path in sorted(kernel.obj.glob(pattern)):
            files[f"modules/{path.name}"] = path
    for line in scenario.lists["program"]:
        name, _, source = line.partition(":")
        flags = ["-D_GNU_SOURCE", "-pthread", "-idirafter",
                 str(source_tree(kernel) / "include")]
        files[f"bin/{name}"] = initramfs.build_program(
            f"{name}-{kernel.name}", program_sources(source.strip(), kernel), flags, kernel.arch)
    return files


def source_tree(kernel: Kernel) -> Path:
    """Object trees lie inside their source tree."""
    return kernel.obj.parent


def program_sources(name: str, kernel: Kernel) -> list[Path]:
    """A C file, or all of a folder, of this repository or else of the kernel's own tree."""
    for root in (REPO, source_tree(kernel)):
        if (root / name).is_file():
            return [root / name]
        found = sorted((root / name).glob("*.c"))
        if found:
            return found
    raise RigError(f"no such program source: {name}")


def prepare(scenario: Scenario, kernel: Kernel, variant: tuple[str, str], backend: str,
            extra: str, tag: str, env: dict[str, str]) -> qemu.Machine:
    """Build the guest's files and describe its machine."""
    module = backends.module_of(backend)
    if module:  # no command line knows it: the job loads it and switches
        env, backend = env | {"SWITCH_TO": backend}, ""
    cmdline = " ".join(part for part in (scenario["cmdline"], variant[1], extra) if part)
    cmdline = cmdline.replace("%kernel_end%", f"{kernel.end_kib()}K")
    tools = initramfs.tools_archive("fio" in scenario["tools"].split(), kernel.arch)
    env = {"LIMIT": scenario["limit"], "VARIANT": variant[0], "KERNEL": kernel.role, **gcov.env_for(kernel), **env}
    if qemu.CONFIDENTIAL.search(cmdline):
        env |= {"RESULTS_IO": hex(qemu.RESULTS_IO), "LOG_IO": hex(qemu.LOG_IO)}
    env |= dict(line.partition("=")[::2] for line in scenario.lists["env"])
    initrd = BUILD / "initramfs" / f"{tag}.cpio"
    initramfs.make_image(initrd, tools, initramfs.job_archive(scenario.job, env,
                                                              job_files(scenario, kernel, module)))
    return qemu.Machine(
        image=kernel.image, initrd=initrd, work=BUILD / "vm" / tag,
        console=LOGS / f"{tag}.console", cmdline=add_backend(cmdline, backend),
        memory=scenario["memory"], cpus=int(scenario["cpus"]), devices=scenario["devices"],
        disk_size=scenario["disk"], latency_ms=int(scenario["latency"]) if scenario.keeps_nothing else None,
        iops=int(scenario["iops"] or 0), nodes=int(scenario["nodes"]), clock=scenario["clock"], arch=kernel.arch,
        devicetree=REPO / scenario["devicetree"] if scenario["devicetree"] else None,
        dtc=kernel.obj / "scripts/dtc/dtc")


def run_boot(scenario: Scenario, kernel: Kernel, variant: tuple[str, str] = ("", ""),
             backend: str = "", extra: str = "", tag: str = "") -> Boot:
    """Boot once and judge. Exceptions are for the host's troubles only."""
    if backend and not kernel.is_ours:
        raise RigError("the pristine kernel has no backends to choose from")
    backends.check(backend)
    tag = tag or "-".join(part for part in (report_name(scenario, kernel), variant[0]) if part)
    with build_lock(tag):
        return boot_and_judge(scenario, kernel, variant, backend, extra, tag)


def boot_and_judge(scenario: Scenario, kernel: Kernel, variant: tuple[str, str],
                   backend: str, extra: str, tag: str) -> Boot:
    """The boot itself; nobody else may use the files of this tag meanwhile."""
    with EchoServer() as echo:
        with build_lock("shared"):
            machine = prepare(scenario, kernel, variant, backend, extra, tag,
                              {"ECHO_PORT": str(echo.port)})
        trouble, seconds = qemu.run(machine, float(scenario["limit"]) + float(scenario["patience"]))
    qemu.drop_disks(machine)
    machine.initrd.unlink()
    console = machine.console.read_text(errors="replace") if machine.console.exists() else ""
    console = console.replace("\r", "")
    results = read_results(machine.results)
    log = machine.log.read_text(errors="replace") if machine.log.exists() else ""
    boot = Boot(
        variant=variant[0], reasons=[], seconds=seconds, console=machine.console,
        results=results, counts=ktap.parse(log),
        findings=badness.examine(console, badness.allow_list() + scenario.allowed(variant[0])),
        map_failures=badness.count_map_failures(console), machine=machine)
    boot.reasons = judge(boot, scenario, kernel, console, trouble, backend, last_words(log))
    boot.reasons += gcov.problems(results, kernel, tag)
    if scenario.must_fail(boot.variant):
        boot.reasons = judge_failing(scenario.must_fail(boot.variant), boot.reasons)
        boot.counts = ktap.Counts()  # its tests were bait, not tests
    return boot


def report_name(scenario: Scenario, kernel: Kernel) -> str:
    """Reports of the kernel under test carry the scenario's bare name."""
    return scenario.name if kernel.name == "swiotlb" else f"{scenario.name}-{kernel.name}"


def last_words(log: str) -> str:
    """What the job itself said before it failed, see die() in guest.sh."""
    found = re.findall(r"^job: (.*)", log, re.MULTILINE)
    return f": {found[-1]}" if found else ""


def judge(boot: Boot, scenario: Scenario, kernel: Kernel, console: str,
          trouble: str, backend: str, words: str) -> list[str]:
    """All reasons why this boot failed; the first is the one to look at."""
    results, reasons = boot.results, []
    panic = badness.panic_reason(console)
    if panic:
        reasons.append(f"kernel panic: {panic}")
    if trouble:
        reasons.append(trouble)
    if results.verdict is None:
        reasons.append("no verdict: the guest ended without handing one over")
    elif results.verdict != "pass":
        reasons.append((results.reason or "init gave no reason") + words)
    reasons += [f"badness on the console: {line}" for line in boot.findings.bad]
    reasons += [f"expected on the console, but not there: {pattern}"
                for pattern in scenario.patterns("expect", boot.variant)
                if not re.search(pattern, console, re.MULTILINE)]
    reasons += boot.counts.problems
    if results.verdict == "pass":
        reasons += fio.problems(results.files, scenario)
    if results.verdict == "pass" and boot.machine.is_confidential:
        reasons += coco.problems(results)
        if not reasons and kernel.is_ours and scenario["conversions"] == "strict":
            reasons += coco.strict_problems(results)
    if scenario["ktap"] == "yes" and not boot.counts.total:
        reasons.append("KTAP: no test reported a result")
    if results.release and kernel.is_ours and results.backend is None:
        reasons.append("the guest has no /sys/kernel/swiotlb/backend: not the kernel meant")
    if results.release and not kernel.is_ours and results.backend is not None:
        reasons.append("the guest has /sys/kernel/swiotlb/backend: not the pristine kernel")
    reasons += wrong_backend(results, backend)
    return reasons


def wrong_backend(results: Results, backend: str) -> list[str]:
    """A built-in backend is there when the job starts; one from a module, when it ends well."""
    if not results.release or not backend:
        return []
    if not backends.module_of(backend):
        found = results.backend
    elif results.verdict == "pass":
        found = results.backend_at_end
    else:
        return []
    return [] if found == backend else [f"asked for backend {backend}, the guest runs {found}"]


def judge_failing(patterns: list[str], reasons: list[str]) -> list[str]:
    """For scenarios that prove the rig's eyes: failing in every given way is the pass."""
    found = "; ".join(reasons) if reasons else "it passed"
    return [f"had to fail with /{pattern}/, but: {found}" for pattern in patterns
            if not any(re.search(pattern, reason) for reason in reasons)]


def console_tail(boot: Boot) -> str:
    """The last lines of the console, for the message about a failure."""
    lines = boot.console.read_text(errors="replace").splitlines() if boot.console.exists() else []
    wanted = TAIL_LINES if boot.results.verdict else PANIC_TAIL_LINES
    return "\n".join(f"    | {line.rstrip()}" for line in lines[-wanted:])


def log_tail(boot: Boot) -> str:
    """The last lines the job printed."""
    path = boot.machine.log
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(f"    > {line.rstrip()}" for line in lines[-TAIL_LINES:])
