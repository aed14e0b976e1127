#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks that need no kernel build: check.py [name...]

Each check is a function that returns its findings, one per line of output, and how much it looked at. checkpatch.pl
and kernel-doc come from the integrated tree, because they write there and know its layout.
"""

import ast
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
from multiprocessing.pool import ThreadPool

import cocci
import documented
from common import BUILD, LOGS, PATCHES, RELEASE, REPO, TREE, Failed, jobs, kbuild_env, main, overlay_files, say, series, touched
from split import read_table, unassigned

MAX_LINES = 600  # one file, one job
EXCEPTIONS = REPO / "scripts/checkpatch.exceptions"


def sources():
    """Every file of the repository, relative to its root."""
    git = subprocess.run(["git", "-C", REPO, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True,
                         check=False)
    if git.returncode:
        names = [str(path.relative_to(REPO)) for path in REPO.rglob("*") if path.is_file()]
        names = [name for name in names if not name.startswith((".git/", "build/")) and "__pycache__" not in name]
    else:
        names = git.stdout.splitlines()
    return sorted(name for name in names if (REPO / name).is_file())


def read(name):
    return (REPO / name).read_text(errors="replace")


def kernel_style(name):
    """What checkpatch judges: kernel code and its build files, wherever they lie."""
    return name.endswith((".c", ".h", ".cocci")) or name.startswith(("arch/", "kernel/", "samples/")) \
        and name.endswith(("Makefile", "Kconfig"))


def check_spdx():
    """A licence line at the top of each file, but for formats that have no place for one."""
    names = [name for name in sources() if name != "COPYING" and not name.endswith((".patch", ".md", ".json"))
             and not name.startswith(("Documentation/ABI/", "tools/testing/swiotlb/corpus/"))]
    return [f"{name}: no SPDX-License-Identifier in the first three lines" for name in names
            if "SPDX-License-Identifier: GPL-2.0" not in "\n".join(read(name).splitlines()[:3])], len(names)


def check_fragments():
    """Fragments are sorted, without duplicates, and each option says why it is there."""
    findings, count = [], 0
    for path in sorted((REPO / "configs").glob("*.config")):
        before, options = "", []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r"(CONFIG_\w+)=", line)
            if match:
                options.append(match[1])
                if not before.startswith("# "):
                    findings.append(f"configs/{path.name}:{number}: {match[1]} has no reason above it")
            elif line and not line.startswith("# "):
                findings.append(f"configs/{path.name}:{number}: neither option nor comment: {line}")
            before = line
        findings += [f"configs/{path.name}: {b} comes after {a}" for a, b in zip(options, options[1:]) if a >= b]
        count += len(options)
    return findings, count


def check_series():
    """The series and the folder name the same patches, each with a subject and a reason. (tree.py applied them.)"""
    listed, findings = series(), []
    present = sorted(PATCHES.glob("*.patch"))
    findings += [f"{path.relative_to(REPO)}: not in the series" for path in present if path not in listed]
    findings += [f"{path.relative_to(REPO)}: in the series, but missing" for path in listed if path not in present]
    findings += [f"{path.relative_to(REPO)}: in series.baseline, but not in the series" for path in series("series.baseline")
                 if path not in listed]
    for path in present:
        head = path.read_text().split("\ndiff --git ")[0]
        match = re.fullmatch(r"Subject: (\S.{1,74})\n\n(\S.*)", head, re.S)
        if not match:
            findings.append(f"{path.relative_to(REPO)}: wants a Subject: of at most 75 characters, a blank line, a reason")
    return findings, len(present)


def check_split():
    """Every overlay file and every patch is in exactly one step of `make series`."""
    return unassigned(read_table(), overlay_files()), len(overlay_files())


def check_maintainers():
    """What the entry in MAINTAINERS covers is what the series adds: every file of ours, and nothing that is not there."""
    added = "\n".join(path.read_text() for path in series() if "MAINTAINERS" in touched(path))
    patterns, names = re.findall(r"(?m)^\+F:\t(.*)", added), overlay_files()

    def covers(pattern, name):  # a star stands for no slash there
        return name.startswith(pattern) if pattern.endswith("/") else \
            name.count("/") == pattern.count("/") and fnmatch.fnmatch(name, pattern)
    findings = [f"MAINTAINERS: no entry for {name}" for name in names
                if not any(covers(pattern, name) for pattern in patterns)]
    return findings + [f"MAINTAINERS: {pattern} matches nothing" for pattern in patterns
                       if not any(covers(pattern, name) for name in names)], len(names)


def check_scripts():
    """Scripts parse."""
    findings, count = [], 0
    for name in sources():
        text = read(name)
        shebang = text.split("\n", 1)[0] if text.startswith("#!") else ""
        if name.endswith(".py") or "python" in shebang:
            try:
                ast.parse(text, name)
            except SyntaxError as why:
                findings.append(f"{name}:{why.lineno}: {why.msg}")
        elif name.endswith(".sh") or re.search(r"\b(ba)?sh$", shebang):
            shell = "bash" if "bash" in shebang else "sh"
            result = subprocess.run([shell, "-n", REPO / name], capture_output=True, text=True, check=False)
            if result.returncode:
                findings.append(f"{name}: {result.stderr.strip()}")
        else:
            continue
        count += 1
    return findings, count


def check_words():
    """The repository stands alone: no path of somebody's machine, no host that it would have its packages from."""
    words = re.compile(r"/home/\w|/roo[t]/|/tm[p]/[a-z]+/|[.][.]/shared\b|https?://(deb|ftp|archive|security)[.]")
    names = sources()
    return [f"{name}:{number}: {found[0]}" for name in names for number, line in enumerate(read(name).splitlines(), 1)
            if (found := words.search(line))], len(names)


