"""What the device computes for the engine, as compiled programs over flat lists of arrays.

A model is a tree of some hundred small objects. Flattening it for every call took longer than starting the
call, so it is flattened once, and caches stay flat as well.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from codegem.inference.pieces import DRAFT_PASSES
from codegem.inference.sampling import Sampler
from codegem.kernels.library import giving_up
from codegem.model.fused import FusedTransformer
from codegem.model.transformer import Transformer

Arrays = list[Array]
Step = Callable[..., Any]


class Programs:
    """One model, ready to read tokens. Positions stand on axis 1 of every array of a cache."""

    def __init__(self, model: Transformer | FusedTransformer):
        self._model = model
        self._weights, tree = jax.tree.flatten(model)
        self._shapes = lru_cache(partial(_cache_shapes, model))
        cache_tree = jax.tree.structure(self._shapes(1, 1))
        self._choose, self._logits, self._steps = _compiled(tree, cache_tree)
        self._running: list[Array] = []

    def choose(
        self, cache: Arrays, sampler: Sampler, tokens: Int[np.ndarray, "1 T"] | Array, filled: int, last: int
    ) -> tuple[Int[Array, "1 R"], Arrays]:
        """Read T tokens behind `filled` positions.

        Args:
            cache: given up; the new one holds the same and the T tokens.
            last: the index of the last real token among the T; padding stands behind it.

        Returns:
            The token chosen after each of the T, or after the `last` alone (R = 1) where T is larger than any
            pass that checks a draft; and the cache.
        """
        choices, cache = self._choose(self._weights, cache, sampler, tokens, _one(filled), _one(last))
        self._running = [other for other in self._running if not is_ready(other)] + [choices]
        return choices, cache

    def give_up(self, choices: Array) -> None:
        """Have the pass that gives `choices` end at once, where kernels compute it; they and its cache are spoiled.

        Kernels know no passes, so the others that run are waited for.
        """
        for other in self._running:
            if other is not choices:
                other.block_until_ready()
        with giving_up():
            choices.block_until_ready()

    def logits(self, cache: Arrays, tokens: Int[np.ndarray, "1 T"], filled: int) -> tuple[Float[Array, "T V"], Arrays]:
        """Read T tokens behind `filled` positions; the logits after each of them, and the cache."""
        return self._logits(self._weights, cache, tokens, _one(filled))

    def pick(self, sampler: Sampler, logits: Float[np.ndarray, "V"], position: int) -> int:
        """What a sampler takes of these for a position."""
        return int(_pick(sampler, logits, _one(position))[0])

    def steps(
        self,
        cache: Arrays,
        sampler: Sampler,
        tokens: Int[Array | np.ndarray, "B"],
        filled: Int[np.ndarray, "B"],
        count: int = 1,
    ) -> tuple[Int[Array, "count B"], Int[Array, "B"], Arrays]:
        """Read one token behind the `filled` positions of each row, then the token that follows, and so on.

        What would stand behind the end of a row stands at its last position, and is of no account.

        Args:
            cache: of B rows; given up.
            sampler: chooses one token for each row.
            count: of tokens for each row; every one is a program of its own.

        Returns:
            The tokens chosen, the last of them once more, and the cache.
        """
        return self._steps(self._weights, cache, sampler, tokens, filled, count=count)

    def join(
        self,
        cache: Arrays,
        tokens: Int[Array, "B"],
        row: int,
        text: Arrays,
        choices: Int[Array, "1 R"],
        at: int,
    ) -> tuple[Arrays, Int[Array, "B"]]:
        """Put a text that was read by itself into a row.

        Args:
            cache: of B rows; given up. `tokens` are what their next step reads.
            text: a cache of one row; only as many positions as the rows have are copied.
            choices: made by the last pass over the text; that `at` is the token which follows it.

        Returns:
            The cache of B rows and the tokens, with those of the text.
        """
        return _join(cache, tokens, np.int32(row), text, choices, np.int32(at))

    def size(self, capacity: int) -> int:
        """Bytes of a cache of one row."""
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(self._shapes(1, capacity)))

    def cache(
        self, capacity: int, rows: int = 1, *, old: Sequence[Array | np.ndarray] | None = None, kept: int = 0
    ) -> Arrays:
        """A cache with the first `kept` positions of the first rows from `old`, and zeros elsewhere.

        It is made by the host: `jnp.zeros` would compile a program in every process, and a slice one for every
        number of positions.
        """
        made = [np.zeros(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(self._shapes(rows, capacity))]
        for new, leaf in zip(made, old or (), strict=bool(old)):
            common = min(rows, len(leaf))
            new[:common, :kept] = np.asarray(leaf)[:common, :kept]
        return jax.device_put(made)


def is_ready(made: Array) -> bool:
    """Whether the program that makes an array is done."""
    return made.is_ready()  # type: ignore[attr-defined]  # which every array has that is not traced


def _cache_shapes(model: Transformer | FusedTransformer, rows: int, capacity: int) -> Sequence[Any]:
    return jax.eval_shape(lambda: model.init_cache(rows, capacity))


@jax.jit
def _pick(sampler: Sampler, logits: Array, positions: Array) -> Array:
    return sampler(logits[None], positions)


@partial(jax.jit, donate_argnames="cache")
def _join(cache: Arrays, tokens: Array, row: Array, text: Arrays, choices: Array, at: Array) -> tuple[Arrays, Array]:
    def put(rows: Array, one: Array) -> Array:
        # As integers: XLA on CPUs copies bfloat16 number by number, which takes five times as long.
        bits = jnp.dtype(f"uint{8 * rows.dtype.itemsize}")
        new = one[:, : rows.shape[1]].view(bits)
        return jax.lax.dynamic_update_slice_in_dim(rows.view(bits), new, row, axis=0).view(rows.dtype)

    return [put(*pair) for pair in zip(cache, text, strict=True)], tokens.at[row].set(choices[0, at])


@lru_cache(maxsize=16)
def _compiled(model_tree: Any, cache_tree: Any) -> tuple[Step, Step, Step]:
    """The programs of every model of one form; JAX compiles them for each size that is used."""

    def extend(
        weights: Arrays, cache: Arrays, tokens: Array, filled: Array, last: Array | None = None
    ) -> tuple[Transformer, Array, Arrays]:
        model = jax.tree.unflatten(model_tree, weights)
        hidden, extended = model.extend(tokens, jax.tree.unflatten(cache_tree, cache), filled, last)
        return model, hidden, jax.tree.leaves(extended)

    @partial(jax.jit, donate_argnames="cache")
    def choose(weights: Arrays, cache: Arrays, sampler: Sampler, tokens: Array, filled: Array, last: Array):
        is_long = tokens.shape[1] > max(DRAFT_PASSES)
        at = last if is_long else jnp.arange(tokens.shape[1])
        model, hidden, cache = extend(weights, cache, tokens, filled, last if is_long else None)
        return sampler(model.unembed(hidden)[0], filled + at + 1)[None], cache

    @partial(jax.jit, donate_argnames="cache")
    def logits(weights: Arrays, cache: Arrays, tokens: Array, filled: Array):
        model, hidden, cache = extend(weights, cache, tokens, filled)
        return model.unembed(hidden)[0], cache

    @partial(jax.jit, donate_argnames="cache", static_argnames="count")
    def steps(weights: Arrays, cache: Arrays, sampler: Sampler, tokens: Array, filled: Array, count: int):
        # A loop on the device would take a tenth longer: it copies the cache.
        made, last = [], cache[0].shape[1] - 1
        for at in range(count):
            model, hidden, cache = extend(weights, cache, tokens[:, None], jnp.minimum(filled + at, last))
            tokens = sampler(model.unembed(hidden)[:, 0], filled + at + 1)
            made.append(tokens)
        return jnp.stack(made), tokens, cache

    return choose, logits, steps


def _one(number: int) -> np.ndarray:
    return np.array([number], np.int32)
