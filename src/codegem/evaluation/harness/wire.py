"""Values as bytes, between the process with the test and the one with the program.

One letter says what follows. Numbers keep their exact value, and subclasses become what they are made of (a
`Counter` is a dict). Reading builds nothing but built-in values, decimals and fractions, so bytes from a program
can't run anything; whatever is malformed, too deep or too large is a `WireError`.

Example:
    >>> decode(encode([1, -2.5, "é", {(True, None): {3}}]))
    [1, -2.5, 'é', {(True, None): {3}}]
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False  # `typing` and `collections.abc` take longer to import than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

MOST_BYTES = 1 << 24  # of one message
MOST_DEPTH = 150  # containers within containers

_LENGTH = struct.Struct(">I")
_SMALL = struct.Struct(">q")
_FLOAT = struct.Struct(">d")
_VIEWS = {type({}.keys()): b"K", type({}.items()): b"I", type({}.values()): b"V"}
_PLAIN = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset, complex, bytearray, range)


class WireError(Exception):
    """A value that can't be sent, or bytes that are no value."""


class NoData(WireError):
    """A value that is no data."""


def encode(value: object, other: Callable[[object], int] | None = None) -> bytes:
    """A value as bytes.

    Args:
        other: gives a number for what is no data; without it such values are refused.

    Raises:
        NoData: it holds what is no data.
        WireError: it is too deep or too large.
    """
    writer = _Writer(other)
    writer.put(value, 0)
    return b"".join(writer.parts)


def decode(data: bytes, other: Callable[[int, str], object] | None = None) -> object:
    """The value of some bytes.

    Args:
        other: makes something of the number and the type's name of what is no data.

    Raises:
        WireError: the bytes are no value.
    """
    reader = _Reader(data, other)
    try:
        value = reader.get(0)
    except (struct.error, ValueError, TypeError, ArithmeticError, UnicodeError) as error:
        raise WireError(f"malformed: {error}") from None
    if reader.at != len(data):
        raise WireError("malformed: more bytes than a value")
    return value


