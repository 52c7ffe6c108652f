"""Gemma 1: RMSNorm, GeGLU, the block and the transformer (arXiv 2403.08295)."""

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from codegem.model import fused_training
from codegem.model.attention import Attention, LayerCache
from codegem.model.config import ModelConfig
from codegem.model.flash import packed_attention
from codegem.model.linear import PACKED, Linear, Matrix, rows_of, wide_product
from codegem.model.sharding import by_heads, constrain, gathered

Remat = Literal["none", "mlp", "blocks"]


class RMSNorm(eqx.Module):
    """x · rsqrt(mean(x²) + eps) · (1 + scale), in float32; the scale is float32 whatever the compute dtype."""

    scale: Float[Array, "D"]
    eps: float = eqx.field(static=True)

    def __call__(self, x: Float[Array, "*batch D"]) -> Float[Array, "*batch D"]:
        wide = x.astype(jnp.float32)
        wide = wide * jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + self.eps)
        return (wide * (1.0 + self.scale.astype(jnp.float32))).astype(x.dtype)


class GeGLU(eqx.Module):
    """down(gelu(gate(x)) · up(x)) with the tanh approximation of GELU (arXiv 2002.05202)."""

    gate: Linear
    up: Linear
    down: Linear

    @staticmethod
    def init(config: ModelConfig, key: Array, *, out_scale: float, dtype: jnp.dtype) -> "GeGLU":
        """Random weights."""
        gate, up, down = jax.random.split(key, 3)
        return GeGLU(
            gate=Linear.init(config.d_model, config.d_mlp, gate, dtype=dtype),
            up=Linear.init(config.d_model, config.d_mlp, up, dtype=dtype),
            down=Linear.init(config.d_mlp, config.d_model, down, scale=out_scale, dtype=dtype),
        )

    def __call__(self, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
        return self.down(jax.nn.gelu(self.gate(x), approximate=True) * self.up(x))


class Block(eqx.Module):
    """Pre-norm attention and MLP, each added to the residual stream."""

    attention_norm: RMSNorm
    attention: Attention
    mlp_norm: RMSNorm
    mlp: GeGLU

    @staticmethod
    def init(config: ModelConfig, key: Array, *, dtype: jnp.dtype) -> "Block":
        """Random weights; the sum of 2L residual branches keeps variance near 1."""
        attention, mlp = jax.random.split(key)
        out_scale = (2 * config.num_layers) ** -0.5
        return Block(
            attention_norm=_norm(config),
            attention=Attention.init(config, attention, out_scale=out_scale, dtype=dtype),
            mlp_norm=_norm(config),
            mlp=GeGLU.init(config, mlp, out_scale=out_scale, dtype=dtype),
        )

    def __call__(self, x: Array, positions: Array, segment_ids: Array, remat: Remat = "none") -> Array:
        """The block for whole sequences; `Transformer.hidden` says what `remat` means."""
        again = jax.checkpoint if remat == "mlp" else lambda part: part
        if fused_training.attention_fits(self.attention, x):
            x = fused_training.add_attention(self.attention_norm, self.attention, x, positions, segment_ids)
            return again(Block._train_mlp)(self, x)
        q, k, v = again(Block._project)(self, x, positions)
        return again(Block._finish)(self, x, by_heads(packed_attention, q, k, v, segment_ids))

    def _project(self, x: Array, positions: Array) -> tuple[Array, Array, Array]:
        return gathered(self.attention).project(self.attention_norm(x), positions)

    def _finish(self, x: Array, mixed: Array) -> Array:
        x = constrain(x + gathered(self.attention).out(mixed), "rows", "positions", "features")
        return self._train_mlp(x)

    def _train_mlp(self, x: Array) -> Array:
        if fused_training.mlp_fits(self.mlp, x):
            return fused_training.add_mlp(self.mlp_norm, self.mlp, x)
        return self._add_mlp(x)

    def _add_mlp(self, x: Array) -> Array:
        return constrain(x + gathered(self.mlp)(self.mlp_norm(x)), "rows", "positions", "features")

    def extend(self, x: Array, cache: LayerCache, lengths: Array, last: Array | None) -> tuple[Array, LayerCache]:
        """The block for T new positions behind a cache; the MLP for the `last` one alone if it is given."""
        mixed, cache = self.attention.extend(self.attention_norm(x), cache, lengths)
        x = x + mixed if last is None else at_last(x + mixed, last)
        return self._add_mlp(x), cache


# Traced once for all layers of a model; XLA inlines the calls. Half of a warm completion was tracing.
_extend_block = jax.jit(Block.extend)


class Transformer(eqx.Module):
    """The whole model: tied embedding, L blocks, a final norm.

    Example:
        >>> from codegem.model.config import PRESETS
        >>> model = Transformer.init(PRESETS["nano"], jax.random.key(0))
        >>> model(jnp.array([[2, 67, 10]])).shape
        (1, 3, 8192)
    """

    embedding: Matrix
    blocks: tuple[Block, ...]
    final_norm: RMSNorm
    config: ModelConfig = eqx.field(static=True)

    @staticmethod
    def init(config: ModelConfig, key: Array, dtype: DTypeLike = jnp.float32) -> "Transformer":
        """Random weights in `dtype`; norm scales are float32.

        The embedding's deviation is GPT-2's: it is the output too, and with unit-variance inputs an untrained
        model would expect every token to be repeated (a loss of 14 rather than ln V = 9).
        """
        dtype = jnp.dtype(dtype)
        first, *keys = jax.random.split(key, 1 + config.num_layers)
        embedding = 0.02 * jax.random.normal(first, (config.vocab_size, config.d_model))
        return Transformer(
            embedding=embedding.astype(dtype),
            blocks=tuple(Block.init(config, k, dtype=dtype) for k in keys),
            final_norm=_norm(config),
            config=config,
        )

    def __call__(
        self,
        tokens: Int[Array, "B T"],
        *,
        positions: Int[Array, "B T"] | None = None,
        segment_ids: Int[Array, "B T"] | None = None,
        dtype: DTypeLike | None = None,
    ) -> Float[Array, "B T V"]:
        """Float32 logits of the token after each position; `hidden` says what the arguments are."""
        model = self if dtype is None else cast(self, dtype)
        return model.unembed(model.hidden(tokens, positions=positions, segment_ids=segment_ids))

    def hidden(
        self,
        tokens: Int[Array, "B T"],
        *,
        positions: Int[Array, "B T"] | None = None,
        segment_ids: Int[Array, "B T"] | None = None,
        remat: Remat = "none",
        scan_layers: bool = False,
    ) -> Float[Array, "B T D"]:
        """Activations after the final norm, in the dtype of the weights.

        Args:
            positions: RoPE positions; default 0, 1, 2, …
            segment_ids: attention stays inside runs of one id; default one segment a row.
            remat: what a backward pass makes again instead of keeping it (arXiv 1604.06174): "none"; "mlp", the MLPs,
                norms and projections, not attention itself; or all but the input of each of the "blocks". Losses
                and gradients are the same.
            scan_layers: the blocks as one loop over their stacked weights, which compiles once for all of them.
        """
        if positions is None:
            positions = jnp.broadcast_to(jnp.arange(tokens.shape[1]), tokens.shape)
        if segment_ids is None:
            segment_ids = jnp.zeros_like(tokens)
        x = constrain(self._embed(tokens), "rows", "positions", "features")

        def step(x: Array, block: Block) -> Array:
            return block(x, positions, segment_ids, remat)

        step = jax.checkpoint(step) if remat == "blocks" else step
        if scan_layers:
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *self.blocks)
            x, _ = jax.lax.scan(lambda x, block: (step(x, block), None), x, stacked)
        else:
            for block in self.blocks:
                x = step(x, block)
        return self.final_norm(x)

    def unembed(self, hidden: Float[Array, "*batch D"]) -> Float[Array, "*batch V"]:
        """Float32 logits by the tied embedding; never rounded to bfloat16, whose steps near 16 are 0.06."""
        return wide_product(hidden, self.embedding)

    def init_cache(self, batch: int, capacity: int, dtype: DTypeLike | None = None) -> tuple[LayerCache, ...]:
        """An empty cache for `capacity` positions; `dtype` defaults to that of the weights, or bfloat16."""
        stored = jnp.bfloat16 if isinstance(self.embedding, PACKED) else self.embedding.dtype
        return empty_cache(self.config, batch, capacity, stored if dtype is None else dtype)

    def extend(
        self,
        tokens: Int[Array, "B T"],
        cache: Sequence[LayerCache],
        lengths: Int[Array, "B"],
        last: Int[Array, "B"] | None = None,
    ) -> tuple[Float[Array, "B R D"], tuple[LayerCache, ...]]:
        """Activations after the final norm of T new tokens behind `lengths` cached ones, and the new cache.

        The new keys and values go to slots lengths … lengths + T - 1, which the caller keeps inside the
        capacity. Slots behind a row's real tokens may hold anything: nothing sees them before they are
        written again.

        Args:
            last: only the activations of this one of the T are wanted (R = 1), which spares the last block's MLP
                the others.
        """
        x = self._embed(tokens)
        extended = []
        for block, layer in zip(self.blocks, cache, strict=True):
            x, layer = _extend_block(block, x, layer, lengths, last if block is self.blocks[-1] else None)
            extended.append(layer)
        return self.final_norm(x), tuple(extended)

    def _embed(self, tokens: Array) -> Array:
        return embed(tokens, self.embedding)


