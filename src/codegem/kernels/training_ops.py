"""The parts of a transformer with their gradients, as kernels for training in bfloat16 on CPUs.

Sizes and numbers of rows must be multiples of 32; `fits` says whether they are. The plain forms, which these follow
up to bfloat16's rounding, are `Block.__call__` and `train.cross_entropy`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, BFloat16, Float, Int

from codegem.kernels import ops

MULTIPLE = 32  # of every size
LARGEST_HEAD = 512


def fits(arrays: Sequence[Any], *sizes: int, dtype: DTypeLike = jnp.bfloat16) -> bool:
    """Whether the kernels can compute with these: they are there, arrays have that dtype, sizes are multiples of 32."""
    right = all(isinstance(array, jax.Array) and array.dtype == dtype for array in arrays)
    return right and all(size % MULTIPLE == 0 for size in sizes) and ops.available()


@jax.custom_vjp
def cross_entropy(
    hidden: BFloat16[Array, "R D"],
    embedding: BFloat16[Array, "V D"],
    targets: Int[Array, "R"],
    weights: Float[Array, "R"],
) -> Float[Array, ""]:
    """Sum over rows of weight · (logsumexp(logits) - logits[target]), logits = hidden · embeddingᵀ.

    No logit is written to memory. Gradients are made in the forward pass, and that of a frozen embedding is not.
    """
    loss = jax.ShapeDtypeStruct((), jnp.float32)
    return jax.ffi.ffi_call("codegem_cross_entropy", [loss])(hidden, embedding, targets, weights)[0]


def _entropy_forward(hidden: Any, embedding: Any, targets: Any, weights: Any):
    arrays = [argument.value for argument in (hidden, embedding, targets, weights)]
    wanted = arrays[:2] if embedding.perturbed else arrays[:1]
    results = [jax.ShapeDtypeStruct((), jnp.float32), *map(_like, wanted)]
    loss, *gradients = jax.ffi.ffi_call("codegem_cross_entropy", results)(*arrays)
    return loss, gradients


def _entropy_backward(gradients: list[Array], d_loss: Any):
    made = [gradient * jnp.asarray(d_loss, gradient.dtype) for gradient in gradients]
    return *made, *[None] * (4 - len(made))


cross_entropy.defvjp(_entropy_forward, _entropy_backward, symbolic_zeros=True)


@partial(jax.custom_vjp, nondiff_argnums=(5,))
def mlp(
    x: BFloat16[Array, "R D"],
    scale: Float[Array, "D"],
    gate: BFloat16[Array, "F D"],
    up: BFloat16[Array, "F D"],
    down: BFloat16[Array, "D F"],
    eps: float,
) -> BFloat16[Array, "R D"]:
    """x + down · (gelu(gate · n) · (up · n)), where n is x behind an RMSNorm; with the tanh form of GELU."""
    return _mlp_forward(x, scale, gate, up, down, eps)[0]


def _mlp_forward(x: Array, scale: Array, gate: Array, up: Array, down: Array, eps: float):
    hidden = jax.ShapeDtypeStruct((x.shape[0], gate.shape[0]), x.dtype)
    call = jax.ffi.ffi_call("codegem_mlp_training", [_like(x), hidden, hidden])
    out, gates, ups = call(x, scale, gate, up, down, eps=np.float32(eps), backward=False)
    return out, (x, scale, gate, up, down, gates, ups)


def _mlp_backward(eps: float, saved: tuple[Array, ...], d_out: Array):
    call = jax.ffi.ffi_call("codegem_mlp_training", [_like(array) for array in saved[:5]])
    return tuple(call(*saved, d_out, eps=np.float32(eps), backward=True))


mlp.defvjp(_mlp_forward, _mlp_backward)


@partial(jax.custom_vjp, nondiff_argnums=(9, 10))
def attention(
    x: BFloat16[Array, "R D"],
    scale: Float[Array, "D"],
    q: BFloat16[Array, "NH D"],
    k: BFloat16[Array, "KH D"],
    v: BFloat16[Array, "KH D"],
    o: BFloat16[Array, "D NH"],
    cosines: Float[Array, "R H/2"],
    sines: Float[Array, "R H/2"],
    segment_ids: Int[Array, "B T"],
    head: int,
    eps: float,
) -> BFloat16[Array, "R D"]:
    """x + o · attention of n, which is x behind an RMSNorm, to earlier positions of the same segment; R = B · T."""
    return _attention_forward(x, scale, q, k, v, o, cosines, sines, segment_ids, head, eps)[0]


def _attention_forward(x, scale, q, k, v, o, cosines, sines, segment_ids, head: int, eps: float):
    batch, length = segment_ids.shape
    heads, kv_heads = q.shape[0] // head, k.shape[0] // head
    queries = jax.ShapeDtypeStruct((batch, heads, length, head), x.dtype)
    keys = jax.ShapeDtypeStruct((batch, kv_heads, length, head), x.dtype)
    mixed = jax.ShapeDtypeStruct((x.shape[0], q.shape[0]), x.dtype)
    log_sums = jax.ShapeDtypeStruct((batch, heads, length), jnp.float32)
    call = jax.ffi.ffi_call("codegem_attention_training", [_like(x), queries, keys, keys, mixed, log_sums])
    given = (x, scale, q, k, v, o, cosines, sines, segment_ids)
    out, *saved = call(*given, head=np.int64(head), eps=np.float32(eps), backward=False)
    return out, (*given, *saved)


def _attention_backward(head: int, eps: float, saved: tuple[Array, ...], d_out: Array):
    call = jax.ffi.ffi_call("codegem_attention_training", [_like(array) for array in saved[:6]])
    return *call(*saved, d_out, head=np.int64(head), eps=np.float32(eps), backward=True), None, None, None


attention.defvjp(_attention_forward, _attention_backward)


def orthogonal(matrices: Sequence[Array], factors: tuple[float, float, float], steps: int) -> list[Array]:
    """Newton and Schulz's iteration x = a·x + (b·s + c·s·s)·x, s = x·xᵀ, from each float32 matrix over its length.

    `s` is the smaller of the two squares. Products are of bfloat16, sums and results float32.
    """
    results = [jax.ShapeDtypeStruct(matrix.shape, jnp.float32) for matrix in matrices]
    call = jax.ffi.ffi_call("codegem_orthogonal", results)
    return list(call(*matrices, steps=np.int64(steps), factors=np.array(factors, np.float32)))


def _like(array: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)
