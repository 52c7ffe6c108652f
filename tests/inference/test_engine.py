"""The engine against repeated full forward passes, with a tiny model in float32."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import equinox as eqx
import jax
import numpy as np
import pytest

from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, Infill, Request, StopReason, outputs
from codegem.inference import pieces, solo
from codegem.inference.engine import Engine
from codegem.inference.programs import Programs
from codegem.inference.sampling import sampler
from codegem.inference.texts import Text
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text import fim
from codegem.text.chat import Turn
from codegem.text.tokenizer import Tokenizer

CONFIG = ModelConfig(266, 2, 32, 2, 1, 16, 64, context_length=48)


@pytest.fixture(scope="module")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    """A model that says something: its layers are louder than the tied embedding, which would repeat each token."""
    quiet = random_model(CONFIG)
    louder = [block.mlp.down.weight * 200 for block in quiet.blocks]
    return eqx.tree_at(lambda m: [block.mlp.down.weight for block in m.blocks], quiet, louder)


@pytest.fixture
def engine(model: Transformer, bytes_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine of small sizes, so that short prompts cross their borders."""
    monkeypatch.setattr(pieces, "SMALL", (1, 2))
    monkeypatch.setattr(pieces, "LARGE", (4, 16))
    monkeypatch.setattr(pieces, "SMALLEST_CAPACITY", 16)
    return Engine(model, bytes_tokenizer, name="tiny")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many positions each pass of the model had."""
    sizes, real = [], Programs.choose

    def choose(self: Programs, cache: object, sampler: object, tokens: np.ndarray, *rest: int):
        sizes.append(tokens.shape[1])
        return real(self, cache, sampler, tokens, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Programs, "choose", choose)
    return sizes


@pytest.fixture(scope="module")
def greedy(model: Transformer) -> Callable[[Sequence[int], int], list[int]]:
    """The likeliest tokens by one full forward pass for each."""
    forward = jax.jit(Transformer.__call__)

    def continuation(prompt: Sequence[int], count: int) -> list[int]:
        ids = list(prompt)
        for _ in range(count):
            padded = np.zeros((1, CONFIG.context_length), np.int32)
            padded[0, : len(ids)] = ids
            ids.append(int(np.argmax(forward(model, padded)[0, len(ids) - 1])))
        return ids[len(prompt) :]

    return continuation


def ids(length: int) -> list[int]:
    """A prompt of `length` ids, BOS first."""
    return [2, *np.random.default_rng(length).integers(10, 266, length - 1).tolist()]


# Around the sizes of pieces (4, 4 + 4, 16, 16 + 4) and of caches (16, 32, 64; with 6 tokens more).
@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 24, 26, 27, 42])
def test_greedy_tokens_equal_those_of_full_forward_passes(engine: Engine, greedy: Callable, length: int):
    expected = greedy(ids(length), 6)
    assert len(set(expected)) > 1, "a test of one repeated token would see little"
    assert list(engine.stream(ids(length), max_tokens=6)) == expected


def test_the_context_can_be_filled_to_its_end(engine: Engine, greedy: Callable):
    assert list(engine.stream(ids(1), max_tokens=47)) == greedy(ids(1), 47)


def test_stop_ids_end_the_stream_and_are_not_in_it(engine: Engine, greedy: Callable):
    expected = greedy(ids(9), 8)
    stop = next(token for token in expected if token != expected[0])
    found = list(engine.stream(ids(9), max_tokens=8, stop_ids=frozenset([stop])))
    assert found == expected[: expected.index(stop)]


def test_closing_the_iterator_ends_the_work(engine: Engine, passes: list[int]):
    stream = engine.stream(ids(4), max_tokens=20)
    assert len(list(islice(stream, 2))) == 2
    stream.close()
    assert passes == [4, 1, 1]  # the prompt, the second token, and one ahead
    assert list(stream) == []


def test_a_size_is_compiled_once(engine: Engine):
    program = engine.shared.programs._choose
    before = program._cache_size()
    for length in (13, 14, 15, 16):
        list(engine.stream(ids(length), max_tokens=5))
    assert program._cache_size() - before <= 4  # a piece of 16 and pieces of 1 and 2 behind what was kept


def test_sampling_depends_on_the_seed_alone(engine: Engine):
    def sample(seed: int) -> list[int]:
        return list(engine.stream(ids(5), max_tokens=12, choose=sampler(1.0, 0.95, seed)))

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_logits_equal_the_model_s(engine: Engine, model: Transformer):
    tokens = ids(21)
    found = engine.logits(tokens)
    assert (found.dtype, found.shape) == (np.float32, (21, 266))
    np.testing.assert_allclose(found, jax.jit(Transformer.__call__)(model, np.array([tokens]))[0], atol=1e-4)


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "sentence"),
    [
        ([], 1, "empty"),
        ([2, 266], 1, "token id 266; the model knows 0 to 265"),
        ([2, -1], 1, "token id -1"),
        ([2] * 40, 9, "40 tokens and 9 more are asked for; together the model takes 48"),
        ([2], 0, "max_tokens is 0"),
    ],
)
def test_prompts_that_do_not_fit(engine: Engine, prompt: list[int], max_tokens: int, sentence: str):
    with pytest.raises(UserError, match=sentence):
        engine.stream(prompt, max_tokens=max_tokens)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        (Infill("a", "b", "two\nlines.py"), "a path can't hold a line break"),
        (Infill("a", "b", "a.py", (("two\nlines.py", "c"),)), "a path can't hold a line break"),
        (Conversation((Turn("user", "a"), Turn("model", "b"))), "ends with a question"),
        (Conversation((Turn("model", "b"),)), "it is the turn of 'user'"),
        (Conversation(()), "ends with a question"),
    ],
)
def test_prompts_that_are_none(engine: Engine, prompt: Infill | Conversation, sentence: str):
    with pytest.raises(UserError, match=sentence):
        next(engine.generate([Request(prompt, 4)]))


def scripted(monkeypatch: pytest.MonkeyPatch, *text: bytes) -> list[list[int]]:
    """Let any model say `text`, a part in each pass, one byte a token; the prompts it gets are in the list."""
    prompts: list[list[int]] = []

    def passes(_: object, asked: Text, cancelled: object) -> Iterator[list[int]]:
        prompts.append(asked.prompt)
        for part in text:
            yield [10 + byte for byte in part[: asked.left]]

    monkeypatch.setattr(solo, "passes", passes)
    return prompts


def run(engine: Engine, **request: object) -> list[Chunk]:
    return list(engine.generate([Request("p", **request)]))  # type: ignore[arg-type]


def test_text_comes_as_it_is_made(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, b"a", *[bytes([byte]) for byte in "é".encode()])
    chunks = run(engine, max_tokens=9)
    assert [chunk.text for chunk in chunks] == ["a", "", "é", ""]
    assert [chunk.tokens for chunk in chunks] == [1, 1, 1, 0]
    assert [chunk.stop_reason for chunk in chunks] == [None, None, None, StopReason.STOP]


def test_a_pass_without_a_token_is_an_empty_chunk(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Between the pieces of a prompt, so that whoever reads can end the work there."""
    scripted(monkeypatch, b"", b"", b"abc", b"d")
    chunks = run(engine, max_tokens=9)
    assert [chunk.text for chunk in chunks] == ["", "", "a", "b", "c", "d", ""]
    assert [chunk.tokens for chunk in chunks] == [0, 0, 1, 1, 1, 1, 0]


