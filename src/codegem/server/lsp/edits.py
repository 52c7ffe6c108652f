"""What a person did last in each document: what `assist.asking` and `assist.pacing` go by."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lsprotocol.types import Position

from codegem.assist.asking import Change
from codegem.assist.pacing import Pace
from codegem.server.lsp.documents import Document, Hole, plain


@dataclass
class _State:
    """What is known of a document.

    Attributes:
        edited: seconds on the clock; None before the first edit.
        fresh: whether nothing was asked since the last edit.
        position: of the last request.
        offered: what the text will be if the last suggestion is accepted.
    """

    change: Change = Change.OTHER
    edited: float | None = None
    fresh: bool = True
    position: Position | None = None
    offered: str | None = None


class Edits:
    """The edits of a session.

    Args:
        clock: seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._pace = Pace()
        self._states: dict[str, _State] = {}

    def changed(self, document: Document) -> None:
        """The text of a document changed, as `document.inserted` and `document.removed` say."""
        state, now = self._state(document.uri), self._clock()
        if state.offered is not None and document.inserted > 1 and plain(document.text) == state.offered:
            state.change = Change.ACCEPTED
        else:
            state.change = Change.TYPED if document.inserted else Change.DELETED
        if state.change is Change.TYPED:
            self._pace.key(now)
        state.edited, state.fresh, state.offered = now, True, None

    def offered(self, document: Document, hole: Hole, text: str) -> None:
        """A suggestion went out."""
        self._state(document.uri).offered = hole.prefix + text + hole.suffix

    def closed(self, uri: str) -> None:
        """A document is no longer there."""
        self._states.pop(uri, None)

    def asked(self, uri: str, position: Position) -> Change:
        """A suggestion is wanted at a place; gives what led there."""
        state = self._state(uri)
        if not state.fresh and position != state.position:
            state.change = Change.MOVED
        state.fresh, state.position = False, position
        return state.change

    def age(self, uri: str) -> float:
        """Seconds since the last edit of a document."""
        edited = self._state(uri).edited
        return float("inf") if edited is None else self._clock() - edited

    def pause(self, uri: str, debounce: float | str) -> float:
        """How long to wait for another key, in seconds.

        Args:
            debounce: milliseconds from the last edit, or "auto".
        """
        delay = debounce / 1000 if isinstance(debounce, int | float) else self._pace.delay()
        return max(0.0, delay - self.age(uri))

    def position(self, uri: str) -> Position | None:
        """Where a suggestion was wanted last."""
        return self._state(uri).position

    def _state(self, uri: str) -> _State:
        return self._states.setdefault(uri, _State())
