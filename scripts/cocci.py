#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The rules in scripts/coccinelle/coco, run: cocci.py [fixtures|ours|tree|table]

fixtures  every rule in every mode it has on files that say which of their lines it must find
ours      every rule on our own files, which have nothing to be found
tree      every rule on the pristine kernel, compared with patches/<release>/conversions: each place that converts
          memory stands there, with what is to be thought of it and what the rules say
table     print what the tree has in that format, known verdicts included, to bring the list up to date

The places come from a plain search for the names of the functions, so that code which Coccinelle cannot parse is not
missed.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from common import PATCHES, PRISTINE, REPO, TREE, Failed, main, overlay_files, say

RULES = REPO / "scripts/coccinelle/coco"
FIXTURES = RULES / "tests"
LIST = PATCHES / "conversions"
FOLDERS = ["arch/x86", "drivers", "kernel", "mm"]

# What converts memory, what does so for its caller, and variables that are shared from the beginning
PLACE = re.compile(r"\b(?:(?:early_)?set_memory_(?:de|en)crypted|(?:early_)?snp_set_memory_(?:shared|private)"
                   r"|early_set_mem_enc_dec_hypercall|dma_set_(?:de|en)crypted"
                   r"|vmbus_(?:establish|teardown)_gpadl)\s*\(|\b__bss_decrypted\b")
MODES = ("report", "org", "context", "patch")


def rules():
    """{name: modes} of all rules."""
    found = {}
    for path in sorted(RULES.glob("*.cocci")):
        words = re.findall(r"^virtual (.+)$", path.read_text(), re.M)
        found[path.stem] = [mode for mode in MODES if mode in re.split(r"[,\s]+", " ".join(words))]
    return found


def spatch(rule, mode, files, cwd):
    """One run over files, each for itself. Returns its output."""
    text = (RULES / f"{rule}.cocci").read_text()
    options = re.search(r"^// Options: (.*)$", text, re.M)
    if not options:
        raise Failed(f"{rule}.cocci: no Options")
    with tempfile.NamedTemporaryFile("w", suffix=".groups") as groups:
        groups.write("".join(f"{name}\n\n" for name in files))
        groups.flush()
        command = ["spatch", "--very-quiet", *options[1].split(), "-D", mode, "--cocci-file", RULES / f"{rule}.cocci",
                   "--file-groups", groups.name, *(["--no-show-diff"] if mode in ("report", "org") else [])]
        try:
            result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
        except FileNotFoundError:
            raise Failed("cocci: spatch is missing (make deps installs it)") from None
    errors = [line for line in result.stderr.splitlines() if re.search("error|exception|traceback", line, re.I)]
    if result.returncode or errors:
        raise Failed(f"{rule}.cocci: {' '.join(errors or result.stderr.splitlines())[-300:]}")
    return result.stdout


def report(rule, files, cwd):
    """Findings as (path, line, function, text)."""
    found = re.findall(r"^(\S+?):(\d+):\d+-\d+: \w+: (\w+): (.*)$", spatch(rule, "report", files, cwd), re.M)
    return [(path, int(line), function, text) for path, line, function, text in dict.fromkeys(found)]


def org(rule, files, cwd):
    """{(path, line)} of the entries for Emacs."""
    found = re.findall(r"^\* TODO \[\[view:(\S+?)::.*?linb=(\d+)::", spatch(rule, "org", files, cwd), re.M)
    return {(path, int(line)) for path, line in found}


def changed(rule, mode, files, cwd):
    """{(path, line)} of the lines that a diff takes out, or behind which it only adds some."""
    lines, path, number, last = set(), None, 0, ""
    for line in spatch(rule, mode, files, cwd).splitlines():
        head = re.match(r"@@ -(\d+)", line)
        if line.startswith("--- "):
            path = line[4:].split("\t")[0]
        elif head:
            number = int(head[1])
        elif line.startswith("+++ "):
            pass
        elif line.startswith("-"):
            lines.add((path, number))
            number += 1
        elif line.startswith("+"):
            if last == " ":
                lines.add((path, number - 1))
        else:
            number += 1
        last = line[:1] or " "
    return lines


