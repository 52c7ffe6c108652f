"""GGUF files: what is written is read back, and whatever is wrong is one sentence. llama.cpp is in tests/parity."""

import dataclasses
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import gguf, gguf_blocks
from codegem.checkpoints.gguf import load, open_gguf, save
from codegem.checkpoints.gguf_writer import write_gguf
from codegem.checkpoints.notice import TERMS
from codegem.checkpoints.replacing import replace_file
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.fim import Order
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

TINY = ModelConfig(270, 2, 64, 4, 2, 48, 96, context_length=128, rope_theta=5000.0, norm_eps=1e-5)


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    return random_model(TINY)


@pytest.fixture
def path(model: Transformer, tmp_path: Path) -> Path:
    """A file in float32, to change."""
    save(tmp_path / "tiny.gguf", model, ByteTokenizer(), kind="f32")
    return tmp_path / "tiny.gguf"


def largest_difference(a: Transformer, b: Transformer) -> float:
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(jnp.abs(x.astype(jnp.float32) - y.astype(jnp.float32)).max()) for x, y in pairs)


def change(path: Path, keys: dict[str, Any], *, without: tuple[str, ...] = ()) -> None:
    """Write the file again with other keys and the same tensors."""
    file = open_gguf(path)
    kept = {name: value for name, value in file.header.keys.items() if name not in (*without, "general.alignment")}
    model, _ = load(path)  # which lies in the file that is replaced
    replace_file(path, lambda place: write_gguf(place, {**kept, **keys}, gguf._planned(model, "f32")))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as refused:
        load(path)
    message = str(refused.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 600 and str(path) in message
    return message


class TestRoundTrip:
    def test_float32(self, model: Transformer, path: Path):
        again, tokenizer = load(path)
        assert again.config == TINY and again.embedding.dtype == jnp.float32
        # Norms are stored with the +1, which costs the last bits of a scale, but not of what multiplies.
        assert largest_difference(again, model) < 2e-7
        assert np.array_equal(again.blocks[0].mlp.up.weight, model.blocks[0].mlp.up.weight)
        assert np.array_equal(1 + again.final_norm.scale, 1 + model.final_norm.scale)
        assert tokenizer.hash == ByteTokenizer().hash

    @pytest.mark.parametrize(("kind", "dtype"), [("f16", "float16"), ("bf16", "bfloat16"), ("f32", "float32")])
    def test_types_stay(self, model: Transformer, tmp_path: Path, kind: str, dtype: str):
        save(tmp_path / "a.gguf", model, ByteTokenizer(), kind=kind)
        again, _ = load(tmp_path / "a.gguf")
        assert again.blocks[1].attention.o.weight.dtype == dtype and again.final_norm.scale.dtype == jnp.float32
        wide, _ = load(tmp_path / "a.gguf", dtype="float32")
        assert np.array_equal(wide.embedding, model.embedding.astype(dtype).astype(jnp.float32))

    @pytest.mark.parametrize(("kind", "bound"), [("q8_0", 0.01), ("q4_0", 0.1)])
    def test_quantized(self, model: Transformer, tmp_path: Path, kind: str, bound: float):
        save(tmp_path / "a.gguf", model, ByteTokenizer(), kind=kind)
        found = {name: info.encoding.name for name, info in open_gguf(tmp_path / "a.gguf").header.tensors.items()}
        assert found["blk.0.attn_q.weight"] == kind.upper() and found["token_embd.weight"] == "Q8_0"
        assert {found[f"{name}.weight"] for name in ("output_norm", "blk.1.attn_norm", "blk.0.ffn_norm")} == {"F32"}
        again, _ = load(tmp_path / "a.gguf")
        assert again.embedding.dtype == jnp.bfloat16 and 0.001 < largest_difference(again, model) < bound
        assert load(tmp_path / "a.gguf", dtype="float32")[0].embedding.dtype == jnp.float32

    def test_rows_that_fill_no_block_keep_16_bits(self, random_model: Callable[..., Transformer], tmp_path: Path):
        save(tmp_path / "a.gguf", random_model(dataclasses.replace(TINY, d_mlp=40)), ByteTokenizer(), kind="q8_0")
        tensors = open_gguf(tmp_path / "a.gguf").header.tensors
        assert tensors["blk.0.ffn_down.weight"].encoding.name == "F16"
        assert tensors["blk.0.ffn_up.weight"].encoding.name == "Q8_0"
        assert load(tmp_path / "a.gguf")[0].embedding.dtype == jnp.bfloat16

    def test_from_bfloat16(self, random_model: Callable[..., Transformer], tmp_path: Path):
        source = random_model(TINY, dtype="bfloat16")
        for kind in ("bf16", "f32"):
            save(tmp_path / "a.gguf", source, ByteTokenizer(), kind=kind)
            assert largest_difference(load(tmp_path / "a.gguf", dtype="bfloat16")[0], source) < 2e-7

    def test_logits_are_the_models(self, model: Transformer, path: Path):
        tokens = jnp.array([[2, 30, 40, 50, 4, 99]])
        assert jnp.abs(load(path)[0](tokens) - model(tokens)).max() < 1e-4

    def test_a_vocabulary_smaller_than_the_embedding(self, path: Path):
        header = open_gguf(path).header
        assert (
            len(header.keys["tokenizer.ggml.tokens"]) == 270 and header.keys["tokenizer.ggml.tokens"][-1] == "[PAD269]"
        )
        assert load(path)[1].vocab_size == 266 and load(path)[0].config.vocab_size == 270

    def test_some_rows_at_a_time(self, model: Transformer, path: Path, monkeypatch: pytest.MonkeyPatch):
        whole = path.read_bytes()
        monkeypatch.setattr(gguf_blocks, "_AT_ONCE", 100)
        save(path, model, ByteTokenizer(), kind="f32")
        assert path.read_bytes() == whole and largest_difference(load(path)[0], model) < 2e-7

    def test_matrices_stay_in_the_file(self, path: Path):
        """On CPUs, tensors of the wanted type are used as they lie, and all of ours are aligned."""
        file = open_gguf(path)
        assert all(info.start % 64 == 0 for info in file.header.tensors.values())
        found = file.array("token_embd.weight", np.dtype(np.float32))
        start = np.frombuffer(file.map, np.uint8).ctypes.data
        if found.devices().pop().platform == "cpu":
            info = file.header.tensors["token_embd.weight"]
            assert found.unsafe_buffer_pointer() == start + info.start


class TestKeys:
    def test_what_llama_cpp_reads(self, model: Transformer, path: Path):
        keys = open_gguf(path).header.keys
        expected = {
            "general.architecture": "gemma",
            "general.file_type": 0,
            "gemma.block_count": 2,
            "gemma.context_length": 128,
            "gemma.embedding_length": 64,
            "gemma.feed_forward_length": 96,
            "gemma.attention.head_count": 4,
            "gemma.attention.head_count_kv": 2,
            "gemma.attention.key_length": 48,
            "gemma.attention.value_length": 48,
            "gemma.rope.dimension_count": 48,
            "gemma.rope.freq_base": 5000.0,
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.add_bos_token": True,
            "tokenizer.ggml.add_eos_token": False,
            "tokenizer.ggml.add_space_prefix": False,
            "tokenizer.ggml.bos_token_id": 2,
            "tokenizer.ggml.eos_token_id": 1,
            "tokenizer.ggml.fim_pre_token_id": 4,
            "tokenizer.ggml.prefix_token_id": 4,
            "tokenizer.ggml.fim_mid_token_id": 5,
            "tokenizer.ggml.fim_suf_token_id": 6,
            "tokenizer.ggml.fim_sep_token_id": 7,
            "tokenizer.ggml.eot_token_id": 9,
        }
        assert {name: keys.get(name) for name in expected} == expected
        assert keys["gemma.attention.layer_norm_rms_epsilon"] == np.float32(1e-5)
        assert "tokenizer.chat_template" not in keys

    def test_norms_are_stored_with_the_one(self, model: Transformer, path: Path):
        file = open_gguf(path)
        stored = file.array("blk.1.ffn_norm.weight", np.dtype(np.float32))
        assert np.array_equal(stored, 1 + model.blocks[1].mlp_norm.scale)

    def test_the_package_reads_it(self, model: Transformer, path: Path):
        reader = pytest.importorskip("gguf").GGUFReader(path)
        tensors = {tensor.name: tensor.data for tensor in reader.tensors}
        assert np.array_equal(tensors["blk.0.attn_q.weight"], model.blocks[0].attention.q.weight)
        assert np.array_equal(tensors["blk.1.ffn_gate.weight"], model.blocks[1].mlp.gate.weight)
        assert reader.get_field("gemma.block_count").contents() == 2

    def test_the_order_of_prompts(self, model: Transformer, path: Path, tmp_path: Path):
        assert gguf.read_order(open_gguf(path)) is Order.PSM
        save(path, model, ByteTokenizer(), kind="f32", order=Order.SPM)
        assert gguf.read_order(open_gguf(path)) is Order.SPM
        change(path, {"codegem.fim_order": "sideways"})
        with pytest.raises(UserError, match="sideways"):
            gguf.read_order(open_gguf(path))
        change(path, {}, without=("codegem.fim_order",))
        assert gguf.read_order(open_gguf(path)) is Order.PSM

    def test_weights_of_ones_own_carry_no_notice(self, path: Path):
        assert gguf.origin(open_gguf(path)) is None and [file.name for file in path.parent.iterdir()] == [path.name]

    def test_weights_of_google_carry_one(self, model: Transformer, path: Path):
        save(path, model, ByteTokenizer(), kind="f32", derived_from="google/codegemma-2b")
        assert gguf.origin(open_gguf(path)) == "google/codegemma-2b"
        assert TERMS in path.with_name("tiny.gguf.NOTICE").read_text()
        keys = open_gguf(path).header.keys
        assert keys["general.license"] == "gemma" and "google/codegemma-2b" in keys["general.description"]

    def test_files_of_others(self, path: Path):
        change(path, {"general.name": "codegemma-2b"}, without=("codegem.derived_from",))
        assert gguf.origin(open_gguf(path)) == "codegemma-2b"
        change(path, {"general.name": "mine"}, without=("codegem.derived_from",))
        assert gguf.origin(open_gguf(path)) is None

    def test_what_a_file_may_leave_out(self, path: Path):
        change(path, {}, without=("gemma.rope.freq_base", "gemma.rope.dimension_count", "gemma.attention.value_length"))
        assert load(path)[0].config == dataclasses.replace(TINY, rope_theta=10_000.0)


class TestWrong:
    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"general.architecture": "llama"}, "architecture is 'llama'"),
            ({"general.architecture": 3}, "architecture is 3"),
            ({"gemma.block_count": 3}, "20 tensors, and 3 layers need 29"),
            ({"gemma.block_count": 2**32 - 1}, "block_count is 4294967295"),
            ({"gemma.block_count": 5000}, "5000 layers"),
            ({"gemma.block_count": "2"}, "block_count is '2'"),
            ({"gemma.block_count": True}, "block_count is True"),
            ({"gemma.attention.head_count": 0}, "head_count is 0"),
            ({"gemma.attention.head_count_kv": 0}, "head_count_kv is 0"),
            ({"gemma.attention.head_count_kv": 3}, "4 query heads can't share 3"),
            ({"gemma.attention.key_length": 32}, "should be the size of a head, 32"),
            ({"gemma.attention.value_length": 32}, "value_length is 32"),
            ({"gemma.rope.dimension_count": 24}, "dimension_count is 24"),
            ({"gemma.rope.scaling.type": "yarn"}, "positions are scaled"),
            ({"gemma.rope.freq_base": float("nan")}, "freq_base is nan"),
            ({"gemma.attention.layer_norm_rms_epsilon": 0.0}, "epsilon is 0.0"),
            ({"gemma.feed_forward_length": 128}, "ffn_gate.weight is .96, 64., and should be .128, 64."),
            ({"tokenizer.ggml.model": "gpt2"}, "tokenizer is 'gpt2'"),
            ({"tokenizer.ggml.tokens": ["a"]}, "scores are not one number for each of 1 tokens"),
            ({"tokenizer.ggml.tokens": np.zeros(270, np.int32)}, "no list of tokens"),
            ({"tokenizer.ggml.token_type": np.full(270, 9, np.int32)}, "unknown type 9"),
            ({"tokenizer.huggingface.json": "{"}, "tokenizer.json can't be read"),
            ({"tokenizer.huggingface.json": "[" * 100_000}, "tokenizer.json can't be read"),
            ({"tokenizer.huggingface.json": 5}, "no text"),
        ],
    )
    def test_keys(self, path: Path, keys: dict[str, Any], words: str):
        change(path, keys)
        with pytest.raises(UserError, match=words):
            load(path)
        refusal(path)

    def test_a_tokenizer_json_of_another_vocabulary(self, path: Path):
        definition = json.loads(open_gguf(path).header.keys["tokenizer.huggingface.json"])
        names = definition["model"]["vocab"]
        names["<bos>"], names["<0x00>"] = names["<0x00>"], names["<bos>"]
        definition["added_tokens"] = []
        change(path, {"tokenizer.huggingface.json": json.dumps(definition)})
        assert "disagree" in refusal(path)

    @pytest.mark.parametrize("token", [2**32 - 1, 2**40, -1])
    def test_a_tokenizer_json_with_an_absurd_id(self, path: Path, token: int):
        definition = json.loads(open_gguf(path).header.keys["tokenizer.huggingface.json"])
        definition["model"]["vocab"]["far"] = token
        change(path, {"tokenizer.huggingface.json": json.dumps(definition)})
        assert "tokenizer.json can't be read" in refusal(path)

    def test_pieces_that_are_no_vocabulary(self, path: Path):
        tokens = list(open_gguf(path).header.keys["tokenizer.ggml.tokens"])
        tokens[20] = tokens[21]
        change(path, {"tokenizer.ggml.tokens": tokens}, without=("tokenizer.huggingface.json",))
        assert "twice" in refusal(path)

    def test_absent(self, path: Path):
        for name in ("gemma.block_count", "gemma.attention.layer_norm_rms_epsilon", "tokenizer.ggml.scores"):
            before = path.read_bytes()
            change(path, {}, without=(name,))
            assert name.split(".")[-1] in refusal(path)
            path.unlink()
            path.write_bytes(before)

    def test_more_tokens_than_embeddings(self, model: Transformer, path: Path):
        keys = open_gguf(path).header.keys
        short = dataclasses.replace(model, embedding=model.embedding[:260])
        kept = {name: value for name, value in keys.items() if name != "general.alignment"}
        path.unlink()
        write_gguf(path, kept, gguf._planned(short, "f32"))
        assert "266 tokens, and embeddings for 260" in refusal(path)

    def test_cut(self, path: Path):
        whole = path.read_bytes()
        for size in (0, 3, 100, 5000, len(whole) // 2, len(whole) - 5000):
            path.write_bytes(whole[:size])
            refusal(path)

    def test_another_file(self, path: Path):
        path.write_bytes(b"\x80\x04\x95" * 1000)
        assert "does not begin with GGUF" in refusal(path)

    def test_an_unknown_kind(self, model: Transformer, tmp_path: Path):
        with pytest.raises(UserError, match=r"no kind 'q2'.*q8_0"):
            save(tmp_path / "a.gguf", model, ByteTokenizer(), kind="q2")

    def test_weights_beyond_16_bits(self, model: Transformer, path: Path):
        before = path.read_bytes()
        large = jax.tree.map(lambda leaf: leaf * 1e6, model)
        with pytest.raises(UserError, match=r"F16 can't.*another kind"):
            save(path, large, ByteTokenizer(), kind="f16")
        assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]

    def test_a_place_that_can_not_be_written(self, model: Transformer, tmp_path: Path):
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match="could not be written"):
            save(tmp_path / "file" / "a.gguf", model, ByteTokenizer())


def test_writing_takes_some_rows_at_a_time(
    random_model: Callable[..., Transformer], tmp_path: Path, bpe_tokenizer: Tokenizer
):
    source = random_model(ModelConfig(1024, 1, 2048, 1, 1, 32, 2048))
    tracemalloc.start()
    save(tmp_path / "a.gguf", source, bpe_tokenizer, kind="q4_0")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60 << 20  # the weights have 67 MB
