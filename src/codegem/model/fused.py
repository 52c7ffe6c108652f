"""A model regrouped for CPUs: each block is four calls of the C++ kernels.

    norm, q, k, v  |  RoPE, cache, attention  |  o, added to the residual
    norm, gate, up, GELU, their product, down, added to the residual

The arithmetic is the block's, with three differences: the residual stream and all that is between the products are
float32; keys and values are kept in bfloat16; and what enters a product of quantized weights is rounded to 8 bits, with
a scale for each block of columns. Adapters (`model.lora`) add calls of their own, as `fused_lora` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from codegem.kernels import ops
from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model import fused_lora
from codegem.model.attention import LayerCache
from codegem.model.config import ModelConfig
from codegem.model.fused_lora import BlockAdapter, taken_apart
from codegem.model.transformer import Block, RMSNorm, Transformer, at_last, embed, empty_cache


class FusedTransformer(eqx.Module):
    """What `fuse` makes: `extend`, `unembed` and `init_cache` of a `Transformer`, by the kernels."""

    embedding: ops.Matrix
    blocks: tuple[Block, ...]
    adapters: tuple[BlockAdapter | None, ...]
    final_norm: RMSNorm
    config: ModelConfig = eqx.field(static=True)

    def extend(
        self,
        tokens: Int[Array, "B T"],
        cache: Sequence[LayerCache],
        lengths: Int[Array, "B"],
        last: Int[Array, "B"] | None = None,
    ) -> tuple[Float[Array, "B R D"], tuple[LayerCache, ...]]:
        """As `Transformer.extend`, but before the final norm, which is a part of `unembed`.

        A row's activations are the same, bit for bit, whatever T is; XLA's own norm would differ in the last bit.
        """
        x = embed(tokens, self.embedding)
        extended = []
        for block, adapter, layer in zip(self.blocks, self.adapters, cache, strict=True):
            x, layer = _extend_block(block, adapter, x, layer, lengths, last if block is self.blocks[-1] else None)
            extended.append(layer)
        return x, tuple(extended)

    def unembed(self, hidden: Float[Array, "*batch D"]) -> Float[Array, "*batch V"]:
        """The final norm, and float32 logits by the tied embedding."""
        norm = self.final_norm
        (logits,) = ops.products(_rows(hidden), [self.embedding], norm=norm.scale, eps=norm.eps)
        return logits.reshape(*hidden.shape[:-1], -1)

    def init_cache(self, batch: int, capacity: int, dtype: DTypeLike = jnp.bfloat16) -> tuple[LayerCache, ...]:
        """An empty cache for `capacity` positions."""
        return empty_cache(self.config, batch, capacity, dtype)


def fuse(model: Transformer) -> Transformer | FusedTransformer:
    """The same weights in the form that runs fastest here.

    Packed matrices are not copied; bfloat16 ones are packed. A model of other matrices, or a process without the
    kernels, keeps the model as it is.
    """
    if not ops.available():
        return model
    joined = model
    blocks, adapters = zip(*map(taken_apart, model.blocks), strict=True)
    model = replace(model, blocks=blocks)
    if _all(model, lambda matrix: getattr(matrix, "dtype", None) == jnp.bfloat16):
        model = jax.tree.map(pack, model, is_leaf=lambda leaf: isinstance(leaf, DenseMatrix))
    kind = type(model.embedding)
    if kind not in (QuantizedMatrix, DenseMatrix) or not _all(model, lambda matrix: type(matrix) is kind):
        return joined
    return FusedTransformer(model.embedding, model.blocks, adapters, model.final_norm, model.config)


def pack(leaf: Any) -> Any:
    """A leaf of a model as the kernels take it: matrices in bfloat16, the scales of norms as they are."""
    if isinstance(leaf, DenseMatrix):
        return leaf
    return DenseMatrix.pack(leaf) if leaf.ndim > 1 else jax.device_put(leaf)


@jax.jit
def _extend_block(
    block: Block,
    adapter: BlockAdapter | None,
    x: Float[Array, "B T D"],
    cache: LayerCache,
    lengths: Int[Array, "B"],
    last: Int[Array, "B"] | None,
) -> tuple[Float[Array, "B R D"], LayerCache]:
    """`Block.extend` in four calls, and some more with an adapter; traced once for all layers, and XLA inlines it."""
    attention, mlp, config = block.attention, block.mlp, block.attention.config
    rows = _rows(x)
    norm = block.attention_norm
    projections = [layer.weight for layer in (attention.q, attention.k, attention.v)]
    made = fused_lora.products(rows, projections, adapter and adapter.qkv, norm=norm.scale, eps=norm.eps)
    q, k, v = (part.reshape(*x.shape[:2], -1, config.head_dim) for part in made)
    mixed, keys, values = ops.attend_cached(q, k, v, cache.keys, cache.values, lengths, theta=config.rope_theta)
    mixed = mixed.reshape(*x.shape[:2], -1)
    if last is not None:
        mixed, x = at_last(mixed, last), at_last(x, last)
    rows = fused_lora.product_added(_rows(mixed), attention.o.weight, adapter and adapter.o, _rows(x))
    if adapter is not None and (adapter.gate_up or adapter.down):
        rows = fused_lora.mlp(rows, block, adapter)
    else:
        norm = block.mlp_norm
        rows = ops.mlp(rows, mlp.gate.weight, mlp.up.weight, mlp.down.weight, norm=norm.scale, eps=norm.eps)
    return rows.reshape(x.shape), LayerCache(keys, values)


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _all(model: Transformer, holds: Callable[[Any], bool]) -> bool:
    """Whether something holds for every matrix."""
    matrices = [model.embedding]
    for block in model.blocks:
        attention, mlp = block.attention, block.mlp
        layers = (attention.q, attention.k, attention.v, attention.o, mlp.gate, mlp.up, mlp.down)
        matrices += [layer.weight for layer in layers]
    return all(map(holds, matrices))
