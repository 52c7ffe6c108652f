"""Mistakes that other implementations of Gemma and CodeGemma made, each made here on purpose.

Every test has two halves: what codegem does is right by the measure that another test holds it to, and with the
mistake in it that measure is missed. So none of these mistakes can come in unseen. (In brackets where each was found.)
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers

import codegem
from codegem.assist.completion import Settings, complete
from codegem.checkpoints import huggingface
from codegem.generate import Infill
from codegem.model import attention
from codegem.model.config import ModelConfig
from codegem.model.transformer import Block, Remat, RMSNorm, Transformer, embed
from codegem.text import chat, fim
from codegem.text.tokenizer import NAMES, Detokenizer, Tokenizer

from .parity.cases import CASES, Case
from .parity.make_reference import REFERENCE
from .parity.test_transformers import TOLERANCE, our_logits, our_model

BY_NAME = {case.name: case for case in CASES}
PLAIN, LATE = BY_NAME["multi-query"], BY_NAME["late positions"]


def error(model: Transformer, case: Case = PLAIN) -> float:
    """The largest difference from the logits of Transformers, as the parity tests take it."""
    with np.load(REFERENCE, allow_pickle=False) as reference:
        return float(np.abs(our_logits(model, case) - reference[case.name]).max())


def changed_blocks(model: Transformer, change: Callable[[Block], Block]) -> Transformer:
    return eqx.tree_at(lambda m: m.blocks, model, tuple(map(change, model.blocks)))


class TestArithmetic:
    """Logits within `TOLERANCE` of Transformers' without the mistake, and far outside with it."""

    def test_exact_gelu(self, monkeypatch: pytest.MonkeyPatch):
        """[transformers#29402, vllm#3411] The tanh approximation is meant, whatever the name in config.json."""
        assert error(our_model(PLAIN)) < TOLERANCE
        real = jax.nn.gelu
        monkeypatch.setattr(jax.nn, "gelu", lambda x, approximate: real(x, approximate=False))
        assert error(our_model(PLAIN)) > 5 * TOLERANCE

    @pytest.mark.parametrize("said", [{"hidden_act": "gelu"}, {"hidden_act": "gelu", "hidden_activation": None}])
    def test_gelu_in_the_configuration_of_the_2b(self, said: dict[str, Any], bpe_tokenizer: Tokenizer, tmp_path: Path):
        """[transformers#29402] CodeGemma 2B 1.0 ships "gelu", and was trained with the approximation."""
        case = Case("gelu", {**PLAIN.config, "vocab_size": bpe_tokenizer.vocab_size}, PLAIN.length)
        model = our_model(case)
        huggingface.save(tmp_path, model, bpe_tokenizer, dtype="float32")
        stored = json.loads((tmp_path / "config.json").read_text())
        del stored["hidden_activation"]
        (tmp_path / "config.json").write_text(json.dumps(stored | said))
        loaded, _ = huggingface.load(tmp_path)
        np.testing.assert_array_equal(our_logits(loaded, case), our_logits(model, case))

    def test_rope_in_bfloat16(self, monkeypatch: pytest.MonkeyPatch):
        """[transformers#29285, keras-hub#1497] Near 8,100 bfloat16 has one number in 32."""
        assert error(our_model(LATE), LATE) < TOLERANCE
        real = attention.rope

        def narrow(x: jax.Array, positions: jax.Array, theta: float) -> jax.Array:
            return real(x, positions.astype(jnp.bfloat16), theta)

        monkeypatch.setattr(attention, "rope", narrow)
        assert error(our_model(LATE), LATE) > 100 * TOLERANCE

    def test_rope_of_neighbours(self, monkeypatch: pytest.MonkeyPatch):
        """[rotation of pairs (2i, 2i + 1), as other models have it] Gemma's pairs are (i, i + H/2)."""
        real = attention.rope

        def interleaved(x: jax.Array, positions: jax.Array, theta: float) -> jax.Array:
            halves = jnp.concatenate([x[..., ::2], x[..., 1::2]], axis=-1)
            first, second = jnp.split(real(halves, positions, theta), 2, axis=-1)
            return jnp.stack([first, second], axis=-1).reshape(x.shape)

        monkeypatch.setattr(attention, "rope", interleaved)
        assert error(our_model(PLAIN)) > 100 * TOLERANCE

    def test_norm_scale_in_bfloat16(self):
        """[keras-hub#1497] 1 + scale keeps 8 bits there; float32 weights, so that nothing else is rounded."""

        def narrow(norm: RMSNorm) -> RMSNorm:
            return eqx.tree_at(lambda n: n.scale, norm, (1 + norm.scale.astype(jnp.bfloat16)).astype(jnp.float32) - 1)

        model = our_model(PLAIN)
        model = eqx.tree_at(lambda m: m.final_norm, model, narrow(model.final_norm))
        assert error(model) > 10 * TOLERANCE

    def test_norms_without_the_one(self):
        """Files have the scale without the +1, which is added in the model."""

        def doubled(norm: RMSNorm) -> RMSNorm:
            return eqx.tree_at(lambda n: n.scale, norm, norm.scale + 1)

        model = our_model(PLAIN)
        assert error(eqx.tree_at(lambda m: m.final_norm, model, doubled(model.final_norm))) > 1000 * TOLERANCE

    def test_post_attention_layernorm_behind_attention(self):
        """It is the norm before the MLP; the name reads as if it normalized what attention gives."""

        class Misread(Block):
            def __call__(
                self, x: jax.Array, positions: jax.Array, segment_ids: jax.Array, remat: Remat = "none"
            ) -> jax.Array:
                x = x + self.mlp_norm(self.attention(self.attention_norm(x), positions, segment_ids))
                return x + self.mlp(x)

        model = our_model(PLAIN)
        misread = changed_blocks(model, lambda b: Misread(b.attention_norm, b.attention, b.mlp_norm, b.mlp))
        assert error(model) < TOLERANCE < 1000 * TOLERANCE < error(misread)

    def test_norms_exchanged(self):
        model = our_model(PLAIN)
        other = changed_blocks(model, lambda b: Block(b.mlp_norm, b.attention, b.attention_norm, b.mlp))
        assert error(other) > 1000 * TOLERANCE

    def test_gate_and_up_exchanged(self):
        model = our_model(PLAIN)
        other = changed_blocks(
            model, lambda b: eqx.tree_at(lambda c: (c.mlp.gate, c.mlp.up), b, (b.mlp.up, b.mlp.gate))
        )
        assert error(other) > 1000 * TOLERANCE

    def test_an_embedding_multiplier_that_is_not_rounded(self):
        """In bfloat16 the 2B multiplies by 45.25 and not by 45.2548, the 7B by 55.5 and not by 55.4256."""
        for width, rounded in ((2048, 45.25), (3072, 55.5)):
            rows = jax.random.normal(jax.random.key(0), (4, width)).astype(jnp.bfloat16)
            right = (rows.astype(jnp.float32) * rounded).astype(jnp.bfloat16)
            wrong = (rows.astype(jnp.float32) * width**0.5).astype(jnp.bfloat16)
            found = embed(jnp.arange(4), rows)
            np.testing.assert_array_equal(found, right)
            assert (np.asarray(found) != np.asarray(wrong)).mean() > 0.01


