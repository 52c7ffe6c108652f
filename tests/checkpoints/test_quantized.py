"""Directories of quantized models: there and back, what is written, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import huggingface, quantized
from codegem.checkpoints.open import open_model
from codegem.checkpoints.safetensors_file import open_safetensors, write_safetensors
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.quantize import quantize
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import Tokenizer, load_tokenizer

CONFIG = ModelConfig(vocab_size=300, num_layers=2, d_model=80, num_heads=4, num_kv_heads=1, head_dim=16, d_mlp=100)
EMBEDDING = "model.embed_tokens.weight"
GATE = "model.layers.0.mlp.gate_proj.weight"


@pytest.fixture
def dense(random_model: Callable[..., Transformer]) -> Transformer:
    """Its logits are so large that the embedding keeps 8 bits."""
    model = random_model(CONFIG, dtype="bfloat16")
    return eqx.tree_at(lambda m: m.embedding, model, 16 * model.embedding)


@pytest.fixture
def directory(tmp_path: Path, dense: Transformer, bytes_tokenizer: Tokenizer) -> Path:
    """The model at 4 bits."""
    quantized.save(tmp_path / "small", dense, bytes_tokenizer, 4, order=Order.SPM)
    return tmp_path / "small"


def same(one: Transformer, other: Transformer) -> bool:
    leaves = [jax.tree.leaves(model) for model in (one, other)]
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        a.dtype == b.dtype and bool(jnp.array_equal(a, b)) for a, b in zip(*leaves, strict=True)
    )


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("block", [32, 64, 128])
def test_there_and_back(bits: int, block: int, tmp_path: Path, dense: Transformer, bytes_tokenizer: Tokenizer):
    quantized.save(tmp_path, dense, bytes_tokenizer, bits, block=block)
    model, tokenizer = quantized.load(tmp_path)
    assert same(model, quantize(dense, bits, block=block))
    assert tokenizer.hash == bytes_tokenizer.hash


def test_what_config_says(directory: Path):
    stored = json.loads((directory / "config.json").read_text())
    assert stored["quantization_config"] == {
        "quant_method": "codegem",
        "version": 1,
        "bits": 4,
        "block": 64,
        "eight_bits": [EMBEDDING],
    }
    assert stored["fim_order"] == "spm"
    file = open_safetensors(directory / "model.safetensors")
    assert file.tensors[f"{EMBEDDING}.codes"].dtype == "I8" and file.tensors[f"{GATE}.codes"].dtype == "U8"
    assert all(info.start % 64 == 0 for name, info in file.tensors.items() if name.endswith(".codes"))


def test_codegem_opens_it(directory: Path, dense: Transformer):
    opened = open_model(directory)
    assert same(opened.model, quantize(dense, 4)) and opened.order == Order.SPM


def test_tensors_may_be_made_at_their_turn(tmp_path: Path, dense: Transformer, bytes_tokenizer: Tokenizer):
    """A model directory that is read one tensor at a time gives the bytes that the model in memory gives."""
    huggingface.save(tmp_path / "whole", dense, bytes_tokenizer, dtype="float32")
    planned, tokenizer = huggingface.plan(tmp_path / "whole")
    for name, model in (("planned", planned), ("arrays", dense)):
        quantized.save(tmp_path / name, model, tokenizer, 4)
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("planned", "arrays")]
    assert files[0] == files[1]


def test_notice_of_weights_that_were_googles(tmp_path: Path, dense: Transformer, bytes_tokenizer: Tokenizer):
    quantized.save(tmp_path, dense, bytes_tokenizer, 8, derived_from="google/codegemma-2b")
    assert "google/codegemma-2b" in (tmp_path / "NOTICE").read_text()
    assert open_model(tmp_path).derived_from == "google/codegemma-2b"


def test_a_failure_leaves_what_was_there(directory: Path, dense: Transformer, monkeypatch: pytest.MonkeyPatch):
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def full(*arguments: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(quantized, "write_safetensors", full)
    with pytest.raises(UserError, match="no space left"):
        quantized.save(directory, dense, load_tokenizer(directory), 8)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_quantized_model_is_refused(directory: Path, tmp_path: Path):
    model, tokenizer = quantized.load(directory)
    with pytest.raises(UserError, match="quantized already"):
        quantized.save(tmp_path / "again", model, tokenizer, 8)


def test_others_refuse_it(directory: Path):
    """Transformers would run random weights, were it not for the method that it does not know."""
    with pytest.raises(UserError, match="quantization_config"):
        huggingface.load(directory)


def change_config(directory: Path, **changes: Any) -> None:
    path = directory / "config.json"
    stored = json.loads(path.read_text())
    stored["quantization_config"] |= changes
    path.write_text(json.dumps(stored))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bits": 8}, "asks for int8"),
        ({"bits": 5}, "8 or 4"),
        ({"bits": True}, "8 or 4"),
        ({"bits": 4.0}, "8 or 4"),
        ({"bits": [4]}, "8 or 4"),
        ({"bits": "4" * 10_000}, "8 or 4"),
        ({"block": 32}, "asks for"),
        ({"block": 128}, "asks for"),
        ({"block": 0}, "32, 64 or 128"),
        ({"version": 2}, "of version 2"),
        ({"quant_method": "gptq"}, "quant_method"),
        ({"eight_bits": []}, "asks for uint8"),
        ({"eight_bits": [EMBEDDING, GATE]}, "asks for int8"),
        ({"eight_bits": [EMBEDDING, "model.layers.9.mlp.up_proj.weight"]}, "no place"),
        ({"eight_bits": EMBEDDING}, "eight_bits"),
        ({"eight_bits": [1]}, "eight_bits"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(directory: Path, changes: dict[str, Any], words: str):
    change_config(directory, **changes)
    with pytest.raises(UserError, match=words) as error:
        quantized.load(directory)
    assert "\n" not in str(error.value) and len(str(error.value)) < 700


def without(tensors: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {other: array for other, array in tensors.items() if other != name}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: without(t, f"{GATE}.scales"), "no tensor"),
        (lambda t: without(t, "model.norm.weight"), "no tensor"),
        (lambda t: t | {"model.layers.2.mlp.up_proj.weight.codes": t[f"{GATE}.codes"]}, "no place"),
        (lambda t: t | {f"{GATE}.codes": t[f"{GATE}.codes"].view(np.int8)}, "asks for uint8"),
        (lambda t: t | {f"{GATE}.codes": t[f"{GATE}.codes"][:-1]}, "asks for uint8"),
        (lambda t: t | {f"{GATE}.scales": t[f"{GATE}.scales"].astype(np.float32)}, "asks for bfloat16"),
        (lambda t: t | {"model.norm.weight": t["model.norm.weight"].astype(np.float16)}, "asks for float32"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(directory: Path, change: Callable[[dict], dict], words: str):
    path = directory / "model.safetensors"
    file = open_safetensors(path)
    tensors = change({name: file.copy(name) for name in file.tensors})
    write_safetensors(path, tensors)
    with pytest.raises(UserError, match=words):
        quantized.load(directory)


def test_a_cut_file_is_refused(directory: Path):
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(UserError, match="cut or no safetensors file"):
        quantized.load(directory)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(directory: Path, missing: str):
    (directory / missing).unlink()
    with pytest.raises(UserError, match=missing):
        quantized.load(directory)
