"""Encoding by units gives the tokenizer's own ids, whole and cut anywhere."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data import encoded
from codegem.data.encoded import EncodedText, Encoder
from codegem.data.units import separable
from codegem.text.tokenizer import Tokenizer, load_tokenizer

NANO = Path(encoded.__file__).parents[1] / "assets" / "nano"
_FRAGMENTS = [
    *(" ", "  ", "   ", " " * 31, " " * 32, " " * 33, " " * 34, " " * 65, "\t", "\t\t", "\t" * 9, "\n", "\n\n"),
    *("\n" * 4, "\n" * 40, "\r\n", "\r", "\v", "\f", "\x00", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u2029"),
    *("▁", "▁▁", "<0x0A>", "<0x41>", "<bos>", "<unused60>", "<|fim_prefix|>", "<table>", "[@BOS@]"),
    *("é", "e\u0301", "😀", "👩‍💻", "中文", "ﬁ", "\ufeff", "١٢", "²", "ª", "_", "__init__", "a1b2", "0123"),
    *("def f(self, x):", "return", "self.x", "'s", "...", "!=", "://", "#" * 9, "-" * 80, "x" * 70),
]
# Any text, or one in which the characters that decide about units meet.
texts = st.text(max_size=40) | st.lists(
    st.sampled_from(_FRAGMENTS) | st.text("ab_1 \n\t.é", max_size=4), max_size=14
).map("".join)


@pytest.fixture(scope="module")
def nano_tokenizer() -> Tokenizer:
    return load_tokenizer(NANO)


@pytest.fixture(scope="module", params=["bytes", "bpe", "nano", "gemma"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """Every kind of vocabulary that is encoded by units."""
    name = request.param if request.param == "gemma" else f"{request.param}_tokenizer"
    made = Encoder(request.getfixturevalue(name))
    assert separable(made.tokenizer) is not None
    return made


def joined(text: EncodedText) -> str:
    return text.data.decode()


@given(st.lists(texts, max_size=5))
def test_a_batch_has_the_ids_of_the_tokenizer(encoder: Encoder, batch: list[str]):
    made = list(encoder.encode(batch))
    assert [joined(text) for text in made] == batch
    assert [text.tokens.tolist() for text in made] == [encoder.tokenizer.encode(text) for text in batch]
    assert all(text.tokens.dtype == np.int32 for text in made)


@given(texts, st.data())
def test_a_cut_anywhere_has_the_ids_of_its_parts(encoder: Encoder, text: str, data: st.DataObject):
    (made,) = encoder.encode([text])
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=3)))
    bounds = [0, *places, len(text)]
    for start, end in pairwise(bounds):
        in_bytes = len(text[:start].encode()), len(text[:end].encode())
        assert made.between(*in_bytes).tolist() == encoder.tokenizer.encode(text[start:end])
        assert made.count(*in_bytes) == len(encoder.tokenizer.encode(text[start:end]))


@given(texts, st.integers(0, 40), st.integers(0, 30))
def test_furthest_is_a_cut_that_fits_and_the_next_unit_does_not(encoder: Encoder, text: str, place: int, most: int):
    (made,) = encoder.encode([text])
    start = made.character(min(place, len(made.data)))
    end = made.furthest(start, most)
    assert start <= end and made.count(start, end) <= most
    later = [int(bound) for bound in made.unit_ends if bound > end]
    if later and later[0] - start <= 16 * most:
        assert made.count(start, later[0]) > most


def test_what_is_forgotten_is_encoded_again(bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoded, "_REMEMBERED", 3)
    encoder = Encoder(bpe_tokenizer)
    for text in ("return self.parser", "class Parser:", "return self", "é = 1", "return self.parser") * 3:
        (made,) = encoder.encode([text])
        assert made.tokens.tolist() == bpe_tokenizer.encode(text)
        assert len(encoder._recent) + len(encoder._older) < 20


def test_a_word_is_encoded_once(bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    encoder = Encoder(bpe_tokenizer)
    (first,) = encoder.encode(["import argparse\nargparse.run()\n"])
    monkeypatch.setattr(bpe_tokenizer, "encode_batch", lambda texts: pytest.fail(f"{texts} again") if texts else [])
    (again,) = encoder.encode(["import argparse\nargparse.run()\n"])
    assert again.tokens.tolist() == first.tokens.tolist()


def test_threads_share_an_encoder(bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoded, "_REMEMBERED", 5)
    encoder = Encoder(bpe_tokenizer)
    batches = [[f"def f{n}(self, parser):\n    return é{n} + {m}\n" for n in range(m, m + 30)] for m in range(40)]

    def encode(batch: list[str]) -> list[list[int]]:
        return [text.tokens.tolist() for text in encoder.encode(batch)]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(encode, batches))
    assert made == [[bpe_tokenizer.encode(text) for text in batch] for batch in batches]


def test_texts_of_one_group_and_of_several_are_the_same(bpe_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    batch = [f"def f{n}():\n    return {n}\n" * (n % 3) for n in range(40)]
    together = [text.tokens.tolist() for text in Encoder(bpe_tokenizer).encode(batch)]
    monkeypatch.setattr(encoded, "_GROUP", 50)
    assert [text.tokens.tolist() for text in Encoder(bpe_tokenizer).encode(batch)] == together


@pytest.mark.parametrize("place", range(8))
def test_the_beginning_of_a_character(bytes_tokenizer: Tokenizer, place: int):
    (made,) = Encoder(bytes_tokenizer).encode(["aé😀"])
    assert made.character(place) == [0, 1, 1, 3, 3, 3, 3, 7][place]
