"""The arrays of an Orbax checkpoint that is a dict of dicts, read and written one at a time.

Orbax reads every form that its versions since 0.2 have written: with or without OCDBT, for any number of devices. What
a checkpoint says of itself is checked before anything is read: names that lead out of the folder, shapes that
don't fit the files, chunks that are not there.
"""

import gc
import json
import logging
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from codegem.checkpoints.kaggle_layout import Key
from codegem.checkpoints.safetensors_file import Planned
from codegem.errors import UserError

METADATA = "_METADATA"
_LONGEST = 16 << 20  # bytes of metadata; a 7B has 70,000
_NAME = re.compile(r"\w+(/\w+)*")
_FLOATS = ("bfloat16", "float16", "float32")
_CHUNK = 64 << 20  # bytes; what a reader has to hold beside the array
# Weights hardly shrink: an array that is far larger than the files is an attack, or files are missing.
_MOST_SHRUNK, _ALWAYS_ALLOWED = 20, 16 << 20
_LONGEST_REASON = 160  # characters
_SETTLING = 0.1  # seconds
_COPY_AGAIN = "copy or download the checkpoint again"


class ArrayInfo(NamedTuple):
    """What a checkpoint says of an array."""

    shape: tuple[int, ...]
    dtype: str


class OrbaxArrays:
    """A checkpoint that is open for reading.

    Attributes:
        infos: shape and dtype of each array.

    Raises:
        UserError: the folder is no such checkpoint, or says something impossible.
    """

    def __init__(self, folder: Path):
        self._folder = folder.resolve()
        self._orbax = _orbax().Checkpointer(_orbax().PyTreeCheckpointHandler())
        self._check_names()
        with _sentences(self._folder), quiet():
            told = self._orbax.metadata(self._folder).item_metadata
            if told is None:
                raise ValueError("its manifest.ocdbt or its arrays are missing")
            parts = [(name, *part) for name, leaves in _items(told.tree) for part in _items(leaves)]
            self.infos = dict(self._info(name, leaf, info) for name, leaf, info in parts)
        self._check_sizes()

    def read(self, key: Key) -> np.ndarray:
        """One array, in memory of its own."""
        orbax, (name, leaf) = _orbax(), key
        as_numpy = {name: {leaf: orbax.RestoreArgs(restore_type=np.ndarray)}}
        with _sentences(self._folder, f"{name} {leaf}"), quiet():
            args = orbax.args.PyTreeRestore(item={name: {leaf: 0}}, restore_args=as_numpy, partial_restore=True)
            array = self._orbax.restore(self._folder, args=args)[name][leaf]
            if array.shape != self.infos[key].shape:
                raise ValueError(f"it has shape {list(array.shape)} there")
        return array

    def _check_names(self) -> None:
        """Raise for a name that could lead out of the folder, before Orbax makes paths of them."""
        path = self._folder / METADATA
        with _sentences(self._folder):
            if path.stat().st_size > _LONGEST:
                raise ValueError(f"{METADATA} has more than {_LONGEST} bytes")
            tree = json.loads(path.read_text(encoding="utf-8"))["tree_metadata"]
            for entry in tree.values():
                for part in entry["key_metadata"]:
                    if not _NAME.fullmatch(part["key"]):
                        raise ValueError(f"an array is called {part['key']!r:.80}")

    def _info(self, name: str, leaf: str, stored: Any) -> tuple[Key, ArrayInfo]:
        shape, dtype = getattr(stored, "shape", None), str(getattr(stored, "dtype", None))
        if shape is None or dtype not in _FLOATS:
            raise ValueError(f"{name} {leaf} is of type {dtype} and not one of {', '.join(_FLOATS)}")
        chunk = stored.storage.chunk_shape if stored.storage else shape
        if math.prod(chunk) > 2 * max(math.prod(shape), 1):
            raise ValueError(f"{name} {leaf} has chunks of shape {list(chunk)} for an array of shape {list(shape)}")
        folder = self._folder / f"{name}.{leaf}"
        if folder.is_dir():  # without OCDBT each chunk is a file, and one that is missing would be read as zeros
            wanted = math.prod(-(-whole // part) for whole, part in zip(shape, chunk, strict=True))
            found = sum(1 for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            if found < wanted:
                raise ValueError(f"{name} {leaf} has {found} of {wanted} chunks")
        return (name, leaf), ArrayInfo(tuple(shape), dtype)

    def _check_sizes(self) -> None:
        told = sum(math.prod(info.shape) * (4 if info.dtype == "float32" else 2) for info in self.infos.values())
        found = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        if told > _MOST_SHRUNK * found + _ALWAYS_ALLOWED:
            raise UserError(
                f"{self._folder} says that it holds arrays of {told:,} bytes, but its files have {found:,} bytes "
                f"together; {_COPY_AGAIN}."
            )


def write_arrays(folder: Path, arrays: Mapping[Key, Planned], on_array: Callable[[int], object]) -> None:
    """Write a checkpoint, making each array when its turn comes.

    Args:
        folder: must not exist.
        on_array: called with the number of arrays written so far.

    Raises:
        UserError: it could not be written.
    """
    orbax = _orbax()
    tree: dict[str, dict[str, _Leaf]] = {}
    for (name, leaf), planned in arrays.items():
        tree.setdefault(name, {})[leaf] = _Leaf(planned)
    chunks = {name: {leaf: orbax.SaveArgs(chunk_byte_size=_CHUNK) for leaf in part} for name, part in tree.items()}
    try:
        with quiet():
            registry = orbax.type_handlers.create_type_handler_registry((_Leaf, _one_at_a_time(on_array)))
            handler = orbax.PyTreeCheckpointHandler(type_handler_registry=registry)
            with orbax.Checkpointer(handler) as checkpointer:
                checkpointer.save(folder.resolve(), args=orbax.args.PyTreeSave(tree, save_args=chunks))
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except Exception as error:  # a full disk reaches us as ValueError, OSError or XlaRuntimeError
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"The checkpoint could not be written to {folder}: {_why(error)}.") from None


class _Leaf:
    """An array that will be made: Orbax's trees take any object that a handler is registered for."""

    def __init__(self, planned: Planned):
        self.planned = planned
        self.shape, self.dtype = planned.shape, planned.dtype
        self.nbytes = self.size = 0  # Orbax only counts them


def _one_at_a_time(on_array: Callable[[int], object]) -> Any:
    """Orbax's writer of NumPy arrays, with one array in memory at a time."""

    class Handler(_orbax().type_handlers.NumpyHandler):
        async def serialize(self, values: Any, infos: Any, args: Any = None) -> Any:
            for count, (value, info, arg) in enumerate(zip(values, infos, args, strict=True), start=1):
                for written in await super().serialize([value.planned.make()], [info], [arg]):
                    written.result()
                on_array(count)
            return []

    return Handler(deepcopy_host_arrays=False)


def _orbax() -> Any:
    try:
        import orbax.checkpoint
    except ModuleNotFoundError as error:
        raise UserError(
            f"Kaggle's checkpoints are read with Orbax, and {error.name} is not installed; "
            "install codegem with its `train` extra."
        ) from None
    return orbax.checkpoint


def _items(tree: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        raise ValueError("its arrays are not in a dict of dicts, as Kaggle's are")
    yield from tree.items()


@contextmanager
def _sentences(folder: Path, part: str = "") -> Iterator[None]:
    """Whatever Orbax and TensorStore raise for a damaged checkpoint, as one sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        _settle()
        where = f"{part} of {folder}" if part else str(folder)
        raise UserError(f"{where} can't be read as an Orbax checkpoint ({_why(error)}); {_COPY_AGAIN}.") from None


def _settle() -> None:
    """Let TensorStore's threads report to the event loop that Orbax has closed; each complaint is for nobody."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
    try:
        gc.collect()
        time.sleep(_SETTLING)
    finally:
        sys.unraisablehook = hook


@contextmanager
def quiet() -> Iterator[None]:
    """Orbax's threads log a traceback each, for a full disk for one; the exception says it already."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _why(error: Exception) -> str:
    """The system's own words where it has them, else the first line of the error."""
    text = str(error)
    if any(mark in text for mark in ("No space left", "ENOSPC", "RESOURCE_EXHAUSTED")):
        return "no space left on the disk"
    first = (getattr(error, "strerror", None) or text or type(error).__name__).splitlines()[0]
    short = first if len(first) <= _LONGEST_REASON else f"{first[:_LONGEST_REASON]}…"
    return f"there is no {short}" if isinstance(error, KeyError) else short