def check_code():
    """No BUG() on a DMA path, no file that has grown beyond one job."""
    names = [name for name in sources() if name.endswith((".c", ".h"))]
    findings = [f"{name}: {len(read(name).splitlines())} lines, the limit is {MAX_LINES}" for name in names
                if len(read(name).splitlines()) > MAX_LINES]
    for name in overlay_files():
        if name.startswith(("arch/", "kernel/dma/", "include/", "samples/")):
            findings += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(read(name).splitlines(), 1)
                         if re.search(r"\b(VM_)?BUG(_ON\w*)?\(", line)]
    return findings, len(names)


def exceptions():
    """(path pattern, message type) pairs that checkpatch may report, each with its reason behind it."""
    pairs = []
    for number, line in enumerate(EXCEPTIONS.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            words = line.split(maxsplit=2)
            if len(words) < 3:
                raise Failed(f"{EXCEPTIONS.relative_to(REPO)}:{number}: wants a path pattern, types and a reason")
            pairs += [(words[0], kind) for kind in words[1].split(",")]
    return pairs


def run_checkpatch(arguments, names):
    """Findings as (name, text, type), from one process per processor."""
    shares = [share for i in range(int(jobs())) if (share := names[i::int(jobs())])]
    with ThreadPool(len(shares)) as pool:
        return sorted(sum(pool.map(lambda share: checkpatch(arguments, share), shares), []))


def checkpatch(arguments, names):
    """One run of the tool, in the integrated tree, where its cache belongs."""
    command = ["perl", "scripts/checkpatch.pl", "--strict", "--terse", "--show-types", "--no-summary", "--quiet"]
    result = subprocess.run([*command, *arguments, *(os.path.relpath(REPO / name, TREE) for name in names)], cwd=TREE,
                            capture_output=True, text=True, check=False)
    found = re.findall(r"^(\S+?):(\d+): (?:ERROR|WARNING|CHECK):(\w+): (.*)$", result.stdout, re.M)
    if result.returncode and not found:
        raise Failed(f"checkpatch: {(result.stderr or result.stdout).strip()[-300:]}")
    up = os.path.relpath(REPO, TREE) + "/"
    return [(path.removeprefix(up), f"{path.removeprefix(up)}:{line}: {kind}: {text}", kind)
            for path, line, kind, text in found]


def check_checkpatch():
    """checkpatch.pl --strict on our files and patches. Sign-off is for who sends the series."""
    files = [name for name in sources() if kernel_style(name)]
    patches = [str(path.relative_to(REPO)) for path in series()]
    found = run_checkpatch(["--file"], files) + run_checkpatch(["--no-signoff"], patches)
    allowed, used, findings = exceptions(), set(), []
    for path, text, kind in found:
        rule = next((rule for rule in allowed if fnmatch.fnmatch(path, rule[0]) and kind == rule[1]), None)
        if rule:
            used.add(rule)
        else:
            findings.append(text)
    # An exception that nothing needs would hide the next real finding.
    findings += [f"{EXCEPTIONS.relative_to(REPO)}: no use for {pattern} {kind}" for pattern, kind in allowed
                 if (pattern, kind) not in used]
    return findings, len(files) + len(patches)


def check_kernel_doc():
    """Every kernel-doc comment describes what is there."""
    names = [name for name in overlay_files() if name.startswith(("kernel/", "include/", "arch/", "samples/"))
             and name.endswith((".c", ".h"))]
    result = subprocess.run(["perl", TREE / "scripts/kernel-doc", "-none", "-Wall", *names], cwd=REPO,
                            capture_output=True, text=True, check=False)
    findings = [line for line in result.stderr.splitlines() if re.search(r"(warning|error)", line, re.I)]
    if result.returncode and not findings:
        raise Failed(f"kernel-doc: {result.stderr.strip()[-300:]}")
    return findings, len(names)


def run_tests(command, log, count):
    """Run a program that tests, counted by `count(its output)`: findings, passed, failed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(command, cwd=REPO, env=kbuild_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    log.write_text(result.stdout)
    passed, failed = count(result.stdout)
    if result.returncode == 0 and failed == 0 and passed:
        return [], passed, 0
    findings = [line for line in result.stdout.splitlines() if re.search(r"^\s*(not ok|FAIL|STALE)|ERROR:|error:", line)]
    why = f"status {result.returncode}" if passed + failed else "no test was counted"
    return findings + [f"{' '.join(map(str, command))}: {why}, see {log.relative_to(REPO)}"], passed, max(failed, 1)


def check_unit():
    """The user-space tests: the same sources, built with sanitizers."""
    def count(text):
        ran = re.findall(r"^(\d+) passed, (\d+) failed", text, re.M)
        return tuple(sum(int(pair[i]) for pair in ran) for i in (0, 1))
    return run_tests(["make", "-s", f"-j{jobs()}", "-C", "tools/testing/swiotlb", "check"], LOGS / "check-unit.log", count)


def check_faults():
    """Each deliberate fault of the user-space tests, and each function they do not reach, still has its place."""
    def count(text):
        return tuple(map(int, (re.findall(r"^(\d+) passed, (\d+) failed", text, re.M) or [(0, 0)])[-1]))
    folder, findings, looked_at = REPO / "tools/testing/swiotlb", [], 0
    for program in ("mutate", "coverage"):
        more, passed, failed = run_tests([folder / program, "-n"], LOGS / f"check-{program}.log", count)
        findings, looked_at = findings + more, looked_at + passed + failed
    return findings, looked_at


def python_tests(program, log):
    def count(text):
        ran = int((re.findall(r"^Ran (\d+) test", text, re.M) or [0])[0])
        failed = sum(map(int, re.findall(r"(?:failures|errors|skipped)=(\d+)", text)))
        return ran - failed, failed
    return run_tests([sys.executable, "-B", program], log, count)


def check_build_scripts():
    """The build scripts' own tests."""
    return python_tests("scripts/test_scripts.py", LOGS / "check-build-scripts.log")


def check_rig():
    """The rig's own tests: what judges a boot must itself be right."""
    return python_tests("tools/testing/swiotlb-vm/test_rig.py", LOGS / "check-rig.log")


def check_top():
    """swiotlb-top on recorded files."""
    return python_tests("tools/swiotlb/tests/test_top.py", LOGS / "check-top.log")


def check_cocci():
    """Rules about conversions: each finds what it should in its fixtures, nothing in our files, and what is known in the
    pristine kernel."""
    results = [function() for function in (cocci.fixtures, cocci.ours, cocci.tree)]
    return sum((findings for findings, _ in results), []), sum(count for _, count in results)


def check_documented():
    """What users can see is documented, and what is documented is there."""
    return documented.check()[:2]


def check_rst():
    """The documents build without a warning, as the kernel builds them but for its own extensions, which they do not use."""
    names = [name for name in sources() if name.startswith("Documentation/") and name.endswith(".rst")]
    folder = BUILD / "rst"
    shutil.rmtree(folder, ignore_errors=True)
    for name in names:
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "src" / name).write_text(read(name))
    (folder / "src/conf.py").write_text("master_doc = 'index'\n")
    (folder / "src/index.rst").write_text("\n".join([".. toctree::", "", *(f"   {name[:-4]}" for name in names)]) + "\n")
    sphinx = subprocess.run(["sphinx-build", "-n", "-q", "-b", "pseudoxml", folder / "src", folder / "out"],
                            capture_output=True, text=True, check=False)
    findings = [line.removeprefix(f"{folder}/src/") for line in sphinx.stderr.splitlines() if line]
    if sphinx.returncode and not findings:
        findings = [f"sphinx-build: status {sphinx.returncode}"]
    return findings, len(names)


