"""Rotary positions, masks, grouped-query attention and its key/value cache."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from codegem.kernels import ops
from codegem.model.blockwise import block_attention
from codegem.model.config import ModelConfig
from codegem.model.flash import packed_attention
from codegem.model.linear import Linear
from codegem.model.sharding import by_heads, constrain


def rope(x: Float[Array, "B T heads H"], positions: Int[Array, "B T"], theta: float) -> Float[Array, "B T heads H"]:
    """Rotate half-split pairs (i, i + H/2) by position · theta^(-2i/H), in float32 (arXiv 2104.09864)."""
    half = x.shape[-1] // 2
    frequency = theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions[..., None, None].astype(jnp.float32) * frequency
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    rotated = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return rotated.astype(x.dtype)


def attend(
    q: Float[Array, "B T N H"],
    k: Float[Array, "B S K H"],
    v: Float[Array, "B S K H"],
    visible: Bool[Array, "B T S"],
) -> Float[Array, "B T N H"]:
    """Softmax attention; each of K key/value heads serves N/K query heads. `q` is scaled already."""
    batch, length, heads, size = q.shape
    grouped = q.reshape(batch, length, k.shape[2], -1, size).transpose(0, 2, 3, 1, 4)
    over_heads = jax.vmap(block_attention, in_axes=(0, 0, 0, None))
    mixed, _ = jax.vmap(over_heads)(grouped, k.swapaxes(1, 2), v.swapaxes(1, 2), visible)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(batch, length, heads, size)


class LayerCache(eqx.Module):
    """Keys (rotated) and values of one layer, [B, capacity, K, H]."""

    keys: Float[Array, "B S K H"]
    values: Float[Array, "B S K H"]


class Attention(eqx.Module):
    """Grouped-query attention (multi-query for one key/value head) without biases."""

    q: Linear
    k: Linear
    v: Linear
    o: Linear
    config: ModelConfig = eqx.field(static=True)

    @staticmethod
    def init(config: ModelConfig, key: Array, *, out_scale: float, dtype: jnp.dtype) -> "Attention":
        """Random weights; `out_scale` shrinks what is added to the residual stream."""
        keys = jax.random.split(key, 4)
        wide, narrow = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        return Attention(
            q=Linear.init(config.d_model, wide, keys[0], dtype=dtype),
            k=Linear.init(config.d_model, narrow, keys[1], dtype=dtype),
            v=Linear.init(config.d_model, narrow, keys[2], dtype=dtype),
            o=Linear.init(wide, config.d_model, keys[3], scale=out_scale, dtype=dtype),
            config=config,
        )

    def __call__(
        self, x: Float[Array, "B T D"], positions: Int[Array, "B T"], segment_ids: Int[Array, "B T"]
    ) -> Float[Array, "B T D"]:
        """Attention over whole sequences, inside segments."""
        return self.out(by_heads(packed_attention, *self.project(x, positions), segment_ids))

    def project(self, x: Float[Array, "B T D"], positions: Int[Array, "B T"]) -> tuple[Array, Array, Array]:
        """Queries, rotated and scaled, keys, rotated, and values, [B, T, heads, H]."""
        theta, size = self.config.rope_theta, self.config.head_dim
        q, k, v = (_heads(layer(x), size) for layer in (self.q, self.k, self.v))
        q = constrain(q, "rows", "positions", "heads", "features")
        k, v = (constrain(x, "rows", "positions", "kv_heads", "features") for x in (k, v))
        q = rope(q, positions, theta) * jnp.asarray(size**-0.5, x.dtype)
        return q, rope(k, positions, theta), v

    def out(self, mixed: Float[Array, "B T N H"]) -> Float[Array, "B T D"]:
        """What the heads found, as it is added to the residual stream."""
        return self.o(_flat(mixed))

    def extend(
        self, x: Float[Array, "B T D"], cache: LayerCache, lengths: Int[Array, "B"]
    ) -> tuple[Float[Array, "B T D"], LayerCache]:
        """Attention of T new positions, which stand behind `lengths` filled slots of the cache.

        On CPUs one kernel does it, which reads the filled slots only; elsewhere, and where the kernels were not
        built, the whole cache is read and what is not filled is masked.
        """
        if ops.available() and cache.keys.dtype in (jnp.float32, jnp.bfloat16):
            q, k, v = (_heads(layer(x), self.config.head_dim).astype(jnp.float32) for layer in (self.q, self.k, self.v))
            mixed, cache = _attend_on_cpu(q, k, v, cache, lengths, self.config.rope_theta)
            return self.o(_flat(mixed).astype(x.dtype)), cache
        positions = lengths[:, None] + jnp.arange(x.shape[1])
        q, k, v = self.project(x, positions)
        cache = LayerCache(_write(cache.keys, k, lengths), _write(cache.values, v, lengths))
        visible = jnp.arange(cache.keys.shape[1]) <= positions[..., None]
        mixed = attend(q, cache.keys.astype(x.dtype), cache.values.astype(x.dtype), visible)
        return self.out(mixed), cache


def _attend_on_cpu(
    q: Array, k: Array, v: Array, cache: LayerCache, lengths: Array, theta: float
) -> tuple[Array, LayerCache]:
    lengths = jnp.asarray(lengths, jnp.int32)
    mixed, keys, values = ops.attend_cached(q, k, v, cache.keys, cache.values, lengths, theta=theta)
    return mixed, LayerCache(keys, values)


def _heads(x: Array, head_dim: int) -> Array:
    return x.reshape(*x.shape[:-1], -1, head_dim)


def _flat(x: Array) -> Array:
    return x.reshape(*x.shape[:-2], -1)


def _write(slots: Array, new: Array, lengths: Array) -> Array:
    """Put `new` [B, T, K, H] behind the filled slots of each row."""
    at = jax.vmap(lambda row, rows, start: jax.lax.dynamic_update_slice_in_dim(row, rows, start, axis=0))
    return at(slots, new.astype(slots.dtype), lengths)
