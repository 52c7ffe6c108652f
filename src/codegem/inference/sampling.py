"""Choosing the next token, and noticing where a text ends."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from codegem.errors import UserError


class Greedy(eqx.Module):
    """The likeliest token; of equals the one with the smallest id."""

    def __call__(self, logits: Float[Array, "B V"], positions: Int[Array, "B"]) -> Int[Array, "B"]:
        return jnp.argmax(logits, axis=-1).astype(jnp.int32)


class TopP(eqx.Module):
    """Nucleus sampling (arXiv 1904.09751): among the likeliest tokens that together reach probability `p`.

    The randomness of a token depends on the seed and its position alone, so a text can be made again
    whatever ran beside it.
    """

    temperature: Float[np.ndarray, ""]
    p: Float[np.ndarray, ""]
    seed: UInt32[np.ndarray, ""]

    def __call__(self, logits: Float[Array, "B V"], positions: Int[Array, "B"]) -> Int[Array, "B"]:
        logits, ids = jax.lax.top_k(logits / self.temperature, logits.shape[-1])
        probabilities = jax.nn.softmax(logits, axis=-1)
        likelier = jnp.cumsum(probabilities, axis=-1) - probabilities
        logits = jnp.where(likelier < self.p, logits, -jnp.inf)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(self.seed), positions)
        chosen = jax.vmap(jax.random.categorical)(keys, logits)
        return jnp.take_along_axis(ids, chosen[:, None], axis=-1)[:, 0].astype(jnp.int32)


Sampler = Greedy | TopP


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