CHECKS = [check_spdx, check_words, check_fragments, check_series, check_split, check_maintainers, check_scripts, check_code,
          check_kernel_doc, check_checkpatch, check_cocci, check_documented, check_rst, check_build_scripts, check_rig, check_top,
          check_faults, check_unit]


def check():
    names = [function.__name__.removeprefix("check_") for function in CHECKS]
    wanted = sys.argv[1:] or names
    if set(wanted) - set(names):
        raise Failed(f"check: there are {' '.join(names)}")
    if not (TREE / "scripts/checkpatch.pl").exists():
        raise Failed(f"check: build/{RELEASE} is missing (make tree)")
    passed = failed = 0
    for name, function in zip(names, CHECKS):
        if name not in wanted:
            continue
        start = time.monotonic()
        try:
            findings, count, *bad = function()
        except Failed as why:
            findings, count, bad = [str(why)], 0, []
        for line in findings[:100]:
            print(f"  {line}")
        if len(findings) > 100:
            print(f"  ... and {len(findings) - 100} more")
        # A check counts once, except programs that test, which count themselves.
        passed += count if bad else not findings
        failed += bad[0] if bad else bool(findings)
        say(f"{'FAIL' if findings else 'ok  '} check {name}: {count} {'tests' if bad else 'looked at'}"
            f" ({time.monotonic() - start:.1f} s)")
    say(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    main(check)
