"""Continuous batching: texts join the rows of one cache when there is room, and leave at their end.

Work goes in rounds. In each some pieces of prompts are read, and every text whose prompt was read gets a token. A
prompt goes on from a kept beginning, as that of a request alone does, in a slot of its own; then it is copied to a
row (Orca, Yu et al., OSDI 2022; chunked prefills, arXiv 2308.16369). Reading one prompt at a time uses the device as
well as reading several: their tokens are enough rows for its products.

There are two ways to run it. For many texts at once prompts are read in the order in which they came, and what a
round asks of the device is looked at in the next one, so that the device never waits for the host; a text that has
ended may thereby get a token more, which nobody sees. For people who wait (`Service`) each round ends with its
tokens, little is read between two of them, and a text that is alone goes the way of one (`solo`), which drafts.

A text moves by being given up here and gone on with there: what it has read lies among the kept beginnings meanwhile.
Texts may be submitted by any thread while another one runs the rounds.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence

import jax
import numpy as np
from jaxtyping import Array

from codegem.generate import StopReason, never
from codegem.inference import pieces, solo
from codegem.inference.line import Line
from codegem.inference.prepare import preparations
from codegem.inference.reading import Reader, Reading
from codegem.inference.rows import Asked, Rows
from codegem.inference.session import Cancelled
from codegem.inference.shared import Shared
from codegem.inference.texts import Text

# Tokens of prompts that are read in one round, at least one piece: of many texts, and beside people who wait.
_READ = 512
_READ_BESIDE = 128
_MOST_READINGS = 4  # prompts that are read in turn, each at most half as long as the one before
_MOST_SOLO = 4  # texts whose logits are looked at, beside others
_WORTH_MOVING = 16  # tokens that are left of a text; fewer are written where they are


class Scheduler:
    """Runs many texts at once.

    Args:
        shared: of the engine; prompts are kept there. The rows count against that limit.
        interactive: people wait for each text.
    """

    def __init__(self, shared: Shared, *, interactive: bool = False):
        self._shared, self._kept = shared, shared.kept
        self._interactive = interactive
        self._budget = _READ_BESIDE if interactive else _READ
        self._rows = Rows(shared.programs, shared.kept.limit)
        self._submitted: deque[Text] = deque()
        self._line = Line(shared.kept)
        self._cancellable: list[Text] = []
        self._reader = Reader(shared, _READ_BESIDE if interactive else max(pieces.BESIDE))
        self._solos: dict[Text, Generator[list[int]]] = {}
        self._asked: deque[Asked] = deque()

    def submit(self, text: Text) -> None:
        """Put a text at the end of the waiting line."""
        self._submitted.append(text)

    @property
    def waiting(self) -> int:
        """How many texts have not begun."""
        return len(self._submitted) + len(self._line)

    @property
    def rows(self) -> int:
        """How many texts can be written side by side now."""
        return self._rows.count

    @property
    def is_idle(self) -> bool:
        """Whether every text has had its last chunk."""
        return not (self.waiting or self._solos or self._rows.texts or self._asked)

    def preparations(self, context: int) -> Iterator[Callable[[], object]]:
        """Jobs that compile what a small model needs; those of a large one would take as long as requests."""
        shared = self._shared
        if shared.stride == 1:
            return iter(())
        return preparations(shared.programs, context, largest=self._budget, stride=shared.stride)

    def round(self) -> None:
        """Ask for a token of each text, and tell of those that are known.

        An error of a program ends the texts that it hit, or is raised where nobody waits for a single one. No
        beginning is kept then: what was asked for before may hold anything.
        """
        self._receive()
        for text in self._cancellable:
            if text.answer and text.cancelled():
                self._end(text, StopReason.CANCELLED)
        known = len(self._asked)
        if self._interactive:
            self._move()
        self._begin_looked_at()
        for text in list(self._solos):
            self._pass_solo(text)
        self._read()
        if self._interactive:
            self._take(len(self._asked))
        self._step()
        self._take(len(self._asked) if self._interactive else known)

    def end_all(self, error: Exception | None = None) -> None:
        """End all texts, cancelled or with an error."""
        self._receive()
        asked = [text for asked in self._asked for _, text in asked.texts]
        texts = [*self._solos, *self._rows.texts, *self._line.all, *asked]
        self.close()
        for text in texts:
            if error:
                text.fail(error)
            self._end(text, StopReason.CANCELLED)

    def close(self) -> None:
        """Give all texts up; what was read of a prompt is kept."""
        for text in list(self._solos):
            self._solos.pop(text).close()
        for reading in list(self._reader.readings):
            self._reader.give_up(reading.text)
        self._asked.clear()
        self._drop_rows()

    def _receive(self) -> None:
        while self._submitted:
            text = self._submitted.popleft()
            self._line.add(text)
            if text.cancelled is not never:
                self._cancellable.append(text)
        self._cancellable = [text for text in self._cancellable if text.answer]

    def _move(self) -> None:
        """Have a text that is alone go the way of one, and one that no longer is join the others."""
        live = [*(text for text in self._solos if text.max_tokens), *self._rows.texts, *self._line]
        if not live:
            if not self._solos and (warming := self._line.next_warming()):
                self._begin_solo(warming)
            return
        for text in [text for text in self._solos if not text.max_tokens]:
            self._end(text, StopReason.CANCELLED)
        if len(live) > 1:
            for text in [text for text in self._solos if not text.is_looked_at]:
                self._solos.pop(text).close()
                self._line.add_first(text)
        elif (text := live[0]) not in self._solos and (not text.filled or text.left >= _WORTH_MOVING):
            self._reader.give_up(text)
            if text.filled:
                self._kept.put(self._rows.lift(text))
            self._drop_rows()
            self._begin_solo(self._line.take(text))

    def _begin_solo(self, text: Text) -> None:
        def is_unwanted() -> bool:
            return text.cancelled() or (self._interactive and not text.max_tokens and bool(self._submitted))

        shared = self._shared
        is_small = shared.stride > 1  # no pass is so long that it should be given up
        stride = shared.stride if self._interactive else 1
        self._solos[text] = solo.passes(shared, text, never if is_small else is_unwanted, stride)

    def _pass_solo(self, text: Text) -> None:
        passes = self._solos[text]
        try:
            tokens = next(passes, None)
        except Cancelled:
            self._end(text, StopReason.CANCELLED)
        except Exception as error:
            self._fail([text], error)
        else:
            if tokens is None:
                text.end()
            elif tokens:
                text.push(tokens)
            else:
                text.nothing()
            if not text.answer:
                self._leave(text)

    def _read(self) -> None:
        """Some pieces of prompts; an empty chunk for each that is not the last of its prompt."""
        left = self._budget
        while left > 0:
            self._begin()
            if not (reading := self._reader.next()):
                return
            left -= reading.sizes[0]
            self._read_piece(reading)

    def _begin(self) -> None:
        """Begin to read what may be read now: the first prompt that waits, and beside a long one a much shorter one."""
        readings = self._reader.readings
        text = self._line.first
        if readings and self._interactive and len(readings) < _MOST_READINGS:
            text, unread = self._line.shortest()
            if 2 * unread > min(reading.left for reading in readings):
                return
        elif readings:
            return
        if text:
            self._begin_reading(text)

    def _begin_reading(self, text: Text) -> None:
        """Read a prompt, if there is a row for its text."""
        try:
            if self._rows.place(text, self._line.after(text)):
                self._kept.reserved = self._rows.size
                self._reader.begin(self._line.take(text), self._rows.capacity)
        except Exception as error:
            self._fail([text], error, rows=True)

    def _begin_looked_at(self) -> None:
        """Begin some of those that have no row, however many others there are."""
        while len(self._solos) < _MOST_SOLO:
            text = self._line.next_looked_at() or (None if self._interactive else self._line.next_warming())
            if not text:
                return
            self._begin_solo(text)

    def _read_piece(self, reading: Reading) -> None:
        """Ask for one piece; with the last one the text takes part in the steps."""
        text = reading.text
        try:
            following = self._reader.read(reading)
        except Exception as error:
            self._fail([text], error)
            return
        if following is None:
            text.nothing()
            return
        choices, at = following
        self._asked.append(Asked(choices, [(at, text)]))
        if text.left == 1:
            self._rows.leave(text)
        else:
            self._join(text, reading, choices, at)
        if text.answer:
            self._kept.put(reading.slot)

    def _join(self, text: Text, reading: Reading, choices: Array, at: int) -> None:
        try:
            if self._interactive:  # whose tokens are waited for anyway; so there is one program for all sizes
                choices, at = jax.device_put(np.asarray(choices)[:, at : at + 1]), 0
            self._rows.join(text, reading.slot, choices, at)
        except Exception as error:
            self._fail([text], error, rows=True)

    def _step(self) -> None:
        try:
            if step := self._rows.step(self._shared.stride if self._interactive else 1):
                self._asked.append(step)
                self._shared.counts.passes += 1
        except Exception as error:
            self._fail([], error, rows=True)

    def _take(self, count: int) -> None:
        """Wait for the tokens that were asked for first, and tell of those that are wanted."""
        for _ in range(min(count, len(self._asked))):
            asked = self._asked.popleft()
            try:
                tokens = np.asarray(asked.tokens)
            except Exception as error:
                self._fail([text for _, text in asked.texts], error, rows=True)
                return
            for at, text in asked.texts:
                text.push(tokens[:, at].tolist())
                if not text.answer:
                    self._leave(text)

    def _end(self, text: Text, reason: StopReason) -> None:
        text.end(reason)
        self._leave(text)

    def _leave(self, text: Text) -> None:
        """A text that has ended is nowhere any more."""
        if passes := self._solos.pop(text, None):
            passes.close()
        self._reader.give_up(text)
        self._rows.leave(text)
        self._line.take(text)

    def _fail(self, texts: Sequence[Text], error: Exception, *, rows: bool = False) -> None:
        """End texts with an error, with the `rows` those that are written there: what they had read is lost."""
        self._kept.clear()
        hit = list(texts)
        if rows or not self._interactive:
            hit += [text for asked in self._asked for _, text in asked.texts]
            hit += [text for text in self._rows.texts if text.filled]
            self._asked.clear()
            self._drop_rows()
            for reading in self._reader.readings[::-1]:
                self._line.add_first(reading.text)
            self._reader.readings.clear()
        for text in hit:
            text.fail(error)
            self._leave(text)
        if not self._interactive:
            raise error

    def _drop_rows(self) -> None:
        self._rows.clear()
        self._kept.reserved = 0
