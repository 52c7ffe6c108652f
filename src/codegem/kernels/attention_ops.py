"""Attention of new positions over the filled part of a cache, as one kernel."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from codegem.errors import UserError
from codegem.kernels import library


def attend_cached(
    q: Float[Array, "B T N H"],
    k: Float[Array, "B T K H"],
    v: Float[Array, "B T K H"],
    keys: Float[Array, "B S K H"],
    values: Float[Array, "B S K H"],
    lengths: Int[Array, "B"],
    *,
    theta: float,
) -> tuple[Float[Array, "B T N H"], Float[Array, "B S K H"], Float[Array, "B S K H"]]:
    """Causal softmax attention of T new positions behind `lengths` filled slots of the cache.

    Queries and new keys are rotated (half-split RoPE at positions lengths … lengths + T - 1), queries are scaled
    by H^-0.5, and the new keys and values are written to their slots: in place where the caches are donated to the
    program that calls this, or made by it. Only filled slots are read.

    A row's result is the same, bit for bit, whatever T is and however the positions before it were cut into pieces.
    Caches of float32 are computed in float32. With caches of bfloat16, the amx set rounds queries and softmax
    weights to bfloat16 as well (sums stay float32); the other sets do not.

    Args:
        q, k, v: float32, as the linear layers give them; K divides N and H is even.
        keys, values: float32 or bfloat16.
        lengths: int32.

    Returns:
        What the heads mixed (float32), and the caches.

    Raises:
        UserError: shapes or types do not fit, or the kernels are not available.
        jax.errors.JaxRuntimeError: when it runs, a row of `lengths` is negative or leaves no room for T.
    """
    _check(q, k, v, keys, values, lengths)
    half = q.shape[-1] // 2
    frequencies = np.float32(theta) ** (-np.arange(half, dtype=np.float32) / np.float32(half))
    results = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (q, keys, values)]
    call = jax.ffi.ffi_call("codegem_attend_cached", results, input_output_aliases={3: 1, 4: 2})
    mixed, keys, values = call(q, k, v, keys, values, lengths, frequencies)
    return mixed, keys, values


def _check(q: Array, k: Array, v: Array, keys: Array, values: Array, lengths: Array) -> None:
    if library.library() is None:
        raise UserError("The C++ kernels can't be used here; Attention.extend computes the same in plain JAX.")
    if q.ndim != 4 or keys.ndim != 4:
        raise UserError(f"q and keys need the axes [B, T, N, H] and [B, S, K, H], not {q.shape} and {keys.shape}.")
    batch, rows, heads, size = q.shape
    capacity, kv_heads = keys.shape[1:3]
    if size % 2 or kv_heads == 0 or heads % kv_heads:
        raise UserError(f"{heads} heads of {size} over {kv_heads} key/value heads don't fit; see ModelConfig.")
    if keys.dtype not in (jnp.float32, jnp.bfloat16):
        raise UserError(f"keys must be float32 or bfloat16, not {keys.dtype}.")
    new, slots = (batch, rows, kv_heads, size), (batch, capacity, kv_heads, size)
    wanted = {
        "q": (q, jnp.float32, q.shape),
        "k": (k, jnp.float32, new),
        "v": (v, jnp.float32, new),
        "keys": (keys, keys.dtype, slots),
        "values": (values, keys.dtype, slots),
        "lengths": (lengths, jnp.int32, (batch,)),
    }
    for name, (array, dtype, shape) in wanted.items():
        if array.dtype != dtype or array.shape != shape:
            raise UserError(
                f"{name} must be {jnp.dtype(dtype).name} {list(shape)}, not {array.dtype} {list(array.shape)}."
            )
    if rows > capacity:
        raise UserError(f"{rows} new positions don't fit into a cache of {capacity}.")
