"""Attention over whole sequences by the kernel of the platform.

| platform | kernel | where |
|---|---|---|
| TPU | splash attention of JAX's Pallas kernels | head sizes and lengths that are multiples of 128 |
| GPU | cuDNN's flash attention | bfloat16; heads of up to 128 from compute capability 8.0 on, 256 on 9.0 (Hopper) |
| any | `blockwise.py` | wherever the platform's kernel does not fit |

All three keep the output and the log-sum-exp for the backward pass, never the weights (arXiv 2205.14135, 2307.08691).
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from codegem.model.blockwise import blockwise_attention
from codegem.model.platform import target

Kernel = Literal["splash", "cudnn", "blockwise"]
_HOPPER = (9, 0)


def packed_attention(
    q: Float[Array, "B T N H"],
    k: Float[Array, "B T K H"],
    v: Float[Array, "B T K H"],
    segment_ids: Int[Array, "B T"],
) -> Float[Array, "B T N H"]:
    """Softmax attention to earlier positions of the same segment; `q` is scaled already.

    Each of K key/value heads serves N/K query heads.
    """
    match kernel(q.shape[1], q.shape[3], q.dtype):
        case "splash":
            return splash_attention(q, k, v, segment_ids)
        case "cudnn":
            return fused_attention(q, k, v, segment_ids, implementation="cudnn")
        case _:
            return blockwise_attention(q, k, v, segment_ids)


def kernel(length: int, head_dim: int, dtype: DTypeLike) -> Kernel:
    """Which kernel serves rows of `length` positions on the platform that is compiled for."""
    platform = target()
    if platform == "tpu" and length % 128 == 0 and head_dim % 128 == 0:
        return "splash"
    if platform == "gpu" and dtype == jnp.bfloat16 and length % 2 == 0 and _cudnn_takes(head_dim, _capability()):
        return "cudnn"
    return "blockwise"


def fused_attention(
    q: Array, k: Array, v: Array, segment_ids: Array, *, implementation: Literal["cudnn", "xla"]
) -> Array:
    """`jax.nn.dot_product_attention`; the segments go along as a mask [B, 1, T, T].

    cuDNN reads the mask as a bias: 128 MiB a row of 8,192 positions in bfloat16, the same in all heads and layers.
    Its own way for packed rows, offsets of the segments, is not public in JAX 0.10, and is wrong there
    where K < N (jax-ml/jax#39521).
    """
    same = segment_ids[:, None, :, None] == segment_ids[:, None, None, :]
    return jax.nn.dot_product_attention(q, k, v, mask=same, scale=1.0, is_causal=True, implementation=implementation)


def splash_attention(q: Array, k: Array, v: Array, segment_ids: Array, *, interpret: bool = False) -> Array:
    """Splash attention, which passes over blocks that nothing in them sees; `interpret` runs it on any device."""
    from jax.experimental.pallas.ops.tpu.splash_attention.splash_attention_kernel import SegmentIds

    run = _splash_kernel(q.shape[1], q.shape[2], interpret)
    heads_first = (x.swapaxes(1, 2) for x in (q, k, v))
    return jax.vmap(run)(*heads_first, SegmentIds(segment_ids, segment_ids)).swapaxes(1, 2)


def _splash_kernel(length: int, heads: int, interpret: bool) -> Any:
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as splash
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

    block = next(size for size in (512, 256, 128) if length % size == 0)
    sides = ("block_q", "block_kv", "block_q_dkv", "block_kv_dkv", "block_q_dq", "block_kv_dq")
    mask = masks.MultiHeadMask([masks.CausalMask((length, length))] * heads)
    sizes = splash.BlockSizes(**dict.fromkeys(sides, block))
    return splash.make_splash_mha_single_device(mask, block_sizes=sizes, interpret=interpret)


def _cudnn_takes(head_dim: int, capability: tuple[int, int]) -> bool:
    """cuDNN's table of what its backward pass supports (documentation of cuDNN's attention, backend 9.18).

    >>> _cudnn_takes(128, (8, 0)), _cudnn_takes(256, (8, 0)), _cudnn_takes(256, (9, 0)), _cudnn_takes(256, (10, 0))
    (True, False, True, False)
    """
    largest = 256 if capability == _HOPPER else 128 if capability >= (8, 0) else 0
    return head_dim <= largest and head_dim % 8 == 0


def _capability() -> tuple[int, int]:
    """Of this machine's GPU; where there is none, and a program is made for one elsewhere, Hopper's."""
    if jax.default_backend() != "gpu":
        return _HOPPER
    major, minor = jax.devices()[0].compute_capability.split(".")
    return int(major), int(minor)
