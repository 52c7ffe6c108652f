"""Which lines are worth a second look: one pass of RE2 over the texts of a repository, at some hundred MB a second."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MARK = b"\xff"  # a byte that is nowhere in UTF-8
_LONG = 2000  # bytes; such a line is not screened but looked at, for some patterns take the square of its length
_GROUP = 8 << 20  # characters that are looked at together


def candidate_lines(texts: Sequence[str], patterns: Sequence[str]) -> list[list[list[int]]]:
    """For each text and each pattern the numbers of the lines, from 0 and rising, in which the pattern matches.

    Lines of more than 2000 bytes are always among them.

    Args:
        patterns: RE2, over bytes of UTF-8; a match must stay within a line.

    >>> candidate_lines(["a\\nme@here.org\\n", "", "\\nb"], ["@|b", "a"])
    [[[1], [0]], [[], []], [[1], []]]
    """
    found: list[list[list[int]]] = []
    start = size = 0
    for position, text in enumerate(texts):
        if size and size + len(text) > _GROUP:
            found += _of_group(texts[start:position], patterns)
            start, size = position, 0
        size += len(text)
    return found + _of_group(texts[start:], patterns)


def _of_group(texts: Sequence[str], patterns: Sequence[str]) -> list[list[list[int]]]:
    if not texts:
        return []
    data = np.frombuffer("\n".join(texts).encode("utf-8", "replace"), np.uint8)
    ends = np.append(np.flatnonzero(data == ord("\n")), len(data))
    lengths = np.diff(ends, prepend=-1) - 1
    long_lines = np.flatnonzero(lengths > _LONG)
    if len(long_lines):
        data = data.copy()
        for line in long_lines:
            data[ends[line] - lengths[line] : ends[line]] = ord(" ")
    first = np.cumsum([0, *(text.count("\n") + 1 for text in texts)])
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    column = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    by_pattern = [_cut(np.union1d(_lines(column, pattern, ends), long_lines), first) for pattern in patterns]
    return [list(of_text) for of_text in zip(*by_pattern, strict=True)]


def _lines(column: pa.Array, pattern: str, ends: np.ndarray) -> np.ndarray:
    marked = pc.call_function("replace_substring_regex", [column], pc.ReplaceSubstringOptions(pattern, _MARK + b"\\0"))
    marks = np.flatnonzero(np.frombuffer(marked[0].as_buffer(), np.uint8) == _MARK[0])
    return np.searchsorted(ends, marks - np.arange(len(marks)))


def _cut(lines: np.ndarray, first: np.ndarray) -> list[list[int]]:
    cuts = np.searchsorted(lines, first)
    return [(lines[a:b] - line).tolist() for a, b, line in zip(cuts[:-1], cuts[1:], first[:-1], strict=True)]
