"""The folder that somebody works in, and what of it helps to complete the code at a cursor.

workspace = Workspace(Path("."), window)
workspace.open("src/app.py", text)
others = workspace.context("src/app.py", prefix, suffix)
infill = Infill(prefix, suffix, "src/app.py", others)
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from codegem.assist.context import Window
from codegem.assist.deadline import Bounded
from codegem.assist.edits import Ring
from codegem.assist.imported import Imported
from codegem.assist.index import Index
from codegem.assist.nearby import Nearby, SimilarRules
from codegem.assist.similar import Windows
from codegem.assist.snippets import Snippet, arrange
from codegem.assist.sources import Limits

_LOOK_EVERY = 30.0  # seconds; editors don't tell of every file that changes on disk
_KEPT = 64  # documents of which the last snippets are remembered
_Others = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ContextRules:
    """What is taken from other files.

    Attributes:
        signatures, edits: whether these sources are asked.
        similar: which similar code is taken; None asks for none.
        pieces, lines: what was looked at and changed last: how many pieces, of how many lines.
        limits: how much of the folder is looked at.
    """

    signatures: bool = True
    similar: SimilarRules | None = field(default_factory=SimilarRules)
    edits: bool = True
    pieces: int = 16
    lines: int = 64
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class _Place:
    """Where the cursor is."""

    path: str
    prefix: str
    suffix: str


class Workspace:
    """A folder and the documents that are open; to be used from any thread.

    Nothing that a file holds, and no source that fails or hangs, makes it raise or wait. Paths are absolute, or
    relative to the root; files outside it are completed without it.

    Args:
        root: the folder; None knows open documents alone.
        window: of the model: of how many tokens other files may take how many.
    """

    def __init__(self, root: Path | None, window: Window, rules: ContextRules = ContextRules()):
        self._root = root.resolve() if root else None
        self._window = window
        similar = rules.similar or SimilarRules()
        windows = Windows(similar.lines, max(1, similar.lines // 2))
        self._ring = Ring(rules.pieces, rules.lines)
        self._index = Index(self._root, windows, rules.limits, lambda path, text: self._imported.learn(path, text))
        self._imported = Imported(self._index)
        self._nearby = Nearby(self._index, windows, similar)
        self._lock = threading.Lock()
        self._edited: dict[str, int] = {}  # of documents that changed since they were picked: the line
        self._current = ""
        self._last: OrderedDict[tuple[str, str], tuple[Snippet, ...]] = OrderedDict()
        self._arranged: tuple[tuple[Snippet, ...], _Others] = ((), ())
        asked: list[tuple[str, bool, Callable[[_Place], tuple[Snippet, ...]]]] = [
            ("signatures", rules.signatures, self._signatures),
            ("similar", rules.similar is not None, self._similar),
            ("edits", rules.edits, self._edits),
        ]
        self._sources = {name: Bounded(f"codegem-{name}", work) for name, is_on, work in asked if is_on}
        if window.budget:
            self._index.start()

    def relative(self, path: str | PathLike[str]) -> str | None:
        """The path of a file as the model saw paths in training: below the root. None outside it."""
        given = Path(path)
        try:
            if self._root is None:
                return given.as_posix().lstrip("/").replace("\n", " ")
            whole = given if given.is_absolute() else self._root / given
            inside = whole.parent.resolve().joinpath(whole.name).relative_to(self._root)
        except (ValueError, OSError, RuntimeError):
            return None
        return inside.as_posix().replace("\n", " ")

    def open(self, path: str | PathLike[str], text: str) -> None:
        """A document was opened."""
        if name := self.relative(path):
            self._index.put(name, text)

    def change(self, path: str | PathLike[str], text: str) -> None:
        """The text of a document is another one."""
        if name := self.relative(path):
            self._put(name, text)

    def save(self, path: str | PathLike[str]) -> None:
        """A document was written to disk."""
        if name := self.relative(path):
            self._leave(name)

    def close(self, path: str | PathLike[str]) -> None:
        """A document was closed."""
        if name := self.relative(path):
            self._leave(name)
            self._index.close(name)

    def visit(self, path: str | PathLike[str], line: int) -> None:
        """The cursor came to a document, or far away in it: to a line, counted from 0."""
        if name := self.relative(path):
            self._go(name)
            self._pick(name, line)

    def yank(self, path: str | PathLike[str], text: str) -> None:
        """A piece of a document was copied."""
        if name := self.relative(path):
            before, found, _ = (self._index.text(name) or "").partition(text)
            if found:
                self._pick(name, before.count("\n") + text.count("\n") // 2)

    def refresh(self) -> None:
        """Files may have changed on disk."""
        self._index.refresh()

    def shut(self) -> None:
        """End the threads."""
        self._index.end()
        for source in self._sources.values():
            source.end()

    def context(
        self,
        path: str | PathLike[str],
        prefix: str,
        suffix: str,
        extra: Sequence[Snippet] = (),
        deadline: float = 0.1,
    ) -> _Others:
        """What stands in front of a file with a cursor, as `Infill.context` has it.

        Args:
            extra: what a client sends by itself.
            deadline: seconds that each source may take. Of one that takes longer, what it found before is used.
        """
        name = self.relative(path)
        if name is None or not self._window.budget:
            return arrange(extra, self._window)
        self._put(name, prefix + suffix)
        self._go(name)
        self._index.refresh(older=_LOOK_EVERY)
        until = time.monotonic() + deadline
        place = _Place(name, prefix, suffix)
        jobs = [(source, bounded.start(place)) for source, bounded in self._sources.items()]
        found: list[Snippet] = []
        for source, job in jobs:
            answer = job.wait(until - time.monotonic()) if job else None
            found += self._remember((source, name), answer)
        return self._arrange((*found, *extra))

    def ready(self, seconds: float) -> bool:
        """Wait until the folder has been read once, but not longer than so many seconds; whether that is done."""
        return not self._window.budget or self._index.read.wait(seconds)

    def _signatures(self, place: _Place) -> tuple[Snippet, ...]:
        self._index.listed.wait()
        return self._imported.snippets(place.path, place.prefix + place.suffix)

    def _similar(self, place: _Place) -> tuple[Snippet, ...]:
        return self._nearby.snippets(place.path, place.prefix, place.suffix)

    def _edits(self, place: _Place) -> tuple[Snippet, ...]:
        pieces = self._ring.others(place.path)
        return tuple(Snippet(each.path, each.text, "edits", order) for order, each in enumerate(pieces))

    def _remember(self, key: tuple[str, str], answer: tuple[Snippet, ...] | None) -> tuple[Snippet, ...]:
        with self._lock:
            if answer is None:
                return self._last.get(key, ())
            self._last[key] = answer
            self._last.move_to_end(key)
            while len(self._last) > _KEPT * len(self._sources):
                self._last.popitem(last=False)
        return answer

    def _arrange(self, snippets: tuple[Snippet, ...]) -> _Others:
        with self._lock:
            known, arranged = self._arranged
        if known != snippets:
            arranged = arrange(snippets, self._window)
            with self._lock:
                self._arranged = snippets, arranged
        return arranged

    def _put(self, name: str, text: str) -> None:
        before = self._index.opened(name)
        if before != text:
            self._index.put(name, text)
            if before is not None:
                with self._lock:
                    self._edited[name] = text.count("\n", 0, _first_difference(before, text))

    def _go(self, name: str) -> None:
        """The cursor is in a document; what was changed in the one before is kept."""
        with self._lock:
            before, self._current = self._current, name
        if before and before != name:
            self._leave(before)

    def _leave(self, name: str) -> None:
        with self._lock:
            line = self._edited.pop(name, None)
        if line is not None:
            self._index.settle(name)
            self._pick(name, line)

    def _pick(self, name: str, line: int) -> None:
        text = self._index.text(name)
        if text is not None and self._index.opened(name) is not None:
            self._ring.pick(name, text, line)


def _first_difference(a: str, b: str) -> int:
    """Where two texts begin to differ.

    >>> _first_difference("abc", "abd"), _first_difference("ab", "abc")
    (2, 2)
    """
    low, high = 0, min(len(a), len(b))
    while low < high:  # they are alike before `low`
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
