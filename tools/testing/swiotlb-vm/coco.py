# SPDX-License-Identifier: GPL-2.0
"""What a confidential guest converted: snapshots that the job took, and what they must not show.

guest.sh attaches a file `coco.<phase>` at the end of each phase, with three kinds of lines:

    sim <key> <value>                what the simulated guest counted since boot
    map DirectMap4k: <n> kB          how the kernel maps its memory
    site <columns>                   the table of conversions by caller, its header first
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from guest import Results

# The phases of a job, as far as it has them; `end` is always there.
BOOT, IO, FIRST_ROUND, DRIVERS, END = "boot", "io", "first-round", "drivers", "end"
# Callers that share other things than memory for DMA with the host. All others count as DMA code.
OTHER_CODE = re.compile(r"_*(vgacon|kvm|pv_|hv_|hyperv|ghcb|snp_|sev_|tdx_|tsc_|sme_|kexec|machine_kexec|free_init|"
                        r"mem_encrypt_free|mc_)")
# 2 MiB blocks that may be both shared and private: one at the pool's end for each of two reaches.
MIXED_AT_BOOT = 2


@dataclass(frozen=True)
class Site:
    """One caller's line of the table; `total` is that of all."""

    name: str
    numbers: dict[str, int]

    @property
    def is_dma(self) -> bool:
        return not OTHER_CODE.match(self.name)


@dataclass
class Snapshot:
    """Everything since boot, at the end of one phase."""

    sim: dict[str, int] = field(default_factory=dict)
    direct_map_kib: dict[str, int] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)

    def count(self, column: str, dma_only: bool = False) -> int:
        """Sum of one column over all callers, or those of DMA code."""
        return sum(site.numbers.get(column, 0) for site in self.sites
                   if site.name != "total" and (site.is_dma or not dma_only))

    @property
    def conversions(self) -> int:
        return self.sim.get("calls_shared", 0) + self.sim.get("calls_private", 0)

    def as_json(self) -> dict:
        return {"sim": self.sim, "direct_map_kib": self.direct_map_kib,
                "sites": [{"site": site.name} | site.numbers for site in self.sites]}


def parse_site(columns: list[str], words: list[str]) -> Site:
    """Numbers of one line, by the header's names; columns that are words do not count."""
    numbers = {name: int(word) for name, word in zip(columns, words) if word.isdigit()}
    return Site(words[0], numbers)


def parse(text: str) -> Snapshot:
    """One attached file. ValueError when it is none."""
    found, columns = Snapshot(), []
    for line in text.splitlines():
        kind, *words = line.split()
        if kind == "sim":
            found.sim[words[0]] = int(words[1])
        elif kind == "map":
            found.direct_map_kib[words[0].removeprefix("DirectMap").rstrip(":")] = int(words[1])
        elif kind == "site" and not columns:
            columns = words
        elif kind == "site":
            found.sites.append(parse_site(columns, words))
        else:
            raise ValueError(f"not a line of a snapshot: {line!r}")
    return found


def snapshots(results: Results) -> dict[str, Snapshot]:
    """All of a boot, by phase, as far as they can be read; problems() says what is missing."""
    found = {}
    for name, text in results.files.items():
        if name.startswith("coco."):
            try:
                found[name.removeprefix("coco.")] = parse(text)
            except (ValueError, IndexError):
                pass
    return found


def problems(results: Results) -> list[str]:
    """What no confidential guest may show, whatever its job was."""
    end = snapshots(results).get(END)
    if end is None or not end.sim:
        return ["the guest is not confidential: it says nothing about conversions"]
    reasons = []
    if end.sim.get("exposed", 1):
        reasons.append(f"{end.sim.get('exposed')} private pages were exposed to devices")
    if end.sim.get("freed_shared", 1):
        reasons.append(f"{end.sim.get('freed_shared')} shared pages were given to the page allocator")
    if end.sim.get("alloc_shared", 0):
        reasons.append(f"{end.sim['alloc_shared']} shared pages came from the page allocator")
    if not end.sim.get("checked"):
        reasons.append("no DMA mapping was checked for exposure, so this proved nothing")
    return reasons


def strict_problems(results: Results) -> list[str]:
    """What I/O and drivers must not do on our kernel: `conversions = strict`."""
    taken, reasons = snapshots(results), []
    missing = {BOOT, IO, FIRST_ROUND, DRIVERS} - taken.keys()
    if missing:
        return [f"no snapshot of the phase {', '.join(sorted(missing))}"]
    mixed = {phase: snapshot.sim["mixed_blocks"] for phase, snapshot in taken.items()}
    if mixed[BOOT] > MIXED_AT_BOOT:
        reasons.append(f"{mixed[BOOT]} blocks of 2 MiB are mixed at boot, {MIXED_AT_BOOT} may be")
    for phase in (IO, DRIVERS):
        if mixed[phase] > mixed[BOOT]:
            reasons.append(f"{mixed[phase] - mixed[BOOT]} more blocks of 2 MiB are mixed after phase {phase}")
    misaligned = taken[END].count("misaligned", dma_only=True)
    if misaligned:
        names = [site.name for site in taken[END].sites
                 if site.is_dma and site.name != "total" and site.numbers.get("misaligned")]
        reasons.append(f"{misaligned} misaligned conversions from DMA code: {', '.join(names)}")
    added = taken[DRIVERS].conversions - taken[FIRST_ROUND].conversions
    if added:
        reasons.append(f"loading and removing drivers converts: {added} times after the first round")
    if not any(site.name != "total" for site in taken[END].sites):
        reasons.append("the table of conversions is empty, so this proved nothing")
    return reasons


def figures(taken: dict[str, Snapshot]) -> dict[str, float]:
    """The numbers of a comparison, and of a report: what the boot converted, and what the job added."""
    boot, end = taken[BOOT], taken[END]
    return {
        "conversions_boot": boot.conversions,
        "conversions_io": end.conversions - boot.conversions,
        "misaligned": end.count("misaligned"),
        "misaligned_dma": end.count("misaligned", dma_only=True),
        "convert_ms": end.count("ns") / 1e6,
        "shared_mib": end.sim["shared_bytes"] / 2**20,
        "mixed_blocks": end.sim["mixed_blocks"],
        "direct_map_4k_mib": end.direct_map_kib.get("4k", 0) / 1024,
        "direct_map_2m_mib": end.direct_map_kib.get("2M", 0) / 1024,
    }


def in_order(taken: dict[str, Snapshot]) -> list[str]:
    """The phases before the end as they were taken: what is counted only goes up."""
    return sorted(taken.keys() - {END},
                  key=lambda phase: (taken[phase].conversions, taken[phase].sim.get("checked", 0)))


def sentence(taken: dict[str, Snapshot]) -> str:
    """All phases in one line, for the terminal."""
    parts, before = [], 0
    for phase in in_order(taken):
        parts.append(f"{phase} {taken[phase].conversions - before}")
        before = taken[phase].conversions
    end = taken[END]
    return (f"conversions: {', '.join(parts) or end.conversions}; misaligned {end.count('misaligned')} "
            f"(DMA {end.count('misaligned', dma_only=True)}), mixed blocks {end.sim.get('mixed_blocks')}, "
            f"shared {end.sim.get('shared_bytes', 0) >> 20} MiB, {end.count('ns') / 1e6:.1f} ms, "
            f"4 KiB maps {end.direct_map_kib.get('4k', 0) >> 10} MiB")
