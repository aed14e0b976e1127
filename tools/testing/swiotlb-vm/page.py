# SPDX-License-Identifier: GPL-2.0
"""The comparison as one self-contained HTML page: no script, no outside file."""

from __future__ import annotations

from html import escape
import plots
import qemu
from comparison import Comparison
from table import cell, confidence, ratio_cell, too_few, verdict

STYLE = """
:root { color-scheme: light dark;
  --bg: #fcfcfa; --ink: #1d2329; --soft: #66707a; --line: #d9dcdf; --card: #ffffff;
  --base: #6b7c93; --ours: #d4622a; --good: #23804a; --bad: #b3261e; --band: #eef1ee; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #15181b; --ink: #e6e8ea; --soft: #98a2ac; --line: #343a40; --card: #1c2024;
  --base: #93a6c0; --ours: #f0925e; --good: #63c48b; --bad: #f2857c; --band: #20271f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 64rem; background: var(--bg);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .5rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.soft { color: var(--soft); }
.pass { color: var(--good); } .fail { color: var(--bad); }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin: 0 .35em 0 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: .9rem; }
figure { margin: 0; padding: .8rem .9rem .5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; font-weight: 600; }
figcaption span { font-weight: 400; color: var(--soft); white-space: nowrap; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def render(result: Comparison) -> str:
    """The whole page."""
    body = "\n".join((header(result), ratio_section(result), dot_section(result),
                      table_section(result), facts(result)))
    return (f"<!DOCTYPE html>\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n<html lang=\"en\">\n"
            f"<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
            f"<title>swiotlb: {escape(result.ours.title)} against {escape(result.base.title)}</title>\n"
            f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n")


def legend(result: Comparison) -> str:
    """Both sides with their colours."""
    return (f"<span class=\"key\" style=\"background:var(--base)\"></span>{escape(result.base.title)}"
            f" &emsp; <span class=\"key\" style=\"background:var(--ours)\"></span>"
            f"{escape(result.ours.title)}")


def header(result: Comparison) -> str:
    """What was compared, and whether it can be believed."""
    total = len(result.boots)
    state = "fail" if result.failed else "pass"
    reasons = "".join(f"<p class=\"fail\">{escape(reason)}</p>"
                      for boot in result.failed for reason in boot.reasons[:3])
    each = "each" if result.how == "boot" else f"with {2 * result.rounds} turns, each"
    return (f"<h1>{escape(result.ours.title)} against {escape(result.base.title)}</h1>\n"
            f"<p>{escape(result.scenario['summary'])}; every device bounces "
            f"(<code>{escape(result.scenario['cmdline'])}</code>). <strong class=\"{state}\">"
            f"{total - len(result.failed)} of {total} boots passed</strong>, {each} "
            f"with {result.bytes_per_pass >> 20} MiB written and all of it "
            f"verified, and a clean console.</p>{reasons}\n<p>{legend(result)}</p>")


def ratio_section(result: Comparison) -> str:
    """All ratios on one axis, which is what the page is for."""
    title = f"<h2>Ratio to {escape(result.base.title)}</h2>\n"
    figure = f"<figure>{plots.forest(result)}</figure>"
    if not result.has_interval:
        return f"{title}<p class=\"soft\">Median over {too_few(result.rounds)}.</p>\n{figure}"
    return (f"{title}<p class=\"soft\">Median over {result.rounds} rounds with its "
            f"{confidence(result.rounds)} interval (sign test). An interval around 1 shows "
            f"no difference; green is better, red is worse. Each interval misses the truth once in a "
            f"while, so one coloured line among {len(result.metrics)} is no news yet.</p>\n{figure}")


def dot_section(result: Comparison) -> str:
    """One small plot per metric."""
    figures = "\n".join(
        f"<figure><figcaption>{escape(metric.title)}<span>{escape(metric.unit or 'count')}, "
        f"{'more' if metric.better > 0 else 'less'} is better</span></figcaption>"
        f"{plots.strip(result, metric)}</figure>" for metric in result.metrics)
    return (f"<h2>Every round</h2>\n<p class=\"soft\">One dot per {'boot' if result.how == 'boot' else 'turn'}, a bar at the median. "
            f"Axes do not start at zero.</p>\n<div class=\"grid\">{figures}</div>")


def table_section(result: Comparison) -> str:
    """The numbers behind the dots."""
    lines = []
    for metric in result.metrics:
        ratio = result.ratio(metric)
        word = verdict(metric, ratio)
        css = {"better": "pass", "worse": "fail"}.get(word, "")
        unit = f" <span class=\"soft\">{escape(metric.unit)}</span>" if metric.unit else ""
        lines.append(f"<tr><td>{escape(metric.title)}{unit}</td>"
                     f"<td>{cell(result.base.summary(metric), metric.digits)}</td>"
                     f"<td>{cell(result.ours.summary(metric), metric.digits)}</td>"
                     f"<td class=\"{css}\">{ratio_cell(ratio)}</td></tr>")
    return (f"<h2>Numbers</h2>\n<p class=\"soft\">Median and range over {result.rounds} rounds.</p>\n"
            f"<div class=\"wide\"><table><thead><tr><th></th><th>{escape(result.base.title)}</th>"
            f"<th>{escape(result.ours.title)}</th><th>ratio</th></tr></thead>\n<tbody>"
            + "\n".join(lines) + "</tbody></table></div>")


def facts(result: Comparison) -> str:
    """What one needs to repeat it."""
    boot = result.ours.boots[0]
    host = qemu.host_facts()
    items = {
        "guest": f"{result.scenario['cpus']} CPUs, {result.scenario['memory']} of memory, "
                 f"{result.scenario['devices']}",
        "kernels": f"{result.base.boots[0].results.release}, {boot.results.release}",
        "command line": boot.results.cmdline or "",
        "emulator": f"{host['qemu']}, ACCEL={host['accel']}, on {host['cpus']} CPUs",
        "order": "A B B A, " + ("one boot of each side per round" if result.how == "boot" else
                                "switched while one guest runs, after a turn to warm up"),
    }
    if host["accel"] == "tcg":
        items["mind"] = ("instructions are emulated: ratios mean something, absolute numbers "
                         "do not")
    return "<h2>Set-up</h2>\n<dl>" + "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in items.items()) + "</dl>"
