"""GGUF files, the format of llama.cpp: keys, the vocabulary and the weights in one file.

Norm weights are stored with the +1 added; the unembedding is tied and has no tensor; query and key matrices keep the
order of Hugging Face's files, because llama.cpp rotates Gemma's halves as the model was trained. What is quantized
becomes floating point when it is read, one tensor at a time.
"""

import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints import gguf_layout
from codegem.checkpoints.gguf_blocks import FLOATS, decode
from codegem.checkpoints.gguf_header import Header, read_header
from codegem.checkpoints.gguf_layout import KINDS, checked_names, config_keys, encoding_of, file_type, tensor_name
from codegem.checkpoints.gguf_vocabulary import read_vocabulary, vocabulary_keys
from codegem.checkpoints.gguf_writer import ALIGNMENT, PlannedTensor, write_gguf
from codegem.checkpoints.huggingface import assemble
from codegem.checkpoints.notice import notice_text
from codegem.checkpoints.notice import origin as named_origin
from codegem.checkpoints.replacing import Write, replace_files
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

__all__ = ["KINDS", "GgufFile", "load", "open_gguf", "origin", "read_config", "read_order", "save"]

_ORDER, _DERIVED = "codegem.fim_order", "codegem.derived_from"
_THREADS = 2  # more decode no faster: they share the memory's bandwidth


@dataclass(frozen=True)
class GgufFile:
    """A file whose header is sound; made by `open_gguf`.

    As with every map, a program that shortens the file in place meanwhile ends this one.
    """

    path: Path
    header: Header
    map: mmap.mmap

    def array(self, name: str, dtype: np.dtype) -> jax.Array:
        """A tensor on JAX's default device: the file's own memory if its type and its place allow it."""
        info = self.header.tensors[name]
        stored = np.frombuffer(self.map, np.uint8, info.stop - info.start, info.start)
        if FLOATS.get(info.encoding.name) == dtype and info.start % ALIGNMENT == 0:
            return jax.device_put(stored.view(dtype).reshape(info.shape))
        return jax.device_put(decode(stored, info.encoding, info.shape, dtype))


def open_gguf(path: Path | str) -> GgufFile:
    """Map a file and check its header.

    Raises:
        UserError: the file is absent, cut, or breaks a rule of the format.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ValueError("it is not a regular file")
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise ValueError("it is empty")
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return GgufFile(path, read_header(content), content)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; give a GGUF file.") from None
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from None


def load(source: GgufFile | Path | str, *, dtype: DTypeLike | None = None) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer of a file, which may be open already.

    On CPUs, matrices that need no other type and lie at multiples of 64 bytes stay in the mapped file; the others
    are converted one at a time, so that memory never holds a model twice.

    Args:
        dtype: of the matrices in memory; default as stored where all are of one floating-point type, else bfloat16.
            Norm scales are float32.

    Raises:
        UserError: the file is absent, cut, damaged, or not of a Gemma 1.
    """
    file = source if isinstance(source, GgufFile) else open_gguf(source)
    try:
        config = gguf_layout.read_config(file.header)
        names = checked_names(file.header, config)
        tokenizer = read_vocabulary(file.header.keys)
        if tokenizer.vocab_size > config.vocab_size:
            raise ValueError(f"it has {tokenizer.vocab_size} tokens, and embeddings for {config.vocab_size}")
    except ValueError as error:
        raise _refusal(file.path, error) from None
    except UserError as error:
        raise UserError(f"{file.path}: {error}") from None
    matrices = np.dtype(dtype) if dtype is not None else _stored_dtype(file)

    def read(name: str) -> jax.Array:
        if len(file.header.tensors[name].shape) > 1:
            return file.array(name, matrices)
        return jax.device_put(np.asarray(file.array(name, FLOATS["F32"])) - np.float32(1))

    leaves, structure = jax.tree.flatten(names)
    with ThreadPoolExecutor(_THREADS) as pool:
        return jax.tree.unflatten(structure, list(pool.map(read, leaves))), tokenizer


