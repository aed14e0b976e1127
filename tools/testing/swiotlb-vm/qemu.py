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

import acpi
import devicetree
from common import RigError, run_tool

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
QEMU_ARM64 = os.environ.get("QEMU_ARM64", "qemu-system-aarch64")
# On a busy host the kernel's test of its timer interrupt fails, and it panics.
X86_CMDLINE = "console=ttyS0 no_timer_check"
ARM64_CMDLINE = "console=ttyAMA0"
# Whatever goes wrong shall end the guest at once, and -no-reboot ends QEMU.
# Addresses shall be the same in each boot.
BASE_CMDLINE = "loglevel=7 nokaslr panic_on_warn=1 panic=-1 oops=panic rdinit=/init"

VIRTIO_BOUNCED = "iommu_platform=on,disable-legacy=on"

# The word that makes a guest a (simulated) confidential one.
CONFIDENTIAL = re.compile(r"(?:^|\s)coco_sim(?:[=\s]|$)")
# I/O ports of such a guest, for results and log; see init.c.
RESULTS_IO, LOG_IO = 0x5e8, 0x5e9
# From here on, a host need not have all the memory that a guest believes in.
LARGE_BYTES = 6 << 30

# Slots of PCI bus 0 with root ports that lead outside, one for each device behind them.
EXTERNAL_SLOT = 0x18
# Slots of the arm64 board, each a node virtio_mmio@<0xa000000 + 0x200 * slot>; disks start at 0.
MMIO_SERIAL_SLOT = 31


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
    latency_ms: int | None = None
    iops: int = 0
    nodes: int = 1
    clock: str = "real"
    arch: str = "x86"
    devicetree: Path | None = None
    dtc: Path | None = None
    argv: list[str] = field(default_factory=list)

    @property
    def is_confidential(self) -> bool:
        return bool(CONFIDENTIAL.search(self.cmdline))

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
    """A sparse raw image; unsafe caching, for no guest outlives its disk. Or it answers late and keeps nothing."""
    if machine.latency_ms is not None:
        return (f"driver=null-co,size={parse_size(machine.disk_size)},latency-ns={machine.latency_ms * 1_000_000},"
                f"if=none,id={name}")
    path = machine.work / f"{name}.img"
    path.touch()
    os.truncate(path, parse_size(machine.disk_size))
    most = f",throttling.iops-total={machine.iops}" if machine.iops else ""
    return f"file={path},if=none,id={name},format=raw,cache=unsafe{most}"


def parse_size(text: str) -> int:
    """Bytes from `64M`, `1G` and the like."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise RigError(f"bad size {text!r}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def device_args(machine: Machine) -> list[str]:
    """QEMU arguments for the `devices =` words of a scenario."""
    argv: list[str] = []
    ports = 0
    for word in machine.devices.split():
        kind, _, count = word.partition("*")
        for index in range(int(count or 1)):
            if machine.arch == "arm64":
                argv += mmio_device(machine, kind, index)
            elif kind.startswith("external/"):
                argv += external_device(machine, kind.removeprefix("external/"), ports)
                ports += 1
            else:
                argv += one_device(machine, kind, index)
    return argv


def external_device(machine: Machine, kind: str, port: int) -> list[str]:
    """A device behind a PCIe root port of its own, which firmware calls external."""
    slot, bus = EXTERNAL_SLOT + port, f"external{port}"
    table = machine.work / f"{bus}.aml"
    table.write_bytes(acpi.external_port(slot))
    return ["-device", f"pcie-root-port,id={bus},addr={slot:#x},chassis={port + 1}",
            "-acpitable", f"sig=SSDT,rev=2,oem_table_id=EXT{port},data={table}",
            *one_device(machine, kind, port, bus)]


def mmio_device(machine: Machine, kind: str, slot: int) -> list[str]:
    """A disk of the arm64 board, in the slot with the same number."""
    if kind != "virtio-blk":
        raise RigError(f"no device {kind} on arm64")
    name = f"virtioblk{slot}"
    return ["-drive", new_disk(machine, name),
            "-device", f"virtio-blk-device,drive={name},serial={name},num-queues=1,"
                       f"iommu_platform=on,bus=virtio-mmio-bus.{slot}"]


def one_device(machine: Machine, kind: str, index: int, bus: str = "") -> list[str]:
    """One device; serial numbers let the job find its disks by kind and place."""
    name = f"{bus and 'external'}{kind.replace('-', '')}{index}"
    place = bus and f",bus={bus}"
    if kind == "nvme":
        return ["-drive", new_disk(machine, name),
                "-device", f"nvme,drive={name},serial={name}{place}"]
    if kind == "virtio-blk":
        return ["-drive", new_disk(machine, name),
                "-device", f"virtio-blk-pci,drive={name},serial={name},{VIRTIO_BOUNCED}{place}"]
    if kind == "ahci":
        return ["-drive", new_disk(machine, name), "-device", f"ich9-ahci,id=bus{name}{place}",
                "-device", f"ide-hd,drive={name},bus=bus{name}.0,serial={name}"]
    if kind == "virtio-net":
        return ["-netdev", f"user,id={name}",
                "-device", f"virtio-net-pci,netdev={name},{VIRTIO_BOUNCED}{place}"]
    if kind == "e1000":
        return ["-netdev", f"user,id={name}", "-device", f"e1000,netdev={name}{place}"]
    if kind == "edu":
        # 36 bits: the device must reach bounce buffers wherever they are.
        return ["-device", f"edu,dma_mask={(1 << 36) - 1}{place}"]
    if kind == "vtd":
        return ["-device", "intel-iommu"]
    raise RigError(f"unknown device {kind}")


def board(machine: Machine) -> list[str]:
    """QEMU itself and the board, by architecture; arm64 is always emulated."""
    if machine.arch == "arm64":
        return [QEMU_ARM64, "-machine", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a72",
                "-global", "virtio-mmio.force-legacy=false"]
    return [QEMU, "-machine", "q35,sata=off,usb=off", *accelerator(machine.clock)]


def ports(machine: Machine) -> list[str]:
    """The ports of init.c. They bounce nothing: no iommu_platform, and in a confidential guest no DMA."""
    if machine.is_confidential:
        return [word for name, port in (("results", RESULTS_IO), ("log", LOG_IO))
                for word in ("-device", f"isa-debugcon,iobase={port:#x},chardev={name}")]
    serial = "virtio-serial-pci"
    if machine.arch == "arm64":
        serial = f"virtio-serial-device,bus=virtio-mmio-bus.{MMIO_SERIAL_SLOT}"
    return ["-device", serial,
            "-device", "virtserialport,chardev=results,name=swiotlb.results",
            "-device", "virtserialport,chardev=log,name=swiotlb.log"]


def memory(machine: Machine) -> list[str]:
    """The guest's memory. What it never touches, the host need not have. Nodes have equal parts, and CPUs in a row."""
    if machine.nodes > 1:
        part, cpus = parse_size(machine.memory) // machine.nodes, machine.cpus // machine.nodes
        return ["-m", machine.memory] + [
            word for node in range(machine.nodes)
            for word in ("-object", f"memory-backend-ram,id=node{node},size={part},reserve=off",
                         "-numa", f"node,nodeid={node},memdev=node{node},"
                                  f"cpus={node * cpus}-{(node + 1) * cpus - 1}")]
    if parse_size(machine.memory) < LARGE_BYTES:
        return ["-m", machine.memory]
    return ["-m", machine.memory, "-machine", "memory-backend=ram",
            "-object", f"memory-backend-ram,id=ram,size={machine.memory},reserve=off"]


