"""A card as Markdown: tables whose columns line up, so that it reads as plain text too."""

import re
from collections.abc import Iterable, Sequence

from codegem.evaluation import card_text
from codegem.evaluation.card import Card, Line, lines, notes, remarks, title
from codegem.evaluation.card_text import figure, known_settings, machines, measured, printable, share
from codegem.evaluation.findings import interval, worth_showing
from codegem.evaluation.parts import Part
from codegem.evaluation.published import INFILLING, MODELS, SECONDS_SOURCE, SOURCE
from codegem.evaluation.summary import duration


def markdown(card: Card) -> str:
    """The card."""
    table = lines(card)
    parts = [
        f"# {_plain(card.model)}",
        f"Made by `codegem eval card`, codegem {card.codegem}, {card.date}.",
        *([f"**Only the first {card.limit:,} problems of each part were asked.**"] if card.limit is not None else []),
        "pass@1 in percent, with its 95% interval; the columns of CodeGemma are as published.",
        _results(table),
        f"Published: {SOURCE}.",
        *_remarks(table),
        *_infilling(card),
        *(text for part in card.parts for text in _part(part)),
        *_policy(card),
        "## How",
        *_how(card),
    ]
    return "\n\n".join(parts) + "\n"


def _results(table: Sequence[Line]) -> str:
    names = [name.removeprefix("CodeGemma ") for name in MODELS]
    head = ["", "problems", "this model", "95% interval", *names]
    rows = []
    for line in table:
        value = line.row.pass_at.get("1") if line.row else None
        interval = f"{share(value.low)} to {share(value.high)}" if value else ""
        mark = " *" if notes(line) else ""
        told = [figure(line.published.get(name)) for name in MODELS]
        rows.append(
            [line.title + mark, f"{line.row.counted:,}" if line.row else "0", share(value.value) if value else "–"]
        )
        rows[-1] += [interval, *told]
    return _table(head, rows)


def _remarks(table: Sequence[Line]) -> list[str]:
    told = [f"- {titles}: {_plain(note)}" for titles, note in remarks(table)]
    return ["## What to know (*)", "\n".join(told)] if told else []


def _infilling(card: Card) -> list[str]:
    """The table with seconds, where a split of lines was run."""
    report = next((section.report for section in card.sections if section.benchmark == "infilling"), None)
    rows = {row.group: row for row in report.rows} if report else {}
    splits = [rows.get("single-line"), rows.get("multi-line")]
    if not any(splits):
        return []
    ours = [f"{row.seconds:,.0f}" if row else "–" for row in splits]
    ours += [share(row.pass_at["1"].value) if row and "1" in row.pass_at else "–" for row in splits]
    body = [[_plain(card.model), *ours]]
    for name, told in INFILLING.items():
        body.append(
            [name, f"{told.single_seconds:,}", f"{told.multi_seconds:,}", f"{told.single:.2f}", f"{told.multi:.2f}"]
        )
    head = ["", "s single line", "s multi-line", "% single line", "% multi-line"]
    where = f"{_plain(card.model)}: seconds of generating for {_asked(splits)} problems on the machine below."
    return ["## Infilling and its time", _table(head, body), f"{where} Published: {SECONDS_SOURCE}."]


def _part(part: Part) -> list[str]:
    """An evaluation that is no benchmark of programs."""
    found = part.findings
    if found is None:
        return [f"## {_plain(part.name.capitalize())}", f"Not run: {_plain(part.absent)}"]
    rows = [
        [_plain(figure.title), measured(figure), interval(figure), f"{figure.counted:,}"]
        for figure in worth_showing(found)
    ]
    left_out = [f"- left out: {count:,}, {_plain(reason)}" for reason, count in found.left_out.items()]
    told = "\n".join([*left_out, *(f"- {_plain(note)}" for note in found.notes)])
    table = _table(["", "this model", "95% interval", "counted"], rows)
    return [f"## {_plain(found.title)}", table, *([told] if told else [])]


def _policy(card: Card) -> list[str]:
    if not card.outcomes:
        return []
    rows = [
        [
            outcome.limit.name,
            outcome.limit.told,
            "–" if outcome.value is None else f"{outcome.value:.4g}",
            outcome.status,
        ]
        for outcome in card.outcomes
    ]
    why = "\n".join(f"- {_plain(outcome.why)}" for outcome in card.outcomes if outcome.why)
    return ["## Within limits", _table(["", "limit", "this model", ""], rows), *([why] if why else [])]


def _asked(splits: Sequence[object]) -> str:
    return " and ".join(f"{getattr(row, 'problems', 0):,}" for row in splits)


def _how(card: Card) -> Iterable[str]:
    for machine in machines(card):
        yield f"Machine: {_plain(machine)}."
    for section in card.sections:
        if section.report is None:
            continue
        report = section.report
        tools = ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in report.tools.items())
        facts = [
            f"- settings: {_plain(known_settings(report)) or 'those of the protocol'}",
            f"- generated in {duration(report.seconds['predict'])}, judged in {duration(report.seconds['judge'])}",
            *([f"- judged by {tools}"] if tools else []),
            *(f"- data: {_plain(file.name)}, {file.records:,} records, sha256 {file.sha256}" for file in report.data),
        ]
        yield f"### {title(section.benchmark)}\n\n{report.protocol}\n\n" + "\n".join(facts)
    for found in (part.findings for part in card.parts if part.findings):
        told = "\n".join(f"- {_plain(name)}: {_plain(value)}" for name, value in card_text.facts(found))
        yield f"### {_plain(found.title)}\n\n{_plain(found.protocol)}\n\n{told}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of one width; all but the first stand to the right."""
    widths = [max(3, *(len(row[at]) for row in [head, *rows])) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def _plain(text: str) -> str:
    r"""Text of others in one line, of which Markdown and HTML make nothing.

    >>> _plain("a|b <i>*x*</i> timed_out _y_")
    'a\\|b \\<i\\>\\*x\\*\\</i\\> timed_out \\_y\\_'
    """
    text = re.sub(r"([\\`*\[\]<>|&~])", r"\\\1", " ".join(printable(text).split()))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
