"""Kaggle's Flax releases: an Orbax checkpoint and, beside it, a SentencePiece vocabulary.

    tokenizer.model        the vocabulary
    2b/                    the checkpoint, under any name, known by its _METADATA
    config.json, NOTICE    only in what codegem writes: what the arrays don't tell
    tokenizer.json         only there, and only where tokenizer.model can't say all

`kaggle_layout` has the table of arrays. They are read and written one at a time, on the CPU, whatever devices they
were written on, so that no more than one of them stands twice in memory.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints.chat_template import named_as_tuned
from codegem.checkpoints.huggingface import assemble
from codegem.checkpoints.huggingface_config import CONFIG, config_json, read_config, read_json, read_order, write_json
from codegem.checkpoints.kaggle_layout import (
    EMBEDDING,
    PADDING,
    Entry,
    Key,
    entries,
    padded_rows,
    shape_of_model,
    to_flax,
    to_ours,
)
from codegem.checkpoints.notice import NOTICE, RELEASED, notice_text
from codegem.checkpoints.notice import origin as named_origin
from codegem.checkpoints.orbax_arrays import METADATA, OrbaxArrays, write_arrays
from codegem.checkpoints.pieces import from_tokenizer, is_lossless, to_tokenizer
from codegem.checkpoints.safetensors_file import Planned
from codegem.checkpoints.sentencepiece import TOKENIZER_MODEL, read_pieces, write_pieces
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer, load_tokenizer

CHECKPOINT = "flax"  # the checkpoint's folder in what codegem writes
_TOKENIZER = "tokenizer.json"
_CHATS = "chats"

OnArray = Callable[[int, int], object]  # arrays done, arrays in all


@dataclasses.dataclass(frozen=True)
class _Source:
    """A directory whose arrays are all there, with the right shapes."""

    arrays: OrbaxArrays
    entries: list[Entry]
    config: ModelConfig
    tokenizer: Tokenizer

    def read(self, entry: Entry, dtype: DTypeLike | None = None) -> dict[str, jax.Array]:
        """Our parts of one array, by name."""
        array = self.arrays.read(entry.key)
        kind: Any = np.float32 if array.ndim == 1 else dtype or array.dtype
        if entry.key[1] == EMBEDDING:
            array = array[: self.config.vocab_size]
        parts = to_ours(entry, array.astype(kind, copy=False))
        return {name: jax.device_put(part) for name, part in zip(entry.parts, parts, strict=True)}


def is_kaggle(directory: Path | str) -> bool:
    """Whether a directory holds a Flax checkpoint, or is one that lies beside its tokenizer.model."""
    return _checkpoint(Path(directory)) is not None


def load(
    directory: Path | str, *, dtype: DTypeLike | None = None, on_array: OnArray | None = None
) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer of a directory.

    Args:
        dtype: of the matrices in memory; default as stored. Norm scales are float32.

    Raises:
        UserError: a file or an array is absent, cut, or has another shape than its fellows; the model is not a
            Gemma 1; or Orbax is not installed.
    """
    source = _open(Path(directory))
    leaves: dict[str, jax.Array] = {}
    for count, entry in enumerate(source.entries, start=1):
        leaves.update(source.read(entry, dtype))
        if on_array:
            on_array(count, len(source.entries))
    return assemble(source.config, lambda name, shape: leaves.pop(name)), source.tokenizer


def plan(directory: Path | str) -> tuple[Transformer, Tokenizer]:
    """`load`, but the leaves are `Planned`: `make()` gives a tensor as stored (norm scales in float32)."""
    source = _open(Path(directory))
    entry_of = {name: entry for entry in source.entries for name in entry.parts}
    read = lru_cache(maxsize=1)(source.read)  # gate and up, or k and v, lie in one array and are asked for in turn

    def planned_leaf(name: str, shape: tuple[int, ...]) -> Planned:
        entry = entry_of[name]
        kind = np.dtype(np.float32 if len(shape) == 1 else source.arrays.infos[entry.key].dtype)
        return Planned(shape, kind, lambda: read(entry)[name])

    return assemble(source.config, planned_leaf), source.tokenizer