def processors(machine: Machine) -> list[str]:
    """The CPUs. Where there can be but one, TCG takes no heed of the guest's barriers, though the thread that is the
    guest's devices sees what that CPU does: a doorbell of NVMe (which is memory) and the request itself may come in
    the wrong order, so that nobody ever starts that request. With -icount there is one thread only; no scenario of
    arm64 has one CPU.
    """
    if machine.cpus == 1 and machine.clock != "icount" and machine.arch != "arm64":
        return ["-smp", "1,maxcpus=2"]
    # CPUs of two nodes cannot be of one socket.
    return ["-smp", str(machine.cpus) if machine.nodes == 1 else f"{machine.cpus},sockets={machine.nodes}"]


def command(machine: Machine) -> list[str]:
    """The whole command line."""
    first = ARM64_CMDLINE if machine.arch == "arm64" else X86_CMDLINE
    return [
        *board(machine), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        *memory(machine), *processors(machine),
        "-kernel", str(machine.image), "-initrd", str(machine.initrd),
        "-append", f"{first} {BASE_CMDLINE} {machine.cmdline}",
        "-chardev", f"file,id=console,path={machine.console}", "-serial", "chardev:console",
        "-chardev", f"file,id=results,path={machine.results}",
        "-chardev", f"file,id=log,path={machine.log}",
        *ports(machine), *device_args(machine),
    ]


def add_devicetree(machine: Machine) -> None:
    """Boot with QEMU's own device tree and what the scenario adds to it."""
    dump, tree = machine.work / "qemu.dtb", machine.work / "machine.dtb"
    shape = ["-nodefaults", "-m", machine.memory, "-smp", str(machine.cpus)]
    run_tool([*board(machine), "-machine", f"dumpdtb={dump}", *shape],
             machine.work / "dumpdtb.log", "dumping the device tree")
    devicetree.extend(machine.dtc, dump, machine.devicetree, tree)
    machine.argv += ["-dtb", str(tree)]


def run(machine: Machine, limit_s: float) -> tuple[str, float]:
    """Boot until QEMU ends. Returns what went wrong with QEMU ("" if nothing) and seconds."""
    shutil.rmtree(machine.work, ignore_errors=True)
    machine.work.mkdir(parents=True)
    machine.console.parent.mkdir(parents=True, exist_ok=True)
    machine.argv = command(machine)
    if machine.devicetree:
        add_devicetree(machine)
    start = time.monotonic()
    try:
        process = subprocess.Popen(machine.argv, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise RigError(f"{machine.argv[0]} is not installed (make deps)") from None
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
