"""Model directories: what is written is read back, and whatever is wrong is one sentence."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from codegem.checkpoints import huggingface, huggingface_weights
from codegem.checkpoints.huggingface import CONFIG, INDEX, WEIGHTS, load, save
from codegem.errors import UserError
from codegem.model.config import PRESETS, ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

TINY = ModelConfig(266, 2, 12, 4, 2, 6, 20, context_length=128, rope_theta=5000.0, norm_eps=1e-5)
EMBEDDING, KEYS = "model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.weight"


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(TINY)


@pytest.fixture(scope="module")
def written(model: Transformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory in float32 that tests copy and don't change."""
    directory = tmp_path_factory.mktemp("model")
    save(directory, model, ByteTokenizer(), dtype="float32")
    return directory


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(written, tmp_path / "model"))


def same(a: Transformer, b: Transformer) -> bool:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs
    )


def change_config(folder: Path, **values: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, **values}))


def change_tensors(folder: Path, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def split(folder: Path) -> dict[str, str]:
    """The weights in two shards and an index; gives the index's map."""
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    (folder / WEIGHTS).unlink()
    weight_map = {name: file for file, part in parts.items() for name in part}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return weight_map


def refusal(folder: Path) -> str:
    """The sentence with which a directory is refused."""
    with pytest.raises(UserError) as refused:
        load(folder)
    message = str(refused.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 500
    return message


class TestRoundTrip:
    def test_float32_comes_back_bit_for_bit(self, model: Transformer, written: Path):
        again, tokenizer = load(written)
        assert same(again, model) and again.config == TINY
        assert tokenizer.hash == ByteTokenizer().hash

    def test_bfloat16_is_the_default(self, model: Transformer, bpe_tokenizer: Tokenizer, tmp_path: Path):
        small = huggingface.assemble(
            ModelConfig(1024, 1, 4, 1, 1, 2, 4), lambda name, shape: jnp.full(shape, 1 / 3, jnp.float32)
        )
        save(tmp_path, small, bpe_tokenizer)
        again, tokenizer = load(tmp_path)
        assert again.embedding.dtype == jnp.bfloat16 and again.embedding[0, 0] == jnp.bfloat16(1 / 3)
        assert again.final_norm.scale.dtype == jnp.float32
        assert tokenizer.encode("def f(x):\n\treturn x") == bpe_tokenizer.encode("def f(x):\n\treturn x")

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
    def test_dtypes(self, model: Transformer, tmp_path: Path, dtype: str):
        save(tmp_path, model, ByteTokenizer(), dtype=dtype)
        again, _ = load(tmp_path)
        assert again.blocks[0].mlp.up.weight.dtype == dtype and again.blocks[0].mlp_norm.scale.dtype == jnp.float32
        wide, _ = load(tmp_path, dtype="float32")
        assert np.array_equal(wide.embedding, model.embedding.astype(dtype).astype(jnp.float32))

    def test_the_file_is_hugging_faces(self, model: Transformer, written: Path):
        with safe_open(written / WEIGHTS, framework="np") as file:
            assert file.metadata() == {"format": "pt"}
            names = set(file.keys())
        layer = {"input_layernorm", "post_attention_layernorm"}
        layer |= {f"self_attn.{name}_proj" for name in "qkvo"} | {f"mlp.{name}_proj" for name in ("gate", "up", "down")}
        layers = {f"model.layers.{i}.{name}.weight" for i in (0, 1) for name in layer}
        assert names == {EMBEDDING, "model.norm.weight"} | layers

    def test_norms_are_stored_without_the_one(self, model: Transformer, written: Path):
        tensors = load_file(written / WEIGHTS)
        assert np.array_equal(tensors["model.norm.weight"], model.final_norm.scale)
        before_mlp = tensors["model.layers.0.post_attention_layernorm.weight"]
        assert np.array_equal(before_mlp, model.blocks[0].mlp_norm.scale)

    def test_config(self, written: Path):
        config = json.loads((written / CONFIG).read_text())
        expected = {
            "architectures": ["GemmaForCausalLM"],
            "model_type": "gemma",
            "hidden_act": "gelu_pytorch_tanh",
            "tie_word_embeddings": True,
            "vocab_size": 266,
            "num_hidden_layers": 2,
            "hidden_size": 12,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 6,
            "intermediate_size": 20,
            "max_position_embeddings": 128,
            "rope_theta": 5000.0,
            "rms_norm_eps": 1e-5,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "bos_token_id": 2,
            "torch_dtype": "float32",
        }
        assert {key: config.get(key) for key in expected} == expected


class TestVariants:
    """Files that others write."""

    def test_shards(self, folder: Path, model: Transformer):
        split(folder)
        assert same(load(folder)[0], model)

    def test_one_file_is_preferred_to_an_index(self, folder: Path, model: Transformer):
        (folder / INDEX).write_text("left over from an earlier model")
        assert same(load(folder)[0], model)

    def test_a_copy_of_the_tied_embedding_is_ignored(self, folder: Path, model: Transformer):
        change_tensors(folder, lambda tensors: tensors.update({"lm_head.weight": tensors[EMBEDDING].copy()}))
        assert same(load(folder)[0], model)

    def test_codegemma_2b_says_gelu_and_means_tanh(self, folder: Path, model: Transformer):
        change_config(folder, hidden_act="gelu", hidden_activation=None)
        assert same(load(folder)[0], model)

    def test_the_configuration_of_transformers_5(self, folder: Path):
        config = json.loads((folder / CONFIG).read_text())
        del config["rope_theta"]
        config["rope_parameters"] = {"rope_theta": 1234.0, "rope_type": "default"}
        (folder / CONFIG).write_text(json.dumps(config))
        assert load(folder)[0].config.rope_theta == 1234.0

    def test_a_tokenizer_that_calls_the_fim_tokens_unused(self, folder: Path):
        """As in plain Gemma files: the file is read under CodeGemma's names, and written so."""
        content = (folder / "tokenizer.json").read_text("utf-8")
        for number, name in enumerate(("fim_prefix", "fim_middle", "fim_suffix", "file_separator")):
            content = content.replace(f"<|{name}|>", f"<unused{60 + number}>")
        (folder / "tokenizer.json").write_text(content, "utf-8")
        model, tokenizer = load(folder)
        assert tokenizer.special == ByteTokenizer().special
        save(folder, model, tokenizer)
        assert "<|fim_middle|>" in (folder / "tokenizer.json").read_text("utf-8")


# What the configurations of the five releases say beyond the shape, and what Transformers 5 writes.
_OF_TRANSFORMERS_4 = {
    "architectures": ["GemmaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "initializer_range": 0.02,
    "model_type": "gemma",
    "pad_token_id": 0,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": 256000,
    "max_position_embeddings": 8192,
    "head_dim": 256,
}
_OF_TRANSFORMERS_5 = {
    "dtype": "bfloat16",
    "hidden_act": "gelu_pytorch_tanh",
    "model_type": "gemma",
    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
    "tie_word_embeddings": True,
    "use_bidirectional_attention": None,
    "vocab_size": 256000,
}
_2B = {
    "hidden_size": 2048,
    "intermediate_size": 16384,
    "num_attention_heads": 8,
    "num_hidden_layers": 18,
    "num_key_value_heads": 1,
}
_7B = {
    "hidden_size": 3072,
    "intermediate_size": 24576,
    "num_attention_heads": 16,
    "num_hidden_layers": 28,
    "num_key_value_heads": 16,
}


@pytest.mark.parametrize(
    ("stored", "preset"),
    [
        ({**_OF_TRANSFORMERS_4, **_2B, "hidden_act": "gelu"}, "gemma_2b"),
        ({**_OF_TRANSFORMERS_4, **_2B, "hidden_act": "gelu", "hidden_activation": None}, "gemma_2b"),
        ({**_OF_TRANSFORMERS_4, **_2B, "hidden_activation": "gelu_pytorch_tanh"}, "gemma_2b"),
        ({**_OF_TRANSFORMERS_4, **_7B, "hidden_act": "gelu_pytorch_tanh"}, "gemma_7b"),
        ({**_OF_TRANSFORMERS_4, **_7B, "hidden_act": "gelu", "hidden_activation": "gelu_pytorch_tanh"}, "gemma_7b"),
        ({**_OF_TRANSFORMERS_5, **_2B}, "gemma_2b"),
        ({**_OF_TRANSFORMERS_5, **_7B}, "gemma_7b"),
        ({"model_type": "gemma"}, "gemma_7b"),
    ],
)
def test_configurations_of_the_releases(tmp_path: Path, stored: dict[str, Any], preset: str):
    """What is not said is what Transformers' GemmaConfig would put there, the 7B's."""
    (tmp_path / CONFIG).write_text(json.dumps(stored))
    assert huggingface.read_config(tmp_path / CONFIG) == PRESETS[preset]


class TestDamage:
    def test_no_directory(self, tmp_path: Path):
        assert "no model directory" in refusal(tmp_path / "absent")

    @pytest.mark.parametrize("file", [CONFIG, WEIGHTS, "tokenizer.json"])
    def test_an_absent_file(self, folder: Path, file: str):
        (folder / file).unlink()
        assert f"{folder / file} does not exist" in refusal(folder)

    def test_a_missing_tensor(self, folder: Path):
        change_tensors(folder, lambda tensors: tensors.pop(KEYS))
        assert f"{folder / WEIGHTS} has no tensor {KEYS}, which config.json asks for with shape [12, 12]" in refusal(
            folder
        )

    def test_a_wrong_shape(self, folder: Path):
        change_tensors(folder, lambda tensors: tensors.update({KEYS: np.zeros((12, 11), np.float32)}))
        message = refusal(folder)
        assert f"tensor {KEYS} has shape [12, 11], but config.json asks for [12, 12]" in message and WEIGHTS in message

    @pytest.mark.parametrize(("dtype", "name"), [(np.int8, "I8"), (np.float64, "F64")])
    def test_a_wrong_dtype(self, folder: Path, dtype: type, name: str):
        change_tensors(folder, lambda tensors: tensors.update({KEYS: np.zeros((12, 12), dtype)}))
        assert f"tensor {KEYS} is of type {name}, but F32, BF16 or F16 is needed" in refusal(folder)

    def test_a_layer_more_than_the_configuration_says(self, folder: Path):
        change_config(folder, num_hidden_layers=1)
        assert "9 tensors without a place in config.json, the first 'model.layers.1.input_layernorm" in refusal(folder)

    def test_biases(self, folder: Path):
        name = "model.layers.0.self_attn.q_proj.bias"
        change_tensors(folder, lambda tensors: tensors.update({name: np.zeros(24, np.float32)}))
        assert name in refusal(folder)

    @pytest.mark.parametrize("part", [0.0, 0.001, 0.01, 0.1, 0.5, 0.999])
    def test_a_file_that_was_cut(self, folder: Path, part: float):
        content = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(content[: int(part * len(content))])
        assert f"{folder / WEIGHTS} is cut or no safetensors file" in refusal(folder)

    def test_a_header_with_any_byte_changed_loads_or_is_refused(self, folder: Path, model: Transformer):
        content = (folder / WEIGHTS).read_bytes()
        size = 8 + int.from_bytes(content[:8], "little")
        chance = random.Random(0)
        for _ in range(150):
            damaged = bytearray(content)
            damaged[chance.randrange(size)] = chance.randrange(256)
            (folder / WEIGHTS).write_bytes(damaged)
            try:
                load(folder)
            except UserError as refused:
                assert "\n" not in str(refused)

    def test_a_vocabulary_larger_than_the_embedding(self, folder: Path, bpe_tokenizer: Tokenizer):
        bpe_tokenizer.save(folder / "tokenizer.json")
        assert "the tokenizer has 1024 ids and the model 266" in refusal(folder)


class TestDamagedShards:
    def test_an_absent_shard(self, folder: Path):
        file = split(folder)[KEYS]
        (folder / file).unlink()
        assert f"{folder / file} does not exist" in refusal(folder)

    def test_a_tensor_that_is_in_no_shard(self, folder: Path):
        weight_map = split(folder)
        del weight_map[KEYS]
        (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))
        assert f"{folder / INDEX} has no tensor {KEYS}" in refusal(folder)

    def test_an_index_that_is_wrong_about_a_shard(self, folder: Path):
        weight_map = split(folder)
        other = next(file for file in weight_map.values() if file != weight_map[KEYS])
        (folder / INDEX).write_text(json.dumps({"weight_map": {**weight_map, KEYS: other}}))
        assert f"{folder / other} has no tensor {KEYS}, though {INDEX} says so" in refusal(folder)

    @pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "a/../b", "..", "", "a\\b"])
    def test_a_shard_outside_the_directory(self, folder: Path, file: str):
        weight_map = split(folder)
        (folder / INDEX).write_text(json.dumps({"weight_map": {**weight_map, KEYS: file}}))
        assert f"names the shard {file!r}, which is not a file beside it" in refusal(folder)

    @pytest.mark.parametrize("content", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
    def test_an_index_without_a_map(self, folder: Path, content: str):
        split(folder)
        (folder / INDEX).write_text(content)
        assert f'{folder / INDEX} has no "weight_map"' in refusal(folder)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("model_type", "gemma2"),
            ("model_type", "llama"),
            ("model_type", ["gemma"]),
            ("hidden_act", "silu"),
            ("hidden_activation", "relu"),
            ("tie_word_embeddings", False),
            ("attention_bias", True),
            ("use_bidirectional_attention", True),
            ("rope_scaling", {"type": "linear", "factor": 2.0}),
            ("rope_parameters", {"rope_type": "yarn"}),
            ("rope_parameters", "none"),
            ("quantization_config", {"bits": 4}),
        ],
    )
    def test_another_architecture(self, folder: Path, key: str, value: Any):
        change_config(folder, **{key: value})
        message = refusal(folder)
        assert f'says "{key}": {json.dumps(value)}, but codegem runs Gemma 1' in message

    @pytest.mark.parametrize("value", [None, 0, -1, "2", 2.0, True, [2]])
    def test_a_size_that_is_no_size(self, folder: Path, value: Any):
        change_config(folder, num_hidden_layers=value)
        wanted = '"num_hidden_layers" must be a number above 0 and at most 2147483647, but is '
        assert wanted + json.dumps(value) in refusal(folder)

    @pytest.mark.parametrize("values", [{"rope_theta": "big"}, {"rms_norm_eps": -1.0}, {"rope_theta": float("nan")}])
    def test_a_number_that_is_none(self, folder: Path, values: dict[str, Any]):
        change_config(folder, **values)
        assert "must be a number above 0" in refusal(folder)

    def test_heads_that_cannot_be_shared(self, folder: Path):
        change_config(folder, num_key_value_heads=3)
        assert "4 query heads can't share 3 key/value heads" in refusal(folder)

    @pytest.mark.parametrize("values", [{"num_hidden_layers": 10**9}, {"vocab_size": 2 * 10**9}])
    def test_sizes_beyond_the_file_are_refused_at_once(self, folder: Path, values: dict[str, int]):
        change_config(folder, **values)
        assert "config.json asks for" in refusal(folder)

    @pytest.mark.parametrize("values", [{"hidden_size": 2**31}, {"rope_theta": 10**400}, {"rms_norm_eps": 1e300}])
    def test_a_number_that_nothing_could_hold(self, folder: Path, values: dict[str, Any]):
        change_config(folder, **values)
        assert "must be a number above 0" in refusal(folder)

    @pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
    def test_not_a_json_object(self, folder: Path, content: bytes):
        (folder / CONFIG).write_bytes(content)
        assert str(folder / CONFIG) in refusal(folder)

    def test_no_model_type(self, folder: Path):
        (folder / CONFIG).write_text("{}")
        assert 'has no "model_type"' in refusal(folder)


