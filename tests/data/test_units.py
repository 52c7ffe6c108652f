"""Which places are safe, and which vocabularies are understood."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.encoded import Encoder
from codegem.data.units import separable
from codegem.text.tokenizer import ByteTokenizer, Tokenizer


def table(tokenizer: Tokenizer) -> np.ndarray:
    found = separable(tokenizer)
    assert found is not None
    return found


def changed(tokenizer: Tokenizer, **values: Any) -> Tokenizer:
    definition = copy.deepcopy(dict(tokenizer.definition))
    definition["model"] |= values.pop("model", {})
    return Tokenizer(definition | values)


def test_words_are_divided_as_the_pattern_divides_them(bpe_tokenizer: Tokenizer):
    safe = table(bpe_tokenizer)

    def is_safe(pair: str) -> bool:
        first, second = pair.encode()
        return bool(safe[first, second])

    assert all(map(is_safe, ("a ", "a(", "(a", "1a", "a1", "11", "_\n", "\na", "\n ", "\t ", "\r\n", ") ", " 1")))
    assert not any(map(is_safe, ("ab", "a_", " a", " (", "()", "  ", "\n\n", "\t\t")))


def test_line_breaks_are_safe_beside_any_character(bpe_tokenizer: Tokenizer, bytes_tokenizer: Tokenizer):
    for tokenizer in (bpe_tokenizer, bytes_tokenizer):
        assert table(tokenizer)[10, 0xC3] and table(tokenizer)[0xA9, 10]


def test_no_place_is_within_a_character(bytes_tokenizer: Tokenizer):
    assert not table(bytes_tokenizer)[:, 0x80:0xC0].any()


def test_gemma_joins_only_what_a_piece_holds(gemma: Tokenizer):
    safe = table(gemma)
    assert safe[ord("a"), ord(" ")] and safe[ord("\n"), ord(" ")] and safe[ord("("), ord("a")]
    assert not safe[ord(" "), ord("a")] and not safe[ord("\n"), ord("\n")]


def test_a_piece_that_joins_makes_its_places_unsafe(bytes_tokenizer: Tokenizer):
    vocab = dict(bytes_tokenizer.definition["model"]["vocab"])
    for piece in ("\n", "x", "é", "\nx", "x\n"):
        vocab[piece] = len(vocab)
    safe = table(changed(bytes_tokenizer, model={"vocab": vocab}))
    assert not safe[10, ord("x")] and not safe[ord("x"), 10]
    assert not safe[10, 0xC3] and not safe[0xA9, 10] and safe[10, ord("y")]


_BYTES = ByteTokenizer()
_STRIP = {"id": 266, "content": "if", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
OTHERS = [
    {"normalizer": {"type": "Prepend", "prepend": "▁"}},
    {"normalizer": {"type": "NFKC"}},
    {"pre_tokenizer": {"type": "Whitespace"}},
    {"model": {"dropout": 0.1}},
    {"model": {"ignore_merges": True}},
    {"model": {"byte_fallback": False}},
    {"model": {"vocab": {**_BYTES.definition["model"]["vocab"], "<0x0A><0x0A>": 266}}},
    {"model": {"vocab": {p: n for p, n in _BYTES.definition["model"]["vocab"].items() if p != "<0xC3>"}}},
    {"added_tokens": [*_BYTES.definition["added_tokens"], {**_STRIP, "special": False}]},
]


@pytest.mark.parametrize("values", OTHERS)
def test_other_kinds_of_vocabulary_are_not_understood(values: dict[str, Any]):
    assert separable(changed(_BYTES, **values)) is None


@given(text=st.text(max_size=20), cut=st.integers(0, 20))
def test_of_those_every_part_is_encoded_as_it_is(text: str, cut: int):
    tokenizer = changed(_BYTES, normalizer={"type": "Prepend", "prepend": "\n"})
    (made,) = Encoder(tokenizer).encode([text])
    assert made.tokens.tolist() == tokenizer.encode(text)
    place = len(text[:cut].encode())
    assert made.between(0, place).tolist() == tokenizer.encode(text[:cut])
    assert made.between(place, len(made.data)).tolist() == tokenizer.encode(text[cut:])
