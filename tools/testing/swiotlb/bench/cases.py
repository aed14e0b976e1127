# SPDX-License-Identifier: GPL-2.0
"""What is measured: tables of cases. A case is a scenario of the programs with parameters; see README.md."""

from __future__ import annotations

from dataclasses import dataclass, field

NS, COUNT, SHARE, TIMES = "ns", "count", "share", "times"

# Sides besides the backends; the first is what all are compared with.
BASE, GROWING = "upstream", "upstream-dynamic"


@dataclass(frozen=True)
class Case:
    """One line of a table."""

    title: str
    scenario: str
    params: dict
    metrics: tuple = ("ns",)
    only: tuple = ()  # sides, or all
    repetitions: int = 0  # as many as usual


@dataclass(frozen=True)
class Table:
    """Cases with the same metrics. `kinds` are the programs: the plain ones, "nostats" or "touch"."""

    key: str
    title: str
    note: str
    cases: list
    units: dict = field(default_factory=lambda: {"ns": NS})
    kinds: tuple = ("",)
    quick: tuple = (0,)  # cases that --quick runs
    reference: bool = False  # ratios mean something


def kib(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB"


SIZES = (64, 512, 2048, 4096, 16384, 65536, 262144, 524288, 2097152)


def pair(title: str, **params) -> Case:
    return Case(title, "pair", params)


def occupancy() -> Table:
    cases = [pair(f"{full} % full, holes of 4 KiB", full=full) for full in (0, 50, 90, 99)]
    cases += [pair(f"{full} % full of the mix", full=full, **{"fill-mix": 1}) for full in (50, 90, 99)]
    return Table("occupancy", "4 KiB, 64 MiB pool, no copies",
                 "A map and an unmap of the same buffer, in a pool in which other mappings live.", cases,
                 quick=(0, 5), reference=True)


def large() -> Table:
    cases = [pair(f"{kib(size)}, {text}", size=size, pool=1024, warm=100, **params) for size in (16384, 65536)
             for text, params in (("empty", {}), ("90 % full of the mix", {"full": 90, "fill-mix": 1}),
                                  ("90 % full, holes of 4 KiB", {"full": 90}))]
    return Table("large", "Large buffers, 1 GiB pool, no copies",
                 "Where nothing fits between the holes, this is what it takes to find that out.", cases,
                 reference=True)


def sizes(copy: int) -> Table:
    cases = [pair(kib(size), size=size, copy=copy) for size in SIZES]
    if copy:
        return Table("sizes-copy", "Sizes, with the copy to the device, 64 MiB pool, empty",
                     "The last column is memcpy() alone, to one place.",
                     cases, quick=(3,), reference=True)
    return Table("sizes", "Sizes, no copies, 64 MiB pool, empty", "", cases, quick=(3, 6), reference=True)


def copying() -> Table:
    cases = [pair(f"{flight} in flight{text}", pool=1024, flight=flight, copy=1, warm=100, **params)
             for text, params in (("", {}), (", from the device", {"dir": 2}))
             for flight in (1, 64)]
    return Table("copying", "4 KiB with copies, 1 GiB pool",
                 "To the device there is one copy, from it there are two. Huge pages map the pool, as they do in the "
                 "kernel. The last column is memcpy() alone, all over 1 GiB.", cases, quick=(), reference=True)


def threads() -> Table:
    metrics = ("ns", "speedup", "speedup_apart", "efficiency")
    units = {"ns": NS, "speedup": TIMES, "speedup_apart": TIMES, "efficiency": SHARE}
    cases = [Case("2 threads", "threads", {"areas": 2}, metrics),
             Case("2 threads, swiotlb= says one area", "threads", {"areas": 1}, metrics),
             Case("2 threads, 64 KiB", "threads", {"areas": 2, "size": 65536}, metrics)]
    return Table("threads", "Two threads, 4 KiB, no copies",
                 "Time per map and unmap of each; how much two do together, of one; what two processes do that share "
                 "nothing; and the share of that which is reached.", cases, units, reference=True)


def crowd() -> Table:
    cases = [Case("4 threads per 2 processors", "crowd", {"areas": 4, "threads": 4, "ms": 40}, ("ns", "p999", "max")),
             Case("8 threads per 2 processors", "crowd", {"areas": 8, "threads": 8, "ms": 60}, ("ns", "p999", "max"))]
    return Table("crowd", "More threads than processors, 4 KiB, no copies",
                 "Who holds a lock may have to stop. Processor time per map and unmap; the longest map and unmap "
                 "holds at least one time slice, of any thread.", cases,
                 {"ns": NS, "p999": NS, "max": NS}, quick=(), reference=True)


def remote() -> Table:
    return Table("remote", "Mapped by one thread, unmapped by another, 4 KiB, no copies",
                 "As with interrupts on another CPU: both work at the same time.",
                 [Case("bursts of 64", "remote", {"areas": 2}, ("ns", "map", "unmap"))],
                 {"ns": NS, "map": NS, "unmap": NS}, reference=True)


def fail() -> Table:
    cases = [Case("64 MiB, nothing is free", "fail", {"pool": 64}),
             Case("64 MiB, each second 2 KiB are free", "fail", {"pool": 64, "fragmented": 1}),
             Case("1 GiB, each second 2 KiB are free", "fail", {"pool": 1024, "fragmented": 1}),
             Case("64 MiB, empty: 4 MiB are too large", "pair", {"size": 4 << 20})]
    return Table("fail", "A map of 4 KiB that must fail",
                 "`upstream-dynamic` and `dynamic` try to get more memory, of which there is none.", cases,
                 quick=(1,), reference=True)


CHURN = ("map", "map_p999", "map_max", "ns", "fails", "large_fails")


def churn() -> Table:
    cases = [Case(f"{pool} MiB, {full} % full", "churn", {"pool": pool, "full": full}, CHURN)
             for pool, full in ((64, 50), (64, 90), (64, 99), (1024, 90), (1024, 99))]
    return Table("churn", "Churn of the request mix, no copies",
                 "Random mappings come and go. Of a map: mean, 99.9 % and the longest; mean of all calls when they "
                 "are not timed one by one; share of maps that fail, and of those above 16 KiB.", cases,
                 {"map": NS, "map_p999": NS, "map_max": NS, "ns": NS, "fails": SHARE, "large_fails": SHARE},
                 quick=(1,), reference=True)


def lookup() -> Table:
    metrics = ("hit", "miss", "far", "other")
    cases = [Case(f"{pools} pool{'s' if pools > 1 else ''}", "lookup",
                  {"pool": 1, "pools": pools, "areas": 1, "grow": 1}, metrics,
                  (GROWING, "fixed") if pools > 1 else ()) for pools in (1, 64, 256)]
    return Table("lookup", "Is an address one of a bounce buffer?",
                 "Pools of 1 MiB. A hit; a miss between pools, and where there is no RAM; a miss of a device that never "
                 "bounced. `upstream` has one pool only; ours look the same for any backend.",
                 cases, dict.fromkeys(metrics, NS), quick=(1,), reference=True)


def memory() -> Table:
    metrics = ("requested", "metadata")
    cases = [Case("request mix", "memory", {"mix": 1}, metrics, repetitions=1),
             Case("200-byte packets", "memory", {"size": 200}, metrics, repetitions=1),
             Case("4 KiB at 512-byte offsets, 4 KiB mask", "memory",
                  {"size": 4096, "offset": 512, "steps": 1, "mask": 4095}, metrics, repetitions=1),
             Case("512 B", "memory", {"size": 512}, metrics, repetitions=1),
             Case("4 KiB", "memory", {"size": 4096}, metrics, repetitions=1),
             Case("64 KiB", "memory", {"size": 65536}, metrics, repetitions=1)]
    return Table("memory", "What a 64 MiB pool holds when the first map fails",
                 "Bytes requested, and bytes of private metadata, per byte of the pool.", cases,
                 dict.fromkeys(metrics, SHARE), quick=(0, 1))


def stats() -> Table:
    cases = [pair("4 KiB, empty"), pair("4 KiB, empty, with the copy", copy=1),
             pair("4 KiB, 90 % full of the mix", full=90, **{"fill-mix": 1}),
             Case("4 KiB, two threads", "threads", {"areas": 2})]
    return Table("stats", "Statistics on and off: CONFIG_SWIOTLB_STATS, and upstream's CONFIG_DEBUG_FS",
                 "Without it in the right one of two columns.",
                 cases, kinds=("", "nostats"), quick=(), reference=False)


def touch() -> Table:
    metrics = ("lines", "lines_written", "atomics", "locks", "fences")
    cases = [Case("4 KiB, empty: map + unmap", "pair", {"ms": 1}, metrics, repetitions=1),
             Case("4 KiB, 90 % full of the mix", "pair", {"ms": 1, "full": 90, "fill-mix": 1}, metrics, repetitions=1),
             Case("64 KiB, empty", "pair", {"ms": 1, "size": 65536}, metrics, repetitions=1),
             Case("churn at 90 %: a call", "churn", {"ms": 1, "full": 90}, metrics, repetitions=1)]
    return Table("touch", "What is touched per operation",
                 "Distinct cache lines read or written, and written; atomic operations; locks taken; full barriers. "
                 "Counted in a build of its own. Stacks, and what the shims keep per thread, are left out.", cases,
                 dict.fromkeys(metrics, COUNT), kinds=("touch",), quick=(0,))


def instructions() -> Table:
    metrics = ("instructions",)
    cases = [Case("4 KiB, empty: map + unmap", "pair", {"ms": 1, "steps": 8}, metrics, repetitions=1),
             Case("4 KiB, 90 % full of the mix", "pair", {"ms": 1, "steps": 8, "full": 90, "fill-mix": 1}, metrics,
                  repetitions=1),
             Case("churn at 90 %: a call", "churn", {"ms": 1, "steps": 400, "full": 90}, metrics, repetitions=1)]
    return Table("instructions", "Instructions per operation, no copies",
                 "Counted by the processor; or, where it has no such counter, by stopping after each one. That is "
                 "slow, and so upstream's long searches are left out then. About 90 of each call of churn, and 35 of "
                 "each pair, are the load's own.", cases, {"instructions": COUNT},
                 quick=(), reference=True)


def tables() -> list[Table]:
    return [occupancy(), large(), sizes(0), sizes(1), copying(), threads(), crowd(), remote(), fail(), churn(), lookup(),
            memory(), stats(), touch(), instructions()]