def test_max_tokens_ends_a_text_and_half_a_character_is_left_out(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, "aé".encode())
    (output,) = outputs(engine, [Request("p", max_tokens=2)])
    assert (output.text, output.tokens, output.stop_reason) == ("a", 2, StopReason.LENGTH)


def test_a_stop_string_over_several_tokens_is_never_shown(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, b"x\ny\n\nz")
    chunks = run(engine, max_tokens=9, stop=("\n\n",))
    assert [chunk.text for chunk in chunks] == ["x", "", "\ny", "", ""]
    assert chunks[-1].stop_reason is StopReason.STOP


def test_what_was_held_back_comes_at_the_end(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    scripted(monkeypatch, b"x\n")
    assert "".join(chunk.text for chunk in run(engine, max_tokens=9, stop=("\n\n",))) == "x\n"


def test_prompts_are_those_of_training(engine: Engine, bytes_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    prompts = scripted(monkeypatch, b"")
    hole = Infill("a", "b", "f.py", (("g.py", "c"),))
    for prompt in ("left to right", hole):
        list(engine.generate([Request(prompt, 9)]))
    assert prompts == [
        [2, *bytes_tokenizer.encode("left to right")],
        fim.prompt("a", "b", bytes_tokenizer, path="f.py", context=[("g.py", "c")]),
    ]


def test_a_model_is_asked_in_its_own_order(engine: Engine, bytes_tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    prompts = scripted(monkeypatch, b"")
    monkeypatch.setattr(engine, "order", fim.Order.SPM)
    list(engine.generate([Request(Infill("a", "b"), 9)]))
    assert prompts == [fim.prompt("a", "b", bytes_tokenizer, order=fim.Order.SPM)]
