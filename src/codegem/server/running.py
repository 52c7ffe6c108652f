"""A server that runs: a socket that is there before the model is, and an end that waits for nobody's stream."""

import asyncio
import errno
import socket
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from codegem.errors import UserError
from codegem.server.connection import Connection
from codegem.server.state import ServerState

_BACKLOG = 256
_KEEP_ALIVE_SECONDS = 75  # a person's pause between two suggestions
_GRACE_SECONDS = 5


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one.

    Raises:
        UserError: the address is taken, or is none of this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # asyncio switches Nagle's algorithm off only where the protocol is named; with it each answer takes 40 ms more.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise UserError(f"{host} is no address of this machine ({error.strerror or error}).") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"Port {port} on {host} is in use; end what listens there, or give another --port."
            ) from None
        raise UserError(f"Nothing can listen on {host}, port {port} ({error.strerror}).") from None
    return listening


class Server(uvicorn.Server):
    """uvicorn, which ends all texts when it is told to stop, and exits as if nothing had happened."""

    def __init__(self, app: Starlette):
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                backlog=_BACKLOG,
            )
        )
        self._state: ServerState = app.state.codegem
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all texts, then wait for what their clients are still sent."""
        self._state.stop()
        await super().shutdown(sockets)
        # uvicorn raises a signal again once it is done, which would make the exit status that of a killed process.
        self._captured_signals.clear()

    def end(self) -> None:
        """Stop, from any thread."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on SIGINT and SIGTERM; the texts at once."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._state.stop)
