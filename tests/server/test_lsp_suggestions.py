"""What comes of asking for a suggestion: items, parts, and what ends the work."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegem.assist.acceptance import Acceptance
from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.tokens import spans
from codegem.errors import Busy, SourceError
from codegem.generate import Infill, StopReason
from codegem.server.lsp.features import make_server

from .lsp_client import URI, Scripted, Sent, Session, inline, message, opened, session, until

INLINE, ORDINARY = "textDocument/inlineCompletion", "textDocument/completion"
BODY = "def add(a, b):\n    total = a\n    \n"


def ordinary(position: tuple[int, int], kind: int = 1) -> dict[str, Any]:
    place = {"line": position[0], "character": position[1]}
    return {"textDocument": {"uri": URI}, "position": place, "context": {"triggerKind": kind}}


def place(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def applied(text: str, item: dict[str, Any], utf: str = "utf-16-le") -> str:
    """A text after an inline item was accepted, as an editor that counts in UTF-16 does it."""
    lines = text.splitlines(keepends=True) or [""]
    line = lines[item["range"]["start"]["line"]].encode(utf)
    start, end = (2 * item["range"][side]["character"] for side in ("start", "end"))
    lines[item["range"]["start"]["line"]] = line[:start].decode(utf) + item["insertText"] + line[end:].decode(utf)
    return "".join(lines)


def test_an_inline_item_replaces_the_line_before_the_cursor() -> None:
    async def run() -> None:
        async with session(Scripted("+ b")) as one:
            await one.open(BODY)
            (item,) = (await one.call(INLINE, inline((1, 13))))["items"]
            assert item["insertText"] == "total = a+ b" and item["range"] == place(1, 4, 13)
            assert applied(BODY, item) == BODY.replace("= a", "= a+ b")

    asyncio.run(run())


def test_positions_count_code_units() -> None:
    text = 'smile = "😋", x\r\n'

    async def run() -> None:
        source = Scripted("y")
        async with session(source) as one:
            await one.open(text)
            (item,) = (await one.call(INLINE, inline((0, 15))))["items"]
            assert item["range"] == place(0, 0, 15)
            assert applied(text, item) == 'smile = "😋", xy\r\n'
            assert source.requests[0].prompt == Infill('smile = "😋", ', "\n", "app.py")
            assert source.requests[0].begin == "x"

    asyncio.run(run())


def test_an_entry_of_the_list_is_gone_on_from() -> None:
    async def run() -> None:
        source = Scripted("(path)")
        async with session(source) as one:
            await one.open("os.list\n")
            context = {"triggerKind": 2, "selectedCompletionInfo": {"range": place(0, 3, 7), "text": "listdir"}}
            (item,) = (await one.call(INLINE, inline((0, 7), context=context)))["items"]
            assert item["insertText"] == "listdir(path)" and item["range"] == place(0, 3, 7)
            assert isinstance(source.requests[0].prompt, Infill)
            assert source.requests[0].prompt.prefix + source.requests[0].begin == "os.listdir"

    asyncio.run(run())


def test_the_ordinary_item() -> None:
    async def run() -> None:
        formats = {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}}
        async with session(Scripted("al(a,\n", "    b)"), capabilities={"textDocument": formats}) as one:
            await one.open(BODY.replace("\n", "\r\n").replace("    \r\n", "    tot\r\n"))
            found = await one.call(ORDINARY, ordinary((2, 7)))
            assert found["isIncomplete"]
            (item,) = found["items"]
            assert item["textEdit"] == {"range": place(2, 4, 7), "newText": "total(a,\r\n    b)"}
            assert item["filterText"] == "tot" and item["label"] == "total(a," and item["preselect"]
            assert item["insertTextMode"] == 1 and item["insertTextFormat"] == 1
            assert item["documentation"] == {"kind": "markdown", "value": "```python\ntotal(a,\n    b)\n```"}

    asyncio.run(run())


@pytest.mark.parametrize(("method", "params"), [(INLINE, inline), (ORDINARY, ordinary)])
def test_nothing_to_suggest(method: str, params: Any) -> None:
    async def run() -> None:
        async with session(Scripted(" ")) as one:
            await one.open(BODY)
            found = await one.call(method, params((2, 4)))
            assert found in (None, {"isIncomplete": True, "items": []})

    asyncio.run(run())


def test_parts_come_before_the_whole() -> None:
    source = Scripted("for x in a:\n", "        use(x)\n", "    return b")
    source.waits = True

    async def run() -> None:
        async with session(source) as one:
            await one.open(BODY)
            number = one.ask(INLINE, inline((2, 4), partialResultToken="part", workDoneToken="done"))
            source.go_on.release()
            first = await one.seen(lambda message: message.get("params", {}).get("token") == "part")
            (item,) = first["params"]["value"]
            assert item["insertText"] == "for x in a:"
            source.go_on.release()
            assert (await one.answer(number))["result"] == {"items": []}
            parts = [m["params"]["value"] for m in one.messages if m.get("params", {}).get("token") == "part"]
            assert [item["insertText"] for (item,) in parts] == [
                "for x in a:",
                "for x in a:\n        use(x)\n    return b",
            ]
            kinds = [m["params"]["value"]["kind"] for m in one.messages if m.get("params", {}).get("token") == "done"]
            assert kinds == ["begin", "end"]

    asyncio.run(run())


async def _asked(one: Session, source: Scripted, **others: Any) -> int:
    """A request whose text has begun."""
    await one.open(BODY)
    number = one.ask(INLINE, inline((2, 4), **others))
    await until(lambda: bool(source.requests))
    return number


def _after_cancel(one: Session, number: int) -> None:
    one.send("$/cancelRequest", {"id": number})


def _after_change(one: Session, number: int) -> None:
    one.change(BODY + "x")


def _after_close(one: Session, number: int) -> None:
    one.send("textDocument/didClose", {"textDocument": {"uri": URI}})


def _after_newer(one: Session, number: int) -> None:
    one.ask(INLINE, inline((2, 4)))


@pytest.mark.parametrize(
    ("withdraw", "code"),
    [(_after_cancel, -32800), (_after_change, -32801), (_after_close, -32801), (_after_newer, -32800)],
)
def test_a_request_that_is_withdrawn_is_answered_once_and_its_work_ends(withdraw: Any, code: int) -> None:
    source = Scripted("a\n", "b\n", "c")
    source.waits = True

    async def run() -> None:
        async with session(source) as one:
            number = await _asked(one, source, partialResultToken="part")
            withdraw(one, number)
            assert (await one.answer(number))["error"]["code"] == code
            seen = len(one.messages)
            await until(lambda: StopReason.CANCELLED in source.ends)
            source.waits = False
            source.go_on.release(9)
            await one.answer(one.ask("codegem/nothing", {}))  # whatever came late came before this
            later = one.messages[seen:]
            assert not [m for m in later if m.get("id") == number or m.get("params", {}).get("token") == "part"]

    asyncio.run(run())


@pytest.mark.parametrize("cancelled", [True, False])
def test_an_answer_that_is_ready_and_not_sent_stays_in(cancelled: bool) -> None:
    """The work is done, and before its answer goes out the request is cancelled or the text changes."""

    async def run() -> list[dict[str, Any]]:
        server, sent = make_server(lambda: opened(Scripted("1")), Acceptance()), Sent()
        protocol = server.protocol
        protocol.set_writer(sent, include_headers=False)
        document = {"uri": URI, "languageId": "python", "version": 1, "text": BODY}
        protocol.receive(message("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1))
        protocol.receive(message("textDocument/didOpen", {"textDocument": document}))
        await server.load()

        async def at_once(work: Callable[[], Any]) -> Any:
            return work()

        server.in_thread = at_once  # type: ignore[method-assign]  # so that one step of the task is all of it
        protocol.receive(message("textDocument/inlineCompletion", inline((2, 4)), 7))
        await asyncio.sleep(0)
        assert protocol._request_futures[7].done() and not any(m.get("id") == 7 for m in sent.messages)
        if cancelled:
            protocol.receive(message("$/cancelRequest", {"id": 7}))
        else:
            change = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "x"}]}
            protocol.receive(message("textDocument/didChange", change))
        await asyncio.sleep(0.01)
        server.close()
        return [m for m in sent.messages if m.get("id") == 7]

    (answer,) = asyncio.run(run())
    assert answer["error"]["code"] == (-32800 if cancelled else -32801)


def test_documents_do_not_withdraw_each_other() -> None:
    source = Scripted("a", "b")
    source.waits = True
    other = "file:///work/other.py"

    async def run() -> None:
        async with session(source) as one:
            number = await _asked(one, source)
            await one.open(BODY, uri=other)
            second = one.ask(INLINE, inline((2, 4), uri=other))
            source.go_on.release(9)
            assert (await one.answer(number))["result"]["items"][0]["insertText"] == "ab"
            assert (await one.answer(second))["result"]["items"][0]["insertText"] == "ab"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "told"),
    [(Busy("64 texts wait."), 0), (SourceError("The server is gone."), 1), (KeyError("bug"), 0)],
)
def test_a_source_that_fails(error: Exception, told: int) -> None:
    class Failing(Scripted):
        def generate(self, requests: Any) -> Any:
            raise error
            yield

    async def run() -> None:
        async with session(Failing()) as one:
            await one.open(BODY)
            for _ in range(2):
                answer = await one.answer(one.ask(INLINE, inline((2, 4))))
                assert answer.get("result") is None
                assert ("error" in answer) == isinstance(error, KeyError)
            assert one.count("window/showMessage") == told

    asyncio.run(run())


def test_reading_ahead_after_a_save() -> None:
    source = Scripted("1")

    async def run() -> None:
        async with session(source) as one:
            await one.open(BODY)
            await one.call(INLINE, inline((2, 4)))
            one.send("textDocument/didSave", {"textDocument": {"uri": URI}})
            await until(lambda: len(source.requests) == 2)
        asked, ahead = source.requests
        assert ahead.max_tokens == 0 and ahead.prompt == asked.prompt

    asyncio.run(run())


def test_other_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text("def area(width: int, height: int) -> int:\n    return width * height\n")
    text = "from shapes import area\n\nsize = \n"
    file = tmp_path / "app.py"

    async def run() -> None:
        source = Scripted("area(1, 2)")
        async with session(source, folder=tmp_path.as_uri()) as one:
            assert one.server.writer
            assert await asyncio.to_thread(one.server.writer.roots.of(file).ready, 10)
            await one.open(text, uri=file.as_uri())
            for wanted in (True, False):
                one.send("workspace/didChangeConfiguration", {"settings": {"codegem": {"context": wanted}}})
                await one.call(INLINE, inline((2, 7), uri=file.as_uri()))
        with_others, without = (request.prompt for request in source.requests)
        assert isinstance(with_others, Infill) and isinstance(without, Infill)
        assert with_others.path == "app.py"
        assert {path for path, _ in with_others.context} == {"shapes.py"}
        assert without.context == ()

    asyncio.run(run())


def test_the_log_says_where_a_suggestion_stands(index_of: Callable[..., Path]) -> None:
    code = "def closed(self, year):\n    self.closed_years.append(year, self.entries, self.journal, self.accounts)\n"
    index = TraceIndex.open(index_of(code))

    async def run() -> None:
        source = Scripted(code[28:])
        async with session(None, open_model=lambda: replace(opened(source), index=index)) as one:
            await one.open(code[:28] + "\n")
            (item,) = (await one.call(INLINE, inline((1, 4))))["items"]
            assert item["insertText"] == code[28:].rstrip()
            said = (await one.told("window/logMessage"))["params"]
            assert said == {
                "type": 3,
                "message": f"{len(spans(code[28:]))} tokens stand in ledger 1.0, file_0.py:1 (MIT)",
            }

    asyncio.run(run())
