"""The linear layer, the one part of the model that changes with the hardware."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Array, Float, Int

from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.sharding import look_up, on_mesh

# Float[Array, "out in"], or one of `PACKED`. A type checker is not told: training has only the first, and asks.
Matrix = Any
PACKED = (QuantizedMatrix, DenseMatrix)


class Linear(eqx.Module):
    """A layer without bias; the weight lies as in Hugging Face's files, [out, in], or is packed for kernels."""

    weight: Matrix

    @staticmethod
    def init(d_in: int, d_out: int, key: Array, *, scale: float = 1.0, dtype: jnp.dtype) -> "Linear":
        """Normal weights whose outputs have variance `scale**2` for inputs of variance 1."""
        return Linear((scale * d_in**-0.5 * jax.random.normal(key, (d_out, d_in))).astype(dtype))

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "*batch out"]:
        return product(x, self.weight)


def product(x: Float[Array, "*batch in"], weight: Matrix) -> Float[Array, "*batch out"]:
    """x · weightᵀ in the dtype of `x`, accumulated in float32."""
    return wide_product(x, weight).astype(x.dtype)


def wide_product(x: Float[Array, "*batch in"], weight: Matrix) -> Float[Array, "*batch out"]:
    """x · weightᵀ in float32, not rounded to the dtype of `x`."""
    rows = x.reshape(-1, x.shape[-1])
    if isinstance(weight, QuantizedMatrix):
        made = dot(rows, weight.dequantize(), 1, 1)
    elif isinstance(weight, DenseMatrix):
        made = dot(rows, weight.unpack().astype(x.dtype), 1, 1)
    elif jax.default_backend() == "cpu" and x.dtype == jnp.bfloat16:
        made = _product_on_cpu(rows, weight)
    else:
        made = dot(rows, weight, 1, 1)
    return made.reshape(*x.shape[:-1], -1)


def rows_of(matrix: Matrix, indices: Int[Array, "*batch"]) -> Float[Array, "*batch in"]:
    """Rows of a matrix: the embedding of tokens. They are float32 where it is packed."""
    return matrix.take(indices) if isinstance(matrix, PACKED) else look_up(indices, matrix)


def dot(a: Float[Array, "..."], b: Float[Array, "..."], axis_a: int, axis_b: int) -> Float[Array, "rows columns"]:
    """Product of two matrices contracted along the axes named, accumulated and returned in float32."""
    return jax.lax.dot_general(a, b, (((axis_a,), (axis_b,)), ((), ())), preferred_element_type=jnp.float32)


@jax.custom_vjp
def _product_on_cpu(x: Array, weight: Array) -> Array:
    return dot(x, weight, 1, 1)


def _forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return dot(x, weight, 1, 1), (x, weight)


def _backward(saved: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    """Both gradients as row-major products.

    XLA on CPUs has fast bfloat16 products (AMX, AVX-512) only where the left operand's rows are
    contracted; for xᵀ·dy it converts to float32 and takes 4 to 6 times as long (docs/LOG.md). A transpose
    made real by a layout constraint costs little against that.
    """
    x, weight = saved
    dy = dy.astype(x.dtype)
    dx = dot(dy, weight, 1, 0).astype(x.dtype)
    dweight = dot(transposed(dy), x, 1, 0)
    return dx, dweight.astype(weight.dtype)


def transposed(a: Float[Array, "rows columns"]) -> Float[Array, "columns rows"]:
    """The transpose as an array in memory, not as a way of reading: see `_backward`. A mesh can't be told so."""
    return a.T if on_mesh() else with_layout_constraint(a.T, Layout(major_to_minor=(0, 1)))


_product_on_cpu.defvjp(_forward, _backward)
