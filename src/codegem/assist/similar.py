"""Windows of other files that share names with the code around the cursor.

Each file is indexed as overlapping windows of lines, a window as the set of its words. A question is such a set too,
and is answered by Jaccard's index |a ∩ b| / |a ∪ b| (as in RepoCoder, arXiv 2303.12570) from lists of the windows that
hold each word; words that stand almost everywhere say nothing and are passed over.
"""

import re
import threading
from array import array
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

_WORD = re.compile(r"[^\W\d]\w{2,63}")
_COMMON = 0.1  # a word in more than this share of all windows is passed over,
_FEW = 200  # where there are so many windows that the share means something
_DEAD = 4096  # windows of old texts that may stay before the lists are made anew


@dataclass(frozen=True)
class Match:
    """Lines of a file, `first` to before `last` from 0, and how like the question they are, from 0 to 1."""

    path: str
    first: int
    last: int
    score: float


def words_of(text: str) -> frozenset[str]:
    """Names and other words of at least three characters.

    >>> sorted(words_of("def total(x, tax): return tax * 3"))
    ['def', 'return', 'tax', 'total']
    """
    return frozenset(_WORD.findall(text))


class Windows:
    """Windows of files by their words; safe to use from any thread.

    Args:
        lines: of a window.
        stride: lines from the beginning of a window to that of the next.
    """

    def __init__(self, lines: int = 60, stride: int = 30):
        self._lines, self._stride = lines, stride
        self._lock = threading.Lock()
        self.changes = 0  # of what is indexed
        self._clear()

    def _clear(self) -> None:
        self._numbers: dict[str, int] = {}  # of words
        self._holding: list[array[int]] = []  # by the word's number: the windows that hold it
        self._words: list[array[int]] = []  # by the window's number
        self._places: list[tuple[str, int, int]] = []
        self._sizes = array("I")  # words of each window; 0 for one of an old text
        self._of: dict[str, list[int]] = {}  # windows of each file
        self._dead = 0

    def put(self, path: str, text: str) -> None:
        """Index a file; what was known of it is forgotten."""
        lines = text.split("\n")
        words = [words_of("\n".join(lines[at : at + self._stride])) for at in range(0, len(lines), self._stride)]
        joined = max(1, self._lines // self._stride)
        with self._lock:
            self.changes += 1
            self._forget(path)
            for number in range(max(1, len(words) - joined + 1)):
                held = frozenset[str]().union(*words[number : number + joined])
                first = number * self._stride
                if held:
                    self._add((path, first, min(first + self._lines, len(lines))), map(self._number, held))

    def remove(self, path: str) -> None:
        """Forget a file."""
        with self._lock:
            self.changes += path in self._of
            self._forget(path)

    def best(self, words: Collection[str], *, without: str, least: float, most: int) -> list[Match]:
        """The windows that are most like a text of these words, the best first.

        Args:
            without: a file that is not looked at.
            least: the lowest score worth having.
            most: how many at most; those that overlap count once each.
        """
        with self._lock:
            scores = self._scores(words)
            for window in self._of.get(without, ()):
                scores[window] = 0
            found = np.flatnonzero(scores >= max(least, 1e-9))
            ranked = sorted(found.tolist(), key=lambda each: (-scores[each], self._places[each]))[:most]
            return [Match(*self._places[each], round(float(scores[each]), 6)) for each in ranked]

    def score(self, match: Match, words: Collection[str]) -> float:
        """How like a window still is to a text of these words; 0 if it is no more."""
        with self._lock:
            scores = self._scores(words)
            place = (match.path, match.first, match.last)
            found = [float(scores[each]) for each in self._of.get(match.path, ()) if self._places[each] == place]
        return max(found, default=0.0)

    @property
    def size(self) -> int:
        """How many windows are indexed."""
        return len(self._places) - self._dead

    def _scores(self, words: Collection[str]) -> np.ndarray:
        """float64 [windows]: Jaccard's index of each."""
        count = len(self._places)
        common = _COMMON * count if count > _FEW else count
        known = [self._numbers[word] for word in words if word in self._numbers]
        lists = [self._holding[number] for number in known if len(self._holding[number]) <= common]
        if not lists:
            return np.zeros(count)
        held = np.concatenate([np.frombuffer(each, np.uint32) for each in lists])
        both = np.bincount(held, minlength=count).astype(float)
        sizes = np.frombuffer(self._sizes, np.uint32)
        return np.where(sizes > 0, both / np.maximum(len(words) + sizes - both, 1), 0.0)

    def _number(self, word: str) -> int:
        number = self._numbers.setdefault(word, len(self._numbers))
        if number == len(self._holding):
            self._holding.append(array("I"))
        return number

    def _add(self, place: tuple[str, int, int], numbers: "map[int]") -> None:
        window = len(self._places)
        held = array("I", sorted(numbers))
        self._places.append(place)
        self._words.append(held)
        self._sizes.append(len(held))
        self._of.setdefault(place[0], []).append(window)
        for number in held:
            self._holding[number].append(window)

    def _forget(self, path: str) -> None:
        for window in self._of.pop(path, ()):
            self._sizes[window] = 0
            self._dead += 1
        if self._dead > max(_DEAD, len(self._places) // 2):
            self._renew()

    def _renew(self) -> None:
        """Lists without the windows of old texts."""
        names = {number: word for word, number in self._numbers.items()}
        kept = [
            (place, [names[each] for each in held])
            for place, held, size in zip(self._places, self._words, self._sizes, strict=True)
            if size
        ]
        self._clear()
        for place, words in kept:
            self._add(place, map(self._number, words))