@pytest.fixture(scope="module")
def nano() -> codegem.Model:
    return codegem.load("nano")


class TestBeginning:
    """<bos> stands once before everything; the released models are lost without it, nano too."""

    def prompts(self, tokenizer: Tokenizer, **options: Any) -> list[list[int]]:
        asked = fim.prompt("x = 1\n", "\n", tokenizer, path="a.py", **options)
        return [asked, chat.prompt_chat([chat.Turn("user", "Why?")], tokenizer, **options)]

    def test_it_is_there_once(self, nano: codegem.Model):
        for prompt in self.prompts(nano.engine.tokenizer):
            assert prompt[0] == nano.engine.tokenizer.special.bos and prompt.count(prompt[0]) == 1

    def test_text_that_holds_its_name_does_not_double_it(self, nano: codegem.Model):
        """[llama.cpp#11106] Where templates are texts, <bos> comes from the template and from the tokenizer."""
        tokenizer = nano.engine.tokenizer
        assert tokenizer.special.bos not in tokenizer.encode("<bos>x")

    @pytest.mark.parametrize("times", [0, 2])
    def test_another_number_changes_what_the_model_says(self, nano: codegem.Model, times: int):
        """[gemma_pytorch, llama.cpp#11106]"""
        right = self.prompts(nano.engine.tokenizer)[0]
        wrong = [right[0]] * times + right[1:]
        moved = np.abs(nano.logits(right)[-1] - nano.logits(wrong)[-1]).max()
        assert moved > 0.1 > 10 * TOLERANCE

    def test_our_files_make_others_add_it_once(self, bpe_tokenizer: Tokenizer, tmp_path: Path):
        """[llama.cpp#11106] tokenizer.json begins every sequence with it, and the chat template counts on nobody."""
        bpe_tokenizer.save(tmp_path / "tokenizer.json")
        others = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert others.encode("x = 1").ids.count(bpe_tokenizer.special.bos) == 1


