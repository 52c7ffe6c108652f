"""The halves of a block as kernels for training on CPUs: one call forward and one backward for each.

They are taken where they fit: bfloat16 on a CPU without a mesh, plain weights, and sizes and lengths that are multiples
of 32. Elsewhere the block's own JAX form computes the same, up to bfloat16's rounding.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from codegem.kernels import training_ops
from codegem.model.attention import Attention
from codegem.model.linear import PACKED, Linear
from codegem.model.sharding import on_one_cpu


def attention_fits(attention: Attention, x: Float[Array, "B T D"]) -> bool:
    """Whether `add_attention` can be taken."""
    head = attention.config.head_dim
    return head <= training_ops.LARGEST_HEAD and _fit(x, _attention_layers(attention), head)


def mlp_fits(mlp: Any, x: Float[Array, "B T D"]) -> bool:
    """Whether `add_mlp` can be taken."""
    return _fit(x, [mlp.gate, mlp.up, mlp.down])


def add_attention(
    norm: Any,
    attention: Attention,
    x: Float[Array, "B T D"],
    positions: Int[Array, "B T"],
    segment_ids: Int[Array, "B T"],
) -> Float[Array, "B T D"]:
    """x + attention(norm(x))."""
    head, half = attention.config.head_dim, attention.config.head_dim // 2
    frequency = attention.config.rope_theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions.reshape(-1, 1).astype(jnp.float32) * frequency
    weights = [layer.weight for layer in _attention_layers(attention)]
    tables = jnp.cos(angle), jnp.sin(angle), segment_ids.astype(jnp.int32)
    added: Any = training_ops.attention(_rows(x), norm.scale, *weights, *tables, head, norm.eps)
    return added.reshape(x.shape)


def add_mlp(norm: Any, mlp: Any, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
    """x + mlp(norm(x)), `mlp` being a GeGLU."""
    weights = mlp.gate.weight, mlp.up.weight, mlp.down.weight
    added: Any = training_ops.mlp(_rows(x), norm.scale, *weights, norm.eps)
    return added.reshape(x.shape)


def _fit(x: Array, layers: list[Any], *sizes: int) -> bool:
    if not on_one_cpu():
        return False
    if not all(type(layer) is Linear and not isinstance(layer.weight, PACKED) for layer in layers):
        return False
    weights = [layer.weight for layer in layers]
    return training_ops.fits([x, *weights], *x.shape[1:], *(n for weight in weights for n in weight.shape), *sizes)


def _attention_layers(attention: Attention) -> list[Any]:
    return [attention.q, attention.k, attention.v, attention.o]


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
