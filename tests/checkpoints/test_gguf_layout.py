"""The keys and names of a Gemma in GGUF files; files with wrong keys are in test_gguf."""

import jax
import numpy as np
import pytest

from codegem.checkpoints.gguf_header import ENCODINGS, Header, TensorInfo
from codegem.checkpoints.gguf_layout import (
    KINDS,
    checked_names,
    config_keys,
    encoding_of,
    file_type,
    read_config,
    tensor_name,
)
from codegem.checkpoints.huggingface import assemble
from codegem.model.config import PRESETS, ModelConfig

# What llama.cpp's own converter writes for the 2B.
KEYS_2B = {
    "general.architecture": "gemma",
    "gemma.context_length": 8192,
    "gemma.embedding_length": 2048,
    "gemma.block_count": 18,
    "gemma.feed_forward_length": 16384,
    "gemma.attention.head_count": 8,
    "gemma.attention.head_count_kv": 1,
    "gemma.attention.layer_norm_rms_epsilon": float(np.float32(1e-6)),
    "gemma.attention.key_length": 256,
    "gemma.attention.value_length": 256,
}


def header(config: ModelConfig, keys: dict) -> Header:
    tensors = {}

    def add(name: str, shape: tuple[int, ...]) -> str:
        tensors[tensor_name(name)] = TensorInfo(ENCODINGS[0], shape, 0, 0)
        return name

    assemble(config, add)
    return Header(keys, tensors)


def test_the_2b_of_llama_cpps_converter():
    found = header(PRESETS["gemma_2b"], KEYS_2B)
    assert read_config(found) == PRESETS["gemma_2b"]
    names = checked_names(found, PRESETS["gemma_2b"])
    assert names.embedding == "token_embd.weight" and names.blocks[17].mlp.down.weight == "blk.17.ffn_down.weight"
    assert sorted(jax.tree.leaves(names)) == sorted(found.tensors)


def test_rows_that_pad_the_embedding_stay():
    """The file that Google published has 256,128 rows, as its Flax checkpoints have."""
    found = header(PRESETS["gemma_2b"], KEYS_2B)
    found.tensors["token_embd.weight"] = TensorInfo(ENCODINGS[0], (256_128, 2048), 0, 0)
    config = read_config(found)
    assert config.vocab_size == 256_128 and checked_names(found, config).embedding == "token_embd.weight"


@pytest.mark.parametrize("name", PRESETS)
def test_keys_come_back(name: str):
    assert (
        read_config(header(PRESETS[name], {"general.architecture": "gemma", **config_keys(PRESETS[name])}))
        == (PRESETS[name])
    )


def test_heads_of_an_equal_share_need_no_key():
    keys = {
        key: value for key, value in KEYS_2B.items() if not key.endswith(("_length", "_kv")) or "attention" not in key
    }
    config = read_config(header(PRESETS["gemma_2b"], keys))
    assert (config.head_dim, config.num_kv_heads) == (256, 8)


def test_a_tensor_that_does_not_belong():
    found = header(PRESETS["gemma_2b"], KEYS_2B)
    found.tensors["output.weight"] = found.tensors.pop("blk.3.attn_k.weight")
    with pytest.raises(ValueError, match=r"blk.3.attn_k.weight is absent"):
        checked_names(found, PRESETS["gemma_2b"])


def test_numbers_of_kinds_are_ggmls():
    ggml = pytest.importorskip("gguf")
    names = {kind: "ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}" for kind in KINDS}
    assert {kind: file_type(kind) for kind in KINDS} == {kind: ggml.LlamaFileType[name] for kind, name in names.items()}


def test_norms_are_always_float32():
    assert {encoding_of("blk.0.attn_norm.weight", (64,), kind).name for kind in KINDS} == {"F32"}
