"""Values of a GGUF file's tensors: from their stored form to floating point, and back.

Quantized forms keep blocks of 32 or 256 neighbouring values of a row with a scale or more; the `gguf` package, by
ggml's authors, knows how. It works in float32, so it gets a few rows at a time.
"""

from collections.abc import Iterator

import ml_dtypes
import numpy as np

from codegem.checkpoints.gguf_header import ENCODINGS, Encoding

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS.values()}
FLOATS = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
_ALIGNMENT = 64  # bytes; JAX on CPUs takes an array over as it lies where it begins at a multiple
_AT_ONCE = 1 << 20  # values; what is made of them on the way stays in the cache


def decode(stored: np.ndarray, encoding: Encoding, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The tensor in a floating-point type, in memory of its own.

    Args:
        stored: its bytes.
        shape: with the outermost size first; a row is the last axis.

    >>> decode(np.float32([1, 2]).view(np.uint8), BY_NAME["F32"], (2,), np.dtype("float16"))
    array([1., 2.], dtype=float16)
    """
    rows = stored.reshape(-1, shape[-1] // encoding.values * encoding.bytes)
    out = _empty((len(rows), shape[-1]), dtype)
    for part in _parts(*out.shape):
        out[part] = _values(rows[part], encoding)
    return out.reshape(shape)


def encode(values: np.ndarray, encoding: Encoding) -> Iterator[np.ndarray]:
    """The bytes of a tensor, some rows at a time.

    Raises:
        ValueError: a value is beyond the largest that the encoding can store, or is no number.
    """
    rows = values.reshape(-1, values.shape[-1])
    for part in _parts(*rows.shape):
        yield _stored(rows[part], encoding)


def _values(stored: np.ndarray, encoding: Encoding) -> np.ndarray:
    if encoding.name in FLOATS:
        return stored.view(FLOATS[encoding.name])
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    with np.errstate(all="ignore"):  # a damaged block may hold a scale that is no number
        return dequantize(stored, GGMLQuantizationType[encoding.name])


def _stored(values: np.ndarray, encoding: Encoding) -> np.ndarray:
    with np.errstate(over="ignore"):
        wide = values.astype(FLOATS.get(encoding.name, np.dtype(np.float32)))
        if not np.isfinite(wide).all():
            raise ValueError(f"it holds a value that {encoding.name} can't")
    if encoding.name in FLOATS:
        return wide.view(np.uint8)
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    return quantize(wide, GGMLQuantizationType[encoding.name])


def _parts(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _AT_ONCE // columns)
    return (slice(at, min(at + step, rows)) for at in range(0, rows, step))


def _empty(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    size = shape[0] * shape[1] * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)
