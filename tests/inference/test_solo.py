"""A text in a slot of its own: the probabilities of its tokens."""

from collections.abc import Callable

import jax
import numpy as np
import pytest

from codegem.errors import UserError
from codegem.generate import Chunk, Request, StopReason, Token
from codegem.inference.engine import MOST_LIKELIEST, Engine


def tokens(chunks: list[Chunk]) -> list[Token]:
    return [token for chunk in chunks for token in chunk.probabilities]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_probabilities_are_those_of_the_logits(make: Callable[..., Engine], temperature: float):
    engine = make()
    request = Request("def f(a", 10, temperature=temperature, probabilities=3)
    chunks = list(engine.generate([request]))
    judged = tokens(chunks)
    plain = list(make().generate([Request("def f(a", 10, temperature=temperature)]))
    assert "".join(chunk.text for chunk in chunks) == "".join(chunk.text for chunk in plain)
    made = list(engine.stream(engine.ids("def f(a"), max_tokens=10, choose=engine.text(0, request, print).sampler))
    assert len(judged) == len(made) == sum(chunk.tokens for chunk in chunks)
    logits = engine.logits(engine.ids("def f(a") + made)[len("def f(a") :]
    logprobs = np.asarray(jax.nn.log_softmax(logits, axis=-1))
    for token, id, row in zip(judged, made, logprobs, strict=False):
        assert token.logprob == pytest.approx(row[id], abs=1e-3)
        others = [other for other in np.argsort(-row, kind="stable") if other != id][:3]
        assert [name for name, _ in token.likeliest] == [
            engine.tokenizer.piece_bytes(int(one)).decode(errors="replace") for one in others
        ]
        np.testing.assert_allclose([value for _, value in token.likeliest], row[others], atol=1e-3)


def test_those_who_do_not_ask_get_none(make: Callable[..., Engine]):
    asked, other = Request("ab", 5, probabilities=0), Request("ba", 5)
    chunks = list(make().generate([asked, other]))
    assert len(tokens([chunk for chunk in chunks if chunk.index == 0])) > 1
    assert not tokens([chunk for chunk in chunks if chunk.index == 1])
    assert all(token.likeliest == () for token in tokens(chunks))


def test_a_forced_beginning_is_not_judged(make: Callable[..., Engine]):
    chunks = list(make().generate([Request("ab", 9, begin="xyz", probabilities=0)]))
    assert "".join(token.text for token in tokens(chunks)) == "".join(chunk.text for chunk in chunks)
    assert len(tokens(chunks)) == sum(chunk.tokens for chunk in chunks) - 3


@pytest.mark.parametrize("asked", [-1, MOST_LIKELIEST + 1])
def test_how_many_are_named_has_a_limit(make: Callable[..., Engine], asked: int):
    with pytest.raises(UserError, match=f"probabilities is {asked}"):
        next(make().generate([Request("x", 4, probabilities=asked)]))


@pytest.mark.parametrize("others", [[], [Request("xyz", 3)]])
def test_reading_ahead_leaves_nothing_to_read(make: Callable[..., Engine], others: list[Request]):
    engine, prompt = make(), "def f(a, b):\n    return a"
    chunks = [
        chunk for chunk in engine.generate([Request(prompt, 0), *others]) if not chunk.index and chunk.stop_reason
    ]
    assert [(chunk.text, chunk.stop_reason) for chunk in chunks] == [("", StopReason.LENGTH)]
    read = engine.counts.read
    list(engine.generate([Request(prompt + "\n", 3)]))
    assert engine.counts.read - read == 1
