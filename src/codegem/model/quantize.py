"""Matrices as codes of 8 or 4 bits, and a model of them.

Rounding needs the weights alone and no examples of text. docs/LOG.md has what other ways of choosing codes gave.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import BFloat16, Float, Int8

from codegem.errors import UserError
from codegem.kernels.matrix import BITS, PANEL, QuantizedMatrix
from codegem.model.transformer import Transformer

BLOCK = 64  # columns that share a scale
# The embedding is the output too, where a model feels every error. It keeps 8 bits where 4 would move the logits by
# more than this, as a standard deviation. Nano's would move by 0.5 and raise its perplexity by 3.5%.
LOGIT_NOISE = 0.25
_SAMPLE = 4096  # rows of the embedding that the noise is measured on
_CHUNK = 1 << 18  # weights that are rounded at once: what a core's own cache holds
_BFLOAT16 = np.dtype(jnp.bfloat16)


def quantize(
    model: Transformer,
    bits: int,
    *,
    block: int = BLOCK,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> Transformer:
    """The model with its matrices quantized; norm scales stay as they are.

    The embedding keeps 8 bits where 4 would disturb the logits too much (`LOGIT_NOISE`).

    Args:
        model: its arrays may be NumPy's or JAX's.
        bits: 8 or 4.
        block: columns that share a scale: 32, 64 or 128.
        report: called with the number of weights that are done, and of all.

    Raises:
        UserError: there is no such number of bits, or the model is quantized already.

    Example:
        >>> from codegem.model.config import PRESETS
        >>> small = quantize(Transformer.init(PRESETS["nano"], jax.random.key(0)), bits=4)
        >>> small.embedding.bits, small.blocks[0].mlp.gate.weight.codes.shape
        (4, (64, 32, 16, 4))
    """
    check(model, bits)
    done = 0

    def one(leaf: Any, bits: int = bits) -> Any:
        nonlocal done
        made = jax.device_put(leaf if leaf.ndim < 2 else quantize_matrix(leaf, bits, block))
        report(done := done + leaf.size, model.config.parameters)
        return made

    first = embedding_bits(model.embedding, model.final_norm.scale, bits, block)
    parts = one(model.embedding, first), jax.tree.map(one, model.blocks), jax.tree.map(one, model.final_norm)
    return eqx.tree_at(lambda m: (m.embedding, m.blocks, m.final_norm), model, parts)


def check(model: Transformer, bits: int) -> None:
    """Raise a UserError where `quantize` would."""
    if bits not in BITS:
        raise UserError(f"Weights are quantized to 8 or 4 bits, not {bits}.")
    if isinstance(model.embedding, QuantizedMatrix):
        raise UserError("The model is quantized already; take the weights that it was made of.")


def embedding_bits(embedding: Any, final_scale: Any, bits: int, block: int = BLOCK) -> int:
    """How many bits the embedding gets in a model of `bits`.

    The input x of the output product has a mean square of 1 before the final norm's scale, so an error e of an
    embedding's row moves its logit by about the length of e · (1 + scale).

    Args:
        embedding: [V, D]; the final norm's scale: [D].
    """
    if bits == 8:
        return 8
    rows = np.asarray(embedding[:: -(-embedding.shape[0] // _SAMPLE)], np.float32)
    codes, scales = round_to_codes(rows, bits, block)
    steps = np.repeat(scales.astype(np.float32), block, axis=1)[:, : rows.shape[1]]
    moved = (codes * steps - rows) * (1 + np.asarray(final_scale, np.float32))
    return 8 if np.sqrt((moved**2).sum(1).mean()) > LOGIT_NOISE else bits


def quantize_matrix(weight: Any, bits: int, block: int = BLOCK) -> QuantizedMatrix:
    """A matrix as codes and scales, which are NumPy arrays.

    It is rounded a few rows at a time, so that beside it and the result nothing large stands in memory.

    Args:
        weight: [N, K] of any float type, an array of NumPy or JAX.
    """
    weight = np.asarray(weight)
    rows, columns = weight.shape
    step = max(PANEL, _CHUNK // columns // PANEL * PANEL)
    of_codes, of_scales = layout(rows, columns, bits, block)
    codes, scales = np.empty(of_codes.shape, of_codes.dtype), np.empty(of_scales.shape, of_scales.dtype)

    def some(start: int) -> None:
        few, few_scales = round_to_codes(weight[start : start + step], bits, block)
        part = _pack(np.pad(few, ((0, 0), (0, few_scales.shape[1] * block - columns))), few_scales, bits)
        at = slice(start // PANEL, start // PANEL + len(part.codes))
        codes[at], scales[at] = part.codes, part.scales

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(some, range(0, rows, step)))
    return QuantizedMatrix(codes, scales, rows, columns, bits, block)  # type: ignore[arg-type]  # NumPy's arrays


def layout(rows: int, columns: int, bits: int, block: int) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
    """Shape and dtype of the codes and of the scales of a matrix.

    >>> layout(100, 64, bits=4, block=64)
    (ShapeDtypeStruct(shape=(7, 8, 16, 4), dtype=uint8), ShapeDtypeStruct(shape=(7, 1, 16), dtype=bfloat16))
    """
    panels, blocks = -(-rows // PANEL), -(-columns // block)
    kind, columns_each = (np.uint8, 8) if bits == 4 else (np.int8, 4)
    codes = jax.ShapeDtypeStruct((panels, blocks * block // columns_each, PANEL, 4), kind)
    return codes, jax.ShapeDtypeStruct((panels, blocks, PANEL), jnp.bfloat16)


_pack = partial(jax.jit, static_argnums=2)(QuantizedMatrix.pack)


def round_to_codes(
    weight: Float[np.ndarray, "N K"], bits: int, block: int = BLOCK
) -> tuple[Int8[np.ndarray, "N K"], BFloat16[np.ndarray, "N blocks"]]:
    """The nearest code of each weight, and a scale for each block of a row.

    With 8 bits the largest magnitude of a block becomes ±127. With 4 bits it becomes -8, whichever sign it has: the
    scale takes the sign over, so that all sixteen codes are in use.

    Args:
        weight: of any float type; K need not be a multiple of `block`.

    Raises:
        UserError: a weight is infinite or no number.

    Example:
        >>> codes, scales = round_to_codes(np.array([[4.0, -1.2, 0.4, 3.5]]), bits=4, block=32)
        >>> codes.tolist(), scales.tolist()
        ([[-8, 2, -1, -7]], [[-0.5]])
    """
    rows, columns = weight.shape
    blocks = -(-columns // block)
    wide = np.zeros((rows, blocks * block), np.float32)
    wide[:, :columns] = weight
    wide = wide.reshape(rows, blocks, block)
    highest, lowest = wide.max(-1), -wide.min(-1)
    if bits == 4:
        low, high, extreme = -8, 7, np.where(highest > lowest, -highest, lowest)
    else:
        low, high, extreme = -127, 127, np.maximum(highest, lowest)
    # Codes are chosen after the scale is rounded. A subnormal scale is 0: it has no finite inverse.
    step = (extreme / np.float32(8 if bits == 4 else 127)).astype(_BFLOAT16).astype(np.float32)
    step[np.abs(step) < np.finfo(np.float32).tiny] = 0
    if not np.isfinite(step).all():
        raise UserError("The weights hold numbers that are not finite, so they can't be quantized; use other weights.")
    inverse = np.divide(1, step, out=np.zeros_like(step), where=step != 0)
    wide *= inverse[..., None]
    np.rint(wide, out=wide)
    np.clip(wide, low, high, out=wide)
    return wide.astype(np.int8).reshape(rows, -1)[:, :columns], step.astype(_BFLOAT16)
