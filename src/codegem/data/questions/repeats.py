"""Questions that were asked before: the same words, or nearly."""

import math

import numpy as np

from codegem.data.dedup import fingerprint
from codegem.data.duplicates.near_duplicates import shingles, similarity

_WORDS = 5  # in a shingle


class Repeats:
    """Remembers texts, and finds what is like an earlier one.

    Near-duplicates are found exactly, and without comparing all pairs: two sets of shingles with a Jaccard
    similarity of at least t share one of the first |S| - ceil(t·|S|) + 1 of either set, in any order that both
    keep to (prefix filtering, Chaudhuri et al. 2006).

    >>> repeats = Repeats(0.5)
    >>> repeats.add("a", "one two three four five six seven", near=True)
    >>> repeats.add("b", "one two three four  five six seven", near=True)
    ('exact duplicate', 'a')
    >>> repeats.add("c", "one two three four five six eight", near=True)
    ('near duplicate', 'a, similarity 0.50')
    """

    def __init__(self, threshold: float):
        self._threshold = threshold
        self._exact: dict[str, str] = {}
        self._sets: list[tuple[str, np.ndarray]] = []
        self._by_shingle: dict[int, list[int]] = {}

    def add(self, name: str, text: str, *, near: bool) -> tuple[str, str] | None:
        """Remember a text, or say which earlier one it repeats: (reason, detail).

        Args:
            near: whether it is compared with, and remembered for, near-duplicates too.
        """
        words = fingerprint(text)
        if words in self._exact:
            return "exact duplicate", self._exact[words]
        if near and (found := self._near(name, text)):
            return found
        self._exact[words] = name
        return None

    def _near(self, name: str, text: str) -> tuple[str, str] | None:
        values, _ = shingles([text], _WORDS)
        first = values[: len(values) - math.ceil(self._threshold * len(values)) + 1].tolist()
        for number in sorted({number for value in first for number in self._by_shingle.get(value, ())}):
            earlier, others = self._sets[number]
            if (alike := similarity(others, values)) >= self._threshold:
                return "near duplicate", f"{earlier}, similarity {alike:.2f}"
        for value in first:
            self._by_shingle.setdefault(value, []).append(len(self._sets))
        self._sets.append((name, values))
        return None
