"""What was looked at and changed last: a ring of pieces of files, as in llama.vim."""

import threading
from collections import deque
from dataclasses import dataclass

from codegem.assist.similar import words_of


@dataclass(frozen=True)
class Piece:
    """Lines of a file, `first` to before `last` from 0, as they stood when they were picked."""

    path: str
    first: int
    last: int
    text: str


class Ring:
    """The last pieces that were picked; a new one drives out the oldest, and those that it repeats.

    Args:
        size: how many pieces.
        lines: of a piece.
        alike: a piece that shares this share of its words with a new one is driven out by it.
    """

    def __init__(self, size: int = 16, lines: int = 64, alike: float = 0.9):
        self._lines, self._alike = lines, alike
        self._lock = threading.Lock()
        self._pieces: deque[Piece] = deque(maxlen=size)

    def pick(self, path: str, text: str, line: int) -> None:
        """Keep the lines around a line; blank ones are none."""
        lines = text.split("\n")
        first = max(0, min(line - self._lines // 2, len(lines) - self._lines))
        last = min(first + self._lines, len(lines))
        piece = Piece(path, first, last, "\n".join(lines[first:last]).strip("\n") + "\n")
        if not piece.text.strip():
            return
        with self._lock:
            kept = [each for each in self._pieces if not self._repeats(piece, each)]
            self._pieces.clear()
            self._pieces.extend([*kept, piece])

    def others(self, path: str) -> list[Piece]:
        """The pieces of other files, the newest last."""
        with self._lock:
            return [each for each in self._pieces if each.path != path]

    def _repeats(self, new: Piece, old: Piece) -> bool:
        if new.path == old.path and new.first < old.last and old.first < new.last:
            return True
        ours, theirs = words_of(new.text), words_of(old.text)
        return len(ours & theirs) > self._alike * len(ours | theirs)
