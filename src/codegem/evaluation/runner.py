"""Generating: problems -> a source of text -> predictions.jsonl. It can be stopped, and goes on.

Judging (`judging.py`) is another program, joined to this one by that file alone: predictions may come from somebody
else, and may be judged on another machine.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codegem.errors import SourceError, UserError
from codegem.evaluation.predictions import NEEDED, Prediction, to_predictions
from codegem.evaluation.run_folder import RunFolder, journal
from codegem.evaluation.task import Benchmark, Problem
from codegem.generate import Infill, Output, Request, StopReason, TextSource, finished

# Cuts a prompt, and lowers the tokens of its answer, to what a model can hold: (prompt, max_tokens, was it cut).
Fit = Callable[[str | Infill, int], tuple[str | Infill, int, bool]]
# Told how far a stage is: (stage, done, total, of what).
Progress = Callable[[str, int, int, str], object]
# One answer: task_id and sample.
Key = tuple[str, int]


def whole(prompt: str | Infill, max_tokens: int) -> tuple[str | Infill, int, bool]:
    """The `Fit` of a model that holds everything, or that cuts for itself."""
    return prompt, max_tokens, False


def silent(stage: str, done: int, total: int, unit: str) -> None:
    """The `Progress` of whom nobody watches."""


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn.

    Attributes:
        samples: answers to each problem.
        temperature: 0 takes the likeliest token each time.
        seed: each sample of each problem has its own, made from this one, so that it does not matter which others
            are asked for.

    Raises:
        UserError: a value makes no sense.
    """

    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise UserError(f"{self.samples} samples are asked for; ask for at least 1.")
        if self.samples > 1 and self.temperature == 0:
            raise UserError(
                f"{self.samples} samples at temperature 0 are all the same; set --temperature, such as 0.8."
            )

    def request(self, problem: Problem, sample: int, fit: Fit) -> tuple[Request, bool]:
        """What is asked of the source, and whether the prompt was cut."""
        prompt, max_tokens, cut = fit(problem.prompt, problem.max_tokens)
        mixed = hashlib.sha256(f"{self.seed}\n{problem.task_id}\n{sample}".encode()).digest()
        seed = int.from_bytes(mixed[:4]) >> 1
        return Request(prompt, max_tokens, problem.stop, self.temperature, self.top_p, seed), cut


def select(
    benchmark: Benchmark, *, groups: Sequence[str] = (), limit: int | None = None, max_tokens: int | None = None
) -> list[Problem]:
    """Problems of a benchmark.

    Args:
        groups: those of which; all by default.
        limit: the first so many of each group.
        max_tokens: for the answers, instead of the protocol's.

    Raises:
        UserError: a number below 1, or a group that the benchmark does not have.
    """
    for name, value in (("--limit", limit), ("--max-tokens", max_tokens)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1.")
    known = list(dict.fromkeys(problem.group for problem in benchmark.problems))
    if unknown := [group for group in groups if group not in known]:
        raise UserError(f"{benchmark.name} has no {unknown[0]!r}; it has {', '.join(known)}.")
    chosen: dict[str, list[Problem]] = {group: [] for group in known if not groups or group in groups}
    for problem in benchmark.problems:
        if problem.group in chosen and (limit is None or len(chosen[problem.group]) < limit):
            chosen[problem.group].append(replace(problem, max_tokens=max_tokens or problem.max_tokens))
    return [problem for group in chosen.values() for problem in group]


def identity(benchmark: Benchmark, model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal for a run to go on in its folder."""
    data = {file.name: file.sha256 for file in benchmark.data}
    return {"benchmark": benchmark.name, "model": model, "settings": dict(settings), "data": data}


def predict(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    source: TextSource,
    folder: RunFolder,
    sampling: Sampling,
    *,
    fit: Fit = whole,
    progress: Progress = silent,
) -> dict[Key, str]:
    """Ask for every answer that predictions.jsonl does not have yet, and append each as it comes.

    Args:
        folder: claimed for this run.

    Returns:
        Why answers are not there that the source lost; the next run asks for them again.

    Raises:
        UserError: the source refuses, or the file can't be written. What came before is kept.
    """
    with journal(folder.predictions, NEEDED) as file:
        there = {(row.task_id, row.sample) for row in _known(folder.predictions, file.rows, benchmark)}
        wanted = [(problem, sample) for problem in problems for sample in range(sampling.samples)]
        missing = [(problem, sample) for problem, sample in wanted if (problem.task_id, sample) not in there]
        before = time.monotonic()
        asked = [sampling.request(problem, sample, fit) for problem, sample in missing]
        lost = {index: "generating was stopped" for index in range(len(asked))}
        stage, done = f"generating {benchmark.name}", len(wanted) - len(missing)
        progress(stage, done, len(wanted), "answers")
        try:
            for index, output in finished(source, [request for request, _ in asked]):
                if output.stop_reason != StopReason.CANCELLED:
                    now = time.monotonic()
                    file.append(_prediction(benchmark, missing[index], asked[index], output, now - before).row())
                    del lost[index]
                    before, done = now, done + 1
                    progress(stage, done, len(wanted), "answers")
        except SourceError as error:
            if len(lost) == len(asked):
                raise  # nothing came, so there is nothing new to judge
            lost = {index: error.failed.get(index, str(error)) for index in lost}
    return {(missing[index][0].task_id, missing[index][1]): reason for index, reason in lost.items()}


def _known(file: Path, rows: Sequence[Mapping[str, Any]], benchmark: Benchmark) -> list[Prediction]:
    return to_predictions(file, enumerate(rows, start=1), {problem.task_id for problem in benchmark.problems})


def _prediction(
    benchmark: Benchmark,
    answered: tuple[Problem, int],
    asked: tuple[Request, bool],
    output: Output,
    seconds: float,
) -> Prediction:
    (problem, sample), (request, cut) = answered, asked
    completion = benchmark.completion(problem, output.text)
    return Prediction(
        problem.task_id,
        completion,
        sample,
        output.tokens,
        str(output.stop_reason),
        round(seconds, 4),
        raw=output.text if output.text != completion else None,
        cut=cut,
        max_tokens=request.max_tokens if request.max_tokens < problem.max_tokens else None,
    )
