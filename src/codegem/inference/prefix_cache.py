"""Which token sequences have keys and values at hand, and which of them a new prompt goes on from.

Bookkeeping alone: the arrays are carried about and never looked at. A slot's arrays hold the keys and values
of its tokens, in order; whatever stands behind those is of no account.

Three rules:

- A prompt goes on from the slot with which it shares the longest beginning.
- Where the two are one text with an edit (beginning and end in common make up at least half of the slot's
  prompt, as after a keystroke) the slot itself goes on and what followed the edit is given up. Otherwise the
  common beginning is copied, and the slot stays for the file that it was made for.
- Slots together take at most `limit` bytes, less what is reserved for others, and are at most `MOST`; the least
  recently used goes first. The one used last stays even if it alone is larger, because the next request mostly goes
  on from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

A = TypeVar("A")

MOST = 64  # slots, all of which are looked at for each prompt; more files are rarely open


@dataclass
class Slot(Generic[A]):
    """Arrays, and the tokens that they hold.

    Attributes:
        arrays: None while a program that may destroy them has them: a slot lost on the way is never kept.
        capacity: positions that the arrays have room for.
        size: of the arrays, in bytes.
        tokens: whose keys and values the arrays hold.
        prompt_length: how many of the tokens were the prompt; the rest is the answer.
    """

    arrays: A | None
    capacity: int
    size: int
    tokens: list[int] = field(default_factory=list)
    prompt_length: int = 0


@dataclass
class Found(Generic[A]):
    """Where a prompt can go on: its first `common` tokens are those of `slot`.

    Attributes:
        taken: the slot now belongs to the caller; otherwise it may only be copied from.
    """

    slot: Slot[A]
    common: int
    taken: bool


class PrefixCache(Generic[A]):
    """Slots that wait for a prompt which begins as they do.

    Args:
        limit: bytes of all slots together; 0 keeps none.

    Attributes:
        reserved: bytes of the limit that something else takes.

    Example:
        >>> cache = PrefixCache(limit=100)
        >>> cache.put(Slot("arrays", capacity=8, size=60, tokens=[2, 5, 6, 7, 9], prompt_length=5))
        >>> found = cache.find([2, 5, 6, 8, 9])
        >>> found.common, found.taken, len(cache.slots)
        (3, True, 0)
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.reserved = 0
        self.slots: list[Slot[A]] = []  # the most recently used last

    @property
    def size(self) -> int:
        """Bytes of all slots that wait here."""
        return sum(slot.size for slot in self.slots)

    def find(self, prompt: Sequence[int]) -> Found[A] | None:
        """The best slot to go on from, if any has a beginning in common with `prompt`.

        The prompt's last token never counts as common: it has to be read again for what comes after it.
        """
        prompt = list(prompt)
        best, common = self._best(prompt)
        if best is None or common == 0:
            return None
        taken = _is_edit(best, prompt, common)
        self.slots = [slot for slot in self.slots if slot is not best]
        if not taken:
            self.slots.append(best)
        return Found(best, common, taken)

    def common(self, prompt: Sequence[int]) -> int:
        """How many tokens of a prompt are at hand."""
        return self._best(list(prompt))[1]

    def put(self, slot: Slot[A]) -> None:
        """Keep a slot as the one used last, and drop others until the limit is met."""
        if slot.arrays is None or not slot.tokens or self.limit == 0:
            return
        self.slots.append(slot)
        self._drop(to=self.limit - self.reserved, keep=1)

    def make_room(self, size: int) -> None:
        """Drop slots until one of `size` bytes is within the limits, or none is left."""
        self._drop(to=self.limit - self.reserved - size, keep=0)

    def recycle(self, size: int) -> Slot[A] | None:
        """A slot of `size` bytes whose arrays may be used for another text, where a new one would not fit beside it."""
        full = len(self.slots) >= MOST or self.size + size > self.limit - self.reserved
        if full and (oldest := next((slot for slot in self.slots if slot.size == size), None)):
            self.slots = [slot for slot in self.slots if slot is not oldest]
            return oldest
        return None

    def clear(self) -> None:
        """Drop all slots."""
        self.slots = []

    def _best(self, prompt: list[int]) -> tuple[Slot[A] | None, int]:
        """The slot that shares most with a prompt, and how much of it."""
        best, common = None, 0
        for slot in reversed(self.slots):
            # Whoever shares more than the best so far shares the token behind that as well.
            if common < min(len(slot.tokens), len(prompt)) and slot.tokens[common] == prompt[common]:
                shared = common_prefix(slot.tokens, prompt)
                best, common = (slot, shared) if shared > common else (best, common)
        return best, min(common, len(prompt) - 1)

    def _drop(self, to: int, keep: int) -> None:
        while (self.size > to or len(self.slots) > MOST) and len(self.slots) > keep:
            del self.slots[0]


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many of the first tokens are the same.

    >>> common_prefix([1, 2, 3], [1, 2, 4, 5]), common_prefix([], [1])
    (2, 0)
    """
    longest = min(len(a), len(b))
    if a[:longest] == b[:longest]:
        return longest
    return next(at for at in range(longest) if a[at] != b[at])


def _is_edit(slot: Slot, prompt: list[int], common: int) -> bool:
    """Whether the prompts of a slot and of a request are one text before and after an edit."""
    old, new = slot.tokens[: slot.prompt_length], prompt[common:]
    return 2 * (common + common_prefix(old[common:][::-1], new[::-1])) >= len(old)
