"""Dense matrices and their products against NumPy, on every set of instructions that this processor has."""

import dataclasses
from functools import cache

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings

from codegem.kernels import library, ops
from codegem.kernels.dense import DenseMatrix

from . import reference

EPS = 1e-6

needs_kernels = pytest.mark.skipif(not ops.available(), reason="the C++ kernels were not built")


@cache
def weight(seed: int, rows: int, columns: int) -> tuple[DenseMatrix, np.ndarray]:
    dense = reference.random_dense(seed, rows, columns)
    return DenseMatrix.pack(dense), dense


@cache
def activations(rows: int, columns: int) -> np.ndarray:
    numbers = np.random.default_rng(rows * columns)
    return numbers.standard_normal((rows, columns), np.float32) * np.exp(numbers.standard_normal((rows, 1), np.float32))


def tolerance(name: str) -> float:
    """Of a sum of terms of deviation 1: tiles keep 16 bits of an activation, vectors all of them."""
    return 6e-5 if name == "amx" else 6e-6


def check(name: str, rows: int, columns: int, outputs: int) -> None:
    packed, dense = weight(outputs, outputs, columns)
    x = activations(rows, columns)
    (result,) = ops.products(jnp.asarray(x), [packed])
    assert result.dtype == jnp.float32 and result.shape == (rows, outputs)
    size = np.sqrt((x.astype(np.float64) ** 2).mean(axis=1, keepdims=True))
    off = np.abs(result - x.astype(np.float64) @ dense.T.astype(np.float64)) / size
    assert off.max(initial=0) <= tolerance(name)


