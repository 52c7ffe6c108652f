"""Where a quote may be missing on a line."""

import re
from collections.abc import Iterator

_BACKTICKS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".go", ".kt", ".kts")
_BEFORE_STRING, _BEHIND_STRING = b" \t([{,=:+<>!&|?", b" \t,);:]}.+<>=!&|?"
_BORDER = re.compile(rb"(?<=\W)|(?=\W)")


def quote_places(line: bytes, path: str) -> Iterator[tuple[int, bytes]]:
    """Places for one more quote on a line with an odd number of them, and the quote; the likeliest first.

    A quote looks as if it began a string or ended one. Where two of a kind follow each other, one of the other kind
    is missing between them: an end soon, before what comes behind a string, or a beginning late.

    >>> next(quote_places(b"f('a, b, 'c')", "a.py"))
    (4, b"'")
    """
    for quote in (b'"', b"'", b"`"):
        if quote == b"`" and not path.endswith(_BACKTICKS):
            continue
        places = [match.start() for match in re.finditer(rb"(?<!\\)" + quote, line)]
        if len(places) % 2:
            yield from _ranked(line, quote, places)


def _ranked(line: bytes, quote: bytes, places: list[int]) -> Iterator[tuple[int, bytes]]:
    start, end, missing_end = _gap(line, places)
    borders = [match.start() for match in _BORDER.finditer(line) if start < match.start() <= end]
    after_indent = len(line) - len(line.lstrip())
    borders = sorted({*borders, max(start, after_indent), end})
    if not missing_end:
        borders.reverse()
    good = [at for at in borders if (_ends_well if missing_end else _begins_well)(line, at)]
    for at in (*good, *borders):
        yield at, quote
    for match in _BORDER.finditer(line):
        if match.start() >= after_indent:
            yield match.start(), quote


def _gap(line: bytes, places: list[int]) -> tuple[int, int, bool]:
    """Between which bytes a quote is missing, and whether it would end a string."""
    expected, last = True, 0
    for at in places:
        opens = _looks_opening(line, at)
        if opens is not None and opens != expected:
            return last, at, not expected
        last, expected = at + 1, not expected
    return last, len(line.rstrip()), True


def _looks_opening(line: bytes, at: int) -> bool | None:
    before, behind = line[:at][-1:], line[at + 1 : at + 2]
    may_open = not before or before in _BEFORE_STRING or before.isalpha()
    may_close = not behind.strip() or behind in _BEHIND_STRING
    return None if may_open == may_close else may_open


def _ends_well(line: bytes, at: int) -> bool:
    behind = line[at : at + 1]
    return bool(line[:at][-1:].strip()) and (not behind.strip() or behind in b",);:]}+")


def _begins_well(line: bytes, at: int) -> bool:
    before = line[:at].rstrip()
    return (not before or before[-1:] in b"([{,=:+") and bool(line[at : at + 1].strip())
