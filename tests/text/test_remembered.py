import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text.remembered import Remembering, remembering
from codegem.text.tokenizer import Tokenizer

# Line breaks, white space of all kinds, words, characters of several bytes, and the mark for a space.
PARTS = ["\n", "\n\n", " ", "    ", "\t", "\r", "abc", "12", "é", "→", "▁", "\u2028", "(x)"]
TEXTS = st.lists(st.sampled_from(PARTS)).map("".join)


@given(text=TEXTS)
def test_ids_are_those_of_the_tokenizer(bpe_tokenizer: Tokenizer, bytes_tokenizer: Tokenizer, text: str) -> None:
    for tokenizer in (bpe_tokenizer, bytes_tokenizer):
        assert remembering(tokenizer).encode(text) == tokenizer.encode(text)
        assert remembering(tokenizer).count(text) == len(tokenizer.encode(text))


def test_gemma(gemma: Tokenizer) -> None:
    text = "def f(a):\n    return a\n\n\n\tx = ' é'\n" * 20
    assert remembering(gemma)._cuts and remembering(gemma).encode(text) == gemma.encode(text)


def test_only_what_is_new_is_encoded(bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{'word ' * (number % 9)}= {number}\n" for number in range(500))
    encoder = Remembering(bpe_tokenizer)
    encoder.encode(text)
    encoded: list[str] = []
    encode = bpe_tokenizer.encode
    monkeypatch.setattr(bpe_tokenizer, "encode", lambda each: (encoded.append(each), encode(each))[1])
    changed = text[:4000] + "!" + text[4000:]
    assert encoder.encode(changed) == encode(changed)
    assert encoder.encode(changed[777:]) == encode(changed[777:])
    assert sum(map(len, encoded)) < len(text) // 5


def test_a_vocabulary_that_may_join_lines_is_left_alone(bpe_tokenizer: Tokenizer) -> None:
    other = Tokenizer({**bpe_tokenizer.definition, "normalizer": {"type": "NFC"}})
    assert not remembering(other)._cuts
    assert remembering(other).encode("a\nb") == other.encode("a\nb")
    assert remembering(other).count("a\nb") == len(other.encode("a\nb"))
