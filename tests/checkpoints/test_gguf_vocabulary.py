"""Vocabularies in the keys of GGUF files, ours and those of other programs; llama.cpp itself is in tests/parity."""

from typing import Any

import numpy as np
import pytest

from codegem.checkpoints.gguf_vocabulary import read_vocabulary, vocabulary_keys
from codegem.checkpoints.pieces import Kind, from_tokenizer, to_tokenizer
from codegem.text.tokenizer import NAMES, ByteTokenizer, Tokenizer

G = "tokenizer.ggml."
TEXTS = ["def f(x):\n    return x\n", "\t\ta  b   c", "naïve 東京 🧙", "<bos><|fim_prefix|>", " " * 40]


@pytest.fixture(scope="module")
def keys(bpe_tokenizer: Tokenizer) -> dict[str, Any]:
    """Of a vocabulary with runs of white space, without the tokenizer.json, as other programs write them."""
    return vocabulary_keys(to_tokenizer(from_tokenizer(bpe_tokenizer)), 1030)


def test_pieces_alone_give_the_ids(bpe_tokenizer: Tokenizer, keys: dict[str, Any]):
    assert "tokenizer.huggingface.json" not in keys
    again = read_vocabulary(keys)
    for text in TEXTS:
        assert again.encode(text) == bpe_tokenizer.encode(text)
    assert again.special == bpe_tokenizer.special


def test_rules_that_pieces_can_not_say_are_kept(bpe_tokenizer: Tokenizer):
    keys = vocabulary_keys(bpe_tokenizer, 1024)
    assert "tokenizer.huggingface.json" in keys and read_vocabulary(keys).hash == bpe_tokenizer.hash


def test_gemma_needs_no_tokenizer_json(gemma: Tokenizer):
    keys = vocabulary_keys(gemma, 256_000)
    assert "tokenizer.huggingface.json" not in keys and len(keys[f"{G}tokens"]) == 256_000
    ids = {name: keys[f"{G}{name}_token_id"] for name in ("bos", "eos", "unknown", "padding", "eot", "fim_sep")}
    assert ids == {"bos": 2, "eos": 1, "unknown": 3, "padding": 0, "eot": 107, "fim_sep": 70}
    assert [keys[f"{G}fim_{name}_token_id"] for name in ("pre", "mid", "suf")] == [67, 68, 69]


def test_runs_have_plain_spaces(keys: dict[str, Any]):
    """llama.cpp seeks user-defined pieces before it marks spaces."""
    runs = [text for text, kind in zip(keys[f"{G}tokens"], keys[f"{G}token_type"], strict=True) if kind == 4]
    assert "    " in runs and "\t\t" in runs and not any("▁" in text for text in runs)
    assert any(text.startswith("▁") for text in keys[f"{G}tokens"])


def test_padding_is_unused(keys: dict[str, Any]):
    assert keys[f"{G}tokens"][-1] == "[PAD1029]" and set(keys[f"{G}token_type"][1024:]) == {Kind.UNUSED}


@pytest.mark.parametrize("new", [True, False])
def test_names_of_fill_in_the_middle_tokens_come_from_keys(keys: dict[str, Any], new: bool):
    """A file made from plain Gemma's vocabulary calls them <unused60> and so on; keys say which they are."""
    unnamed = {name: value for name, value in keys.items() if "fim_" not in name and "fix_" not in name}
    tokens = list(keys[f"{G}tokens"])
    tokens[4:8] = ["<unused9>", "<unused8>", "<unused7>", "<unused6>"]
    parts = ["fim_pre", "fim_mid", "fim_suf"] if new else ["prefix", "middle", "suffix"]
    ids = {f"{G}{part}_token_id": 4 + at for at, part in enumerate([*parts, "fim_sep"])}
    again = read_vocabulary({**unnamed, f"{G}tokens": tokens, **ids})
    assert again.special == ByteTokenizer().special


def test_plain_gemma_needs_no_keys(keys: dict[str, Any]):
    plain = {name: value for name, value in keys.items() if not name.endswith("_token_id")}
    tokens = list(keys[f"{G}tokens"])
    tokens[4:8] = ["<unused60>", "<unused61>", "<unused62>", "<unused63>"]
    assert read_vocabulary({**plain, f"{G}tokens": tokens}).special == ByteTokenizer().special


@pytest.mark.parametrize("token", [300, -1, 2**31, 3.0, True, "4"])
def test_a_key_that_names_no_special_token(keys: dict[str, Any], token: Any):
    tokens = list(keys[f"{G}tokens"])
    tokens[4] = "<unused9>"
    with pytest.raises(ValueError, match=r"can't be <\|fim_prefix\|>"):
        read_vocabulary({**keys, f"{G}tokens": tokens, f"{G}fim_pre_token_id": token})


def test_special_tokens_of_the_type_normal(keys: dict[str, Any]):
    """llama.cpp's converter gives <start_of_turn> and the unused tokens that type where nothing else is said."""
    kinds = keys[f"{G}token_type"].copy()
    kinds[8:10] = Kind.NORMAL
    again = read_vocabulary({**keys, f"{G}token_type": kinds})
    assert not {8, 9} & set(again.encode("<start_of_turn>user<end_of_turn>"))


def test_types_of_any_width(keys: dict[str, Any]):
    wide = {f"{G}token_type": keys[f"{G}token_type"].astype(np.uint64), f"{G}scores": keys[f"{G}scores"].astype("f8")}
    assert read_vocabulary({**keys, **wide}).encode(TEXTS[0]) == read_vocabulary(keys).encode(TEXTS[0])


def test_names_are_codegemmas(keys: dict[str, Any]):
    assert keys[f"{G}tokens"][:10] == [names[0] for names in NAMES.values()]
