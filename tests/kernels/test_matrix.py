"""Packing: what goes in comes out, in the layout that the kernels read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.kernels.matrix import QuantizedMatrix

from . import reference


@jax.jit  # one program for each shape, not one for each operation
def _read(matrix: QuantizedMatrix, some: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array, jax.Array]:
    return matrix.unpack(), matrix.dequantize(), matrix.take(some)


@settings(max_examples=6)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 300),
    bits=st.sampled_from([4, 8]),
    block=st.sampled_from([32, 64, 128]),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_packed_is_unpacked(rows: int, columns: int, bits: int, block: int, seed: int):
    codes, scales = reference.random_matrix(seed, rows, columns, bits, block)
    matrix = QuantizedMatrix.pack(codes, scales, bits)
    assert (matrix.rows, matrix.columns, matrix.bits) == (rows, columns, bits)
    assert matrix.scales.shape[1] == scales.shape[1] and matrix.block <= block
    some = np.array([[0, rows - 1], [rows // 2, 0]])
    (unpacked, widths), whole, taken = _read(matrix, jnp.asarray(some))
    np.testing.assert_array_equal(unpacked, codes)
    np.testing.assert_array_equal(np.asarray(widths, np.float32), scales)
    np.testing.assert_array_equal(whole, reference.dequantize(codes, scales, block).astype(np.float32))
    np.testing.assert_array_equal(taken, np.asarray(whole)[some])


@pytest.mark.parametrize("bits", [4, 8])
def test_the_layout(bits: int):
    """Byte by byte as the documentation of QuantizedMatrix has it; files rely on it."""
    codes, scales = reference.random_matrix(0, 37, 150, bits, 64)
    matrix = QuantizedMatrix.pack(codes, scales, bits)
    packed, widths = np.asarray(matrix.codes), np.asarray(matrix.scales, np.float32)
    assert packed.shape == (3, 192 // (8 if bits == 4 else 4), 16, 4) and packed.dtype == (np.uint8, np.int8)[bits == 8]
    padded = np.zeros((48, 192), np.int8)
    padded[:37, :150] = codes
    for row in range(48):
        for column in range(192):
            panel, lane = divmod(row, 16)
            if bits == 8:
                code = packed[panel, column // 4, lane, column % 4]
            else:
                byte = packed[panel, column // 8, lane, column % 4]
                code = int(byte >> 4 if column % 8 >= 4 else byte & 15) - 8
            assert code == padded[row, column]
    for row in range(37):
        np.testing.assert_array_equal(widths[row // 16, :, row % 16], scales[row])
    assert not widths[2, :, 5:].any()


def test_scales_are_rounded_to_bfloat16():
    scales = np.random.default_rng(0).random((5, 3), np.float32)
    matrix = QuantizedMatrix.pack(np.zeros((5, 96), np.int8), scales, 8)
    np.testing.assert_array_equal(np.asarray(matrix.unpack()[1], np.float32), reference.bfloat16(scales))


@pytest.mark.parametrize(
    ("codes", "scales", "bits", "message"),
    [
        ((4, 64), (4, 2), 5, "8 or 4 bits, not 5"),
        ((4, 640), (4, 7), 4, "fit codes .* for no block"),
        ((4, 64), (3, 1), 4, "fit codes .* for no block"),
    ],
)
def test_what_does_not_fit(codes: tuple[int, int], scales: tuple[int, int], bits: int, message: str):
    with pytest.raises(UserError, match=message):
        QuantizedMatrix.pack(np.zeros(codes, np.int8), np.zeros(scales, np.float32), bits)
