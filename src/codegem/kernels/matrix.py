"""The quantized matrix: integer codes in blocks, with a scale for each block of each row.

The layout is made for vector units. Sixteen output rows are a panel, and a lane of a vector is a row, so a product
needs no sum across lanes. Four neighbouring columns lie together, as the dot-product instructions of x86 (VNNI, AMX)
and Arm want them. docs/KERNELS.md has the figures behind the choices.
"""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, BFloat16, Float, Int8, Integer

from codegem.errors import UserError

PANEL = 16
BLOCKS = (32, 64, 128)
BITS = (4, 8)


class QuantizedMatrix(eqx.Module):
    """A matrix [N outputs, K inputs] as codes of 8 or 4 bits; value = code · scale.

    Attributes:
        codes: 8 bits: int8 [N/16, K/4, 16, 4]. 4 bits: uint8 [N/16, K/8, 16, 4], where byte (p, g, r, j) holds
            column 8g+j in its low half and 8g+4+j in its high half, each as code + 8.
        scales: bfloat16 [N/16, K/block, 16]. N is padded to a multiple of 16 and K to one of the block, by zeros.
        rows: N.
        columns: K.
        bits: 8 or 4.
        block: columns that share a scale: 32, 64 or 128.

    Example:
        >>> import numpy as np
        >>> codes = np.array([[1, -2, 7, 0] * 8], np.int8)
        >>> matrix = QuantizedMatrix.pack(codes, np.array([[0.5]], np.float32), bits=4)
        >>> matrix.codes.shape, matrix.scales.shape
        ((1, 4, 16, 4), (1, 1, 16))
        >>> matrix.dequantize()[0, :4].tolist()
        [0.5, -1.0, 3.5, 0.0]
    """

    codes: Integer[Array, "panels groups 16 4"]
    scales: BFloat16[Array, "panels blocks 16"]
    rows: int = eqx.field(static=True)
    columns: int = eqx.field(static=True)
    bits: int = eqx.field(static=True)
    block: int = eqx.field(static=True)

    @staticmethod
    def pack(codes: Int8[ArrayLike, "N K"], scales: Float[ArrayLike, "N blocks"], bits: int) -> "QuantizedMatrix":
        """From one code for each weight and one scale for each block of a row.

        Args:
            codes: int8, with 4 bits from -8 to 7.
            scales: rounded to bfloat16; the block is the one of 32, 64 and 128 that K/blocks, rounded up, fits.

        Raises:
            UserError: the shapes do not fit each other, or there is no such number of bits.
        """
        codes, scales = jnp.asarray(codes, jnp.int8), jnp.asarray(scales, jnp.bfloat16)
        rows, columns = codes.shape
        if bits not in BITS:
            raise UserError(f"Weights are quantized to 8 or 4 bits, not {bits}.")
        block = next((b for b in BLOCKS if scales.shape == (rows, math.ceil(columns / b))), None)
        if block is None:
            raise UserError(f"Scales {scales.shape} fit codes {codes.shape} for no block of 32, 64 or 128.")
        panels, blocks = math.ceil(rows / PANEL), scales.shape[1]
        padded = jnp.pad(codes, ((0, panels * PANEL - rows), (0, blocks * block - columns)))
        folded = padded.reshape(panels, PANEL, blocks * block // 4, 4).swapaxes(1, 2)
        if bits == 4:
            shifted = (folded + 8).astype(jnp.uint8)
            folded = shifted[:, 0::2] | shifted[:, 1::2] << 4
        scales = jnp.pad(scales, ((0, panels * PANEL - rows), (0, 0)))
        return QuantizedMatrix(
            codes=folded,
            scales=scales.reshape(panels, PANEL, blocks).swapaxes(1, 2),
            rows=rows,
            columns=columns,
            bits=bits,
            block=block,
        )

    def unpack(self) -> tuple[Int8[Array, "N K"], BFloat16[Array, "N blocks"]]:
        """Codes and scales as `pack` took them."""
        codes = self.codes
        if self.bits == 4:
            halves = jnp.stack([codes & 15, codes >> 4], axis=2).astype(jnp.int8) - 8
            codes = halves.reshape(codes.shape[0], -1, PANEL, 4)
        panels = codes.shape[0]
        codes = codes.swapaxes(1, 2).reshape(panels * PANEL, -1)
        scales = self.scales.swapaxes(1, 2).reshape(panels * PANEL, -1)
        return codes[: self.rows, : self.columns], scales[: self.rows]

    def dequantize(self) -> Float[Array, "N K"]:
        """The matrix in float32."""
        codes, scales = self.unpack()
        wide = jnp.repeat(scales.astype(jnp.float32), self.block, axis=1)[:, : self.columns]
        return codes.astype(jnp.float32) * wide

    def take(self, rows: Integer[Array, "*batch"]) -> Float[Array, "*batch K"]:
        """Some of its rows, in float32; the others are not read."""
        panel, lane = rows // PANEL, rows % PANEL
        codes, scales = self.codes[panel, :, lane], self.scales[panel, :, lane]
        if self.bits == 4:
            codes = jnp.stack([codes & 15, codes >> 4], axis=-2).astype(jnp.int8) - 8
        values = codes.reshape(*scales.shape, self.block).astype(jnp.float32) * scales[..., None].astype(jnp.float32)
        return values.reshape(*rows.shape, -1)[..., : self.columns]
