"""One text while it is read and written: passes of the model over one slot."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float, Int

from codegem.generate import never
from codegem.inference import pieces
from codegem.inference.lookup import Lookup
from codegem.inference.prefix_cache import Slot, common_prefix
from codegem.inference.programs import Arrays, Programs, is_ready
from codegem.inference.sampling import Greedy, Sampler

_GLANCE = 0.002  # seconds between two looks at whether a long pass is still wanted


@dataclass
class Counts:
    """What an engine has done so far.

    Attributes:
        reused: prompt tokens whose keys and values were at hand.
        read: prompt tokens that were computed.
        passes: of the model after a prompt, each over one or several positions.
        drafted: tokens offered by lookup.
        accepted: those of them that the model chose as well.
    """

    reused: int = 0
    read: int = 0
    passes: int = 0
    drafted: int = 0
    accepted: int = 0


class Cancelled(Exception):
    """Nobody wants the rest of a text."""


@dataclass
class Session:
    """A prompt and its answer on the device.

    Wherever the generator stops, `slot.tokens` are those whose keys and values `slot.arrays` hold; while a program
    runs that may fail there are no arrays, so that a broken slot can't be kept.

    Attributes:
        pad: the token that fills a piece up.
        cancelled: asked while a piece of the prompt is read.
        stride: tokens that are asked for at once where none is drafted or drawn.
    """

    programs: Programs
    slot: Slot[Arrays]
    sampler: Sampler
    pad: int
    counts: Counts
    cancelled: Callable[[], bool] = never
    stride: int = 1

    def passes(
        self, prompt: Sequence[int], max_tokens: int, stop_ids: frozenset[int], lookup: Lookup | None
    ) -> Generator[list[int]]:
        """The new tokens of each pass: none between the pieces of a prompt, and several where a draft was right.

        The last one ends before a token of `stop_ids`, or with `max_tokens` in all.

        Raises:
            Cancelled: in the middle of the prompt.
        """
        first = yield from self._read(prompt, max_tokens, lookup)
        if lookup:
            yield from self._write_with(lookup, first, max_tokens, stop_ids)
        elif self.stride > 1 and isinstance(self.sampler, Greedy):
            yield from self._write_strides(first, max_tokens, stop_ids)
        else:
            yield from self._write(first, max_tokens, stop_ids)

    def read(self, prompt: Sequence[int]) -> Generator[list[int]]:
        """Read what the slot has not of a prompt, a piece at a time.

        Raises:
            Cancelled: in the middle of it.
        """
        if self.slot.tokens != list(prompt):
            yield from self._read(prompt, 1, None)
        yield []

    def look(self, token: int) -> Float[np.ndarray, "V"]:
        """Read one token; the logits of what follows."""
        arrays, self.slot.arrays = self.slot.arrays, None
        assert arrays is not None
        logits, self.slot.arrays = self.programs.logits(arrays, np.array([[token]], np.int32), len(self.slot.tokens))
        self.slot.tokens.append(token)
        self.counts.passes += 1
        return np.asarray(logits)[0]

    def _read(self, prompt: Sequence[int], max_tokens: int, lookup: Lookup | None) -> Generator[list[int], None, list]:
        """Read what the slot has not of a prompt; returns the tokens that follow."""
        reused = len(self.slot.tokens)
        rest = list(prompt[reused:])
        self.counts.reused += reused
        self.counts.read += len(rest)
        sizes = pieces.SMALL + pieces.LARGE if reused else pieces.LARGE
        *first, last = pieces.plan(len(rest), self.slot.capacity - reused, sizes)
        for size in first:
            self._pass(rest[:size], [], size)
            del rest[:size]
            yield []
        free = last - len(rest) if last <= max(pieces.DRAFT_PASSES) else 0
        return self._pass(rest, lookup.free_draft(max_tokens, free) if lookup and free else [], last)

    def _write(self, first: list[int], max_tokens: int, stop_ids: frozenset[int]) -> Generator[list[int]]:
        """One token a pass. Each is asked for before the one before it is read: the device never waits."""
        choice: Array | np.ndarray = np.array([first], np.int32)
        for _ in range(max_tokens - 1):
            following = self._run(choice, len(self.slot.tokens), 0)
            token = int(np.asarray(choice)[0, 0])
            self.slot.tokens.append(token)
            self.counts.passes += 1
            if token in stop_ids:
                return
            yield [token]
            choice = following
        token = int(np.asarray(choice)[0, 0])
        if token not in stop_ids:
            yield [token]

    def _write_strides(self, tokens: list[int], max_tokens: int, stop_ids: frozenset[int]) -> Generator[list[int]]:
        """Some tokens a pass; those behind the last that is wanted are never seen."""
        left = max_tokens
        while True:
            stop = next((at for at, token in enumerate(tokens) if token in stop_ids), None)
            if made := tokens[:stop]:
                yield made
            left -= len(made)
            if stop is not None or not left:
                return
            last, filled = tokens[-1:], len(self.slot.tokens)
            arrays, self.slot.arrays = self.slot.arrays, None
            assert arrays is not None
            steps, _, self.slot.arrays = self.programs.steps(
                arrays, self.sampler, np.array(last, np.int32), np.array([filled], np.int32), self.stride
            )
            tokens = np.asarray(steps)[:left, 0].tolist()
            self.slot.tokens += last + tokens[:-1]
            self.counts.passes += 1

    def _write_with(
        self, lookup: Lookup, tokens: list[int], max_tokens: int, stop_ids: frozenset[int]
    ) -> Generator[list[int]]:
        """A token and what was right of a draft in each pass."""
        left = max_tokens
        lookup.add(tokens)
        while True:
            stop = next((at for at, token in enumerate(tokens) if token in stop_ids), None)
            if made := tokens[:stop]:
                yield made
            left -= len(made)
            if stop is not None or not left:
                return
            draft = lookup.draft(left)
            size = next(size for size in pieces.DRAFT_PASSES if size > len(draft))
            if len(self.slot.tokens) + size > self.slot.capacity:
                draft, size = [], 1
            tokens = self._pass(tokens[-1:], draft, size)
            lookup.add(tokens, len(draft), len(tokens) - 1)
            self.counts.passes += 1

    def _pass(self, real: list[int], draft: list[int], size: int) -> list[int]:
        """Read tokens and a draft of what follows them; gives the tokens that do follow, at least one."""
        tokens = real + draft
        padded = np.array([tokens + [self.pad] * (size - len(tokens))], np.int32)
        choices = self._run(padded, len(self.slot.tokens), len(real) - 1)
        if size > max(pieces.DRAFT_PASSES) and self.cancelled is not never:
            self._watch(choices)
        chosen = np.asarray(choices)[0].tolist()
        following = chosen[len(real) - 1 :] if len(chosen) == size else chosen
        right = common_prefix(draft, following)
        self.slot.tokens += real + draft[:right]
        self.counts.drafted += len(draft)
        self.counts.accepted += right
        return following[: right + 1]

    def _watch(self, choices: Array) -> None:
        """Wait for a pass, or give it up; what it had written of the cache stands behind the slot's tokens."""
        while not is_ready(choices):
            if self.cancelled():
                self.programs.give_up(choices)
                raise Cancelled
            time.sleep(_GLANCE)

    def _run(self, tokens: Int[np.ndarray, "1 T"] | Array, filled: int, last: int) -> Int[Array, "1 R"]:
        arrays, self.slot.arrays = self.slot.arrays, None
        assert arrays is not None
        choices, self.slot.arrays = self.programs.choose(arrays, self.sampler, tokens, filled, last)
        return choices
