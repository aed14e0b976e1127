#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The overlay as a patch series for the kernel: series.py write|check

`write` makes build/series/*.patch from the table patches/<release>/split. `check` applies them with git am to
a repository of the pristine tree, builds at each step, and compares the outcome with build/<release>.
"""

import os
import shutil
import subprocess
import sys
import time

from common import (BUILD, LOGS, PATCHES, PRISTINE, REPO, TREE, Failed, kbuild_env, lock, main, overlay_files, run, say,
                    touched)
from kernel import configure, make, read_fragments, seed
from split import matching, read_table, unassigned
from tree import BASE, original

SERIES = BUILD / "series"
SCRATCH = BUILD / "series-check"
TARGETS = ["kernel/dma/", "drivers/base/core.o", "mm/slab_common.o", "arch/x86/kernel/pci-dma.o",
           "arch/x86/kernel/setup.o", "arch/x86/mm/"]


def git_env():
    """Author and date of the repository's last commit: writing the series twice gives the same patches."""
    def ask(*words, default):
        result = subprocess.run(["git", "-C", REPO, *words], capture_output=True, text=True, check=False)
        return result.stdout.strip() or default
    date = ask("log", "-1", "--format=%cI", default="2024-11-17T00:00:00Z")
    name, email = ask("config", "user.name", default="nobody"), ask("config", "user.email", default="nobody@invalid")
    return {**os.environ, "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email, "GIT_COMMITTER_DATE": date,
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "2",
            # The repositories live for one comparison: no packing, no compression.
            "GIT_CONFIG_KEY_0": "gc.auto", "GIT_CONFIG_VALUE_0": "0",
            "GIT_CONFIG_KEY_1": "core.compression", "GIT_CONFIG_VALUE_1": "0"}


def git(repository, *words, text=None):
    result = subprocess.run(["git", "-C", repository, *words], input=text, capture_output=True, text=True, check=False,
                            env=git_env())
    if result.returncode:
        raise Failed(f"series: git {words[0]}: {(result.stderr or result.stdout).strip().splitlines()[-1:]}")
    return result.stdout


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def base_paths(steps, names):
    """The kernel's own files that the series changes, replaces or deletes."""
    paths = names + [path for step in steps for path in step["-"]]
    paths += [path for step in steps for patch in step["*"] for path in touched(PATCHES / patch)]
    return [path for path in dict.fromkeys(paths) if original(path).exists()]


def write(steps, names):
    """Commit the steps in a repository that holds only the files they touch, and format them."""
    small = BUILD / ".series-git"
    shutil.rmtree(small, ignore_errors=True)
    shutil.rmtree(SERIES, ignore_errors=True)
    small.mkdir(parents=True)
    git(small, "init", "-q")
    for path in base_paths(steps, names):
        copy(original(path), small / path)
    git(small, "add", "-f", "-A")
    git(small, "commit", "-q", "-m", "base")
    for step in steps:
        for patch in step["*"]:
            git(small, "apply", str(PATCHES / patch))
        for path in matching(step, names):
            copy(REPO / path, small / path)
        for path in step["-"]:
            (small / path).unlink()
        git(small, "add", "-f", "-A")
        git(small, "commit", "-q", "-s", "-F", "-", text=step["message"])
    git(small, "format-patch", "-q", "--zero-commit", "--no-signature", "-o", str(SERIES), f"HEAD~{len(steps)}")
    say(f"series: {len(steps)} patches in {SERIES.relative_to(REPO)}")


def prepare(paths, names):
    """A copy of the pristine tree, kept between runs, as a repository of the few files that matter to git am."""
    stamp, base = SCRATCH / ".base", BASE.read_text()
    if not stamp.exists() or stamp.read_text() != base:
        start = time.monotonic()
        shutil.rmtree(SCRATCH, ignore_errors=True)
        SCRATCH.mkdir(parents=True)
        entries = [entry for entry in PRISTINE.iterdir() if not entry.name.startswith("obj")]
        run(["cp", "-a", "--reflink=auto", *entries, SCRATCH], LOGS / "series.log", "series: cp")
        git(SCRATCH, "init", "-q")
        git(SCRATCH, "commit", "-q", "--allow-empty", "-m", "nothing")
        git(SCRATCH, "tag", "nothing")
        (SCRATCH / ".git/info/exclude").write_text("*\n")
        stamp.write_text(base)
        say(f"series: copy of the pristine tree ready after {time.monotonic() - start:.0f} s")
    subprocess.run(["git", "-C", SCRATCH, "am", "-q", "--abort"], capture_output=True, check=False)
    git(SCRATCH, "reset", "-q", "--hard", "nothing")  # also removes what an earlier series brought
    for path in names:  # what the pristine tree got from us
        (SCRATCH / path).unlink(missing_ok=True)
    for path in paths:
        copy(original(path), SCRATCH / path)
    git(SCRATCH, "add", "-f", *paths)
    git(SCRATCH, "commit", "-q", "-m", "base")
    seed(SCRATCH / "obj", PRISTINE / "obj", "series")


def fragments(last):
    """The kernel's configuration at a step, which cannot have options that come later."""
    simulated = ["coco"] if (SCRATCH / "arch/x86/coco/sim/Makefile").exists() else []
    return ["base", *simulated, *(["swiotlb"] if last else [])]


def check(paths, names):
    """Apply, build, compare."""
    prepare(paths, names)
    patches = sorted(SERIES.glob("*.patch"))
    for number, patch in enumerate(patches, 1):
        start = time.monotonic()
        git(SCRATCH, "am", "-q", str(patch))
        last = number == len(patches)
        options = read_fragments(fragments(last))
        log, what = LOGS / f"series-{number:02}.log", f"series: {patch.name}"
        obj = SCRATCH / "obj"
        configure(SCRATCH, obj, options, log, what)
        samples = ["samples/swiotlb/"] if last else []
        coco = ["arch/x86/coco/"] if "CONFIG_COCO_SIM" in options else []
        run(make(SCRATCH, obj) + TARGETS + coco + samples, log, what, env=kbuild_env(), append=True)
        say(f"ok   series {number}/{len(patches)} {patch.name} ({time.monotonic() - start:.0f} s)")
    # checkpatch leaves a cache in the tree; objects are beside the sources.
    result = subprocess.run(["diff", "-rq", "--no-dereference", "-x", ".git", "-x", ".base", "-x", "obj*",
                             "-x", ".checkpatch*", SCRATCH, TREE], capture_output=True, text=True, check=False)
    different = result.stdout.splitlines()
    if result.returncode:
        print("\n".join(different[:12]), file=sys.stderr)
        raise Failed(f"series: the outcome differs from {TREE.relative_to(REPO)} in {len(different)} places")
    say(f"series: {len(patches)} patches apply, build, and add up to {TREE.relative_to(REPO)}")


def main_series():
    if sys.argv[1:] not in (["write"], ["check"]):
        raise Failed("usage: series.py write|check")
    with lock("series"):
        steps, names = read_table(), overlay_files()
        for finding in unassigned(steps, names):
            raise Failed(f"series: {finding}")
        write(steps, names)
        if sys.argv[1] == "check":
            check(base_paths(steps, names), names)


if __name__ == "__main__":
    main(main_series)
