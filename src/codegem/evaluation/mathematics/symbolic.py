r"""Comparing final answers in a process of its own, which is held to limits of time, memory and output.

    >>> [found.equal for found in answers_equal([(r"\frac{1}{2}", "0.5"), ("x + 1", "x - 1")])]      # doctest: +SKIP
    [True, False]

What a model wrote may ask for more than there is: 10^{10^{10}}, or (10^9)!. The process that works at it is killed,
and a new one goes on with the others. Where bubblewrap is installed it runs in the sandbox; else with the user's own
rights, under the same limits: it reads the answers and never runs them.
"""

import importlib.metadata
import json
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codegem.errors import UserError
from codegem.sandbox import bubblewrap
from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits, Status
from codegem.sandbox.sandbox import run

SECONDS = 3.0  # of processor time for a pair
_MEMORY = 1 << 30
_MOST_ROWS = 1_000  # of one process
_PAIRS = "pairs.jsonl"
_LIBRARIES = ("sympy", "latex2sympy2_extended")
_START = (
    "import sys; sys.path[:0] = sys.argv[4:]; "
    "from codegem.evaluation.mathematics.worker import main; main(sys.argv[1:4])"
)
_KILLED = 128 + 9  # by whom, nobody knows: it may have been the machine that ran out of memory
_ITS_DOING = "it "  # how a reason begins that is the pair's own
_SLOW = "it took more than {:g} s of processor time"
_UNREAD = "not read as mathematics, and not the same text"

Row = tuple[str | None, str]


@dataclass(frozen=True)
class Comparison:
    """Whether two answers say the same.

    Attributes:
        equal: None where that is not known, through a failure that is not the answer's.
        reason: why it is not known, or was not shown; else "".
    """

    equal: bool | None
    reason: str = ""


def answers_equal(pairs: Sequence[tuple[str, str]], seconds: float = SECONDS) -> list[Comparison]:
    """Compare final answers, in LaTeX or plain.

    An answer at which the comparison ends twice is wrong where the expected one alone can be compared, and skipped
    where it can't.

    Args:
        pairs: (given, expected).
        seconds: of processor time that a pair may take.

    Returns:
        One for each pair, in their order.

    Raises:
        UserError: the libraries are not installed.
    """
    tools()
    rows = list(dict.fromkeys(pairs))
    known: dict[tuple[str, str], Comparison] = {}
    while rows:
        part = rows[:_MOST_ROWS]
        answers, died = _compare(part, seconds)
        known |= dict(zip(part, map(_comparison, answers), strict=False))
        if len(answers) < len(part):
            known[part[len(answers)]] = _again(*part[len(answers)], seconds, died)
        rows = rows[len(answers) + (len(answers) < len(part)) :]
    return [known[pair] for pair in pairs]


@cache
def tools() -> dict[str, str]:
    """What compares, by name, and its version; "sandbox" is "none" without bubblewrap.

    Raises:
        UserError: it is not installed.
    """
    try:
        found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(f"Comparing mathematics needs {error.name}: pip install 'codegem[eval]'.") from None
    return found | {"sandbox": "bubblewrap" if _sandboxed() else "none"}


@cache
def _sandboxed() -> bool:
    try:
        return bool(bubblewrap.require())
    except UserError:
        return False


def _again(given: str, expected: str, seconds: float, died: str) -> Comparison:
    """A pair at which a process ended, alone, behind its expected answer alone."""
    # A clock of processor time would say the same twice.
    again = [] if died == _SLOW.format(seconds) else [(given, expected)]
    answers, why = _compare([(None, expected), *again], seconds)
    if not answers:
        return Comparison(None, f"the expected answer could not be compared: {why}")
    if len(answers) == 2:
        return _comparison(answers[1])
    why = why if again else died
    return Comparison(False if why.startswith(_ITS_DOING) else None, why)


def _comparison(answer: str) -> Comparison:
    return Comparison(answer == "=", _UNREAD if answer == "?" else "")


def _compare(rows: Sequence[Row], seconds: float) -> tuple[list[str], str]:
    """What a process says of each row up to the one that ended it, and how it ended."""
    limits = SandboxLimits(
        seconds=60 + 4 * seconds * len(rows),  # it waits for nothing, so only a machine that stands still takes this
        cpu_seconds=int(60 + seconds * len(rows)),
        memory=_MEMORY + (256 << 20),
        output_bytes=(64 << 10) + 16 * len(rows),
    )
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    try:
        done = run(
            [*_python(), _PAIRS, str(seconds), str(_MEMORY), *map(str, _libraries())],
            {_PAIRS: text},
            limits,
            read_only=[path for path in (*_libraries(), *_home()) if not path.is_relative_to("/usr")],
            unprotected=not _sandboxed(),
        )
    except SandboxError as error:
        return [], f"the sandbox failed: {error}"
    first, *answers = done.stdout.split("\n")
    # The last piece is what stands behind the last newline: nothing, or a line that was cut.
    return (answers[:-1], _ending(done, seconds)) if first == "ready" else ([], _ending(done, seconds))


def _ending(done: Finished, seconds: float) -> str:
    if done.status == Status.EXITED and done.exit_code == 128 + 27:  # SIGPROF, of the worker's own timer
        return _SLOW.format(seconds)
    if done.status == Status.MEMORY:
        return f"it took more than {_MEMORY >> 20} MiB"
    if done.status != Status.EXITED or done.exit_code in (0, _KILLED):
        return f"the process that compares was stopped ({done.reason or 'no answer'})"
    return f"it ended the process that compares ({done.reason})"


def _python() -> list[str]:
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", _START]


def _libraries() -> list[Path]:
    """Where this package and those that it needs are installed."""
    own = Path(__file__).parents[3]
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    return list(dict.fromkeys([own, *installed]))


def _home() -> list[Path]:
    return [Path(sys.base_prefix)]
