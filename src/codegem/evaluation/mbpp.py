"""MBPP (Austin et al. 2021, 2108.07732): 500 functions to be written from a sentence and three tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation import python_judge
from codegem.evaluation.humaneval import until_stop
from codegem.evaluation.json_lines import read_rows, wrong
from codegem.evaluation.python_judge import Trial
from codegem.evaluation.python_programs import PythonBenchmark, bound, ended, named
from codegem.evaluation.task import Judgement, Problem

_FIELDS = {"task_id": int, "text": str, "code": str, "test_setup_code": str, "test_list": list}
_SHOTS = (2, 3, 4)
_FIRST, _LAST = 11, 510  # the test part; 1 to 10 are for prompts
_STOP = ("[DONE]",)
_MAX_TOKENS = 512
_SECONDS = 10.0  # one of its own solutions takes 2.3
_PROTOCOL = (
    "MBPP, the 500 problems of its test part (11 to 510), 3-shot with problems 2, 3 and 4: each is a sentence, its "
    "three tests and an answer between [BEGIN] and [DONE]; the text up to [DONE] is judged. An answer passes where it "
    "passes the three tests within 10 s (waits for a processor not counted), with Python's standard library only. "
    "Problem 367 can't be solved: its tests need a class that the prompt does not name."
)


@dataclass(frozen=True)
class Details:
    """What judging an answer needs.

    Attributes:
        test: raises nothing where the answer is right.
        functions: those that the test calls.
        code: an answer that is right, except for problem 367.
    """

    test: str
    functions: tuple[str, ...]
    code: str


@dataclass(frozen=True)
class Mbpp(PythonBenchmark):
    """The benchmark; see `task.Benchmark`."""

    name: str = "mbpp"
    protocol: str = _PROTOCOL

    def completion(self, problem: Problem, text: str) -> str:
        """The text up to the word that ends an answer."""
        return until_stop(text, problem.stop)

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> list[Judgement]:
        return [python_judge.judge(trial(problem, completion)) for problem, completion in answers]


def load(file: Path) -> Mbpp:
    """Read `mbpp.jsonl`, packed or not.

    Raises:
        UserError: the file is damaged or another one.
    """
    rows, data = read_rows(file, _FIELDS, ("task_id",))
    by_id = {row["task_id"]: row for row in rows}
    asked = [row for row in rows if _FIRST <= row["task_id"] <= _LAST]
    if lacking := [number for number in _SHOTS if number not in by_id]:
        raise UserError(f"{file} lacks problem {lacking[0]}, which stands in each prompt; get the file again.")
    if not asked:
        raise UserError(f"{file} has none of the problems {_FIRST} to {_LAST}; get the file again.")
    details = {row["task_id"]: _details(file, row) for row in [*asked, *(by_id[number] for number in _SHOTS)]}
    shots = "".join(
        f"{_question(by_id[number])}{_unix(by_id[number]['code']).strip()}\n[DONE]\n\n" for number in _SHOTS
    )
    problems = [
        Problem(f"MBPP/{row['task_id']}", shots + _question(row), _STOP, _MAX_TOKENS, details=details[row["task_id"]])
        for row in asked
    ]
    return Mbpp(problems, (data,))


def trial(problem: Problem, completion: str) -> Trial:
    """How an answer to a problem is judged."""
    details: Details = problem.details
    return Trial(ended(completion, details.test), details.test, details.functions, seconds=_SECONDS)


def _question(row: Mapping[str, Any]) -> str:
    tests = "\n".join(row["test_list"])
    return (
        f"You are an expert Python programmer, and here is your task: {row['text']} Your code should pass these tests:"
        f"\n\n{tests}\n[BEGIN]\n"
    )


def _details(file: Path, row: Mapping[str, Any]) -> Details:
    if not row["test_list"] or not all(isinstance(test, str) for test in row["test_list"]):
        raise wrong(file, row, f"the field 'test_list' of problem {row['task_id']} is not a list of texts")
    code = _unix(row["code"])
    tests = "\n".join(row["test_list"]) + "\n"
    try:
        functions = tuple(sorted(bound(code) & named(tests)))
    except (SyntaxError, ValueError) as error:
        told = f"the code of problem {row['task_id']} is no Python ({error}); get the file again"
        raise wrong(file, row, told) from None
    setup = _unix(row["test_setup_code"])
    return Details(f"{setup}\n{tests}" if setup else tests, functions, code)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")
