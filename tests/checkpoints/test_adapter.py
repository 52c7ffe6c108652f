"""Adapters on disk: there and back, found with their base, served, merged, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import codegem
from codegem.checkpoints import huggingface, quantized
from codegem.checkpoints.adapter import open_adapter, save_adapter
from codegem.checkpoints.adapter_base import base_hash
from codegem.checkpoints.converting import convert
from codegem.checkpoints.locate import Kind, locate
from codegem.checkpoints.open import open_model
from codegem.checkpoints.safetensors_file import open_safetensors, write_safetensors
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.lora import Adapter, init_adapter, merge
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import Tokenizer

CONFIG = ModelConfig(266, 2, 32, 2, 1, 16, 48, context_length=64)
NAME = "base_model.model.model.layers.{}.{}_proj.lora_{}.weight"


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(CONFIG)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, model: Transformer, bytes_tokenizer: Tokenizer) -> Path:
    """A model in float32."""
    directory = tmp_path_factory.mktemp("base")
    huggingface.save(directory, model, bytes_tokenizer, dtype="float32")
    return directory


def random_adapter(seed: int = 0, **choices: Any) -> Adapter:
    adapter = init_adapter(CONFIG, **({"rank": 4} | choices))
    numbers = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: 0.2 * numbers.standard_normal(leaf.shape, np.float32), adapter)


@pytest.fixture
def directory(tmp_path: Path, base: Path, model: Transformer) -> Path:
    """An adapter of it."""
    save_adapter(tmp_path / "adapter", random_adapter(), base=str(base), base_hash=base_hash(model), chats=True)
    return tmp_path / "adapter"


def same(one: Any, other: Any) -> bool:
    leaves = [jax.tree.leaves(tree) for tree in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))


def test_there_and_back(directory: Path, base: Path) -> None:
    stored = open_adapter(directory)
    assert (stored.base, stored.chats, stored.rank, stored.scale) == (str(base), True, 4, 8.0)
    adapter = stored.adapter(CONFIG)
    assert same(adapter, random_adapter()) and (adapter.rank, adapter.alpha) == (4, 32.0)
    assert sorted(path.name for path in directory.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]


def test_it_is_a_model(directory: Path, model: Transformer) -> None:
    """The model at the adapter's name is base and adapter together, whose answers are those of the merged weights."""
    assert locate(directory).kind is Kind.ADAPTER
    loaded = codegem.load(directory)
    assert loaded.can_chat and loaded.parameters == CONFIG.parameters
    ids = [2, 20, 30, 40]
    expected = merge(random_adapter(), model)(jnp.array([ids]))[0]
    np.testing.assert_allclose(loaded.logits(ids), expected, atol=1e-4)
    (row,) = (row for row in codegem.models([directory]) if row["format"] == "PEFT")
    assert row["weights"].startswith("LoRA 4 of base") and row["context_length"] == 64 and "problem" not in row


