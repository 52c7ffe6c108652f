"""A session from `initialize` to `exit`: settings, loading, mistakes of a client, and its end."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.server.lsp.features import make_server
from codegem.server.lsp.model import Opened
from codegem.server.lsp.options import Options, read_options
from codegem.server.lsp.server import Server

from .lsp_client import URI, Scripted, Session, connected, inline, opened, session, until

INLINE = "textDocument/inlineCompletion"


def test_what_the_server_can_do() -> None:
    async def run() -> None:
        async with connected(lambda: opened(Scripted("x"))) as one:
            general = {"positionEncodings": ["utf-16", "utf-8"]}
            able = await one.start({"general": general}, None, None)
        assert able["positionEncoding"] == "utf-8"
        assert able["inlineCompletionProvider"] == {"workDoneProgress": True}
        assert able["completionProvider"]["triggerCharacters"]
        assert able["textDocumentSync"]["change"] == 2
        assert able["textDocumentSync"]["save"]
        assert {"codegem.accepted", "codegem.dismissed"} <= set(able["executeCommandProvider"]["commands"])

    asyncio.run(run())


@pytest.mark.parametrize(
    ("inline_known", "asked", "expected"),
    [(False, "auto", True), (True, "auto", False), (True, "on", True), (False, "off", False)],
)
def test_ordinary_completion_is_for_editors_without_the_other(inline_known: bool, asked: str, expected: bool) -> None:
    async def run() -> None:
        async with connected(lambda: opened(Scripted("x"))) as one:
            capabilities = {"textDocument": {"inlineCompletion": {}} if inline_known else {}}
            able = await one.start(capabilities, {"ordinary": asked}, None)
        assert ("completionProvider" in able) == expected

    asyncio.run(run())


def test_shutdown_and_exit() -> None:
    async def run() -> tuple[dict[str, Any], list[int]]:
        async with session(Scripted("x")) as one:
            assert await one.call("shutdown") is None
            refused = await one.answer(one.ask(INLINE, inline((0, 0))))
            one.send("exit")
        return refused, one.status

    refused, status = asyncio.run(run())
    assert refused["error"]["code"] == -32600
    assert status == [0]


@pytest.mark.parametrize("goodbye", [True, False])
def test_an_end_without_shutdown(goodbye: bool) -> None:
    """`exit` alone, or a client that dies, while a suggestion is written."""
    source = Scripted("a", "b")
    source.waits = True

    async def run() -> list[int]:
        async with session(source) as one:
            await one.open("x = ")
            one.ask(INLINE, inline((0, 4)))
            await until(lambda: bool(source.requests))
            if goodbye:
                one.send("exit")
        return one.status

    assert asyncio.run(run()) == [1]


def test_the_first_request_is_initialize() -> None:
    async def run() -> None:
        async with connected(lambda: opened(Scripted("x"))) as one:
            await one.open("x")
            early = await one.answer(one.ask(INLINE, inline((0, 0))))
            assert early["error"]["code"] == -32002
            await one.start({}, None, None)
            again = await one.answer(one.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}}))
            assert again["error"]["code"] == -32600

    asyncio.run(run())


MALFORMED = [
    b"Content-Length: 5\r\n\r\nhello",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: 17\r\n\r\n" + b'{"jsonrpc":"1.0"}',
    b"Content-Length: 9\r\n\r\n\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7",
    b"Content-Length: 100000\r\n\r\n" + b"[" * 100000,
    b"Content-Length: minus one\r\n\r\nContent-Type: nonsense\r\n\r\n",
    b"\r\n\r\n\x00\x01\x02\r\n",
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_is_no_message_ends_nothing(data: bytes) -> None:
    async def run() -> None:
        async with session(Scripted("42")) as one:
            one.raw(data)
            await one.open("x = ")
            assert (await one.call(INLINE, inline((0, 4))))["items"][0]["insertText"] == "x = 42"

    asyncio.run(run())


WRONG: list[tuple[str, Any]] = [
    (INLINE, None),
    (INLINE, {}),
    (INLINE, inline((-1, 0))),
    (INLINE, inline((0, 0), kind=7)),
    ("textDocument/completion", {"textDocument": {"uri": URI}, "position": "here"}),
    ("textDocument/didOpen", {"textDocument": 1}),
    ("workspace/executeCommand", {"command": "rm -rf", "arguments": []}),
    ("workspace/executeCommand", {"command": "codegem.accepted", "arguments": 1}),
]


@pytest.mark.parametrize(("method", "params"), WRONG)
def test_wrong_parameters_are_an_error(method: str, params: Any) -> None:
    async def run() -> None:
        async with session(Scripted("42")) as one:
            answer = await one.answer(one.ask(method, params))
            assert answer["error"]["code"] == -32602
            unknown = await one.answer(one.ask("codegem/nothing", {}))
            assert unknown["error"]["code"] == -32601

    asyncio.run(run())


def test_a_document_that_is_not_open() -> None:
    async def run() -> None:
        async with session(Scripted("42")) as one:
            assert await one.call(INLINE, inline((0, 0))) is None
            one.change("x")
            one.send("textDocument/didClose", {"textDocument": {"uri": URI}})
            one.send("textDocument/didSave", {"textDocument": {"uri": URI}})
            one.send("$/cancelRequest", {"id": 99})
            assert await one.call(INLINE, inline((0, 0))) is None

    asyncio.run(run())


def test_a_model_that_takes_its_time() -> None:
    """The session begins at once, and requests before the model is there give nothing."""
    gate = threading.Event()

    def open_model() -> Opened:
        gate.wait(10)
        return opened(Scripted("42"))

    async def run() -> None:
        async with connected(open_model) as one:
            await one.start({"window": {"workDoneProgress": True}}, None, None)
            asked = await one.told("window/workDoneProgress/create")
            one.reply(asked["id"], None)
            begun = await one.told("$/progress")
            assert begun["params"]["value"]["kind"] == "begin"
            await one.open("x = ")
            assert await one.call(INLINE, inline((0, 4))) is None
            gate.set()
            await one.ready()
            assert (await one.call(INLINE, inline((0, 4))))["items"]
            await one.seen(lambda message: message.get("params", {}).get("value", {}).get("kind") == "end")

    asyncio.run(run())


@pytest.mark.parametrize("error", [UserError("There is no model 'nanoo'."), ValueError("broken")])
def test_a_model_that_is_not_there(error: Exception) -> None:
    def open_model() -> Opened:
        raise error

    async def run() -> None:
        async with connected(open_model) as one:
            await one.start({}, None, None)
            told = await one.told("window/showMessage")
            assert str(error) in told["params"]["message"]
            await one.open("x = ")
            assert await one.call(INLINE, inline((0, 4))) is None
            assert one.count("window/showMessage") == 1

    asyncio.run(run())


def test_settings_that_are_pulled() -> None:
    async def run() -> None:
        async with session(Scripted("42"), capabilities={"workspace": {"configuration": True}}) as one:
            asked = await one.told("workspace/configuration")
            assert asked["params"]["items"] == [{"section": "codegem"}]
            one.reply(asked["id"], [{"enabled": False}])
            await one.open("x = ")
            await until(lambda: not one.server.options.enabled)
            assert await one.call(INLINE, inline((0, 4))) is None

    asyncio.run(run())


def test_settings_that_are_pushed() -> None:
    async def run() -> None:
        async with session(Scripted("42"), options={"languages": {"python": False}}) as one:
            await one.open("x = ")
            assert await one.call(INLINE, inline((0, 4))) is None
            one.send("workspace/didChangeConfiguration", {"settings": {"codegem": {"languages": {}}}})
            assert await one.call(INLINE, inline((0, 4)))
            settings = {"codegem": {"maxTokens": "many", "lines": "two", "debounce": -1, "enabled": True}}
            one.send("workspace/didChangeConfiguration", {"settings": settings})
            told = (await one.told("window/showMessage"))["params"]["message"]
            assert "codegem.maxTokens" in told and "codegem.lines" in told and "codegem.debounce" in told
            assert one.server.options == Options()
            assert one.count("window/showMessage") == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    "told", [None, {}, [], {"codegem": []}, {"codegem": None}, {"editor": {"tabSize": 2}}, {"maxTokens": None}]
)
def test_settings_that_say_nothing(told: Any) -> None:
    assert read_options(told) == (Options(), [])


@pytest.mark.parametrize("told", [[1], "x", {"codegem": 3}, {"languages": {"python": "no"}}, {"maxTokens": 10**9}])
def test_settings_that_can_not_be(told: Any) -> None:
    options, wrong = read_options(told)
    assert options == Options() and len(wrong) == 1


def test_acceptance_is_counted() -> None:
    async def run() -> None:
        async with session(Scripted("42")) as one:
            await one.open("x = ")
            (item,) = (await one.call(INLINE, inline((0, 4))))["items"]
            command = item["command"]
            assert command["command"] == "codegem.accepted"
            run_it = {"command": command["command"], "arguments": command["arguments"]}
            assert await one.call("workspace/executeCommand", run_it) is None
            assert await one.call("workspace/executeCommand", {"command": "codegem.dismissed"}) is None
            total = one.server.counts.total()
            assert (total.shown, total.accepted, total.characters) == (1, 1, 2)

    asyncio.run(run())


def test_folders_come_and_go(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(Scripted("42"), folder=tmp_path.as_uri()) as one:
            assert one.server.writer
            roots, file = one.server.writer.roots, tmp_path / "b" / "c.py"
            assert roots.path(file) == "b/c.py"
            change = {"added": [{"uri": (tmp_path / "b").as_uri(), "name": "b"}], "removed": []}
            one.send("workspace/didChangeWorkspaceFolders", {"event": change})
            one.send("workspace/didChangeWatchedFiles", {"changes": []})
            await until(lambda: roots.path(file) == "c.py")

    asyncio.run(run())


def _held(server: Server) -> dict[str, int]:
    """How much each container of a session holds."""
    owners = (server, server.protocol, server.work_done_progress, server.edits)
    containers = dict | list | set
    return {
        f"{type(owner).__name__}.{name}": len(value)
        for owner in owners
        for name, value in vars(owner).items()
        if isinstance(value, containers)
    }


async def _visit(one: Session, text: str) -> None:
    """Open a file and type in it: of three requests two are withdrawn; accept, save, close."""
    await one.open(text)
    for version in range(2, 5):
        one.change(f"{text}{version}", version)
        place = inline((0, len(text) + 1), workDoneToken=f"{text}-{version}", partialResultToken=f"part-{version}")
        asked = one.ask(INLINE, place)
        if version == 3:
            one.send("$/cancelRequest", {"id": asked})
    await one.answer(asked)
    await one.call("workspace/executeCommand", {"command": "codegem.accepted", "arguments": [text]})
    for told in ("textDocument/didSave", "textDocument/didClose"):
        one.send(told, {"textDocument": {"uri": URI}})


def test_what_is_over_is_forgotten() -> None:
    async def run() -> None:
        async with session(Scripted("+ 1\n", "y = 2\n")) as one:
            held = []
            for some in ("x", "yyyyyyyyyyyy"):
                for each in range(len(some)):
                    await _visit(one, f"{some[each:]} = {each}")
                await until(lambda: not one.server._tasks and not one.server.protocol.documents)
                held.append(_held(one.server))
            assert sum(bool(m.get("result")) or "error" in m for m in one.messages) > 12
            assert one.count("$/progress") > 24
            assert held[0] == held[1]

    asyncio.run(run())


def test_a_server_is_for_one_session() -> None:
    assert make_server(lambda: opened(Scripted("x")), None).writer is None  # type: ignore[arg-type]
