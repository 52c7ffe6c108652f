"""How well a model fills single lines of repositories that it has not seen.

A place is a line with code on it, drawn from all lines of all kept files with equal chance; the middle is
the line from its first character after the indentation to its end. The answer counts as exact when its
first line, trailing white space aside, is the middle. The model has to stop by itself: an answer that ran
to the token limit is counted apart, whatever its first line is.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codegem.data.reading import read_documents
from codegem.data.recipe import DataRecipe
from codegem.data.records import Document
from codegem.errors import UserError
from codegem.evaluation.scoring import wilson
from codegem.generate import Infill, Output, Request, StopReason, TextSource, outputs

MAX_TOKENS = 64


@dataclass(frozen=True)
class Problem:
    """One line to be filled."""

    task_id: str
    path: str
    prefix: str
    middle: str
    suffix: str


@dataclass(frozen=True)
class Report:
    """Shares are of all problems; intervals are Wilson's at 95%."""

    model: str
    problems: int
    files: int
    exact_match: float
    exact_match_interval: tuple[float, float]
    stopped_by_itself: float
    stopped_by_itself_interval: tuple[float, float]
    mean_tokens: float


def find_problems(paths: Sequence[Path], count: int, seed: int, recipe: DataRecipe | None = None) -> list[Problem]:
    """Random single lines of the files that the recipe's filters keep, the same ones for the same seed.

    Raises:
        UserError: there are fewer lines than `count`, or a path holds no repository.
    """
    documents = read_documents(paths, recipe or DataRecipe())
    lines = [(document, at) for document in documents for at in _line_starts(document.text)]
    if count < 1 or len(lines) < count:
        raise UserError(
            f"{count} places are asked for and the files kept have {len(lines)} lines of code; ask for fewer."
        )
    return [_problem(document, at) for document, at in random.Random(seed).sample(lines, count)]


def evaluate(
    source: TextSource,
    problems: Sequence[Problem],
    fit: Callable[[Infill, int], Infill],
    *,
    out: Path | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Report:
    """Fill every hole greedily, and count.

    Args:
        fit: cuts a hole to what the source can read, given the tokens of the answer.
        out: gets predictions.jsonl, verdicts.jsonl and report.json.
    """
    requests = [Request(fit(Infill(p.prefix, p.suffix, p.path), MAX_TOKENS), MAX_TOKENS) for p in problems]
    answers: list[Output] = []
    for answer in outputs(source, requests):
        answers.append(answer)
        progress(len(answers), len(problems))
    exact = [is_exact(answer.text, problem.middle) for answer, problem in zip(answers, problems, strict=True)]
    stopped = [answer.stop_reason == StopReason.STOP for answer in answers]
    report = Report(
        model=source.name,
        problems=len(problems),
        files=len({problem.task_id.rpartition(":")[0] for problem in problems}),
        exact_match=sum(exact) / len(exact),
        exact_match_interval=wilson(sum(exact), len(exact)),
        stopped_by_itself=sum(stopped) / len(stopped),
        stopped_by_itself_interval=wilson(sum(stopped), len(stopped)),
        mean_tokens=sum(answer.tokens for answer in answers) / len(answers),
    )
    if out is not None:
        _write(out, problems, answers, exact, report)
    return report


def is_exact(answer: str, middle: str) -> bool:
    """Whether the first line of an answer is the middle, trailing white space aside.

    >>> is_exact("return a + b \\nprint()", "return a + b"), is_exact("return a", "return a + b")
    (True, False)
    """
    return answer.partition("\n")[0].rstrip() == middle.rstrip()


def summary(report: Report) -> str:
    """The report in a few lines."""
    exact, stopped = report.exact_match_interval, report.stopped_by_itself_interval
    return (
        f"{report.model} on {report.problems} single lines of {report.files} files\n"
        f"  exact match        {report.exact_match:6.1%}   (95% interval {exact[0]:.1%} to {exact[1]:.1%})\n"
        f"  stopped by itself  {report.stopped_by_itself:6.1%}   (95% interval {stopped[0]:.1%} to {stopped[1]:.1%})\n"
        f"  tokens an answer   {report.mean_tokens:6.1f}"
    )


def _line_starts(text: str) -> Iterator[int]:
    start = 0
    for line in text.split("\n"):
        if code := line.strip():
            yield start + line.index(code[0])
        start += len(line) + 1


def _problem(document: Document, at: int) -> Problem:
    end = document.text.find("\n", at)
    end = len(document.text) if end < 0 else end
    number = document.text.count("\n", 0, at) + 1
    task = f"{document.repository}/{document.path}:{number}"
    return Problem(task, document.path, document.text[:at], document.text[at:end], document.text[end:])


def _write(
    out: Path, problems: Sequence[Problem], answers: Sequence[Output], exact: Sequence[bool], report: Report
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    rows = list(zip(problems, answers, exact, strict=True))
    _jsonl(
        out / "predictions.jsonl",
        [
            {"task_id": p.task_id, "completion": a.text, "tokens": a.tokens, "stop_reason": str(a.stop_reason)}
            for p, a, _ in rows
        ],
    )
    _jsonl(
        out / "verdicts.jsonl",
        [
            {"task_id": p.task_id, "verdict": "passed" if right else "failed", "expected": p.middle}
            for p, _, right in rows
        ],
    )
    (out / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")


def _jsonl(file: Path, rows: Sequence[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
