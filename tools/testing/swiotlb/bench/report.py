# SPDX-License-Identifier: GPL-2.0
"""The benchmark's results as text and as one self-contained HTML page: no script, no outside file."""

from __future__ import annotations

import math
from html import escape

import plots
from bench_page import COLOURS, MORE_STYLE
from page import STYLE

WIDTH, LABEL, ROW = 880, 300, 24
# What is drawn of tables with many metrics
PICTURES = {"churn": ("map", "map_p999", "ns"), "threads": ("ns",), "crowd": ("ns", "p999"), "lookup": ("hit", "miss"),
            "touch": ("lines", "atomics"), "remote": ("ns",)}
NAMES = {"ns": "", "map": "map", "unmap": "unmap", "map_p999": "map 99.9 %", "map_max": "map max",
         "p999": "99.9 %", "max": "max", "fails": "fail", "large_fails": "large fail", "speedup": "speed-up",
         "speedup_apart": "apart", "efficiency": "share", "requested": "requested", "metadata": "metadata",
         "lines": "lines", "lines_written": "written", "atomics": "atomics", "locks": "locks", "fences": "fences",
         "instructions": "", "hit": "hit", "miss": "miss", "far": "no RAM", "other": "never bounced"}


def number(value: float, unit: str) -> str:
    """As many digits as mean something."""
    if unit == "share":
        return f"{value:.1%}"
    if unit == "times":
        return f"{value:.2f}x"
    if unit == "count":
        return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
    if value < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def cell(side: dict | None, metric: str, unit: str, ratios: bool) -> str:
    """Median, ratio to the base with its range; or why there is none."""
    if side is None:
        return "-"
    if "error" in side:
        return "error"
    entry = side["metrics"].get(metric)
    if entry is None:
        return "n/a"
    text = number(entry["median"], unit)
    if entry.get("ratio") and ratios and unit in ("ns", "count"):
        text += f" ({entry['ratio']['median']:.2f})"
    return text + (" fails" if side["impossible"] else "")


def columns(table: dict) -> list[str]:
    return list(dict.fromkeys(title for case in table["cases"] for title in case["sides"]))


def text_table(table: dict, base: str) -> str:
    """For a terminal: a line per case and metric, a column per side."""
    sides = columns(table)
    lines = [[table["title"], *sides]]
    for case in table["cases"]:
        for metric, unit in table["units"].items():
            name = NAMES.get(metric, metric)
            lines.append([f"  {case['title']}{': ' if name else ''}{name}"]
                         + [cell(case["sides"].get(side), metric, unit, table["ratios"]) for side in sides])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n" + "\n".join("  ".join(text.rjust(width) if column else text.ljust(width)
                                      for column, (text, width) in enumerate(zip(line, widths)))
                            for line in lines)


def colour_of(found: dict) -> dict[str, str]:
    """By side; whoever comes last gets the last colour."""
    titles = dict.fromkeys(found["sides"] + [title for table in found["tables"] for title in columns(table)])
    plain = [title for title in titles if title.split()[0] == title and title != "memcpy"]
    return {title: "soft" if title == "memcpy" else COLOURS[min(plain.index(title.split()[0]), len(COLOURS) - 1)]
            for title in titles}


def ticks_of(low: float, high: float) -> list[float]:
    """Powers of ten, and what lies between them where there are few."""
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [step * 10.0 ** power for power in range(-2, 10) for step in steps if low <= step * 10.0 ** power <= high]


