"""Answers that come in parts: server-sent events (WHATWG HTML, section 9.2) and lines of JSON (NDJSON).

Nothing is sent before the first part is there, so that a request that can't be met gets its status. What goes wrong
later comes as the last part.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Literal

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from codegem.server.failures import body_of, sentence_of, status_of

UNREAD_SECONDS = 30.0
_TYPES = {"sse": b"text/event-stream; charset=utf-8", "ndjson": b"application/x-ndjson"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: Any) -> bytes:
    """JSON as short as it can be, on one line."""
    return _encode(value).encode("utf-8", "replace")


class Json(Response):
    """An answer in JSON, in as few bytes as it can be."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content)


class Stream:
    """An answer, as Starlette takes it, of objects as they come.

    Args:
        parts: objects; a text stands for itself (OpenAI's `[DONE]`).
    """

    def __init__(self, parts: AsyncGenerator[Any], kind: Literal["sse", "ndjson"] = "sse"):
        self.parts, self.kind = parts, kind
        self.status_code = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first = await anext(self.parts, None)
            await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
            await self._send(scope, send, b"" if first is None else self._framed(first))
            try:
                async for part in self.parts:
                    await self._send(scope, send, self._framed(part))
            except ClientDisconnect:
                raise
            except Exception as error:
                await self._send(scope, send, self._framed(self._told(scope, error)))
                if status_of(error) == 500:
                    raise
            await self._send(scope, send, b"", more=False)
        finally:
            await self.parts.aclose()

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"content-type", _TYPES[self.kind]), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]

    def _framed(self, part: Any) -> bytes:
        data = part.encode() if isinstance(part, str) else dumps(part)
        return b"data: " + data + b"\n\n" if self.kind == "sse" else data + b"\n"

    def _told(self, scope: Scope, error: Exception) -> dict[str, Any]:
        return body_of(scope["path"], status_of(error), sentence_of(error))

    async def _send(self, scope: Scope, send: Send, body: bytes, more: bool = True) -> None:
        """Send a part; whoever reads nothing for too long is cut off."""
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            if cut := scope.get("codegem.cut"):
                cut()
            raise ClientDisconnect from None
