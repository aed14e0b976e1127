#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Install the packages of `make deb` in a Debian, as an operator would, and boot it through GRUB, in QEMU.

build/deb-boot/base gets a minimal Debian, once: debootstrap, as root, from $MIRROR, or from where this machine has its
packages. Each run installs the packages in a copy of it, with dpkg in a chroot: to make an initramfs takes an emulated
machine a quarter of an hour. A first boot, of the distribution's own kernel, writes the command line into
/etc/default/grub, and calls grub-install and update-grub. The second boot is that of the disk alone: BIOS, GRUB,
initramfs, systemd. There a service does I/O, asks swiotlb-top, and runs the one-liners of the operator's guide, taken
from its text: bpftrace, trace-cmd and tracefs each have to answer.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import time

from common import BUILD, LOGS, REPO, Failed, lock, main, run, say
from deb import OUTPUT

WORK = BUILD / "deb-boot"
BASE, ROOT, DISK, SCRATCH = WORK / "base", WORK / "root", WORK / "disk.img", WORK / "scratch.img"
GUIDE = REPO / "Documentation/admin-guide/swiotlb.rst"
SUITE = "bookworm"
PACKAGES = ("systemd-sysv,udev,kmod,initramfs-tools,linux-image-cloud-amd64,grub-pc,xz-utils,zstd,"
            "fio,procps,bpftrace,trace-cmd")
DISK_MIB, SCRATCH_MIB, FIRST_MIB = 3072, 256, 1  # the partition begins behind the boot loader
# A pool of 4 MiB that must not grow: with 128 requests of 34 KiB on their way some mappings fail, and are retried
WORDS = "swiotlb=cc,2048,force swiotlb.cc_max=4"
LOG = LOGS / "deb-boot.log"
PATIENCE = 3600  # seconds for a boot, without KVM and beside other work
SECONDS = 5  # each one-liner of the guide looks for so long

# In a mount namespace of its own, so that nothing stays mounted, whatever happens
UNPACK = ("mount -t proc proc {root}/proc && cd {root} && "
          "chroot . env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -c 'dpkg -i /opt/packages/*.deb'")

INSTALL = f"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -o remount,rw /
mount -t tmpfs tmp /tmp
set -x
sed -i 's|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX="console=ttyS0 {WORDS}"|
	s|^GRUB_CMDLINE_LINUX_DEFAULT=.*|GRUB_CMDLINE_LINUX_DEFAULT=""|; s|^GRUB_TIMEOUT=.*|GRUB_TIMEOUT=0|' /etc/default/grub
grub-install /dev/vda && update-grub && echo deb-boot: installed
sync
mount -o remount,ro /
poweroff -f
"""

CHECK = """#!/bin/sh
exec >/dev/ttyS0 2>&1
dmesg -n 1
echo "deb-boot: release $(uname -r)"
echo "deb-boot: cmdline $(cat /proc/cmdline)"
echo "deb-boot: backend $(cat /sys/kernel/swiotlb/backend)"
fio --name=load --filename=/dev/nvme0n1 --direct=1 --ioengine=libaio --rw=randrw --bs=4k-64k --iodepth=128 \\
	--time_based --runtime=3600 >/dev/null &
sleep 5
for question in /opt/questions/*; do
	echo "deb-boot: begin ${question##*/}"
	cd /tmp && sh "$question"
	echo "deb-boot: end ${question##*/} $?"
done
swiotlb-top -b -n 2 -d 5
echo "deb-boot: top $?"
kill $!
wait
echo "deb-boot: hiwater $(cat /sys/kernel/debug/swiotlb/io_tlb_used_hiwater)"
echo "deb-boot: maps $(sed -n 's/^cc.maps //p' /sys/kernel/debug/swiotlb/stats)"
swiotlb-top --advise
echo "deb-boot: advice $?"
dmesg | grep -E 'software IO TLB:|WARNING:|BUG:|Oops|Call Trace'
systemctl poweroff
"""

SERVICE = """[Unit]
Description=Tell what runs here
After=multi-user.target

[Service]
Type=simple
ExecStart=/opt/check

