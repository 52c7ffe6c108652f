"""A sampler that says a text which is known before, so that a model of random weights does a real one's work."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from codegem.inference.sampling import Greedy


class Replay(eqx.Module):
    """Chooses the given token at each position, and the likeliest one behind their end.

    The logits are computed and searched as they would be for greedy decoding: which of the two is taken is
    only known when the program runs.
    """

    tokens: Int[np.ndarray, "context"]

    @staticmethod
    def of(prompt: Sequence[int], answer: Sequence[int], context_length: int) -> "Replay":
        """Replay `answer` behind `prompt`; the length is fixed, so that one program serves all texts."""
        tokens = np.full(context_length, -1, np.int32)
        tokens[len(prompt) : len(prompt) + len(answer)] = answer
        return Replay(tokens)

    def __call__(self, logits: Float[Array, "R V"], positions: Int[Array, "R"]) -> Int[Array, "R"]:
        given = jnp.asarray(self.tokens).at[positions].get(mode="fill", fill_value=-1)
        return jnp.where(given < 0, Greedy()(logits, positions), given)
