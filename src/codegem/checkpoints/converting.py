"""A model in one format to the same model in another: `codegem convert`.

Tensors are read, converted and written one at a time, so that memory holds one of them and not the model; only
sources of Kaggle's layout and quantized GGUF files are read whole first.
"""

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from codegem.checkpoints import gguf, huggingface, kaggle
from codegem.checkpoints.huggingface_config import CONFIG, read_config
from codegem.checkpoints.locate import Kind, locate
from codegem.checkpoints.open import Opened, open_model
from codegem.checkpoints.orbax_arrays import OrbaxArrays
from codegem.checkpoints.safetensors_file import made
from codegem.errors import UsageError, UserError
from codegem.model.transformer import Transformer

# Bytes a value; blocks of 32 values share a scale of 2 bytes.
TYPES = {"f32": 4, "bf16": 2, "f16": 2, "q8_0": 34 / 32, "q4_0": 18 / 32}
_DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
_OWN_TYPES = {dtype: name for name, dtype in _DTYPES.items()}
FORMATS: dict[str, tuple[str, ...]] = {"hf": tuple(_DTYPES), "gguf": tuple(TYPES), "kaggle": tuple(_DTYPES)}
_KINDS = {"hf": Kind.HUGGINGFACE, "gguf": Kind.GGUF, "kaggle": Kind.KAGGLE}
_BESIDE = 100_000_000  # bytes for tokenizer and header; Gemma's tokenizer.json has 34 MB

