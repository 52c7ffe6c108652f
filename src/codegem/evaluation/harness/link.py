"""The trusted end of the two pipes: calls of the program's functions, as the test makes them."""

from __future__ import annotations

import builtins
import os
import select
import time

from codegem.evaluation.harness import untrusted, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    Over = Callable[[str, str], NoReturn]  # told the kind of verdict and its reason; it ends the process

_MOST_ITEMS = 1_000_000  # that a test is given one by one
_TICK = 0.05  # seconds between two looks at the clock once the time is nearly up


class Raised(Exception):
    """What the program raised, where Python has no exception of that name."""


class Other:
    """Something of the program's that is no data. It equals nothing; the test can iterate it and pass it back."""

    def __init__(self, link: Link, number: int, kind: str):
        self.number = number
        self._link = link
        self._kind = kind

    def __iter__(self) -> Iterator[object]:
        return self._link.iterate(self.number)

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{self._kind}>"


class Link:
    """A program in a process of its own, which begins as a copy of this one.

    Once nothing more can be learned from the program, the process ends by `over` there and then, so that no test can
    go on by catching an exception.

    Attributes:
        raised: the last exception that came from it, and in words.
        result: the last value that it gave.
    """

    def __init__(self, over: Over) -> None:
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            untrusted.serve(requests, replies)
        os.close(requests)
        os.close(replies)
        self._end = select.poll()
        self._end.register(handle := os.pidfd_open(self._process), select.POLLIN)
        self._events = select.poll()
        self._events.register(self._replies, select.POLLIN)
        self._events.register(handle, select.POLLIN)
        self._seconds = self._spent = 0.0
        self._over = over
        self.raised: tuple[BaseException | None, str] = None, ""
        self.result: object = None

    def start(self, program: str, seconds: float) -> None:
        """Run the program; from now on it has so many seconds, not counting those it waits for a processor."""
        self._seconds = seconds
        self._ask(wire.encode(program), "ready", 0)

    def call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> object:
        """The value of a call.

        A function that gives nothing may have worked on its arguments: then they become what it made of them. One
        that gives a value can't change what that value is compared with.

        Raises:
            Exception: what the function raised.
        """
        given = [list(arguments), keywords]
        try:
            message = wire.encode(("call", name, *given), _number)
        except wire.NoData as error:
            self._over("broken", f"the test calls {name} with {error}")
        except wire.WireError as error:  # as large as that it can only be made of the program's values
            self._over("error", f"{name} can't be called: {error}")
        self.result, changed = self._ask(message, "value", 2)
        if self.result is None and changed is not None:
            became(given, changed)
        return self.result

    def iterate(self, number: int) -> Iterator[object]:
        """The items of something that is no data."""
        iterator, _ = self._ask(wire.encode(("iterate", number)), "value", 2)
        more, told, count = isinstance(iterator, Other), None, 0
        while more and told is None:
            items, more, told = self._ask(wire.encode(("following", iterator.number)), "items", 3)
            count += len(items)
            if count > _MOST_ITEMS:
                self._over("error", f"it gave more than {_MOST_ITEMS:,} items")
            yield from items
        if told is not None:
            self._raise(*told)

    def _ask(self, message: bytes, kind: str, count: int) -> Any:
        """Send a request, and give the parts of the reply; raise what the program raised."""
        try:
            wire.send(self._requests, message)
            reply = wire.decode(wire.receive(self._read), lambda number, name: Other(self, number, name))
        except (OSError, EOFError):
            self._over("error", self._ended())
        except (wire.WireError, MemoryError, RecursionError) as error:
            self._over("error", f"its answer can't be read ({type(error).__name__}: {error})")
        if not isinstance(reply, tuple) or not reply:
            self._over("error", "its answer can't be read")
        if reply[0] == "raised":
            self._raise(*reply[1:])
        if reply[0] != kind or len(reply) != count + 1:
            self._over("error", "its answer is no answer to what was asked")
        return reply[1:]

    def _raise(self, *told: object) -> NoReturn:
        """Raise an exception of Python's by its name; never one that means the end of a process."""
        known, name, text = (*(part if isinstance(part, str) else "" for part in told), "", "", "")[:3]
        kind = getattr(builtins, known, None)
        try:
            error = kind(text) if isinstance(kind, type) and issubclass(kind, Exception) else Raised(text)
        except TypeError:  # one like UnicodeDecodeError, which wants more words
            error = Raised(text)
        self.raised = error, f"{name}: {text}" if text else name
        raise error

    def _read(self, size: int) -> bytes:
        began = time.monotonic()
        while not (ready := dict(self._events.poll(1000 * max(_TICK, self._seconds - self._spent)))):
            if self._spent + time.monotonic() - began - self._delayed() >= self._seconds:
                self._over("timed_out", f"more than {self._seconds:g} s, not counting waits for a processor")
        self._spent += time.monotonic() - began
        if self._replies not in ready:
            raise EOFError
        return os.read(self._replies, size)

    def _delayed(self) -> float:
        """Seconds in which the program could have run and others had the processor."""
        try:
            with open(f"/proc/{self._process}/schedstat", "rb") as file:
                return int(file.read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):  # a kernel that does not count them
            return 0.0

    def _ended(self) -> str:
        self._end.poll(1000 * _TICK)  # the pipe is closed a moment before the process is gone
        ended, status = os.waitpid(self._process, os.WNOHANG)
        if not ended:
            return "the program closed the pipe to the test"
        code = os.waitstatus_to_exitcode(status)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"the program ended {how} before the test did"


def became(old: Any, new: Any) -> Any:
    """`old` with the content of `new`; lists, dicts and sets stay the objects that they were.

    >>> inner = [3, 1]
    >>> outer = [inner, {"a": 1}]
    >>> became(outer, [[1, 3], {"a": 2}]), inner
    ([[1, 3], {'a': 2}], [1, 3])
    """
    if type(old) is not type(new):
        return new
    if isinstance(old, (list, tuple)):
        parts = [became(*pair) for pair in zip(old, new, strict=False)] + list(new[len(old) :])
        if isinstance(old, tuple):
            return tuple(parts)
        old[:] = parts
    elif isinstance(old, dict):
        kept = {key: became(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        old.update(kept)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    else:
        return new
    return old


def _number(value: object) -> int:
    if isinstance(value, Other):
        return value.number
    raise wire.NoData(f"a value of type {type(value).__name__}")
