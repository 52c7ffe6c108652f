"""Editors for the tests of the language server: a bare one that sees every message, and pytest-lsp's."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from codegem.assist.acceptance import Acceptance
from codegem.assist.context import Window
from codegem.generate import Chunk, Request, StopReason
from codegem.server.lsp.features import make_server
from codegem.server.lsp.model import Opened
from codegem.server.lsp.running import serve
from codegem.server.lsp.server import Server
from codegem.text.tokenizer import ByteTokenizer

URI = "file:///work/app.py"


class Scripted:
    """A source that says the same to everybody, one part after the other, and notes what it is asked."""

    name = "scripted"

    def __init__(self, *parts: str):
        self.parts = parts
        self.requests: list[Request] = []
        self.ends: list[StopReason] = []
        self.go_on = threading.Semaphore(0)
        self.waits = False

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        """The parts; with `waits`, each but the first only after `go_on` was released, or cancelled."""
        (request,) = requests
        self.requests.append(request)
        for at, part in enumerate(self.parts):
            while at and self.waits and not self.go_on.acquire(timeout=0.005):
                if request.cancelled():
                    break
            if request.cancelled():
                self.ends.append(StopReason.CANCELLED)
                yield Chunk(0, "", 0, StopReason.CANCELLED)
                return
            yield Chunk(0, part, 1)
        self.ends.append(StopReason.STOP)
        yield Chunk(0, "", 0, StopReason.STOP)


def opened(source: Any, length: int = 4096) -> Opened:
    """A model that is there at once."""
    return Opened(source, Window(ByteTokenizer(), length), True, lambda: None)


@dataclass
class Session:
    """A server on a thread of its own, and a bare client of it.

    Attributes:
        messages: all that came from the server, in their order.
        status: the exit status, once it has ended.
    """

    server: Server
    stream: socket.socket
    messages: list[dict[str, Any]] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _thread: threading.Thread | None = None
    _writer: asyncio.StreamWriter | None = None
    _numbers: int = 0

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._writer
        self._writer.write(data)

    def send(self, method: str, params: Any = None, **others: Any) -> None:
        """Send a message, by default a notification."""
        self._send({"method": method, "params": params} | others)

    def reply(self, number: Any, result: Any) -> None:
        """Answer a request of the server."""
        self._send({"id": number, "result": result})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        self.raw(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def ask(self, method: str, params: Any = None) -> int:
        """Send a request; gives its number."""
        self._numbers += 1
        self.send(method, params, id=self._numbers)
        return self._numbers

    async def call(self, method: str, params: Any = None) -> Any:
        """Send a request and wait for its result."""
        answer = await self.answer(self.ask(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    async def answer(self, number: int | None) -> dict[str, Any]:
        """The answer to a request."""
        return await self.seen(lambda message: message.get("id") == number and "method" not in message)

    async def told(self, method: str) -> dict[str, Any]:
        """The first notification or request of a kind."""
        return await self.seen(lambda message: message.get("method") == method)

    async def seen(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that is wanted, when it is there."""
        async with asyncio.timeout(20), self._came:
            while True:
                for message in self.messages:
                    if wanted(message):
                        return message
                await self._came.wait()

    def count(self, method: str) -> int:
        """How many messages of a kind came."""
        return sum(message.get("method") == method for message in self.messages)

    async def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        """Show a document."""
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})

    def change(self, text: str, version: int = 2, uri: str = URI) -> None:
        """Put another text in a document's place."""
        document = {"uri": uri, "version": version}
        self.send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    async def start(self, capabilities: dict[str, Any], options: Any, folder: str | None) -> dict[str, Any]:
        """The handshake; gives what the server can do. The model is there afterwards."""
        params = {"processId": None, "rootUri": folder, "capabilities": capabilities}
        if options is not None:
            params["initializationOptions"] = options
        result = await self.call("initialize", params)
        self.send("initialized", {})
        return result["capabilities"]

    async def ready(self) -> None:
        """Wait for the model."""
        await until(lambda: self.server.writer is not None)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Keep what comes."""
        while header := await reader.readline():
            length = int(header.partition(b":")[2])
            while (await reader.readline()).strip():
                pass
            message = json.loads(await reader.readexactly(length))
            async with self._came:
                self.messages.append(message)
                self._came.notify_all()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that no message tells of."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.002)


def message(method: str, params: Any, number: int | None = None) -> bytes:
    """The body of a notification, or of a request where it has a number."""
    asked = {} if number is None else {"id": number}
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params} | asked).encode()


class Sent:
    """A writer for a server without a transport: keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        """Keep a message."""
        self.messages.append(json.loads(data))

    def close(self) -> None:
        """Nothing is open."""


def inline(position: tuple[int, int], kind: int = 1, uri: str = URI, **others: Any) -> dict[str, Any]:
    """Parameters of `textDocument/inlineCompletion`."""
    place = {"line": position[0], "character": position[1]}
    return {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": kind}} | others


@asynccontextmanager
async def session(source: Any, **settings: Any) -> AsyncIterator[Session]:
    """A bare client of a server that asks `source`, after the handshake."""
    open_model = settings.pop("open_model", lambda: opened(source))
    async with connected(open_model) as one:
        await one.start(settings.get("capabilities", {}), settings.get("options"), settings.get("folder"))
        if settings.get("ready", True):
            await one.ready()
        yield one


@asynccontextmanager
async def connected(open_model: Callable[[], Opened]) -> AsyncIterator[Session]:
    """A bare client before the handshake."""
    ours, theirs = socket.socketpair()
    server = make_server(open_model, Acceptance())
    one = Session(server, ours)

    def run() -> None:
        with suppress(OSError), theirs, theirs.makefile("rb") as reader, theirs.makefile("wb") as writer:
            one.status.append(serve(server, reader, writer))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    reader, one._writer = await asyncio.open_connection(sock=ours)
    listening = asyncio.create_task(one.listen(reader))
    try:
        yield one
    finally:
        one._writer.close()
        await asyncio.to_thread(thread.join, 10)
        listening.cancel()
        assert one.status, "the server did not end"
