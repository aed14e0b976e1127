# SPDX-License-Identifier: GPL-2.0
"""The guest's root file system: reproducible cpio archives.

An image is two archives one after the other: a big one with the tools, shared
by all scenarios and made again only when one of its inputs changed, and a
small one with the job of this boot. Neither is compressed: QEMU copies it in
no time, and unpacking is what an emulated CPU is slow at.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import subprocess
from pathlib import Path

from common import BUILD, LOGS, RIG, RigError, run_tool, write_atomic

WORK = BUILD / "initramfs"
COMPILERS = {"x86": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
DIRS = ("bin", "dev", "job", "proc", "sys", "tmp", "etc", "job/bin", "job/modules")


class Archive:
    """A cpio "newc" archive without owners, times or inode numbers of the host."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def add(self, name: str, mode: int, data: bytes = b"", dev: tuple[int, int] = (0, 0)) -> None:
        self.entries[name] = (mode, data, dev)

    def add_dir(self, name: str) -> None:
        parent = str(Path(name).parent)
        if parent != ".":
            self.add_dir(parent)
        self.add(name, stat.S_IFDIR | 0o755)

    def add_file(self, name: str, data: bytes, executable: bool = False) -> None:
        self.add(name, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def add_host_file(self, path: Path, name: str) -> None:
        self.add_dir(str(Path(name).parent))
        self.add_file(name, path.read_bytes(), executable=True)

    def pack(self) -> bytes:
        chunks = [self._entry(number, name, *entry)
                  for number, (name, entry) in enumerate(sorted(self.entries.items()), 1)]
        chunks.append(self._entry(0, "TRAILER!!!", 0, b"", (0, 0)))
        return b"".join(chunks)

    @staticmethod
    def _entry(number: int, name: str, mode: int, data: bytes, dev: tuple[int, int]) -> bytes:
        raw_name = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *dev, len(raw_name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw_name
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def host_tool(name: str) -> Path:
    """A program of the build machine that goes into the guest as it is."""
    found = shutil.which(name)
    if not found:
        raise RigError(f"{name} is not installed (make deps)")
    return Path(found).resolve()


def shared_libraries(program: Path) -> dict[str, Path]:
    """Libraries of a program: path in the guest -> file on this machine."""
    text = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    paths = re.findall(r"(/\S+) \(0x", text)
    return {path.lstrip("/"): Path(path).resolve() for path in paths}


def files_key(files: dict[str, Path]) -> str:
    """Identity of some inputs: name, size and time of each."""
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        status = path.stat()
        digest.update(f"{name} {path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def build_program(name: str, sources: list[Path], flags: list[str] | None = None,
                  arch: str = "x86") -> Path:
    """Compile one static program for the guest, if it is not up to date."""
    binary = WORK / "bin" / name
    argv = [COMPILERS[arch], "-static", "-O2", "-Wall", "-Wextra", "-o", str(binary),
            *map(str, sources), *(flags or [])]
    inputs = {str(path): path for source in sources for path in source.parent.rglob("*.[ch]")}
    stamp, key = binary.with_suffix(".stamp"), f"{argv} {files_key(inputs)}"
    if not binary.exists() or not stamp.exists() or stamp.read_text() != key:
        binary.parent.mkdir(parents=True, exist_ok=True)
        run_tool(argv, LOGS / f"program-{name}.log", f"compiling {name}")
        stamp.write_text(key)
    return binary


def check_busybox(busybox: Path) -> None:
    """The guest has no libraries of its own before fio's come in."""
    if shared_libraries(busybox):
        raise RigError(f"{busybox} is not static: install busybox-static (make deps)")


def applets(busybox: Path) -> list[str]:
    """Its commands, but for those that the guest has from elsewhere."""
    listed = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if name not in ("busybox", "init", "fio")]


def tools_archive(with_fio: bool, arch: str = "x86") -> Path:
    """The archive with init, busybox and, if wanted, fio and its libraries.

    This machine has programs for x86 only. On arm64 there is just init, and
    the job is a program, not a script.
    """
    if arch == "x86":
        busybox = host_tool("busybox")
        check_busybox(busybox)
        files = {"init": build_program("init", [RIG / "init.c"]), "bin/busybox": busybox}
    else:
        files = {"init": build_program(f"init-{arch}", [RIG / "init.c"], arch=arch)}
        if with_fio:
            raise RigError(f"there is no fio for {arch} here")
    if with_fio:
        fio = host_tool("fio")
        files["bin/fio"] = fio
        files.update(shared_libraries(fio))
    name = "tools" + (f"-{arch}" if arch != "x86" else "") + ("-fio" if with_fio else "")
    image = WORK / f"{name}.cpio"
    stamp, key = image.with_suffix(".stamp"), files_key(files | {"packer": RIG / "initramfs.py"})
    if image.exists() and stamp.exists() and stamp.read_text() == key:
        return image
    archive = Archive()
    for name in DIRS:
        archive.add_dir(name)
    archive.add("dev/console", stat.S_IFCHR | 0o600, dev=(5, 1))
    for name, path in files.items():
        archive.add_host_file(path, name)
    for applet in applets(busybox) if arch == "x86" else []:
        archive.add(f"bin/{applet}", stat.S_IFLNK | 0o777, b"busybox")
    write_atomic(image, archive.pack())
    stamp.write_text(key)
    return image


def job_archive(script: str, env: dict[str, str], files: dict[str, Path]) -> bytes:
    """The small archive: job script, its environment, modules and programs."""
    archive = Archive()
    archive.add_dir("job")
    library = (RIG / "guest.sh").read_text()
    archive.add_file("job/run", f"{library}\n{script}".encode())
    archive.add_file("job/env", "".join(f"{k}={v}\n" for k, v in sorted(env.items())).encode())
    for name, path in files.items():
        archive.add_host_file(path, f"job/{name}")
    return archive.pack()


def make_image(path: Path, tools: Path, job: bytes) -> None:
    """Tools and job in one file. Each archive must start at a multiple of 4 bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out, tools.open("rb") as big:
        shutil.copyfileobj(big, out)
        out.write(bytes(-out.tell() % 4))
        out.write(job)
