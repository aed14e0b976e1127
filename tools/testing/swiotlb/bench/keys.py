# SPDX-License-Identifier: GPL-2.0
"""Are the keys of bench.json those that README.md documents?

Each row of the table there is a kind of object: `name` is the value of that key, `name[]` and `name{}` are the elements of
one. Its keys are the words in backticks. An object without a row has keys of its own, such as the parameters of a case.
"""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parent / "README.md"
WHOLE = "bench.json"
# Only a side that failed has it
OPTIONAL = {("sides{}", "error")}


def documented() -> dict[str, set]:
    """Kind of object -> its keys."""
    section = README.read_text().split(f"\n## `{WHOLE}`\n")[1].split("\n## ")[0]
    return {name: set(re.findall(r"`(\w+)`", text)) for name, text in re.findall(r"^\| `(\S+)`.*? \| (.*) \|$", section, re.M)}


def collect(value: dict, kind: str, kinds: dict, seen: dict) -> None:
    """Add the keys of an object, and of all within it, to those seen of their kinds."""
    seen.setdefault(kind, set()).update(value)
    for key, inner in value.items():
        if isinstance(inner, list):
            below, objects = f"{key}[]", inner
        elif isinstance(inner, dict) and f"{key}{{}}" in kinds:
            below, objects = f"{key}{{}}", inner.values()
        else:
            below, objects = key, [inner]
        for element in objects if below in kinds else ():
            if isinstance(element, dict):
                collect(element, below, kinds, seen)


def differences(found: dict) -> list[str]:
    """What is there and not documented, and what is documented and nowhere there; one line each."""
    kinds, seen = documented(), {}
    collect(found, WHOLE, kinds, seen)
    lines = []
    for kind in sorted(kinds):
        has = seen.get(kind, set())
        lines += [f"{kind} has `{key}`, which README.md does not document" for key in sorted(has - kinds[kind])]
        lines += [f"{kind} has no `{key}`, which README.md documents" for key in sorted(kinds[kind] - has)
                  if (kind, key) not in OPTIONAL]
    return lines or ([] if WHOLE in kinds else ["README.md has no table of keys"])