def save(
    path: Path | str,
    model: Transformer,
    tokenizer: Tokenizer,
    *,
    kind: str = "f16",
    order: Order = Order.PSM,
    derived_from: str | None = None,
    chats: bool = False,
) -> None:
    """Write a file that llama.cpp, and what is built on it, loads.

    Tensors are converted and written some rows at a time, to a temporary name that becomes `path` at the end.

    Args:
        kind: "f32", "f16", "bf16", "q8_0" or "q4_0", the type of the matrices. "q4_0" keeps the embedding, which is
            the output too, at 8 bits; rows that don't fill blocks of 32 values stay in 16.
        order: the layout in which the model is best asked to fill a hole; other programs pass over it.
        derived_from: whose weights these were, as `origin` says; where it is not None a NOTICE is written beside.
        chats: whether the model was tuned to; programs ask it in turns then.

    Raises:
        UserError: `kind` is unknown, the model is quantized already, a weight is beyond the largest number of
            16 bits, or the file can't be written; what stood at `path` is unchanged.
    """
    path = Path(path)
    if kind not in KINDS:
        raise UserError(f"There is no kind {kind!r} of GGUF file; codegem writes {', '.join(KINDS)}.")
    tensors = _planned(model, kind)
    keys = _general_keys(path.stem, kind, derived_from) | config_keys(model.config)
    keys |= {_ORDER: str(order), _DERIVED: derived_from or ""}
    keys |= vocabulary_keys(tokenizer, model.config.vocab_size, chats=chats)
    files: dict[str, Write] = {path.name: lambda place: write_gguf(place, keys, tensors)}
    if derived_from is not None:
        text = notice_text(derived_from)
        files[f"{path.name}.NOTICE"] = lambda place: place.write_text(text, encoding="utf-8")
    try:
        replace_files(path.parent, files)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} could not be written ({error}); what was there is unchanged. Make room, give another path, or "
            "another kind of file."
        ) from None


def read_config(file: GgufFile) -> ModelConfig:
    """The model's shape.

    Raises:
        UserError: the file holds no Gemma 1, or a key is absent or wrong.
    """
    try:
        return gguf_layout.read_config(file.header)
    except ValueError as error:
        raise _refusal(file.path, error) from None


def read_order(file: GgufFile) -> Order:
    """The layout of prompts that a file names; CodeGemma's own, PSM, where it names none.

    Raises:
        UserError: it names one that does not exist.
    """
    found = file.header.keys.get(_ORDER, Order.PSM)
    if not isinstance(found, str) or found not in list(Order):
        raise _refusal(file.path, f"its {_ORDER} is {found!r:.40}, and there are {', '.join(Order)}")
    return Order(found)


def origin(file: GgufFile) -> str | None:
    """Whose weights a file holds: None where no notice is due, else a name such as google/codegemma-2b."""
    keys = file.header.keys
    name = {"_name_or_path": keys.get("general.name")}
    stored = {"derived_from": keys[_DERIVED] or None} if _DERIVED in keys else name
    return named_origin(file.path.absolute().parent, stored, read_config(file))


def _general_keys(name: str, kind: str, derived_from: str | None) -> dict[str, Any]:
    terms = {
        "general.license": "gemma",
        "general.license.link": "https://ai.google.dev/gemma/terms",
        "general.description": f"Made from {derived_from} by codegem",
    }
    return {
        "general.architecture": "gemma",
        "general.type": "model",
        "general.name": name,
        "general.file_type": file_type(kind),
        "general.quantization_version": 2,
        **(terms if derived_from is not None else {}),
    }


def _planned(model: Transformer, kind: str) -> dict[str, PlannedTensor]:
    names = assemble(model.config, lambda name, shape: tensor_name(name))
    if jax.tree.structure(names) != jax.tree.structure(model):
        raise UserError("A quantized model can't be written as GGUF; give the model before it was quantized.")

    def plan(name: str, leaf: jax.Array) -> PlannedTensor:
        def make() -> np.ndarray:
            return np.asarray(leaf) + np.float32(1) if leaf.ndim == 1 else np.asarray(leaf)

        return PlannedTensor(encoding_of(name, leaf.shape, kind), leaf.shape, make)

    leaves = zip(jax.tree.leaves(names), jax.tree.leaves(model), strict=True)
    return {name: plan(name, leaf) for name, leaf in leaves}


def _stored_dtype(file: GgufFile) -> np.dtype:
    encodings = {info.encoding.name for info in file.header.tensors.values() if len(info.shape) > 1}
    return FLOATS[encodings.pop()] if len(encodings) == 1 and encodings <= FLOATS.keys() else FLOATS["BF16"]


def _refusal(path: Path, reason: object) -> UserError:
    why = str(reason).rstrip(".")
    return UserError(f"{path} is cut, damaged, or no GGUF file of a Gemma model: {why}; copy or download it again.")