# A vocabulary as SentencePiece has them: spaces spelled ▁, words with and without one, runs as pieces.
PIECES = [
    *(aliases[0] for aliases in NAMES.values()),
    *(f"<0x{byte:02X}>" for byte in range(256)),
    *("▁", "\t", "\n", "d", "e", "f", "x", "de", "def", "▁def", "▁▁", "\t\t", "\t\t\t\t"),
]
MERGES = ["d e", "de f", "▁ def", "▁ ▁", "\t \t", "\t\t \t\t"]


def definition(**changes: Any) -> dict[str, Any]:
    """A tokenizer.json of those pieces."""
    model = tokenizers.models.BPE(
        {piece: token for token, piece in enumerate(PIECES)},
        [(first, second) for first, second in (merge.split(" ") for merge in MERGES)],
        byte_fallback=True,
        unk_token="<unk>",
    )
    made = json.loads(tokenizers.Tokenizer(model).to_str())
    return {**made, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, **changes}


def pieces(text: str, **changes: Any) -> list[str]:
    return [PIECES[token] for token in Tokenizer(definition(**changes)).encode(text)]


class TestText:
    """Pieces are those of the raw text. The released vocabulary's own are in tests/text/test_gemma_tokenizer.py."""

    def test_a_leading_space(self):
        """[llama.cpp#8248] SentencePiece's usual dummy prefix; Gemma's vocabulary was trained without."""
        assert pieces("def") == ["def"]
        replace = definition()["normalizer"]
        prefixed = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
        assert pieces("def", normalizer=prefixed) == ["▁def"]

    def test_runs_of_tabs_and_spaces(self):
        """[llama.cpp#8338] They are pieces of their own, lost where white space is split off or made one first."""
        assert pieces("\t\t\t\tdef  x") == ["\t\t\t\t", "def", "▁▁", "x"]
        alone = {"type": "Split", "pattern": {"Regex": r"\s"}, "behavior": "Isolated", "invert": False}
        assert pieces("\t\t\t\tdef", pre_tokenizer=alone) == ["\t", "\t", "\t", "\t", "def"]
        collapsed = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": "▁"}
        assert pieces("\t\t\t\tdef", normalizer=collapsed) == ["▁def"]

    def test_runs_of_our_own_vocabulary(self, bpe_tokenizer: Tokenizer):
        """The same where runs are added tokens: without them each tab is a token."""
        assert len(bpe_tokenizer.encode("\t\t\t\t")) == 1
        without = copy.deepcopy(dict(bpe_tokenizer.definition))
        without["added_tokens"] = [token for token in without["added_tokens"] if token["special"]]
        assert len(Tokenizer(without).encode("\t\t\t\t")) == 4

    def test_fim_tokens_in_completions(self, bpe_tokenizer: Tokenizer):
        """[ollama#3580] What a model writes is decoded without special tokens, by the engine's detokenizer too."""
        special = [bpe_tokenizer.special.fim_middle, bpe_tokenizer.special.file_separator]
        ids = [*bpe_tokenizer.encode("x"), *special]
        stream = Detokenizer(bpe_tokenizer)
        assert bpe_tokenizer.decode(ids) == "x" == "".join(map(stream.push, ids)) + stream.flush()
        naive = tokenizers.Tokenizer.from_str(json.dumps(dict(bpe_tokenizer.definition)))
        assert naive.decode(ids, skip_special_tokens=False) == "x<|fim_middle|><|file_separator|>"


