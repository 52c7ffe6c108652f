"""A card as one page of HTML that stands alone: no script, nothing loaded from elsewhere.

Everything that a model, a server or a data file said goes through `card_html.text_of`.
"""

from collections.abc import Iterable, Sequence

from codegem.evaluation import card_parts
from codegem.evaluation.card import Card, Example, Line, Section, lines, notes, remarks, title
from codegem.evaluation.card_html import box, facts_of, table_of, text_of
from codegem.evaluation.card_style import STYLE
from codegem.evaluation.card_text import figure, known_settings, machines, share
from codegem.evaluation.published import INFILLING, MODELS, SECONDS_SOURCE, SOURCE
from codegem.evaluation.report import Report, Row
from codegem.evaluation.summary import duration


def page(card: Card) -> str:
    """The page, as HTML."""
    table = lines(card)
    name = text_of(card.model)
    parts = [
        f"<h1>{name}</h1>",
        f"<p class=quiet>codegem eval card, codegem {text_of(card.codegem)}, {text_of(card.date)}</p>",
        *_limited(card),
        "<h2>Results</h2>",
        "<p>pass@1, in percent: the share of problems whose one answer passes all tests.</p>",
        _legend(),
        _bars(table),
        "<h2>Beside published results</h2>",
        _beside(table),
        f"<p class=quiet>2B to 7B-IT 1.1 are CodeGemma, as published: {text_of(SOURCE)}.</p>",
        *_infilling(card),
        *_remarks(table),
        *(text for part in card.parts for text in card_parts.part(part)),
        *card_parts.policy(card),
        "<h2>Failures to read</h2>",
        *_examples(card),
        "<h2>How it was done</h2>",
        *_how(card),
    ]
    head = (
        "<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{name}</title><style>{STYLE}</style>"
    )
    return f"<!doctype html><html lang=en><head>{head}</head><body><main>{''.join(parts)}</main></body></html>\n"


def _limited(card: Card) -> Iterable[str]:
    if card.limit is not None:
        yield (
            f"<p class=warning>Only the first {card.limit:,} problems of each part were asked: "
            "these are not the benchmarks' figures.</p>"
        )


def _legend() -> str:
    return (
        "<p class=legend><span class='swatch fill'></span> this model <span class='swatch span'></span> its 95% "
        "interval <span class='swatch band'></span> the published CodeGemma models, from the lowest to the highest</p>"
    )


def _bars(table: Sequence[Line]) -> str:
    rows = []
    for line in table:
        value = line.row.pass_at.get("1") if line.row else None
        numbers = (
            f"<b>{share(value.value)}</b> <span class=quiet>{share(value.low)}–{share(value.high)}</span>"
            if value
            else ""
        )
        numbers = numbers or "<span class=quiet>not judged</span>"
        label = f"<div class=label>{text_of(line.title)}{_mark(line)}</div>"
        rows.append(f"{label}<div class=figure>{numbers}</div>{_track(line)}")
    return f"<div class=bars>{''.join(rows)}</div>"


def _track(line: Line) -> str:
    """The bar of a line: 0 at the left, 100 at the right."""
    inside, told = [], list(line.published.values())
    if told:
        low, high = min(told), max(told)
        inside.append(box("band", low, high, f"CodeGemma, published: {figure(low)} to {figure(high)}"))
    value = line.row.pass_at.get("1") if line.row else None
    if value:
        inside.append(box("fill", 0, 100 * value.value))
        inside.append(box("span", 100 * value.low, 100 * value.high))
    return f"<div class=track>{''.join(inside)}</div>"


def _mark(line: Line) -> str:
    return "<a class=mark href='#remarks'>*</a>" if notes(line) else ""


def _beside(table: Sequence[Line]) -> str:
    head = [
        "",
        "problems",
        "this model",
        "95% interval",
        *(text_of(model.removeprefix("CodeGemma ")) for model in MODELS),
    ]
    rows = []
    for line in table:
        value = line.row.pass_at.get("1") if line.row else None
        own = [f"{line.row.counted:,}" if line.row else "0", f"<b>{share(value.value)}</b>" if value else "–"]
        own.append(f"{share(value.low)}–{share(value.high)}" if value else "")
        rows.append([text_of(line.title) + _mark(line), *own, *(figure(line.published.get(model)) for model in MODELS)])
    return table_of(head, rows)


