"""What a service does and has done, in numbers."""

from dataclasses import dataclass

from codegem.generate import Chunk, StopReason


@dataclass(frozen=True)
class Stats:
    """How a service stands.

    Attributes:
        waiting: texts whose prompt nobody reads yet.
        active: texts that are read or written.
        done: texts that had their last chunk or an error; `cancelled` and `failed` of them ended so.
        refused: requests for which there was no room in the line.
        prompt_tokens: of all texts that ended, of which `cached_tokens` were at hand.
        tokens: written.
        rows: of the cache for texts that are written side by side.
        slots: beginnings of prompts that are kept, which take `slot_bytes` together.
    """

    waiting: int
    active: int
    done: int
    cancelled: int
    failed: int
    refused: int
    prompt_tokens: int
    cached_tokens: int
    tokens: int
    rows: int
    slots: int
    slot_bytes: int


class Tally:
    """Counts what is told of texts.

    Attributes:
        begun: texts that were accepted.
        refused: requests that were not.
    """

    def __init__(self):
        self.begun = self.refused = 0
        self._done = self._cancelled = self._failed = 0
        self._prompt_tokens = self._cached_tokens = self._tokens = 0

    def count(self, told: Chunk | Exception) -> None:
        """Take one chunk, or an error, into account."""
        if isinstance(told, Exception):
            self._done += 1
            self._failed += 1
            return
        self._tokens += told.tokens
        if told.stop_reason:
            self._done += 1
            self._cancelled += told.stop_reason is StopReason.CANCELLED
        if told.usage:
            self._prompt_tokens += told.usage.prompt_tokens
            self._cached_tokens += told.usage.cached_tokens

    def stats(self, waiting: int, *, rows: int, slots: int, slot_bytes: int) -> Stats:
        """The numbers, with those that others know."""
        return Stats(
            waiting,
            max(0, self.begun - self._done - waiting),
            self._done,
            self._cancelled,
            self._failed,
            self.refused,
            self._prompt_tokens,
            self._cached_tokens,
            self._tokens,
            rows,
            slots,
            slot_bytes,
        )
