"""Similar code of other files, chosen so that the choice stays while somebody types."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from codegem.assist.index import Index
from codegem.assist.similar import Match, Windows, words_of
from codegem.assist.snippets import Snippet

_KEPT = 64  # documents of which the last choice is remembered


@dataclass(frozen=True)
class SimilarRules:
    """Which windows of other files are taken.

    Attributes:
        lines: of a window, also of that around the cursor.
        least: how like the code around the cursor a window must be, from 0 to 1.
        most: windows, at most.
        clearly: a choice stays until another window is so many times as like.
    """

    lines: int = 60
    least: float = 0.1
    most: int = 4
    clearly: float = 1.25


@dataclass
class Nearby:
    """Answers which windows are like the code around a cursor; safe to use from any thread."""

    index: Index
    windows: Windows
    rules: SimilarRules = SimilarRules()
    _choices: "OrderedDict[str, _Choice]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def snippets(self, path: str, prefix: str, suffix: str) -> tuple[Snippet, ...]:
        """Similar windows, those that overlap joined.

        A search is made when the lines around the cursor's, or an indexed file, change. What it finds replaces what
        was chosen before only where that is gone, or the new is clearly more like.
        """
        lines = around(prefix, suffix, self.rules.lines)
        key = lines, self.windows.changes
        with self._lock:
            known = self._choices.get(path)
        if known and known.key == key:
            return known.snippets
        words = words_of(lines)
        found = self.windows.best(words, without=path, least=self.rules.least, most=self.rules.most)
        if known and self._holds(known.matches, found, words):
            found = known.matches
        choice = _Choice(key, tuple(found), self._cut(found))
        with self._lock:
            self._choices[path] = choice
            self._choices.move_to_end(path)
            while len(self._choices) > _KEPT:
                self._choices.popitem(last=False)
        return choice.snippets

    def _holds(self, chosen: Sequence[Match], found: Sequence[Match], words: frozenset[str]) -> bool:
        scores = [self.windows.score(match, words) for match in chosen]
        best = found[0].score if found else 0.0
        return (
            bool(scores)
            and min(scores) > 0
            and best <= self.rules.clearly * max(scores)
            and max(scores) >= self.rules.least / 2
        )

    def _cut(self, matches: Sequence[Match]) -> tuple[Snippet, ...]:
        joined: list[Match] = []
        for match in sorted(matches, key=lambda each: (each.path, each.first)):
            last = joined[-1] if joined else None
            if last and last.path == match.path and match.first <= last.last:
                joined[-1] = Match(last.path, last.first, max(last.last, match.last), max(last.score, match.score))
            else:
                joined.append(match)
        snippets = []
        for match in joined:
            lines = (self.index.text(match.path) or "").split("\n")[match.first : match.last]
            text = "\n".join(lines).strip("\n")
            if text:
                snippets.append(Snippet(match.path, text + "\n", "similar", match.score))
        return tuple(snippets)


@dataclass(frozen=True)
class _Choice:
    key: tuple[str, int]
    matches: Sequence[Match]
    snippets: tuple[Snippet, ...]


def around(prefix: str, suffix: str, lines: int) -> str:
    """The lines before and behind that of the cursor, a third of them behind; not the line itself, which is half
    written.

    >>> around("a\\nb\\nc", "d\\ne\\nf", 4)
    'a\\nb\\ne'
    """
    before = prefix.rsplit("\n", lines)[:-1][-(lines - lines // 3) + 1 :]
    behind = suffix.split("\n", lines // 3 + 1)[1 : lines // 3 + 1]
    return "\n".join([*before, *behind])
