#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What users can see is documented, and what is documented is there: parameters, files, tracepoints, counters, reasons.

The sources are searched for what creates these, not run, so names must stand there literally: as first argument of the
function, or first in a line of a table of files. Each kind of name has places where it must be described; and each such
name in any of our documents must exist.
"""

import re
import sys

from common import PATCHES, REPO, main, overlay_files, say

GUIDE = "Documentation/admin-guide/swiotlb.rst"
SIM = "Documentation/arch/x86/coco-sim.rst"
FILES = "Documentation/ABI/testing/debugfs-swiotlb"
CODE = ("kernel/dma/swiotlb/", "arch/x86/coco/", "include/trace/events/")
SYSFS = {"kernel/dma/swiotlb/sysfs.c": "/sys/kernel/swiotlb/", "kernel/dma/swiotlb/device.c": "/sys/devices/.../"}


def sources():
    return {name: re.sub(r"/\*.*?\*/", "", (REPO / name).read_text(), flags=re.S) for name in overlay_files()
            if name.startswith(CODE) and name.endswith((".c", ".h")) and "/tests/" not in name}


def there(code):
    """{kind: {name: where}} of what the code creates."""
    found = {kind: {} for kind in ("boot", "module", "sysfs", "debugfs", "event", "counter", "reason")}
    for path, text in code.items():
        module = "coco_sim" if "/sim/" in path else "swiotlb"
        for name, mode in re.findall(r"^module_param\w*\((\w+),.*?(0\d+)\);", text, re.M | re.S):
            found["module"][f"{module}.{name}"] = (path, int(mode, 8))
        for name in re.findall(r'^(?:early_param|__setup|core_param)\("(\w+?)=?"', text, re.M):
            found["boot"][name] = path
        for name in re.findall(r"\b(?:DEVICE_ATTR_\w+|__ATTR_\w+)\((\w+)\)", text):
            found["sysfs"][SYSFS.get(path, path + ":") + name] = path
        folder = "/sys/kernel/debug/coco/" if "/coco/" in path else "/sys/kernel/debug/swiotlb/"
        names = re.findall(r'\bdebugfs_create_(?!dir)\w+\("(\w+)"', text)
        if re.search(r"\bdebugfs_create_file\(\w+\[i\]\.name", text):
            names += re.findall(r'^\t\{ "(\w+)",', text, re.M)
        found["debugfs"].update({folder + name: path for name in names})
        system = re.search(r"#define TRACE_SYSTEM (\w+)", text)
        for name in re.findall(r"^(?:TRACE_EVENT|DEFINE_EVENT\(\w+,)\(?\s*(\w+),", text, re.M):
            found["event"][f"{system[1] if system else '?'}:{name}"] = path
        found["counter"].update({name: path for name in re.findall(r"^\tcounter\((\w+)\)", text, re.M)})
        found["counter"].update({name: path for name in re.findall(r'\bshow_number\(m, \w+, "(\w+)"', text)})
        table = re.search(r"\bswiotlb_fail_names\[.*?\] = \{(.*?)\};", text, re.S)
        if table:
            found["reason"].update({name: path for name in re.findall(r'= "(\w+)"', table[1])})
    return found


def read_by_top():
    """The files that swiotlb-top reads, as far as they are ours."""
    text = (REPO / "tools/swiotlb/read.c").read_text()
    names = re.findall(r'\{ "(io_tlb_\w+)",', text) + re.findall(r'"%s/(\w+)", folder\)', text) + \
        re.findall(r'SWIOTLB "/(\w+)"', text)
    params = re.search(r"\bnames\[\] = \{(.*?)\};", text, re.S)
    return {f"/sys/kernel/debug/swiotlb/{name}" for name in names} | \
        {f"/sys/module/swiotlb/parameters/{name}" for name in re.findall(r'"(\w+)"', params[1])} | \
        set(re.findall(r'"(/sys/kernel/swiotlb/\w+)"', text)) | \
        {f"/sys/kernel/debug{path}" for path in re.findall(r'DEBUGFS "(/coco/\w+)"', text)}


def documents():
    """{place: text}: ours, and the entries of the kernel's that the series touches."""
    texts = {name: (REPO / name).read_text() for name in overlay_files() if name.startswith("Documentation/")}
    added = "\n".join(path.read_text() for path in sorted(PATCHES.glob("*.patch"))
                      if "b/Documentation/admin-guide/kernel-parameters.txt" in path.read_text())
    texts["kernel-parameters.txt"] = "\n".join(line[1:] for line in added.splitlines() if line[:1] in "+ ")
    texts["README.md"] = (REPO / "README.md").read_text()
    return texts


