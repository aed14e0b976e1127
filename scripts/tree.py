#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Unpack the kernel and lay the overlay over a copy of it.

build/<release>-pristine   the base, the baseline of every comparison: untouched, but for what measures it (KERNEL_BASELINE
                           in kernel.mk and patches/<release>/series.baseline)
build/<release>            the same, plus patches/<release>/series, plus our files, minus the legacy file

The few files that differ are computed anew on every call and compared with the tree, so there is nothing to get
out of step: a changed file is written, one that vanished from the overlay gives way to the kernel's own, and
everything else keeps its time stamp, on which kbuild relies to rebuild only what changed.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from common import (BUILD, LOGS, PATCHES, PRISTINE, RELEASE, REPO, SETTINGS, TREE, Failed, baseline_files, lock, main,
                    overlay_files, run, say, series, touched)

BASE = BUILD / f".base-{RELEASE}"          # where the trees came from
MANIFEST = BUILD / f".manifest-{RELEASE}"  # paths in which TREE differs from the base
BASELINE = BUILD / f".baseline-{RELEASE}"  # paths in which PRISTINE does
ORIGINAL = BUILD / f".original-{RELEASE}"  # the base's own versions of those
STAGE = BUILD / f".stage-{RELEASE}"        # the files that a series changes


def check_release(tree):
    """Refuse a tree of another release early: rejects further on would be a riddle."""
    try:
        head = (tree / "Makefile").read_text(errors="replace")[:1000]
        version = ".".join(re.search(rf"^{name} = (\d+)$", head, re.M)[1] for name in ("VERSION", "PATCHLEVEL"))
    except (OSError, TypeError):
        raise Failed(f"tree: {tree} is not a kernel source tree") from None
    if version != RELEASE:
        raise Failed(f"tree: {tree} is release {version}, this overlay needs {RELEASE}")


def wanted_base():
    """One line that identifies the base. A user's own tree, once chosen, stays until distclean or another choice."""
    kernel = os.environ.get("KERNEL")
    if kernel:
        source = Path(kernel).expanduser().resolve()
        check_release(source)
        return f"tree {source}"
    if BASE.exists() and BASE.read_text().startswith("tree "):
        return BASE.read_text()
    tarball = Path(SETTINGS["KERNEL_TARBALL"])
    if tarball.exists():
        return f"tarball {tarball} {tarball.stat().st_size} {tarball.stat().st_mtime_ns}"
    if BASE.exists():  # unpacked earlier, the package has gone since
        return BASE.read_text()
    raise Failed(f"tree: {tarball} is missing (make deps installs it, or give KERNEL=<tree>)")


def unpack(base, start):
    """Fill PRISTINE. Under another name first, so that an interrupted run leaves nothing that looks whole."""
    for old in (PRISTINE, TREE):
        if old.exists():
            say(f"tree: the base changed, removing {old.relative_to(REPO)}")
            shutil.rmtree(old)
    shutil.rmtree(ORIGINAL, ignore_errors=True)
    BASELINE.unlink(missing_ok=True)
    BASE.unlink(missing_ok=True)
    kind, source = base.split(" ")[:2] if base.startswith("tarball ") else base.split(" ", 1)
    half = PRISTINE.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    log = LOGS / "tree.log"
    if kind == "tarball":
        say(f"tree: unpacking {source}")
        run(["tar", "-xf", source, "-C", half, "--strip-components=1"], log, "tree: tar")
        check_release(half)
    else:
        say(f"tree: copying {source}")
        run(["rsync", "-a", "--exclude=.git", "--exclude=/obj*/", f"{source}/", f"{half}/"], log, "tree: rsync")
        # A tree that was built in place cannot be built out of place.
        run(["make", "-C", half, "mrproper"], log, "tree: mrproper", append=True)
    half.rename(PRISTINE)
    BASE.write_text(base)
    say(f"tree: {PRISTINE.relative_to(REPO)} ready after {time.monotonic() - start:.0f} s")


def copy_pristine(start):
    """A full copy, not hard links: whoever edits the tree in place must not edit the baseline."""
    half = TREE.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    sources = [entry for entry in PRISTINE.iterdir() if not entry.name.startswith("obj")]
    run(["cp", "-a", "--reflink=auto", *sources, half], LOGS / "tree.log", "tree: cp", append=True)
    half.rename(TREE)
    MANIFEST.unlink(missing_ok=True)
    say(f"tree: {TREE.relative_to(REPO)} copied after {time.monotonic() - start:.0f} s")


