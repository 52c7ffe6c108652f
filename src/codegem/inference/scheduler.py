"""Continuous batching: texts join the rows of one cache when there is room, and leave at their end.

Work goes in rounds. In each some pieces of prompts are read, one prompt after the other in the order in which
they came, and every text whose prompt was read gets a token. A prompt goes on from a kept beginning, as that of a
request alone does, in a slot of its own; then it is copied to a row (Orca, Yu et al., OSDI 2022; chunked
prefills, arXiv 2308.16369). Reading one prompt at a time uses the device as well as reading several: their tokens are
enough rows for its products.

What a round asks of the device is looked at in the next one, so that the device never waits for the host. A text
that has ended may thereby get a token more, which nobody sees.

Texts may be submitted by any thread while another one runs the rounds.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from codegem.generate import Chunk, StopReason, never
from codegem.inference import pieces
from codegem.inference.prefix_cache import PrefixCache, Slot
from codegem.inference.programs import Arrays, Programs
from codegem.inference.rows import Asked, Rows, Text
from codegem.inference.session import Counts
from codegem.inference.slots import slot_for

# Tokens of prompts that are read in one round, at least one piece. More would hold up the texts being written.
_READ = 512
# A shorter beginning is read again rather than copied, for which the host has to wait.
_LEAST_COPIED = 16


@dataclass
class _Reading:
    """A prompt that is being read into a slot, and the pieces that are left of it."""

    text: Text
    slot: Slot[Arrays]
    sizes: list[int]


class Scheduler:
    """Runs many texts at once.

    Args:
        kept: beginnings of earlier prompts; gets those of these. The rows count against its limit.
        pad: the token that fills a piece up.
        stop_ids: end an answer.
    """

    def __init__(
        self, programs: Programs, kept: PrefixCache[Arrays], pad: int, stop_ids: frozenset[int], counts: Counts
    ):
        self._programs, self._kept, self._counts = programs, kept, counts
        self._pad, self._stop_ids = pad, stop_ids
        self._rows = Rows(programs, kept.limit)
        self._submitted: deque[Text] = deque()
        self._waiting: deque[Text] = deque()
        self._cancellable: list[Text] = []
        self._reading: _Reading | None = None
        self._asked: deque[Asked] = deque()

    def submit(self, text: Text) -> None:
        """Put a text at the end of the waiting line."""
        self._submitted.append(text)

    @property
    def is_idle(self) -> bool:
        """Whether every text has had its last chunk."""
        return not (self._submitted or self._waiting or self._reading or self._rows.texts or self._asked)

    def round(self) -> list[Chunk]:
        """Ask for a token of each text, and make chunks of what was asked for a round ago.

        An error of a program ends all texts. Nothing is kept then: what was asked for before may hold anything.
        """
        try:
            return self._round()
        except Exception:
            self._reading = None
            self._kept.clear()
            raise

    def _round(self) -> list[Chunk]:
        self._receive()
        chunks = self._drop_cancelled()
        before = len(self._asked)
        chunks += self._read()
        if step := self._rows.step():
            self._asked.append(step)
            self._counts.passes += 1
        for _ in range(before):
            chunks += self._take(self._asked.popleft())
        return chunks

    def close(self) -> None:
        """Give all texts up; what was read of a prompt is kept."""
        if self._reading:
            self._kept.put(self._reading.slot)
        self._kept.reserved = 0

    def _receive(self) -> None:
        while self._submitted:
            text = self._submitted.popleft()
            self._waiting.append(text)
            if text.cancelled is not never:
                self._cancellable.append(text)

    def _drop_cancelled(self) -> list[Chunk]:
        self._cancellable = [text for text in self._cancellable if text.answer]
        return [self._end(text, StopReason.CANCELLED) for text in self._cancellable if text.cancelled()]

    def _read(self) -> list[Chunk]:
        """Some pieces of prompts; an empty chunk for each that is not the last of its prompt."""
        chunks, left = [], _READ
        while left > 0 and (reading := self._reading or self._begin()):
            left -= reading.sizes[0]
            self._read_piece(reading)
            if reading.sizes:
                assert reading.text.answer
                chunks.append(reading.text.answer.nothing())
        return chunks

    def _begin(self) -> _Reading | None:
        """Take the first of those that wait, if there is a row for it."""
        while self._waiting and not self._waiting[0].answer:
            self._waiting.popleft()
        if not self._waiting or not self._rows.place(self._waiting[0], islice(self._waiting, 1, 1 + max(pieces.ROWS))):
            return None
        text = self._waiting.popleft()
        self._kept.reserved = self._rows.size
        slot = slot_for(self._programs, self._kept, text.prompt, self._rows.capacity, _LEAST_COPIED)
        reused = len(slot.tokens)
        self._counts.reused += reused
        self._counts.read += len(text.prompt) - reused
        sizes = pieces.plan(len(text.prompt) - reused, slot.capacity - reused, pieces.BESIDE)
        self._reading = _Reading(text, slot, sizes)
        return self._reading

    def _read_piece(self, reading: _Reading) -> None:
        """Ask for one piece; with the last one the text takes part in the steps."""
        text, slot, size = reading.text, reading.slot, reading.sizes.pop(0)
        filled = len(slot.tokens)
        part = text.prompt[filled : filled + size]
        padded = np.array([part + [self._pad] * (size - len(part))], np.int32)
        arrays, slot.arrays = slot.arrays, None
        assert arrays is not None
        choices, slot.arrays = self._programs.choose(arrays, text.sampler, padded, filled, len(part) - 1)
        slot.tokens += part
        if reading.sizes:
            return
        at = len(part) - 1 if choices.shape[1] == size else 0
        self._rows.join(text, slot, choices, at)
        if text.max_tokens == 1:
            self._rows.leave(text)
        self._asked.append(Asked(choices, [(at, text)]))
        self._kept.put(slot)
        self._reading = None

    def _take(self, asked: Asked) -> list[Chunk]:
        """Wait for tokens; chunks of those that are wanted."""
        tokens = np.asarray(asked.tokens).reshape(-1).tolist()
        return [chunk for at, text in asked.texts if text.answer for chunk in self._push(text, tokens[at])]

    def _push(self, text: Text, token: int) -> list[Chunk]:
        assert text.answer
        if token in self._stop_ids:
            return [self._end(text)]
        chunks = [text.answer.push(token)]
        if chunks[0].stop_reason:
            self._leave(text)
        elif text.answer.made == text.max_tokens:
            chunks.append(self._end(text))
        return chunks

    def _end(self, text: Text, reason: StopReason | None = None) -> Chunk:
        assert text.answer
        chunk = text.answer.end(reason)
        self._leave(text)
        return chunk

    def _leave(self, text: Text) -> None:
        text.answer = None
        self._rows.leave(text)
        if self._reading and self._reading.text is text:
            self._kept.put(self._reading.slot)
            self._reading = None