def embed(tokens: Int[Array, "*batch"], embedding: Matrix) -> Float[Array, "*batch D"]:
    """Rows of the embedding times sqrt(D), which is rounded to their dtype."""
    rows = rows_of(embedding, tokens)
    return rows * jnp.asarray(rows.shape[-1] ** 0.5, rows.dtype)


def at_last(x: Float[Array, "B T D"], last: Int[Array, "B"]) -> Float[Array, "B 1 D"]:
    """One position of each row."""
    return jnp.take_along_axis(x, last[:, None, None], axis=1)


def empty_cache(config: ModelConfig, batch: int, capacity: int, dtype: DTypeLike) -> tuple[LayerCache, ...]:
    """Zeros for `capacity` positions of each layer."""
    shape = (batch, capacity, config.num_kv_heads, config.head_dim)
    return tuple(LayerCache(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype)) for _ in range(config.num_layers))


def cast(model: Transformer, dtype: DTypeLike) -> Transformer:
    """The model with its matrices in `dtype`; norm scales and packed matrices stay as they are."""

    def one(leaf: Any) -> Any:
        is_dense = eqx.is_array(leaf) and leaf.ndim > 1
        return leaf.astype(dtype) if is_dense else leaf

    return jax.tree.map(one, model, is_leaf=lambda leaf: isinstance(leaf, PACKED))


def _norm(config: ModelConfig) -> RMSNorm:
    return RMSNorm(jnp.zeros(config.d_model, jnp.float32), config.norm_eps)
