#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Debian packages of the kernel, and of swiotlb-top: deb.py package|check

The configuration is the distribution's own ($CONFIG, or KERNEL_CONFIG in kernel.mk) with configs/deb.config on top;
new options get their defaults. `package` leaves the packages in build/deb/. `check` only makes sure that the
configuration is what it should be, and compiles our folders with it.
"""

import hashlib
import lzma
import os
import re
import shutil
import sys
import time
from pathlib import Path

from common import BUILD, LOGS, REPO, SETTINGS, TREE, Failed, jobs, kbuild_env, lock, main, run, say
from kernel import broken_options, make, read_fragments

OUTPUT = BUILD / "deb"
# kbuild leaves packages beside its object tree, which lies inside the source tree as all others do
OBJ = TREE / "obj-deb" / "kernel"
FOLDERS = ["kernel/dma/", "arch/x86/coco/", "arch/x86/mm/", "arch/x86/kernel/pci-dma.o", "drivers/base/core.o"]
LOG = LOGS / "deb.log"


def base_config():
    """The distribution's configuration: where it is from, and its text."""
    path = Path(os.environ.get("CONFIG") or SETTINGS["KERNEL_CONFIG"]).expanduser()
    try:
        data = path.read_bytes()
        return path, (lzma.decompress(data) if path.suffix == ".xz" else data).decode()
    except OSError as why:
        raise Failed(f"deb: {path}: {why.strerror} (make deb installs {SETTINGS['KERNEL_CONFIG_PACKAGE']}, or give "
                     "CONFIG=<file>)") from None
    except (lzma.LZMAError, UnicodeDecodeError):
        raise Failed(f"deb: {path} is no configuration of a kernel") from None


def merge(base, options):
    """A configuration in which `options` stand instead of what it said about them."""
    kept = [line for line in base.splitlines()
            if not (match := re.match(r"(?:# )?(CONFIG_\w+)[= ]", line)) or match[1] not in options]
    return "\n".join(kept + [f"{name}={value}" for name, value in options.items()]) + "\n"


def lost_options(base, options, dotconfig):
    """What the distribution has built, and this kernel has not."""
    wanted = dict(re.findall(r"^(CONFIG_\w+)=([ym])$", base, re.M))
    have = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", dotconfig, re.M))
    return [name for name in wanted if name not in have and name not in options]


def configure():
    """Write OBJ/.config, unless it was made from the same before."""
    path, base = base_config()
    options = read_fragments(["deb"])
    text = merge(base, options)
    state = hashlib.sha256(text.encode()).hexdigest()
    stamp = OBJ / ".configured"
    if not stamp.exists() or stamp.read_text() != state:
        OBJ.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        (OBJ / ".config").write_text(text)
        run(make(TREE, OBJ) + ["olddefconfig"], LOG, "deb: configure", env=kbuild_env())
        broken = broken_options(options, OBJ / ".config")
        if broken:
            raise Failed(f"deb: configuration does not hold: {', '.join(broken)}")
        stamp.write_text(state)
    lost = lost_options(base, options, (OBJ / ".config").read_text())
    say(f"deb: {path}, {len(lost)} of its options are gone" + (f": {' '.join(sorted(lost)[:8])}" if lost else "")
        + (" ..." if len(lost) > 8 else ""))


def kernel_version():
    """As the tree says: 6.12.117"""
    head = (TREE / "Makefile").read_text()[:1000]
    return ".".join(re.search(rf"^{name} = (\d+)$", head, re.M)[1] for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))


def top_package(version):
    """swiotlb-top and its manual page, without any dependency."""
    root = OUTPUT / "swiotlb-top"
    shutil.rmtree(root, ignore_errors=True)
    run(["make", "-s", "-C", REPO / "tools/swiotlb", f"O={OUTPUT / 'obj-top'}", "STATIC=1", f"DESTDIR={root}",
         "install"], LOG, "deb: swiotlb-top", env=kbuild_env(), append=True)
    run(["strip", root / "usr/sbin/swiotlb-top"], LOG, "deb: strip", append=True)
    run(["gzip", "-9n", root / "usr/share/man/man8/swiotlb-top.8"], LOG, "deb: gzip", append=True)
    (root / "usr/share/doc/swiotlb-top").mkdir(parents=True)
    (root / "usr/share/doc/swiotlb-top/copyright").write_text(
        "License: GPL-2.0-only, the text is in /usr/share/common-licenses/GPL-2\n")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(
        f"Package: swiotlb-top\nVersion: {version}\nArchitecture: amd64\nSection: admin\nPriority: optional\n"
        "Maintainer: nobody <nobody@invalid>\nDescription: viewer of DMA bounce memory\n"
        " Shows how bounce memory is used, which mappings fail, and what to do about it.\n")
    run(["dpkg-deb", "--root-owner-group", "--build", root, OUTPUT], LOG, "deb: swiotlb-top", append=True)
    shutil.rmtree(root)


def package():
    version = f"{kernel_version()}-1"
    env = kbuild_env()
    env.update(KDEB_PKGVERSION=version, KDEB_CHANGELOG_DIST="unstable", DEBFULLNAME="nobody", DEBEMAIL="nobody@invalid")
    for old in OBJ.parent.glob("*.deb"):
        old.unlink()
    say(f"deb: building with {jobs()} jobs")
    run(make(TREE, OBJ) + ["bindeb-pkg"], LOG, "deb: bindeb-pkg", env=env, append=True)
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    for path in OBJ.parent.glob("*.deb"):
        if not path.name.startswith("linux-libc-dev_"):  # would replace the distribution's headers for programs
            shutil.move(path, OUTPUT / path.name)
    top_package(version)
    for path in sorted(OUTPUT.glob("*.deb")):
        say(f"deb: {path.relative_to(REPO)} ({path.stat().st_size / 2**20:.1f} MiB)")


def deb():
    if sys.argv[1:] not in (["package"], ["check"]):
        raise Failed("usage: deb.py package|check")
    if not TREE.exists():
        raise Failed(f"deb: {TREE.relative_to(REPO)} is missing (make tree)")
    start = time.monotonic()
    with lock("deb"):
        configure()
        if sys.argv[1] == "check":
            run(make(TREE, OBJ) + FOLDERS, LOG, "deb: our folders", env=kbuild_env(), append=True)
        else:
            package()
    say(f"deb: {sys.argv[1]} done after {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(deb)