def save(
    directory: Path | str,
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    dtype: DTypeLike = "bfloat16",
    order: Order = Order.PSM,
    derived_from: str | None = None,
    chats: bool = False,
    overwrite: bool = False,
    on_array: OnArray | None = None,
) -> None:
    """Write what `load`, and Google's own code for Gemma, reads.

    Args:
        order: the layout in which the model is best asked to fill a hole.
        derived_from: whose weights these were; a NOTICE is written where it is not None.
        chats: whether the model was tuned to, which "chats" in config.json says.
        overwrite: replace what an earlier call wrote to this directory.

    Raises:
        UserError: the directory can't be written, or Orbax is not installed; nothing is left behind.
    """
    directory, kind = Path(directory), np.dtype(dtype)
    arrays = planned(model, kind)
    if (directory / CHECKPOINT).exists() and not overwrite:
        raise UserError(f"{directory / CHECKPOINT} is there already; give another directory.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _require_room(directory, sum(int(np.prod(array.shape)) * kind.itemsize for array in arrays.values()))
        with tempfile.TemporaryDirectory(dir=directory, prefix=".saving-") as name:
            staging = Path(name)
            write_arrays(staging / CHECKPOINT, arrays, lambda done: on_array and on_array(done, len(arrays)))
            _write_tokenizer(staging, tokenizer)
            stored = config_json(model.config, tokenizer, dtype=kind, order=order, derived_from=derived_from)
            write_json(staging / CONFIG, stored | {_CHATS: chats})
            if derived_from is not None:
                (staging / NOTICE).write_text(notice_text(derived_from), encoding="utf-8")
            _move(staging, directory)
    except OSError as error:
        raise UserError(
            f"The model could not be written to {directory} ({error}); make room or give another."
        ) from None


def origin(directory: Path | str) -> str | None:
    """Whose weights a directory holds, for `save`; where nothing says so, Google's, who made this format."""
    _, home = _places(Path(directory))
    path = home / CONFIG
    return named_origin(home, read_json(path), read_config(path)) if path.exists() else RELEASED


def order(directory: Path | str) -> Order:
    """The layout of prompts with a hole; CodeGemma's own, PSM, where nothing names another."""
    _, home = _places(Path(directory))
    return read_order(home / CONFIG) if (home / CONFIG).exists() else Order.PSM


def chats(directory: Path | str) -> bool:
    """Whether a directory's model was tuned to chat; where nothing says so, by the name that Google gave its folder."""
    folder, home = _places(Path(directory))
    if (home / CONFIG).exists():
        return read_json(home / CONFIG).get(_CHATS) is True
    return any(named_as_tuned(name) for name in (folder.name, home.absolute().name))


def describe(directory: Path | str) -> tuple[ModelConfig, str]:
    """The shape of a directory's model and the dtype of its matrices, without reading a weight or the vocabulary.

    Raises:
        UserError: as `load`, for what the metadata tell.
    """
    folder, home = _places(Path(directory))
    infos = OrbaxArrays(folder).infos
    config = shape_of_model({key: info.shape for key, info in infos.items()})
    if (home / CONFIG).exists():
        config = read_config(home / CONFIG)
    elif padded_rows(config.vocab_size - PADDING) == config.vocab_size:
        config = dataclasses.replace(config, vocab_size=config.vocab_size - PADDING)
    return config, next(info.dtype for info in infos.values() if len(info.shape) > 1)


def planned(model: Transformer, dtype: np.dtype) -> dict[Key, Planned]:
    """The arrays of the Flax layout, each made from the model's when it is asked for."""
    names = jax.tree.leaves(assemble(model.config, lambda name, shape: name))
    leaves = dict(zip(names, jax.tree.leaves(model), strict=True))

    def plan(entry: Entry) -> Planned:
        def make() -> np.ndarray:
            return to_flax(entry, [np.asarray(leaves[name]).astype(dtype, copy=False) for name in entry.parts])

        return Planned(entry.shape, dtype, make)

    return {entry.key: plan(entry) for entry in entries(model.config, padded_rows(model.config.vocab_size))}


def _open(directory: Path) -> _Source:
    folder, home = _places(directory)
    arrays = OrbaxArrays(folder)
    tokenizer = _tokenizer(home)
    found = shape_of_model({key: info.shape for key, info in arrays.infos.items()})
    config = _config(folder, home, found, tokenizer)
    wanted = list(entries(config, found.vocab_size))
    _refuse_misfits(folder, wanted, arrays)
    return _Source(arrays, wanted, config, tokenizer)


def _checkpoint(directory: Path) -> Path | None:
    """The folder with the checkpoint: the directory itself, or the only such folder in it."""
    if (directory / METADATA).is_file():
        return directory
    found = sorted(path.parent for path in directory.glob(f"*/{METADATA}")) if directory.is_dir() else []
    return found[0] if len(found) == 1 else None


def _places(directory: Path) -> tuple[Path, Path]:
    """The checkpoint's folder, and the folder with tokenizer.model."""
    folder = _checkpoint(directory)
    if folder is None:
        raise UserError(
            f"{directory} holds no Flax checkpoint as Kaggle has them: a {TOKENIZER_MODEL} and one folder "
            f"with a {METADATA}."
        )
    inside = folder if (folder / TOKENIZER_MODEL).exists() else folder.absolute().parent
    return folder, directory if folder != directory else inside


def _tokenizer(home: Path) -> Tokenizer:
    """The vocabulary; of tokenizer.json where there is one, which says more."""
    return load_tokenizer(home) if (home / _TOKENIZER).exists() else to_tokenizer(read_pieces(home / TOKENIZER_MODEL))


def _write_tokenizer(directory: Path, tokenizer: Tokenizer) -> None:
    pieces = from_tokenizer(tokenizer)
    write_pieces(directory / TOKENIZER_MODEL, pieces)
    if not is_lossless(tokenizer, pieces):
        tokenizer.save(directory / _TOKENIZER)


def _config(folder: Path, home: Path, found: ModelConfig, tokenizer: Tokenizer) -> ModelConfig:
    """The model's shape: what its arrays say, without the rows that only pad the embedding."""
    rows = found.vocab_size
    if (home / CONFIG).exists():
        config = read_config(home / CONFIG)
        others = dataclasses.replace(
            found,
            vocab_size=config.vocab_size,
            context_length=config.context_length,
            rope_theta=config.rope_theta,
            norm_eps=config.norm_eps,
        )
        if config != others:
            raise UserError(f"{home / CONFIG} describes another model than {folder}; copy the directory again.")
    else:
        config = dataclasses.replace(found, vocab_size=tokenizer.vocab_size)
    if not tokenizer.vocab_size <= config.vocab_size <= rows <= config.vocab_size + PADDING:
        raise UserError(
            f"{folder}: the embedding has {rows} rows and the vocabulary {tokenizer.vocab_size} ids, and at most "
            f"{PADDING} rows are padding; the two don't belong together, so download both again."
        )
    return config


def _refuse_misfits(folder: Path, wanted: list[Entry], arrays: OrbaxArrays) -> None:
    for entry in wanted:
        name = " ".join(entry.key)
        if entry.key not in arrays.infos:
            raise UserError(f"{folder} has no array {name}, which a Gemma 1 has; download it again.")
        if arrays.infos[entry.key].shape != entry.shape:
            raise UserError(
                f"{folder}: array {name} has shape {list(arrays.infos[entry.key].shape)}, but beside the others "
                f"{list(entry.shape)} is needed; download it again."
            )
    others = sorted(arrays.infos.keys() - {entry.key for entry in wanted})
    if others:
        raise UserError(
            f"{folder} has {len(others)} arrays without a place in Gemma 1, the first {' '.join(others[0])}; give a "
            "Gemma 1 or CodeGemma checkpoint."
        )


def _move(staging: Path, directory: Path) -> None:
    """Put new files in the place of those of an earlier model, the weights last."""
    new = sorted(staging.iterdir(), key=lambda path: path.name == CHECKPOINT)
    if (directory / CHECKPOINT).exists():
        (directory / CHECKPOINT).rename(staging / "before")
    for name in {_TOKENIZER, NOTICE} - {path.name for path in new}:
        (directory / name).unlink(missing_ok=True)
    for path in new:
        path.rename(directory / path.name)


def _require_room(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise UserError(
            f"The checkpoint needs {needed / 1e6:,.0f} MB, but {directory} has room for {free / 1e6:,.0f} MB; "
            "make room or give another directory."
        )
