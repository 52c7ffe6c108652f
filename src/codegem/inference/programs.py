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
Step = Callable[..., tuple[Any, Arrays]]


class Programs:
    """One model, ready to read tokens. Positions stand on axis 1 of every array of a cache."""

    def __init__(self, model: Transformer | FusedTransformer):
        self._model = model
        self._weights, tree = jax.tree.flatten(model)
        self._shapes = lru_cache(partial(_cache_shapes, model))
        self._choose, self._logits = _compiled(tree, jax.tree.structure(self._shapes(1)))
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

    def size(self, capacity: int) -> int:
        """Bytes of a cache."""
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(self._shapes(capacity)))

    def cache(self, capacity: int, old: Arrays | None = None, kept: int = 0) -> Arrays:
        """A cache with the first `kept` positions of `old` and zeros behind them.

        It is made by the host: `jnp.zeros` would compile a program in every process, and a slice one for every
        number of positions.
        """
        made = [np.zeros(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(self._shapes(capacity))]
        for new, leaf in zip(made, old or (), strict=bool(old)):
            new[:, :kept] = np.asarray(leaf)[:, :kept]
        return jax.device_put(made)


def is_ready(made: Array) -> bool:
    """Whether the program that makes an array is done."""
    return made.is_ready()  # type: ignore[attr-defined]  # which every array has that is not traced


def _cache_shapes(model: Transformer | FusedTransformer, capacity: int) -> Sequence[Any]:
    return jax.eval_shape(lambda: model.init_cache(1, capacity))


@lru_cache(maxsize=16)
def _compiled(model_tree: Any, cache_tree: Any) -> tuple[Step, Step]:
    """The two programs of every model of one form; JAX compiles them for each size that is used."""

    def extend(weights: Arrays, cache: Arrays, tokens: Array, filled: Array) -> tuple[Transformer, Array, Arrays]:
        model = jax.tree.unflatten(model_tree, weights)
        hidden, extended = model.extend(tokens, jax.tree.unflatten(cache_tree, cache), filled)
        return model, hidden, jax.tree.leaves(extended)

    @partial(jax.jit, donate_argnames="cache")
    def choose(weights: Arrays, cache: Arrays, sampler: Sampler, tokens: Array, filled: Array, last: Array):
        model, hidden, cache = extend(weights, cache, tokens, filled)
        at = jnp.arange(tokens.shape[1])
        if len(at) > max(DRAFT_PASSES):
            hidden, at = jnp.take_along_axis(hidden, last[:, None, None], axis=1), last
        return sampler(model.unembed(hidden)[0], filled + at + 1)[None], cache

    @partial(jax.jit, donate_argnames="cache")
    def logits(weights: Arrays, cache: Arrays, tokens: Array, filled: Array):
        model, hidden, cache = extend(weights, cache, tokens, filled)
        return model.unembed(hidden)[0], cache

    return choose, logits


def _one(number: int) -> np.ndarray:
    return np.array([number], np.int32)