@given(rows=st.integers(1, 60), columns=st.integers(1, 200))
@settings(max_examples=25)
def test_what_is_packed_is_unpacked(rows: int, columns: int):
    """The layout, element by element, and rows of it."""
    dense = reference.random_dense(rows, rows, columns)
    packed = DenseMatrix.pack(jnp.asarray(dense, jnp.bfloat16))
    np.testing.assert_array_equal(np.asarray(packed.unpack(), np.float32), dense)
    values = np.asarray(packed.values, np.float32)
    n, k = np.indices(dense.shape)
    np.testing.assert_array_equal(values[n // 16, k // 2, n % 16, k % 2], dense)
    assert np.count_nonzero(values) == np.count_nonzero(dense)
    some = np.array([[0, rows - 1], [rows // 2, 0]])
    np.testing.assert_array_equal(packed.take(jnp.asarray(some)), dense[some])


def test_packing_rounds_to_bfloat16():
    wide = np.random.default_rng(0).standard_normal((20, 40), np.float32)
    np.testing.assert_array_equal(DenseMatrix.pack(wide).unpack().astype(jnp.float32), reference.bfloat16(wide))


@needs_kernels
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 5, 8, 9, 16, 17, 31, 33, 64, 70, 600])
def test_a_product_is_what_numpy_computes(instruction_set: str, rows: int):
    for columns, outputs in [(1, 1), (32, 16), (36, 5), (300, 40), (1056, 70), (544, 130)]:
        check(instruction_set, rows, columns, outputs)


@needs_kernels
def test_many_rows_with_many_weights(instruction_set: str):
    """Which threads share by panels; above they share by rows."""
    check(instruction_set, 70, 1100, 2050)


@needs_kernels
@given(rows=st.integers(1, 150), columns=st.integers(1, 1200), outputs=st.integers(1, 100))
@example(rows=150, columns=1025, outputs=33)
@settings(max_examples=60)
def test_any_shape(rows: int, columns: int, outputs: int):
    check(ops.instructions(), rows, columns, outputs)


@needs_kernels
@pytest.mark.parametrize("rows", [1, 6, 40, 100])
def test_several_weights_share_a_norm(instruction_set: str, rows: int):
    columns = 672
    x, scale = activations(rows, columns), np.random.default_rng(1).standard_normal(columns).astype(np.float32) / 2
    weights = [weight(n, n, columns) for n in (40, 16, 129)]
    results = ops.products(jnp.asarray(x), [packed for packed, _ in weights], norm=jnp.asarray(scale), eps=EPS)
    normed = reference.norm(x, scale, EPS)
    for result, (_, dense) in zip(results, weights, strict=True):
        np.testing.assert_allclose(result, normed @ dense.T, atol=2 * tolerance(instruction_set))


@needs_kernels
@pytest.mark.parametrize("rows", [1, 7, 40, 200])
def test_a_residual_is_added(instruction_set: str, rows: int):
    packed, x = weight(3, 75, 256)[0], jnp.asarray(activations(rows, 256))
    residual = jnp.asarray(np.random.default_rng(5).standard_normal((rows, 75)).astype(np.float32))
    result = jax.jit(ops.product_added)(x, packed, residual)
    np.testing.assert_array_equal(result, residual + ops.products(x, [packed])[0])


@needs_kernels
@pytest.mark.parametrize("rows", [1, 5, 50, 100, 530])
def test_mlp(instruction_set: str, rows: int):
    columns, hidden = 320, 1000
    x, scale = activations(rows, columns), np.random.default_rng(1).standard_normal(columns).astype(np.float32)
    shapes = [(hidden, columns), (hidden, columns), (columns, hidden)]
    weights = [weight(seed, *shape) for seed, shape in enumerate(shapes)]
    result = ops.mlp(jnp.asarray(x), *(packed for packed, _ in weights), norm=jnp.asarray(scale), eps=EPS)
    expected, bound = reference.mlp(x, scale, EPS, *(dense for _, dense in weights), block=None)
    assert (np.abs(result - expected) <= bound + 1e-6 * np.abs(expected)).all()


@needs_kernels
def test_gelu_far_from_zero(instruction_set: str):
    """One column that takes every size of input; a large epsilon makes the norm a factor, near 1."""
    x = np.zeros((400, 32), np.float32)
    x[:, 0] = np.concatenate([np.linspace(-12, 12, 392), [-200, -88, -87, 87, 88, 1e4, -1e4, 0]])
    one, second = np.zeros((1, 32)), np.zeros((32, 1))
    one[0, 0] = second[1, 0] = 1
    column, down = DenseMatrix.pack(one), DenseMatrix.pack(second)
    norm = jnp.full(32, 1e6, jnp.float32)
    value = np.asarray(ops.products(jnp.asarray(x), [column], norm=norm, eps=1e12)[0], np.float64)[:, 0]
    result = np.asarray(ops.mlp(jnp.asarray(x), column, column, down, norm=norm, eps=1e12))[:, 1]
    np.testing.assert_allclose(result, reference.gelu(value) * value, rtol=3e-5, atol=2e-6)


@needs_kernels
@pytest.mark.parametrize("columns", [96, 1312])
def test_a_row_does_not_depend_on_the_rows_beside_it(instruction_set: str, columns: int):
    packed, down = weight(0, 1050, columns)[0], weight(1, columns, 1050)[0]
    x, norm = jnp.asarray(activations(530, columns)), jnp.full(columns, 0.25, jnp.float32)
    (whole,) = ops.products(x, [packed], norm=norm)
    through = ops.mlp(x, packed, packed, down, norm=norm)
    for first, rows in [(0, 1), (529, 1), (3, 2), (10, 3), (7, 4), (513, 5), (100, 8), (1, 16), (500, 20), (77, 300)]:
        part, rest = x[first : first + rows], slice(first, first + rows)
        np.testing.assert_array_equal(ops.products(part, [packed], norm=norm)[0], whole[rest])
        np.testing.assert_array_equal(ops.mlp(part, packed, packed, down, norm=norm), through[rest])


@needs_kernels
def test_sets_with_fused_sums_and_without_tiles_give_the_same_bits():
    loaded = library.library()
    assert loaded is not None
    packed, x = weight(0, 64, 1280)[0], jnp.asarray(activations(37, 1280))
    before, results = library.chosen_instructions(loaded), {}
    for name in library.usable_instructions(loaded):
        library.choose(loaded, name)
        results[name] = np.asarray(ops.products(x, [packed])[0])
    library.choose(loaded, before)
    fused = [result for name, result in results.items() if name not in ("amx", "portable")]
    for result in fused[1:]:
        np.testing.assert_array_equal(result, fused[0])


@needs_kernels
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [1, 20, 100])
def test_what_is_not_finite_stays_so(instruction_set: str, value: float, rows: int):
    packed = weight(1, 20, 192)[0]
    x = np.array(activations(rows, 192))
    clean = np.asarray(ops.products(jnp.asarray(x), [packed])[0])
    x[0, 70] = value
    result = np.asarray(ops.products(jnp.asarray(x), [packed])[0])
    assert not np.isfinite(result[0]).any()
    np.testing.assert_array_equal(result[1:], clean[1:])


@needs_kernels
@pytest.mark.parametrize("field", ["rows", "columns"])
def test_a_matrix_that_says_another_shape_than_it_has(field: str):
    false = dataclasses.replace(weight(1, 20, 192)[0], **{field: 4096})
    with pytest.raises(Exception, match="codegem product: an argument has another type or shape"):
        ops.products(jnp.zeros((1, false.columns)), [false])[0].block_until_ready()
    down = DenseMatrix.pack(np.zeros((false.columns, false.rows)))
    with pytest.raises(Exception, match="codegem product: an argument of the MLP has another type or shape"):
        ops.mlp(jnp.zeros((1, false.columns)), false, false, down, norm=jnp.zeros(false.columns)).block_until_ready()