class TestEnding:
    """[llama.vim#90] `<|file_separator|>` ends a middle, as each of the four tokens does."""

    def test_it_is_an_end(self, nano: codegem.Model):
        special = nano.engine.tokenizer.special
        ends = {special.eos, special.file_separator, special.fim_prefix, special.fim_middle, special.fim_suffix}
        assert ends == fim.stop_ids(nano.engine.tokenizer) < chat.stop_ids(nano.engine.tokenizer)

    def test_without_it_a_completion_runs_on(self, nano: codegem.Model, monkeypatch: pytest.MonkeyPatch):
        asked = Infill("for i in range(10)", "\n    print(i)\n", "a.py")
        raw = Settings(rules=False)  # the rules of assist end texts too
        right = complete(nano.engine, nano.window, asked, raw)
        assert right.stop_reason == "stop"
        eos = frozenset({nano.engine.tokenizer.special.eos})
        monkeypatch.setattr(nano.engine, "_stop_ids", eos)
        wrong = complete(nano.engine, nano.window, asked, raw)
        assert wrong.tokens > right.tokens and wrong.text != right.text

    def test_our_files_tell_others(self, bpe_tokenizer: Tokenizer, tmp_path: Path):
        """generation_config.json, which Transformers and vLLM follow, names every end."""
        config = ModelConfig(bpe_tokenizer.vocab_size, 1, 2, 1, 1, 2, 2)
        tiny = huggingface.assemble(config, lambda name, shape: np.zeros(shape, np.float32))
        huggingface.save(tmp_path, tiny, bpe_tokenizer)
        said = json.loads((tmp_path / "generation_config.json").read_text())
        assert set(said["eos_token_id"]) == chat.stop_ids(bpe_tokenizer)


class TestLayouts:
    def test_norms_of_gguf_without_the_one_removed(self, bytes_tokenizer: Tokenizer, tmp_path: Path):
        """GGUF stores every norm with the +1 added: read as they stand they would be one too large."""
        gguf = pytest.importorskip("codegem.checkpoints.gguf")
        case = Case("gguf", {**PLAIN.config, "vocab_size": bytes_tokenizer.vocab_size}, PLAIN.length)
        model = our_model(case)
        gguf.save(tmp_path / "model.gguf", model, bytes_tokenizer, kind="f32")
        file = gguf.open_gguf(tmp_path / "model.gguf")
        stored = np.asarray(file.array("output_norm.weight", np.dtype(np.float32)))
        np.testing.assert_allclose(stored, model.final_norm.scale + 1, atol=1e-6)
        loaded, _ = gguf.load(tmp_path / "model.gguf")
        np.testing.assert_allclose(our_logits(loaded, case), our_logits(model, case), atol=TOLERANCE)
        wrong = eqx.tree_at(lambda m: m.final_norm.scale, loaded, jnp.asarray(stored))
        assert np.abs(our_logits(wrong, case) - our_logits(model, case)).max() > 1000 * TOLERANCE

    def test_rows_that_only_pad_the_vocabulary(self, bytes_tokenizer: Tokenizer):
        """Flax checkpoints have 256,128 rows. Kept, the last 128 would be tokens with logits of 0 and no text.

        That `checkpoints.kaggle` adds and removes them is in tests/checkpoints/test_kaggle.py.
        """
        case = Case("flax", {**PLAIN.config, "vocab_size": bytes_tokenizer.vocab_size}, PLAIN.length)
        model = our_model(case)
        padded = eqx.tree_at(lambda m: m.embedding, model, jnp.pad(model.embedding, ((0, 128), (0, 0))))
        logits = our_logits(padded, case)
        np.testing.assert_allclose(logits[:, : case.config["vocab_size"]], our_logits(model, case), atol=TOLERANCE)
        assert (logits[:, case.config["vocab_size"] :] == 0).all()
