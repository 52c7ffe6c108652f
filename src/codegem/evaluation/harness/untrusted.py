"""The process that holds the program. Nothing it says is believed: it is asked for values, and gives values.

It is forked before the test is read, so that nothing of the test was ever in its memory.
"""

from __future__ import annotations

import builtins
import os

from codegem.evaluation.harness import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 256  # items of an iterator in one reply


def serve(requests: int, replies: int) -> None:
    """Run the program that comes first, then answer calls of its functions until nobody asks any more.

    Args:
        requests, replies: the open ends of two pipes.
    """
    _leave_everything(requests, replies)
    program = _Program(replies)
    try:
        program.start(_receive(requests))
        while True:
            program.answer(_receive(requests))
    finally:
        os._exit(0)


def _leave_everything(*kept: int) -> None:
    """Close what was open in the parent; reading the input is an error, and output is lost."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    first, second = sorted(kept)
    os.closerange(3, first)
    os.closerange(first + 1, second)
    os.closerange(second + 1, 1024)


def _receive(descriptor: int) -> bytes:
    return wire.receive(lambda size: os.read(descriptor, size))


class _Program:
    """The program's names, and what it made that is no data."""

    def __init__(self, replies: int):
        self._replies = replies
        self._names: dict[str, object] = {}
        self._others: list[Any] = []
        self._numbers: dict[int, int] = {}  # of `id`, to place in `_others`

    def start(self, message: bytes) -> None:
        """Run the text of a program, as Python runs one that is imported by nobody."""
        source = wire.decode(message)
        try:
            exec(compile(str(source), "<program>", "exec", dont_inherit=True), self._names)
        except BaseException as error:
            self._raised(error)
        else:
            self._reply("ready")

    def answer(self, message: bytes) -> None:
        """Do what is asked for, and reply with what came of it."""
        try:
            asked: Any = wire.decode(message, lambda number, _: self._others[number])
            if asked[0] == "call":
                self._call(*asked[1:])
            elif asked[0] == "iterate":
                self._reply("value", iter(self._others[asked[1]]), None)
            else:
                self._following(asked[1])
        except BaseException as error:
            self._raised(error)

    def _call(self, name: str, arguments: list[Any], keywords: dict[str, Any]) -> None:
        before = self._encoded([arguments, keywords])
        result = self._function(name)(*arguments, **keywords)
        changed = result is None and self._encoded([arguments, keywords]) != before
        self._reply("value", result, [arguments, keywords] if changed else None)

    def _function(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise NameError(f"name {name!r} is not defined")

    def _following(self, number: int) -> None:
        """The next items of an iterator, whether there may be more, and what it raised instead."""
        items: list[object] = []
        more, told = True, None
        try:
            while len(items) < _CHUNK:
                items.append(next(self._others[number]))
        except StopIteration:
            more = False
        except BaseException as error:
            told = _told(error)
        self._reply("items", items, more, told)

    def _raised(self, error: BaseException) -> None:
        self._reply("raised", *_told(error))

    def _reply(self, *parts: object) -> None:
        wire.send(self._replies, self._encoded(parts))

    def _encoded(self, value: object) -> bytes:
        return wire.encode(value, self._keep)

    def _keep(self, value: object) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._others)
            self._others.append(value)
        return self._numbers[id(value)]


def _told(error: BaseException) -> tuple[str, str, str]:
    """An exception: the nearest of Python's own that it is one of, its own name, and what it says."""
    known = (base.__name__ for base in type(error).__mro__ if getattr(builtins, base.__name__, None) is base)
    try:
        text = str(error)[:500]
    except BaseException:  # its text is the program's too
        text = ""
    return next(known, "Exception"), type(error).__name__, text
