"""Reading prompts beside texts that are written: a piece at a time, each into a slot of its own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array

from codegem.inference import pieces
from codegem.inference.prefix_cache import Slot
from codegem.inference.programs import Arrays
from codegem.inference.shared import Shared
from codegem.inference.slots import slot_for
from codegem.inference.texts import Text

# A shorter beginning is read again rather than copied, for which the host has to wait.
_LEAST_COPIED = 16


@dataclass(eq=False)
class Reading:
    """A prompt that is being read into a slot, and the pieces that are left of it."""

    text: Text
    slot: Slot[Arrays]
    sizes: list[int]

    @property
    def left(self) -> int:
        """Tokens to be read, padding included."""
        return sum(self.sizes)


class Reader:
    """Prompts that are being read.

    Args:
        largest: tokens of a piece.
    """

    def __init__(self, shared: Shared, largest: int):
        self._shared = shared
        self._largest = largest
        self._turn = 0
        self.readings: list[Reading] = []

    def begin(self, text: Text, capacity: int) -> None:
        """Take a text up where it is, in a slot of at least `capacity`."""
        shared = self._shared
        slot = slot_for(shared.programs, shared.kept, text.read, capacity, _LEAST_COPIED)
        slot.prompt_length = len(text.prompt)
        text.begins(len(slot.tokens))
        rest = len(text.read) - len(slot.tokens)
        shared.counts.reused += len(slot.tokens)
        shared.counts.read += rest
        sizes = [size for size in pieces.BESIDE if size <= self._largest] or pieces.BESIDE[:1]
        self.readings.append(Reading(text, slot, pieces.plan(rest, slot.capacity - len(slot.tokens), sizes)))

    def next(self) -> Reading | None:
        """In turn the one that came first, so that it ends some time, and the one that ends soonest."""
        self._turn += 1
        if self._turn % 2:
            return min(self.readings, key=lambda reading: reading.left, default=None)
        return self.readings[0] if self.readings else None

    def read(self, reading: Reading) -> tuple[Array, int] | None:
        """Ask for one piece; with the last one, where the token that follows will be."""
        text, slot, size = reading.text, reading.slot, reading.sizes.pop(0)
        filled = len(slot.tokens)
        part = text.read[filled : filled + size]
        padded = np.array([part + [self._shared.pad] * (size - len(part))], np.int32)
        arrays, slot.arrays = slot.arrays, None
        assert arrays is not None
        choices, slot.arrays = self._shared.programs.choose(arrays, text.sampler, padded, filled, len(part) - 1)
        slot.tokens += part
        if reading.sizes:
            return None
        self.readings.remove(reading)
        return choices, len(part) - 1 if choices.shape[1] == size else 0

    def give_up(self, text: Text) -> None:
        """Read no more for a text; what was read is kept."""
        if reading := self.drop(text):
            self._shared.kept.put(reading.slot)

    def drop(self, text: Text) -> Reading | None:
        """The reading of a text, if there is one, which is no longer here."""
        found = next((reading for reading in self.readings if reading.text is text), None)
        if found:
            self.readings.remove(found)
        return found
