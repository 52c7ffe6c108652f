"""What a GGUF file says about itself, read within bounds before anything else looks at the file.

    "GGUF"  version uint32  tensors uint64  keys uint64
    keys:    name string, type uint32, value; a string is its length uint64 and UTF-8, an array is a type uint32,
             a length uint64 and values
    tensors: name string, dimensions uint32, sizes uint64 (the innermost first), type uint32, offset uint64
    padding to the alignment; then the tensors, each at its offset

Everything is little-endian. A header may claim anything: counts are compared with the bytes that are there before
memory is taken for them. Every fault is a ValueError with a few words, to which the caller adds the file.

Source: ggml's specification of the format, docs/gguf.md, version 3; version 2 differs from it in nothing that is
read here.
"""

import itertools
import math
import mmap
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST_HEADER = 256 << 20  # bytes; Gemma's vocabulary takes 6 MB
LARGEST_ARRAY = 1 << 21  # values; a vocabulary of Gemma has 256,000 pieces and 580,604 merges
MOST_KEYS = MOST_TENSORS = 1 << 16
LONGEST_NAME = 1 << 16  # bytes, of a key
LONGEST_TENSOR_NAME = 256
MOST_DIMENSIONS = 4

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q", 12: "d"}
_BOOL, _STRING, _ARRAY = 7, 8, 9


@dataclass(frozen=True)
class Encoding:
    """How a tensor's values are stored: `values` of them in `bytes` bytes."""

    name: str
    values: int
    bytes: int


# Q5_0 and Q5_1 are where llama.cpp puts rows that don't fill the blocks of Q4_K and Q5_K.
ENCODINGS = {
    0: Encoding("F32", 1, 4),
    1: Encoding("F16", 1, 2),
    2: Encoding("Q4_0", 32, 18),
    6: Encoding("Q5_0", 32, 22),
    7: Encoding("Q5_1", 32, 24),
    8: Encoding("Q8_0", 32, 34),
    12: Encoding("Q4_K", 256, 144),
    13: Encoding("Q5_K", 256, 176),
    14: Encoding("Q6_K", 256, 210),
    30: Encoding("BF16", 1, 2),
}


@dataclass(frozen=True)
class TensorInfo:
    """One tensor: its shape with the outermost size first, and its bytes in the file."""

    encoding: Encoding
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """Keys and tensors, each in the order of the file; an array is a NumPy array or a list of strings."""

    keys: dict[str, Any]
    tensors: dict[str, TensorInfo]


def read_header(data: mmap.mmap | bytes) -> Header:
    """The header of a file.

    Args:
        data: the whole file; only the header is touched.

    Raises:
        ValueError: the file is cut, or breaks a rule or a limit.
    """
    reader = _Reader(data)
    if reader.take(4) != b"GGUF":
        raise ValueError("it does not begin with GGUF")
    version = reader.number("I")
    if version not in (2, 3):
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in (2, 3)
        raise ValueError("it is big-endian" if swapped else f"its version is {version}, and 2 and 3 are known")
    tensors, keys = reader.number("Q"), reader.number("Q")
    reader.expect("tensors", tensors, MOST_TENSORS, 24)
    reader.expect("keys", keys, MOST_KEYS, 13)
    values = {}
    for _ in range(keys):
        name = reader.string(LONGEST_NAME)
        _add(values, name, reader.value(reader.number("I"), name))
    planned: dict[str, tuple[Encoding, tuple[int, ...], int]] = {}
    for _ in range(tensors):
        name = reader.string(LONGEST_TENSOR_NAME)
        _add(planned, name, _tensor(reader, name))
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1) or alignment > 1 << 20:
        raise ValueError(f"its alignment is {alignment!r:.40}, and must be a power of two")
    return Header(values, _placed(planned, reader.at + -reader.at % alignment, alignment, len(data)))