OnTensor = Callable[[int, int], object]  # tensors written, tensors in all


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        type: of the matrices.
        files: paths, the largest first.
        derived_from: whose weights these are; where it is not None, a NOTICE is among the files.
    """

    destination: Path
    format: str
    type: str
    parameters: int
    files: tuple[Path, ...]
    bytes: int
    derived_from: str | None


def convert(
    source: str | Path,
    destination: Path,
    *,
    to: str,
    type: str | None = None,
    overwrite: bool = False,
    on_tensor: OnTensor = lambda done, total: None,
) -> Converted:
    """Write a model in another format.

    Args:
        source: whatever `open_model` opens.
        destination: a directory, or for "gguf" a file.
        to: "hf", "gguf" or "kaggle".
        type: of the matrices, as `FORMATS` has them; default that of the source.
        overwrite: replace a model of the same format.

    Raises:
        UserError: the source can't be read or is quantized, the destination holds something or can't be written,
            there is no room, or a weight is beyond float16's range.
        UsageError: the format has no such type.
    """
    _require_type(to, type)
    destination = destination.expanduser()
    located = locate(source)
    _require_free(destination, to, located.path, overwrite)
    if located.kind is Kind.QUANTIZED:
        raise UserError(f"{source} is quantized by codegem, for itself; convert the model that it was made from.")
    opened = open_model(source, lazy=True)
    type = type or _type_of(opened.model)
    _require_room(destination, opened.model.config.parameters * TYPES[type])
    leaves, structure = jax.tree.flatten(opened.model)
    count = _Counter(len(leaves), on_tensor)
    model = jax.tree.unflatten(structure, [_Leaf(leaf, type, count) for leaf in leaves])
    before = _files(destination)
    _WRITERS[to](destination, opened, model, type, overwrite)
    return _check(destination, to, type, opened, before)


def _save_huggingface(path: Path, opened: Opened, model: Transformer, type: str, overwrite: bool) -> None:
    huggingface.save(
        path,
        model,
        opened.tokenizer,
        dtype=_DTYPES[type],
        order=opened.order,
        derived_from=opened.derived_from,
        chats=opened.chats,
    )


def _save_kaggle(path: Path, opened: Opened, model: Transformer, type: str, overwrite: bool) -> None:
    kaggle.save(
        path,
        model,
        opened.tokenizer,
        dtype=_DTYPES[type],
        order=opened.order,
        derived_from=opened.derived_from,
        chats=opened.chats,
        overwrite=overwrite,
    )


def _save_gguf(path: Path, opened: Opened, model: Transformer, type: str, overwrite: bool) -> None:
    gguf.save(
        path,
        model,
        opened.tokenizer,
        kind=type,
        order=opened.order,
        derived_from=opened.derived_from,
        chats=opened.chats,
    )


_WRITERS: Mapping[str, Callable[[Path, Opened, Transformer, str, bool], None]] = {
    "hf": _save_huggingface,
    "gguf": _save_gguf,
    "kaggle": _save_kaggle,
}


class _Counter:
    def __init__(self, total: int, on_tensor: OnTensor):
        self._done, self._total, self._on_tensor = 0, total, on_tensor

    def __call__(self) -> None:
        self._done += 1
        self._on_tensor(min(self._done, self._total), self._total)


class _Leaf:
    """A tensor of the source, read when a writer asks for its values."""

    def __init__(self, leaf: Any, type: str, count: Callable[[], None]):
        self._leaf, self._half, self._count = leaf, type == "f16", count
        self.shape, self.dtype, self.ndim = leaf.shape, np.dtype(leaf.dtype), len(leaf.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(made(self._leaf))
        if self._half:
            _require_half(array)
        self._count()
        return array if dtype is None else array.astype(dtype)


def _require_half(array: np.ndarray) -> None:
    """Raise where float16 would make a weight infinite."""
    if array.dtype == np.float16:
        return
    for rows in array if array.ndim > 1 else [array]:
        largest = float(np.abs(rows.astype(np.float32)).max(initial=0))
        if not largest < 65520:  # what rounds to 65504
            raise UserError(f"A weight is {largest:g}, and float16 goes to 65504; write bf16 or f32.")


def _require_type(to: str, type: str | None) -> None:
    if to not in FORMATS:
        raise UsageError(f"There is no format {to!r}; codegem writes {', '.join(FORMATS)}.")
    if type is not None and type not in FORMATS[to]:
        raise UsageError(f"There is no type {type!r} in the format {to}; it has {', '.join(FORMATS[to])}.")


def _type_of(model: Transformer) -> str:
    return _OWN_TYPES[np.dtype(model.embedding.dtype).name]


def _require_free(destination: Path, to: str, source: Path | None, overwrite: bool) -> None:
    """Raise unless the destination is new, empty, or a model of the same format that may be replaced."""
    if source is not None and source.resolve() in (destination.resolve(), *destination.resolve().parents):
        raise UserError(f"{destination} is the source itself or lies in it; give another destination.")
    for path in (destination, *destination.parents):
        if path.is_symlink() and not path.exists():
            raise UserError(f"{path} is a link to nothing; remove it, or give another destination.")
        if path != destination and path.exists() and not path.is_dir():
            raise UserError(f"{path} is a file, and {destination} would lie in it; give another destination.")
    is_file = to == "gguf"
    if is_file and destination.is_dir():
        raise UserError(f"{destination} is a directory; a GGUF model is one file, such as {destination}/model.gguf.")
    if not is_file and destination.exists() and not destination.is_dir():
        raise UserError(f"{destination} is a file; the format {to} is a directory of several.")
    if not destination.exists() or (destination.is_dir() and not any(destination.iterdir())):
        return
    if not overwrite:
        raise UserError(f"{destination} is there already; give another destination, or --overwrite to replace it.")
    if _kind(destination) is not _KINDS[to]:
        raise UserError(f"{destination} holds something else than a model of the format {to}; remove it first.")


def _kind(path: Path) -> Kind | None:
    try:
        return locate(path.absolute()).kind
    except UserError:
        return None


def _require_room(destination: Path, needed: float) -> None:
    needed += _BESIDE if needed > _BESIDE else needed  # a small model has a small tokenizer
    place = next(path for path in (destination, *destination.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise UserError(
            f"{destination} needs about {needed / 1e6:,.1f} MB, but {free / 1e6:,.1f} MB are free there; "
            "make room or give another destination."
        )


def _files(destination: Path) -> dict[Path, int]:
    """The files of a model and when each was written."""
    if destination.is_dir():
        found = (path for path in destination.rglob("*") if path.is_file())
    else:
        found = (path for path in (destination, Path(f"{destination}.NOTICE")) if path.is_file())
    return {path: path.stat().st_mtime_ns for path in found}


def _check(destination: Path, to: str, type: str, opened: Opened, before: dict[Path, int]) -> Converted:
    """Open what was written, as a reader would, and say what it is."""
    config = opened.model.config
    if to == "hf":
        found = huggingface.plan(destination)[0].config
    elif to == "gguf":
        found = gguf.read_config(gguf.open_gguf(destination))
    else:
        found = read_config(destination / CONFIG)
        stored = OrbaxArrays(destination / kaggle.CHECKPOINT).infos.values()
        if sum(math.prod(info.shape) for info in stored) < config.parameters:
            raise UserError(f"{destination} was not written whole; convert again.")
    if found != config:
        raise UserError(f"{destination} holds another model than was written; did another program write there?")
    written = {path: path.stat().st_size for path, time in _files(destination).items() if before.get(path) != time}
    files = tuple(sorted(written, key=lambda path: (-written[path], path)))
    return Converted(destination, to, type, config.parameters, files, sum(written.values()), opened.derived_from)
