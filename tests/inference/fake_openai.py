"""A server of OpenAI's completions API on the loopback, good or broken as a test wants it."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codegem.errors import SourceError
from codegem.generate import Output, Request, finished, outputs
from codegem.inference.remote import RemoteModel


class Handler(BaseHTTPRequestHandler):
    """One request to the fake."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers), {}))
        self.server.models(self)

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers), payload))
        self.server.answer(self, payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""

    def say(self, status: int, body: object, **headers: str) -> None:
        """A whole answer; bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        """The head of a stream."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, data: bytes) -> None:
        """A piece of the stream."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, text: str | None, reason: str | None = None, **more: object) -> None:
        """One event."""
        choice = {"index": 0, "text": text, "finish_reason": reason}
        self.send(b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n")

    def end(self, tokens: int | None = None) -> None:
        """The count of tokens, and the end of the stream."""
        if tokens is not None:
            self.send(
                b"data: " + json.dumps({"choices": [], "usage": {"completion_tokens": tokens}}).encode() + b"\n\n"
            )
        self.send(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """End the connection as a process does that is killed."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[[Handler, dict[str, Any]], object]


def words(
    handler: Handler, payload: dict[str, Any], texts: Sequence[str] = ("hello ", "again"), reason: str = "stop"
) -> None:
    """The good answer: some words, then the end."""
    handler.begin()
    for text in texts:
        handler.event(text)
    handler.event("", reason)
    handler.end(len(texts))


class Server(ThreadingHTTPServer):
    """The fake; `seen` holds (path, headers, payload) of each request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, models: Callable[[Handler], object] | None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.models = models or (lambda h: h.say(200, {"data": [{"id": "fake", "owned_by": "vllm"}, {"id": "other"}]}))
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Payloads of the requests for text."""
        return [payload for path, _, payload in self.seen if path.endswith("/completions")]

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up; that is no news."""


@contextmanager
def serving(answer: Answer = words, models: Callable[[Handler], object] | None = None) -> Iterator[Server]:
    """A running fake."""
    server = Server(answer, models)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def one(address: str, request: Request | None = None, **settings: Any) -> Output:
    """The answer to one request."""
    (output,) = outputs(RemoteModel(address, **settings), [request or Request("Say it:")])
    return output


def lost(answer: Callable[[Handler, dict[str, Any]], object], **settings: Any) -> str:
    """Why a server that answers so gives nothing, and it gives nothing."""
    with serving(answer) as server, pytest.raises(SourceError) as caught:
        found = []
        for output in finished(RemoteModel(server.address, **{"retries": 0, **settings}), [Request("x")]):
            found.append(output)
    assert not found
    assert list(caught.value.failed) == [0]
    return caught.value.failed[0]
