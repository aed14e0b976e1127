# SPDX-License-Identifier: GPL-2.0
"""The virtual machine: command line, disks, time limit."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from common import RigError

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
# Whatever goes wrong shall end the guest at once, and -no-reboot ends QEMU.
# Addresses shall be the same in each boot.
BASE_CMDLINE = "console=ttyS0 loglevel=7 nokaslr panic_on_warn=1 panic=-1 oops=panic rdinit=/init"

VIRTIO_BOUNCED = "iommu_platform=on,disable-legacy=on"


@dataclass
class Machine:
    """What to boot. Paths must exist, except those that QEMU writes."""

    image: Path
    initrd: Path
    work: Path
    console: Path
    cmdline: str
    memory: str
    cpus: int
    devices: str
    disk_size: str
    clock: str = "real"
    argv: list[str] = field(default_factory=list)

    @property
    def results(self) -> Path:
        return self.work / "results.jsonl"

    @property
    def log(self) -> Path:
        return self.work / "job.log"


def accelerator(clock: str) -> list[str]:
    """TCG unless ACCEL says otherwise; counted instructions when asked for.

    With -icount every instruction takes 1 ns of guest time, which needs a
    single thread and TCG. The string instructions count once per repetition
    there, so memcpy() is kept from using them: a loop is closer to hardware.
    """
    if clock == "icount":
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
                "-cpu", "max,-erms,-fsrm"]
    kind = os.environ.get("ACCEL", "tcg")
    if kind == "tcg":
        return ["-accel", "tcg,thread=multi", "-cpu", "max"]
    if kind == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    raise RigError(f"ACCEL={kind}: must be tcg or kvm")


def new_disk(machine: Machine, name: str) -> str:
    """A sparse raw image; unsafe caching, for no guest outlives its disk."""
    path = machine.work / f"{name}.img"
    path.touch()
    os.truncate(path, parse_size(machine.disk_size))
    return f"file={path},if=none,id={name},format=raw,cache=unsafe"


def parse_size(text: str) -> int:
    """Bytes from `64M`, `1G` and the like."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise RigError(f"bad size {text!r}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def device_args(machine: Machine) -> list[str]:
    """QEMU arguments for the `devices =` words of a scenario."""
    argv: list[str] = []
    for word in machine.devices.split():
        kind, _, count = word.partition("*")
        for index in range(int(count or 1)):
            argv += one_device(machine, kind, index)
    return argv


def one_device(machine: Machine, kind: str, index: int) -> list[str]:
    """One device; serial numbers let the job find its disks by kind."""
    name = f"{kind.replace('-', '')}{index}"
    if kind == "nvme":
        return ["-drive", new_disk(machine, name),
                "-device", f"nvme,drive={name},serial={name}"]
    if kind == "virtio-blk":
        return ["-drive", new_disk(machine, name),
                "-device", f"virtio-blk-pci,drive={name},serial={name},{VIRTIO_BOUNCED}"]
    if kind == "ahci":
        return ["-drive", new_disk(machine, name), "-device", f"ich9-ahci,id=bus{name}",
                "-device", f"ide-hd,drive={name},bus=bus{name}.0,serial={name}"]
    if kind == "virtio-net":
        return ["-netdev", f"user,id={name}",
                "-device", f"virtio-net-pci,netdev={name},{VIRTIO_BOUNCED}"]
    if kind == "edu":
        # 36 bits: the device must reach bounce buffers wherever they are.
        return ["-device", f"edu,dma_mask={(1 << 36) - 1}"]
    raise RigError(f"unknown device {kind}")


def command(machine: Machine) -> list[str]:
    """The whole command line. The ports of init.c bounce nothing: no iommu_platform."""
    return [
        QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "q35,sata=off,usb=off", *accelerator(machine.clock),
        "-m", machine.memory, "-smp", str(machine.cpus),
        "-kernel", str(machine.image), "-initrd", str(machine.initrd),
        "-append", f"{BASE_CMDLINE} {machine.cmdline}",
        "-chardev", f"file,id=console,path={machine.console}", "-serial", "chardev:console",
        "-device", "virtio-serial-pci",
        "-chardev", f"file,id=results,path={machine.results}",
        "-device", "virtserialport,chardev=results,name=swiotlb.results",
        "-chardev", f"file,id=log,path={machine.log}",
        "-device", "virtserialport,chardev=log,name=swiotlb.log",
        *device_args(machine),
    ]


def run(machine: Machine, limit_s: float) -> tuple[str, float]:
    """Boot until QEMU ends. Returns what went wrong with QEMU ("" if nothing) and seconds."""
    shutil.rmtree(machine.work, ignore_errors=True)
    machine.work.mkdir(parents=True)
    machine.console.parent.mkdir(parents=True, exist_ok=True)
    machine.argv = command(machine)
    start = time.monotonic()
    try:
        process = subprocess.Popen(machine.argv, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise RigError(f"{QEMU} is not installed (make deps)") from None
    try:
        _, stderr = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"the guest hung: still running after {limit_s:.0f} s", time.monotonic() - start
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.monotonic() - start
    if process.returncode:
        last = stderr.strip().splitlines()[-1:] or [""]
        return f"QEMU exited with status {process.returncode}: {last[0]}", seconds
    return "", seconds


def drop_disks(machine: Machine) -> None:
    """Images are large and nobody reads them once the guest is gone."""
    for image in machine.work.glob("*.img"):
        image.unlink()


def describe(machine: Machine) -> str:
    """The command line, to be run again by hand."""
    return shlex.join(machine.argv)


def host_facts() -> dict[str, str]:
    """What else decides about absolute numbers."""
    version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False)
    return {"cpus": str(os.cpu_count()), "machine": platform.machine(),
            "accel": os.environ.get("ACCEL", "tcg"), "qemu": version.stdout.split("\n")[0]}
