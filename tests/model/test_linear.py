"""The linear layer: values, dtypes, and the hand-written backward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.model.linear import Linear, product


def inputs(dtype: jnp.dtype, rows: tuple[int, ...] = (3, 32)) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, weight, dy = jax.random.split(jax.random.key(0), 3)
    return (
        jax.random.normal(x, (*rows, 48)).astype(dtype),
        jax.random.normal(weight, (24, 48)).astype(dtype),
        jax.random.normal(dy, (*rows, 24)).astype(dtype),
    )


@pytest.mark.parametrize("rows", [(), (5,), (2, 3)])
def test_the_weight_is_out_by_in(rows: tuple[int, ...]):
    x, weight, _ = inputs(jnp.float32, rows)
    expected = np.asarray(x, np.float64) @ np.asarray(weight, np.float64).T
    np.testing.assert_allclose(Linear(weight)(x), expected, atol=1e-4)


def test_bfloat16_is_accumulated_in_float32():
    """4096 terms of 1 · 1: a bfloat16 sum would stop at 256."""
    ones = jnp.ones((1, 4096), jnp.bfloat16)
    assert product(ones, ones).item() == 4096
    assert product(ones, ones).dtype == jnp.bfloat16


def gradients(x: jax.Array, weight: jax.Array, dy: jax.Array, function) -> tuple[jax.Array, jax.Array]:
    return jax.vjp(function, x, weight)[1](dy)


def plain(x: jax.Array, weight: jax.Array) -> jax.Array:
    return jnp.einsum("...i,oi->...o", x, weight)


def test_gradients_in_float32():
    x, weight, dy = inputs(jnp.float32)
    for found, expected in zip(gradients(x, weight, dy, product), gradients(x, weight, dy, plain), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_in_bfloat16(compiled: bool):
    """Each within one rounding to bfloat16, 2⁻⁸ relative, of the exact gradient of the rounded inputs."""
    x, weight, dy = inputs(jnp.bfloat16)
    by_hand = jax.jit(gradients, static_argnums=3) if compiled else gradients
    exact = gradients(x.astype(jnp.float32), weight.astype(jnp.float32), dy.astype(jnp.float32), plain)
    for found, expected in zip(by_hand(x, weight, dy, product), exact, strict=True):
        assert found.dtype == jnp.bfloat16 and found.shape == expected.shape
        np.testing.assert_allclose(np.asarray(found, np.float32), expected, rtol=2**-8, atol=1e-4)


def test_float32_weights_keep_float32_gradients():
    """Master weights: computed in bfloat16 after a cast, their gradients come back in float32."""
    x, weight, dy = inputs(jnp.bfloat16)
    master = weight.astype(jnp.float32)
    found = jax.grad(lambda w: jnp.sum((product(x, w.astype(jnp.bfloat16)) * dy).astype(jnp.float32)))(master)
    assert found.dtype == jnp.float32


def test_outputs_have_the_variance_of_inputs():
    layer = Linear.init(512, 256, jax.random.key(1), scale=0.5, dtype=jnp.dtype("float32"))
    outputs = layer(jax.random.normal(jax.random.key(2), (64, 512)))
    assert float(outputs.std()) == pytest.approx(0.5, rel=0.05)
