"""The shape of code: what stays when every name, comment and space in it is changed.

Comments and strings are dropped; keywords, numbers and operators stand for themselves, and a name
stands for how many tokens ago it was last used inside the same function. Two pieces of code have the same
shape if one is the other with its names replaced consistently.
"""

import builtins
import keyword
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codegem.data.fingerprints import column_of, mix, tokens

_LONGEST_LINE = 10_000  # bytes in which the beginning and the end of a line are looked for
REACH = 16  # tokens over which a name is recognised; one that was used longer ago counts as new

# As RE2 and `re` read them alike. What is not closed ends with its line or with the text, so that no text makes
# the search start over: time stays in proportion to length.
_LONG = r'"""(?:[^\\]|\\(?s:.))*?(?:"""|\z)'
_LINE = r'"(?:[^"\\\n]|\\.)*"?'
_LONG_SINGLE, _LINE_SINGLE = _LONG.replace('"', "'"), _LINE.replace('"', "'")
_REMARKS = {
    "#": rf"(?m:^)[ \t]*[rRuUbB]?(?:{_LONG}|{_LONG_SINGLE})|#[^\n]*",
    "//": r"/\*(?s:.*?)(?:\*/|\z)|//[^\n]*",
}
_STRINGS = {
    "#": rf"{_LONG}|{_LONG_SINGLE}|{_LINE}|{_LINE_SINGLE}",
    "//": rf"{_LONG}|{_LINE}|{_LINE_SINGLE}",
}
_LEFT_OUT = {style: f"{_REMARKS[style]}|{_STRINGS[style]}" for style in _REMARKS}
_ONE_BY_ONE = {style: f"{_REMARKS[style]}|({_STRINGS[style]})".replace(r"\z", r"\Z") for style in _REMARKS}
STYLES = tuple(_REMARKS)

_DEFINE = "def class function func fun fn"
_KEYWORDS = {
    "#": " ".join(keyword.kwlist),
    "//": f"""{_DEFINE} as async await break case catch const continue default do else enum extends false final finally
        for foreach goto if impl implements import in instanceof interface is let loop match mut namespace new null
        package private protected public return static struct super switch this throw throws trait true try typedef
        typeof union use using val var void when while yield""",
}


def _hashes(words: str) -> np.ndarray:
    return np.array([tokens([word]).hashes[0] for word in words.split()], np.uint64)


_SLOTS = np.uint64(0xFFFF)
_DEFINES = _hashes(_DEFINE)


def _lookup(hashes: np.ndarray) -> np.ndarray:
    table = np.zeros(int(_SLOTS) + 1, np.uint64)
    table[hashes & _SLOTS] = hashes
    return table


