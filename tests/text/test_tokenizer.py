"""Tokenizers: every string comes back, and no string makes a special token."""

import json
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.text.tokenizer import ByteTokenizer, Detokenizer, Tokenizer, load_tokenizer, train_tokenizer

from .strings import SPECIAL_NAMES, strings


@given(strings)
def test_every_string_comes_back(tokenizer: Tokenizer, text: str):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(strings)
def test_no_string_makes_a_special_id(tokenizer: Tokenizer, text: str):
    ids = tokenizer.encode(text)
    assert not set(ids) & set(astuple(tokenizer.special))
    assert all(0 <= token < tokenizer.vocab_size for token in ids)


@pytest.mark.parametrize("name", SPECIAL_NAMES)
def test_the_name_of_a_special_token_is_text(tokenizer: Tokenizer, name: str):
    ids = tokenizer.encode(name)
    assert len(ids) > 1 and tokenizer.decode(ids) == name


@given(st.lists(strings, max_size=4))
def test_a_batch_is_its_texts(tokenizer: Tokenizer, texts: list[str]):
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]


@given(st.data())
def test_a_stream_gives_what_decode_gives(tokenizer: Tokenizer, data: st.DataObject):
    """Any ids, cut characters and special tokens among them, however a reader groups what is pushed."""
    ids = data.draw(st.lists(st.integers(-2, tokenizer.vocab_size + 2), max_size=40))
    stream = Detokenizer(tokenizer)
    assert "".join(map(stream.push, ids)) + stream.flush() == tokenizer.decode(ids)


@given(strings)
def test_a_stream_never_shows_half_a_character(tokenizer: Tokenizer, text: str):
    stream = Detokenizer(tokenizer)
    shown = ""
    for token in tokenizer.encode(text):
        shown += stream.push(token)
        assert text.startswith(shown)
    assert shown == text and stream.flush() == ""


def test_bytes_are_ids_from_10(bytes_tokenizer: Tokenizer):
    assert bytes_tokenizer.vocab_size == 266
    assert astuple(bytes_tokenizer.special) == tuple(range(10))
    assert bytes_tokenizer.encode("Aé") == [10 + 0x41, 10 + 0xC3, 10 + 0xA9]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strings)
def test_a_saved_tokenizer_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path, text: str):
    file = tmp_path / "tokenizer.json"
    if not file.exists():
        tokenizer.save(file)
    again = load_tokenizer(tmp_path)
    assert again.encode(text) == tokenizer.encode(text)
    assert again.special == tokenizer.special and again.hash == tokenizer.hash


def test_other_programs_put_bos_first(tokenizer: Tokenizer, tmp_path: Path):
    import tokenizers

    tokenizer.save(tmp_path / "tokenizer.json")
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert other.encode("x = 1").ids == [tokenizer.special.bos, *tokenizer.encode("x = 1")]
    assert other.token_to_id("<|fim_prefix|>") == tokenizer.special.fim_prefix


def test_different_vocabularies_differ_in_hash(bpe_tokenizer: Tokenizer, bytes_tokenizer: Tokenizer):
    assert bpe_tokenizer.hash != bytes_tokenizer.hash


class TestOwnVocabulary:
    def test_size_is_kept(self, bpe_tokenizer: Tokenizer):
        assert bpe_tokenizer.vocab_size == 1024

    def test_digits_are_split(self, bpe_tokenizer: Tokenizer):
        assert self.pieces(bpe_tokenizer, "x1234") == ["x", "1", "2", "3", "4"]

    @pytest.mark.parametrize("run", [" " * n for n in (4, 8, 31, 32)] + ["\t" * n for n in (1, 2, 5, 8)])
    def test_indentation_is_one_piece_whatever_follows(self, bpe_tokenizer: Tokenizer, run: str):
        """So a cursor behind the indentation sees the pieces that training saw."""
        before = bpe_tokenizer.encode("\n" + run)
        assert len(before) == 2
        assert bpe_tokenizer.encode(f"\n{run}return")[:2] == before

    def test_frequent_words_are_pieces(self, bpe_tokenizer: Tokenizer):
        assert self.pieces(bpe_tokenizer, "    def self return") == ["    ", "def", " self", " return"]

    def test_a_vocabulary_without_room_for_words_is_refused(self):
        with pytest.raises(UserError, match="300 is too small"):
            train_tokenizer(iter(["x"]), 300)

    @staticmethod
    def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
        return [tokenizer.decode([token]) for token in tokenizer.encode(text)]


class TestBadFiles:
    def definition(self) -> dict:
        return dict(ByteTokenizer().definition)

    def refuse(self, folder: Path, content: str, match: str) -> None:
        (folder / "tokenizer.json").write_text(content)
        with pytest.raises(UserError, match=match):
            load_tokenizer(folder)

    def test_an_absent_file(self, tmp_path: Path):
        with pytest.raises(UserError, match="does not exist"):
            load_tokenizer(tmp_path)

    @pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"model": 1}', '{"model": {"vocab": {"a": 0}}}'])
    def test_not_a_definition(self, tmp_path: Path, content: str):
        self.refuse(tmp_path, content, "not a tokenizer.json that codegem can read")

    def test_bytes_that_are_not_text(self, tmp_path: Path):
        (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(UserError, match="that codegem can read"):
            load_tokenizer(tmp_path)

    def test_a_missing_special_token_is_named(self, tmp_path: Path):
        definition = self.definition()
        definition["added_tokens"] = [t for t in definition["added_tokens"] if t["content"] != "<|fim_middle|>"]
        del definition["model"]["vocab"]["<|fim_middle|>"]
        self.refuse(tmp_path, json.dumps(definition), r"no token <\|fim_middle\|>")

    def test_a_model_of_another_kind(self, tmp_path: Path):
        definition = self.definition()
        definition["model"]["type"] = "Nonsense"
        self.refuse(tmp_path, json.dumps(definition), "not a tokenizer.json that codegem can read")
