# SPDX-License-Identifier: GPL-2.0
"""What the build scripts share: places, settings, and one way to run a command and report it."""

import contextlib
import fcntl
import fnmatch
import os
import re
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build"
LOGS = BUILD / "logs"


class Failed(Exception):
    """Something the user must know; its text is the one line that is shown."""


def settings():
    """The assignments of kernel.mk. Read rather than passed on, so that scripts also work without make."""
    text = (REPO / "kernel.mk").read_text().replace("\\\n", " ")
    return {name: value.strip() for name, value in re.findall(r"^(\w+)\s*:=(.*)$", text, re.M)}


SETTINGS = settings()
RELEASE = SETTINGS["KERNEL_RELEASE"]
TREE = BUILD / RELEASE
PRISTINE = BUILD / f"{RELEASE}-pristine"
PATCHES = REPO / "patches" / RELEASE


def series(name="series"):
    """The patches that edit existing kernel files, in order; of "series.baseline", those for the pristine kernel."""
    path = PATCHES / name
    lines = path.read_text().splitlines() if path.exists() or name == "series" else []
    return [PATCHES / line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def touched(patch):
    """Paths a patch creates, changes or deletes."""
    names = re.findall(r"^(?:---|\+\+\+) [ab]/(\S+)", patch.read_text(), re.M)
    return list(dict.fromkeys(names))


def overlay_files():
    """Our files at their in-kernel paths, sorted. Git decides what is a source; a plain download has no junk yet."""
    folders = SETTINGS["KERNEL_OVERLAY"].split()
    git = subprocess.run(["git", "-C", REPO, "ls-files", "-co", "--exclude-standard", "--", *folders],
                         capture_output=True, text=True, check=False)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:
        names = [str(path.relative_to(REPO)) for folder in folders for path in (REPO / folder).rglob("*")]
    return sorted(name for name in names if (REPO / name).is_file() and "__pycache__" not in name)


def baseline_files():
    """Those of our files that the pristine kernel gets too."""
    patterns = SETTINGS.get("KERNEL_BASELINE", "").split()
    return [name for name in overlay_files() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def jobs():
    return os.environ.get("JOBS") or str(os.cpu_count())


def kbuild_env():
    """An environment in which two builds of the same sources give the same bytes."""
    drop = re.compile(r"^(MAKE.*|MFLAGS|ARCH|CONFIG|SUBARCH|CROSS_COMPILE|LOCALVERSION|KBUILD_.*|KCONFIG_.*|[CMOVW])$")
    env = {name: value for name, value in os.environ.items() if not drop.match(name)}
    env.update(LC_ALL="C", KBUILD_BUILD_TIMESTAMP="2024-11-17", KBUILD_BUILD_USER="swiotlb",
               KBUILD_BUILD_HOST="swiotlb", KBUILD_BUILD_VERSION="1")
    return env


def relevant(log, lines=12):
    """The part of a failed command's log that says why."""
    text = Path(log).read_text(errors="replace").splitlines()
    # Sparse may have found fault with many headers before make stopped: what stopped it is just above.
    stop = next((number for number, line in enumerate(text, 1) if "*** [" in line), 0)
    part = slice(-lines, None) if stop else slice(lines)
    text = text[:stop or None]
    for why in (r"error:|undefined reference|No such file|No rule to make|warning:", r"\*\*\*|error", ""):
        found = [line for line in text if re.search(why, line, re.I)]
        if found:
            return "\n".join(found[part])
    return ""


def run(command, log, what, cwd=None, env=None, append=False):
    """Run a command with its output in a log, a sign of life every minute, and its last words on failure."""
    log = Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "ab" if append else "wb") as out:
        try:
            child = subprocess.Popen([str(word) for word in command], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=subprocess.STDOUT)
        except FileNotFoundError:
            raise Failed(f"{what}: {command[0]} is missing (make deps installs it)") from None
        while True:
            try:
                status = child.wait(timeout=60)
                break
            except subprocess.TimeoutExpired:
                steps = log.read_bytes().count(b"\n")
                say(f"{what}: ... {steps} steps after {time.monotonic() - start:.0f} s")
            except BaseException:
                child.terminate()
                child.wait()
                raise
    if status:
        print(relevant(log), file=sys.stderr)
        raise Failed(f"{what}: failed with status {status}, see {log.relative_to(REPO)}")
    return time.monotonic() - start


def say(text):
    print(text, flush=True)


@contextlib.contextmanager
def lock(name):
    """Two makes at once must not write the same tree: the second waits, and says so."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f".lock-{name}", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: waiting for another build to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main(function):
    """Run a script: what goes wrong is one line and a non-zero exit."""
    try:
        sys.exit(function())
    except Failed as failed:
        print(failed, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
