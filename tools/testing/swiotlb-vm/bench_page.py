# SPDX-License-Identifier: GPL-2.0
"""bench.html: what was counted, as one self-contained page: no script, no outside file."""

from __future__ import annotations

from html import escape

import qemu
from counts import LOOKUPS, Bench, Lookup, MapTime
from page import STYLE
from plots import Axis, line, svg, text, tick_text

WIDTH, LABEL, ROW = 880, 190, 30
SMALL, SMALL_LABEL, SMALL_ROW = 440, 150, 24
# One colour per kernel and backend, the baseline's first.
COLOURS = ("base", "ours", "third", "fourth", "fifth")
MORE_STYLE = """
:root { --third: #7a57b8; --fourth: #2f8f83; --fifth: #a3752c; }
@media (prefers-color-scheme: dark) { :root { --third: #b79bee; --fourth: #66c7ba; --fifth: #d9ab62; } }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--soft); }
"""


def render(bench: Bench) -> str:
    """The whole page."""
    colours = colour_of(bench)
    body = "\n".join((header(bench, colours), ratio_section(bench, colours),
                      lookup_section(bench.lookups, colours), time_section(bench.times, colours),
                      row_section(bench), facts()))
    return (f"<!DOCTYPE html>\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n<html lang=\"en\">\n"
            f"<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
            f"<title>swiotlb: costs against {escape(bench.base)}</title>\n"
            f"<style>{STYLE}{MORE_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n")


def colour_of(bench: Bench) -> dict[str, str]:
    """By title; whoever comes last gets the last colour."""
    titles = dict.fromkeys([bench.base, *bench.sides, *(item.title for item in bench.lookups)])
    return {title: COLOURS[min(index, len(COLOURS) - 1)] for index, title in enumerate(titles)}


def header(bench: Bench, colours: dict[str, str]) -> str:
    """The verdict, and who is who."""
    state = "fail" if bench.reasons else "pass"
    reasons = "".join(f"<p class=\"fail\">{escape(reason)}</p>" for reason in bench.reasons)
    keys = " &emsp; ".join(f"<span class=\"key\" style=\"background:var(--{colour})\"></span>{escape(title)}"
                           for title, colour in colours.items())
    return (f"<h1>What a bounce costs</h1>\n<p>Instructions, counted in an emulator that executes one per "
            f"nanosecond: the same run gives the same numbers again. "
            f"<strong class=\"{state}\">{state.upper()}</strong></p>{reasons}\n<p>{keys}</p>")


def ratio_section(bench: Bench, colours: dict[str, str]) -> str:
    """A dot per row, a line of them per side."""
    limit = bench.max_ratio or 1.0
    ratios = [row.ratio for table in bench.sides.values() for row in table]
    axis = Axis(min(ratios + [0.5]) - 0.02, max(ratios + [limit]) + 0.02, LABEL, WIDTH - 20)
    bottom, parts = ROW * len(bench.sides) + 4, []
    for tick in axis.ticks(8):
        parts.append(line(axis.x(tick), 0, axis.x(tick), bottom, "line"))
        parts.append(text(axis.x(tick), bottom + 16, tick_text(tick), "middle", "soft"))
    parts.append(line(axis.x(limit), 0, axis.x(limit), bottom, "bad", 1.5))
    for index, (side, table) in enumerate(bench.sides.items()):
        y = ROW * index + ROW / 2 + 2
        parts.append(text(0, y + 4, side))
        parts += [f'<circle cx="{axis.x(row.ratio)}" cy="{y}" r="4.5" fill="var(--{colours[side]})" '
                  f'opacity=".45"><title>{escape(row.sentence())}: {row.ratio:.3f}</title></circle>'
                  for row in table]
    rows = len(next(iter(bench.sides.values()), []))
    return (f"<h2>Map + unmap, ratio to {escape(bench.base)}</h2>\n<p class=\"soft\">One dot for each of {rows} "
            f"combinations of size, direction, alignment and fullness of the pool. Less is better; the red line "
            f"is the bar.</p>\n<figure>{svg(WIDTH, bottom + 22, 'ratio of each row', parts)}</figure>")


