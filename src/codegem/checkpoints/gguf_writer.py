"""Writing a GGUF file, one tensor after the other; `gguf_header` says how the format goes."""

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codegem.checkpoints.gguf_blocks import encode
from codegem.checkpoints.gguf_header import ENCODINGS, Encoding

ALIGNMENT = 64  # bytes; JAX on CPUs uses tensors of the mapped file as they lie if they begin at a multiple
_VERSION = 3
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9
_ARRAYS = {"float32": 6, "int32": 5}
_CODES = {encoding: code for code, encoding in ENCODINGS.items()}


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor that is made when it is its turn to be written."""

    encoding: Encoding
    shape: tuple[int, ...]
    make: Callable[[], np.ndarray]

    @property
    def bytes(self) -> int:
        """How many bytes it takes in the file."""
        return math.prod(self.shape) // self.encoding.values * self.encoding.bytes


def write_gguf(path: Path, keys: Mapping[str, Any], tensors: Mapping[str, PlannedTensor]) -> None:
    """Write a file.

    Args:
        keys: a whole number becomes uint32, a fraction float32; arrays are of float32 or int32, lists of texts.

    Raises:
        OSError: the disk is full, or the path can't be written.
        ValueError: a tensor holds what its encoding can't.
    """
    keys = {**keys, "general.alignment": ALIGNMENT}
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(keys)))
        for name, value in keys.items():
            file.write(_string(name) + _value(value))
        offset = 0
        for name, tensor in tensors.items():
            sizes = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape[::-1])
            file.write(_string(name) + sizes + struct.pack("<IQ", _CODES[tensor.encoding], offset))
            offset += tensor.bytes + -tensor.bytes % ALIGNMENT
        for name, tensor in tensors.items():
            file.write(bytes(-file.tell() % ALIGNMENT))
            _write_tensor(file, name, tensor)
        file.write(bytes(-file.tell() % ALIGNMENT))


def _write_tensor(file: Any, name: str, tensor: PlannedTensor) -> None:
    try:
        for part in encode(tensor.make(), tensor.encoding):
            file.write(np.ascontiguousarray(part).data)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: Any) -> bytes:
    """A value with its type before it."""
    if isinstance(value, bool):
        return struct.pack("<IB", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    if isinstance(value, np.ndarray):
        return struct.pack("<IIQ", _ARRAY, _ARRAYS[value.dtype.name], len(value)) + value.tobytes()
    return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(map(_string, value))
