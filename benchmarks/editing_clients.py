"""Editors for `editing.py`: one that asks `/infill` over HTTP, one that speaks to a language server."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typist import Key

# Lines around the cursor that llama.vim sends.
_BEFORE, _AFTER = 256, 64
_LATE = 0.005  # seconds after which an answer that comes despite its cancellation was not on its way already


@dataclass(frozen=True)
class Answer:
    """A suggestion; seconds until the first of its text, or until it was known to be empty, and until its end."""

    text: str
    first: float
    whole: float
    tokens: int


@dataclass
class Http:
    """Asks `/infill` with a stream, over one connection as long as nothing is given up."""

    port: int
    max_tokens: int
    stale: int = 0
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def change(self, key: Key) -> None:
        """Nothing: a request holds the text."""

    async def ask(self, key: Key) -> Answer:
        """One completion; cancelling closes the connection."""
        lines, after = key.prefix.split("\n"), key.suffix.split("\n")
        body = {
            "input_prefix": "\n".join(lines[:-1][-_BEFORE:]) + ("\n" if len(lines) > 1 else ""),
            "prompt": lines[-1],
            "input_suffix": "\n".join(after[: 1 + _AFTER]),
            "input_extra": [],
            "n_predict": self.max_tokens,
            "temperature": 0.0,
            "cache_prompt": True,
            "stream": True,
        }
        started = time.perf_counter()
        try:
            return await self._read(json.dumps(body).encode(), started)
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        """Close the connection."""
        self._drop()

    async def _send(self, body: bytes) -> tuple[asyncio.StreamReader, bytes]:
        """Send a request; the stream and the header of its answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        head = f"POST /infill HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return reader, await reader.readuntil(b"\r\n\r\n")

    async def _read(self, body: bytes, started: float) -> Answer:
        try:
            reader, header = await self._send(body)
        except (asyncio.IncompleteReadError, ConnectionError):  # llama.cpp closes a connection after 100 requests
            self._drop()
            reader, header = await self._send(body)
        assert header.startswith(b"HTTP/1.1 200"), header + await reader.read(1000)
        text, first, tokens, buffer = "", 0.0, 0, b""
        async for part in _chunks(reader):
            *events, buffer = (buffer + part).split(b"\n\n")
            for event in events:
                if event.startswith(b"data: {"):
                    data = json.loads(event[6:])
                    text += data.get("content", "")
                    first = first or (time.perf_counter() - started if text else 0)
                    tokens = data.get("timings", {}).get("predicted_n") or data.get("tokens_predicted") or tokens
        whole = time.perf_counter() - started
        return Answer(text, first or whole, whole, tokens)

    def _drop(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The parts of a body in chunks."""
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


@dataclass
class Lsp:
    """An editor beside a language server on its standard streams, which asks for inline completions."""

    process: asyncio.subprocess.Process
    stale: int = 0
    _next: int = 0
    _version: int = 0
    _path: str = ""
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _cancelled: dict[int, float] = field(default_factory=dict)
    _reader: asyncio.Task | None = None

    async def start(self, root: Path) -> None:
        """The handshake."""
        self._reader = asyncio.create_task(self._listen())
        capabilities = {"general": {"positionEncodings": ["utf-32"]}, "textDocument": {"inlineCompletion": {}}}
        answer = await self._request(
            "initialize", {"processId": None, "rootUri": root.as_uri(), "capabilities": capabilities}
        )
        assert answer["result"]["capabilities"].get("positionEncoding") == "utf-32", answer
        self._send({"method": "initialized", "params": {}})
        place = Key("jump", 0, "warm.py", "def add(a, b):\n    return ", "\n", switched=True)
        await self.change(place)
        for _ in range(600):  # the model is loaded while the editor goes on
            if (await self.ask(place)).text:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("the language server suggested nothing within a minute")

    async def change(self, key: Key) -> None:
        """Open a file, or tell what a key changed."""
        uri = f"file:///typist/{key.path}"
        self._version += 1
        if key.switched:
            if self._path:
                self._send({"method": "textDocument/didClose", "params": {"textDocument": {"uri": self._path}}})
            self._path = uri
            document = {"uri": uri, "languageId": "", "version": self._version, "text": key.prefix + key.suffix}
            self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
            return
        start = key.prefix.removesuffix(key.inserted)
        end = _position(start)
        # What was removed stood in the line of the cursor.
        places = {"start": end, "end": {"line": end["line"], "character": end["character"] + key.removed}}
        changes = [{"range": places, "text": key.inserted}]
        document = {"uri": uri, "version": self._version}
        self._send(
            {"method": "textDocument/didChange", "params": {"textDocument": document, "contentChanges": changes}}
        )

    async def ask(self, key: Key) -> Answer:
        """One inline completion, asked for by hand, since a pause before asking is not to be measured."""
        started = time.perf_counter()
        token = f"partial-{self._next}"
        answer = await self._request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": self._path},
                "position": _position(key.prefix),
                "context": {"triggerKind": 1},
                "workDoneToken": token,
            },
        )
        whole = time.perf_counter() - started
        items = (answer.get("result") or {}).get("items", [])
        return Answer(items[0]["insertText"] if items else "", whole, whole, 0)

    async def close(self) -> None:
        """Shut the server down."""
        await self._request("shutdown", None)
        self._send({"method": "exit", "params": None})
        await self.process.wait()

    async def _request(self, method: str, params: Any) -> dict[str, Any]:
        self._next += 1
        number = self._next
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        try:
            return await self._waiting[number]
        except asyncio.CancelledError:
            self._cancelled[number] = time.perf_counter()
            self._send({"method": "$/cancelRequest", "params": {"id": number}})
            raise

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def _listen(self) -> None:
        assert self.process.stdout
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                header = await self.process.stdout.readuntil(b"\r\n\r\n")
                length = next(line for line in header.split(b"\r\n") if line.lower().startswith(b"content-length"))
                self._take(json.loads(await self.process.stdout.readexactly(int(length.split(b":")[1]))))

    def _take(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        if "method" in message and number is not None:  # the server asks something: say that there is nothing
            items = message.get("params", {}).get("items") if isinstance(message.get("params"), dict) else None
            self._send({"id": number, "result": [None] * len(items) if items else None})
        elif number in self._cancelled:
            late = time.perf_counter() - self._cancelled.pop(number) > _LATE
            self.stale += late and "result" in message and bool(message["result"])
            self._waiting.pop(number, None)
        elif number in self._waiting and not (future := self._waiting.pop(number)).done():
            future.set_result(message)


def _position(text: str) -> dict[str, int]:
    return {"line": text.count("\n"), "character": len(text) - text.rfind("\n") - 1}


Connect = Callable[[int], Awaitable[Http | Lsp]]


@dataclass(frozen=True)
class Server:
    """How a server is started; a language server is started for each editor.

    Attributes:
        words: of its command; `{port}` stands for a free port, which an HTTP server gets.
    """

    words: tuple[str, ...]
    speaks_http: bool

    @staticmethod
    def codegem(model: str) -> "Server":
        """`codegem serve`."""
        return Server((sys.executable, "-m", "codegem", "serve", "--model", model, "--port", "{port}"), True)

    @staticmethod
    def lsp(model: str) -> "Server":
        """`codegem lsp`."""
        return Server((sys.executable, "-m", "codegem", "lsp", "--model", model), False)

    @staticmethod
    def llama(program: Path, model: str, folder: Path, typists: int, threads: int) -> "Server":
        """llama.cpp's server with the same weights, and a slot for each typist."""
        file = folder / "model.gguf"
        convert = [sys.executable, "-m", "codegem", "convert", model, str(file), "--to", "gguf", "--type", "bf16"]
        subprocess.run(convert, check=True, stdout=subprocess.DEVNULL)
        # A batch of 256 makes it cut prompts to 192 tokens before the cursor and 64 after it: nano's context.
        words = [str(program), "-m", str(file), "--port", "{port}", "-np", str(typists), "-c", str(512 * typists)]
        words += ["-b", "256", "-ub", "256", "--spm-infill", "-t", str(threads), "--no-webui", "--cache-ram", "0"]
        return Server(tuple(words), True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Connect, int]]:
        """How to connect an editor, and the number of the (first) process."""
        if self.speaks_http:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            words = [word.replace("{port}", str(port)) for word in self.words]
            process = await asyncio.create_subprocess_exec(
                *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
            try:
                await _listening(port, process)
                yield lambda max_tokens: _http(port, max_tokens), process.pid
            finally:
                process.terminate()
                await process.wait()
        else:
            processes = [await _start(self.words)]
            unused = list(processes)

            async def connect(max_tokens: int) -> Lsp:
                client = Lsp(unused.pop() if unused else await _start(self.words))
                processes.append(client.process)
                await client.start(Path.cwd())
                return client

            yield connect, processes[0].pid
            for each in processes:
                if each.returncode is None:
                    each.kill()


async def _http(port: int, max_tokens: int) -> Http:
    return Http(port, max_tokens)


async def _start(words: tuple[str, ...]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *words, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, limit=2**24
    )


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    """Wait until `/health` says that a model is loaded."""
    for _ in range(600):
        assert process.returncode is None, f"the server ended with {process.returncode}"
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                return
        await asyncio.sleep(0.1)
    raise TimeoutError("the server did not come up within a minute")
