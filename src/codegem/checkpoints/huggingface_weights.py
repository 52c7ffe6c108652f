"""The tensors of a model directory: one safetensors file, or shards and the index that says what is where."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints.huggingface_config import CONFIG, COPY_AGAIN, read_json, write_json
from codegem.checkpoints.replacing import Write
from codegem.checkpoints.safetensors_file import (
    Planned,
    SafetensorsFile,
    bytes_of,
    open_safetensors,
    read_arrays,
    write_safetensors,
)
from codegem.errors import UserError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARD_BYTES = 5 * 10**9  # Transformers' default
# Tensors that some files carry: a copy of the tied embedding, and a table of constants.
_REDUNDANT = ("lm_head.weight", "rotary_emb.inv_freq")
_METADATA = {"format": "pt"}  # Transformers insists on one


class Weights:
    """The tensors of a directory by name."""

    def __init__(self, directory: Path):
        self._open: dict[Path, SafetensorsFile] = {}
        self._found: dict[str, SafetensorsFile] = {}
        whole, index = directory / WEIGHTS, directory / INDEX
        if whole.exists() or not index.exists():
            self._list = whole
            self._files = dict.fromkeys(self._file(whole).tensors, whole)
        else:
            self._list = index
            self._files = _read_index(index)

    def check(self, name: str, shape: tuple[int, ...]) -> str:
        """The name, after its tensor is seen to be there with a type and a shape that are right.

        Raises:
            UserError: it is not.
        """
        if name not in self._files:
            raise UserError(
                f"{self._list} has no tensor {name}, which {CONFIG} asks for with shape {list(shape)}; {COPY_AGAIN}."
            )
        file = self._file(self._files[name])
        if name not in file.tensors:
            raise UserError(f"{file.path} has no tensor {name}, though {self._list.name} says so; {COPY_AGAIN}.")
        info = file.tensors[name]
        if info.dtype not in ("F32", "BF16", "F16"):
            raise UserError(
                f"{file.path}: tensor {name} is of type {info.dtype}, but F32, BF16 or F16 is needed; "
                "use the weights before quantization."
            )
        if info.shape != shape:
            raise UserError(
                f"{file.path}: tensor {name} has shape {list(info.shape)!s:.80}, but {CONFIG} asks for {list(shape)}; "
                f"the two don't belong together, so {COPY_AGAIN}."
            )
        self._found[name] = file
        return name

    def refuse_others(self) -> None:
        """Raise for a tensor that was not asked for: of another architecture, or one layer more."""
        others = sorted(n for n in self._files if n not in self._found and not n.endswith(_REDUNDANT))
        if others:
            raise UserError(
                f"{self._list} has {len(others)} tensors without a place in {CONFIG}, the first {others[0]!r:.80}; "
                f"the two don't belong together, so {COPY_AGAIN}."
            )

    def arrays(self, names: Sequence[str], dtype: DTypeLike | None) -> list[jax.Array]:
        """The tensors that were checked, in the order of `names`; vectors are float32, matrices `dtype`."""
        stored = [name for name in names if self._is_vector(name) or self._kind(name, dtype) == self._stored(name)]
        # Dense weights are ready at once where they can stay in the file: 5 GB take seconds to copy.
        arrays = read_arrays([(self._found[name], name) for name in stored], huge_pages=False)
        found = dict(zip(stored, arrays, strict=True))

        def array(name: str) -> jax.Array:
            # Converted by NumPy: JAX would compile a program for each shape, longer than the reading takes.
            source = found[name] if name in found else self._found[name].copy(name)
            return jax.device_put(source.astype(self._kind(name, dtype), copy=False))

        with ThreadPoolExecutor() as pool:
            return list(pool.map(array, names))

    def planned(self, name: str) -> Planned:
        """A tensor that was checked, to be read later: a view of the file, or float32 for a vector."""
        kind, file = self._kind(name, None), self._found[name]
        return Planned(file.tensors[name].shape, kind, lambda: file.view(name).astype(kind, copy=False))

    def _is_vector(self, name: str) -> bool:
        return len(self._found[name].tensors[name].shape) == 1

    def _stored(self, name: str) -> np.dtype:
        return self._found[name].dtype(name)

    def _kind(self, name: str, dtype: DTypeLike | None) -> np.dtype:
        """The type that a tensor shall have in memory."""
        return (
            np.dtype(np.float32) if self._is_vector(name) else self._stored(name) if dtype is None else np.dtype(dtype)
        )

    def _file(self, path: Path) -> SafetensorsFile:
        if path not in self._open:
            self._open[path] = open_safetensors(path)
        return self._open[path]


def shards(tensors: Mapping[str, Planned], limit: int) -> dict[str, Write]:
    """What writes each file of the weights: one, or shards of at most `limit` bytes and then their index.

    A tensor that is larger than the limit has a shard of its own.
    """
    parts: list[dict[str, Planned]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if parts[-1] and size + bytes_of(tensor) > limit:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += bytes_of(tensor)
    if len(parts) == 1:
        return {WEIGHTS: lambda path: write_safetensors(path, tensors, _METADATA)}
    files = {f"model-{number:05d}-of-{len(parts):05d}.safetensors": part for number, part in enumerate(parts, 1)}
    index = {
        "metadata": {"total_size": sum(map(bytes_of, tensors.values()))},
        "weight_map": {name: file for file, part in files.items() for name in part},
    }
    written: dict[str, Write] = {
        file: partial(write_safetensors, tensors=part, metadata=_METADATA) for file, part in files.items()
    }
    return {**written, INDEX: lambda path: write_json(path, index)}


def shard_files(index: Path) -> list[Path]:
    """The shards that an index names, each once.

    Raises:
        UserError: it is no index, or names a file elsewhere.
    """
    return list(dict.fromkeys(_read_index(index).values()))


def _read_index(path: Path) -> dict[str, Path]:
    """Tensor name to shard, of `model.safetensors.index.json`."""
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise UserError(f'{path} has no "weight_map" of tensor names to files; {COPY_AGAIN}.')
    for file in weight_map.values():
        if not re.fullmatch(r"[\w.-]+\.safetensors", file):
            raise UserError(f"{path} names the shard {file!r:.200}, which is not a file beside it; {COPY_AGAIN}.")
    return {name: path.parent / file for name, file in weight_map.items()}