class TestSharding:
    def test_shards_are_read_back(self, model: Transformer, tmp_path: Path):
        save(tmp_path, model, ByteTokenizer(), dtype="float32", shard_bytes=4000)
        assert same(load(tmp_path)[0], model)
        index = json.loads((tmp_path / INDEX).read_text())
        files = sorted(path.name for path in tmp_path.glob("*.safetensors"))
        assert files == sorted(set(index["weight_map"].values())) and len(files) > 3
        assert all(f"-of-{len(files):05d}.safetensors" in file for file in files)
        tensors = [load_file(tmp_path / file) for file in files]
        sizes = [sum(array.nbytes for array in part.values()) for part in tensors]
        assert index["metadata"]["total_size"] == sum(sizes)
        assert all(size <= 4000 or len(part) == 1 for size, part in zip(sizes, tensors, strict=True))

    def test_a_model_below_the_limit_is_one_file(self, model: Transformer, tmp_path: Path):
        save(tmp_path, model, ByteTokenizer(), shard_bytes=10**6)
        assert (tmp_path / WEIGHTS).exists() and not (tmp_path / INDEX).exists()

    @pytest.mark.parametrize(("first", "then"), [(10**6, 4000), (4000, 10**6), (2000, 6000)])
    def test_weights_of_another_saving_do_not_stay(
        self, model: Transformer, random_model: Callable[..., Transformer], tmp_path: Path, first: int, then: int
    ):
        save(tmp_path, random_model(TINY, seed=1), ByteTokenizer(), dtype="float32", shard_bytes=first)
        save(tmp_path, model, ByteTokenizer(), dtype="float32", shard_bytes=then)
        assert same(load(tmp_path)[0], model)
        save(tmp_path / "fresh", model, ByteTokenizer(), dtype="float32", shard_bytes=then)
        fresh = {path.name for path in (tmp_path / "fresh").iterdir()}
        assert {path.name for path in tmp_path.iterdir()} == fresh | {"fresh"}


