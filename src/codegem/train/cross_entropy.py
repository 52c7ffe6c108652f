"""The loss of a language model without its logits standing whole in memory."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from codegem.kernels import training_ops
from codegem.model.linear import dot, transposed
from codegem.model.sharding import on_one_cpu

ROWS = 512  # rows whose logits stand at once: 16 MB of float32 for 8192 pieces


def cross_entropy(
    hidden: Float[Array, "rows D"],
    embedding: Float[Array, "V D"],
    targets: Int[Array, "rows"],
    weights: Float[Array, "rows"],
) -> Float[Array, ""]:
    """Sum over rows of weight · (logsumexp(logits) - logits[target]), logits = hidden · embeddingᵀ in float32.

    Differentiable in `hidden` and `embedding`. On CPUs a kernel does it in bfloat16; its sums of products are
    float32 as well.
    """
    padded = _filled_up(hidden, targets, weights, multiple=training_ops.MULTIPLE)
    if on_one_cpu() and training_ops.fits([padded[0], embedding], *embedding.shape):
        rows, targets, weights = padded
        return training_ops.cross_entropy(rows, embedding, targets.astype(jnp.int32), weights)
    return _in_plain_jax(hidden, embedding, targets, weights)


@jax.custom_vjp
def _in_plain_jax(hidden: Array, embedding: Array, targets: Array, weights: Array) -> Array:
    """Both gradients are made in the forward pass, while a block's logits are at hand, so no logit is computed twice.

    The idea of Cut Cross-Entropy, arXiv 2411.09009.
    """

    def add(total: Array, rows: Any) -> tuple[Array, None]:
        return total + _loss_of_block(rows, embedding), None

    return jax.lax.scan(add, jnp.zeros(()), _in_blocks(hidden, targets, weights))[0]


def _forward(hidden: Array, embedding: Array, targets: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    d_embedding = jnp.zeros(embedding.shape, jnp.float32)

    def block(carry: tuple[Array, Array], rows: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        loss, d_embedding = carry
        block_loss, d_logits = _loss_and_gradient(rows, embedding)
        d_embedding += dot(transposed(d_logits), rows[0], 1, 0)
        return (loss + block_loss, d_embedding), dot(d_logits, embedding, 1, 0).astype(hidden.dtype)

    rows = _in_blocks(hidden, targets, weights)
    (loss, d_embedding), d_hidden = jax.lax.scan(block, (jnp.zeros(()), d_embedding), rows)
    return loss, (d_hidden.reshape(-1, hidden.shape[-1])[: len(hidden)], d_embedding.astype(embedding.dtype))


def _backward(saved: tuple[Array, Array], d_loss: Array) -> tuple[Array, Array, None, None]:
    d_hidden, d_embedding = saved
    return d_hidden * d_loss.astype(d_hidden.dtype), d_embedding * d_loss.astype(d_embedding.dtype), None, None


_in_plain_jax.defvjp(_forward, _backward)


def _loss_of_block(rows: tuple[Array, Array, Array], embedding: Array) -> Array:
    hidden, targets, weights = rows
    logits = dot(hidden, embedding, 1, 1)
    chosen = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    return jnp.sum(weights * (jax.nn.logsumexp(logits, axis=-1) - chosen))


def _loss_and_gradient(rows: tuple[Array, Array, Array], embedding: Array) -> tuple[Array, Array]:
    hidden, targets, weights = rows
    logits = dot(hidden, embedding, 1, 1)
    log_sum = jax.nn.logsumexp(logits, axis=-1)
    chosen = jnp.take_along_axis(logits, targets[:, None], axis=-1)[:, 0]
    right = targets[:, None] == jnp.arange(logits.shape[-1])
    d_logits = (jnp.exp(logits - log_sum[:, None]) - right) * weights[:, None]
    return jnp.sum(weights * (log_sum - chosen)), d_logits.astype(hidden.dtype)


def _in_blocks(*arrays: Array) -> Any:
    """Rows in blocks of `ROWS`, the last one filled up with rows of weight 0."""
    return tuple(a.reshape(-1, ROWS, *a.shape[1:]) for a in _filled_up(*arrays, multiple=ROWS))


def _filled_up(*arrays: Array, multiple: int) -> list[Array]:
    missing = -len(arrays[0]) % multiple
    return [jnp.pad(a, [(0, missing)] + [(0, 0)] * (a.ndim - 1)) for a in arrays] if missing else list(arrays)
