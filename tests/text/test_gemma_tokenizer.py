"""The released Gemma vocabulary, in a file that still calls CodeGemma's tokens `<unused60>`…"""

from dataclasses import astuple
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given

from codegem.text import fim
from codegem.text.tokenizer import SpecialTokens, Tokenizer

from .strings import SPECIAL_NAMES, strings

CODE = 'func main() {\n\tfor i := 0; i < 1024; i++ {\n\t\tfmt.Println("é 中文 😀", i)\n\t}\n}\n\n\n    return  x\r\n'


@pytest.fixture(scope="module")
def library(gemma_file: Path) -> tokenizers.Tokenizer:
    """The same file in the `tokenizers` library, with nothing of ours."""
    return tokenizers.Tokenizer.from_file(str(gemma_file))


def test_special_tokens_have_their_ids(gemma: Tokenizer):
    assert gemma.vocab_size == 256_000
    assert gemma.special == SpecialTokens(
        pad=0,
        eos=1,
        bos=2,
        unk=3,
        fim_prefix=67,
        fim_middle=68,
        fim_suffix=69,
        file_separator=70,
        start_of_turn=106,
        end_of_turn=107,
    )


def test_the_file_names_them_otherwise(library: tokenizers.Tokenizer):
    assert library.token_to_id("<unused60>") == 67 and library.token_to_id("<|fim_prefix|>") is None


@pytest.mark.parametrize("name", [*SPECIAL_NAMES, "<unused0>", "<mask>", "[@BOS@]"])
def test_the_name_of_a_special_token_is_text(gemma: Tokenizer, name: str):
    ids = gemma.encode(f"x {name}")
    assert min(ids) > 107 and gemma.decode(ids) == f"x {name}"


@given(strings)
def test_strings_come_back_without_special_ids(gemma: Tokenizer, text: str):
    """SentencePiece spells a space as U+2581, so that character alone comes back as a space."""
    ids = gemma.encode(text)
    assert gemma.decode(ids) == text.replace("▁", " ")
    assert not set(ids) & set(astuple(gemma.special))


def test_code_with_tabs_comes_back(gemma: Tokenizer):
    assert gemma.decode(gemma.encode(CODE)) == CODE


def test_no_bos_and_no_leading_space(gemma: Tokenizer):
    assert gemma.encode("") == []
    assert gemma.encode("def")[0] != gemma.special.bos
    assert gemma.decode(gemma.encode("def")) == "def"


def test_digits_are_split(gemma: Tokenizer):
    assert [gemma.decode([token]) for token in gemma.encode("20240")] == ["2", "0", "2", "4", "0"]


@pytest.mark.parametrize("character", [" ", "\t", "\n"])
@pytest.mark.parametrize("length", [2, 3, 4, 7, 8, 16, 31])
def test_runs_are_one_piece(gemma: Tokenizer, character: str, length: int):
    run = character * length
    ids = gemma.encode(f"x{run}return")
    assert [gemma.decode([token]) for token in ids] == ["x", run, "return"]


def test_known_ids_of_runs(gemma: Tokenizer):
    assert gemma.encode("\t\t") == [255_969] and gemma.encode("    ") == [141] and gemma.encode("\n") == [108]


@pytest.mark.parametrize("text", [CODE, "def add(a, b):\n    return a + b\n", "SELECT * FROM t;", "naïve  café\t1,000"])
def test_ordinary_text_has_the_ids_of_the_library(gemma: Tokenizer, library: tokenizers.Tokenizer, text: str):
    assert gemma.encode(text) == library.encode(text, add_special_tokens=False).ids
    assert library.encode(text).ids == [gemma.special.bos, *gemma.encode(text)]


def test_saved_under_codegemmas_names(gemma: Tokenizer, tmp_path: Path):
    gemma.save(tmp_path / "tokenizer.json")
    other = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert other.encode("<|fim_prefix|>x<|fim_suffix|><|fim_middle|>").ids == [2, 67, *gemma.encode("x"), 69, 68]
    assert other.encode(CODE).ids == [2, *gemma.encode(CODE)]


def test_a_prompt(gemma: Tokenizer):
    ids = fim.prompt("a<|fim_suffix|>", "b", gemma, path="p.py")
    head = gemma.encode("p.py\n")
    assert ids == [2, *head, 67, *gemma.encode("a<|fim_suffix|>"), 69, *gemma.encode("b"), 68]