class _Reader:
    """Values of a file one after the other; nothing past the end, nothing past the largest header."""

    def __init__(self, data: mmap.mmap | bytes):
        self.at = 0
        self._data, self._end = data, min(len(data), LARGEST_HEADER)
        self._cut = "it is cut inside its header" if len(data) <= LARGEST_HEADER else "its header has over 256 MB"

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > self._end - self.at:
            raise ValueError(self._cut)
        self.at += size
        return self._data[self.at - size : self.at]

    def number(self, form: str) -> Any:
        """A number; `form` is a letter of `struct`."""
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]

    def string(self, longest: int = LARGEST_HEADER) -> str:
        """A string of at most so many bytes."""
        size = self.number("Q")
        if size > longest:
            raise ValueError(f"a name or text of {size} bytes is too long")
        return self.take(size).decode()

    def expect(self, what: str, count: int, most: int, smallest: int) -> None:
        """Refuse a count of things that are more than allowed, or than there are bytes for."""
        if count > most:
            raise ValueError(f"it claims {count} {what}, and {most} are allowed")
        if count * smallest > self._end - self.at:
            raise ValueError(self._cut)

    def value(self, kind: int, name: str) -> Any:
        """The value of a key."""
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _BOOL:
            return self._bool(self.take(1), name)
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(name)
        raise ValueError(f"{name!r:.80} has the unknown type {kind}")

    def _array(self, name: str) -> Any:
        kind, count = self.number("I"), self.number("Q")
        what = f"values of {name!r:.80}"
        if kind == _STRING:
            self.expect(what, count, LARGEST_ARRAY, 8)
            return [self.string() for _ in range(count)]
        if kind == _BOOL:
            self.expect(what, count, LARGEST_ARRAY, 1)
            return [self._bool(self.take(1), name) for _ in range(count)]
        if kind not in _SCALARS:
            raise ValueError(f"{name!r:.80} holds values of the type {kind}; numbers, truth values and texts are read")
        dtype = np.dtype(_SCALARS[kind]).newbyteorder("<")
        self.expect(what, count, LARGEST_ARRAY, dtype.itemsize)
        return np.frombuffer(self.take(count * dtype.itemsize), dtype)

    def _bool(self, byte: bytes, name: str) -> bool:
        if byte not in (b"\0", b"\1"):
            raise ValueError(f"{name!r:.80} is neither true nor false")
        return byte == b"\1"


def _add(known: dict[str, Any], name: str, value: Any) -> None:
    if name in known:
        raise ValueError(f"it has {name!r:.80} twice")
    known[name] = value


def _tensor(reader: _Reader, name: str) -> tuple[Encoding, tuple[int, ...], int]:
    dimensions = reader.number("I")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise ValueError(f"{name!r:.80} has {dimensions} dimensions, and 1 to {MOST_DIMENSIONS} are allowed")
    shape = tuple(reader.number("Q") for _ in range(dimensions))[::-1]
    kind, offset = reader.number("I"), reader.number("Q")
    if kind not in ENCODINGS:
        known = ", ".join(encoding.name for encoding in ENCODINGS.values())
        raise ValueError(f"{name!r:.80} is stored as the type {kind}, and {known} are read")
    encoding = ENCODINGS[kind]
    if not all(shape) or shape[-1] % encoding.values:
        raise ValueError(f"{name!r:.80} can't have the shape {list(shape)} in {encoding.name}")
    return encoding, shape, offset


def _placed(
    planned: dict[str, tuple[Encoding, tuple[int, ...], int]], start: int, alignment: int, size: int
) -> dict[str, TensorInfo]:
    """The tensors with their places in the file, which must be aligned, inside it, and each its own."""
    tensors = {}
    for name, (encoding, shape, offset) in planned.items():
        stop = start + offset + math.prod(shape) // encoding.values * encoding.bytes
        if offset % alignment:
            raise ValueError(f"{name!r:.80} begins at {offset}, which is no multiple of {alignment}")
        if stop > size:
            raise ValueError(f"{name!r:.80} ends at byte {stop:,}, and the file has {size:,}")
        tensors[name] = TensorInfo(encoding, shape, start + offset, stop)
    by_place = sorted(tensors.items(), key=lambda item: item[1].start)
    for (name, tensor), (other, after) in itertools.pairwise(by_place):
        if tensor.stop > after.start:
            raise ValueError(f"{name!r:.80} and {other!r:.80} overlap")
    return tensors
