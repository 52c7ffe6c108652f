"""The dense matrix: bfloat16 in the order in which the kernels read it."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, BFloat16, Float, Integer

from codegem.kernels.matrix import PANEL

COLUMNS = 32  # are multiplied together: a row of a tile
_ALIGNMENT = 64
_CHUNK = 1 << 18  # weights that are moved at once: what a core's own cache holds


class DenseMatrix(eqx.Module):
    """A matrix [N outputs, K inputs] in bfloat16.

    As in a `QuantizedMatrix`, sixteen outputs are a panel, and a lane of a vector is an output. Two neighbouring
    columns lie together, as AMX's and AVX-512's products of bfloat16 want them.

    Attributes:
        values: [N/16, K/2, 16, 2]. N is padded to a multiple of 16 and K to one of 32, by zeros.
        rows: N.
        columns: K.

    Example:
        >>> matrix = DenseMatrix.pack(np.array([[1.0, 2.0, 3.0]]))
        >>> matrix.values.shape
        (1, 16, 16, 2)
        >>> matrix.unpack().tolist()
        [[1.0, 2.0, 3.0]]
    """

    values: BFloat16[Array, "panels pairs 16 2"]
    rows: int = eqx.field(static=True)
    columns: int = eqx.field(static=True)

    @staticmethod
    def pack(weight: Any) -> "DenseMatrix":
        """From a matrix [N, K] of NumPy or JAX, rounded to bfloat16.

        It is moved a few rows at a time, by as many threads as there are processors.
        """
        weight = np.asarray(weight)
        rows, columns = weight.shape
        panels, pairs = -(-rows // PANEL), -(-columns // COLUMNS) * COLUMNS // 2
        words = _aligned((panels, pairs, PANEL), np.dtype(np.uint32))
        step = max(1, _CHUNK // (columns * PANEL))

        def some(start: int) -> None:
            part = weight[start * PANEL : (start + step) * PANEL].astype(jnp.bfloat16)
            padding = (-len(part) % PANEL, 2 * pairs - columns)
            if any(padding):
                part = np.pad(part, [(0, size) for size in padding])
            words[start : start + step] = part.view(np.uint32).reshape(-1, PANEL, pairs).swapaxes(1, 2)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(some, range(0, panels, step)))
        return DenseMatrix(jax.device_put(words.view(jnp.bfloat16).reshape(panels, pairs, PANEL, 2)), rows, columns)

    def unpack(self) -> BFloat16[Array, "N K"]:
        """The matrix as `pack` took it."""
        panels = self.values.shape[0]
        return self.values.swapaxes(1, 2).reshape(panels * PANEL, -1)[: self.rows, : self.columns]

    def take(self, rows: Integer[Array, "*batch"]) -> Float[Array, "*batch K"]:
        """Some of its rows, in float32; the others are not read."""
        values = self.values[rows // PANEL, :, rows % PANEL].reshape(*rows.shape, -1)
        return values[..., : self.columns].astype(jnp.float32)

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.values.dtype


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory at a multiple of 64 bytes, which JAX takes as it is; elsewhere it would copy."""
    size = math.prod(shape) * dtype.itemsize
    whole = np.empty(size + _ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % _ALIGNMENT
    return whole[start : start + size].view(dtype).reshape(shape)
