"""Whether a Python program does what a test wants, where the program may do anything to seem right.

In one sandbox run two processes. One holds the test and can't be looked into; the other holds the program and never
sees the test. The first runs the test with stand-ins for the program's functions, which send the arguments over and
get a value back, as data. So the values that are expected never are where the program is: whatever it prints,
patches, raises or kills, it passes only by giving values that the test accepts.

The program has its time by the clock, less what it had to wait for a processor: a machine that is busy with others
makes no right answer wrong.
"""

import marshal
import math
import secrets
from dataclasses import dataclass
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from codegem.errors import UserError
from codegem.evaluation.harness import wire
from codegem.evaluation.task import Judgement, Verdict
from codegem.sandbox import toolchains
from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits, Status
from codegem.sandbox.sandbox import run

_PATIENCE = 6  # times its seconds by the clock, for a machine that is busy with others
_PROCESSES = 64
_MOST_BYTES = 1 << 20  # of a program
_MOST_TEST = 100_000  # bytes; HumanEval's longest has 3,200
_MODULES = ("link", "trusted", "untrusted", "wire")
_FOLDER = "codegem/evaluation/harness"
_START = """import sys
sys.path.insert(0, "")
from codegem.evaluation.harness import trusted
del sys.path[0]
trusted.main()
"""
_VERDICTS = {"failed": Verdict.FAILED, "error": Verdict.ERROR, "timed_out": Verdict.TIMED_OUT}


@dataclass(frozen=True)
class Trial:
    """A program and what it has to do.

    Attributes:
        program: what nobody trusts.
        test: the text of a program that raises nothing where the answer is right.
        functions: the program's functions that the test calls.
        prelude: what the test needs besides, such as helpers that a prompt defines; it runs with the test.
        seconds: that the program may take, not counting those it waits for a processor.
    """

    program: str
    test: str
    functions: tuple[str, ...]
    prelude: str = ""
    seconds: float = 3.0


def judge(trial: Trial) -> Judgement:
    """Run a program and its test.

    >>> judge(Trial("def double(x): return x + x", "assert double(4) == 8", ("double",))).verdict.value # doctest: +SKIP
    'passed'

    Raises:
        UserError: bubblewrap is not installed, or the test can't be run: it is no Python, or calls a function with
            what is no data.
        SandboxError: the sandbox broke: nothing is known of the program.
    """
    try:
        return _judged(trial)
    except SandboxError:
        # Was it the program? If all is well with another one before and after, and this one breaks it again, it was.
        if not _is_well():
            raise
    try:
        return _judged(trial)
    except SandboxError as error:
        if not _is_well():
            raise
        return Judgement(Verdict.ERROR, f"it breaks the sandbox ({error})")


def missing() -> str:
    """Why nothing can be judged on this machine, in one clause; "" if it can."""
    return toolchains.missing("python")


def tools() -> dict[str, str]:
    """What judges, for the report."""
    toolchain = toolchains.find("python")
    return {"python": toolchain.version} if toolchain else {}


def _judged(trial: Trial) -> Judgement:
    program = trial.program.encode("utf-8", "surrogatepass")
    if len(program) > _MOST_BYTES:
        return Judgement(Verdict.ERROR, f"the program has {len(program):,} bytes; at most {_MOST_BYTES:,} are judged")
    words = {kind: secrets.token_hex(16) for kind in ("passed", "broken")}
    task = {
        "test": trial.test,
        "functions": trial.functions,
        "prelude": trial.prelude,
        "seconds": trial.seconds,
        "words": words,
    }
    encoded = wire.encode(task)
    if len(encoded) > _MOST_TEST:
        raise UserError(f"A test can't be run: it has {len(encoded):,} bytes, and at most {_MOST_TEST:,} can be.")
    return _verdict(_run(program, encoded, trial.seconds), words)


def _is_well() -> bool:
    try:
        return _judged(Trial("def one(): return 1", "assert one() == 1", ("one",))).verdict == Verdict.PASSED
    except SandboxError:
        return False


def _run(program: bytes, task: bytes, seconds: float) -> Finished:
    toolchain = toolchains.find("python")
    if toolchain is None:
        raise UserError("Python programs can't be judged: there is no Python to run them.")
    wall = seconds * _PATIENCE
    return run(
        [*toolchain.command[:-1], "start.py"],
        {**_harness(), "program": program},
        SandboxLimits(seconds=wall, cpu_seconds=math.ceil(wall), processes=_PROCESSES, output_bytes=1 << 16),
        read_only=toolchain.read_only,
        hidden=toolchain.hidden,
        stdin=task,
    )


@cache
def _harness() -> dict[str, str | bytes]:
    """The programs of the two processes, compiled: the sandbox's interpreter is the one that runs this."""
    folder = Path(__file__).with_name("harness")
    files: dict[str, str | bytes] = {"start.py": _START}
    for name in _MODULES:
        code = compile((folder / f"{name}.py").read_bytes(), f"{name}.py", "exec", dont_inherit=True)
        # The head of a .pyc (PEP 552): magic number, flags, time and size of the source; the last two don't count.
        files[f"{_FOLDER}/{name}.pyc"] = MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
    return files


def _verdict(done: Finished, words: dict[str, str]) -> Judgement:
    told = [line.partition(" ") for line in done.stdout.split("\n")]
    for word, _, reason in told:
        if word == words["passed"]:
            return Judgement(Verdict.PASSED, seconds=done.seconds)
        if word == words["broken"]:
            raise UserError(f"A test can't be run ({reason}); is the benchmark's file damaged?")
    if done.status == Status.TIME:
        return Judgement(Verdict.TIMED_OUT, done.reason, seconds=done.seconds)
    for word, _, reason in told:
        if word in _VERDICTS and done.status == Status.EXITED:
            return Judgement(_VERDICTS[word], reason, seconds=done.seconds)
    return Judgement(Verdict.ERROR, done.reason or "it ended the test", seconds=done.seconds)
