"""Hashes of the tokens of many texts at once, in NumPy: what near-duplicates and contamination are found by.

A batch of texts lies in one array of bytes. A table gives every byte a class, a run of word characters is
one token, and in code every other visible character is a token by itself. Nothing here looks at one token
at a time in Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from codegem.data.hashing import ODD, mix

_SPACE, _OTHER, WORD = 0, 1, 2
_LENGTH = np.uint64(0xD1342543DE82EF95)  # weighs the length of a word, so that no letter stands for it
_LONGEST = 64  # bytes of a word that are hashed, besides its length and its end


def _classes() -> np.ndarray:
    table = np.full(256, _OTHER, np.uint8)
    table[:33] = _SPACE
    for byte in b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_":
        table[byte] = WORD
    table[128:] = WORD  # letters beyond ASCII
    return table


CLASSES = _classes()
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(9)], np.uint64)


@dataclass(frozen=True)
class Tokens:
    """The tokens of a batch of texts, one text after another.

    Attributes:
        hashes: uint64 [T].
        starts: int64 [T], byte where each begins, in the joined texts.
        bounds: int64 [N + 1]; text i has the tokens bounds[i] to bounds[i + 1].
        origins: int64 [N + 1]; text i has the bytes origins[i] to origins[i + 1].
        data: uint8, the joined texts, with eight zeros behind them.
    """

    hashes: np.ndarray
    starts: np.ndarray
    bounds: np.ndarray
    origins: np.ndarray
    data: np.ndarray


def tokens(texts: Sequence[str] | pa.Array, *, symbols: bool = False, fold_case: bool = False) -> Tokens:
    """Split texts into words, and hash each.

    Args:
        texts: a list of strings, or a column of them; null counts as an empty text.
        symbols: make every visible character that is not part of a word a token too.
        fold_case: let capital letters be as small ones. (Some letters beyond ASCII become alike too.)

    >>> [len(tokens(["a += b.c(1)"], symbols=symbols).hashes) for symbols in (False, True)]
    [4, 9]
    """
    data, origins = _joined(texts)
    kinds = CLASSES[data[:-8]]
    words = kinds == WORD
    begins = words.copy()
    begins[1:] &= ~words[:-1]
    edges = origins[:-1][origins[:-1] < len(words)]
    begins[edges] = words[edges]  # two texts never share a word
    ends = words.copy()
    ends[:-1] &= begins[1:] | ~words[1:]
    if symbols:
        single = kinds == _OTHER
        begins |= single
        ends |= single
    starts = np.flatnonzero(begins)
    hashes = _hashes(data, starts, np.flatnonzero(ends) + 1 - starts, fold_case)
    return Tokens(hashes, starts, np.searchsorted(starts, origins), origins, data)


def encodable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which UTF-8 has no bytes for.

    >>> encodable("a\\ud800é")
    'a?é'
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def column_of(texts: Sequence[str] | pa.Array) -> pa.Array:
    """The texts as one column, in the type with offsets of 64 bits."""
    column: Any = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    return column.cast(pa.large_string())


def _joined(texts: Sequence[str] | pa.Array) -> tuple[np.ndarray, np.ndarray]:
    column = column_of(texts)
    if not len(column):
        return np.zeros(8, np.uint8), np.zeros(1, np.int64)
    _, offsets, values = column.buffers()
    origins = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    first, last = int(origins[0]), int(origins[-1])
    data = np.zeros(last - first + 8, np.uint8)
    if last > first:
        data[:-8] = np.frombuffer(values, np.uint8)[first:last]
    return data, origins - first


def _hashes(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, fold_case: bool) -> np.ndarray:
    """A hash of each run of bytes, eight bytes at a time; of a very long run, its beginning, end and length."""
    eights = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    fold = np.uint64(0x2020202020202020 if fold_case else 0)
    taken = (eights[starts] | fold) & _MASKS[np.minimum(lengths, 8)]
    hashes = mix(taken + lengths.astype(np.uint64) * _LENGTH)
    long = np.flatnonzero(lengths > 8)
    for begin in range(8, _LONGEST, 8):
        if not len(long):
            break
        left = lengths[long] - begin
        taken = (eights[starts[long] + begin] | fold) & _MASKS[np.minimum(left, 8)]
        hashes[long] = mix(hashes[long] + taken)
        long = long[left > 8]
    hashes[long] = mix(hashes[long] + (eights[starts[long] + lengths[long] - 8] | fold))
    return hashes


def windows(hashes: np.ndarray, length: int) -> np.ndarray:
    """A hash of every `length` consecutive values: uint64 [T, ...] -> [T - length + 1, ...].

    The hash of a run is the sum of its values times falling powers of a constant, so the hash of two runs
    in a row comes from their hashes, and the work grows with the logarithm of the length.
    """
    count = len(hashes) - length + 1
    if count <= 0:
        return np.zeros((0, *hashes.shape[1:]), np.uint64)
    rolled, done = hashes, 1
    for bit in bin(length)[3:]:
        rolled = rolled[:-done] * _power(done) + rolled[done:]
        done *= 2
        if bit == "1":
            rolled = rolled[:-1] * ODD + hashes[done:][: len(rolled) - 1]
            done += 1
    return rolled[:count]


def windows_at(hashes: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """`windows` at some places only: uint64, as many as `starts`."""
    rolled = np.zeros(len(starts), np.uint64)
    for place in range(length):
        rolled *= ODD
        rolled += hashes[starts + place]
    return rolled


def _power(exponent: int) -> np.uint64:
    return np.uint64(pow(int(ODD), exponent, 1 << 64))


def whole(bounds: np.ndarray, length: int) -> np.ndarray:
    """Which windows of `length` lie within one text: bool [T - length + 1]."""
    inside = np.ones(max(0, int(bounds[-1]) - length + 1), bool)
    across = (bounds[1:-1, None] - np.arange(1, length)).ravel()
    inside[across[(across >= 0) & (across < len(inside))]] = False
    return inside
