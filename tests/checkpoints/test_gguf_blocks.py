"""Values in blocks: what is stored is what the `gguf` package says, within the error that the bits allow."""

import numpy as np
import pytest

from codegem.checkpoints import gguf_blocks
from codegem.checkpoints.gguf_blocks import BY_NAME, FLOATS, decode, encode

QUANTIZED = sorted(BY_NAME.keys() - FLOATS.keys())


def stored(values: np.ndarray, name: str) -> np.ndarray:
    return np.concatenate([part.reshape(-1) for part in encode(values, BY_NAME[name])])


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("name", FLOATS)
def test_floats_come_back(name: str):
    values = normal(5, 7).astype(FLOATS[name])
    assert np.array_equal(decode(stored(values, name), BY_NAME[name], (5, 7), FLOATS[name]), values)


@pytest.mark.parametrize("name", FLOATS)
def test_floats_are_rounded_to_nearest(name: str):
    values = normal(5, 7)
    found = decode(stored(values, name), BY_NAME[name], (5, 7), FLOATS["F32"])
    assert np.array_equal(found, values.astype(FLOATS[name]).astype(np.float32))


@pytest.mark.parametrize(("name", "steps"), [("Q8_0", 127), ("Q4_0", 8)])
def test_what_is_written_is_off_by_half_a_step(name: str, steps: int):
    values = normal(6, 64)
    found = decode(stored(values, name), BY_NAME[name], (6, 64), FLOATS["F32"])
    largest = np.abs(values.reshape(-1, 32)).max(axis=1, keepdims=True)
    off = np.abs(found - values).reshape(-1, 32) / (largest / steps)
    # The scale is rounded to 16 bits; Q4_0's codes reach 8 steps on one side and 7 on the other.
    assert off.max() < (0.6 if name == "Q8_0" else 1.01)


@pytest.mark.parametrize("name", QUANTIZED)
def test_blocks_are_read_as_the_package_reads_them(name: str, monkeypatch: pytest.MonkeyPatch):
    package = pytest.importorskip("gguf")
    encoding = BY_NAME[name]
    blocks = np.random.default_rng(1).integers(0, 255, (12, 2 * encoding.bytes), np.uint8)
    with np.errstate(all="ignore"):
        wanted = package.quants.dequantize(blocks, package.GGMLQuantizationType[name])
    shape = (3, 4, 2 * encoding.values)
    found = decode(blocks.reshape(-1), encoding, shape, FLOATS["F32"])
    assert found.shape == shape and np.array_equal(found.reshape(12, -1), wanted, equal_nan=True)
    monkeypatch.setattr(gguf_blocks, "_AT_ONCE", 5 * 2 * encoding.values)
    again = decode(blocks.reshape(-1), encoding, shape, FLOATS["F32"])
    assert np.array_equal(again, found, equal_nan=True)


@pytest.mark.parametrize("name", QUANTIZED)
def test_damaged_scales_are_no_error(name: str):
    encoding = BY_NAME[name]
    blocks = np.full((4, encoding.bytes), 0xFF, np.uint8)  # every 16-bit scale is no number
    with np.errstate(all="raise"):
        assert decode(blocks, encoding, (4, encoding.values), FLOATS["BF16"]).shape == (4, encoding.values)


@pytest.mark.parametrize(("name", "value"), [("F16", 1e6), ("F32", np.nan), ("Q8_0", np.inf), ("BF16", 3.4e38 * 2)])
def test_what_can_not_be_stored(name: str, value: float):
    with np.errstate(over="ignore"):
        values = np.full((2, 32), value, np.float32)
    with pytest.raises(ValueError, match=f"a value that {name} can't"):
        stored(values, name)


def test_memory_is_aligned_for_jax():
    for rows in range(1, 6):
        assert decode(stored(normal(rows, 33), "F32"), BY_NAME["F32"], (rows, 33), FLOATS["F32"]).ctypes.data % 64 == 0
