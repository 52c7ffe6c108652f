"""A Hugging Face hub on this machine, which answers what the client asks: metadata, redirects, ranges, refusals."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """What the server knows, and what it was asked.

    Attributes:
        files: content by name, of the one repository `owner/model`.
        large: names whose content comes from another address, as with Git LFS.
        token: where given, requests must carry it.
        cuts: bytes after which the connection breaks, one number for each of the next downloads of a large file.
        answer: a status and an X-Error-Code for every request.
        damage: a byte of each large file arrives changed.
        asked: method, path and the Range of each request.
    """

    files: dict[str, bytes]
    large: frozenset[str] = frozenset({"model.safetensors"})
    token: str | None = None
    cuts: list[int] = field(default_factory=list)
    answer: tuple[int, str] | None = None
    damage: bool = False
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    endpoint: str = ""

    def downloads(self) -> list[tuple[str, str | None]]:
        """Path and Range of each request for content."""
        return [(path, part) for method, path, part in self.asked if method == "GET"]


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub at `hub.endpoint`, while the context lasts."""

    class Handler(_Handler):
        known = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    known: FakeHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._respond(body=False)

    def do_GET(self) -> None:
        self._respond(body=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _respond(self, body: bool) -> None:
        self.known.asked.append((self.command, self.path, self.headers.get("Range")))
        if found := re.fullmatch(r"/owner/model/resolve/(main|[0-9a-f]{40})/(.+)", self.path):
            self._file(found[2], body)
        elif found := re.fullmatch(r"/lfs/(.+)", self.path):
            self._large(found[1])
        else:
            self._refuse(404, "RepoNotFound")

    def _file(self, name: str, body: bool) -> None:
        hub = self.known
        if hub.answer:
            self._refuse(*hub.answer)
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self._refuse(401, "GatedRepo")
        elif name not in hub.files:
            self._refuse(404, "EntryNotFound")
        else:
            self._found(name, hub.files[name], body)

    def _found(self, name: str, content: bytes, body: bool) -> None:
        large = name in self.known.large
        self.send_response(302 if large else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        if large:
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
            # Another host than the endpoint's: the token must not go there.
            self.send_header("Location", self.known.endpoint.replace("127.0.0.1", "localhost") + f"/lfs/{name}")
        else:
            blob = b"blob %d\0" % len(content) + content
            self.send_header("ETag", f'"{hashlib.sha1(blob).hexdigest()}"')
        self.send_header("Content-Length", "0" if large else str(len(content)))
        self.end_headers()
        if body and not large:
            self.wfile.write(content)

    def _large(self, name: str) -> None:
        content = self.known.files[name]
        assert "Authorization" not in self.headers, "the token was sent to another host"
        start = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.known.damage:
            content = content[:-1] + bytes([content[-1] ^ 1])
        end = start + self.known.cuts.pop(0) if self.known.cuts else len(content)
        self.wfile.write(content[start:end])
        if end < len(content):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        if code == "InvalidToken":
            self.send_header("X-Error-Message", "Invalid credentials in Authorization header")
        self.send_header("Content-Length", "0")
        self.end_headers()
