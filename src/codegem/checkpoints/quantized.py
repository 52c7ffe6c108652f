"""Directories of quantized models: Hugging Face's layout, with codes and scales instead of matrices.

    config.json         beside the shape of the model, "quantization_config": {"quant_method": "codegem", "version": 1,
                        "bits": 4, "block": 64, "eight_bits": ["model.embed_tokens.weight"]}
    model.safetensors   NAME.codes and NAME.scales for each matrix of `huggingface`, as `QuantizedMatrix` has them, and
                        norm weights in float32; every tensor begins at a multiple of 64 bytes

`eight_bits` names the matrices that keep 8 bits. Transformers and vLLM refuse such a directory by its "quant_method".
Loading converts nothing: arrays are the mapped file itself, or a plain copy in huge pages, which is read faster.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from codegem.checkpoints.huggingface import assemble, read_tokenizer, write_directory
from codegem.checkpoints.huggingface_config import CONFIG, config_from, config_json, read_json
from codegem.checkpoints.huggingface_weights import WEIGHTS
from codegem.checkpoints.replacing import Write
from codegem.checkpoints.safetensors_file import (
    Planned,
    SafetensorsFile,
    made,
    open_safetensors,
    read_arrays,
    write_safetensors,
)
from codegem.checkpoints.safetensors_header import DTYPES
from codegem.errors import UserError
from codegem.kernels.matrix import BITS, BLOCKS, QuantizedMatrix
from codegem.model.quantize import BLOCK, check, embedding_bits, layout, quantize_matrix
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer

METHOD, VERSION = "codegem", 1
_KEY = "quantization_config"
_EMBEDDING = "model.embed_tokens.weight"
_AGAIN = "make it again by `codegem quantize`"


@dataclass(frozen=True)
class Quantization:
    """What `config.json` says about the matrices."""

    bits: int
    block: int
    eight_bits: frozenset[str] = frozenset()

    def of(self, name: str) -> int:
        """The bits of one matrix."""
        return 8 if name in self.eight_bits else self.bits


def load(directory: Path | str) -> tuple[Transformer, Tokenizer]:
    """The model, whose matrices are `QuantizedMatrix`, and the tokenizer of a directory.

    Raises:
        UserError: a file or a tensor is absent, cut, or not what `config.json` says.
    """
    directory = Path(directory)
    stored = read_json(directory / CONFIG)
    quantization = _read_quantization(stored.pop(_KEY, None), directory / CONFIG)
    config = config_from(stored, directory / CONFIG)
    file = open_safetensors(directory / WEIGHTS)
    checking = _Names(file, quantization)
    names, structure = jax.tree.flatten(assemble(config, checking.of))
    checking.refuse_others()
    with ThreadPoolExecutor(1) as pool:  # weights are read by the system meanwhile
        reading = pool.submit(read_tokenizer, directory, config, _AGAIN)
        arrays = read_arrays([(file, name) for name in names], huge_pages=True)
        tokenizer = reading.result()
    return jax.tree.unflatten(structure, jax.device_put(arrays)), tokenizer


def save(
    directory: Path | str,
    model: Transformer,
    tokenizer: Tokenizer,
    bits: int,
    *,
    block: int = BLOCK,
    order: Order = Order.PSM,
    derived_from: str | None = None,
    chats: bool = False,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Quantize a model and write it, one matrix at a time; other files of the directory stay.

    Args:
        model: not quantized; its leaves are arrays, or `Planned`, which are made one at a time.
        bits: 8 or 4; `model.quantize` says which matrix keeps 8.
        order, derived_from, chats: as in `huggingface.save`.
        report: called with the number of weights that are done, and of all.

    Raises:
        UserError: the model is quantized already, or the directory can't be written; what it held is unchanged.
    """
    check(model, bits)
    first = embedding_bits(made(model.embedding), made(model.final_norm.scale), bits, block)
    kept = frozenset({_EMBEDDING} if first > bits else ())
    quantization = Quantization(bits, block, kept)
    stored = config_json(model.config, tokenizer, dtype=np.dtype("float32"), order=order, derived_from=derived_from) | {
        _KEY: {"quant_method": METHOD, "version": VERSION, "bits": bits, "block": block, "eight_bits": sorted(kept)}
    }
    tensors = _tensors(model, quantization, report)
    weights: dict[str, Write] = {WEIGHTS: lambda path: write_safetensors(path, tensors, {"format": METHOD})}
    write_directory(Path(directory), model.config, tokenizer, stored, weights, chats=chats)


