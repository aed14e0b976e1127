# SPDX-License-Identifier: GPL-2.0
"""patches/<release>/split: which file belongs to which step of the series for the kernel's maintainers.

The table is a sequence of blocks, divided by lines of `---`. A block is a commit message followed by lines
    + <path pattern>     overlay files that the step adds
    * <patch>            patches of the quilt series that it applies
    - <path>             kernel files that it deletes
"""

import fnmatch
import re

from common import PATCHES, REPO, SETTINGS, Failed, series

TABLE = PATCHES / "split"


def read_table():
    """[{"message": text, "+": patterns, "*": patches, "-": paths}, ...] in the order of the series."""
    text = "\n".join(line for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    steps = []
    for block in re.split(r"^---$", text, flags=re.M):
        step = {"message": "", "+": [], "*": [], "-": []}
        for line in block.strip().splitlines():
            mark = re.fullmatch(r"([-+*]) (\S+)", line)
            if mark:
                step[mark[1]].append(mark[2])
            else:
                step["message"] += line + "\n"
        step["message"] = step["message"].strip() + "\n"
        if not re.match(r"\S.{0,74}\n\n\S", step["message"]):
            raise Failed(f"{TABLE.relative_to(REPO)}: a step wants a subject, a blank line and a body: "
                         f"{step['message'].splitlines()[:1]}")
        steps.append(step)
    return steps


def matching(step, names):
    """The overlay files of one step. A pattern's * also matches slashes: a folder is `folder/*`."""
    return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in step["+"])]


def unassigned(steps, names):
    """What keeps the steps from adding up to the overlay: findings, none if all is well."""
    findings, where = [], TABLE.relative_to(REPO)
    claimed = [name for step in steps for name in matching(step, names)]
    findings += [f"{where}: {name} is in no step" for name in names if name not in claimed]
    findings += [f"{where}: {name} is in more than one step" for name in sorted(set(claimed)) if claimed.count(name) > 1]
    findings += [f"{where}: no file matches {pattern}" for step in steps for pattern in step["+"]
                 if not matching({"+": [pattern]}, names)]
    for mark, have in (("*", [path.name for path in series()]), ("-", [SETTINGS["KERNEL_LEGACY"]])):
        given = [word for step in steps for word in step[mark]]
        if given != have:
            findings.append(f"{where}: the lines with {mark} name {given or 'nothing'}, must be {have} in this order")
    return findings
