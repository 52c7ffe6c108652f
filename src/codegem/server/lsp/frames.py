"""The base protocol: messages with a header that says how long they are, over two streams of bytes."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

MOST_BYTES = 64 * 2**20
_MOST_HEADER = 4096


class TooLong(Exception):
    """A message is longer than is read."""


def read_frames(stream: BinaryIO, most: int = MOST_BYTES) -> Iterator[bytes | TooLong]:
    """The body of each message up to the end of the stream.

    A header without a length is passed over, as is a body longer than `most` bytes, of which `TooLong` tells.

    >>> import io
    >>> list(read_frames(io.BytesIO(b"Content-Length: 2\\r\\nContent-Type: x\\r\\n\\r\\n{}")))
    [b'{}']
    """
    while (length := _read_header(stream)) is not None:
        if length > most:
            if not _skip(stream, length):
                return
            yield TooLong(f"A message of {length} bytes came; {most} are read.")
            continue
        body = stream.read(length)
        if len(body) < length:
            return
        yield body


def _read_header(stream: BinaryIO) -> int | None:
    """The length that a header gives, or None at the end of the stream."""
    length = None
    while line := stream.readline(_MOST_HEADER):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
        elif not line.strip() and length is not None:
            return length
    return None


def _skip(stream: BinaryIO, length: int) -> bool:
    """Read so many bytes and forget them; False where the stream ends before."""
    while length:
        part = stream.read(min(length, 1 << 20))
        if not part:
            return False
        length -= len(part)
    return True


class FrameWriter:
    """What pygls writes to: whole messages, each sent at once."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Send a message; to nobody where the client is gone, as the end of its own stream tells the server."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(data)
            self._stream.flush()

    def close(self) -> None:
        """The stream belongs to whoever opened it."""
