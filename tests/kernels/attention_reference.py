"""Cached attention in NumPy, and problems to try it on."""

import numpy as np

THETA = 10_000.0


def normal(seed: int, *shape: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32).astype(dtype)


def frequencies(half: int) -> np.ndarray:
    """Radians a position, of each pair."""
    return np.float32(THETA) ** (-np.arange(half, dtype=np.float32) / np.float32(half))


def rotated(x: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Half-split rotation in float64, of angles that float32 rounded."""
    half = x.shape[-1] // 2
    angle = (positions[..., None, None].astype(np.float32) * frequencies(half)).astype(np.float64)
    turned = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([turned.real, turned.imag], axis=-1)


def reference(q, k, v, keys, values, lengths):
    """One query and one head at a time, in float64; the caches are rounded to their type."""
    batch, rows, heads, size = q.shape
    keys, values = keys.copy(), values.copy()
    positions = lengths[:, None] + np.arange(rows)
    for b in range(batch):
        keys[b, positions[b]] = rotated(k, positions)[b]
        values[b, positions[b]] = v[b]
    q = rotated(q.astype(np.float64), positions) * size**-0.5
    mixed = np.zeros(q.shape)
    for b, t, n in np.ndindex(batch, rows, heads):
        head, seen = n // (heads // keys.shape[2]), slice(positions[b, t] + 1)
        logits = keys[b, seen, head].astype(np.float64) @ q[b, t, n]
        weights = np.exp(logits - logits.max())
        mixed[b, t, n] = weights @ values[b, seen, head].astype(np.float64) / weights.sum()
    return mixed, keys, values


def problem(batch, rows, heads, kv_heads, size, lengths, capacity, dtype, seed=0):
    """Arguments for `attend_cached`; free slots hold NaN, as rubbish that must not be read."""
    lengths = np.array(lengths, np.int32)
    caches = [normal(seed + i, batch, capacity, kv_heads, size, dtype=dtype) for i in (3, 4)]
    for cache in caches:
        cache[np.arange(capacity) >= lengths[:, None]] = np.nan
    q, k, v = normal(seed, batch, rows, heads, size), *(normal(seed + i, batch, rows, kv_heads, size) for i in (1, 2))
    return q, k, v, *caches, lengths
