"""A model by any of its names, ready for the engine: what each kind of file is read by."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from codegem.checkpoints.adapter import open_adapter
from codegem.checkpoints.adapter_base import locate_base, merge_planned, require_base
from codegem.checkpoints.chat_template import directory_chats, gguf_chats
from codegem.checkpoints.huggingface_config import CONFIG, read_json, read_order
from codegem.checkpoints.locate import Kind, Located, locate
from codegem.checkpoints.safetensors_file import made
from codegem.kernels import ops
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.lora import Adapter, join
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

# Models of fewer parameters are computed in float32 on CPUs without the kernels: XLA takes twice as long for bfloat16.
SMALL = 100_000_000


@dataclass(frozen=True)
class Opened:
    """A model and what belongs to it.

    Attributes:
        order: the layout of prompts with a hole that the model is best asked in.
        derived_from: whose weights these are, as `checkpoints.notice` says; None for weights of one's own.
        chats: whether the model was tuned to answer questions, as `checkpoints.chat_template` says.
        source: the directory or file that was read.
    """

    model: Transformer
    tokenizer: Tokenizer
    order: Order
    derived_from: str | None
    chats: bool
    source: Path


def open_model(
    name: str | Path, *, dtype: DTypeLike | None = None, bits: int | None = None, lazy: bool = False
) -> Opened:
    """The model that a name means; hub ids are fetched where they are not at hand.

    Args:
        dtype: of the matrices; default as stored, and on CPUs float32 where it is stored in float16, whose range is
            too small for Gemma's activations, or small and the kernels were not built. Matrices in bfloat16 are
            packed for the kernels.
        bits: quantize to 8 or 4 bits.
        lazy: leave out `dtype` and `bits`, and read tensors only when they are asked for, where the format allows:
            leaves are then `safetensors_file.Planned`. An adapter is merged into its base; it stands beside it else.

    Raises:
        UserError: there is no such model, it can't be fetched, or a file of it is absent or damaged.
    """
    located = _at_hand(locate(name))
    one_by_one = bits is not None or (dtype is None and ops.available())
    opened, adapter = _read(located, dtype, lazy or one_by_one)
    if lazy:
        return opened if adapter is None else dataclasses.replace(opened, model=merge_planned(adapter, opened.model))
    model = _finished(opened.model, dtype, bits)
    return dataclasses.replace(opened, model=model if adapter is None else join(adapter, model))


def open_to_train(name: str | Path, dtype: DTypeLike) -> tuple[Opened, Adapter | None]:
    """The model that a name means as training wants it: its matrices are arrays of `dtype`, or codes where it is
    quantized; and, where the name is that of an adapter, the adapter by itself.

    Raises:
        UserError: as `open_model`.
    """
    return _read(_at_hand(locate(name)), dtype, lazy=False)


def _at_hand(located: Located) -> Located:
    """The same on this machine: what is on the hub is fetched."""
    if located.kind is not Kind.HUB:
        return located
    from codegem.checkpoints.hub import fetch

    return Located(Kind.HUGGINGFACE, fetch(located.hub_id or ""))


def _read(located: Located, dtype: DTypeLike | None, lazy: bool) -> tuple[Opened, Adapter | None]:
    """A model as it is stored, and the adapter that belongs beside it."""
    assert located.path is not None
    if located.kind is not Kind.ADAPTER:
        return _READERS[located.kind](located.path, dtype, lazy), None
    stored = open_adapter(located.path)
    base = _at_hand(locate_base(stored))
    opened, _ = _read(base, dtype, lazy)
    adapter = stored.adapter(opened.model.config)
    require_base(stored, opened.model, opened.source)
    chats = opened.chats if stored.chats is None else stored.chats
    return dataclasses.replace(opened, chats=chats, source=located.path), adapter


def _finished(model: Transformer, dtype: DTypeLike | None, bits: int | None) -> Transformer:
    from codegem.model.fused import pack
    from codegem.model.quantize import quantize

    if bits is not None:
        return quantize(jax.tree.map(made, model), bits)
    if dtype is None and not isinstance(model.embedding, QuantizedMatrix) and jax.default_backend() == "cpu":
        kind = model.embedding.dtype
        if kind == jnp.bfloat16 and ops.available():
            return jax.tree.map(lambda leaf: pack(made(leaf)), model)
        if kind == np.float16 or (model.config.parameters < SMALL and kind != np.float32):
            # By NumPy: JAX would compile a program for each shape.
            return jax.tree.map(lambda leaf: jax.device_put(np.asarray(made(leaf)).astype(np.float32)), model)
        return jax.tree.map(lambda leaf: jax.device_put(made(leaf)), model)
    return model


def _huggingface(path: Path, dtype: DTypeLike | None, lazy: bool) -> Opened:
    from codegem.checkpoints import huggingface

    model, tokenizer = huggingface.plan(path) if lazy else huggingface.load(path, dtype=dtype)
    order, origin = huggingface.read_order(path / CONFIG), huggingface.origin(path)
    return Opened(model, tokenizer, order, origin, directory_chats(path), path)


def _quantized(path: Path, dtype: DTypeLike | None, lazy: bool) -> Opened:
    from codegem.checkpoints import notice, quantized

    model, tokenizer = quantized.load(path)
    stored = read_json(path / CONFIG)
    origin = notice.origin(path, stored, model.config)
    return Opened(model, tokenizer, read_order(path / CONFIG), origin, directory_chats(path), path)


def _kaggle(path: Path, dtype: DTypeLike | None, lazy: bool) -> Opened:
    from codegem.checkpoints import kaggle

    model, tokenizer = kaggle.plan(path) if lazy else kaggle.load(path, dtype=dtype)
    return Opened(model, tokenizer, kaggle.order(path), kaggle.origin(path), kaggle.chats(path), path)


def _gguf(path: Path, dtype: DTypeLike | None, lazy: bool) -> Opened:
    from codegem.checkpoints import gguf

    file = gguf.open_gguf(path)
    chats = gguf_chats(file.header.keys)
    return Opened(*gguf.load(file, dtype=dtype), gguf.read_order(file), gguf.origin(file), chats, path)


_READERS: dict[Kind, Callable[[Path, DTypeLike | None, bool], Opened]] = {
    Kind.HUGGINGFACE: _huggingface,
    Kind.QUANTIZED: _quantized,
    Kind.KAGGLE: _kaggle,
    Kind.GGUF: _gguf,
}
