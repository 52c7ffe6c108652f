"""The parts of a card's page that are no benchmark of programs: findings, and the limits of a policy."""

from collections.abc import Iterator

from codegem.evaluation.card import Card
from codegem.evaluation.card_html import box, facts_of, table_of, text_of
from codegem.evaluation.card_text import facts, measured
from codegem.evaluation.findings import Figure, Findings, interval, worth_showing
from codegem.evaluation.parts import Part
from codegem.evaluation.policy import Status

_MARKS = {Status.WITHIN: "", Status.BEYOND: " class=beyond", Status.UNKNOWN: " class=quiet"}


def part(part: Part) -> Iterator[str]:
    """An evaluation and its figures."""
    found = part.findings
    if found is None:
        yield f"<h2>{text_of(part.name.capitalize())}</h2><p>Not run: {text_of(part.absent)}</p>"
        return
    yield f"<h2>{text_of(found.title)}</h2><div class=bars>{''.join(map(_bar, worth_showing(found)))}</div>"
    told = [f"Left out: {count:,}, {reason}" for reason, count in found.left_out.items()]
    if told := [*told, *found.notes]:
        yield f"<ul>{''.join(f'<li>{text_of(line)}</li>' for line in told)}</ul>"
    if found.examples:
        shown = "".join(f"<h4>{text_of(what)}</h4><pre>{text_of(text)}</pre>" for what, text in found.examples)
        yield f"<details><summary>Answers to read</summary>{shown}</details>"


def policy(card: Card) -> Iterator[str]:
    """The limits, and which of them hold."""
    if card.outcomes:
        rows = []
        for outcome in card.outcomes:
            value = "–" if outcome.value is None else f"{outcome.value:.4g}"
            status = f"<span{_MARKS[outcome.status]} title='{text_of(outcome.why)}'>{outcome.status}</span>"
            rows.append([text_of(outcome.limit.name), text_of(outcome.limit.told), value, status])
        yield f"<h2>Within limits</h2>{table_of(['', 'limit', 'this model', ''], rows)}"


def described(found: Findings) -> str:
    """How an evaluation was done."""
    return facts_of(found.title, found.protocol, [(text_of(name), text_of(value)) for name, value in facts(found)])


def _bar(figure: Figure) -> str:
    numbers = f"<b>{text_of(measured(figure))}</b> <span class=quiet>{interval(figure)} of {figure.counted:,}</span>"
    track = ""
    if figure.unit == "share" and figure.value is not None:
        track = box("fill", 0, 100 * figure.value)
        if figure.low is not None and figure.high is not None:
            track += box("span", 100 * figure.low, 100 * figure.high)
    label = f"<div class=label>{text_of(figure.title)}</div>"
    return f"{label}<div class=figure>{numbers}</div><div{track and ' class=track'}>{track}</div>"