[Install]
WantedBy=multi-user.target
"""

# What each of them must say while fio runs. There are no conversions in a guest that is not confidential.
ANSWERS = {"fills": r"\d\d:\d\d\.\d", "fail": "exhausted|fragmented", "converts": None}


def questions():
    """{name: script} of the guide: each question in three ways. What runs until it is stopped is stopped."""
    text = GUIDE.read_text()
    start, end = text.index("\nThree questions"), text.index("\nWhen a mapping fails\n")
    found, topic = {}, 0
    for part in re.split(r"\n(?=Who fills the pool|Why did mappings fail|What converts memory)", text[start:end])[1:]:
        name, topic = list(ANSWERS)[topic], topic + 1
        for number, block in enumerate(re.findall(r"(?:^\t(?:# |  ).*\n)+", part, re.M)):
            lines = re.sub(r"^\t(# )?", "", block, flags=re.M).replace("sleep 10", f"sleep {SECONDS}")
            # It would run until it is stopped; first it compiles, which takes long here
            lines = lines.replace("bpftrace -e", f"bpftrace -c '/usr/bin/sleep {SECONDS}' -e")
            found[f"{topic}-{name}-{number}"] = lines
    if len(found) != 3 * len(ANSWERS):
        raise Failed(f"deb-boot: {GUIDE.relative_to(REPO)} asks {', '.join(found)}: not three questions in three ways")
    return found


def packages():
    """The kernel's image, its headers, without which bpftrace wants BTF, and the viewer."""
    found = [path for name in ("linux-image-*", "linux-headers-*", "swiotlb-top_*") for path in OUTPUT.glob(f"{name}.deb")
             if "-dbg_" not in path.name]
    if len(found) != 3:
        raise Failed("deb-boot: build/deb has no packages of a kernel and of swiotlb-top (make deb)")
    return found


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def mirror():
    """Where that Debian comes from."""
    if os.environ.get("MIRROR"):
        return os.environ["MIRROR"]
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian",
                             "Component: main", f"Codename: {SUITE}"], capture_output=True, text=True, check=False)
    known = [uri for uri in listed.stdout.split() if re.match(r"(https?|file):", uri)]
    if not known:
        raise Failed(f"deb-boot: apt knows no {SUITE} here: MIRROR=<url>")
    return known[0]