def _infilling(card: Card) -> Iterable[str]:
    """Time and shares of the two splits of which both are published."""
    rows = _rows(card, "infilling")
    splits = [rows.get("single-line"), rows.get("multi-line")]
    if not any(splits):
        return
    ours = [text_of(card.model), *(f"<b>{row.seconds:,.0f}</b>" if row else "–" for row in splits)]
    ours += [f"<b>{share(row.pass_at['1'].value)}</b>" if row and "1" in row.pass_at else "–" for row in splits]
    body = [ours]
    for name, told in INFILLING.items():
        seconds = [f"{told.single_seconds:,}", f"{told.multi_seconds:,}"]
        body.append([text_of(name), *seconds, f"{told.single:.2f}", f"{told.multi:.2f}"])
    yield "<h2>Infilling and its time</h2>"
    yield table_of(["", "s, single line", "s, multi-line", "%, single line", "%, multi-line"], body)
    asked = " and ".join(f"{row.problems:,}" if row else "0" for row in splits)
    yield f"<p class=quiet>This model: seconds of generating for {asked} problems, on the machine named below. "
    yield f"Published: {text_of(SECONDS_SOURCE)}.</p>"


def _rows(card: Card, benchmark: str) -> dict[str, Row]:
    for section in card.sections:
        if section.benchmark == benchmark and section.report:
            return {row.group: row for row in section.report.rows}
    return {}


def _remarks(table: Sequence[Line]) -> Iterable[str]:
    told = remarks(table)
    if told:
        items = "".join(f"<li><b>{text_of(titles)}</b>: {text_of(note)}</li>" for titles, note in told)
        yield f"<h2 id=remarks>What to know *</h2><ul>{items}</ul>"


def _examples(card: Card) -> Iterable[str]:
    found = False
    for section in card.sections:
        for row in section.report.rows if section.report else ():
            shown = [example for example in section.examples if example.group == row.group]
            if shown:
                found = True
                wrong = row.failed + row.timed_out + row.error
                name = text_of(title(section.benchmark, row.group))
                summary = f"{name} <span class=quiet>the first {len(shown)} of {wrong:,}</span>"
                yield f"<details><summary>{summary}</summary>{''.join(map(_example, shown))}</details>"
    if not found:
        yield "<p>None.</p>"


def _example(example: Example) -> str:
    verdict = example.verdict.replace("_", " ")
    reason = f": {text_of(example.reason)}" if example.reason else ""
    code = (
        f"<span class=before>{text_of(example.before)}</span><mark>{text_of(example.text) or '<i>nothing</i>'}</mark>"
    )
    if example.after:
        code += f"<span class=before>{text_of(example.after)}</span>"
    return f"<h4>{text_of(example.task_id)}</h4><p class=reason>{text_of(verdict)}{reason}</p><pre>{code}</pre>"


def _how(card: Card) -> Iterable[str]:
    for machine in machines(card):
        yield f"<p>Machine: {text_of(machine)}.</p>"
    yield (
        "<p>Intervals are Wilson's at 95%, or the bootstrap's over problems where a problem gives no plain yes or no. "
        "What could not be judged is left out of a share and named above; it is never counted as wrong.</p>"
    )
    for section in card.sections:
        if section.report:
            yield _described(section, section.report)
    yield from (card_parts.described(part.findings) for part in card.parts if part.findings)


def _described(section: Section, report: Report) -> str:
    facts = [
        ("settings", text_of(known_settings(report)) or "those of the protocol"),
        ("generated in", duration(report.seconds["predict"])),
        ("judged in", duration(report.seconds["judge"])),
        ("judged", text_of(report.date)),
        *((text_of(name), text_of(version)) for name, version in report.tools.items()),
        *(
            (text_of(file.name), f"{file.records:,} records, sha256 <code>{text_of(file.sha256)}</code>")
            for file in report.data
        ),
    ]
    facts += [(f"{text_of(row.group) or 'all'}", _counts(row)) for row in report.rows]
    return facts_of(title(section.benchmark), report.protocol, facts)


def _counts(row: Row) -> str:
    """Verdicts and other numbers of a row."""
    told = [("passed", row.passed), ("failed", row.failed), ("timed out", row.timed_out), ("error", row.error)]
    told.append(("skipped", row.skipped))
    words = [f"{count:,} {name}" for name, count in told if count]
    estimates = [(f"pass@{k}", value) for k, value in row.pass_at.items() if k != "1"]
    estimates += [(name.replace("_", " "), value) for name, value in row.measures.items()]
    estimates += [("stopped by itself", row.stopped)] if row.stopped else []
    words += [
        f"{text_of(name)} {share(value.value)}% ({share(value.low)}–{share(value.high)})" for name, value in estimates
    ]
    return ", ".join([*words, f"{row.tokens:.1f} tokens an answer", f"{duration(row.seconds)} of generating"])
