"""Texts under a limit of what they repeat: never more is shown, nothing else is ended."""

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.tokens import spans
from codegem.errors import UserError
from codegem.generate import Conversation, Infill, Request, StopReason, Token
from codegem.inference.answer import Answer
from codegem.inference.copies import CopyLimit, Guard, at_most
from codegem.inference.engine import Engine
from codegem.text.chat import Turn
from codegem.text.tokenizer import ByteTokenizer

MOST = 50
_WORDS = ["account", "balance", "checked", "delta", "entries", "filtered", "grouped", "joined", "limits", "merged"]


def code(seed: int) -> str:
    """A function that no other seed gives."""
    draw = random.Random(seed)
    lines = [
        f"    {draw.choice(_WORDS)}_{draw.choice(_WORDS)} = {draw.choice(_WORDS)}.read({draw.randrange(1000)}, 'é')"
        for _ in range(12)
    ]
    return "\n".join([f"def {draw.choice(_WORDS)}(self):", *lines, ""])


@pytest.fixture(scope="module")
def index(index_of: Callable[..., Path]) -> TraceIndex:
    return TraceIndex.open(index_of(code(0), code(1)))


def longest(text: str, index: TraceIndex) -> int:
    return max([copy.tokens for copy in index.find(text, 1)], default=0)


def shown(text: str, index: TraceIndex, cuts: list[int], most: int = MOST) -> tuple[str, bool]:
    """What a guard lets through of a text that comes in parts, and whether it ended it."""
    guard, given_out = Guard(CopyLimit(index, most)), ""
    for start, end in pairwise([0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]):
        given_out += guard.push(text[start:end])
    assert longest(given_out, index) <= most
    return given_out, guard.found is not None


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Pieces of the corpus, and others, behind each other."""
    pieces = []
    for _ in range(draw(st.integers(1, 3))):
        text = code(draw(st.sampled_from([0, 1, 2])))
        start = draw(st.integers(0, len(text) - 1))
        pieces.append(text[start : start + draw(st.integers(1, 500))])
    return "".join(pieces)


@given(text=texts(), size=st.integers(1, 8))
def test_no_more_is_shown_however_the_text_is_cut(text: str, size: int, index: TraceIndex) -> None:
    found, is_ended = shown(text, index, list(range(0, len(text), size)))
    assert text.startswith(found) and is_ended == (longest(text, index) > MOST)
    assert is_ended or found == text
    assert (found, is_ended) == shown(text, index, list(range(0, len(text), 3)))


def test_a_copy_ends_before_the_first_token_too_many(index: TraceIndex) -> None:
    text = "import os\n\n" + code(0)
    found, is_ended = shown(text, index, list(range(0, len(text), 3)))
    begins = text.index("def ")
    assert is_ended and len(spans(found[begins:])) == MOST
    assert text[len(found)] not in " \n"  # the next token begins there


def test_a_copy_is_found_with_other_indentation(index: TraceIndex) -> None:
    text = code(1).replace("    ", "\t\t\t").replace("\n", "\r\n")
    assert shown(text, index, list(range(0, len(text), 3)))[1]


def test_white_space_and_other_texts_pass(index: TraceIndex) -> None:
    for text in ("\n" * 300, code(2), "é" * 200, ""):
        assert shown(text, index, list(range(0, len(text), 5))) == (text, False)


def test_the_index_is_looked_into_rarely(index: TraceIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    find = TraceIndex.find
    monkeypatch.setattr(TraceIndex, "find", lambda self, text, least: asked.append(text) or find(self, text, least))
    guard = Guard(CopyLimit(index, MOST))
    for start, end in spans(code(2))[:64]:
        guard.push(code(2)[start:end] + " ")
    assert len(asked) == 1


@given(parts=st.lists(st.text("abZX_09 (.~\n\x01\x7fé", max_size=12), max_size=4))
def test_no_text_has_more_tokens_than_its_parts_may_have(parts: list[str]) -> None:
    assert len(spans("".join(parts))) <= sum(map(at_most, parts))


def test_a_limit_that_is_too_low(index: TraceIndex) -> None:
    with pytest.raises(UserError, match="may have 19 tokens; it must be at least 20"):
        CopyLimit(index, 19)


class TestAnswer:
    def test_the_last_chunk_says_that_it_was_a_copy(self, index: TraceIndex) -> None:
        tokenizer, text = ByteTokenizer(), code(0)
        answer = Answer(1, Request("", 999, probabilities=0), tokenizer, 0, CopyLimit(index, MOST).guard())
        chunks = []
        for token in tokenizer.encode(text):
            chunks.append(answer.push(token, Token("x", -1.0)))
            if chunks[-1].stop_reason:
                break
        assert chunks[-1].stop_reason is StopReason.COPIED and chunks[-1].usage
        assert not chunks[-1].probabilities and all(chunk.probabilities for chunk in chunks[:-1])
        assert text.startswith("".join(chunk.text for chunk in chunks))

    def test_what_a_stop_string_holds_back_is_held_to_it_too(self, index: TraceIndex) -> None:
        tokenizer, text = ByteTokenizer(), code(0)
        end = int(spans(text)[MOST][1])
        held = text[end - 1]
        answer = Answer(0, Request("", 999, stop=(held + "\0",)), tokenizer, 0, CopyLimit(index, MOST).guard())
        made = "".join(answer.push(token).text for token in tokenizer.encode(text[:end]))
        last = answer.end()
        assert text[:end].startswith(made + last.text) and len(spans(made + last.text)) == MOST
        assert last.stop_reason is StopReason.COPIED


def test_an_engine_guards_every_text(make: Callable[..., Engine], index: TraceIndex) -> None:
    """What becomes of its tokens when several come at once, as from a draft; nothing is computed here."""
    engine, chunks = make(copies=CopyLimit(index, 20)), []
    prompts = ("p", Infill("def f(", ")\n"), Conversation((Turn("user", "Why?"),)))
    for prompt in prompts:
        text, tokens = engine.text(0, Request(prompt, 72), chunks.append), engine.tokenizer.encode(code(0))
        for start in range(0, 72, 5):
            text.push(tokens[start : start + 5])
        assert chunks[-1].stop_reason is StopReason.COPIED and text.answer is None
        found = "".join(chunk.text for chunk in chunks)
        assert code(0).startswith(found) and len(spans(found)) == 20
        chunks.clear()
