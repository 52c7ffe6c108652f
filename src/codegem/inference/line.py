"""The texts that wait for their turn, and whose turn it is."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice

from codegem.inference import pieces
from codegem.inference.prefix_cache import PrefixCache
from codegem.inference.texts import Text


class Line:
    """Texts in the order in which they came.

    Those whose logits have to be looked at, and those that only read a prompt ahead, stand in lines of their own.

    Args:
        kept: tells how much of a prompt is at hand, so that the shortest can be told.
    """

    def __init__(self, kept: PrefixCache):
        self._kept = kept
        self._texts: deque[Text] = deque()
        self._looked_at: deque[Text] = deque()
        self._warming: deque[Text] = deque()

    def __len__(self) -> int:
        return len(self._texts) + len(self._looked_at) + len(self._warming)

    def __iter__(self) -> Iterator[Text]:
        """All that have something to write."""
        return chain(self._texts, self._looked_at)

    @property
    def all(self) -> list[Text]:
        """Those that only read ahead as well."""
        return [*self, *self._warming]

    @property
    def first(self) -> Text | None:
        """Who has waited longest."""
        return self._texts[0] if self._texts else None

    def add(self, text: Text) -> None:
        """Put a text at the end."""
        line = self._looked_at if text.is_looked_at else self._texts if text.max_tokens else self._warming
        line.append(text)

    def add_first(self, text: Text) -> None:
        """Put a text that has begun already before all others."""
        self._texts.appendleft(text)

    def shortest(self) -> tuple[Text | None, int]:
        """Of whose prompt the fewest tokens are to be read, and how many."""
        text = min(self._texts, key=self._unread, default=None)
        return text, self._unread(text) if text else 0

    def after(self, text: Text) -> list[Text]:
        """Some of those that come after a text."""
        return [other for other in islice(self._texts, 1 + max(pieces.ROWS)) if other is not text]

    def take(self, text: Text) -> Text:
        """A text, which waits no longer."""
        for line in (self._texts, self._looked_at, self._warming):
            with suppress(ValueError):
                line.remove(text)
        return text

    def next_looked_at(self) -> Text | None:
        """The first of those that are looked at; it waits no longer."""
        return self._looked_at.popleft() if self._looked_at else None

    def next_warming(self) -> Text | None:
        """The first of those that only read ahead; it waits no longer."""
        return self._warming.popleft() if self._warming else None

    def _unread(self, text: Text) -> int:
        if not text.unread:
            text.unread = len(text.prompt) - self._kept.common(text.prompt)
        return text.unread
