"""Pieces of HTML that a card's page is made of."""

from collections.abc import Iterable, Sequence
from html import escape

from codegem.evaluation.card_text import printable


def text_of(value: object) -> str:
    """What somebody wrote, as text and nothing else.

    >>> text_of("<b>")
    '&lt;b&gt;'
    """
    return escape(printable(str(value)))


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; a narrow window scrolls it."""
    titles = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def box(kind: str, low: float, high: float, tip: str = "") -> str:
    """A part of a bar, from `low` to `high` percent of its width."""
    hint = f" title='{text_of(tip)}'" if tip else ""
    return f"<span class={kind} style='left:{low:.2f}%;width:{max(0.0, high - low):.2f}%'{hint}></span>"


def facts_of(title: str, protocol: str, facts: Iterable[tuple[str, str]]) -> str:
    """How something was done, folded away; the facts are HTML already."""
    body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in facts)
    return (
        f"<details><summary>{text_of(title)}</summary><p>{text_of(protocol)}</p>"
        f"<div class=wide><table class=facts><tbody>{body}</tbody></table></div></details>"
    )