def original(path):
    """A file as the base has it. What does not exist there, does not exist."""
    if (ORIGINAL / path).exists():
        return ORIGINAL / path
    ours = BASELINE.exists() and path in BASELINE.read_text().splitlines()
    return ORIGINAL / path if ours else PRISTINE / path


def apply_series(name):
    """Patch copies of the touched files in STAGE. Returns {path: patched file, or None if deleted}."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir()
    paths = []
    for patch in series(name):
        if not patch.exists():
            raise Failed(f"tree: {PATCHES.relative_to(REPO)}/{name} names {patch.name}, which does not exist")
        for path in touched(patch):
            if path not in paths:
                paths.append(path)
                if original(path).exists():
                    (STAGE / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(original(path), STAGE / path)
        # No fuzz: a hunk whose context moved may land in the wrong place, and nobody would see it.
        try:
            result = subprocess.run(["patch", "-p1", "-F0", "-f", "-s", "--no-backup-if-mismatch", "-r", "-",
                                     "-d", STAGE, "-i", patch], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Failed("tree: patch is missing (make deps installs it)") from None
        if result.returncode:
            LOGS.mkdir(exist_ok=True)
            (LOGS / "tree.log").write_text(result.stdout + result.stderr)
            raise Failed(f"tree: {patch.relative_to(REPO)} does not apply to {PRISTINE.relative_to(REPO)}, "
                         "see build/logs/tree.log")
    return {path: STAGE / path if (STAGE / path).exists() else None for path in paths}


def wanted_files(name, names):
    """Everything in which a tree must differ from the base: {path: file, or None where there must be none}."""
    files = apply_series(name)
    for path in names:
        if path in files:
            raise Failed(f"tree: {path} is both in the overlay and changed by the series")
        files[path] = REPO / path
    return files


def same(a, b):
    try:
        return a.read_bytes() == b.read_bytes() and (a.stat().st_mode ^ b.stat().st_mode) & 0o111 == 0
    except OSError:
        return False


def sync(tree, manifest, files):
    """Bring a tree to `files`, writing only what differs. Returns the paths written or removed."""
    before = manifest.read_text().splitlines() if manifest.exists() else []
    changed = []
    for path in before:
        if path not in files:  # no longer ours: the kernel's own file, or none
            files = {**files, path: original(path) if original(path).exists() else None}
    manifest.write_text("".join(f"{path}\n" for path in files))  # before the work: an interrupted run is repeated
    for path, source in files.items():
        target = tree / path
        if source is None:
            if target.exists():
                target.unlink()
                changed.append(path)
                with_parents_removed(tree, target)
        elif not same(source, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)  # the time of writing, not the source's: kbuild must see it
            shutil.copymode(source, target)
            changed.append(path)
    return changed


def with_parents_removed(tree, path):
    """Folders that the overlay created go with their last file. The base has no empty ones."""
    for folder in path.parents:
        if folder == tree or any(folder.iterdir()):
            return
        folder.rmdir()


def sync_pristine():
    """Bring what measures to PRISTINE. The base's versions of the files in question go to ORIGINAL first."""
    files = wanted_files("series.baseline", baseline_files())
    for path in files:
        source, target = original(path), ORIGINAL / path
        if source.exists() and source != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(target.name + ".half")
            shutil.copy2(source, half)
            half.rename(target)
    return sync(PRISTINE, BASELINE, files)


def tree():
    start = time.monotonic()
    with lock("tree"):
        base = wanted_base()
        if not (PRISTINE.exists() and BASE.exists() and BASE.read_text() == base):
            unpack(base, start)
        report("pristine tree", sync_pristine())
        if not TREE.exists():
            copy_pristine(start)
        files = {SETTINGS["KERNEL_LEGACY"]: None, **wanted_files("series", overlay_files())}
        changed = sync(TREE, MANIFEST, files)
    report("tree", changed)


def report(what, changed):
    if len(changed) > 3:
        say(f"{what}: {len(changed)} files changed")
    elif changed:
        say(f"{what}: changed {' '.join(changed)}")


if __name__ == "__main__":
    main(tree)
