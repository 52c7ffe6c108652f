"""Rewards that can be verified: the result of a mathematical question, and unit tests of a function.

    {"prompt": "What is 23 + 45?", "answer": "68"}
    {"prompt": "Write add(a, b), which adds.", "tests": ["assert add(2, 3) == 5", "assert add(0, 0) == 0"]}

A reward is 1 or 0. None says that nothing is known, since the sandbox failed: such an answer is left out, and never
taught as a wrong one.

What a test expects never is where the program of the model is. The sandbox gets the calls, and says what they gave as
Python's literals; they are compared here. So a program can't pass by reading its test, printing what a test would
print, or leaving early (`docs/SANDBOX.md`).
"""

import ast
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from codegem.assist.blocks import blocks
from codegem.data.questions.final_answer import final_answer, same_answer
from codegem.errors import UserError
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.programs import run_programs
from codegem.sandbox.toolchain import Toolchain
from codegem.sandbox.toolchains import find
from codegem.text.chat import Turn
from codegem.train.json_lines import text_of, turns_before

LIMITS = SandboxLimits(seconds=10.0, cpu_seconds=4, memory=256 << 20, output_bytes=64 << 10)
_MOST_TESTS = 64
# Runs after the program, on a standard output that was set aside before it: what it prints is in nobody's way.
_BEFORE = "import os as _os\n_told = _os.dup(1)\n_os.dup2(2, 1)\n"
_AFTER = """
def _say():
    told = []
    for call in {calls!r}:
        try:
            told.append((True, eval(call, globals())))
        except Exception as error:
            told.append((False, type(error).__name__))
    _os.write(_told, repr(told).encode())


_say()
"""


@dataclass(frozen=True)
class Check:
    """A call, as Python writes it, and the value that it must give."""

    call: str
    value: Any = field(hash=False)


@dataclass(frozen=True)
class Task:
    """What is asked, and how an answer is judged: by its result, or by what calls of its functions give.

    Attributes:
        turns: up to the question; see `json_lines.turns_before`.
        answer: the result that is right; None where there are checks.
    """

    turns: tuple[Turn, ...]
    answer: str | None = None
    checks: tuple[Check, ...] = ()


def read_task(row: Mapping[str, Any]) -> Task:
    """A task of a row of JSON lines.

    >>> read_task({"prompt": "Write f.", "tests": ["assert f(2) == 5"]}).checks
    (Check(call='f(2)', value=5),)

    Raises:
        UserError: the row is none.
    """
    turns = turns_before(row)
    if "answer" in row and "tests" not in row:
        return Task(turns, text_of(row, "answer").strip())
    tests = row.get("tests")
    if not isinstance(tests, list) or not 1 <= len(tests) <= _MOST_TESTS or "answer" in row:
        raise UserError(f"it needs an 'answer', or 'tests' with 1 to {_MOST_TESTS} assertions.")
    return Task(turns, None, tuple(map(_check, tests)))


class Judge:
    """Rewards of answers; one that was judged before is not run again.

    Args:
        workers: programs that run side by side; default one for each core.
        unprotected: runs what a model wrote without bubblewrap.
    """

    def __init__(self, limits: SandboxLimits = LIMITS, *, workers: int | None = None, unprotected: bool = False):
        self._limits, self._unprotected = limits, unprotected
        self._workers = workers or os.cpu_count() or 1
        self._known: dict[tuple[tuple[Check, ...], str], float] = {}
        self.dropped = 0  # answers of which nothing is known

    def rewards(self, tasks: Sequence[Task], answers: Sequence[str]) -> list[float | None]:
        """The reward of each answer to the task at its place.

        Raises:
            UserError: bubblewrap or Python is not installed, or the sandbox fails for every program.
        """
        programs = {(task.checks, program(text)) for task, text in zip(tasks, answers, strict=True) if task.checks}
        new = sorted(programs - self._known.keys(), key=lambda item: item[1])
        if new:
            self._run(new)
        found = [self._reward(task, text) for task, text in zip(tasks, answers, strict=True)]
        self.dropped += found.count(None)
        return found

    def _reward(self, task: Task, text: str) -> float | None:
        if task.checks:
            return self._known.get((task.checks, program(text)))
        given = final_answer(text)
        return float(given is not None and same_answer(given, task.answer or ""))

    def _run(self, programs: Sequence[tuple[tuple[Check, ...], str]]) -> None:
        toolchain = find("python")
        if toolchain is None:
            raise UserError("Unit tests need /usr/bin/python3, which is not here; install it, or give 'answer's alone.")
        with ThreadPoolExecutor(self._workers) as pool:
            rewards = list(pool.map(lambda item: self._one(toolchain, *item), programs))
        known = {item: reward for item, reward in zip(programs, rewards, strict=True) if isinstance(reward, float)}
        if not known:
            error = next(reward for reward in rewards if isinstance(reward, SandboxError))
            raise UserError(f"The sandbox failed for each of {len(programs)} programs ({error}): docs/SANDBOX.md.")
        self._known |= known

    def _one(self, toolchain: Toolchain, checks: tuple[Check, ...], code: str) -> float | SandboxError:
        after = _AFTER.format(calls=[check.call for check in checks])
        source = f"{_BEFORE}exec(compile({code!r}, 'answer', 'exec'), globals())\n{after}"
        try:
            (done,) = run_programs(toolchain, [source], self._limits, unprotected=self._unprotected)
        except SandboxError as error:
            return error
        return float(done.ran is not None and done.ran.passed and _agree(done.ran.stdout, checks))


def program(answer: str) -> str:
    """The code of an answer: its fenced blocks, or all of it where there are none.

    >>> program("So:\\n```python\\nx = 1\\n```\\n"), program("x = 1")
    ('x = 1\\n', 'x = 1')
    """
    return "\n".join(block.text for block in blocks(answer)) or answer


def _check(test: object) -> Check:
    """`assert CALL == LITERAL` as its two sides."""
    wrong = UserError(
        f"the test {str(test)[:80]!r} is not of the form `assert f(2) == 5`, with a literal at the right."
    )
    try:
        (statement,) = ast.parse(test).body if isinstance(test, str) else []
        if not isinstance(statement, ast.Assert) or not isinstance(statement.test, ast.Compare):
            raise wrong
        compared = statement.test
        if len(compared.ops) != 1 or not isinstance(compared.ops[0], ast.Eq):
            raise wrong
        return Check(ast.unparse(compared.left), ast.literal_eval(compared.comparators[0]))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise wrong from None


def _agree(said: str, checks: Sequence[Check]) -> bool:
    """Whether the calls gave what they must; `said` is of a program that nobody trusts."""
    try:
        told = ast.literal_eval(said)
        return told == [(True, check.value) for check in checks]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
