"""Products with quantized weights against NumPy, on every set of instructions that this processor has."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.errors import UserError
from codegem.kernels import library, ops
from codegem.kernels.dense import DenseMatrix
from codegem.kernels.matrix import QuantizedMatrix

from . import reference

EPS = 1e-6

# Rows T, columns K, output rows N.
SHAPES = [
    (1, 32, 1),
    (1, 64, 16),
    (1, 100, 40),
    (2, 2048, 33),
    (3, 1056, 17),
    (4, 96, 250),
    (5, 640, 48),
    (8, 1600, 31),
    (9, 128, 64),
    (16, 1056, 300),
    (17, 36, 5),
    (33, 544, 70),
    (300, 2048, 90),
    (600, 224, 130),
]


@pytest.fixture(autouse=True)
def kernels() -> None:
    if library.library() is None:
        pytest.skip("the kernels were not built")


@cache
def matrix(seed: int, rows: int, columns: int, bits: int, block: int) -> tuple[QuantizedMatrix, np.ndarray, np.ndarray]:
    codes, scales = reference.random_matrix(seed, rows, columns, bits, block)
    return QuantizedMatrix.pack(codes, scales, bits), codes, scales


@cache
def activations(rows: int, columns: int) -> np.ndarray:
    numbers = np.random.default_rng(rows * columns)
    x = numbers.standard_normal((rows, columns), np.float32)
    x *= np.exp(numbers.standard_normal((rows, columns), np.float32))
    x[rows // 2, : columns // 2] = 0
    return x


@cache
def expected(rows: int, columns: int, outputs: int, bits: int, block: int) -> np.ndarray:
    _, codes, scales = matrix(outputs, outputs, columns, bits, block)
    return reference.product(activations(rows, columns), codes, scales, block)


@pytest.mark.parametrize("block", [32, 64, 128])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_product_is_what_numpy_computes(instruction_set: str, bits: int, block: int):
    for rows, columns, outputs in SHAPES:
        weight, _, _ = matrix(outputs, outputs, columns, bits, block)
        (result,) = ops.products(jnp.asarray(activations(rows, columns)), [weight])
        want = expected(rows, columns, outputs, bits, block)
        assert result.shape == want.shape
        # Portable C++ rounds a product before it is added.
        tolerance = 2e-6 if instruction_set == "portable" else 2e-7
        np.testing.assert_allclose(result, want, rtol=tolerance, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("block", [32, 64, 128])
@pytest.mark.parametrize("rows", [1, 6, 40])
def test_several_weights_share_a_norm(instruction_set: str, block: int, rows: int):
    columns, heights, bits = 672, (40, 16, 129), (4, 8, 4)
    x = activations(rows, columns)
    scale = np.random.default_rng(1).standard_normal(columns).astype(np.float32) / 2
    weights = [matrix(n, n, columns, b, block) for n, b in zip(heights, bits, strict=True)]
    results = ops.products(jnp.asarray(x), [w[0] for w in weights], norm=jnp.asarray(scale), eps=EPS)
    normed = reference.norm(x, scale, EPS)
    for result, (_, codes, scales) in zip(results, weights, strict=True):
        dense = reference.dequantize(codes, scales, block)
        assert (np.abs(result - normed @ dense.T) <= reference.error_bound(normed, dense, block)).all()


@pytest.mark.parametrize("rows", [1, 5, 50, 100])
@pytest.mark.parametrize("bits", [(4, 4), (8, 4)])
def test_mlp(instruction_set: str, rows: int, bits: tuple[int, int]):
    columns, hidden, block = 320, 72, 64
    x = activations(rows, columns) / 4
    shapes = [(hidden, columns, bits[0]), (hidden, columns, bits[1]), (columns, hidden, 4)]
    weights = [matrix(seed, *shape, block) for seed, shape in enumerate(shapes)]
    scale = np.random.default_rng(1).standard_normal(columns).astype(np.float32)
    result = ops.mlp(jnp.asarray(x), *(w[0] for w in weights), norm=jnp.asarray(scale), eps=EPS)
    dense = [reference.dequantize(codes, scales, block) for _, codes, scales in weights]
    expected, tolerance = reference.mlp(x, scale, EPS, *dense, block=block)
    assert (np.abs(result - expected) <= tolerance).all()


@pytest.mark.parametrize("rows", [1, 7, 40])
def test_a_residual_is_added(instruction_set: str, rows: int):
    columns, outputs, block = 256, 75, 128
    weight = matrix(3, outputs, columns, 4, block)[0]
    x = jnp.asarray(activations(rows, columns))
    residual = jnp.asarray(np.random.default_rng(5).standard_normal((rows, outputs)).astype(np.float32))
    result = jax.jit(ops.product_added)(x, weight, residual)
    np.testing.assert_array_equal(result, residual + ops.products(x, [weight])[0])


@pytest.mark.parametrize("block", [32, 64, 128])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_row_does_not_depend_on_the_rows_beside_it(instruction_set: str, bits: int, block: int):
    columns, outputs = 1312, 50
    weight = matrix(outputs, outputs, columns, bits, block)[0]
    x = jnp.asarray(activations(530, columns))
    norm = jnp.full(columns, 0.25, jnp.float32)
    (whole,) = ops.products(x, [weight], norm=norm)
    down = matrix(0, columns, outputs, bits, block)[0]
    through = ops.mlp(x, weight, weight, down, norm=norm)
    for first, rows in [(0, 1), (529, 1), (3, 2), (10, 3), (7, 4), (513, 5), (100, 8), (1, 16), (500, 20), (77, 300)]:
        part = x[first : first + rows]
        np.testing.assert_array_equal(ops.products(part, [weight], norm=norm)[0], whole[first : first + rows])
        np.testing.assert_array_equal(ops.mlp(part, weight, weight, down, norm=norm), through[first : first + rows])


@pytest.mark.parametrize("bits", [4, 8])
def test_every_set_with_fused_sums_gives_the_same_bits(bits: int):
    loaded = library.library()
    assert loaded is not None
    weight = matrix(0, 64, 1280, bits, 64)[0]
    x = jnp.asarray(activations(37, 1280))
    before = library.chosen_instructions(loaded)
    results = {}
    for name in library.usable_instructions(loaded):
        library.choose(loaded, name)
        results[name] = np.asarray(ops.products(x, [weight])[0])
    library.choose(loaded, before)
    fused = [result for name, result in results.items() if name != "portable"]
    assert fused
    for result in fused[1:]:
        np.testing.assert_array_equal(result, fused[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [1, 20])
def test_what_is_not_finite_stays_so(instruction_set: str, value: float, rows: int):
    weight = matrix(1, 20, 192, 4, 64)[0]
    x = np.array(activations(rows, 192))
    clean = np.asarray(ops.products(jnp.asarray(x), [weight])[0])
    x[0, 70] = value
    result = np.asarray(ops.products(jnp.asarray(x), [weight])[0])
    assert not np.isfinite(result[0]).any()
    np.testing.assert_array_equal(result[1:], clean[1:])


def test_tiny_and_zero_blocks(instruction_set: str):
    weight, codes, scales = matrix(1, 20, 192, 4, 64)
    x = np.array(activations(3, 192))
    x[0], x[1, :64], x[2] = 0, 1e-38, x[2] * 1e-20
    result = ops.products(jnp.asarray(x), [weight])[0]
    np.testing.assert_allclose(result, reference.product(x, codes, scales, 64), rtol=1e-6, atol=1e-27)


def test_work_is_left_out_while_it_is_given_up():
    weight, _, _ = matrix(5, 512, 256, 8, 64)
    program = jax.jit(lambda x, residual: ops.product_added(x, weight, residual))
    x, residual = activations(40, 256), np.full((40, 512), 1e6, np.float32)
    with library.giving_up():
        spoiled = np.asarray(program(x, residual))
    right = np.asarray(program(x, residual))
    assert (right > 5e5).all() and not (spoiled == right).all()


class TestWrongArguments:
    weight = property(lambda self: matrix(1, 20, 192, 4, 64)[0])

    @pytest.mark.parametrize("shape", [(192,), (2, 191), (1, 2, 192)])
    def test_x(self, shape: tuple[int, ...]):
        with pytest.raises(UserError, match=r"x must be float32 \[any, 192\]"):
            ops.products(jnp.zeros(shape), [self.weight])

    def test_types(self):
        with pytest.raises(UserError, match="x must be float32"):
            ops.products(jnp.zeros((1, 192), jnp.bfloat16), [self.weight])

    def test_norm_and_residual(self):
        with pytest.raises(UserError, match=r"norm must be float32 \[192\]"):
            ops.products(jnp.zeros((1, 192)), [self.weight], norm=jnp.zeros(191))
        with pytest.raises(UserError, match=r"residual must be float32 \[1, 20\]"):
            ops.product_added(jnp.zeros((1, 192)), self.weight, jnp.zeros((2, 20)))

    def test_weights_that_do_not_fit_each_other(self):
        with pytest.raises(UserError, match="one width and one block"):
            ops.products(jnp.zeros((1, 192)), [self.weight, matrix(1, 20, 192, 4, 32)[0]])
        with pytest.raises(UserError, match="at least one matrix"):
            ops.products(jnp.zeros((1, 192)), [])
        with pytest.raises(UserError, match="gate has 20 rows and up 16"):
            self.mlp(self.weight, matrix(1, 16, 192, 4, 64)[0], self.weight)
        with pytest.raises(UserError, match=r"down must be \[192, 20\], not \[20, 192\]"):
            self.mlp(self.weight, self.weight, self.weight)
        dense = DenseMatrix.pack(np.zeros((192, 20)))
        with pytest.raises(UserError, match="gate, up and down must all be dense"):
            self.mlp(self.weight, self.weight, dense)
        with pytest.raises(UserError, match="must all be dense, or all quantized"):
            ops.products(jnp.zeros((1, 192)), [self.weight, DenseMatrix.pack(np.zeros((20, 192)))])

    def mlp(self, *weights: ops.Matrix) -> None:
        ops.mlp(jnp.zeros((1, 192)), *weights, norm=jnp.zeros(192))

    @pytest.mark.parametrize("field", ["rows", "columns", "bits", "block"])
    def test_a_matrix_that_says_another_shape_than_it_has(self, field: str):
        """The library checks the buffers themselves: no number in a file can lead it out of them."""
        import dataclasses

        other = {"rows": 1000, "columns": 4096, "bits": 8, "block": 32}[field]
        false = dataclasses.replace(self.weight, **{field: other})
        with pytest.raises(Exception, match="codegem product"):
            ops.products(jnp.zeros((1, false.columns)), [false])[0].block_until_ready()
