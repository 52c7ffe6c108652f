"""What a person did last, and what follows from it: when to ask, how long to wait, what is remembered."""

import asyncio

import pytest
from lsprotocol.types import Position

from codegem.assist.asking import Change
from codegem.server.lsp.documents import Document, Hole, split_lines
from codegem.server.lsp.edits import Edits

from .lsp_client import URI, Scripted, inline, session

INLINE = "textDocument/inlineCompletion"
HERE, THERE = Position(0, 4), Position(0, 1)


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def changed(edits: Edits, opened: Document, text: str) -> None:
    opened.begin_changes()
    opened.change(text)
    edits.changed(opened)


def document(text: str) -> Document:
    return Document(URI, "python", 1, split_lines(text))


def test_what_led_to_a_request() -> None:
    edits, opened = Edits(Clock()), document("x = ")
    assert edits.asked(URI, HERE) is Change.OTHER
    assert edits.asked(URI, THERE) is Change.MOVED
    changed(edits, opened, "x = 1")
    assert edits.asked(URI, HERE) is Change.TYPED
    assert edits.asked(URI, HERE) is Change.TYPED
    changed(edits, opened, "x = ")
    assert edits.asked(URI, THERE) is Change.DELETED
    edits.offered(opened, Hole(None, "x = ", ""), "foo()")
    changed(edits, opened, "x = foo()")
    assert edits.asked(URI, HERE) is Change.ACCEPTED
    edits.closed(URI)
    assert edits.asked(URI, HERE) is Change.OTHER


def test_the_pause_counts_from_the_key() -> None:
    clock = Clock()
    edits, opened = Edits(clock), document("")
    assert edits.pause(URI, "auto") == 0.0 and edits.age(URI) == float("inf")
    changed(edits, opened, "a")
    assert 0.1 <= edits.pause(URI, "auto") <= 0.4
    assert edits.pause(URI, 300) == pytest.approx(0.3)
    clock.now = 0.25
    assert edits.pause(URI, 300) == pytest.approx(0.05)
    clock.now = 9.0
    assert edits.pause(URI, "auto") == 0.0


def test_typing_on_as_suggested_asks_nobody() -> None:
    source = Scripted("foo(a)")

    async def run() -> None:
        async with session(source) as one:
            await one.open("x = \n")
            first = await one.call(INLINE, inline((0, 4), kind=2))
            one.change("x = fo\n")
            second = await one.call(INLINE, inline((0, 6), kind=2))
            assert [r["items"][0]["insertText"] for r in (first, second)] == ["x = foo(a)"] * 2
            assert second["items"][0]["range"]["end"]["character"] == 6
            assert one.server.counts.total().shown == 1
            one.change("x = fa\n")
            await one.call(INLINE, inline((0, 6), kind=2))

    asyncio.run(run())
    assert len(source.requests) == 2


def test_nobody_asks_for_more_after_accepting_or_deleting() -> None:
    source = Scripted("foo(a)")

    async def run() -> None:
        async with session(source) as one:
            await one.open("x = \n")
            await one.call(INLINE, inline((0, 4), kind=2))
            one.change("x = foo(a)\n")
            assert await one.call(INLINE, inline((0, 10), kind=2)) is None
            one.change("x = foo(\n")
            assert await one.call(INLINE, inline((0, 8), kind=2)) is None
            assert await one.call(INLINE, inline((0, 8), kind=1)) is not None

    asyncio.run(run())


def test_a_pause_is_waited_for_and_can_be_cut() -> None:
    source = Scripted("1")

    async def run() -> None:
        async with session(source, options={"debounce": 5000}) as one:
            await one.open("x = \n")
            one.change("x = y\n")
            waiting = one.ask(INLINE, inline((0, 5), kind=2))
            one.change("x = yz\n", version=3)
            answer = await one.answer(waiting)
            assert answer.get("error", {}).get("code") == -32801, answer
            assert await one.call(INLINE, inline((0, 6), kind=1))

    asyncio.run(run())
    assert len(source.requests) == 1