class TestSaving:
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_tensors_are_converted_one_at_a_time(
        self, random_model: Callable[..., Transformer], tmp_path: Path, dtype: str
    ):
        config = ModelConfig(266, 8, 64, 4, 2, 16, 256)
        model = random_model(config)
        save(tmp_path, model, ByteTokenizer(), dtype=dtype)
        tracemalloc.start()
        try:
            save(tmp_path, model, ByteTokenizer(), dtype=dtype)
            assert tracemalloc.get_traced_memory()[1] < config.parameters
        finally:
            tracemalloc.stop()

    def other(self, random_model: Callable[..., Transformer]) -> Transformer:
        return random_model(TINY, seed=1)

    def test_a_directory_is_made_and_replaced(self, random_model: Callable[..., Transformer], tmp_path: Path):
        first, second = random_model(TINY), self.other(random_model)
        save(tmp_path / "a" / "b", first, ByteTokenizer(), dtype="float32")
        (tmp_path / "a" / "b" / "README.md").write_text("kept")
        save(tmp_path / "a" / "b", second, ByteTokenizer(), dtype="float32")
        assert same(load(tmp_path / "a" / "b")[0], second)
        assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
            "README.md",
            CONFIG,
            "generation_config.json",
            WEIGHTS,
            "tokenizer.json",
            "tokenizer_config.json",
        ]

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_a_cut_leaves_the_old_model(
        self,
        folder: Path,
        model: Transformer,
        random_model: Callable[..., Transformer],
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
    ):
        def half(path: Path, tensors: Any, metadata: dict[str, str]) -> None:
            path.write_bytes(b"half of it")
            raise error

        before = sorted(path.name for path in folder.iterdir())
        monkeypatch.setattr(huggingface_weights, "write_safetensors", half)
        with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt) as refused:
            save(folder, self.other(random_model), ByteTokenizer())
        if isinstance(error, OSError):
            assert "No space left on device" in str(refused.value) and "unchanged" in str(refused.value)
        assert same(load(folder)[0], model)
        assert sorted(path.name for path in folder.iterdir()) == before

    def test_a_file_in_the_way(self, model: Transformer, tmp_path: Path):
        (tmp_path / "model").write_text("not a directory")
        with pytest.raises(UserError, match="could not be written"):
            save(tmp_path / "model", model, ByteTokenizer())
        assert (tmp_path / "model").read_text() == "not a directory"

    def test_who_may_read_the_configuration_may_read_the_weights(self, written: Path):
        modes = {(written / name).stat().st_mode for name in (CONFIG, WEIGHTS, "tokenizer.json")}
        assert len(modes) == 1


def test_importing_it_brings_nothing_heavy():
    heavy = ["torch", "transformers", "flax", "optax", "orbax", "grain", "daft"]
    code = f"import sys, codegem.checkpoints.huggingface; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_layout_of_prompts_is_kept(tmp_path: Path, model: Transformer):
    save(tmp_path, model, ByteTokenizer(), order=Order.SPM)
    assert huggingface.read_order(tmp_path / CONFIG) == Order.SPM
    config = json.loads((tmp_path / CONFIG).read_text("utf-8"))
    del config["fim_order"]
    (tmp_path / CONFIG).write_text(json.dumps(config), "utf-8")
    assert huggingface.read_order(tmp_path / CONFIG) == Order.PSM
    (tmp_path / CONFIG).write_text(json.dumps(config | {"fim_order": "mps"}), "utf-8")
    with pytest.raises(UserError, match='says "fim_order": "mps", but the layouts are psm, spm, spm-joined'):
        huggingface.read_order(tmp_path / CONFIG)