def fixtures():
    """Findings, and the number of lines that had to be found."""
    findings, count, have = [], 0, rules()
    wanted = {rule: {"report": {}, "patch": {}} for rule in have}
    seen = set()
    for path in sorted(FIXTURES.rglob("*.c")):
        name, text = str(path.relative_to(FIXTURES)), path.read_text()
        said = re.search(r"^/\* Fixture of (\w+)\.cocci(?: in (patch) mode)?[:;]", text, re.M)
        if not said or said[1] not in have:
            findings.append(f"{name}: names no rule")
            continue
        # A comment with a line of its own is about the next one.
        hits = {(name, number + (line.strip() == hit[0])): hit[1].strip()
                for number, line in enumerate(text.splitlines(), 1) if (hit := re.search(r"/\* HIT: (.*?)\*/", line))}
        wanted[said[1]][said[2] or "report"].setdefault("files", []).append(name)
        wanted[said[1]][said[2] or "report"].setdefault("hits", {}).update(hits)
        seen.add(said[1])
        if hits and not re.search(r"/\*.*(?i:near miss|nothing)", text) and "backend" not in name:
            findings.append(f"{name}: has no near misses")
    findings += [f"{rule}.cocci: has no fixture" for rule in have if rule not in seen]
    for rule, modes in have.items():
        files, hits = (wanted[rule]["report"].get(key, empty) for key, empty in (("files", []), ("hits", {})))
        found = report(rule, files, FIXTURES)
        findings += [f"{path}:{line}: {rule}: not expected: {text}" for path, line, _, text in found
                     if (path, line) not in hits]
        for (path, line), hint in hits.items():
            texts = [text for where, number, _, text in found if (where, number) == (path, line)]
            findings += [f"{path}:{line}: {rule}: not found: {word}" for word in hint.split(", ")
                         if not any(word in text for text in texts)]
        count += len(hits)
        if "org" in modes:
            findings += differ(rule, "org", org(rule, files, FIXTURES), {(p, n) for p, n, _, _ in found})
        if "context" in modes:
            marked = changed(rule, "context", files, FIXTURES)
            findings += differ(rule, "context", marked, {(p, n) for p, n, _, _ in found})
        if "patch" in modes:
            files, hits = (wanted[rule]["patch"].get(key, empty) for key, empty in (("files", []), ("hits", {})))
            if not hits:
                findings.append(f"{rule}.cocci: has no fixture of its patch mode")
            findings += differ(rule, "patch", changed(rule, "patch", files, FIXTURES), set(hits))
            count += len(hits)
    return findings, count


def differ(rule, mode, got, want):
    return [f"{path}:{line}: {rule}: {'not expected' if (path, line) in got else 'missing'} in mode {mode}"
            for path, line in sorted(got ^ want)]


def ours():
    """What the rules find in our own files, and how many those are."""
    files = [name for name in overlay_files() if name.endswith((".c", ".h"))
             and name.startswith(("arch/", "include/", "kernel/", "samples/", "tools/testing/selftests/"))]
    return [f"{path}:{line}: {function}: {text}" for rule in rules()
            for path, line, function, text in report(rule, files, REPO)], len(files)


