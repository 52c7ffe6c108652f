"""The kernels as functions of JAX arrays; they run on CPUs, inside `jax.jit` and outside.

A row of a result is the same, bit for bit, however many rows are computed together: caches of prompts and drafts that
are verified together rely on it.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, BFloat16, Float

from codegem.errors import UserError
from codegem.kernels import library
from codegem.kernels.attention_ops import attend_cached
from codegem.kernels.matrix import QuantizedMatrix

__all__ = [
    "attend_cached",
    "available",
    "dense_product",
    "geglu",
    "instructions",
    "product_added",
    "products",
]

_STORE, _ADD, _GEGLU = range(3)


def available() -> bool:
    """Whether the kernels can be called: the library was built, and JAX computes on the CPU."""
    return jax.default_backend() == "cpu" and library.library() is not None


def instructions() -> str:
    """The set of instructions in use: amx, avx512vnni, avxvnni, avx2, neon or portable; "none" without the library."""
    loaded = library.library()
    return library.chosen_instructions(loaded) if loaded is not None else "none"


def products(
    x: Float[Array, "T K"],
    weights: Sequence[QuantizedMatrix],
    *,
    norm: Float[Array, "K"] | None = None,
    eps: float = 1e-6,
) -> tuple[Float[Array, "T N"], ...]:
    """x · wᵀ for each of several matrices of one width and one block; bits and heights may differ.

    The rows of x are quantized once for all of them, to 8 bits with a scale for each block.

    Args:
        norm: with it, x goes through an RMSNorm first: x · rsqrt(mean x² + eps) · (1 + norm).

    Raises:
        UserError: shapes or types do not fit.
    """
    return _call(x, weights, [w.rows for w in weights], _STORE, norm=norm, eps=eps)


def geglu(
    x: Float[Array, "T K"],
    gate: QuantizedMatrix,
    up: QuantizedMatrix,
    *,
    norm: Float[Array, "K"] | None = None,
    eps: float = 1e-6,
) -> Float[Array, "T F"]:
    """gelu(x · gateᵀ) · (x · upᵀ), with the tanh form of GELU; `norm` as in `products`.

    Raises:
        UserError: shapes or types do not fit.
    """
    if gate.rows != up.rows:
        raise UserError(f"gate has {gate.rows} rows and up {up.rows}; they must have the same number.")
    return _call(x, [gate, up], [gate.rows], _GEGLU, norm=norm, eps=eps)[0]


def product_added(
    x: Float[Array, "T K"], weight: QuantizedMatrix, residual: Float[Array, "T N"]
) -> Float[Array, "T N"]:
    """residual + x · weightᵀ.

    Raises:
        UserError: shapes or types do not fit.
    """
    _check_array("residual", residual, jnp.float32, (x.shape[0], weight.rows))
    return _call(x, [weight], [weight.rows], _ADD, residual=residual)[0]


def dense_product(x: Float[Array, "T K"], weight: BFloat16[Array, "N K"]) -> Float[Array, "T N"]:
    """x · weightᵀ in float32 for few rows of x; for many, XLA's own product is as fast.

    Raises:
        UserError: shapes or types do not fit.
    """
    if weight.ndim != 2 or weight.dtype != jnp.bfloat16:
        raise UserError(f"weight must be a bfloat16 matrix, not {weight.dtype} {weight.shape}.")
    _check_array("x", x, None, (None, weight.shape[1]))
    result = jax.ShapeDtypeStruct((x.shape[0], weight.shape[0]), jnp.float32)
    return _target("dense_product", result)(x.astype(jnp.float32), weight)


def _call(
    x: Array,
    weights: Sequence[QuantizedMatrix],
    heights: list[int],
    finish: int,
    *,
    norm: Array | None = None,
    eps: float = 1e-6,
    residual: Array | None = None,
) -> tuple[Array, ...]:
    _check_weights(weights)
    _check_array("x", x, jnp.float32, (None, weights[0].columns))
    if norm is not None:
        _check_array("norm", norm, jnp.float32, (weights[0].columns,))
    operands = [x, *(a for a in (norm, residual) if a is not None)]
    operands += [a for w in weights for a in (w.codes, w.scales)]
    results = [jax.ShapeDtypeStruct((x.shape[0], height), jnp.float32) for height in heights]
    done = _target("product", results)(
        *operands,
        block=np.int64(weights[0].block),
        eps=np.float32(eps),
        has_norm=norm is not None,
        finish=np.int64(finish),
        bits=np.array([w.bits for w in weights], np.int64),
    )
    return tuple(done)


def _target(name: str, results):
    if not available():
        raise UserError("The C++ kernels can't be used here; the model's own layers compute the same in plain JAX.")
    return jax.ffi.ffi_call(f"codegem_{name}", results)


def _check_weights(weights: Sequence[QuantizedMatrix]) -> None:
    if not weights:
        raise UserError("products needs at least one matrix.")
    for weight in weights[1:]:
        if (weight.columns, weight.block) != (weights[0].columns, weights[0].block):
            raise UserError(
                f"Matrices multiplied together need one width and one block, not {weights[0].columns} columns in "
                f"blocks of {weights[0].block} and {weight.columns} in blocks of {weight.block}."
            )


def _check_array(name: str, array: Array, dtype, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or dtype not in (None, array.dtype):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        kind = "" if dtype is None else f"{jnp.dtype(dtype).name} "
        raise UserError(f"{name} must be {kind}[{wanted}], not {array.dtype} {list(array.shape)}.")
