"""Adapters beside the kernels: the low-rank products of layers that read the same activations, in two calls.

Ranks of neighbouring layers (q, k and v; gate and up) stand in one matrix A, and each B has zeros where the ranks of
the others are. Both are rounded to bfloat16, the scale being in B.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from codegem.kernels import ops
from codegem.kernels.dense import DenseMatrix
from codegem.model.linear import Linear
from codegem.model.lora import AdaptedLinear, map_layers
from codegem.model.transformer import Block

_GROUPS = (("attention", ("q", "k", "v")), ("attention", ("o",)), ("mlp", ("gate", "up")), ("mlp", ("down",)))


class Group(eqx.Module):
    """The adapters of layers with one input: y += (x Aᵀ) Bᵀ for those of them that have one.

    Attributes:
        a: [sum of ranks, in].
        b: [out, sum of ranks] of each layer, None where it has no adapter.
    """

    a: DenseMatrix
    b: tuple[DenseMatrix | None, ...]


class BlockAdapter(eqx.Module):
    """The adapters of a block."""

    qkv: Group | None
    o: Group | None
    gate_up: Group | None
    down: Group | None


def taken_apart(block: Block) -> tuple[Block, BlockAdapter | None]:
    """A block without its adapters, and those as the kernels take them."""
    parts = [_group([getattr(getattr(block, part), name) for name in names]) for part, names in _GROUPS]
    plain = map_layers(block, lambda name, weight: Linear(weight))
    return plain, BlockAdapter(*parts) if any(parts) else None


def _group(layers: Sequence[Linear | AdaptedLinear]) -> Group | None:
    pairs = [(layer.low_rank, layer.scale) if isinstance(layer, AdaptedLinear) else (None, 0.0) for layer in layers]
    ranks = [0 if pair is None else pair.a.shape[0] for pair, _ in pairs]
    if not any(ranks):
        return None
    a = np.concatenate([np.asarray(pair.a, np.float32) for pair, _ in pairs if pair is not None])
    b, start = [], 0
    for (pair, scale), rank in zip(pairs, ranks, strict=True):
        if pair is None:
            b.append(None)
            continue
        wide = np.zeros((pair.b.shape[0], sum(ranks)), np.float32)
        wide[:, start : start + rank] = scale * np.asarray(pair.b, np.float32)
        b.append(DenseMatrix.pack(wide))
        start += rank
    return Group(DenseMatrix.pack(a), tuple(b))


def products(
    rows: Float[Array, "T K"],
    weights: Sequence[ops.Matrix],
    group: Group | None,
    *,
    norm: Float[Array, "K"] | None = None,
    eps: float = 1e-6,
) -> list[Float[Array, "T N"]]:
    """`ops.products` of layers with one input, their adapters included."""
    if group is None:
        return list(ops.products(rows, weights, norm=norm, eps=eps))
    if isinstance(weights[0], DenseMatrix):  # A goes along
        *made, narrow = ops.products(rows, [*weights, group.a], norm=norm, eps=eps)
    else:
        made = list(ops.products(rows, weights, norm=norm, eps=eps))
        (narrow,) = ops.products(rows, [group.a], norm=norm, eps=eps)
    changes = iter(ops.products(narrow, [b for b in group.b if b is not None]))
    return [y if b is None else y + next(changes) for y, b in zip(made, group.b, strict=True)]


def product_added(
    rows: Float[Array, "T K"], weight: ops.Matrix, group: Group | None, residual: Float[Array, "T N"]
) -> Float[Array, "T N"]:
    """`ops.product_added` of one layer, its adapter included."""
    if group is None or group.b[0] is None:
        return ops.product_added(rows, weight, residual)
    (narrow,) = ops.products(rows, [group.a])
    return ops.product_added(narrow, group.b[0], ops.product_added(rows, weight, residual))


def mlp(rows: Float[Array, "T D"], block: Block, adapter: BlockAdapter) -> Float[Array, "T D"]:
    """`ops.mlp` of a block, its adapters included."""
    layers, norm = block.mlp, block.mlp_norm
    weights = [layers.gate.weight, layers.up.weight]
    gate, up = products(rows, weights, adapter.gate_up, norm=norm.scale, eps=norm.eps)
    return product_added(gelu(gate) * up, layers.down.weight, adapter.down, rows)


def gelu(x: Float[Array, "T D"]) -> Float[Array, "T D"]:
    """The tanh form of GELU, whose every number depends on nothing but itself."""
    return 0.5 * x * (1.0 + jnp.tanh((2.0 / jnp.pi) ** 0.5 * (x + 0.044715 * x**3)))
