"""What the text repeats of the code behind it."""

import re

from codegem.assist.lexer import CLOSES, WITHIN, indentation
from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end, squeezed, whole

_MOST = 400  # characters of an overlap
_OPENER, _CLOSERS = re.compile(r"\s*[{(\[]\s*"), re.compile(r"[\s)\]};,]*")
_MUCH = 12  # characters, white space aside


def next_line(text: str, place: Place) -> Cut:
    """The text ends before a line that repeats the next line of code: what follows it is there already.

    A line that often comes twice, such as `try:`, counts if all that comes behind it is repeated as well, or much of
    it; closing brackets count if the line behind them is repeated. Those alone are left to the rule of unbalanced ones.

    >>> next_line("x = 1\\n    return x  # it\\n", Place("    ", "\\n    return x  # it\\n", "a.py")).keep
    6
    """
    if place.in_the_middle or not place.below:
        return whole(text)
    at = 0
    lines = text.split("\n")
    depths = place.lexer.depths(text, place.inside)
    for number, line in enumerate(lines):
        shown = place.before + line if number == 0 else line
        own = number or not place.before.strip()
        if own and _may_be(shown, depths[number], bool(number), place):
            repeated = _repeats([shown, *lines[number + 1 :]], place.below)
            if repeated:
                return end(at)
            if repeated is None:
                return Cut(at if _is_beginning_of(shown, place.below[0]) else len(text), at)
        at += len(line) + 1
    return whole(text)


def _may_be(line: str, depth: int, behind: bool, place: Place) -> bool:
    """Whether a line may stand where the next one does: as far right or, but for Python, in no bracket of its own."""
    if not line.strip() or depth == WITHIN or (_OPENER.fullmatch(place.below[0]) and not behind):
        return False
    if _CLOSERS.fullmatch(place.below[0]) and depth > 0:
        return False
    return indentation(line) == indentation(place.below[0]) or (place.language != "python" and depth == 0)


def _is_beginning_of(line: str, other: str) -> bool:
    """Whether a line is another one, or that up to a closing bracket, which was cut off; closers alone are needed."""
    rest = squeezed(other).removeprefix(squeezed(line))
    return not _CLOSERS.fullmatch(other) and (not rest or (rest != squeezed(other) and rest[0] in CLOSES))


def _repeats(lines: list[str], below: list[str]) -> bool | None:
    """Whether the first of some lines, the last one perhaps unfinished, stands for the next one behind the cursor.

    None where that is open.
    """
    finished = [squeezed(line) for line in lines[:-1] if line.strip()]
    pairs = zip(finished, map(squeezed, below), strict=False)
    same = next((at for at, pair in enumerate(pairs) if len(set(pair)) > 1), None)
    if same is None:
        same = min(len(finished), len(below))
        rest = squeezed("".join(lines[-1:])) if same == len(finished) else "…"
        following = squeezed(below[same]) if same < len(below) else ""
        if following.startswith(rest) and not _is_much(below[:same]):
            return None
    return _is_much(below[:same])


def _is_much(lines: list[str]) -> bool:
    """Whether lines are more than what code often repeats: one of its own, or several."""
    if not lines or _OPENER.fullmatch(lines[0]):
        return bool(lines)
    if _CLOSERS.fullmatch(lines[0]):
        return len(lines) > 1 and any(map(str.isalnum, lines[1]))
    alone = any(len(squeezed(line)) >= _MUCH and line.rstrip()[-1] not in ":{([," for line in lines)
    return alone or sum(len(squeezed(line)) for line in lines) >= 3 * _MUCH


def suffix_overlap(text: str, place: Place) -> Cut:
    """The longest end of the text that repeats the rest of the cursor's line is dropped.

    White space does not hide it. What only looks like a repetition stays: a part of a name, or a bracket that closes
    something. (Those that close nothing are dropped before.)

    >>> suffix_overlap("price * count;", Place("x = ", ";\\n")).keep, suffix_overlap("f(a)", Place("(", ")\\n")).keep
    (13, 4)
    """
    following = squeezed(place.suffix[:_MOST])
    body = text.rstrip()
    if not body or not place.in_the_middle:
        return whole(text)
    sure = len(text)
    for start in range(max(0, len(body) - _MOST), len(body)):
        overlap = squeezed(body[start:]) if body[start] == following[0] else ""
        if not overlap or not following.startswith(overlap):
            continue
        sure = min(sure, len(body[:start].rstrip()))
        if _is_repetition(body, start, len(overlap), place):
            keep = len(body[:start].rstrip()) if place.suffix[:1].isspace() else start
            return Cut(keep, min(sure, keep))
    return Cut(len(text), sure)


def _is_repetition(body: str, start: int, size: int, place: Place) -> bool:
    at = _position(place.suffix, size)
    if _joined(body[start - 1 : start], body[start]) or _joined(body[-1], place.suffix[at : at + 1]):
        return False
    return body[start - 1 : start] != "\\" and not _closes_before(body, start, place)


def _position(text: str, size: int) -> int:
    """Where so many characters that are no white space have gone by."""
    for at, character in enumerate(text):
        if size == 0:
            return at
        size -= not character.isspace()
    return len(text)


def _joined(left: str, right: str) -> bool:
    return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")


def _closes_before(text: str, start: int, place: Place) -> bool:
    """Whether a bracket from `start` on closes one that stands before."""
    depth = 0
    for at, kind in place.lexer.brackets(text, place.inside):
        if at >= start:
            depth += -1 if kind in CLOSES else 1
            if depth < 0:
                return True
    return False
