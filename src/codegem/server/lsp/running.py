"""A session over two streams of bytes, from the first message to the exit status."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import BinaryIO

from codegem.server.lsp.frames import FrameWriter, TooLong, read_frames
from codegem.server.lsp.server import Server


def serve(server: Server, reader: BinaryIO, writer: BinaryIO) -> int:
    """Serve one editor until it says `exit` or is gone.

    Returns:
        The exit status that the protocol wants: 0 after `shutdown`, else 1.
    """
    return asyncio.run(_session(server, reader, writer))


def serve_once(server: Server, port: int, on_port: Callable[[int], object]) -> int:
    """Serve the first editor that connects to a port of this machine; 0 takes a free one, which `on_port` is told."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        on_port(listening.getsockname()[1])
        connection, _ = listening.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, writer = connection.makefile("rb"), connection.makefile("wb")
    try:
        return serve(server, reader, writer)
    finally:
        with contextlib.suppress(OSError):  # the client is gone, and something for it was left
            writer.close()
        connection.close()


async def _session(server: Server, reader: BinaryIO, writer: BinaryIO) -> int:
    loop, protocol = asyncio.get_running_loop(), server.protocol
    ended: asyncio.Future[int] = loop.create_future()

    def take(frame: bytes | TooLong | None) -> None:
        if frame is None:
            protocol.on_exit(protocol.exit_status)
        elif not ended.done():
            protocol.receive(frame)

    def read() -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # the stream is closed, or the session over
            for frame in read_frames(reader):
                loop.call_soon_threadsafe(take, frame)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(take, None)

    protocol.on_exit = lambda status: ended.done() or ended.set_result(status)
    protocol.set_writer(FrameWriter(writer))
    threading.Thread(target=read, name="codegem-lsp-reader", daemon=True).start()
    try:
        return await ended
    finally:
        server.close()
