"""Answers that must begin with a string: which tokens may spell it, and that an answer does."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.generate import Output, Request, finished
from codegem.inference.beginning import Spellings
from codegem.inference.engine import Engine
from codegem.text.tokenizer import Tokenizer

TEXTS = st.text("retun(é\n  :", min_size=1, max_size=12).map(str.encode)


def by_looking_at_each(tokenizer: Tokenizer, begin: bytes) -> list[int]:
    texts = [(token, tokenizer.piece_bytes(token)) for token in range(tokenizer.vocab_size)]
    return [token for token, text in texts if text and (text.startswith(begin) or begin.startswith(text))]


@given(TEXTS, st.integers(0, 3))
def test_the_tokens_that_fit(bpe_tokenizer: Tokenizer, begin: bytes, cut: int):
    """Also where a character has begun already: byte tokens spell the rest."""
    begin = begin[cut:] or b"r"
    found = _spellings(bpe_tokenizer).fitting(begin)
    assert sorted(found) == by_looking_at_each(bpe_tokenizer, begin)
    assert len(set(found)) == len(found) >= 1


def _spellings(tokenizer: Tokenizer, made: dict[int, Spellings] = {}) -> Spellings:  # noqa: B006  # once for all
    return made.setdefault(id(tokenizer), Spellings(tokenizer, tokenizer.vocab_size))


def test_gemma_s_vocabulary(gemma: Tokenizer):
    spellings = Spellings(gemma, gemma.vocab_size)
    for begin in (b"retu", b" ", "日本".encode()):
        assert sorted(spellings.fitting(begin)) == by_looking_at_each(gemma, begin)


def test_only_fitting_logits_are_left(bytes_tokenizer: Tokenizer):
    spellings = Spellings(bytes_tokenizer, 266)
    logits = np.arange(266, dtype=np.float32)
    assert np.flatnonzero(np.isfinite(spellings.only_fitting(logits, b"ab"))).tolist() == [10 + ord("a")]
    with pytest.raises(UserError, match="no tokens for the beginning 'ab'"):
        Spellings(bytes_tokenizer, 50).only_fitting(logits, b"ab")


def ended(engine: Engine, *requests: Request) -> list[Output]:
    return [output for _, output in sorted(finished(engine, requests), key=lambda one: one[0])]


@pytest.mark.parametrize("lookup", [False, True])
def test_an_answer_begins_as_asked_and_goes_on_as_the_model_does(make: Callable[..., Engine], lookup: bool):
    """As if the beginning had stood in the prompt, where a token is a byte; and the same beside others."""
    engine = make(lookup=lookup)
    healed = [Request("def f(a", 12, begin="é, b):"), Request("x", 20, begin="y")]
    plain = [Request("def f(aé, b):", 12 - len("é, b):".encode())), Request("xy", 19)]
    expected = [ended(engine, request)[0] for request in plain]
    for found in ([ended(engine, request)[0] for request in healed], ended(make(lookup=lookup), *healed, *plain)[:2]):
        assert [output.text for output in found] == [output.text for output in expected]
        assert [output.tokens for output in found] == [expected[0].tokens + 7, expected[1].tokens + 1]


def test_stop_strings_are_looked_for_behind_the_beginning(make: Callable[..., Engine]):
    (whole,) = ended(make(), Request("def f(a", 12, begin="\n\n"))
    (cut,) = ended(make(), Request("def f(a", 12, ("\n\n",), begin="\n\n"))
    assert whole.text and cut.text == whole.text.partition("\n\n")[0]


def test_too_few_tokens_for_the_beginning_give_no_text(make: Callable[..., Engine]):
    (output,) = ended(make(), Request("x", 2, begin="abc"))
    assert (output.text, output.tokens, str(output.stop_reason)) == ("", 2, "length")
