"""The process that holds the test, in the same sandbox as the program and out of its reach.

It reads the task after the process for the program was made, and can't be looked into from then on. What it writes
in the end is believed only with the word that it was given for that: nobody else in the sandbox ever had it.
"""

from __future__ import annotations

import ctypes
import os

from codegem.evaluation.harness import wire
from codegem.evaluation.harness.link import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4  # Linux, prctl(2)
_SHOWN = 200  # characters of a value in a reason


class _Judge:
    """One judgement, from reading the task to the end of the process."""

    def __init__(self) -> None:
        self._words = {"broken": "broken"}  # what to write for a kind of verdict, where it is not the kind itself
        self._link = Link(self.end)

    def run(self) -> None:
        try:
            _hide()
            task = _read()
            self._words = task["words"]
            names: dict[str, Any] = {}
            exec(compile(task["prelude"], "<prelude>", "exec", dont_inherit=True), names)
            test = compile(task["test"], "<test>", "exec", dont_inherit=True)
        except BaseException as error:
            self.end("broken", f"{type(error).__name__}: {error}")
        names |= {name: self._stand_in(name) for name in task["functions"]}
        try:
            self._link.start(task["program"], task["seconds"])
            exec(test, names)
        except BaseException as error:
            self.end(*self._why(error, task["test"]))
        self.end("passed", "")

    def end(self, kind: str, reason: str) -> NoReturn:
        line = f"\n{self._words.get(kind, kind)} {' '.join(reason.split())[:1000]}\n"
        os.write(1, line.encode("utf-8", "backslashreplace"))
        os._exit(0)

    def _stand_in(self, name: str) -> Any:
        """A function that asks the program."""

        def function(*arguments: object, **keywords: object) -> object:
            return self._link.call(name, arguments, keywords)

        function.__name__ = function.__qualname__ = name
        return function

    def _why(self, error: BaseException, test: str) -> tuple[str, str]:
        """The verdict where the test did not come to its end."""
        raised, words = self._link.raised
        if error is raised:
            return "error", f"it raised {words}"
        reason = f"{_line(error, test)}; it gave {_shown(self._link.result)}"
        # An exception of the test's own is a wrong answer too: a value that can't be compared, for instance.
        return "failed", reason if isinstance(error, AssertionError) else f"{reason}: {type(error).__name__}: {error}"


def main() -> None:
    """Judge one program, write what became of it, and end."""
    _Judge().run()


def _hide() -> None:
    """Make this process one that others of the same user can't look into: its memory, its files, its folder.

    Raises:
        OSError: the kernel did not.
    """
    control = ctypes.CDLL(None).prctl
    if control(_PR_SET_DUMPABLE, 0, 0, 0, 0) or control(_PR_GET_DUMPABLE, 0, 0, 0, 0):
        raise OSError("prctl failed")


def _read() -> Any:
    """The task, which can be read once, and the program."""
    with open(0, "rb") as file:
        task: Any = wire.decode(file.read())
    with open("program", "rb") as file:
        task["program"] = file.read().decode("utf-8", "surrogatepass")
    return task


def _line(error: BaseException, test: str) -> str:
    """The line of the test where an exception came from."""
    number, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<test>":
            number = step.tb_lineno
        step = step.tb_next
    lines = test.splitlines()
    return lines[number - 1].strip()[: 2 * _SHOWN] if 0 < number <= len(lines) else "the test"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError, MemoryError):  # an integer of very many digits, for instance
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