def make_base():
    """A Debian that this machine never runs; half of one is of no use."""
    done = WORK / "base.done"
    if done.exists() and done.read_text() == PACKAGES:
        return
    done.unlink(missing_ok=True)
    shutil.rmtree(BASE, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    # It leaves proc mounted, which must not be copied
    run(["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, BASE, mirror()], LOG,
        "deb-boot: debootstrap")
    done.write_text(PACKAGES)


def make_root():
    """That Debian with the packages, and with what is to be done in it."""
    shutil.rmtree(ROOT, ignore_errors=True)
    run(["cp", "-a", "--reflink=auto", BASE, ROOT], LOG, "deb-boot: copy", append=True)
    (ROOT / "opt/packages").mkdir(parents=True)
    for path in packages():
        shutil.copy(path, ROOT / "opt/packages")
    run(["unshare", "--mount", "sh", "-c", UNPACK.format(root=ROOT)], LOG, "deb-boot: dpkg", append=True)
    shutil.rmtree(ROOT / "opt/packages")
    for name, script in questions().items():
        write(ROOT / "opt/questions" / name, script)
    write(ROOT / "opt/install", INSTALL, 0o755)
    write(ROOT / "opt/check", CHECK, 0o755)
    write(ROOT / "etc/fstab", "/dev/vda1 / ext4 defaults 0 1\n")
    write(ROOT / "etc/systemd/system/check.service", SERVICE)
    wanted = ROOT / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    (wanted / "check.service").symlink_to("/etc/systemd/system/check.service")
    # A login prompt would hang up who else has the serial line
    (ROOT / "etc/systemd/system/serial-getty@.service").symlink_to("/dev/null")


def make_disk():
    """A disk with one partition of ext4, made without mounting anything."""
    for path, mib in ((DISK, DISK_MIB), (SCRATCH, SCRATCH_MIB)):
        path.unlink(missing_ok=True)
        with open(path, "wb") as disk:
            disk.truncate(mib << 20)
    with open(DISK, "r+b") as disk:
        # One entry of the partition table: active, no geometry, Linux, first sector, number of sectors
        disk.seek(446)
        disk.write(struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", FIRST_MIB << 11,
                               (DISK_MIB - FIRST_MIB) << 11) + bytes(48) + b"\x55\xaa")
    run(["mkfs.ext4", "-q", "-d", ROOT, "-E", f"offset={FIRST_MIB << 20}", DISK, f"{DISK_MIB - FIRST_MIB}M"], LOG,
        "deb-boot: mkfs.ext4", append=True)


def boot(what, *more):
    """Run QEMU until it ends; what came over the serial line."""
    accel = ["-accel", "kvm", "-cpu", "host"] if os.environ.get("ACCEL") == "kvm" else \
        ["-accel", "tcg,thread=multi", "-cpu", "max"]
    console, start = LOGS / f"deb-boot-{what}.console", time.monotonic()
    say(f"deb-boot: {what} ...")
    # GRUB waits forever for a screen that is not there. The scratch disk bounces; the root disk does not, as virtio does
    # without the DMA API if there is no IOMMU platform: what fills the pool is not in its way
    command = ["qemu-system-x86_64", "-machine", "q35", *accel, "-smp", "2", "-m", "2G", "-display", "none", "-nodefaults",
               "-vga", "std", "-no-reboot", "-serial", f"file:{console}",
               "-drive", f"id=root,if=none,format=raw,cache=unsafe,file={DISK}",
               "-device", "virtio-blk-pci,drive=root",
               "-drive", f"id=scratch,if=none,format=raw,cache=unsafe,file={SCRATCH}",
               "-device", "nvme,drive=scratch,serial=scratch", *map(str, more)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError) as why:
        raise Failed(f"deb-boot: {what}: {why}, see {console.relative_to(REPO)}") from None
    say(f"deb-boot: {what} took {time.monotonic() - start:.0f} s")
    return console.read_text(errors="replace").replace("\r", "")


def judge(text, release):
    """What the second boot said against what it must say. Only GRUB puts BOOT_IMAGE there."""
    told = dict(re.findall(r"deb-boot: (\w+) (.*)", text))
    findings = [f"{key} is {told.get(key, 'not told')}" for key, pattern in (
        ("release", re.escape(release)),
        ("cmdline", rf"BOOT_IMAGE=\S*/vmlinuz-{re.escape(release)} .*{re.escape(WORDS)}.*"),
        ("backend", r".*\[cc\].*"), ("hiwater", "[1-9][0-9]*"), ("maps", "[1-9][0-9]*"), ("top", "0"),
        ("advice", "3")) if not re.fullmatch(pattern, told.get(key, ""))]  # 3: mappings failed, and it says so
    if "    do:  " not in text:
        findings.append("swiotlb-top --advise has no advice")
    for name in questions():
        answer = re.search(rf"^deb-boot: begin {name}$(.*?)^deb-boot: end {name} (\d+)$", text, re.M | re.S)
        wanted = ANSWERS[name.split("-")[1]]
        if not answer:
            findings.append(f"{name} was not asked")
        elif answer[2] != "0" or wanted and not re.search(wanted, answer[1]) or \
                re.search(r"(^|\]: )-\d", answer[1], re.M):  # nobody holds less than nothing
            findings.append(f"{name} ended with {answer[2]}, and said {answer[1].strip()[-200:]!r}")
    return findings + [f"the log has: {line}" for line in re.findall(r".*(?:WARNING:|BUG:|Oops|Call Trace).*", text)]


def deb_boot():
    release = packages()[0].name.split("_")[0].removeprefix("linux-image-")
    if os.geteuid():
        raise Failed("deb-boot: debootstrap and chroot want root")
    with lock("deb-boot"):
        make_base()
        make_root()
        make_disk()
        kernel, = (BASE / "boot").glob("vmlinuz-*")
        initrd, = (BASE / "boot").glob("initrd.img-*")
        text = boot("install", "-kernel", kernel, "-initrd", initrd, "-append",
                    "console=ttyS0 root=/dev/vda1 ro init=/opt/install panic=-1")
        if not re.search(r"^deb-boot: installed", text, re.M):
            raise Failed("deb-boot: GRUB was not installed, see build/logs/deb-boot-install.console")
        findings = judge(boot("disk"), release)
    for line in findings:
        print(f"  {line}", file=sys.stderr)
    say(f"deb-boot: {'FAIL' if findings else 'PASS'}: {release}, installed by dpkg, booted by GRUB")
    return bool(findings)


if __name__ == "__main__":
    main(deb_boot)
