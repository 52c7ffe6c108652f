"""One connection: bounds that uvicorn leaves open, so that a client that dawdles or floods costs nobody else anything.

A head must be whole within seconds and no longer than a few dozen KiB. Where too many connections are open, the oldest
one that asks nothing gives way to the new one. An answer that nobody reads can be cut off.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 15.0
MOST_HEAD_BYTES = 1 << 16
MOST_CONNECTIONS = 512
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"  # and no body
)

_Protocol: Any = AutoHTTPProtocol  # httptools where it is installed, else h11


class Connection(_Protocol):
    """uvicorn's protocol with bounds."""

    def __init__(self, *arguments: Any, **settings: Any):
        super().__init__(*arguments, **settings)
        self._answer, self.app = self.app, self._with_cut
        self._head_bytes = 0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        order = self.server_state.__dict__.setdefault("codegem_order", {})
        order[self] = None
        if len(order) > MOST_CONNECTIONS:
            oldest = next((one for one in order if one is not self and one.is_idle), self)
            oldest.transport.abort()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.__dict__.get("codegem_order", {}).pop(self, None)
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before, was_idle = self.cycle, self.is_idle
        super().data_received(data)
        if self.cycle is not before:
            self._head_came()
        elif was_idle:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.write(_TOO_LONG)
                self.transport.close()
            elif self._watch is None:
                self._wait_for_head()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._watch = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_came(self) -> None:
        self._head_bytes = 0
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _with_cut(self, scope: Any, receive: Any, send: Any) -> None:
        """The application, told how to end a connection whose client reads nothing."""
        scope["codegem.cut"] = self.transport.abort
        await self._answer(scope, receive, send)