def bars(items: list[tuple[str, list[tuple[float, str, str]]]], label: str, unit: str) -> str:
    """A figure of bars: (title, parts of the bar one after the other: value, colour, opacity)."""
    totals = [sum(value for value, _, _ in parts) for _, parts in items]
    axis = Axis(0, max(totals) or 1, SMALL_LABEL, SMALL - 60)
    drawn = []
    for index, ((title, parts), total) in enumerate(zip(items, totals)):
        y, start = SMALL_ROW * index + SMALL_ROW / 2, 0.0
        drawn.append(text(0, y + 4, title))
        for value, colour, opacity in parts:
            left, right = axis.x(start), axis.x(start + value)
            drawn.append(f'<rect x="{left}" y="{y - 7}" width="{max(right - left, 1):.1f}" height="14" '
                         f'fill="var(--{colour})" opacity="{opacity}"/>')
            start += value
        drawn.append(text(axis.x(total) + 5, y + 4, f"{total:,.1f}"))
    picture = svg(SMALL, SMALL_ROW * len(items) + 4, label, drawn)
    return f"<figure><figcaption>{escape(label)}<span>{escape(unit)}</span></figcaption>{picture}</figure>"


def lookup_title(item: Lookup) -> str:
    """Short enough for a label."""
    name = f"backend {item.backend}" if item.backend else item.kernel
    return f"{name}, {item.pools}"


def lookup_section(table: list[Lookup], colours: dict[str, str]) -> str:
    """Bars for what matters most, and all of it as a table."""
    figures = "\n".join(
        bars([(lookup_title(item), [(item.costs[key], colours[item.title], ".8")]) for item in table],
             LOOKUPS[key], "instructions") for key in ("hit", "near.unmap", "ram.unmap", "fresh.unmap"))
    head = "".join(f"<th>{escape(lookup_title(item))}</th>" for item in table)
    lines = "\n".join(f"<tr><td>{escape(title)}</td>" + "".join(f"<td>{item.costs[key]:.1f}</td>" for item in table)
                      + "</tr>" for key, title in LOOKUPS.items())
    return (f"<h2>Lookup</h2>\n<p class=\"soft\">Is an address one of a bounce buffer? Each unmap and sync of each "
            f"device asks. With the number of pools; the call of the DMA API around it is included. "
            f"<code>pools</code> is a backend of the bench module, with as many pools as it is told, and such small "
            f"ones that the walk is as deep as can be.</p>\n"
            f"<div class=\"grid\">{figures}</div>\n<div class=\"wide\"><table><thead><tr><th></th>{head}</tr></thead>"
            f"\n<tbody>{lines}</tbody></table></div>")


def time_section(times: list[MapTime], colours: dict[str, str]) -> str:
    """One figure per case of upstream's benchmark."""
    figures = []
    for case in dict.fromkeys(item.case for item in times):
        clock, threads, direction, kib = case
        found = [item for item in times if item.case == case]
        label = f"{kib} KiB, {direction}, {threads} thread{'s' if threads > 1 else ''}"
        items = [(item.title, [(item.map_us, colours.get(item.title, "soft"), ".9"),
                               (item.unmap_us, colours.get(item.title, "soft"), ".5")]) for item in found]
        figures.append(bars(items, label, "us, counted" if clock == "icount" else "us, real time"))
    return ("<h2>Upstream's dma_map_benchmark</h2>\n<p class=\"soft\">Time of the guest for a map (dark) and an unmap "
            "(light). <em>Counted</em> is in instructions, a thousand per us, and exact to 0.1 us. <em>Real time</em> "
            "has two CPUs, and is what an emulated machine takes at best of three: it shows how backends bear two "
            "threads, and nothing finer.</p>\n<div class=\"grid\">" + "\n".join(figures) + "</div>")


def row_section(bench: Bench) -> str:
    """All that was counted for map and unmap."""
    head = "".join(f"<th>{escape(side)}</th><th>ratio</th><th>no copy</th>" for side in bench.sides)
    lines = []
    for group in zip(*bench.sides.values()):
        size, direction, mask, occupancy = group[0].title()
        cells = "".join(f"<td>{row.ours:,.0f}</td><td>{row.ratio:.3f}</td><td>{row.ratio_without_copy:.3f}</td>"
                        for row in group)
        lines.append(f"<tr><td>{escape(direction)}</td><td>{size}</td><td>{mask}</td><td>{occupancy}</td>"
                     f"<td>{group[0].base:,.0f}</td>{cells}</tr>")
    return (f"<h2>Rows</h2>\n<details><summary>Instructions per map + unmap, {len(lines)} rows</summary>\n"
            f"<div class=\"wide\"><table><thead><tr><th>direction</th><th>bytes</th><th>min_align_mask</th>"
            f"<th>pool full</th><th>{escape(bench.base)}</th>{head}</tr></thead>\n<tbody>"
            + "\n".join(lines) + "</tbody></table></div></details>")


def facts() -> str:
    """What one needs to repeat it."""
    host = qemu.host_facts()
    items = {"emulator": f"{host['qemu']}, -icount shift=0, on {host['cpus']} CPUs", "repeat": "make bench"}
    return "<h2>Set-up</h2>\n<dl>" + "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in items.items()) + "</dl>"
