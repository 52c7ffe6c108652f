"""A data set's report as one page of HTML that stands alone: no script, nothing loaded from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from codegem.data.accounts import STAGES
from codegem.data.report import DataReport, Histogram
from codegem.data.show import Shown, Span
from codegem.text.tokenizer import NAMES

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #4a7dbd; --kept: #3d9a5f; --lost: #c2603f; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; } td, th { padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; }
td:first-child { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; height: .8em; background: var(--bar); vertical-align: baseline; }
.kept { background: var(--kept); } .lost { background: var(--lost); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem 2rem; }
pre { overflow: auto; max-height: 30rem; border: 1px solid var(--line); padding: .7rem; font-size: 13px; }
.path { color: #1a8f9c; } .prefix { color: #2f8f4e; } .suffix { color: #4577c9; }
.middle { background: #f5d76e; color: #000; } .control { color: #b04ab0; font-weight: bold; }

.masked { opacity: .5; font-style: italic; } .question { color: #4577c9; } .answer { background: #f5d76e; color: #000; }
.file { border-top: 1px dashed var(--line); display: block; } .quiet { opacity: .7; }
"""
_BAR = 16  # em, the longest


def page(report: DataReport) -> str:
    """The page, as HTML."""
    manifest = report.manifest
    tokens, counts = manifest.tokens, manifest.counts
    parts = [
        f"<h1>{escape(report.directory)}</h1>",
        f"<p class=quiet>data set {manifest.hash[:16]}, made by codegem</p>",
        f"<p><b>{tokens['real']:,}</b> tokens in {sum(s.examples for s in manifest.shards):,} examples of "
        f"{manifest.context_length:,}; {tokens['share_real']:.1%} of the places hold a token. "
        f"{counts['read']:,} files were read, {counts['kept']:,} kept and {counts['rejected']:,} rejected. "
        f"{counts['fim_rate']:.1%} of {counts['file_parts']:,} files and parts of files have a hole.</p>",
        "<h2>Stages</h2>",
        _stages(counts["stages"]),
        "<h2>Languages</h2>",
        _languages(counts["by_language"]),
        "<h2>Reasons</h2>",
        _bars(sorted(counts["reasons"].items(), key=lambda item: -item[1]), "lost"),
        "<h2>Redacted in kept files</h2>",
        _bars(sorted(counts["redacted"].items(), key=lambda item: -item[1]), "")
        if counts["redacted"]
        else "<p>Nothing.</p>",
        "<h2>Licences of kept files</h2>",
        _bars(sorted(counts["licences"].items(), key=lambda item: -item[1]), "kept"),
        f"<h2>Distributions</h2><p class=quiet>of tokens: over {report.measured:,} training examples</p>",
        f"<div class=grid>{''.join(_histogram(item) for item in report.distributions)}</div>",
        "<h2>Examples kept</h2>",
        _legend(),
        *(_example(example) for example in report.examples),
        "<h2>Examples rejected</h2>",
        *(_rejected(reason, rows) for reason, rows in report.rejected),
        "<h2>Recipe</h2>",
        _recipe(manifest.recipe),
    ]
    head = f"<meta charset=utf-8><title>{escape(report.directory)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers stand to the right. Cells that are HTML already are marked by being `_Html`."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"


class _Html(str):
    pass


def _cell(value: object) -> str:
    if isinstance(value, _Html):
        return f"<td>{value}</td>"
    if isinstance(value, int | float):
        return f"<td class=number>{value:,}</td>"
    return f"<td>{escape(str(value))}</td>"


def _bar(count: float, most: float, kind: str) -> _Html:
    return _Html(f'<span class="bar {kind}" style="width:{_BAR * count / max(1, most):.2f}em"></span>')


def _bars(items: Sequence[tuple[str, int]], kind: str) -> str:
    most = max((count for _, count in items), default=1)
    return _table([], [(name, count, _bar(count, most, kind)) for name, count in items])


def _stages(stages: Mapping[str, Mapping[str, int]]) -> str:
    most = max((stage["read"] for stage in stages.values()), default=1)
    rows = []
    for name in STAGES:
        stage = stages[name]
        bar = _Html(_bar(stage["kept"], most, "kept") + _bar(stage["rejected"], most, "lost"))
        rows.append((name, stage["read"], stage["kept"], stage["rejected"], bar))
    return _table(["stage", "files in", "kept", "rejected", ""], rows)


def _languages(languages: Mapping[str, Mapping[str, int]]) -> str:
    ordered = sorted(languages.items(), key=lambda item: (-item[1].get("kept", 0), -item[1]["read"]))
    rows = [
        (name, counts["read"], counts.get("kept", 0), round(counts.get("kept_bytes", 0) / 1e6, 2), _main_reason(counts))
        for name, counts in ordered
    ]
    return _table(["language", "read", "kept", "MB kept", "most often rejected for"], rows)


def _main_reason(counts: Mapping[str, int]) -> str:
    reasons = [(count, name) for name, count in counts.items() if ": " in name]
    return "" if not reasons else "{1} ({0:,})".format(*max(reasons))


def _histogram(item: Histogram) -> str:
    title = f"<b>{escape(item.title)}</b> <span class=quiet>{item.values:,}, median {item.median:,.0f}</span>"
    return f"<div>{title}{_bars(item.bars, '')}</div>"


def _legend() -> str:
    kinds = ("path", "prefix", "middle", "suffix", "control", "masked")
    return "<p>" + " ".join(f"<span class={kind}>{kind}</span>" for kind in kinds) + "</p>"


def _example(example: Shown) -> str:
    segments = "<hr>".join("".join(map(_span, segment)) for segment in example.segments)
    title = f"{example.split} example {example.index}: {example.tokens:,} tokens, {example.padding:,} of them padding"
    return f"<details><summary>{escape(title)}</summary><pre>{segments}</pre></details>"


def _span(span: Span) -> str:
    border = "<span class=file></span>" if span.text == NAMES["file_separator"][0] else ""
    kinds = f"{span.role} masked" if span.masked else span.role
    return f'<span class="{escape(kinds)}">{escape(span.text)}</span>{border}'


def _rejected(reason: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = ("repository", "path", "rule", "place", "detail")
    cells = [[row.get(column) or "" for column in columns] for row in rows]
    return f"<details><summary>{escape(reason)}</summary>{_table(columns, cells)}</details>"


def _recipe(recipe: Mapping[str, Any]) -> str:
    rows: list[tuple[str, str]] = []
    stack = [("", recipe)]
    while stack:
        name, values = stack.pop()
        for key, value in values.items():
            if isinstance(value, Mapping):
                stack.append((f"{name}{key}.", value))
            else:
                rows.append((f"{name}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return _table(["field", "value"], sorted(rows))
