"""The linear layer, the one part of the model that changes with the hardware."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Array, Float


class Linear(eqx.Module):
    """A dense layer without bias; the weight lies as in Hugging Face's files, [out, in]."""

    weight: Float[Array, "out in"]

    @staticmethod
    def init(d_in: int, d_out: int, key: Array, *, scale: float = 1.0, dtype: jnp.dtype) -> "Linear":
        """Normal weights whose outputs have variance `scale**2` for inputs of variance 1."""
        return Linear((scale * d_in**-0.5 * jax.random.normal(key, (d_out, d_in))).astype(dtype))

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "*batch out"]:
        return product(x, self.weight)


def product(x: Float[Array, "*batch in"], weight: Float[Array, "out in"]) -> Float[Array, "*batch out"]:
    """x · weightᵀ in the dtype of `x`, accumulated in float32."""
    rows = x.reshape(-1, x.shape[-1])
    on_cpu = jax.default_backend() == "cpu" and x.dtype == jnp.bfloat16
    return (_product_on_cpu if on_cpu else _product)(rows, weight).reshape(*x.shape[:-1], -1)


def dot(a: Float[Array, "..."], b: Float[Array, "..."], axis_a: int, axis_b: int) -> Float[Array, "rows columns"]:
    """Product of two matrices contracted along the axes named, accumulated and returned in float32."""
    return jax.lax.dot_general(a, b, (((axis_a,), (axis_b,)), ((), ())), preferred_element_type=jnp.float32)


def _product(x: Array, weight: Array) -> Array:
    return dot(x, weight, 1, 1).astype(x.dtype)


@jax.custom_vjp
def _product_on_cpu(x: Array, weight: Array) -> Array:
    return _product(x, weight)


def _forward(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    return _product(x, weight), (x, weight)


def _backward(saved: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    """Both gradients as row-major products.

    XLA on CPUs has fast bfloat16 products (AMX, AVX-512) only where the left operand's rows are
    contracted; for xᵀ·dy it converts to float32 and takes 4 to 6 times as long (docs/LOG.md). A transpose
    made real by a layout constraint costs little against that.
    """
    x, weight = saved
    dx = dot(dy, weight, 1, 0).astype(x.dtype)
    dweight = dot(transposed(dy), x, 1, 0)
    return dx, dweight.astype(weight.dtype)


def transposed(a: Float[Array, "rows columns"]) -> Float[Array, "columns rows"]:
    """The transpose as an array in memory, not as a way of reading: see `_backward`."""
    return with_layout_constraint(a.T, Layout(major_to_minor=(0, 1)))


_product_on_cpu.defvjp(_forward, _backward)
