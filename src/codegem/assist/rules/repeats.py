"""What the text repeats of itself, and of the code above it."""

import re

from codegem.assist.place import Place
from codegem.assist.rules.rule import Cut, end, squeezed, whole

_LONGEST_PERIOD, _ENOUGH = 8, 4  # lines
_SAID = 6  # characters a line must have to say something
_LONGEST_WORDS, _LONG = 40, 32  # characters
_IN_LINE = re.compile(rf"(.{{2,{_LONGEST_WORDS}}}?)\1{{5,}}")


def line_above(text: str, place: Place) -> Cut:
    """A text that begins by writing the line above again is dropped.

    >>> line_above("x = compute(a)\\nprint(x)", Place("x = compute(a)\\n", "", "a.py")).keep
    0
    """
    above = _above(place)
    first, at = _first_line(text)
    if len(above) < _SAID or not first:
        return whole(text)
    if "\n" in text[at:]:
        return end(0) if squeezed(first) == above else whole(text)
    keep = 0 if squeezed(first) == above else len(text)
    return Cut(keep, 0 if above.startswith(squeezed(first)) else keep)


def repeated_lines(text: str, place: Place) -> Cut:
    """Lines that come for the third time in a row are a loop: only the first time stands.

    Of four lines or more the second time is enough.

    >>> repeated_lines("add(1)\\nadd(1)\\nadd(1)\\n", Place("", "")).keep
    7
    """
    lines = [line.strip() for line in text.split("\n")]
    again = {period: 0 for period in range(1, _LONGEST_PERIOD + 1)}  # lines that are as those so many lines before
    held = 0
    for number, line in enumerate(lines):
        held = max(again.values())
        for period in again:
            again[period] = again[period] + 1 if number >= period and lines[number - period] == line else 0
            copies = 1 if period >= _ENOUGH else 2
            if again[period] >= copies * period and _says_something("".join(lines[number + 1 - period : number + 1])):
                cut = _offset(text, number + 1 - again[period])
                return end(cut) if number < len(lines) - 1 else Cut(cut, min(cut, _offset(text, number - held)))
    return Cut(len(text), _offset(text, len(lines) - 1 - held) if held else len(text))


def repeated_words(text: str, place: Place) -> Cut:
    """Something that comes six times and more in a row on one line is a loop.

    The line is dropped; of the first line, what comes after the second time.

    >>> repeated_words("a = b(c) + b(c) + b(c) + b(c) + b(c) + b(c) + ", Place("", "")).keep
    17
    """
    at, sure = 0, len(text)
    for line in text.split("\n"):
        is_whole = at + len(line) < len(text)
        if (found := _IN_LINE.search(line)) and len(found[0]) >= _LONG and _says_something(found[1]):
            cut = at or found.start() + 2 * len(found[1])
            return end(cut) if is_whole else Cut(cut, min(cut, sure))
        if not is_whole:
            sure = at + _before_third(line)
        at += len(line) + 1
    return Cut(len(text), sure)


def _before_third(line: str) -> int:
    """Where something comes for the third time at the end of a line, or may; else the end."""
    sure = len(line)
    for size in range(2, min(_LONGEST_WORDS, len(line) // 2) + 1):
        start = len(line)
        while start > size and line[start - 1] == line[start - 1 - size]:
            start -= 1
        if len(line) - start >= size:
            sure = min(sure, start + size)
    return sure


def _says_something(text: str) -> bool:
    return len(text) > 1 and any(map(str.isalnum, text))


def _above(place: Place) -> str:
    if place.before.strip():
        return squeezed(place.before)
    return squeezed(place.above[0]) if place.above else ""


def _first_line(text: str) -> tuple[str, int]:
    at = len(text) - len(text.lstrip())
    return text[at:].partition("\n")[0], at


def _offset(text: str, lines: int) -> int:
    return sum(len(line) + 1 for line in text.split("\n")[:lines])
