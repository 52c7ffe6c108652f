"""Log-probabilities of tokens that stand in a text, differentiable, without all logits in memory at once."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from codegem.model.linear import dot, transposed
from codegem.model.sharding import by_rows
from codegem.model.transformer import Transformer, cast
from codegem.train.cross_entropy import ROWS
from codegem.train.recipe import TrainRecipe
from codegem.train.step import hidden_of

INPUTS = ("tokens", "positions", "segment_ids", "places", "targets")  # what `token_logprobs` takes of a batch


def token_logprobs(model: Transformer, batch: Mapping[str, Any], recipe: TrainRecipe) -> Float[Array, "B A"]:
    """Natural logarithm of the probability of each token of some answers, at temperature 1, in float32.

    Args:
        batch: tokens, positions and segment_ids [B, T], places and targets [B, A]; see `turns.answer_row`.
        recipe: says in which dtype is computed, and what is kept for the backward pass.

    >>> from codegem.model.config import ModelConfig
    >>> from codegem.train.turns import answer_row
    >>> recipe = TrainRecipe(ModelConfig(32, 1, 8, 1, 1, 8, 16, context_length=8), 1, 1, 1, 1e-3, 0)
    >>> model = Transformer.init(recipe.model, jax.random.key(0))
    >>> row = answer_row([2, 5], [7, 1], length=6, most=3)
    >>> token_logprobs(model, {name: value[None] for name, value in row.items()}, recipe).shape
    (1, 3)
    """
    model = cast(model, recipe.dtype)
    hidden = hidden_of(model, batch, recipe)
    hidden = jnp.take_along_axis(hidden, batch["places"][..., None], axis=1)
    return by_rows(_of_rows, hidden, batch["targets"], summed=False, embedding=model.embedding)


def _of_rows(hidden: Float[Array, "B A D"], targets: Int[Array, "B A"], embedding: Array) -> Float[Array, "B A"]:
    return target_logprobs(hidden.reshape(-1, hidden.shape[-1]), embedding, targets.reshape(-1)).reshape(targets.shape)


@jax.custom_vjp
def target_logprobs(
    hidden: Float[Array, "rows D"], embedding: Float[Array, "V D"], targets: Int[Array, "rows"]
) -> Float[Array, "rows"]:
    """logits[target] - logsumexp(logits) of each row, logits = hidden · embeddingᵀ in float32.

    `cross_entropy` makes its gradients in the forward pass, for which the weight of a row must be known. Here it
    depends on other rows, so the logits of a block are computed again in the backward pass.
    """
    return _forward(hidden, embedding, targets)[0]


def _forward(hidden: Array, embedding: Array, targets: Array) -> tuple[Array, tuple[Array, ...]]:
    def block(rows: tuple[Array, Array]) -> tuple[Array, Array]:
        logits = dot(rows[0], embedding, 1, 1)
        log_sum = jax.nn.logsumexp(logits, axis=-1)
        right = rows[1][:, None] == jnp.arange(logits.shape[-1])  # a sum splits over devices, and a gather does not
        return jnp.sum(jnp.where(right, logits, 0.0), axis=-1) - log_sum, log_sum

    found, log_sums = jax.lax.map(block, (_in_blocks(hidden), _in_blocks(targets)))
    return found.reshape(-1)[: len(hidden)], (hidden, embedding, targets, log_sums.reshape(-1)[: len(hidden)])


def _backward(saved: tuple[Array, ...], d_found: Array) -> tuple[Array, Array, None]:
    hidden, embedding, targets, log_sums = saved

    def block(d_embedding: Array, rows: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        hidden, targets, log_sums, d_found = rows
        probabilities = jnp.exp(dot(hidden, embedding, 1, 1) - log_sums[:, None])
        right = targets[:, None] == jnp.arange(probabilities.shape[-1])
        d_logits = ((right - probabilities) * d_found[:, None]).astype(hidden.dtype)
        d_embedding += dot(transposed(d_logits), hidden, 1, 0)
        return d_embedding, dot(d_logits, embedding, 1, 0).astype(hidden.dtype)

    rows = _in_blocks(hidden), _in_blocks(targets), _in_blocks(log_sums), _in_blocks(d_found)
    d_embedding, d_hidden = jax.lax.scan(block, jnp.zeros(embedding.shape, jnp.float32), rows)
    return d_hidden.reshape(-1, hidden.shape[-1])[: len(hidden)], d_embedding.astype(embedding.dtype), None


target_logprobs.defvjp(_forward, _backward)


def _in_blocks(rows: Array) -> Array:
    """Rows in blocks of `ROWS`, the last one filled up with zeros; no gradient comes back for these."""
    padded = jnp.pad(rows, [(0, -len(rows) % ROWS)] + [(0, 0)] * (rows.ndim - 1))
    return padded.reshape(-1, ROWS, *rows.shape[1:])
