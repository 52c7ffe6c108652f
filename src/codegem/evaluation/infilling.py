"""HumanEval infilling (Bavarian et al. 2022, 2207.14255): parts of HumanEval's solutions to be put back.

Four splits: one line, several lines, and two with a span of characters that begins and ends anywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codegem.errors import UserError
from codegem.evaluation import humaneval, python_judge
from codegem.evaluation.json_lines import read_rows
from codegem.evaluation.python_judge import Trial
from codegem.evaluation.python_programs import PythonBenchmark
from codegem.evaluation.task import DataFile, Judgement, Problem, Verdict
from codegem.generate import Infill

SPLITS = ("single-line", "multi-line", "random-span", "random-span-light")
_FIELDS = humaneval.FIELDS | {"suffix": str}
_LINES = ("single-line", "multi-line")  # their middles are whole lines
_MAX_TOKENS = {"single-line": 128, "multi-line": 128, "random-span": 256, "random-span-light": 256}
_PROTOCOL = (
    "HumanEval infilling, 0-shot, greedy up to the model's end of the middle: of a single line, the text through its "
    "first newline is kept; the others are kept whole. At most 128 tokens for lines, as in CodeGemma's report, and 256 "
    "for spans. An answer passes where prefix, middle and suffix pass all of HumanEval's tests of the problem within "
    "3 s (waits for a processor not counted). `repaired` is the share that passes as it is or with a newline added "
    "where the answer has none at its end; pass@1 counts answers as they are."
)


@dataclass(frozen=True)
class Infilling(PythonBenchmark):
    """The benchmark; see `task.Benchmark`. Each split is a group."""

    name: str = "infilling"
    protocol: str = _PROTOCOL

    def completion(self, problem: Problem, text: str) -> str:
        """The text, of a single line through its first newline."""
        line, newline, _ = text.partition("\n")
        return line + newline if problem.group == "single-line" else text

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> list[Judgement]:
        return [_judged(problem, middle) for problem, middle in answers]


def load(files: Mapping[str, Path], path: str | None = None) -> Infilling:
    """Read the files of some of `SPLITS`.

    Args:
        path: what the prompts call the file with the hole; by default they don't name it.

    Raises:
        UserError: a file is damaged or another one.
    """
    problems: list[Problem] = []
    data: list[DataFile] = []
    for split, file in files.items():
        rows, told = read_rows(file, _FIELDS, ("task_id",))
        problems += [_problem(file, split, row, path) for row in rows]
        data.append(told)
    if len(problems) > len({problem.task_id for problem in problems}):
        raise UserError(f"{' and '.join(map(str, files.values()))} have the same problems; give each split its file.")
    return Infilling(problems, tuple(data))


def _problem(file: Path, split: str, row: dict[str, str], path: str | None) -> Problem:
    whole = f"{row['prompt']}{row['canonical_solution']}{row['suffix']}".strip()
    details = humaneval.details(file, row, whole)
    hole = Infill(row["prompt"], row["suffix"], path)
    return Problem(row["task_id"], hole, (), _MAX_TOKENS[split], split, details)


def _judged(problem: Problem, middle: str) -> Judgement:
    """The verdict of a middle as it is, and whether it passes with the newline that it may lack."""
    told = python_judge.judge(trial(problem, middle))
    if problem.group not in _LINES:
        return told
    repaired = told.verdict == Verdict.PASSED
    if not repaired and not middle.endswith("\n"):
        again = python_judge.judge(trial(problem, f"{middle}\n"))
        repaired = again.verdict == Verdict.PASSED
        told = replace(told, seconds=told.seconds + again.seconds)
    return replace(told, measures={"repaired": float(repaired)})


def trial(problem: Problem, middle: str) -> Trial:
    """How a middle is judged."""
    hole = problem.prompt
    assert isinstance(hole, Infill)
    return humaneval.checked(problem.details, f"{hole.prefix}{middle}{hole.suffix}")
