"""How a Gemma 1 lies in a GGUF file: the keys that give its shape, and the names and encodings of its tensors."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from codegem.checkpoints.gguf_blocks import BY_NAME
from codegem.checkpoints.gguf_header import Encoding, Header
from codegem.checkpoints.huggingface import assemble
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer

# The kinds of files that are written: ggml's number for each, and the encodings of matrices and of the embedding,
# which is the output too and is kept at 8 bits.
_KINDS = {
    "f32": (0, "F32", "F32"),
    "f16": (1, "F16", "F16"),
    "bf16": (32, "BF16", "BF16"),
    "q8_0": (7, "Q8_0", "Q8_0"),
    "q4_0": (2, "Q4_0", "Q8_0"),
}
KINDS = tuple(_KINDS)

# ModelConfig's fields by their keys.
_SHAPE = {
    "num_layers": "gemma.block_count",
    "d_model": "gemma.embedding_length",
    "num_heads": "gemma.attention.head_count",
    "num_kv_heads": "gemma.attention.head_count_kv",
    "head_dim": "gemma.attention.key_length",
    "d_mlp": "gemma.feed_forward_length",
    "context_length": "gemma.context_length",
}
_THETA, _EPS = "gemma.rope.freq_base", "gemma.attention.layer_norm_rms_epsilon"
# Keys that mean Gemma 1 only if they are as large as a head.
_HEAD_SIZES = ("gemma.attention.value_length", "gemma.rope.dimension_count")
_TENSORS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_MOST_LAYERS = 1000
_LARGEST = 2**31 - 1


def read_config(header: Header) -> ModelConfig:
    """The model's shape.

    Raises:
        ValueError: the file holds no Gemma 1, or a key is absent or wrong.
    """
    keys = header.keys
    if keys.get("general.architecture") != "gemma":
        found = keys.get("general.architecture")
        raise ValueError(f'its architecture is {found!r:.40}, and codegem runs Gemma 1, "gemma"')
    if keys.get("gemma.rope.scaling.type", "none") != "none":
        raise ValueError("its positions are scaled, and Gemma 1 has them plain")
    if "token_embd.weight" not in header.tensors:
        raise ValueError("it has no token_embd.weight")
    shape = _shape(keys)
    for key in _HEAD_SIZES:
        if _whole(keys, key, shape["head_dim"]) != shape["head_dim"]:
            raise ValueError(f"its {key} is {keys[key]}, and should be the size of a head, {shape['head_dim']}")
    return ModelConfig(
        vocab_size=header.tensors["token_embd.weight"].shape[0],
        rope_theta=_fraction(keys, _THETA, 10_000.0),
        norm_eps=_fraction(keys, _EPS, None),
        **shape,
    )


def config_keys(config: ModelConfig) -> dict[str, Any]:
    """The keys that describe a model's shape."""
    return {
        **{key: getattr(config, field) for field, key in _SHAPE.items()},
        **dict.fromkeys(_HEAD_SIZES, config.head_dim),
        _THETA: float(config.rope_theta),
        _EPS: float(config.norm_eps),
        "gemma.vocab_size": config.vocab_size,
    }


def checked_names(header: Header, config: ModelConfig) -> Transformer:
    """A transformer of tensor names, after each tensor is seen to be there in its shape.

    Raises:
        ValueError: one is absent, one too many, or has another shape.
    """
    found = header.tensors
    wanted = 2 + len(_TENSORS) * config.num_layers
    if len(found) != wanted:  # before a table of as many layers as the file claims is made
        raise ValueError(f"it has {len(found)} tensors, and {config.num_layers} layers need {wanted}")

    def check(name: str, shape: tuple[int, ...]) -> str:
        name = tensor_name(name)
        if name not in found or found[name].shape != shape:
            has = f"is {list(found[name].shape)!s:.80}" if name in found else "is absent"
            raise ValueError(f"{name} {has}, and should be {list(shape)}")
        return name

    return assemble(config, check)


def tensor_name(hugging_face: str) -> str:
    """The name of a tensor, from its name in Hugging Face's files.

    >>> tensor_name("model.layers.3.self_attn.q_proj.weight"), tensor_name("model.norm.weight")
    ('blk.3.attn_q.weight', 'output_norm.weight')
    """
    name = hugging_face.removeprefix("model.").removesuffix(".weight")
    if not name.startswith("layers."):
        return {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}[name]
    _, layer, rest = name.split(".", 2)
    return f"blk.{layer}.{_TENSORS[rest]}.weight"


def file_type(kind: str) -> int:
    """ggml's number for a kind of file."""
    return _KINDS[kind][0]


def encoding_of(name: str, shape: tuple[int, ...], kind: str) -> Encoding:
    """How a tensor is stored in a kind of file.

    >>> [encoding_of(name, (64, 64), "q4_0").name for name in ("blk.0.attn_q.weight", "token_embd.weight")]
    ['Q4_0', 'Q8_0']
    """
    _, matrices, embedding = _KINDS[kind]
    stored = "F32" if len(shape) == 1 else embedding if name == "token_embd.weight" else matrices
    return BY_NAME[stored if shape[-1] % BY_NAME[stored].values == 0 else "F16"]


def _shape(keys: Mapping[str, Any]) -> dict[str, int]:
    heads, width = _whole(keys, _SHAPE["num_heads"]), _whole(keys, _SHAPE["d_model"])
    implied = {"num_kv_heads": heads, "head_dim": width // heads}
    shape = {field: _whole(keys, key, implied.get(field)) for field, key in _SHAPE.items()}
    if shape["num_layers"] > _MOST_LAYERS:
        raise ValueError(f"it claims {shape['num_layers']} layers, and {_MOST_LAYERS} are allowed")
    return shape


def _whole(keys: Mapping[str, Any], key: str, default: int | None = None) -> int:
    value = keys.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
        raise ValueError(f"its {key} is {value!r:.40}, and should be a whole number above 0")
    return value


def _fraction(keys: Mapping[str, Any], key: str, default: float | None) -> float:
    value = keys.get(key, default)
    if not isinstance(value, float) or not 0 < value < math.inf:
        raise ValueError(f"its {key} is {value!r:.40}, and should be a number above 0")
    return float(str(np.float32(value)))  # 1e-06, of which float32 stores 9.999999974752427e-07
