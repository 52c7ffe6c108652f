"""Attention by the platform's kernel: each equals the blockwise form, and each platform's program holds its own."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.model.blockwise import blockwise_attention
from codegem.model.flash import fused_attention, kernel, packed_attention, splash_attention
from codegem.model.platform import Platform, compiling_for

Attend = Callable[..., jax.Array]


def inputs(heads: int, kv_heads: int, size: int, length: int, dtype: str = "float32") -> list[jax.Array]:
    """q, k, v and segments: three documents and padding in the first row, two in the second."""
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = [(2, length, count, size) for count in (heads, kv_heads, kv_heads)]
    q, k, v = (jax.random.normal(key, shape).astype(dtype) for key, shape in zip(keys, shapes, strict=True))
    segments = jnp.repeat(jnp.array([[1, 1, 2, 3, 0, 0, 0, 0], [1, 1, 1, 1, 1, 2, 2, 2]]), length // 8, axis=1)
    return [q * size**-0.5, k, v, segments]


def value_and_gradients(attend: Attend, arguments: list[jax.Array]) -> tuple[jax.Array, ...]:
    """The output, and the gradients of a weighted sum of it."""

    def weighted(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        out = attend(q, k, v, arguments[3])
        return jnp.sum(out * jnp.sin(jnp.arange(out.size).reshape(out.shape))), out

    grads, out = jax.jit(jax.grad(weighted, argnums=(0, 1, 2), has_aux=True))(*arguments[:3])
    return out, *grads


def test_what_cudnn_is_asked_equals_blockwise_attention():
    """XLA's form of the same call: packed segments, grouped heads. The order of summation differs, nothing else."""
    arguments = inputs(4, 2, 8, 48)
    found = value_and_gradients(partial(fused_attention, implementation="xla"), arguments)
    for one, other in zip(found, value_and_gradients(blockwise_attention, arguments), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_splash_attention_equals_blockwise_attention():
    """The TPU's kernel, interpreted. Its gradients take 3 seconds to compile and were equal too when it was written."""
    arguments = inputs(2, 1, 128, 128)
    found = jax.jit(partial(splash_attention, interpret=True))(*arguments)
    np.testing.assert_allclose(found, jax.jit(blockwise_attention)(*arguments), atol=1e-5)


@pytest.mark.parametrize(
    ("platform", "length", "size", "dtype", "chosen"),
    [
        ("cpu", 8192, 256, "bfloat16", "blockwise"),
        ("tpu", 8192, 256, "bfloat16", "splash"),
        ("tpu", 100, 256, "bfloat16", "blockwise"),
        ("tpu", 8192, 64, "bfloat16", "blockwise"),
        ("gpu", 8192, 256, "bfloat16", "cudnn"),
        ("gpu", 8192, 256, "float32", "blockwise"),
        ("gpu", 8191, 256, "bfloat16", "blockwise"),
        ("gpu", 8192, 512, "bfloat16", "blockwise"),
    ],
)
def test_each_platform_has_its_kernel(platform: Platform, length: int, size: int, dtype: str, chosen: str):
    with compiling_for(platform):
        assert kernel(length, size, jnp.dtype(dtype)) == chosen


@pytest.mark.parametrize(
    ("platform", "calls"),
    [
        ("gpu", ["__cudnn$fmhaScaleBiasSoftmax", "__cudnn$fmhaScaleBiasSoftmaxBackward"]),
        ("tpu", ["splash_mha_fwd_segmented_residuals", "splash_mha_dq_segmented", "splash_mha_dkv_segmented"]),
        ("cpu", []),
    ],
)
def test_the_lowered_program_holds_the_kernel(platform: Platform, calls: list[str], monkeypatch: pytest.MonkeyPatch):
    """Programs can be made for devices that are not here. JAX asks cuDNN for its version meanwhile: it is told one."""
    from jax._src.cudnn import fused_attention_stablehlo

    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 91900)
    monkeypatch.setattr(fused_attention_stablehlo, "check_compute_capability", lambda capability: True)

    def loss(q: jax.Array, k: jax.Array, v: jax.Array, segments: jax.Array) -> jax.Array:
        return jnp.sum(packed_attention(q, k, v, segments).astype(jnp.float32))

    with compiling_for(platform):
        traced = jax.jit(jax.grad(loss, argnums=(0, 1, 2))).trace(*inputs(8, 1, 256, 128, "bfloat16"))
    text = traced.lower(lowering_platforms=({"gpu": "cuda"}.get(platform, platform),)).as_text()
    assert all(call in text for call in calls)
    assert ("custom_call @" in text and "cudnn" in text) == (platform == "gpu")
