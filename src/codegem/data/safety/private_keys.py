"""The bodies of PEM and PGP private keys, which run over several lines or stand in one string."""

import re
from collections.abc import Iterator, Sequence

from codegem.data.safety.rules import Span

BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY|Private-MAC:")
_RUN = re.compile(r"\\[nrt]|(?P<body>[A-Za-z0-9+/]{16,}={0,2})")
# A line of nothing but a piece of the body, in quotes or a comment as may be: the last piece may be short.
_PIECE = re.compile(r"[\s\"'`#*]{0,80}(?P<body>[A-Za-z0-9+/]{2,100}={0,2})(?:\\[nr]|[\s\"'`,;+.)\\]){0,80}")
_MAX_LINES = 200  # a key of 16,384 bits has 196


def find_private_key(lines: Sequence[str], first: int) -> Iterator[tuple[int, Span]]:
    """The pieces of a key that begins in line `first`, each with the number of its line.

    A header with no body, as in code that reads keys, is no finding. Where the end is not found, only the first
    line is looked at.
    """
    begin = BEGIN.search(lines[first])
    if begin is None:
        return
    last = next((n for n in range(first, min(len(lines), first + _MAX_LINES)) if _END.search(lines[n])), None)
    for number in range(first, first + 1 if last is None else last + 1):
        line, start = lines[number], begin.end() if number == first else 0
        end = _END.search(line, start) if number == last else None
        stop = end.start() if end else len(line)
        piece = _PIECE.fullmatch(line, start, stop) if number > first and stop - start < 300 else None
        spans = [piece.span("body")] if piece else _runs(line, start, stop)
        yield from ((number, Span(*span, "private key", "private key")) for span in spans)


def _runs(line: str, start: int, stop: int) -> list[tuple[int, int]]:
    return [match.span("body") for match in _RUN.finditer(line, start, stop) if match["body"]]