def documented_counters(text):
    """The first column of the tables in the entry of the file `stats`."""
    entry = re.search(r"^What:\s+\S+/swiotlb/stats$.*?(?=^What:|\Z)", text, re.M | re.S)
    tables = re.findall(r"^\t\t=+  =+\n(.*?)^\t\t=+  =+$", entry[0] if entry else "", re.M | re.S)
    return re.findall(r"^\t\t(\S+) ", "".join(tables), re.M)


def check():
    """Findings, and how many names were looked at."""
    found, texts, findings = there(sources()), documents(), []
    entries = set(re.findall(r"^What:\s+(\S+)", "\n".join(text for name, text in texts.items()
                                                          if "/ABI/" in name), re.M))

    def want(name, pattern, place):
        if not re.search(pattern, texts.get(place, "")):
            findings.append(f"{name} is not described in {place}")

    for name in found["boot"]:
        want(f"{name}=", rf"(?m)^\t{name}(\[?=|\s)", "kernel-parameters.txt")
        want(f"{name}=", rf"\b{name}\b", GUIDE)
    for name, (_, mode) in found["module"].items():
        module, parameter = name.split(".")
        want(name, rf"\b{re.escape(name)}\b", GUIDE)
        if module == "coco_sim":
            want(name, rf"\b(coco_sim\.)?{parameter}\b", SIM)
            continue
        want(name, rf"(?m)^\t{re.escape(name)}=", "kernel-parameters.txt")
        if mode and f"/sys/module/{module}/parameters/{parameter}" not in entries:
            findings.append(f"{name} has no entry in Documentation/ABI/testing")
    for name in (*found["sysfs"], *found["debugfs"]):
        if not any(entry == name or entry.startswith("/sys/devices/") and name.startswith("/sys/devices/")
                   and entry.split("/")[-1] == name.split("/")[-1] for entry in entries):
            findings.append(f"{name} has no entry in Documentation/ABI/testing")
    for name in found["debugfs"]:
        want(name, rf"\b{name.split('/')[-1]}\b", GUIDE if "/swiotlb/" in name else SIM)
    for name in found["event"]:
        want(name, rf"\b{name}\b", GUIDE)
    for name in found["counter"]:
        want(f"counter {name}", rf"(?m)^\t\t{name} ", FILES)
    for name in found["reason"]:
        want(f"failure reason {name}", rf"\n``{name}``", GUIDE)
        want(f"failure reason {name}", rf"(?m)^\t+{name}\s", FILES)

    for name in read_by_top() - entries:
        findings.append(f"{name} is read by swiotlb-top and has no entry in Documentation/ABI/testing")

    # The reverse
    have = set(found["sysfs"]) | set(found["debugfs"])
    have |= {f"/sys/module/{name.replace('.', '/parameters/')}" for name in found["module"]}
    for entry in entries:
        if entry not in have and not any(entry.split("/")[-1] == name.split("/")[-1] for name in found["sysfs"]):
            findings.append(f"{entry} is described in Documentation/ABI/testing, but does not exist")
    for name in documented_counters(texts[FILES]):
        if name not in found["counter"] and name != "fail_<reason>":
            findings.append(f"counter {name} is described in {FILES}, but does not exist")
    files = {name.split("/")[-1] for name in found["debugfs"]}
    for place, text in texts.items():
        for name in set(re.findall(r"\b(?:swiotlb|coco_sim)\.[a-z]\w*", text)):
            if name not in found["module"] and name not in ("swiotlb.c", "swiotlb.h", "swiotlb.rst"):
                findings.append(f"{name} is described in {place}, but does not exist")
        for name in set(re.findall(r"\b(?:swiotlb|coco):[a-z]\w+", text)) - set(found["event"]):
            findings.append(f"{name} is described in {place}, but does not exist")
        for name in set(re.findall(r"(?<![-\w>&])io_tlb_(?!mem\b|pool\b|default_mem\b)[a-z_]+\b", text)) - files:
            if place in (GUIDE, "README.md") or "/ABI/" in place:
                findings.append(f"{name} is described in {place}, but does not exist")
    for name in re.findall(r"(?m)^\t(coco_\w+|swiotlb)\[?=", texts["kernel-parameters.txt"]):
        if name not in found["boot"]:
            findings.append(f"{name}= is described in kernel-parameters.txt, but does not exist")
    return findings, sum(len(names) for names in found.values()), found


def run():
    findings, count, found = check()
    if "-v" in sys.argv[1:]:
        for kind, names in found.items():
            say(f"{kind}: {' '.join(names)}")
    for line in findings:
        print(f"  {line}")
    say(f"{'FAIL' if findings else 'ok  '} documented: {count} names")
    return bool(findings)


if __name__ == "__main__":
    main(run)
