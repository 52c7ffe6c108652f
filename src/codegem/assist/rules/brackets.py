"""Brackets and quotes that are closed already."""

import re

from codegem.assist.lexer import CLOSES, OPENS
from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end, whole

_GOES_ON = re.compile(r"[^\n]*(?:\n\s*(?:else|catch|finally)\b[^\n]*(?:\n\s*\{)?)?")


def unbalanced_closer(text: str, place: Place) -> Cut:
    """The text ends before a bracket that closes nothing, or what another behind the cursor closes.

    A line that opens as much again may stand: `} else {`, `), (`.

    >>> unbalanced_closer("go();\\n}", Place("if (a) {\\n  ", "\\n}\\n", "a.js")).keep
    6
    >>> unbalanced_closer("go();\\n}", Place("if (a) {\\n  ", "\\n", "a.js")).keep
    7
    """
    if place.is_prose:
        return whole(text)
    left, stack = list(place.missing), []
    doubled: list[int] = []  # where, and not made good yet
    line_end = 0
    for at, kind in place.lexer.brackets(text, place.inside):
        if doubled and at >= line_end:
            break
        if kind in OPENS:
            if doubled and text[doubled[-1]] == OPENS[kind] and _may_reopen(text, doubled[-1], place):
                doubled.pop()
            else:
                stack.append(kind)
        elif stack and stack[-1] == CLOSES[kind]:
            stack.pop()
        elif not stack and left and left[0] == kind:
            left.pop(0)
        else:
            line_end = line_end if doubled else _line_end(text, at)
            doubled.append(at)
    if not doubled:
        return whole(text)
    return (
        end(doubled[0]) if text[line_end:].strip() or (place.one_line and "\n" in text) else Cut(doubled[0], doubled[0])
    )


def closing_quote(text: str, place: Place) -> Cut:
    """In a string that ends behind the cursor, the text does not end it.

    >>> closing_quote('name")', Place('print("', '")\\n', "a.py")).keep
    4
    """
    quote = place.inside
    if not quote or place.in_comment or place.lexer.inside(place.after) != quote:
        return whole(text)
    string = place.lexer.pieces.match(quote + text)
    if string is None or not string.lastindex:
        return Cut(len(text), len(text.rstrip("\\" + quote)))
    closing = string.start(string.lastindex) - len(quote)
    return Cut(len(text) if place.lexer.inside(text, quote) == quote else closing, closing)


def _may_reopen(text: str, at: int, place: Place) -> bool:
    return text[at] == "}" or not place.in_the_middle or not text[:at].rpartition("\n")[2].strip()


def _line_end(text: str, at: int) -> int:
    """Where the statement may be over that a bracket goes on with."""
    found = _GOES_ON.match(text, at)
    return found.end() if found else len(text)
