"""Choosing the next token."""

from collections.abc import Sequence
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from codegem.inference.settings import check_settings

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

    With a `k` that is not 0 among the `k` likeliest, if those are fewer; equals of the last of them come in as well.
    The randomness of a token depends on the seed and its position alone, so a text can be made again
    whatever ran beside it.
    """

    temperature: Float[np.ndarray, ""]
    p: Float[np.ndarray, ""]
    seed: UInt32[np.ndarray, ""]
    k: Int[np.ndarray, ""]

    def __call__(self, logits: Float[Array, "R V"], positions: Int[Array, "R"]) -> Int[Array, "R"]:
        return jax.lax.map(lambda row: self._one(*row), (logits, positions))

    def _one(self, logits: Float[Array, "V"], position: Int[Array, ""]) -> Int[Array, ""]:
        probabilities = _rows(jax.nn.softmax(logits / self.temperature)[None], 0.0)[0]
        kept = jnp.where(probabilities >= _least_kept(probabilities, self.p, self.k), probabilities, 0.0)
        key = jax.random.fold_in(jax.random.key(self.seed), position)
        return _draw(kept, jax.random.uniform(key)).astype(jnp.int32)


class PerRow(eqx.Module):
    """Greedy and nucleus sampling in one pass, each of B rows by its own settings and with the choice it has alone.

    A temperature of 0 is greedy.
    """

    temperature: Float[np.ndarray, "B"]
    p: Float[np.ndarray, "B"]
    seed: UInt32[np.ndarray, "B"]
    k: Int[np.ndarray, "B"]

    def __call__(self, logits: Float[Array, "B V"], positions: Int[Array, "B"]) -> Int[Array, "B"]:
        return jax.lax.map(lambda row: _one_row(*row), (self.temperature, self.p, self.seed, self.k, logits, positions))


def _one_row(
    temperature: Array, p: Array, seed: Array, k: Array, logits: Float[Array, "V"], position: Array
) -> Int[Array, ""]:
    """What `Greedy` or `TopP` chooses."""
    return jax.lax.cond(
        temperature > 0,
        lambda: TopP(temperature, p, seed, k)._one(logits, position),  # type: ignore[arg-type]  # traced
        lambda: Greedy()(logits[None], position[None])[0],
    )


def per_row(samplers: Sequence[Sampler | None]) -> Sampler:
    """One sampler for rows that have these, Greedy or TopP; what is chosen for a row without one is of no account."""
    sampled = [choose if isinstance(choose, TopP) else None for choose in samplers]
    if not any(sampled):
        return Greedy()
    return PerRow(
        np.array([choose.temperature if choose else 0 for choose in sampled], np.float32),
        np.array([choose.p if choose else 1 for choose in sampled], np.float32),
        np.array([choose.seed if choose else 0 for choose in sampled], np.uint32),
        np.array([choose.k if choose else 0 for choose in sampled], np.int32),
    )


def _rows(a: Float[Array, "R V"], filler: float) -> Float[Array, "R rows 512"]:
    """The vocabulary in rows. XLA on CPUs reduces 256,000 numbers ten times as fast in two steps as in one."""
    padded = jnp.pad(a, ((0, 0), (0, -a.shape[1] % _ROW)), constant_values=filler)
    return padded.reshape(len(a), -1, _ROW)


def _least_kept(
    probabilities: Float[Array, "rows 512"], p: Float[np.ndarray, ""], k: Int[np.ndarray, ""]
) -> Float[Array, ""]:
    """The largest bound with which the tokens at or above it reach `p` together, or are `k`.

    Found by bisection over the bits of a float32, whose order is that of the numbers; sorting 256,000 takes
    fifty times as long.
    """

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = low + (high - low) // 2
        kept = probabilities >= jax.lax.bitcast_convert_type(middle, jnp.float32)
        reached = jnp.where(kept, probabilities, 0.0).sum(axis=0).sum() >= p
        reached |= (k > 0) & (kept.sum() >= k)
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


def sampler(temperature: float, top_p: float, seed: int, top_k: int = 0) -> Sampler:
    """What chooses tokens for these settings; temperature 0 is greedy, and a `top_k` of 0 leaves all tokens.

    Raises:
        UserError: a number out of its range.
    """
    check_settings(temperature, top_p, seed, top_k)
    if temperature == 0:
        return Greedy()
    k = np.array(top_k, np.int32)
    return TopP(np.array(temperature, np.float32), np.array(top_p, np.float32), np.array(seed, np.uint32), k)
