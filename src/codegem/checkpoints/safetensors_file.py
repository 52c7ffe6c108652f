"""One safetensors file, mapped into memory, and how it is written. `safetensors_header` checks what it says.

JAX on CPUs uses memory as it lies where an array begins at a multiple of 64 bytes. `write_safetensors`
pads the header so that tensors do; files of others seldom do, and their tensors are copied one at a time.
"""

import json
import math
import mmap
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np

from codegem.checkpoints.huge_pages import ALIGNMENT, AVAILABLE, reserve
from codegem.checkpoints.safetensors_header import DTYPES, TensorInfo, read_header
from codegem.errors import UserError

_MOST_BUFFERS = 1000  # Linux takes 1024 in a call
_THREADS = 2  # more copy no faster: they share the memory's bandwidth
_COPY_AGAIN = "copy or download it again"


class SafetensorsFile:
    """A mapped file; made by `open_safetensors`.

    Attributes:
        tensors: by name, in the order of the header.
        metadata: the header's "__metadata__".

    The map lives as long as any array that was made of it. As with every map, a program that shortens the
    file in place meanwhile ends this one; replacing the file by another, as `codegem` and the hub's client
    do, does no harm.
    """

    def __init__(self, path: Path, handle: Any, tensors: dict[str, TensorInfo], metadata: dict[str, str]):
        self.path, self.tensors, self.metadata = path, tensors, metadata
        self._handle = handle
        self._map = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)

    def dtype(self, name: str) -> np.dtype:
        """The NumPy type of a tensor."""
        return DTYPES[self.tensors[name].dtype]

    def view(self, name: str) -> np.ndarray:
        """The tensor where it lies in the file: read-only, and nothing is read before it is used."""
        info = self.tensors[name]
        dtype = DTYPES[info.dtype]
        count = (info.stop - info.start) // dtype.itemsize
        return np.frombuffer(self._map, dtype, count, info.start).reshape(info.shape)

    def copy(self, name: str) -> np.ndarray:
        """The tensor in memory of its own, at a multiple of 64 bytes; no page of the map is touched."""
        return self.copies([name])[0]

    def copies(self, names: Sequence[str]) -> list[np.ndarray]:
        """`copy` of several tensors, by a single call of the system where they lie side by side.

        Such a call leaves Python to other threads for as long as it takes.
        """
        memory = reserve([self.tensors[name].stop - self.tensors[name].start for name in names])
        bytes_of_each = dict(zip(names, memory, strict=True))
        buffers: list[memoryview] = []
        end = 0
        for name in sorted(names, key=lambda name: self.tensors[name].start):
            if self.tensors[name].start != end:
                self._read_before(end, buffers)
                buffers = []
            buffers.append(bytes_of_each[name].data)
            end = self.tensors[name].stop
        self._read_before(end, buffers)
        return [bytes_of_each[name].view(self.dtype(name)).reshape(self.tensors[name].shape) for name in names]

    def array(self, name: str) -> jax.Array:
        """The tensor on JAX's default device; on CPUs the file's own memory where that is aligned."""
        aligned = self.tensors[name].start % ALIGNMENT == 0
        return jax.device_put(self.view(name) if aligned else self.copy(name))

    def _read_before(self, end: int, buffers: Sequence[memoryview]) -> None:
        """Fill buffers with the bytes of the file that stand before `end`."""
        left = [buffer for buffer in buffers if len(buffer)]
        at = end - sum(map(len, left))
        while left:
            count = self._read_some(left[:_MOST_BUFFERS], at)
            if not count:
                raise UserError(f"{self.path} became shorter while it was read; {_COPY_AGAIN}.")
            at += count
            while left and count >= len(left[0]):
                count -= len(left.pop(0))
            if count:
                left[0] = left[0][count:]

    def _read_some(self, buffers: list[memoryview], at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._handle.fileno(), buffers, at)
        buffers[0][:] = memoryview(self._map)[at : at + len(buffers[0])]
        return len(buffers[0])


