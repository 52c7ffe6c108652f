"""Tokens in, chunks out."""

from dataclasses import replace

import pytest

from codegem.generate import Chunk, Request, StopReason
from codegem.inference.answer import Answer
from codegem.text.tokenizer import ByteTokenizer


def answer(max_tokens: int = 9, *stop: str) -> Answer:
    return Answer(3, Request("p", max_tokens, stop), ByteTokenizer())


def pushed(text: str, *, into: Answer) -> list[Chunk]:
    return [into.push(10 + byte) for byte in text.encode()]


def test_each_token_is_a_chunk_and_the_last_chunk_says_why():
    one = answer()
    assert [chunk.text for chunk in pushed("aé", into=one)] == ["a", "", "é"]
    assert replace(one.end(), usage=None) == Chunk(3, "", 0, StopReason.STOP)


def test_a_stop_string_ends_it():
    chunks = pushed("x\n\n", into=answer(9, "\n\n"))
    assert [(chunk.text, chunk.stop_reason) for chunk in chunks] == [("x", None), ("", None), ("", StopReason.STOP)]


@pytest.mark.parametrize(("given", "reason"), [(None, StopReason.LENGTH), (StopReason.CANCELLED, StopReason.CANCELLED)])
def test_what_was_held_back_comes_at_the_end(given: StopReason | None, reason: StopReason):
    one = answer(2, "\n\n")
    pushed("x\n", into=one)
    assert replace(one.end(given), usage=None) == Chunk(3, "\n", 0, reason)