@pytest.mark.parametrize("to", ["hf", "gguf", "kaggle"])
def test_merged_into_any_format(directory: Path, tmp_path: Path, model: Transformer, to: str) -> None:
    """Every weight of the merged model is that of `merge`, in float32 bit for bit; norms go another way in GGUF."""
    convert(directory, tmp_path / "merged", to=to)
    opened = open_model(tmp_path / "merged", dtype="float32")
    assert opened.chats
    for found, wanted in zip(
        jax.tree.leaves(opened.model), jax.tree.leaves(merge(random_adapter(), model)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 if found.ndim == 1 else 0)


def test_beside_a_quantized_base(tmp_path: Path, model: Transformer, bytes_tokenizer: Tokenizer) -> None:
    """It is found by its own codes, and what is merged is the sum of dequantized weights and products."""
    quantized.save(tmp_path / "small", model, bytes_tokenizer, 8)
    small = open_model(tmp_path / "small").model
    assert base_hash(small) != base_hash(model)
    adapter = random_adapter(targets=("v", "gate"))
    save_adapter(tmp_path / "adapter", adapter, base=str(tmp_path / "small"), base_hash=base_hash(small), chats=False)
    assert type(open_model(tmp_path / "adapter").model.blocks[0].attention.v.weight).__name__ == "QuantizedMatrix"
    convert(tmp_path / "adapter", tmp_path / "merged", to="hf")
    found = open_model(tmp_path / "merged", dtype="float32").model.blocks[1].mlp
    wanted = merge(adapter, small).blocks[1].mlp
    assert np.array_equal(found.gate.weight, wanted.gate.weight)
    assert np.array_equal(found.up.weight, wanted.up.weight.dequantize())


def test_float32_and_bfloat16_are_one_base(base: Path, model: Transformer) -> None:
    lazy, narrow = open_model(base, lazy=True).model, open_model(base, dtype="bfloat16").model
    assert base_hash(lazy) == base_hash(narrow) == base_hash(model)


def edit(directory: Path, **changes: Any) -> None:
    path = directory / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rewrite(directory: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    path = directory / "adapter_model.safetensors"
    file = open_safetensors(path)
    tensors = {name: file.copy(name) for name in file.tensors}
    change(tensors)
    write_safetensors(path, tensors, file.metadata)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"peft_type": "IA3"}, "'IA3'"),
        ({"r": 0}, '"r" is 0'),
        ({"r": 4.0}, '"r" is 4.0'),
        ({"r": 10**9}, '"r" is 1000000000'),
        ({"r": 5}, "rank 5"),
        ({"lora_alpha": float("nan")}, '"lora_alpha" is nan'),
        ({"lora_alpha": "much"}, "'much'"),
        ({"use_dora": True}, '"use_dora"'),
        ({"bias": "all"}, '"bias"'),
        ({"rank_pattern": {"q_proj": 2}}, '"rank_pattern"'),
        ({"modules_to_save": ["embed_tokens"]}, '"modules_to_save"'),
        ({"base_model_name_or_path": None}, "does not say which model"),
        ({"base_model_name_or_path": "/nowhere/model"}, "not at hand"),
        ({"base_model_name_or_path": "nano"}, "has no place|asks for"),
        ({"base_model_name_or_path": "somebody/unknown-model"}, "not on this machine"),
    ],
)
def test_descriptions_that_are_refused(directory: Path, changes: dict[str, Any], part: str) -> None:
    edit(directory, **changes)
    with pytest.raises(UserError, match=part) as told:
        open_model(directory)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda t: t.pop(NAME.format(0, "mlp.up", "B")), "no tensor .*up_proj.lora_B"),
        (lambda t: t.pop(NAME.format(0, "mlp.up", "A")), "without its lora_A"),
        (lambda t: t.update({NAME.format(2, "mlp.up", "A"): np.zeros((4, 32), "f4")}), "no place"),
        (lambda t: t.update({NAME.format(0, "self_attn.up", "A"): np.zeros((4, 32), "f4")}), "no place"),
        (lambda t: t.update({NAME.format("00", "mlp.up", "A"): np.zeros((4, 32), "f4")}), "no place"),
        (lambda t: t.update({"lm_head.weight": np.zeros((4, 4), "f4")}), "no place"),
        (lambda t: t.update({NAME.format(1, "mlp.up", "A"): np.zeros((4, 31), "f4")}), r"\[4, 31\]"),
        (lambda t: t.update({NAME.format(1, "mlp.up", "A"): np.zeros((4, 32), "i4")}), "I32"),
    ],
)
def test_tensors_that_are_refused(directory: Path, change: Callable[..., Any], part: str) -> None:
    rewrite(directory, change)
    with pytest.raises(UserError, match=part) as told:
        open_model(directory)
    assert "\n" not in str(told.value)


def test_another_base_is_refused(
    directory: Path, tmp_path: Path, random_model: Callable[..., Transformer], bytes_tokenizer: Tokenizer
) -> None:
    huggingface.save(tmp_path / "other", random_model(CONFIG, 1), bytes_tokenizer, dtype="float32")
    edit(directory, base_model_name_or_path=str(tmp_path / "other"))
    with pytest.raises(UserError, match=r"was tuned on other weights than .*other holds"):
        open_model(directory)


def test_an_adapter_of_an_adapter_is_refused(directory: Path, tmp_path: Path, model: Transformer) -> None:
    save_adapter(tmp_path / "second", random_adapter(1), base=str(directory), base_hash=base_hash(model), chats=False)
    with pytest.raises(UserError, match="which is an adapter too; merge that one by `codegem convert"):
        open_model(tmp_path / "second")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["r", "lora_alpha", "base_model_name_or_path", "use_dora", "use_rslora", "peft_type", "bias"]),
)
def test_whatever_a_description_says(tmp_path_factory: pytest.TempPathFactory, value: Any, key: str) -> None:
    """It is read, or refused in a sentence."""
    directory = tmp_path_factory.getbasetemp() / "whatever"
    if not directory.exists():
        save_adapter(directory, random_adapter(), base="nano", base_hash="", chats=False)
    path = directory / "adapter_config.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {key: value}))
    try:
        assert open_adapter(directory).rank > 0
    except UserError as error:
        assert "\n" not in str(error)
    finally:
        path.write_text(before)