def open_safetensors(path: Path | str) -> SafetensorsFile:
    """Map a file whose header is sound.

    >>> file = open_safetensors("model.safetensors")            # doctest: +SKIP
    >>> file.tensors["model.norm.weight"]                       # doctest: +SKIP
    TensorInfo(dtype='BF16', shape=(2048,), start=19328, stop=23424)

    Raises:
        UserError: the file is absent, cut, or breaks a rule of the format.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path} does not exist; {_COPY_AGAIN}.")
    try:
        return _open(path)
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is cut or no safetensors file ({reason:.200}); {_COPY_AGAIN}.") from None


def _open(path: Path) -> SafetensorsFile:
    if not path.is_file():  # opening a pipe would wait for ever
        raise ValueError("it is not a regular file")
    handle = open(path, "rb", buffering=0)  # noqa: SIM115  # stays open with the map
    try:
        return SafetensorsFile(path, handle, *read_header(handle, os.fstat(handle.fileno()).st_size))
    except BaseException:
        handle.close()
        raise


def read_arrays(tensors: Sequence[tuple[SafetensorsFile, str]], *, huge_pages: bool = True) -> list[np.ndarray]:
    """Tensors of one file or several, for `jax.device_put`: read-only views, or copies where those serve better.

    On CPUs that is where JAX could not use a view, and where huge pages make the copy faster to compute with.
    Copies are made by two threads, each of which leaves Python to others most of the time.

    Args:
        huge_pages: copy for their sake; without, what JAX can use stays in the file, and nothing of it is read yet.
    """
    copied = [item for item in tensors if _is_better_copied(*item, huge_pages)]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = dict(pair for part in pool.map(_copied, _parts(copied)) for pair in part)
    return [found[file.path, name] if (file.path, name) in found else file.view(name) for file, name in tensors]


def _is_better_copied(file: SafetensorsFile, name: str, huge_pages: bool) -> bool:
    if jax.default_backend() != "cpu":
        return False
    return (huge_pages and AVAILABLE) or file.tensors[name].start % ALIGNMENT != 0


def _parts(tensors: Sequence[tuple[SafetensorsFile, str]]) -> Iterator[list[tuple[SafetensorsFile, str]]]:
    """The tensors file by file and as they lie there, in parts of about equal size for the threads."""
    files = {file.path: file for file, _ in tensors}
    for path, file in files.items():
        names = sorted((name for other, name in tensors if other.path == path), key=lambda n: file.tensors[n].start)
        sizes = [file.tensors[name].stop - file.tensors[name].start for name in names]
        share = max(sum(sizes) / _THREADS, 1)
        places = [int((end - 1) // share) for end in accumulate(sizes)]
        for part in sorted(set(places)):
            yield [(file, name) for name, place in zip(names, places, strict=True) if place == part]


def _copied(part: list[tuple[SafetensorsFile, str]]) -> list[tuple[tuple[Path, str], np.ndarray]]:
    file, names = part[0][0], [name for _, name in part]
    return [((file.path, name), copy) for name, copy in zip(names, file.copies(names), strict=True)]


class ArrayLike(Protocol):
    """An array of NumPy or JAX, or `Planned`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...


@dataclass(frozen=True)
class Planned:
    """A tensor that is made only when it is its turn to be written, so that not all exist at once."""

    shape: tuple[int, ...]
    dtype: np.dtype
    make: Callable[[], Any]


def made(tensor: Any) -> Any:
    """The array of a `Planned`; an array is one already."""
    return tensor.make() if isinstance(tensor, Planned) else tensor


def write_safetensors(
    path: Path | str, tensors: Mapping[str, ArrayLike], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a file whose tensors lie at multiples of 64 bytes, one tensor after the other.

    The format allows no gaps: tensors of other sizes stand behind those whose size is a multiple of 64 bytes,
    wider types first, and only they may lie elsewhere.

    Args:
        tensors: NumPy or JAX arrays, or `Planned` ones.

    Raises:
        OSError: the disk is full, or the path can't be written.
    """
    kinds = {dtype: name for name, dtype in DTYPES.items()}
    order = sorted(tensors, key=lambda name: _last_where_odd(tensors[name]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in order:
        dtype, shape = np.dtype(tensors[name].dtype), tensors[name].shape
        start, end = end, end + bytes_of(tensors[name])
        header[name] = {"dtype": kinds[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(_content(name, tensors[name]))


def _content(name: str, tensor: Any) -> memoryview:
    array = np.asarray(made(tensor), order="C")
    if array.dtype != np.dtype(tensor.dtype) or array.shape != tuple(tensor.shape):
        raise ValueError(f"{name} is {array.dtype} {array.shape}, and was planned as {tensor.dtype} {tensor.shape}")
    return array.reshape(-1).view(np.uint8).data


def bytes_of(tensor: ArrayLike) -> int:
    """How many bytes the tensor takes in a file."""
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize


def _last_where_odd(tensor: ArrayLike) -> tuple[bool, int]:
    odd = bytes_of(tensor) % ALIGNMENT != 0
    return odd, -np.dtype(tensor.dtype).itemsize if odd else 0
