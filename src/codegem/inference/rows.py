"""Texts that are written side by side: each has a row of one cache, and a step writes a token to every one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Array, Int

from codegem.inference import pieces
from codegem.inference.prefix_cache import Slot
from codegem.inference.programs import Arrays, Programs
from codegem.inference.sampling import Greedy, Sampler, per_row
from codegem.inference.texts import Text


@dataclass
class Asked:
    """Tokens that the device is asked for.

    Attributes:
        tokens: of some steps, one after the other, for some places.
        texts: whose tokens they are, each with its place.
    """

    tokens: Int[Array, "steps places"]
    texts: Sequence[tuple[int, Text]]


@dataclass
class Rows:
    """The rows of one cache. Steps are only asked for here; whoever wants the tokens waits for them.

    A row without a text counts as empty: a step writes to its first position, which nothing ever sees.

    Attributes:
        limit: bytes that the rows may take; one row stands even if it is larger.
        capacity: positions of each row.
    """

    programs: Programs
    limit: int
    capacity: int = 0
    _arrays: Arrays | None = None
    _tokens: Array | None = None
    _texts: list[Text | None] = field(default_factory=list)
    _sampler: Sampler | None = None

    @property
    def texts(self) -> list[Text]:
        """Those that have a row."""
        return [text for text in self._texts if text]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._texts)

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return len(self._texts) * self.programs.size(self.capacity) if self._texts else 0

    def place(self, text: Text, waiting: Iterable[Text]) -> bool:
        """Give a text a row, if there is one or can be made one.

        Args:
            waiting: texts that come after it, for which room is made on the way where that costs no row.
        """
        if text.positions > self.capacity or None not in self._texts:
            self._lay_out(text, list(waiting))
        if text.positions > self.capacity or None not in self._texts:
            return False
        text.row = self._texts.index(None)
        self._texts[text.row] = text
        return True

    def join(self, text: Text, slot: Slot[Arrays], choices: Array, at: int) -> None:
        """From the next step on a text takes part: what it has read is in the slot, the next token in `choices`."""
        assert slot.arrays is not None and text.row is not None
        arrays, tokens = self._taken()
        self._arrays, self._tokens = self.programs.join(arrays, tokens, text.row, slot.arrays, choices, at)
        text.filled, text.asked, self._sampler = len(slot.tokens), len(text.made) + 1, None

    def step(self, count: int = 1) -> Asked | None:
        """Ask for the next tokens of every text whose prompt was read: so many, or one where tokens are drawn.

        Compiling a program that draws takes long, and for several tokens several times as long.
        """
        live = [(row, text) for row, text in enumerate(self._texts) if text and text.filled]
        if not live:
            return None
        if self._sampler is None:
            self._sampler = per_row([text.sampler if text and text.filled else None for text in self._texts])
        count = count if isinstance(self._sampler, Greedy) else 1
        filled = np.zeros(len(self._texts), np.int32)
        for row, text in live:
            filled[row] = text.filled
            text.filled += count
            text.asked += count
        arrays, tokens = self._taken()
        steps, self._tokens, self._arrays = self.programs.steps(arrays, self._sampler, tokens, filled, count)
        for _, text in live:
            if text.asked >= text.max_tokens:
                self.leave(text)
        return Asked(steps, live)

    def lift(self, text: Text) -> Slot[Arrays]:
        """A slot with what a text has read, all of whose tokens are known; it leaves its row."""
        assert self._arrays is not None and text.row is not None
        row = slice(text.row, text.row + 1)
        arrays = jax.device_put([np.asarray(leaf)[row].copy() for leaf in self._arrays])
        self.leave(text)
        size = self.programs.size(self.capacity)
        return Slot(arrays, self.capacity, size, text.read[: text.filled], len(text.prompt))

    def clear(self) -> list[Text]:
        """Have no rows any more; the texts that had one."""
        texts = self.texts
        for text in texts:
            text.row = None
        self._texts, self._arrays, self._tokens, self._sampler, self.capacity = [], None, None, None, 0
        return texts

    def leave(self, text: Text) -> None:
        """Free the row of a text, if it has one."""
        if text.row is not None:
            self._texts[text.row] = text.row = self._sampler = None

    def _taken(self) -> tuple[Arrays, Array]:
        """Arrays and tokens, for a program that destroys them: after an error there are none."""
        arrays, tokens = self._arrays, self._tokens
        assert arrays is not None and tokens is not None
        self._arrays = self._tokens = None
        return arrays, tokens

    def _lay_out(self, text: Text, waiting: Sequence[Text]) -> None:
        """Rows of another number or length, if the text then has one; the others move to the first rows."""
        live = self.texts
        capacity = pieces.capacity(max(other.positions for other in [*live, text]))
        longer = pieces.capacity(max((other.positions for other in waiting), default=1))
        wanted = len(live) + 1 + len(waiting)
        if self._count(wanted, max(longer, capacity)) == self._count(wanted, capacity):
            capacity = max(longer, capacity)
        count = self._count(wanted, capacity)
        if count > len(live):
            self._move(live, count, capacity)

    def _count(self, wanted: int, capacity: int) -> int:
        return pieces.rows(wanted, self.limit // self.programs.size(capacity))

    def _move(self, live: Sequence[Text], count: int, capacity: int) -> None:
        tokens, old = np.zeros(count, np.int32), None
        if live:
            places = np.array([text.row for text in live])
            arrays, before = self._taken()
            tokens[: len(live)] = np.asarray(before)[places]
            old = [np.asarray(leaf)[places] for leaf in arrays]
        self._arrays = self.programs.cache(capacity, count, old=old, kept=min(capacity, self.capacity))
        self._tokens, self.capacity, self._sampler = jax.device_put(tokens), capacity, None
        self._texts = [*live, *[None] * (count - len(live))]
        for row, text in enumerate(live):
            text.row = row
