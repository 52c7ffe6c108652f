"""A quantized model regrouped for CPUs: each block is five calls of the C++ kernels.

    norm, q, k, v  |  RoPE, cache, attention  |  o, added to the residual
    norm, gate, up, GELU, their product  |  down, added to the residual

The arithmetic is the block's, with three differences: the residual stream and all that is between the products are
float32, keys and values are kept in bfloat16, and what enters a product is rounded to 8 bits, with a scale for each
block of columns.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from codegem.kernels import ops
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.attention import LayerCache
from codegem.model.config import ModelConfig
from codegem.model.transformer import Block, RMSNorm, Transformer, embed, empty_cache


class FusedTransformer(eqx.Module):
    """What `fuse` makes: `extend`, `unembed` and `init_cache` of a `Transformer`, by the kernels."""

    embedding: QuantizedMatrix
    blocks: tuple[Block, ...]
    final_norm: RMSNorm
    config: ModelConfig = eqx.field(static=True)

    def extend(
        self, tokens: Int[Array, "B T"], cache: Sequence[LayerCache], lengths: Int[Array, "B"]
    ) -> tuple[Float[Array, "B T D"], tuple[LayerCache, ...]]:
        """As `Transformer.extend`, but before the final norm, which is a part of `unembed`.

        A row's activations are the same, bit for bit, whatever T is; XLA's own norm would differ in the last bit.
        """
        x = embed(tokens, self.embedding)
        extended = []
        for block, layer in zip(self.blocks, cache, strict=True):
            x, layer = _extend_block(block, x, layer, lengths)
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
    """The same weights, not copied, in the form that runs fastest here.

    A model that is not quantized, or a process without the kernels, keeps the model as it is.
    """
    matrices = [model.embedding, *(leaf for block in model.blocks for leaf in _matrices(block))]
    if not ops.available() or not all(isinstance(matrix, QuantizedMatrix) for matrix in matrices):
        return model
    return FusedTransformer(model.embedding, model.blocks, model.final_norm, model.config)  # type: ignore[arg-type]


@jax.jit
def _extend_block(
    block: Block, x: Float[Array, "B T D"], cache: LayerCache, lengths: Int[Array, "B"]
) -> tuple[Float[Array, "B T D"], LayerCache]:
    """`Block.extend` in five calls; traced once for all layers, and XLA inlines it."""
    attention, mlp, config = block.attention, block.mlp, block.attention.config
    rows = _rows(x)
    norm = block.attention_norm
    projections = [layer.weight for layer in (attention.q, attention.k, attention.v)]
    made = ops.products(rows, projections, norm=norm.scale, eps=norm.eps)
    q, k, v = (part.reshape(*x.shape[:2], -1, config.head_dim) for part in made)
    mixed, keys, values = ops.attend_cached(q, k, v, cache.keys, cache.values, lengths, theta=config.rope_theta)
    rows = ops.product_added(mixed.reshape(len(rows), -1), attention.o.weight, rows)
    norm = block.mlp_norm
    wide = ops.geglu(rows, mlp.gate.weight, mlp.up.weight, norm=norm.scale, eps=norm.eps)
    rows = ops.product_added(wide, mlp.down.weight, rows)
    return rows.reshape(x.shape), LayerCache(keys, values)


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _matrices(block: Block) -> list[object]:
    attention, mlp = block.attention, block.mlp
    layers = (attention.q, attention.k, attention.v, attention.o, mlp.gate, mlp.up, mlp.down)
    return [layer.weight for layer in layers]
