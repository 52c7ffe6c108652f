"""The header of a safetensors file, held to every rule of the format.

    8 bytes         N, the length of the header, little-endian
    N bytes         JSON: {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [start, stop]}, ...,
                    "__metadata__": {"key": "text"}}, with spaces behind it
    the rest        the tensors, row-major and little-endian, without a gap or an overlap

(https://github.com/huggingface/safetensors, "Format".) A file comes from anybody, so nothing that it says is
used before it was checked here. The tests compare these verdicts with those of the `safetensors` library.
"""

import json
import math
import sys
from dataclasses import dataclass
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
}
# 30,000 tensors. A header takes up to 40 times its length in memory while it is read.
LONGEST_HEADER = 4 << 20
_MOST_AXES = 64  # NumPy's limit


@dataclass(frozen=True)
class TensorInfo:
    """What the header says of one tensor.

    Attributes:
        dtype: the format's name, such as "BF16".
        start, stop: bytes from the beginning of the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(handle: BinaryIO, size: int) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """The tensors and the metadata of an open file of `size` bytes.

    Raises:
        ValueError: it breaks a rule of the format.
        RecursionError: its JSON is nested too deep.
    """
    length = int.from_bytes(handle.read(8), "little")
    if size < 8:
        raise ValueError(f"it has {size} bytes")
    if length > min(size - 8, LONGEST_HEADER):
        raise ValueError(f"its header would have {length} bytes, the file has {size} and {LONGEST_HEADER} are allowed")
    header = handle.read(length)
    if len(header) < length:
        raise ValueError("it became shorter while it was read")
    if not header.startswith(b"{"):
        raise ValueError("its header does not begin with a brace")
    return _parse(header, 8 + length, size)


def _parse(header: bytes, data: int, size: int) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """Tensors and metadata of a header; `data` is where the tensors begin in a file of `size` bytes."""
    entries = json.loads(
        header.decode("utf-8"),
        object_pairs_hook=_without_repeats,
        parse_constant=_refuse_number,
        parse_float=_refuse_number,
        parse_int=_whole_number,
    )
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not texts by name")
    for text in (*entries, *metadata, *metadata.values()):
        text.encode("utf-8")  # JSON can spell halves of characters
    tensors = {name: _info(name, entry, data) for name, entry in entries.items()}
    end = data
    for name, info in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if info.start != end:
            raise ValueError(
                f"tensor {name!r:.80} begins at byte {info.start - data}, the one before ends at {end - data}"
            )
        end = info.stop
    if end != size:
        raise ValueError(f"its tensors end at byte {end} and the file at {size}")
    return tensors, metadata


def _info(name: str, entry: Any, data: int) -> TensorInfo:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r:.80} has not a dtype, a shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"tensor {name!r:.80} is of type {dtype!r:.40}; {', '.join(DTYPES)} are known")
    if not _whole_numbers(shape) or len(shape) > _MOST_AXES or not _whole_numbers(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r:.80} has the shape {shape!r:.60} and the offsets {offsets!r:.60}")
    start, stop = offsets
    # Also without its zeros the product must be a size: NumPy strides over empty arrays too.
    if math.prod(axis or 1 for axis in shape) * DTYPES[dtype].itemsize > sys.maxsize:
        raise ValueError(f"tensor {name!r:.80} would have the shape {shape!r:.60}")
    if math.prod(shape) * DTYPES[dtype].itemsize != stop - start:
        raise ValueError(f"tensor {name!r:.80} of shape {shape!r:.60} and type {dtype} has {stop - start} bytes")
    return TensorInfo(dtype, tuple(shape), data + start, data + stop)


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name stands twice in its header")
    return entries


def _whole_number(digits: str) -> int:
    if digits.startswith("-") or len(digits) > 19:
        return _refuse_number(digits)
    return int(digits)


def _refuse_number(digits: str) -> Any:
    raise ValueError(f"its header holds the number {digits:.40}")
