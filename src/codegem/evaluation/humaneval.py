"""HumanEval (Chen et al. 2021, 2107.03374): 164 functions to be written from their signature and docstring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codegem.evaluation import python_judge
from codegem.evaluation.json_lines import read_rows, wrong
from codegem.evaluation.python_judge import Trial
from codegem.evaluation.python_programs import PythonBenchmark, ended, prelude
from codegem.evaluation.task import Judgement, Problem

FIELDS = {"task_id": str, "prompt": str, "entry_point": str, "canonical_solution": str, "test": str}
STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint", "\n@", "\n```")
_MAX_TOKENS = 512
_PROTOCOL = (
    "HumanEval, 0-shot: the raw prompt is continued, up to a line that begins with class, def, #, if, print, @ or a "
    "closing fence. An answer passes where the prompt with it passes all of the problem's tests within 3 s (waits for "
    "a processor not counted), with Python's standard library only."
)


@dataclass(frozen=True)
class Details:
    """What judging an answer needs.

    Attributes:
        entry_point: the function that is judged.
        test: defines `check`, which takes the function.
        canonical_solution: an answer that is right.
    """

    entry_point: str
    test: str
    canonical_solution: str
    prelude: str


@dataclass(frozen=True)
class HumanEval(PythonBenchmark):
    """The benchmark; see `task.Benchmark`."""

    name: str = "humaneval"
    protocol: str = _PROTOCOL

    def completion(self, problem: Problem, text: str) -> str:
        """The text up to the first stop string."""
        return until_stop(text, problem.stop)

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> list[Judgement]:
        return [python_judge.judge(trial(problem, completion)) for problem, completion in answers]


def load(file: Path) -> HumanEval:
    """Read `HumanEval.jsonl`, packed or not.

    Raises:
        UserError: the file is damaged or another one.
    """
    rows, data = read_rows(file, FIELDS, ("task_id",))
    problems = [
        Problem(row["task_id"], row["prompt"], STOP, _MAX_TOKENS, details=details(file, row, row["prompt"]))
        for row in rows
    ]
    return HumanEval(problems, (data,))


def trial(problem: Problem, completion: str) -> Trial:
    """How an answer to a problem is judged."""
    details: Details = problem.details
    return checked(details, f"{problem.prompt}{completion}")


def checked(details: Details, program: str) -> Trial:
    """A program with the tests of its problem."""
    test = f"{details.test}\ncheck({details.entry_point})\n"
    return Trial(ended(program, details.test), test, (details.entry_point,), details.prelude)


def details(file: Path, row: Mapping[str, str], source: str) -> Details:
    """What judging needs of a row.

    Args:
        source: defines the helpers that the row's test may call.

    Raises:
        UserError: its code is no Python.
    """
    entry, test = row["entry_point"], row["test"]
    try:
        helpers = prelude(source, test, entry)
    except (SyntaxError, ValueError) as error:
        raise wrong(file, row, f"the code of {row['task_id']} is no Python ({error}); get the file again") from None
    return Details(entry, test, row["canonical_solution"], helpers)


def until_stop(text: str, stop: Sequence[str]) -> str:
    r"""The text before the first stop string.

    >>> until_stop("    return 1\n\ndef g():", STOP)
    '    return 1\n'
    """
    return text[: min((at for word in stop if (at := text.find(word)) >= 0), default=len(text))]
