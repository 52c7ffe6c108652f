"""Runs of hashes, and where they occur in other hashes: a bit table in front of an exact search."""

from collections.abc import Iterator

import numpy as np

from codegem.data.fingerprints import mix, whole, windows, windows_at

_BITS_PER_RUN = 16  # of the bit table, which takes two: less than one place in fifty is searched for in vain
_OTHER_BITS = np.uint64(24)  # how far on in a hash the second bit's number begins
_AT_ONCE = 1 << 16  # candidates compared at a time


class Windows:
    """Collects runs of at least `least` hashes, and makes a `WindowTable` of them."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(
        self,
        hashes: np.ndarray,
        starts: np.ndarray,
        length: int,
        sources: np.ndarray,
        variants: np.ndarray | None = None,
    ) -> None:
        """The runs of one length that begin at `starts`, each with the number of its text.

        Args:
            variants: uint64, as many as starts; runs that differ in it alone are all kept.
        """
        anchors = mix(windows_at(hashes, starts, self._least))
        runs = windows_at(hashes, starts, length)
        keys = runs + np.uint64(length) + (np.uint64(0) if variants is None else variants)
        self._parts.append((anchors, runs, np.full(len(starts), length, np.uint8), sources.astype(np.uint32), keys))

    def table(self) -> "WindowTable":
        """All runs; of runs that are the same, the one that was added first."""
        nothing = [np.zeros(0, kind) for kind in (np.uint64, np.uint64, np.uint8, np.uint32, np.uint64)]
        *parts, keys = [np.concatenate([empty, *part]) for empty, *part in zip(nothing, *self._parts, strict=True)]
        _, first = np.unique(keys, return_index=True)
        order = first[np.argsort(parts[0][first], kind="stable")]
        return WindowTable(self._least, *(part[order] for part in parts))


class WindowTable:
    """Runs to look for. Every run is found by its first `least` hashes, and then compared whole.

    Args:
        anchors: uint64 [R], hash of the beginning of each run, rising.
        runs: uint64 [R], hash of each whole run.
        lengths: uint8 [R].
        sources: uint32 [R], the text that each run is from.
    """

    def __init__(
        self, least: int, anchors: np.ndarray, runs: np.ndarray, lengths: np.ndarray, sources: np.ndarray
    ) -> None:
        self._least = least
        self._anchors, self._runs, self._lengths, self._sources = anchors, runs, lengths, sources
        bits = max(10, (_BITS_PER_RUN * len(anchors)).bit_length())
        self._shift = np.uint64(64 - bits)
        marks = np.zeros(1 << bits, bool)
        marks[anchors >> self._shift] = True
        marks[(anchors << _OTHER_BITS) >> self._shift] = True
        self._table = np.packbits(marks, bitorder="little")

    def __len__(self) -> int:
        return len(self._anchors)

    def find(self, hashes: np.ndarray, bounds: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
        """(text, hash with which it begins, length, source) of every run in some texts, in their order."""
        anchors = mix(windows(hashes, self._least))
        at = np.flatnonzero(self._is_marked(anchors) & whole(bounds, self._least))
        at = at[self._is_marked(anchors[at] << _OTHER_BITS)]
        left = np.searchsorted(self._anchors, anchors[at])
        there = left < len(self._anchors)
        there[there] = self._anchors[left[there]] == anchors[at[there]]
        at, left = at[there], left[there]
        counts = np.searchsorted(self._anchors, anchors[at], side="right") - left
        for places, entries in _expanded(at, left, counts):
            same = self._same(hashes, bounds, places, entries)
            places, entries = places[same], entries[same]
            texts = np.searchsorted(bounds, places, side="right") - 1
            columns = (texts, places, self._lengths[entries], self._sources[entries])
            yield from zip(*(column.tolist() for column in columns), strict=True)

    def _is_marked(self, values: np.ndarray) -> np.ndarray:
        slots = values >> self._shift
        return (self._table[slots >> np.uint64(3)] >> (slots & np.uint64(7)).astype(np.uint8) & 1).view(bool)

    def _same(self, hashes: np.ndarray, bounds: np.ndarray, places: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """Of which candidates the whole run is there: bool [C]."""
        ends = bounds[np.searchsorted(bounds, places, side="right")]
        same = np.zeros(len(places), bool)
        for length in np.unique(self._lengths[entries]).tolist():
            chosen = np.flatnonzero((self._lengths[entries] == length) & (places + length <= ends))
            same[chosen] = windows_at(hashes, places[chosen], length) == self._runs[entries[chosen]]
        return same


def _expanded(at: np.ndarray, left: np.ndarray, counts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each place with each entry of its anchor, a bounded number at a time."""
    total = np.cumsum(counts)
    for begin in range(0, int(total[-1]) if len(total) else 0, _AT_ONCE):
        numbers = np.arange(begin, min(begin + _AT_ONCE, int(total[-1])))
        group = np.searchsorted(total, numbers, side="right")
        yield at[group], left[group] + numbers - (total[group] - counts[group])