_BUILT_IN = _lookup(_hashes(" ".join(name for name in dir(builtins) if not name.startswith("_"))))
_DOT = tokens(["."], symbols=True).hashes[0]
_TABLES = {style: _lookup(_hashes(words)) for style, words in _KEYWORDS.items()}
_LETTER = np.zeros(256, bool)
_LETTER[list(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") + list(range(128, 256))] = True
_NAMES = mix(np.arange(REACH + 1, dtype=np.uint64) + np.uint64(1 << 32))  # of a name, by the distance


@dataclass(frozen=True)
class Shapes:
    """The shapes of a batch of texts, one text after another.

    Attributes:
        codes: uint64 [T], one for each token, every name replaced.
        named: uint64 [T], the same with attributes and what is built in under their own names: replacing
            those would break most code.
        bounds: int64 [N + 1]; text i has the tokens bounds[i] to bounds[i + 1].
        starts: int64 [T], byte where each token begins, in the text that `bare` gives.
        origins: int64 [N + 1], byte where each text begins.
        data: uint8, the joined texts.
        numbers: bool [T], the token begins with a digit.
        defines: bool [T], the token begins a function or class.
    """

    codes: np.ndarray
    named: np.ndarray
    bounds: np.ndarray
    starts: np.ndarray
    origins: np.ndarray
    data: np.ndarray
    numbers: np.ndarray
    defines: np.ndarray

    def span(self, text: int, begin: int, end: int) -> tuple[int, int] | None:
        """Bytes of the bare text from one token to another, if the code that begins there is over then."""
        if end < self.bounds[text + 1]:
            first, indent = self._indent(text, end)
            if not first or indent > self._indent(text, begin)[1]:
                return None
        last, over = int(self.starts[end - 1]), int(self.origins[text + 1])
        tail = self.data[last : min(over, last + _LONGEST_LINE)].tobytes().find(b"\n")
        last = last + tail if tail >= 0 else over
        return int(self.starts[begin] - self.origins[text]), last - int(self.origins[text])

    def _indent(self, text: int, token: int) -> tuple[bool, int]:
        """Whether a token is the first of its line, and how far that line is indented."""
        end = int(self.starts[token])
        head = self.data[max(int(self.origins[text]), end - _LONGEST_LINE) : end].tobytes()
        line = head[head.rfind(b"\n") + 1 :]
        return not line.strip(), len(line) - len(line.lstrip())


def bare(texts: Sequence[str] | pa.Array, style: str) -> pa.Array:
    r"""Texts without comments, docstrings and other strings.

    >>> bare(["f('b#', 1)  # c\n"], "#")[0].as_py()
    'f(, 1)  \n'
    """
    replace: Any = pc.replace_substring_regex  # type: ignore[attr-defined]
    return replace(column_of(texts), _LEFT_OUT[style], "")


class Original:
    """What `bare` left out of one text, and where."""

    def __init__(self, text: str, style: str) -> None:
        self._text = text
        self._places: list[int] = []  # bytes of the bare text at which something was left out
        self._ends: list[int] = []  # characters of the text at which that ended
        self._strings: list[str | None] = []
        done, made = 0, 0
        for match in re.finditer(_ONE_BY_ONE[style], text):
            made += len(text[done : match.start()].encode())
            done = match.end()
            self._places.append(made)
            self._ends.append(done)
            self._strings.append(match[1])

    def line(self, place: int) -> int:
        """The line of the text, from 1, of a byte of the bare text."""
        number = bisect_right(self._places, place) - 1
        begin, made = (self._ends[number], self._places[number]) if number >= 0 else (0, 0)
        rest = self._text[begin : begin + place - made].encode()[: place - made].decode(errors="ignore")
        return self._text.count("\n", 0, begin + len(rest)) + 1

    def strings(self, begin: int = 0, end: int = sys.maxsize) -> list[str]:
        """The contents of the strings between two bytes of the bare text."""
        found = self._strings[bisect_left(self._places, begin) : bisect_right(self._places, end)]
        return [string.strip("\"'") for string in found if string is not None]


def shapes(texts: Sequence[str] | pa.Array, style: str) -> Shapes:
    r"""The shape of each text; `style` says what begins a comment, "#" or "//".

    >>> one = shapes(["def f(a):\n    return a + 1  # one more\n"], "#")
    >>> other = shapes(["def add(what) :\n\treturn what+1"], "#")
    >>> one.codes.tolist() == other.codes.tolist()
    True
    """
    read = tokens(bare(texts, style), symbols=True)
    count = len(read.hashes)
    first = read.data[read.starts]
    names, numbers = _LETTER[first], (first >= ord("0")) & (first <= ord("9"))
    names &= _TABLES[style][read.hashes & _SLOTS] != read.hashes
    defines = np.zeros(count, bool)
    for word in _DEFINES:
        defines |= read.hashes == word
    marks = np.where(defines, np.arange(count), 0)
    openings = read.bounds[:-1][read.bounds[:-1] < count]
    marks[openings] = openings
    begins = np.maximum.accumulate(marks)
    replaced = _NAMES[_distances(read.hashes, begins)]
    given = _BUILT_IN[read.hashes & _SLOTS] == read.hashes
    given[1:] |= read.hashes[:-1] == _DOT
    codes = np.where(names, replaced, read.hashes)
    named = np.where(names & ~given, replaced, read.hashes)
    return Shapes(codes, named, read.bounds, read.starts, read.origins, read.data, numbers, defines)


def _distances(hashes: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """How many tokens ago each token stood last inside its function, up to `REACH`; 0 where it is new."""
    short, found = hashes.astype(np.uint32), np.zeros(len(hashes), np.uint8)
    for distance in range(min(REACH, len(hashes) - 1), 0, -1):
        np.copyto(found[distance:], distance, where=short[distance:] == short[:-distance])
    found[found > np.arange(len(hashes)) - begins] = 0
    return found
