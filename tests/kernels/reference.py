"""The kernels' arithmetic in plain NumPy, step by step."""

import numpy as np
from jaxtyping import Float, Int8


def bfloat16(x: np.ndarray) -> np.ndarray:
    """float32 rounded to bfloat16, ties to even, as float32."""
    words = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((words + 0x7FFF + (words >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def random_matrix(seed: int, rows: int, columns: int, bits: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes [N, K] over their whole range and scales [N, blocks] near 1/sqrt(K)."""
    numbers = np.random.default_rng(seed)
    codes = numbers.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (rows, columns)).astype(np.int8)
    scales = (0.2 + numbers.random((rows, -(-columns // block)), np.float32)) / np.float32(columns**0.5 * 2**bits)
    return codes, bfloat16(scales)


def random_dense(seed: int, rows: int, columns: int) -> np.ndarray:
    """A matrix of bfloat16 values, as float32, of deviation 1/sqrt(K)."""
    return bfloat16(np.random.default_rng(seed).standard_normal((rows, columns), np.float32) / np.float32(columns**0.5))


def dequantize(codes: Int8[np.ndarray, "N K"], scales: Float[np.ndarray, "N blocks"], block: int) -> np.ndarray:
    """Float64 [N, K]."""
    return codes.astype(np.float64) * np.repeat(scales, block, axis=1)[:, : codes.shape[1]]


def quantize_rows(x: Float[np.ndarray, "T K"], block: int) -> tuple[np.ndarray, np.ndarray]:
    """Activation codes [T, blocks, block] and scales [T, blocks], in float32 as the kernels do it."""
    blocks = -(-x.shape[1] // block)
    padded = np.pad(x, ((0, 0), (0, blocks * block - x.shape[1]))).reshape(len(x), blocks, block)
    top = np.abs(padded).max(axis=2)
    zero = top < np.float32(1e-30)
    inverse = np.where(zero, np.float32(0), np.float32(127) / np.where(zero, np.float32(1), top))
    codes = np.rint(padded * inverse[:, :, None].astype(np.float32)).astype(np.int64)
    return codes, np.where(zero, np.float32(0), top / np.float32(127)).astype(np.float32)


def product(x: np.ndarray, codes: np.ndarray, scales: np.ndarray, block: int) -> np.ndarray:
    """x · wᵀ [T, N]: the sum of each block exact, blocks added in float32 in their order."""
    x_codes, x_scales = quantize_rows(x, block)
    blocks = x_codes.shape[1]
    padded = np.pad(codes.astype(np.int64), ((0, 0), (0, blocks * block - codes.shape[1])))
    total = np.zeros((len(x), len(codes)), np.float32)
    for b in range(blocks):
        sums = x_codes[:, b] @ padded[:, b * block : (b + 1) * block].T
        scale = scales[:, b][None, :] * x_scales[:, b][:, None]
        # Exact in float64 up to the last addition, so this is a fused step but for one rounding in 2^29.
        total = (sums * scale.astype(np.float64) + total).astype(np.float32)
    return total


def norm(x: np.ndarray, scale: np.ndarray, eps: float) -> np.ndarray:
    """RMSNorm in float64."""
    x = x.astype(np.float64)
    return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps) * (1 + scale.astype(np.float64))


def gelu(x: np.ndarray) -> np.ndarray:
    """Its tanh form."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def error_bound(x: np.ndarray, weight: np.ndarray, block: int) -> np.ndarray:
    """How far quantizing x may move x · weightᵀ: half a step for each element."""
    blocks = -(-x.shape[1] // block)
    padded = np.pad(x, ((0, 0), (0, blocks * block - x.shape[1]))).reshape(len(x), blocks, block)
    step = np.repeat(np.abs(padded).max(axis=2) / 127, block, axis=1)[:, : x.shape[1]]
    return 0.502 * step @ np.abs(weight).T + 1e-6


def mlp(
    x: np.ndarray,
    scale: np.ndarray,
    eps: float,
    gate: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    *,
    block: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """x + down · (gelu(gate · n) · (up · n)) of float64 matrices, and how far from it the kernels may be.

    Args:
        block: columns that activations are quantized in; None for dense matrices, which round them to 16 bits.
    """
    normed = norm(x, scale, eps)
    first, second = normed @ gate.T, normed @ up.T
    off, off_second = (_bound(normed, weight, block) for weight in (gate, up))
    hidden = gelu(first) * second
    # GELU's slope is at most 1.13.
    moved = 1.13 * off * (np.abs(second) + off_second) + np.abs(first) * off_second
    widest = np.abs(hidden) + moved
    return x + hidden @ down.T, moved @ np.abs(down).T + _bound(widest, down, block) + 1e-6


def _bound(x: np.ndarray, weight: np.ndarray, block: int | None) -> np.ndarray:
    if block is None:
        return 2.0**-15 * np.abs(x) @ np.abs(weight).T + 1e-6
    return error_bound(x, weight, block)
