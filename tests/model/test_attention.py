"""Rotary positions and cached attention against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.kernels import ops
from codegem.model.attention import Attention, LayerCache, attend, rope
from codegem.model.config import ModelConfig

B, T, N, K, H = 2, 7, 6, 3, 10


def normal(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def rope_in_numpy(x: np.ndarray, positions: np.ndarray, theta: float) -> np.ndarray:
    """Half-split rotation in float64: elements i and i + H/2 are a complex number, turned by position·theta^(-2i/H)."""
    half = x.shape[-1] // 2
    angle = positions[..., None, None] * theta ** (-2.0 * np.arange(half) / x.shape[-1])
    turned = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angle)
    return np.concatenate([turned.real, turned.imag], axis=-1)


@pytest.mark.parametrize(("first", "tolerance"), [(0, 1e-5), (8000, 2e-3)])
def test_rope_is_half_split(first: int, tolerance: float):
    """Float32 holds an angle near 8000 to 2.4e-4 only; bfloat16 would be wrong by 16."""
    x, positions = normal(0, B, T, N, H), jnp.arange(first, first + T) + jnp.array([[0], [5]])
    expected = rope_in_numpy(np.asarray(x, np.float64), np.asarray(positions), 10_000.0)
    np.testing.assert_allclose(rope(x, positions, 10_000.0), expected, atol=tolerance)


def test_rope_of_bfloat16_is_computed_in_float32():
    x = normal(0, B, T, N, H).astype(jnp.bfloat16)
    positions = jnp.broadcast_to(jnp.arange(4000, 4000 + T), (B, T))
    wide = rope(x.astype(jnp.float32), positions, 10_000.0)
    assert rope(x, positions, 10_000.0).dtype == jnp.bfloat16
    np.testing.assert_array_equal(rope(x, positions, 10_000.0), wide.astype(jnp.bfloat16))


def test_only_the_distance_of_two_positions_counts():
    q, k = normal(1, 1, 1, 1, H), normal(2, 1, 1, 1, H)

    def score(at_q: int, at_k: int) -> float:
        return float(jnp.sum(rope(q, jnp.array([[at_q]]), 1e4) * rope(k, jnp.array([[at_k]]), 1e4)))

    assert score(3, 1) == pytest.approx(score(103, 101), abs=1e-4)
    assert score(3, 1) != pytest.approx(score(1, 3), abs=1e-2)


def attend_in_numpy(q: np.ndarray, k: np.ndarray, v: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """One query and one head at a time; head n reads key/value head n // (N / K)."""
    out = np.zeros_like(q)
    for b, t, n in np.ndindex(q.shape[:3]):
        seen, head = visible[b, t], n // (q.shape[2] // k.shape[2])
        logits = k[b, seen, head] @ q[b, t, n]
        weights = np.exp(logits - logits.max())
        out[b, t, n] = weights @ v[b, seen, head] / weights.sum()
    return out


@pytest.mark.parametrize("kv_heads", [1, K, N])
def test_attend_equals_numpy(kv_heads: int):
    q, k, v = normal(3, B, T, N, H), normal(4, B, 9, kv_heads, H), normal(5, B, 9, kv_heads, H)
    visible = np.random.default_rng(0).random((B, T, 9)) < 0.5
    visible[..., 0] = True
    expected = attend_in_numpy(np.asarray(q, float), np.asarray(k, float), np.asarray(v, float), visible)
    np.testing.assert_allclose(attend(q, k, v, jnp.asarray(visible)), expected, atol=1e-5)


def test_what_is_not_visible_has_no_effect():
    """A slot that holds rubbish, as a cache may, changes nothing."""
    q, k, v = normal(3, 1, 1, N, H), normal(4, 1, 4, K, H), normal(5, 1, 4, K, H)
    visible = jnp.array([[[True, True, False, False]]])
    clean = attend(q, k, v, visible)
    np.testing.assert_array_equal(attend(q, k.at[:, 2:].set(1e4), v.at[:, 2:].set(-1e4), visible), clean)


@pytest.mark.skipif(not ops.available(), reason="the C++ kernels were not built")
@pytest.mark.parametrize(
    ("dtype", "cache_dtype", "tolerance"),
    [("float32", "float32", 1e-5), ("float32", "bfloat16", 2e-2), ("bfloat16", "bfloat16", 5e-2)],
)
def test_the_kernel_extends_as_plain_jax_does(
    monkeypatch: pytest.MonkeyPatch, dtype: str, cache_dtype: str, tolerance: float
):
    """Bfloat16 is within some roundings of 2^-9; results are near 1."""
    config = ModelConfig(16, 1, 64, N, K, 32, 64)
    attention = Attention.init(config, jax.random.key(0), out_scale=1.0, dtype=jnp.dtype(dtype))
    x, lengths = normal(6, B, T, 64).astype(dtype), jnp.array([20, 3])
    cache = LayerCache(*(normal(seed, B, 40, K, 32).astype(cache_dtype) for seed in (7, 8)))
    by_kernel, cache_by_kernel = attention.extend(x, cache, lengths)
    monkeypatch.setattr(ops, "available", lambda: False)
    plain, plain_cache = attention.extend(x, cache, lengths)
    assert by_kernel.dtype == plain.dtype and cache_by_kernel.keys.dtype == plain_cache.keys.dtype
    for one, other in zip(
        jax.tree.leaves((by_kernel, cache_by_kernel)), jax.tree.leaves((plain, plain_cache)), strict=True
    ):
        one, other = (np.asarray(a.astype(jnp.float32)) for a in (one, other))
        np.testing.assert_allclose(one, other, atol=tolerance)