def dots(table: dict, metric: str, unit: str, colours: dict) -> str:
    """A line per case, a dot per side at its median, with the range of its turns; the axis is logarithmic."""
    rows = [(case["title"], [(title, side["metrics"][metric], side["impossible"]) for title, side in case["sides"].items()
                             if metric in side["metrics"] and side["metrics"][metric]["median"] > 0])
            for case in table["cases"]]
    values = [edge for _, sides in rows for _, entry, _ in sides for edge in (max(entry["low"], 1e-2), entry["high"])]
    if not values:
        return ""
    low, high = min(values) / 1.2, max(values) * 1.2
    axis = plots.Axis(math.log10(low), math.log10(high), LABEL, WIDTH - 20)
    bottom, parts = ROW * len(rows) + 4, []
    for tick in ticks_of(low, high):
        x = axis.x(math.log10(tick))
        parts += [plots.line(x, 0, x, bottom, "line"), plots.text(x, bottom + 16, plots.tick_text(tick), "middle", "soft")]
    for index, (title, sides) in enumerate(rows):
        y = ROW * index + ROW / 2 + 2
        parts.append(plots.text(0, y + 4, title))
        for side, entry, impossible in sides:
            x, colour = axis.x(math.log10(entry["median"])), colours[side]
            ends = [axis.x(math.log10(max(entry[end], 1e-2))) for end in ("low", "high")]
            parts.append(plots.line(ends[0], y, ends[1], y, colour, 2, 'opacity=".5"'))
            fill = "none" if impossible or " " in side else f"var(--{colour})"
            parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{fill}" stroke="var(--{colour})" stroke-width="2">'
                         f"<title>{escape(side)}: {number(entry['median'], unit)}{' (fails)' if impossible else ''}"
                         f"</title></circle>")
    name = NAMES.get(metric, metric) or {"ns": "time", "instructions": "instructions"}.get(metric, metric)
    picture = plots.svg(WIDTH, bottom + 22, f"{table['title']}: {name}", parts)
    return f"<figure><figcaption>{escape(name)}<span>{'ns' if unit == 'ns' else unit}</span></figcaption>{picture}</figure>"


def numbers(table: dict) -> str:
    """All of it, folded away."""
    sides = columns(table)
    head = "".join(f"<th>{escape(side)}</th>" for side in sides)
    lines = []
    for case in table["cases"]:
        for metric, unit in table["units"].items():
            name = NAMES.get(metric, metric)
            cells = "".join(f"<td>{escape(cell(case['sides'].get(side), metric, unit, table['ratios']))}</td>"
                            for side in sides)
            lines.append(f"<tr><td>{escape(case['title'])}{': ' if name else ''}{escape(name)}</td>{cells}</tr>")
    return (f"<details><summary>Numbers</summary><div class=\"wide\"><table><thead><tr><th></th>{head}</tr></thead>\n"
            f"<tbody>{''.join(lines)}</tbody></table></div></details>")


def section(table: dict, colours: dict) -> str:
    """One table: what matters most as pictures, the rest as numbers."""
    shown = [metric for metric, unit in table["units"].items() if metric in PICTURES.get(table["key"], table["units"])
             and unit in ("ns", "count")]
    pictures = "\n".join(dots(table, metric, table["units"][metric], colours) for metric in shown)
    return (f"<h2>{escape(table['title'])}</h2>\n<p class=\"soft\">{escape(table['note'])}</p>\n{pictures}\n"
            f"{numbers(table)}")


def render(found: dict) -> str:
    """The whole page."""
    colours = colour_of(found)
    keys = " &emsp; ".join(f"<span class=\"key\" style=\"background:var(--{colours[side]})\"></span>{escape(side)}"
                           for side in found["sides"])
    facts = {"machine": f"{found['host']['cpus']} x {found['host']['cpu']}, load {found['host']['load']:.1f}",
             "compiler": found["host"]["compiler"], "instructions": f"counted {found['host']['counts_instructions']}",
             "turns": f"{found['repetitions']}, forwards and backwards", "took": f"{found['seconds']:.0f} s",
             "repeat": "make bench"}
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    body = "\n".join(section(table, colours) for table in found["tables"])
    return (f"<!DOCTYPE html>\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n<html lang=\"en\">\n"
            f"<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
            f"<title>swiotlb in user space: costs against {escape(found['base'])}</title>\n"
            f"<style>{page_style()}</style></head>\n<body>\n<h1>swiotlb in user space</h1>\n"
            f"<p>The same sources as in the kernel, and the pristine swiotlb of the base release, compiled the same way and "
            f"against the same stand-ins for the kernel. A dot is the median of the turns, a line their range; hollow where "
            f"mappings fail. Numbers in brackets are ratios to {escape(found['base'])} in the same turns.</p>\n"
            f"<p>{keys}</p>\n{body}\n<h2>Set-up</h2>\n<dl>{listed}</dl>\n</body></html>\n")


def page_style() -> str:
    return STYLE + MORE_STYLE
