"""Exact attention over whole sequences, a block of queries at a time.

The backward pass makes the attention weights again from the saved log-sum-exp instead of keeping them,
as FlashAttention does (arXiv 2205.14135): memory grows with one block's rows, and keys that stand after
a block are never multiplied. Plain JAX, so that it runs on every device.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from codegem.model.linear import dot

BLOCK = 256  # queries; 128 and 512 were slower on CPUs
_MASKED = -1e30  # finite: a masked logit gives weight 0 and never NaN


def blockwise_attention(
    q: Float[Array, "B T N H"],
    k: Float[Array, "B T K H"],
    v: Float[Array, "B T K H"],
    segment_ids: Int[Array, "B T"],
) -> Float[Array, "B T N H"]:
    """Softmax attention to earlier positions of the same segment; `q` is scaled already.

    Each of K key/value heads serves N/K query heads.
    """
    batch, length, heads, size = q.shape
    grouped = q.reshape(batch, length, k.shape[2], -1, size).transpose(0, 2, 3, 1, 4)
    over_heads = jax.vmap(_one_head, in_axes=(0, 0, 0, None))
    mixed = jax.vmap(over_heads)(grouped, k.swapaxes(1, 2), v.swapaxes(1, 2), segment_ids)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(batch, length, heads, size)


def block_attention(
    q: Float[Array, "G T H"], k: Float[Array, "S H"], v: Float[Array, "S H"], visible: Bool[Array, "T S"]
) -> tuple[Float[Array, "G T H"], Float[Array, "G T"]]:
    """Output and log-sum-exp of one block of queries to one key/value head."""
    groups, length, size = q.shape
    logits = jnp.where(visible, dot(_rows(q), k, 1, 1).reshape(groups, length, -1), _MASKED)
    largest = logits.max(axis=-1, keepdims=True)
    weights = jnp.exp(logits - largest)
    total = weights.sum(axis=-1, keepdims=True)
    mixed = dot(_rows(weights).astype(v.dtype), v, 1, 0).reshape(groups, length, size)
    return (mixed / total).astype(q.dtype), (largest + jnp.log(total))[..., 0]


@jax.custom_vjp
def _one_head(
    q: Float[Array, "G T H"], k: Float[Array, "T H"], v: Float[Array, "T H"], segments: Int[Array, "T"]
) -> Float[Array, "G T H"]:
    return _forward(q, k, v, segments)[0]


def _forward(q: Array, k: Array, v: Array, segments: Array) -> tuple[Array, tuple[Array, ...]]:
    blocks = [
        block_attention(q[:, rows], k[: rows.stop], v[: rows.stop], _visible(segments, rows))
        for rows in _blocks(q.shape[1])
    ]
    mixed, log_sums = (jnp.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
    return mixed, (q, k, v, segments, mixed, log_sums)


def _backward(saved: tuple[Array, ...], d_mixed: Array) -> tuple[Array, Array, Array, None]:
    q, k, v, segments, mixed, log_sums = saved
    delta = jnp.sum(mixed.astype(jnp.float32) * d_mixed.astype(jnp.float32), axis=-1)
    dk, dv, dq = jnp.zeros(k.shape, jnp.float32), jnp.zeros(v.shape, jnp.float32), []
    for rows in _blocks(q.shape[1]):
        visible = _visible(segments, rows)
        keys, values = k[: rows.stop], v[: rows.stop]
        weights = _weights(q[:, rows], keys, visible, log_sums[:, rows])
        d_out = _rows(d_mixed[:, rows])
        d_logits = (weights * (dot(d_out, values, 1, 1) - delta[:, rows].reshape(-1, 1))).astype(q.dtype)
        dq.append(dot(d_logits, keys, 1, 0).reshape(q[:, rows].shape))
        dk = dk.at[: rows.stop].add(dot(d_logits, _rows(q[:, rows]), 0, 0))
        dv = dv.at[: rows.stop].add(dot(weights.astype(v.dtype), d_out, 0, 0))
    return jnp.concatenate(dq, axis=1).astype(q.dtype), dk.astype(k.dtype), dv.astype(v.dtype), None


_one_head.defvjp(_forward, _backward)


def _weights(q: Array, k: Array, visible: Array, log_sums: Array) -> Float[Array, "rows S"]:
    groups, length, _ = q.shape
    logits = dot(_rows(q), k, 1, 1).reshape(groups, length, -1)
    return _rows(jnp.where(visible, jnp.exp(logits - log_sums[..., None]), 0.0))


def _visible(segments: Array, rows: slice) -> Array:
    same = segments[rows, None] == segments[None, : rows.stop]
    return same & (jnp.arange(rows.start, rows.stop)[:, None] >= jnp.arange(rows.stop))


def _blocks(length: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
