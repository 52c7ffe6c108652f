"""Choosing the next token, and noticing where a text ends."""

import math
from collections.abc import Sequence
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from codegem.errors import UserError

_ROW = 512  # a vocabulary is looked through in rows: see `_rows`


class Sampler(Protocol):
    """Chooses a token for each of R positions of one text; a pytree, because compiled programs take it.

    A choice depends on the logits and the position of its row alone, so that it is the same whether positions
    are computed one by one or together.
    """

    def __call__(self, logits: Float[Array, "R V"], positions: Int[Array, "R"]) -> Int[Array, "R"]:
        """Token ids.

        Args:
            positions: of the tokens to be chosen, counted from the beginning of the prompt.
        """
        ...


class Greedy(eqx.Module):
    """The likeliest token; of equals the one with the smallest id."""

    def __call__(self, logits: Float[Array, "R V"], positions: Int[Array, "R"]) -> Int[Array, "R"]:
        rows = _rows(logits, -jnp.inf)
        row = jnp.argmax(rows.max(axis=-1), axis=-1)
        inside = jnp.argmax(jnp.take_along_axis(rows, row[:, None, None], axis=1)[:, 0], axis=-1)
        return (row * _ROW + inside).astype(jnp.int32)


class TopP(eqx.Module):
    """Nucleus sampling (arXiv 1904.09751): among the likeliest tokens that together reach probability `p`.

    The randomness of a token depends on the seed and its position alone, so a text can be made again
    whatever ran beside it.
    """

    temperature: Float[np.ndarray, ""]
    p: Float[np.ndarray, ""]
    seed: UInt32[np.ndarray, ""]

    def __call__(self, logits: Float[Array, "R V"], positions: Int[Array, "R"]) -> Int[Array, "R"]:
        return jax.lax.map(lambda row: self._one(*row), (logits, positions))

    def _one(self, logits: Float[Array, "V"], position: Int[Array, ""]) -> Int[Array, ""]:
        probabilities = _rows(jax.nn.softmax(logits / self.temperature)[None], 0.0)[0]
        kept = jnp.where(probabilities >= _nucleus(probabilities, self.p), probabilities, 0.0)
        key = jax.random.fold_in(jax.random.key(self.seed), position)
        return _draw(kept, jax.random.uniform(key)).astype(jnp.int32)


def _rows(a: Float[Array, "R V"], filler: float) -> Float[Array, "R rows 512"]:
    """The vocabulary in rows. XLA on CPUs reduces 256,000 numbers ten times as fast in two steps as in one."""
    padded = jnp.pad(a, ((0, 0), (0, -a.shape[1] % _ROW)), constant_values=filler)
    return padded.reshape(len(a), -1, _ROW)


def _nucleus(probabilities: Float[Array, "rows 512"], p: Float[np.ndarray, ""]) -> Float[Array, ""]:
    """The largest bound with which the tokens at or above it reach `p` together.

    Found by bisection over the bits of a float32, whose order is that of the numbers; sorting 256,000 takes
    fifty times as long.
    """

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = low + (high - low) // 2
        bound = jax.lax.bitcast_convert_type(middle, jnp.float32)
        reached = jnp.where(probabilities >= bound, probabilities, 0.0).sum(axis=0).sum() >= p
        return jnp.where(reached, middle, low), jnp.where(reached, high, middle)

    above_1 = jnp.float32(1.0).view(jnp.int32) + 1
    low, _ = jax.lax.fori_loop(0, 30, halve, (jnp.int32(0), above_1))
    return jax.lax.bitcast_convert_type(low, jnp.float32)


def _draw(weights: Float[Array, "rows 512"], uniform: Float[Array, ""]) -> Int[Array, ""]:
    """The place where the running sum of `weights` passes the share `uniform` of the whole; never one of weight 0."""
    sums = weights.sum(axis=1)
    ends = jnp.cumsum(sums)
    row = _place(ends, sums, uniform * ends[-1])
    rest = uniform * ends[-1] - (ends[row] - sums[row])
    return row * _ROW + _place(jnp.cumsum(weights[row]), weights[row], rest)


def _place(ends: Float[Array, "n"], weights: Float[Array, "n"], at: Float[Array, ""]) -> Int[Array, ""]:
    """The first place of weight whose end lies behind `at`; rounding may leave none, then the last of weight."""
    inside = (ends > at) & (weights > 0)
    last = len(weights) - 1 - jnp.argmax(weights[::-1] > 0)
    return jnp.where(inside.any(), jnp.argmax(inside), last)


def sampler(temperature: float, top_p: float, seed: int) -> Sampler:
    """What chooses tokens for these settings; temperature 0 is greedy.

    Raises:
        UserError: a number out of its range.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UserError(f"The temperature is {temperature}; it must be 0 (the likeliest token) or more.")
    if not 0 < top_p <= 1:
        raise UserError(f"top_p is {top_p}; it must be above 0 and at most 1.")
    if not 0 <= seed < 2**32:
        raise UserError(f"The seed is {seed}; it must be from 0 to {2**32 - 1}.")
    if temperature == 0:
        return Greedy()
    return TopP(np.array(temperature, np.float32), np.array(top_p, np.float32), np.array(seed, np.uint32))


class StopStrings:
    """Cuts a stream of text before the first stop string, also where it spans several tokens.

    Text that may be the beginning of a stop string is held back until that is decided.

    >>> stream = StopStrings(["\\n\\n"])
    >>> [stream.push(text) for text in ("a = 1", "\\n", "b\\n", "\\nc")], stream.found
    (['a = 1', '', '\\nb', ''], True)
    """

    def __init__(self, strings: Sequence[str]):
        if "" in strings:
            raise UserError("A stop string is empty; leave it out to stop nowhere.")
        self._strings = tuple(strings)
        self._held = ""
        self.found = False

    def push(self, text: str) -> str:
        """The text that is now sure to stand before any stop string."""
        text, self._held = self._held + text, ""
        starts = [at for at in map(text.find, self._strings) if at >= 0]
        if starts:
            self.found = True
            return text[: min(starts)]
        sure = len(text) - max((_overlap(text, string) for string in self._strings), default=0)
        self._held = text[sure:]
        return text[:sure]

    def flush(self) -> str:
        """What was held back, once it is known that no more text comes."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, string: str) -> int:
    """How long an end of `text` is the beginning, but not the whole, of `string`."""
    longest = min(len(text), len(string) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(string[:size])), 0)
