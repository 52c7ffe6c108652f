"""What every benchmark is: problems for a model, and a judgement of each answer.

A benchmark knows its data, its prompts and its protocol. It knows neither the model, nor what was judged before,
nor the report: those are the runner's. Generating and judging are two programs that share only text:

    Problem -> (a source of text) -> what the model wrote -> completion -> Judgement

Each module of a benchmark has a `load(…)` that reads the data's files and gives a `Benchmark`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from codegem.generate import Infill


class Verdict(StrEnum):
    """What became of one answer.

    Only `SKIPPED` says nothing about the answer: there was no toolchain, the sandbox broke, or the run was
    stopped. It counts neither as right nor as wrong, and the next run judges it again.
    """

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Problem:
    """One question to a model.

    Attributes:
        task_id: unlike every other of the benchmark.
        prompt: a text to be continued, or a hole to be filled.
        stop: the answer ends before the first of these strings.
        max_tokens: that the answer may have.
        group: a row of the report, such as a language or a split; "" where there is one row only.
        details: what judging needs, in a frozen dataclass of the benchmark.
    """

    task_id: str
    prompt: str | Infill
    stop: tuple[str, ...]
    max_tokens: int
    group: str = ""
    details: Any = None


@dataclass(frozen=True)
class Judgement:
    """What became of one answer, and why.

    Attributes:
        reason: one sentence for people; "" where it passed.
        measures: numbers of which a report gives the means, such as {"repaired": 1.0}.
        seconds: that judging took.

    >>> Judgement(Verdict.FAILED, "assert f(2) == 3").verdict.value
    'failed'
    """

    verdict: Verdict
    reason: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class DataFile:
    """A file that a benchmark was read from.

    Attributes:
        sha256: of the file as it lies there, in hexadecimal digits.
        records: how many rows it holds.
    """

    name: str
    sha256: str
    records: int


class Benchmark(Protocol):
    """Problems, and how answers to them are judged. Instances are shared by threads."""

    @property
    def name(self) -> str:
        """Its name on the command line, such as "humaneval"."""
        ...

    @property
    def protocol(self) -> str:
        """How models are asked and judged, in one paragraph for the report."""
        ...

    @property
    def problems(self) -> Sequence[Problem]:
        """All problems, in the order of the data."""
        ...

    @property
    def data(self) -> tuple[DataFile, ...]:
        """What it was read from."""
        ...

    def completion(self, problem: Problem, text: str) -> str:
        """What is judged of the text that a model wrote, and what predictions.jsonl holds."""
        ...

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
        """One judgement for each (problem, completion), in their order.

        Args:
            answers: at most `batch(group)` of them, all of one group.

        Raises:
            SandboxError, UserError: nothing can be judged here, and nothing is known of the answers. Bad answers
                never raise.
        """
        ...

    def batch(self, group: str) -> int:
        """How many answers of a group are judged together at most: 1, or more where compiling together is faster."""
        ...

    def missing(self, group: str) -> str:
        """Why answers of a group can't be judged on this machine, in one clause; "" if they can."""
        ...

    def tools(self) -> Mapping[str, str]:
        """Names and versions of the programs that judge, for the report."""
        ...
