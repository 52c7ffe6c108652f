"""An adapter and the model that it belongs to: known again, and made into one."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from codegem.checkpoints.adapter import BASE, StoredAdapter
from codegem.checkpoints.locate import ADAPTER_CONFIG, RELEASED, Kind, Located, locate
from codegem.checkpoints.safetensors_file import Planned, made
from codegem.errors import UserError
from codegem.kernels.matrix import QuantizedMatrix
from codegem.model.linear import Linear, Matrix
from codegem.model.lora import Adapter, LowRank, map_layers, merged
from codegem.model.transformer import Transformer


def base_hash(model: Transformer) -> str:
    """SHA-256 over three rows of every matrix, which reads little of a large file.

    Numbers count as bfloat16, so that a model in float32 and its copy in bfloat16 are one base. A quantized copy is
    another: an adapter makes up for the errors of the weights that it was trained beside.

    Args:
        model: as it was opened, before it is packed or quantized for computing; its leaves may be `Planned`.
    """
    digest = hashlib.sha256()
    leaves = jax.tree.leaves(model, is_leaf=lambda leaf: isinstance(leaf, Planned))
    for leaf in leaves:
        if len(leaf.shape) > 1:
            digest.update(f"{leaf.shape}".encode())
            for row in _rows(made(leaf)):
                digest.update(row.tobytes())
    return digest.hexdigest()


def _rows(array: Any) -> list[np.ndarray]:
    """The first, the middle and the last row."""
    source = np.asarray(array) if jax.default_backend() == "cpu" else array
    rows = [np.asarray(source[place]) for place in (0, len(source) // 2, len(source) - 1)]
    return [row.astype(jnp.bfloat16) if jnp.issubdtype(row.dtype, jnp.floating) else row for row in rows]


def locate_base(stored: StoredAdapter) -> Located:
    """Where the model is that an adapter belongs to.

    Raises:
        UserError: it is not at hand, or an adapter itself.
    """
    from codegem.checkpoints.hub import cached_snapshot

    where = f'write where it is to "{BASE}" in {stored.directory / ADAPTER_CONFIG}'
    try:
        located = locate(stored.base)
    except UserError as error:
        raise UserError(f"{stored.directory} belongs to a model that is not at hand; {where}. ({error})") from None
    if located.kind is Kind.ADAPTER:
        raise UserError(
            f"{stored.directory} belongs to {stored.base}, which is an adapter too; merge that one by "
            f"`codegem convert {stored.base} DIRECTORY --to hf`, and {where}."
        )
    # A file that somebody passed on shall not have anything fetched.
    if located.hub_id and located.hub_id not in RELEASED and cached_snapshot(located.hub_id) is None:
        raise UserError(
            f"{stored.directory} belongs to {located.hub_id} of the hub, which is not on this machine; fetch it first "
            f"if you trust it, by naming it as a model, or {where}."
        )
    return located


def require_base(stored: StoredAdapter, model: Transformer, found: Path) -> None:
    """Raise a UserError unless a model is the one that an adapter belongs to.

    Args:
        found: where the model was read.
    """
    if stored.base_hash is not None and stored.base_hash != base_hash(model):
        raise UserError(
            f"{stored.directory} was tuned on other weights than {found} holds; put those back, or write where they "
            f'are to "{BASE}" in {stored.directory / ADAPTER_CONFIG}.'
        )


def merge_planned(adapter: Adapter, model: Transformer) -> Transformer:
    """The merged model, whose matrices are made when they are asked for: in float32, to be rounded once.

    Args:
        model: its leaves are arrays, `Planned` or `QuantizedMatrix`.
    """

    def one(weight: Matrix, pair: LowRank | None) -> Any:
        if pair is None:
            return _plain(weight)
        return Planned(_shape(weight), np.dtype(np.float32), lambda: _merged(made(weight), pair, adapter.scale))

    blocks = tuple(
        map_layers(block, lambda name, weight, of=of: Linear(one(weight, of.get(name))))
        for block, of in zip(model.blocks, adapter.blocks, strict=True)
    )
    return replace(model, embedding=_plain(model.embedding), blocks=blocks)


def _merged(weight: Matrix, pair: LowRank, scale: float) -> np.ndarray:
    wide = weight if isinstance(weight, QuantizedMatrix) else np.asarray(weight, np.float32)
    return np.asarray(merged(wide, pair, scale))


def _plain(weight: Matrix) -> Any:
    if isinstance(weight, QuantizedMatrix):
        return Planned(_shape(weight), np.dtype(np.float32), lambda: np.asarray(weight.dequantize()))
    return weight


def _shape(weight: Matrix) -> tuple[int, int]:
    return (weight.rows, weight.columns) if isinstance(weight, QuantizedMatrix) else weight.shape
