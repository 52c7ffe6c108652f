"""A benchmark without programs, and a source of text without a model, for tests of the frame."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from codegem.errors import SourceError
from codegem.evaluation.task import DataFile, Judgement, Problem, Verdict
from codegem.generate import Chunk, Request, StopReason


@dataclass
class Toy:
    """Each problem wants its own number doubled; `judge` can be made to fail by `breaks`."""

    problems: list[Problem]
    name: str = "toy"
    protocol: str = "Numbers are doubled."
    data: tuple[DataFile, ...] = (DataFile("toy.jsonl", "ab" * 32, 3),)
    breaks: Callable[[str], Exception | None] = lambda text: None
    absent: dict[str, str] = field(default_factory=dict)
    size: int = 1
    batches: list[int] = field(default_factory=list)

    def completion(self, problem: Problem, text: str) -> str:
        return text.strip()

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
        self.batches.append(len(answers))
        found = []
        for problem, text in answers:
            if error := self.breaks(text):
                raise error
            right = text == str(2 * problem.details)
            measures = {"length": float(len(text)), "odd": float(problem.details % 2)}
            found.append(Judgement(Verdict.PASSED, "", measures) if right else Judgement(Verdict.FAILED, f"not {text}"))
        return found

    def batch(self, group: str) -> int:
        return self.size

    def missing(self, group: str) -> str:
        return self.absent.get(group, "")

    def tools(self) -> Mapping[str, str]:
        return {"abacus": "1.0"}


@dataclass
class Doubler:
    """Answers two requests at a time, chunk by chunk in turns; wrong for numbers that `wrong` names."""

    name: str = "doubler"
    wrong: tuple[int, ...] = ()
    loses: Mapping[int, str] = field(default_factory=dict)  # by number
    dies_after: int | None = None  # answers
    asked: list[Request] = field(default_factory=list)

    def generate(self, requests: Sequence[Request]) -> Iterator[Chunk]:
        self.asked += requests
        lost: dict[int, str] = {}
        for start in range(0, len(requests), 2):
            pair = range(start, min(start + 2, len(requests)))
            for index in pair:
                yield Chunk(index, " ", 1)
            for index in reversed(pair):
                if self.dies_after is not None and index >= self.dies_after:
                    raise SourceError("the server is gone", {index: "connection refused"})
                number = int(str(requests[index].prompt))
                if number in self.loses:
                    lost[index] = self.loses[number]
                    continue
                seen = number + 1 if number in self.wrong else 2 * number
                text = f"{seen}" if requests[index].temperature == 0 else f"{requests[index].seed}"
                yield Chunk(index, text, 1)
                yield Chunk(index, "\n", 0, StopReason.STOP if number % 3 else StopReason.LENGTH)
        if lost:
            raise SourceError("some were lost", lost)


@pytest.fixture
def toy() -> Callable[..., Toy]:
    """A function of (count, groups=("",), **fields): a toy benchmark."""

    def make(count: int = 7, groups: Sequence[str] = ("",), **fields: object) -> Toy:
        problems = [
            Problem(f"{group}{'/' if group else ''}{number}", str(number), ("\n",), 16, group, number)
            for group in groups
            for number in range(count)
        ]
        return Toy(problems, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def doubler() -> Callable[..., Doubler]:
    """`Doubler`, the source for a toy benchmark."""
    return Doubler
