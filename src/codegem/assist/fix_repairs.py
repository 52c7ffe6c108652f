"""Repairs that need no model: small edits of the lines around an error, any of which may make a text sound."""

import re
from collections.abc import Iterator, Sequence

from codegem.assist.fix_brackets import CLOSERS, OPENERS, imbalance
from codegem.assist.fix_code import Code, Patch
from codegem.assist.fix_lines import closing_lines, opening_lines, stray_lines, unclosed
from codegem.assist.fix_quotes import quote_places
from codegem.assist.fix_words import is_slip, keywords

# How edits are found, the likeliest mistake first.
KINDS = ("keyword", "missing", "quote", "bracket", "colon", "separator", "stray", "rest", "model", "cut")

_PROBLEMS = 4  # errors whose lines are looked at
_UNCONNECTED = 8  # lines of tokens in an error that nothing connects
_ABOVE = 3  # lines above the place where the parser stopped
_BOUNDARY = re.compile(rb"\w+|\s+|[^\w\s]")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_LONGEST_LINE = 400  # bytes; longer ones are data, with too many places for an edit
_ENDS = (b"", b":", b";", b",", b" {", b" {}", b" = 0;")


def suspicious_lines(code: Code) -> list[int]:
    """Lines where the mistake may be, the likeliest first.

    Those at which the parser could not go on, then those of the errors of the tree, and the ones around.
    """
    _, reached = code.patched(Patch(0, 0, b"", KINDS[0]))
    line = code.line_at(min(reached, len(code.data)))
    found: dict[int, None] = {}
    for problem in code.problems[:_PROBLEMS]:
        first, last = code.line_at(problem.start), code.line_at(max(problem.start, problem.end - 1))
        found |= dict.fromkeys((first, _above(code, first), last))
    found |= dict.fromkeys(range(line, max(-1, line - _ABOVE), -1))
    for problem in code.problems[:_PROBLEMS]:
        first = code.line_at(problem.start)
        found |= dict.fromkeys((min(first + 1, len(code.starts) - 1), _above(code, _above(code, first))))
        lines = dict.fromkeys(code.line_at(start) for start in reversed(problem.leaves))
        found |= dict.fromkeys(list(lines)[:_UNCONNECTED])
    return [line for line in found if code.text(line).strip() and len(code.text(line)) <= _LONGEST_LINE]


def likely_repairs(code: Code) -> Iterator[Patch]:
    """Edits to try first, those of the likeliest lines first; the same one may come twice."""
    if not code.data.endswith(b"\n"):
        yield Patch(len(code.data), len(code.data), b"\n", "missing")
    for problem in code.problems:
        if problem.missing and not problem.missing.isidentifier():
            behind = len(code.data[: problem.start].rstrip())
            yield Patch(behind, behind, problem.missing.encode(), "missing")
    uneven = {opener: count for opener, count in imbalance(code).items() if count}
    for line in suspicious_lines(code):
        yield from _keywords(code, line)
        yield from _quotes(code, line)
        yield from _brackets(code, line, uneven)
        yield from _insertions(code, line, (b":",), "colon")
    yield from closing_lines(code, uneven)
    yield from opening_lines(code, uneven)


def other_repairs(code: Code) -> Iterator[Patch]:
    """Edits to try then: separators, a token taken out, the end that a line was cut from."""
    lines = suspicious_lines(code)
    for line in lines:
        yield from _insertions(code, line, (b";", b",", b"=", b".", b"(", b")", b"{", b"}"), "separator")
        yield from _deletions(code, line)
        yield from _ends(code, line)
    yield from stray_lines(code)


def cuts(code: Code) -> Iterator[Patch]:
    """What is left to do: lines taken out, the fewest first."""
    lines = suspicious_lines(code)
    for count in (1, 2, 3, 5, 8):
        for line in lines:
            for first in range(max(0, line - count + 1), line + 1):
                last = min(first + count, len(code.starts)) - 1
                start, end = code.span(first)[0], code.span(last)[1]
                yield Patch(start, min(end + 1, len(code.data)), b"", "cut")


def _above(code: Code, line: int) -> int:
    """The last line before one that is not blank."""
    return next((above for above in range(line - 1, -1, -1) if code.text(above).strip()), line)


def _keywords(code: Code, line: int) -> Iterator[Patch]:
    """Words that are nearly a keyword, as that keyword."""
    start, _ = code.span(line)
    known = keywords(code.path)
    for word in _WORD.finditer(code.text(line)):
        text = word[0].decode(errors="replace")
        if text not in known:
            for keyword in sorted(known):
                if len(keyword) > 1 and is_slip(text, keyword):
                    yield Patch(start + word.start(), start + word.end(), keyword.encode(), "keyword")


def _quotes(code: Code, line: int) -> Iterator[Patch]:
    start, _ = code.span(line)
    for at, quote in quote_places(code.text(line), code.path):
        yield Patch(start + at, start + at, quote, "quote")


def _brackets(code: Code, line: int, uneven: dict[str, int]) -> Iterator[Patch]:
    """Brackets of kinds that don't balance: one put in, from the line's end on, or one taken out."""
    wanted = [(OPENERS[opener] if count > 0 else opener).encode() for opener, count in uneven.items()]
    yield from _insertions(code, line, wanted, "bracket")
    surplus = [(opener if count > 0 else OPENERS[opener]).encode() for opener, count in uneven.items()]
    start, _ = code.span(line)
    for token in _BOUNDARY.finditer(code.text(line)):
        if token[0] in surplus:
            yield Patch(start + token.start(), start + token.end(), b"", "stray")


def _insertions(code: Code, line: int, texts: Sequence[bytes], kind: str) -> Iterator[Patch]:
    """Each text at each border between tokens of a line, from its end on.

    Separators and closers follow what is before them without a space; an opener may stand before the first word.
    """
    start, _ = code.span(line)
    text = code.text(line).rstrip()
    borders = [match.start() for match in _BOUNDARY.finditer(text)]
    for at in reversed([*borders, len(text)]):
        before = text[:at]
        for put in texts:
            opens = put.decode() in OPENERS or put == b"="
            if (before[-1:].strip() or opens) and (before.strip() or (opens and at == len(text) - len(text.lstrip()))):
                yield Patch(start + at, start + at, _spaced(put, text, at), kind)


def _spaced(put: bytes, text: bytes, at: int) -> bytes:
    """A brace that opens has a space before it at the end of a line, and an equals sign one on each side."""
    spaced = put == b"=" or (put == b"{" and at == len(text))
    before = b" " if spaced and text[:at][-1:].strip() else b""
    after = b" " if put == b"=" and text[at : at + 1].strip() else b""
    return before + put + after


def _deletions(code: Code, line: int) -> Iterator[Patch]:
    """Each token of a line but white space, taken out."""
    start, _ = code.span(line)
    for token in _BOUNDARY.finditer(code.text(line)):
        if not token[0].isspace():
            yield Patch(start + token.start(), start + token.end(), b"", "stray")


def _ends(code: Code, line: int) -> Iterator[Patch]:
    """What closes the brackets that a line opens, and what may end it."""
    start, _ = code.span(line)
    text = code.text(line).rstrip()
    for kept in (text, text.rstrip(b"".join(map(str.encode, (*OPENERS, *CLOSERS))) + b" ,.=&|+-*/")):
        for end in _ENDS:
            yield Patch(start + len(kept), start + len(text), unclosed(kept) + end, "rest")