def send(descriptor: int, payload: bytes) -> None:
    """Write a message: its length, then the bytes.

    Raises:
        OSError: nobody reads.
    """
    rest = memoryview(_LENGTH.pack(len(payload)) + payload)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(read: Callable[[int], bytes]) -> bytes:
    """Read a message with a function that gives at most so many bytes, and b"" at the end.

    Raises:
        EOFError: the end came first.
        WireError: it is longer than messages are.
    """
    (size,) = _LENGTH.unpack(_exactly(read, _LENGTH.size))
    if size > MOST_BYTES:
        raise WireError(f"a message of {size} bytes")
    return _exactly(read, size)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = read(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


class _Writer:
    def __init__(self, other: Callable[[object], int] | None):
        self.parts: list[bytes] = []
        self._size = 0
        self._other = other

    def put(self, value: Any, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise WireError(f"more than {MOST_DEPTH} containers within each other")
        kind = type(value)
        if kind not in _PLAIN:
            kind = next((base for base in kind.__mro__ if base in _PLAIN), kind)
        if value is None or kind is bool:
            self._add(b"N" if value is None else b"T" if value else b"F")
        elif kind is int:
            self._integer(int.__pos__(value))
        elif kind is float:
            self._add(b"f" + _FLOAT.pack(float.__pos__(value)))
        elif kind is str:
            self._text(b"s", str.encode(value, "utf-8", "surrogatepass"))
        elif kind is list:
            self._many(b"l", list.__iter__(value), list.__len__(value), depth)
        elif kind is tuple:
            self._many(b"t", tuple.__iter__(value), tuple.__len__(value), depth)
        elif kind is dict:
            pairs = dict.items(value)
            self._many(b"d", (part for pair in pairs for part in pair), 2 * len(pairs), depth)
        else:
            self._seldom(kind, value, depth)

    def _seldom(self, kind: Any, value: Any, depth: int) -> None:
        if kind is set or kind is frozenset:
            self._many(b"e" if kind is set else b"z", kind.__iter__(value), kind.__len__(value), depth)
        elif kind is bytes or kind is bytearray:
            self._text(b"b" if kind is bytes else b"B", bytes(value))
        elif kind is complex:
            self._add(b"c" + _FLOAT.pack(value.real) + _FLOAT.pack(value.imag))
        elif kind is range:
            self._many(b"r", (value.start, value.stop, value.step), 3, depth)
        elif kind in _VIEWS:
            items = list(value)
            self._many(_VIEWS[kind], items, len(items), depth)
        elif (kind.__module__, kind.__qualname__) == ("decimal", "Decimal"):
            self._text(b"D", str(value).encode())
        elif (kind.__module__, kind.__qualname__) == ("fractions", "Fraction"):
            self._many(b"Q", (value.numerator, value.denominator), 2, depth)
        elif self._other is None:
            raise NoData(f"a value of type {kind.__name__}")
        else:
            self._add(b"o" + _LENGTH.pack(self._other(value)))
            self._text(b"", kind.__name__.encode("utf-8", "replace")[:100])

    def _integer(self, value: int) -> None:
        if -(1 << 63) <= value < 1 << 63:
            self._add(b"i" + _SMALL.pack(value))
        else:
            self._text(b"x", b"%x" % value)

    def _text(self, letter: bytes, data: bytes) -> None:
        self._add(letter + _LENGTH.pack(len(data)) + data)

    def _many(self, letter: bytes, items: Iterable[object], count: int, depth: int) -> None:
        self._add(letter + _LENGTH.pack(count))
        for item in items:
            self.put(item, depth + 1)

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_BYTES:
            raise WireError(f"more than {MOST_BYTES} bytes")
        self.parts.append(data)


class _Reader:
    def __init__(self, data: bytes, other: Callable[[int, str], object] | None):
        self.at = 0
        self._data = data
        self._other = other

    def get(self, depth: int) -> object:
        if depth > MOST_DEPTH:
            raise WireError(f"malformed: more than {MOST_DEPTH} containers within each other")
        letter = self._take(1)
        if letter == b"i":
            return _SMALL.unpack(self._take(8))[0]
        if letter == b"s":
            return self._text().decode("utf-8", "surrogatepass")
        if letter == b"f":
            return self._float()
        if letter in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[letter]
        if letter in b"ltdezrKIVQ":
            return _joined(letter, self._many(depth))
        if letter in b"bB":
            return self._text() if letter == b"b" else bytearray(self._text())
        if letter == b"x":
            return int(self._text(), 16)
        if letter == b"c":
            return complex(self._float(), self._float())
        if letter == b"D":
            from decimal import Decimal

            return Decimal(self._text().decode("ascii"))
        if letter == b"o" and self._other is not None:
            return self._other(self._length(), self._text().decode("utf-8", "replace"))
        raise WireError(f"malformed: {letter!r}")

    def _many(self, depth: int) -> list[object]:
        count = self._length()
        if count > len(self._data) - self.at:  # each item has at least one byte
            raise WireError("malformed: cut short")
        return [self.get(depth + 1) for _ in range(count)]

    def _text(self) -> bytes:
        return self._take(self._length())

    def _length(self) -> int:
        return _LENGTH.unpack(self._take(_LENGTH.size))[0]

    def _float(self) -> float:
        return _FLOAT.unpack(self._take(_FLOAT.size))[0]

    def _take(self, size: int) -> bytes:
        data = self._data[self.at : self.at + size]
        if len(data) < size:
            raise WireError("malformed: cut short")
        self.at += size
        return data


def _joined(letter: bytes, items: list[Any]) -> object:
    if letter == b"l":
        return items
    if letter in b"tez":
        return {b"t": tuple, b"e": set, b"z": frozenset}[letter](items)
    if letter == b"d":
        return dict(zip(items[::2], items[1::2], strict=True))
    if letter == b"r":
        return range(*items)
    if letter == b"Q":
        from fractions import Fraction

        return Fraction(*map(int.__pos__, items))
    if letter == b"K":
        return dict.fromkeys(items).keys()
    return dict(items).items() if letter == b"I" else dict(enumerate(items)).values()