def without_comments(text):
    """The same with comments and strings blanked, line by line."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def places(root, names):
    """{(path, function or macro): number of calls}; the function is - outside of any."""
    found = Counter()
    for name in names:
        function, macro = "-", None
        for line in without_comments((root / name).read_text(errors="replace")).splitlines():
            define = re.match(r"#\s*define\s+(\w+)", line)
            if define:
                macro = define[1]
                line = line[define.end():]
            elif line.startswith("}"):
                function = "-"
            elif line[:1].isalpha() or line.startswith("_"):  # a definition, or its first line: nobody calls there
                head = re.search(r"\b(\w+)\s*\(", line)
                if "__bss_decrypted" in line:
                    found[name, "-"] += 1
                elif head and not line.rstrip().endswith(";"):
                    function = head[1]
                continue
            calls = len(PLACE.findall(line))
            if calls:
                found[name, macro or function] += calls
            if not line.endswith("\\"):
                macro = None
    return found


def candidates(root):
    """Files that mention anything a rule could be about, our own left out."""
    words = r"set_memory_(de|en)crypted|snp_set_memory|dma_set_(de|en)crypted|early_set_mem_enc|__bss_decrypted" \
        r"|vmbus_(establish|teardown)_gpadl|dma_io_tlb_mem|struct (io_tlb|swiotlb)_|swiotlb_(pool|mem|meta)_"
    result = subprocess.run(["grep", "-rlE", "--include=*.[ch]", words, *FOLDERS], cwd=root, capture_output=True,
                            text=True, check=False)
    if result.returncode:
        raise Failed(f"cocci: no conversions in {root.relative_to(REPO)}: {result.stderr.strip()[-200:]}")
    mine = set(overlay_files())
    return sorted(name for name in result.stdout.splitlines() if name not in mine)


def observed():
    """{(path, function): (calls, {rule: hits})} of the pristine kernel, and the number of files."""
    names = candidates(PRISTINE)
    found = {key: (calls, Counter()) for key, calls in places(PRISTINE, names).items()}
    for rule in rules():
        for path, _, function, _ in report(rule, names, PRISTINE):
            # Coccinelle does not know in which macro it is.
            key = (path, function if function != "something_else" else "-")
            if key not in found:
                macros = [other for other in found if other[0] == path and function == "something_else"]
                key = macros[0] if macros else key
            found.setdefault(key, (0, Counter()))[1][rule] += 1
    return found, len(names)


def said(hits):
    return ",".join(f"{rule}:{number}" for rule, number in sorted(hits.items())) or "-"


def expected():
    """{(path, function): (calls, hits as text, verdict)}."""
    known = {}
    for number, line in enumerate(LIST.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(maxsplit=4)
        if len(words) < 5 or not words[2].isdigit() or ": " not in words[4]:
            raise Failed(f"{LIST.relative_to(REPO)}:{number}: wants path, function, calls, hits, and verdict: reason")
        if (words[0], words[1]) in known:
            raise Failed(f"{LIST.relative_to(REPO)}:{number}: {words[1]} once more")
        known[words[0], words[1]] = (int(words[2]), words[3], words[4])
    return known


def tree():
    """Differences between the list and the tree, and the number of places."""
    if not PRISTINE.exists():
        raise Failed(f"cocci: {PRISTINE.relative_to(REPO)} is missing (make tree)")
    found, nr_files = observed()
    known, findings, where = expected(), [], LIST.relative_to(REPO)
    for (path, function), (calls, hits) in sorted(found.items()):
        if (path, function) not in known:
            findings.append(f"{path}: {function}: {calls} calls, rules say {said(hits)}: not in {where}")
            continue
        was_calls, was_hits, _ = known[path, function]
        if was_calls != calls:
            findings.append(f"{path}: {function}: {calls} calls, {was_calls} in {where}")
        if was_hits != said(hits):
            findings.append(f"{path}: {function}: rules say {said(hits)}, {was_hits} in {where}")
    findings += [f"{path}: {function}: in {where}, but converts nothing any more" for path, function in known
                 if (path, function) not in found]
    if not nr_files:
        findings.append("cocci: no file to look at")
    return findings, len(found)


def table():
    known = expected() if LIST.exists() else {}
    for (path, function), (calls, hits) in sorted(observed()[0].items()):
        verdict = known.get((path, function), (0, "", "TODO: "))[2]
        say(f"{path} {function} {calls} {said(hits)} {verdict}")
    return 0


def check():
    wanted = sys.argv[1:] or ["fixtures", "ours", "tree"]
    if wanted == ["table"]:
        return table()
    if set(wanted) - {"fixtures", "ours", "tree"}:
        raise Failed("cocci: there are fixtures ours tree table")
    failed = False
    for name in wanted:
        findings, count = {"fixtures": fixtures, "ours": ours, "tree": tree}[name]()
        for line in findings:
            print(f"  {line}")
        say(f"{'FAIL' if findings else 'ok  '} cocci {name}: {count}")
        failed |= bool(findings)
    return failed


if __name__ == "__main__":
    main(check)
