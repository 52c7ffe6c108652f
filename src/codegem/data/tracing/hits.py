"""Which fingerprints of a text the corpus has, and the stretches that they let expect."""

from typing import NamedTuple

import numpy as np

from codegem.data.tracing.layout import FILE_PLACES, keys_of
from codegem.data.tracing.visible import SIDES, STEP, UNKNOWN, WIDTH, Visible, differences, fingerprints

_LETTERS = 4  # a fingerprint with fewer is of a ruled line, a table of numbers or the like, and
_FEW = 16  # looked at only if it stands in so many places at most


class Stretches(NamedTuple):
    """Where the text and files may be the same: S shared fingerprints or runs of them, those of one shape together.

    Attributes:
        first: int64 [S], visible byte of the text at which the first shared fingerprint begins.
        place: int64 [S], number of that fingerprint in the corpus.
        file: int64 [S], which file holds it.
        groups: the bounds of each shape, the most fingerprints first: rows of these arrays, and the visible bytes of
            the text that a copy here can't reach beyond.
    """

    first: np.ndarray
    place: np.ndarray
    file: np.ndarray
    groups: list["Group"]


class Group(NamedTuple):
    """Stretches of one shape: rows `begin` to `behind`, within the visible bytes `start` to `end` of the text."""

    begin: int
    behind: int
    start: int
    end: int


class Fingerprints:
    """The fingerprints of an index.

    Args:
        arrays: see `layout`.
        every: see `layout.Header`.
    """

    def __init__(self, arrays: dict[str, np.ndarray], every: int):
        self._buckets, self._keys, self._places = arrays["buckets"], arrays["keys"], arrays["places"]
        self._file_places = arrays["files"][FILE_PLACES]
        self._gap = STEP * every
        self._bits = len(self._buckets).bit_length() - 1

    def stretches(self, visible: Visible, least: int, most: int) -> Stretches:
        """Where a text shares fingerprints with files, those that follow each other in both as one.

        Args:
            least: tokens of a copy; a stretch that can't have so many is left out.
            most: shared fingerprints that are looked at, the rarest first: a notice that stands in every file of
                the corpus has more.
        """
        buckets, keys = keys_of(fingerprints(visible.data, np.arange(len(visible.data) - WIDTH + 1)), self._bits)
        low, high = self._find(buckets, keys | SIDES)
        found = np.flatnonzero(high > low)
        times = (high - low)[found]
        order = np.argsort(times, kind="stable")
        found, times = found[order], times[order]
        room = most - (np.cumsum(times) - times)  # what is left of it for each
        letters = visible.letters[found + WIDTH] - visible.letters[found]
        used = (room > 0) & ((letters >= _LETTERS) | (times <= _FEW))
        hidden = np.zeros(len(visible.data) + 1, bool)
        hidden[found[~used | (times > room)]] = True
        found, times = found[used], np.minimum(times, room)[used]
        starts = np.repeat(found, times)
        within = np.arange(len(starts)) - np.repeat(np.cumsum(times) - times, times)
        entries = np.repeat(low[found], times) + within
        left, right = differences(keys[starts], self._keys[entries])
        # Most are alone: common words, and on both sides something else.
        begin, end = np.maximum(starts - left, 0), np.minimum(starts + WIDTH + right, len(visible.data))
        going = (left == UNKNOWN) | (right == UNKNOWN) | visible.are_enough(begin, end, least)
        places = self._places[entries[going]].astype(np.int64)
        return self._joined(visible, starts[going], places, left[going], right[going], hidden, least)

    def _joined(
        self,
        visible: Visible,
        starts: np.ndarray,
        places: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        hidden: np.ndarray,
        least: int,
    ) -> Stretches:
        """Shared fingerprints that follow each other in the text and in a file as one stretch.

        Args:
            left, right: `visible.differences` from the text.
            hidden: bool [V + 1], fingerprints of the text that files share, and that were not looked at.
        """
        files = np.searchsorted(self._file_places, places, side="right") - 1
        shifts = places * STEP - starts  # the same for all fingerprints of one copy
        order = np.lexsort((starts, shifts, files))
        starts, places, files, shifts = starts[order], places[order], files[order], shifts[order]
        left, right = left[order], right[order]
        after = self._reach(starts, self._gap, hidden)
        follows = (np.diff(shifts) == 0) & (np.diff(files) == 0) & (starts[1:] <= after[:-1])
        first = np.flatnonzero(np.append(True, ~follows))[: len(starts)]
        last = np.append(first[1:], len(starts))[: len(first)] - 1
        before = self._reach(starts[first], -self._gap, hidden)
        begin = np.where(left[first] == UNKNOWN, before + 1, starts[first] - left[first])
        end = np.where(right[last] == UNKNOWN, after[last] + WIDTH - 1, starts[last] + WIDTH + right[last])
        begin, end = np.maximum(begin, 0), np.minimum(end, len(visible.data))
        enough = visible.are_enough(begin, end, least)
        if not enough.any():
            return Stretches(starts[:0], places[:0], files[:0], [])
        first, last, begin, end = first[enough], last[enough], begin[enough], end[enough]
        shape = np.lexsort((places[first], end, begin, begin - end, first - last))
        first, begin, end = first[shape], begin[shape], end[shape]
        edges = np.flatnonzero(np.append(True, (np.diff(begin) != 0) | (np.diff(end) != 0)))
        bounds = [edges, np.append(edges[1:], len(first)), begin[edges], end[edges]]
        groups = list(map(Group, *(column.tolist() for column in bounds)))
        return Stretches(starts[first], places[first], files[first], groups)

    def _reach(self, starts: np.ndarray, gap: int, hidden: np.ndarray) -> np.ndarray:
        """Where the next fingerprint in a direction would be that is not shared: its first byte, or beyond the text."""
        place = starts + gap
        if hidden.any():
            for _ in range(len(hidden) // abs(gap)):
                on = (place >= 0) & (place < len(hidden)) & hidden[np.clip(place, 0, len(hidden) - 1)]
                if not on.any():
                    break
                place = place + np.where(on, gap, 0)
        return place

    def _find(self, buckets: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first entry with each fingerprint, whatever stands beside it, and the one behind the last.

        Args:
            keys: int64, with all of their last bits set.
        """
        high = self._buckets[buckets + 1].astype(np.int64)
        begin = self._bisected(self._buckets[buckets].astype(np.int64), high, keys & ~SIDES)
        end = begin.copy()
        there = np.flatnonzero(begin < high)
        there = there[self._keys[begin[there]] <= keys[there]]
        end[there] = self._bisected(begin[there], high[there], keys[there] + 1)
        return begin, end

    def _bisected(self, low: np.ndarray, high: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """For each key, the first entry from `low` to before `high` that is not smaller."""
        low, high = low.copy(), high.copy()
        rows = np.flatnonzero(low < high)
        while len(rows):
            middle = (low[rows] + high[rows]) >> 1
            smaller = self._keys[middle] < keys[rows]
            low[rows] = np.where(smaller, middle + 1, low[rows])
            high[rows] = np.where(smaller, high[rows], middle)
            rows = rows[low[rows] < high[rows]]
        return low
