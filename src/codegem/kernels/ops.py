"""The kernels as functions of JAX arrays; they run on CPUs, inside `jax.jit` and outside.

A row of a result is the same, bit for bit, however many rows are computed together: caches of prompts and drafts that
are verified together rely on it.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from codegem.errors import UserError
from codegem.kernels import library
from codegem.kernels.attention_ops import attend_cached
from codegem.kernels.dense import COLUMNS, DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix

__all__ = ["Matrix", "attend_cached", "available", "instructions", "mlp", "product_added", "products"]

Matrix = QuantizedMatrix | DenseMatrix


def available() -> bool:
    """Whether the kernels can be called: the library was built, and JAX computes on the CPU."""
    return jax.default_backend() == "cpu" and library.library() is not None


def instructions() -> str:
    """The set of instructions in use: amx, avx512vnni, avxvnni, avx2, neon or portable; "none" without the library."""
    loaded = library.library()
    return library.chosen_instructions(loaded) if loaded is not None else "none"


def products(
    x: Float[Array, "T K"],
    weights: Sequence[Matrix],
    *,
    norm: Float[Array, "K"] | None = None,
    eps: float = 1e-6,
) -> tuple[Float[Array, "T N"], ...]:
    """x · wᵀ for each of several matrices of one width, which are all dense, or quantized in one block.

    For quantized matrices, whose bits may differ, the rows of x are quantized too, to 8 bits with a scale for each
    block. With dense ones x keeps 16 bits of its significand on the amx set, and all elsewhere.

    Args:
        norm: with it, x goes through an RMSNorm first: x · rsqrt(mean x² + eps) · (1 + norm).

    Raises:
        UserError: shapes or types do not fit.
    """
    return _products(x, weights, norm=norm, eps=eps)


def product_added(x: Float[Array, "T K"], weight: Matrix, residual: Float[Array, "T N"]) -> Float[Array, "T N"]:
    """residual + x · weightᵀ.

    Raises:
        UserError: shapes or types do not fit.
    """
    _check_array("residual", residual, jnp.float32, (x.shape[0], weight.rows))
    return _products(x, [weight], residual=residual)[0]


def mlp(
    x: Float[Array, "T D"], gate: Matrix, up: Matrix, down: Matrix, *, norm: Float[Array, "D"], eps: float = 1e-6
) -> Float[Array, "T D"]:
    """x + down · (gelu(gate · n) · (up · n)), where n is x behind an RMSNorm; with the tanh form of GELU.

    Raises:
        UserError: shapes or types do not fit.
    """
    _check_weights([gate, up])
    if gate.rows != up.rows:
        raise UserError(f"gate has {gate.rows} rows and up {up.rows}; they must have the same number.")
    if (down.columns, down.rows) != (gate.rows, gate.columns):
        raise UserError(f"down must be [{gate.columns}, {gate.rows}], not [{down.rows}, {down.columns}].")
    if isinstance(down, DenseMatrix) != isinstance(gate, DenseMatrix):
        raise UserError("gate, up and down must all be dense, or all quantized.")
    _check_array("x", x, jnp.float32, (None, gate.columns))
    _check_array("norm", norm, jnp.float32, (gate.columns,))
    weights = [gate, up, down]
    return _target("mlp", jax.ShapeDtypeStruct(x.shape, jnp.float32))(
        x,
        norm,
        *(a for weight in weights for a in _arrays(weight)),
        hidden=np.int64(gate.rows),
        blocks=np.array([_block(gate), _block(down)], np.int64),
        eps=np.float32(eps),
        bits=_bits(weights),
    )


def _products(
    x: Array, weights: Sequence[Matrix], *, norm: Array | None = None, eps: float = 1e-6, residual: Array | None = None
) -> tuple[Array, ...]:
    _check_weights(weights)
    _check_array("x", x, jnp.float32, (None, weights[0].columns))
    if norm is not None:
        _check_array("norm", norm, jnp.float32, (weights[0].columns,))
    operands = [x, *(a for a in (norm, residual) if a is not None)]
    done = _target("product", [jax.ShapeDtypeStruct((x.shape[0], w.rows), jnp.float32) for w in weights])(
        *operands,
        *(a for weight in weights for a in _arrays(weight)),
        block=np.int64(_block(weights[0])),
        eps=np.float32(eps),
        has_norm=norm is not None,
        adds=residual is not None,
        bits=_bits(weights),
    )
    return tuple(done)


def _arrays(weight: Matrix) -> tuple[Array, ...]:
    return (weight.values,) if isinstance(weight, DenseMatrix) else (weight.codes, weight.scales)


def _block(weight: Matrix) -> int:
    return COLUMNS if isinstance(weight, DenseMatrix) else weight.block


def _bits(weights: Sequence[Matrix]) -> np.ndarray:
    return np.array([16 if isinstance(weight, DenseMatrix) else weight.bits for weight in weights], np.int64)


def _target(name: str, results):
    if not available():
        raise UserError("The C++ kernels can't be used here; the model's own layers compute the same in plain JAX.")
    return jax.ffi.ffi_call(f"codegem_{name}", results)


def _check_weights(weights: Sequence[Matrix]) -> None:
    if not weights:
        raise UserError("products needs at least one matrix.")
    first = weights[0]
    for weight in weights[1:]:
        if isinstance(weight, DenseMatrix) != isinstance(first, DenseMatrix):
            raise UserError("Matrices multiplied together must all be dense, or all quantized.")
        if (weight.columns, _block(weight)) != (first.columns, _block(first)):
            raise UserError(
                f"Matrices multiplied together need one width and one block, not {first.columns} columns in "
                f"blocks of {_block(first)} and {weight.columns} in blocks of {_block(weight)}."
            )


def _check_array(name: str, array: Array, dtype, shape: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or dtype not in (None, array.dtype):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        kind = "" if dtype is None else f"{jnp.dtype(dtype).name} "
        raise UserError(f"{name} must be {kind}[{wanted}], not {array.dtype} {list(array.shape)}.")
