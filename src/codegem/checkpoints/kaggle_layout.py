"""The arrays of Google's Flax checkpoints, and ours: the one table of names, shapes and transpositions.

| Flax, `transformer/…` | shape | ours |
|---|---|---|
| `embedder` `input_embedding` | (V, D) | embedding; Gemma's 256,000 rows are padded to 256,128 |
| `final_norm`, `layer_i/pre_attention_norm`, `layer_i/pre_ffw_norm` `scale` | (D,) | the same, without the +1 |
| `layer_i/attn/q_einsum` `w` | (N, D, H) | q |
| `layer_i/attn/kv_einsum` `w` | (2, K, D, H) | k, v |
| `layer_i/attn/qkv_einsum` `w`, instead of these two where K = N | (3, N, D, H) | q, k, v |
| `layer_i/attn/attn_vec_einsum` `w` | (N, H, D) | o |
| `layer_i/mlp/gating_einsum` `w` | (2, D, F) | gate, up |
| `layer_i/mlp/linear` `w` | (F, D) | down |

Their matrices are [in, out] for each head; ours, as in Hugging Face's files, are [out, in] for all heads together.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from codegem.errors import UserError
from codegem.model.config import PRESETS, ModelConfig

Key = tuple[str, str]  # of the outer and the inner dict
PADDING = 128  # rows; what Google's embeddings have behind the vocabulary
EMBEDDING = "input_embedding"
_ROOT = "transformer"
_LAYER = re.compile(rf"{_ROOT}/layer_(\d+)/")


class Entry(NamedTuple):
    """One array of a Flax checkpoint.

    Attributes:
        key: its place.
        shape: as it is stored.
        parts: what we call the matrices that are stacked in it.
        matrices: (heads, in, out) of each part; None for what is stored as it is here.
    """

    key: Key
    shape: tuple[int, ...]
    parts: tuple[str, ...]
    matrices: tuple[int, int, int] | None = None


def entries(config: ModelConfig, rows: int) -> Iterator[Entry]:
    """Every array of a checkpoint, in an order that a reader can follow.

    Args:
        rows: of the embedding, padding included.

    >>> [entry.key for entry in entries(PRESETS["gemma_2b"], 256_128)][3:5]
    [('transformer/layer_0/attn/q_einsum', 'w'), ('transformer/layer_0/attn/kv_einsum', 'w')]
    """
    d_model = config.d_model
    yield Entry((f"{_ROOT}/embedder", EMBEDDING), (rows, d_model), ("model.embed_tokens.weight",))
    yield Entry((f"{_ROOT}/final_norm", "scale"), (d_model,), ("model.norm.weight",))
    for layer in range(config.num_layers):
        yield from _layer(config, f"{_ROOT}/layer_{layer}", f"model.layers.{layer}")


def _layer(config: ModelConfig, theirs: str, ours: str) -> Iterator[Entry]:
    d, f, h, n, k = config.d_model, config.d_mlp, config.head_dim, config.num_heads, config.num_kv_heads
    q, key_value = f"{ours}.self_attn.q_proj.weight", tuple(f"{ours}.self_attn.{x}_proj.weight" for x in "kv")
    gate, up, down = (f"{ours}.mlp.{x}_proj.weight" for x in ("gate", "up", "down"))
    yield Entry((f"{theirs}/pre_attention_norm", "scale"), (d,), (f"{ours}.input_layernorm.weight",))
    if n == k:
        yield Entry((f"{theirs}/attn/qkv_einsum", "w"), (3, n, d, h), (q, *key_value), (n, d, h))
    else:
        yield Entry((f"{theirs}/attn/q_einsum", "w"), (n, d, h), (q,), (n, d, h))
        yield Entry((f"{theirs}/attn/kv_einsum", "w"), (2, k, d, h), key_value, (k, d, h))
    output = f"{ours}.self_attn.o_proj.weight"
    yield Entry((f"{theirs}/attn/attn_vec_einsum", "w"), (n, h, d), (output,), (1, n * h, d))
    yield Entry((f"{theirs}/pre_ffw_norm", "scale"), (d,), (f"{ours}.post_attention_layernorm.weight",))
    yield Entry((f"{theirs}/mlp/gating_einsum", "w"), (2, d, f), (gate, up), (1, d, f))
    yield Entry((f"{theirs}/mlp/linear", "w"), (f, d), (down,), (1, f, d))


def shape_of_model(shapes: Mapping[Key, tuple[int, ...]]) -> ModelConfig:
    """The model that a checkpoint's shapes describe; its vocabulary is all rows of the embedding.

    Raises:
        UserError: an array of the first layer or the embedding is absent or has another rank.
    """

    def shape(name: str, leaf: str, rank: int) -> tuple[int, ...]:
        found = shapes.get((f"{_ROOT}/{name}", leaf))
        if found is None or len(found) != rank or 0 in found:
            there = "is not there" if found is None else f"has shape {list(found)}"
            raise UserError(f"{_ROOT}/{name} {there}, which Gemma 1 has with {rank} axes; download it again.")
        return found

    rows, d_model = shape("embedder", EMBEDDING, 2)
    num_heads, head_dim, _ = shape("layer_0/attn/attn_vec_einsum", "w", 3)
    multi_head = (f"{_ROOT}/layer_0/attn/qkv_einsum", "w") in shapes
    num_kv_heads = num_heads if multi_head else shape("layer_0/attn/kv_einsum", "w", 4)[1]
    layers = {match[1] for name, _ in shapes if (match := _LAYER.match(name))}
    try:
        return ModelConfig(
            vocab_size=rows,
            num_layers=len(layers),
            d_model=d_model,
            num_heads=num_heads,
            num_kv_heads=num_kv_heads,
            head_dim=head_dim,
            d_mlp=shape("layer_0/mlp/linear", "w", 2)[0],
        )
    except ValueError as error:
        raise UserError(f"The arrays are of no Gemma 1: {error}.") from None


def padded_rows(vocab_size: int) -> int:
    """Rows of the embedding for a vocabulary: Google's own code expects 256,128 for Gemma's, and takes any other."""
    return vocab_size + PADDING if vocab_size == PRESETS["gemma_2b"].vocab_size else vocab_size


def to_ours(entry: Entry, array: np.ndarray) -> list[Any]:
    """The parts of a Flax array as [out, in] matrices: views of `array`, or arrays that JAX turned."""
    if entry.matrices is None:
        return [array]
    heads, d_in, d_out = entry.matrices
    stacked = array.reshape(len(entry.parts), heads, d_in, d_out)
    # XLA copies a turned view five times as fast as NumPy.
    return [jax.device_put(part.swapaxes(1, 2)).reshape(heads * d_out, d_in) for part in stacked]


def to_flax(entry: Entry, parts: list[np.ndarray]) -> np.ndarray:
    """The Flax array of our parts; an embedding gets rows of zeros up to `entry.shape`."""
    if entry.matrices is None:
        missing = entry.shape[0] - len(parts[0])
        return np.pad(parts[0], ((0, missing), (0, 0))) if missing else parts[0]
    heads, d_in, d_out = entry.matrices
    cpu = jax.local_devices(backend="cpu")[0]
    turned = np.empty((len(parts), heads, d_in, d_out), parts[0].dtype)
    for place, part in zip(turned, parts, strict=True):
        place[:] = jax.device_put(part.reshape(heads, d_out, d_in).swapaxes(1, 2), cpu)
    assert turned.size == math.prod(entry.shape)
    return turned.reshape(entry.shape)
