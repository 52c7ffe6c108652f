"""Logits equal those of Transformers' GemmaForCausalLM: from a committed fixture, and live where torch is."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints import huggingface
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text import chat
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

from .cases import CASES, Case
from .make_reference import REFERENCE, transformers_logits, transformers_model

TOLERANCE = 1e-4  # absolute, in float32; logits have a standard deviation of 1 to 2
SMALL = [case for case in CASES if case.config["d_model"] < 1000]


def our_model(case: Case) -> Transformer:
    return huggingface.assemble(ModelConfig(**case.config), lambda name, shape: jnp.asarray(case.tensor(name, shape)))


def our_logits(model: Transformer, case: Case) -> np.ndarray:
    return np.asarray(model(jnp.asarray(case.tokens), positions=jnp.asarray(case.positions))[0])


def by_name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_logits_equal_the_committed_ones(case: Case):
    with np.load(REFERENCE, allow_pickle=False) as reference:
        expected = reference[case.name]
    logits = our_logits(our_model(case), case)
    assert 1 < expected.std() < 2
    np.testing.assert_allclose(logits, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("case", [CASES[0], CASES[3]], ids=by_name)
def test_decoding_with_the_cache_equals_the_committed_logits(case: Case):
    """A prompt, then a token at a time: the path that a completion takes."""
    with np.load(REFERENCE, allow_pickle=False) as reference:
        expected = reference[case.name]
    model, tokens = our_model(case), jnp.asarray(case.tokens)
    cache, found, done = model.init_cache(1, case.length + 3), [], 0
    for size in (case.length - 3, 1, 1, 1):
        hidden, cache = model.extend(tokens[:, done : done + size], cache, jnp.array([done]))
        found.append(model.unembed(hidden)[0])
        done += size
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=0, atol=TOLERANCE)


def test_the_cases_cover_what_matters():
    heads = [(case.config["num_heads"], case.config["num_kv_heads"]) for case in SMALL]
    assert any(kv == 1 < n for n, kv in heads) and any(kv == n > 1 for n, kv in heads)
    assert any(1 < kv < n for n, kv in heads)
    assert all(c.config["num_heads"] * c.config["head_dim"] != c.config["d_model"] for c in SMALL)


@pytest.fixture(scope="module")
def torch():
    """Torch, where Transformers is installed beside it; else the test is skipped."""
    pytest.importorskip("transformers")
    return pytest.importorskip("torch")


@pytest.mark.parametrize("case", SMALL, ids=by_name)
def test_logits_equal_live(torch, case: Case):
    expected = transformers_logits(transformers_model(case), case)
    np.testing.assert_allclose(our_logits(our_model(case), case), expected, rtol=0, atol=TOLERANCE)


def with_vocabulary(case: Case, tokenizer: Tokenizer) -> Case:
    return Case(case.name, {**case.config, "vocab_size": tokenizer.vocab_size}, case.length, case.first_position)


@pytest.mark.parametrize("shard_bytes", [10**9, 50_000])
@pytest.mark.parametrize("case", SMALL[:3], ids=by_name)
def test_transformers_reads_what_we_write(
    torch, case: Case, bpe_tokenizer: Tokenizer, tmp_path: Path, shard_bytes: int
):
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    case = with_vocabulary(case, bpe_tokenizer)
    model = our_model(case)
    huggingface.save(tmp_path, model, bpe_tokenizer, dtype="float32", shard_bytes=shard_bytes)
    assert (tmp_path / huggingface.INDEX).exists() == (shard_bytes == 50_000)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert type(theirs).__name__ == "GemmaForCausalLM"
    np.testing.assert_allclose(our_logits(model, case), transformers_logits(theirs, case), rtol=0, atol=TOLERANCE)

    words = AutoTokenizer.from_pretrained(tmp_path)
    text = "def f(x):\n\treturn   x + 12  # é 😀\n"
    ids = words(text).input_ids
    assert ids == [bpe_tokenizer.special.bos, *bpe_tokenizer.encode(text)]
    assert words.decode(ids, skip_special_tokens=True) == text
    assert words.convert_tokens_to_ids("<|fim_middle|>") == bpe_tokenizer.special.fim_middle
    assert set(GenerationConfig.from_pretrained(tmp_path).eos_token_id) == chat.stop_ids(bpe_tokenizer)


@pytest.mark.parametrize("shard", ["5GB", "10KB"])
def test_we_read_what_transformers_writes(torch, shard: str, tmp_path: Path):
    case = next(case for case in SMALL if case.name == "multi-head")
    theirs = transformers_model(case)
    theirs.save_pretrained(tmp_path, max_shard_size=shard)
    assert (tmp_path / huggingface.INDEX).exists() == (shard == "10KB")
    small = Tokenizer({**ByteTokenizer().definition, "model": _few(case.config["vocab_size"])})
    small.save(tmp_path / "tokenizer.json")
    model, _ = huggingface.load(tmp_path)
    np.testing.assert_allclose(our_logits(model, case), transformers_logits(theirs, case), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("case", SMALL, ids=by_name)
def test_bfloat16_stays_as_near_as_theirs(torch, case: Case, bpe_tokenizer: Tokenizer, tmp_path: Path):
    """The same file in bfloat16, computed in bfloat16 here and there, against float32 arithmetic on its weights.

    The bound: our error is at most 1.3 times theirs, or 2% of the logits' deviation, in the root mean square.
    """
    from transformers import AutoModelForCausalLM

    case = with_vocabulary(case, bpe_tokenizer)
    huggingface.save(tmp_path, our_model(case), bpe_tokenizer)
    narrow, wide = (huggingface.load(tmp_path, dtype=dtype)[0] for dtype in (None, "float32"))
    assert narrow.embedding.dtype == jnp.bfloat16
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert theirs.dtype == torch.bfloat16
    exact = our_logits(wide, case)
    ours, others = (
        np.sqrt(np.mean((logits - exact) ** 2)) / exact.std()
        for logits in (our_logits(narrow, case), transformers_logits(theirs, case))
    )
    assert ours < max(1.3 * others, 0.02)


CONVERSATIONS = [
    [("user", "Why?")],
    [("user", "  Why?\n"), ("assistant", "\tBecause.  "), ("user", "def f():\n\treturn 1\n\n")],
    [("system", " Be brief.\n"), ("user", "\n Why is   this slow?")],
    [("system", "Be brief."), ("user", "Why?"), ("assistant", "No."), ("user", "é 中文 😀")],
    [("system", ""), ("user", "")],
]


@pytest.mark.parametrize("vocabulary", ["bpe_tokenizer", "gemma"])
@pytest.mark.parametrize("messages", CONVERSATIONS, ids=range(len(CONVERSATIONS)))
def test_the_chat_template_renders_what_we_render(
    torch, request: pytest.FixtureRequest, tmp_path: Path, vocabulary: str, messages: list[tuple[str, str]]
):
    tokenizer = request.getfixturevalue(vocabulary)
    words = saved_words(tokenizer, tmp_path)
    theirs = [{"role": role, "content": text} for role, text in messages]
    ours = [chat.Turn("model" if role == "assistant" else role, text) for role, text in messages]  # type: ignore[arg-type]
    whole = words.apply_chat_template(theirs, tokenize=True, return_dict=False)
    assert whole == chat.render_chat(ours, tokenizer).tokens
    asked = words.apply_chat_template(theirs, tokenize=True, return_dict=False, add_generation_prompt=True)
    assert asked == chat.prompt_chat(ours, tokenizer)


@pytest.mark.parametrize(
    "roles", [["assistant"], ["user", "user"], ["system"], ["user", "system"], ["system", "assistant"]]
)
def test_the_chat_template_refuses_what_we_refuse(torch, bpe_tokenizer: Tokenizer, tmp_path: Path, roles: list[str]):
    from jinja2 import TemplateError

    turns = [chat.Turn("model" if role == "assistant" else role, "a") for role in roles]  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        chat.render_chat(turns, bpe_tokenizer)
    with pytest.raises(TemplateError):
        saved_words(bpe_tokenizer, tmp_path).apply_chat_template([{"role": role, "content": "a"} for role in roles])


def saved_words(tokenizer: Tokenizer, directory: Path) -> Any:
    """Transformers' tokenizer of a directory that we wrote, with a model of next to nothing."""
    from transformers import AutoTokenizer

    tiny = ModelConfig(tokenizer.vocab_size, 1, 2, 1, 1, 2, 2)
    zeros = huggingface.assemble(tiny, lambda name, shape: np.zeros(shape, np.float32))
    huggingface.save(directory, zeros, tokenizer, chats=True)
    return AutoTokenizer.from_pretrained(directory)


def _few(vocab_size: int) -> dict:
    """The first ids of the byte vocabulary."""
    model = ByteTokenizer().definition["model"]
    return {**model, "vocab": {name: token for name, token in model["vocab"].items() if token < vocab_size}}
