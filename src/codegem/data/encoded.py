"""Texts with their tokens, encoded once and cut without encoding them again.

The ids are those of `Tokenizer.encode`, always: a text is divided into units (`data.units`), whose tokens
are looked up, and only the units that were not seen before go through the tokenizer.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codegem.data.units import separable
from codegem.text.tokenizer import Tokenizer

_GROUP = 1 << 20  # bytes of text that are encoded together
_LONGEST_PIECE = 16  # bytes; the few longer ones are runs of white space
_LONGEST = 64  # bytes of a unit that is remembered
_REMEMBERED = 1 << 17  # units, twice: some 50 MB
_ITEM = np.dtype(np.int32).itemsize
_NOTHING, _ZERO = np.zeros(0, np.int32), np.zeros(1, np.int64)


class Encoder:
    """Encodes many texts fast: what `tokenizer.encode` gives, as arrays.

    >>> from codegem.text.tokenizer import ByteTokenizer
    >>> (encoded,) = Encoder(ByteTokenizer()).encode(["x = 1"])
    >>> encoded.tokens.tolist(), encoded.between(2, 5).tolist()
    ([130, 42, 71, 42, 59], [71, 42, 59])
    """

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        table = separable(tokenizer)
        self._separable = None if table is None else table.ravel()
        # Units and the bytes of their tokens. When `_recent` is full it becomes `_older`, whose units are forgotten
        # unless they were met again.
        self._recent: dict[bytes, bytes] = {}
        self._older: dict[bytes, bytes] = {}

    def encode(self, texts: Sequence[str]) -> Iterator["EncodedText"]:
        """Each text with its tokens, in their order."""
        group, size = [], 0
        for text in texts:
            group.append(text.encode())
            size += len(group[-1])
            if size >= _GROUP:
                yield from self._encode_group(group)
                group, size = [], 0
        yield from self._encode_group(group)

    def tokens(self, data: bytes) -> np.ndarray:
        """int32 [T]: the tokens of a short text in UTF-8."""
        if not data:
            return _NOTHING
        return np.frombuffer(self._recent.get(data) or self._look_up([data])[0], np.int32)

    def _encode_group(self, group: Sequence[bytes]) -> Iterator["EncodedText"]:
        import pyarrow as pa  # of the `data` extra; recipes are read without it

        data = b"".join(group)
        if not data:
            yield from (EncodedText(text, _NOTHING, _ZERO, _ZERO, self) for text in group)
            return
        text_ends = np.cumsum([len(text) for text in group])
        bounds = self._bounds(np.frombuffer(data, np.uint8), text_ends)
        units = pa.Array.from_buffers(
            pa.large_binary(), len(bounds) - 1, [None, pa.py_buffer(bounds), pa.py_buffer(data)]
        ).dictionary_encode()
        tokens, token_ends = _gather(self._look_up(units.dictionary.to_pylist()), units.indices.to_numpy())
        lasts = np.searchsorted(bounds, text_ends).tolist()
        first = 0
        for text, last in zip(group, lasts, strict=True):
            yield EncodedText(
                text,
                tokens[token_ends[first] : token_ends[last]],
                bounds[first : last + 1] - bounds[first],
                token_ends[first : last + 1] - token_ends[first],
                self,
            )
            first = last

    def _bounds(self, data: np.ndarray, text_ends: np.ndarray) -> np.ndarray:
        """int64 [U + 1]: where units begin, and where the last ends."""
        cut = np.zeros(len(data) + 1, bool)
        if self._separable is not None:
            pairs = data[:-1].astype(np.uint16) << 8
            pairs |= data[1:]
            cut[1:-1] = self._separable[pairs]
        cut[0] = True
        cut[text_ends] = True
        return np.flatnonzero(cut).astype(np.int64, copy=False)

    def _look_up(self, units: Sequence[bytes]) -> list[bytes]:
        """The int32 tokens of each unit, as bytes."""
        recent, older = self._recent, self._older  # another thread may begin new ones
        missing = [unit for unit in units if unit not in recent]
        if not missing:
            return [recent[unit] for unit in units]
        found = {unit: older[unit] for unit in missing if unit in older}
        new = [unit for unit in missing if unit not in found]
        for unit, ids in zip(new, self.tokenizer.encode_batch([unit.decode() for unit in new]), strict=True):
            found[unit] = array("i", ids).tobytes()
        recent.update((unit, ids) for unit, ids in found.items() if len(unit) <= _LONGEST)
        if len(recent) > _REMEMBERED:
            self._recent, self._older = {}, recent
        return [found[unit] if unit in found else recent[unit] for unit in units]


@dataclass(frozen=True, eq=False)
class EncodedText:
    """A text in UTF-8 and its tokens; U units, T tokens.

    Attributes:
        data: the text.
        tokens: int32 [T].
        unit_ends: int64 [U + 1], bytes before each unit and at the end.
        token_ends: int64 [U + 1], tokens before each unit and at the end.
    """

    data: bytes
    tokens: np.ndarray
    unit_ends: np.ndarray
    token_ends: np.ndarray
    encoder: Encoder

    def between(self, start: int, end: int) -> np.ndarray:
        """int32: the tokens that `Tokenizer.encode` gives for these bytes alone, cut between characters."""
        first, last = self._units(start, end)
        if first > last:
            return self.encoder.tokens(self.data[start:end])
        before, after = int(self.unit_ends[first]), int(self.unit_ends[last])
        whole = self.tokens[self.token_ends[first] : self.token_ends[last]]
        if before == start and after == end:
            return whole
        parts = [self.encoder.tokens(self.data[start:before]), whole, self.encoder.tokens(self.data[after:end])]
        return np.concatenate(parts)

    def count(self, start: int, end: int) -> int:
        """How many tokens `between` gives."""
        return len(self.between(start, end))

    def character(self, place: int) -> int:
        """The beginning of the character of which the byte at `place` is one; the end behind it."""
        while 0 < place < len(self.data) and self.data[place] & 0xC0 == 0x80:
            place -= 1
        return min(place, len(self.data))

    def furthest(self, start: int, most: int) -> int:
        """The last place between units, or `start`, up to which there are at most `most` tokens."""
        first, _ = self._units(start, len(self.data))
        begin = int(self.unit_ends[first])
        if begin - start > most * _LONGEST_PIECE:  # a unit that is not worth encoding to learn that it is too long
            return start
        left = most - self.count(start, begin)
        if left < 0:
            return start
        last = int(np.searchsorted(self.token_ends, self.token_ends[first] + left, side="right")) - 1
        return int(self.unit_ends[last])

    def _units(self, start: int, end: int) -> tuple[int, int]:
        """The first place between units that is not before `start`, and the last that is not behind `end`."""
        return int(np.searchsorted(self.unit_ends, start)), int(np.searchsorted(self.unit_ends, end, side="right")) - 1


def _gather(rows: Sequence[bytes], indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows at the indices, one after another; and where each begins, and the last ends."""
    flat = np.frombuffer(b"".join(rows), np.int32)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows)) // _ITEM
    starts, counts = (np.cumsum(lengths) - lengths)[indices], lengths[indices]
    ends = np.concatenate([[0], np.cumsum(counts)])
    return flat[np.repeat(starts - ends[:-1], counts) + np.arange(ends[-1])], ends