def _tensors(
    model: Transformer, quantization: Quantization, report: Callable[[int, int], object]
) -> dict[str, Planned]:
    """What is written, in its order, each made at its turn."""
    names = jax.tree.leaves(assemble(model.config, lambda name, shape: name))
    tensors, done = {}, 0

    def count(leaf: Any) -> None:
        nonlocal done
        report(done := done + int(np.prod(leaf.shape)), model.config.parameters)

    for name, leaf in zip(names, jax.tree.leaves(model, is_leaf=lambda leaf: isinstance(leaf, Planned)), strict=True):
        tensors |= _planned(name, leaf, quantization, count)
    return tensors


def _planned(name: str, leaf: Any, quantization: Quantization, count: Callable[[Any], None]) -> dict[str, Planned]:
    if len(leaf.shape) == 1:
        return {name: Planned(leaf.shape, np.dtype("float32"), lambda: np.asarray(made(leaf), np.float32))}
    bits, scales = quantization.of(name), []

    def codes() -> Any:
        """Codes stand before scales in the file, and are large: only the scales wait for their turn."""
        matrix = quantize_matrix(made(leaf), bits, quantization.block)
        scales.append(matrix.scales)
        count(leaf)
        return matrix.codes

    rows, columns = leaf.shape
    of_codes, of_scales = layout(rows, columns, bits, quantization.block)
    return {
        f"{name}.codes": Planned(of_codes.shape, of_codes.dtype, codes),
        f"{name}.scales": Planned(of_scales.shape, of_scales.dtype, scales.pop),
    }


def _read_quantization(found: Any, path: Path) -> Quantization:
    """What stands in `config.json` under "quantization_config"."""

    def wrong(what: str) -> UserError:
        return UserError(f'{path}: "{_KEY}" {what}; {_AGAIN}.')

    if not isinstance(found, dict) or found.get("quant_method") != METHOD:
        raise wrong(f'has no "quant_method": "{METHOD}"')
    if found.get("version") != VERSION:
        raise wrong(f"is of version {found.get('version')!r:.40}, and this codegem reads {VERSION}")
    bits, block, kept = found.get("bits"), found.get("block"), found.get("eight_bits")
    if bits not in BITS or isinstance(bits, float):
        raise wrong(f'has "bits": {bits!r:.40}, but they are 8 or 4')
    if block not in BLOCKS or isinstance(block, float):
        raise wrong(f'has "block": {block!r:.40}, but it is 32, 64 or 128')
    if not isinstance(kept, list) or not all(isinstance(name, str) for name in kept):
        raise wrong('has no "eight_bits", a list of the names of matrices')
    return Quantization(bits, block, frozenset(kept))


class _Names:
    """Names of tensors for the leaves of the model, each seen to be in the file as config.json says."""

    def __init__(self, file: SafetensorsFile, quantization: Quantization):
        self._file, self._quantization = file, quantization
        self._left, self._unused = set(file.tensors), set(quantization.eight_bits)

    def of(self, name: str, shape: tuple[int, ...]) -> Any:
        """The leaf of a norm scale or a matrix."""
        if len(shape) == 1:
            return self._checked(name, jax.ShapeDtypeStruct(shape, np.float32))
        bits, block = self._quantization.of(name), self._quantization.block
        self._unused.discard(name)
        rows, columns = shape
        of_codes, of_scales = layout(rows, columns, bits, block)
        codes, scales = self._checked(f"{name}.codes", of_codes), self._checked(f"{name}.scales", of_scales)
        return QuantizedMatrix(codes, scales, rows, columns, bits, block)  # type: ignore[arg-type]  # names

    def refuse_others(self) -> None:
        """Raise for what was not asked for: of another architecture, or one layer more."""
        if others := sorted(self._left) or sorted(self._unused):
            raise UserError(
                f"{self._file.path} and its {CONFIG} don't belong together: {others[0]!r:.80} has no place in the "
                f"model; {_AGAIN}."
            )

    def _checked(self, name: str, wanted: jax.ShapeDtypeStruct) -> str:
        info = self._file.tensors.get(name)
        if info is None:
            raise UserError(f"{self._file.path} has no tensor {name}, which {CONFIG} asks for; {_AGAIN}.")
        if DTYPES[info.dtype] != wanted.dtype or info.shape != wanted.shape:
            raise UserError(
                f"{self._file.path}: tensor {name} is {info.dtype} {list(info.shape)!s:.80}, but {CONFIG} asks for "
                f"{wanted.dtype} {list(wanted.shape)}; {_AGAIN}."
            )
        self._left.discard(name)
        return name
