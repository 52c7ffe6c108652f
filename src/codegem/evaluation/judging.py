"""Judging: predictions -> verdicts.jsonl, in a pool of threads. It can be stopped, and goes on.

What goes wrong here is never counted as a wrong answer. Where there is no toolchain, the sandbox breaks or the judge
itself fails, the verdict is `skipped` with the reason, and the next run judges that answer again. A problem without
a prediction is `failed`, as it would be by hand.
"""

import hashlib
import os
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.json_lines import check_fields, write_line
from codegem.evaluation.predictions import Prediction
from codegem.evaluation.run_folder import RunFolder, journal, replace_text
from codegem.evaluation.runner import Key, Progress, silent
from codegem.evaluation.task import Benchmark, Judgement, Problem, Verdict
from codegem.sandbox.limits import SandboxError

NO_PREDICTION = "no prediction"
_FIELDS = {"task_id": str, "sample": int, "verdict": str, "answer": str}
_TRIES = 2  # of a sandbox that broke


@dataclass(frozen=True)
class Judged:
    """The verdict on one answer.

    Attributes:
        wall: seconds since the answer before it was judged, so that the sum is the time of judging.
        answer: a hash of the completion that was judged; "" where there was none.
    """

    task_id: str
    sample: int
    verdict: Verdict
    reason: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    wall: float = 0.0
    answer: str = ""

    @property
    def key(self) -> Key:
        """Which answer it is."""
        return self.task_id, self.sample


def judge(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    predictions: Sequence[Prediction],
    folder: RunFolder,
    *,
    lost: Mapping[Key, str] | None = None,
    samples: int | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> list[Judged]:
    """Judge every answer that verdicts.jsonl does not have yet, and append each verdict as it comes.

    At the end the file has one row for each answer, in the order of the problems.

    Args:
        folder: claimed for this run.
        lost: why the source could not answer; those are skipped.
        samples: answers that each problem should have; by default at least one.
        workers: threads; by default as many as there are cores.

    Raises:
        UserError: verdicts.jsonl is damaged or can't be written, or `workers` is below 1.
    """
    if workers is not None and workers < 1:
        raise UserError(f"Judging needs at least 1 worker, not {workers}.")
    wanted = _answers(problems, predictions, lost or {}, samples)
    with journal(folder.verdicts, _FIELDS) as file:
        known = {judged.key: judged for judged in _read(folder.verdicts, file.rows)}
        kept = {key: known[key] for key, answer in wanted.items() if key in known and _stands(known[key], answer)}
        left = {key: answer for key, answer in wanted.items() if key not in kept}
        stage, before = f"judging {benchmark.name}", time.monotonic()
        progress(stage, len(kept), len(wanted), "answers")
        with closing(_judgements(benchmark, left, workers or cores())) as judgements:
            for key, judgement in judgements:
                now = time.monotonic()
                kept[key] = _judged(key, wanted[key], judgement, now - before)
                file.append(_row(kept[key]))
                before = now
                progress(stage, len(kept), len(wanted), "answers")
    found = [kept[key] for key in wanted]
    others = [judged for key, judged in known.items() if key not in wanted]  # of a run with other limits
    replace_text(folder.verdicts, b"".join(write_line(_row(judged)) for judged in [*found, *others]))
    return found


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Answer:
    """What is to be judged, or why there is nothing."""

    problem: Problem
    completion: str | None = None
    lost: str = ""

    @property
    def hash(self) -> str:
        if self.completion is None:
            return ""
        return hashlib.sha256(self.completion.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _answers(
    problems: Sequence[Problem], predictions: Sequence[Prediction], lost: Mapping[Key, str], samples: int | None
) -> dict[Key, _Answer]:
    by_task: dict[str, dict[int, str]] = {}
    for prediction in predictions:
        by_task.setdefault(prediction.task_id, {})[prediction.sample] = prediction.completion
    found: dict[Key, _Answer] = {}
    for problem in problems:
        there = by_task.get(problem.task_id, {})
        numbers = range(samples) if samples is not None else sorted(there) or [0]
        for sample in numbers:
            key = problem.task_id, sample
            found[key] = _Answer(problem, there.get(sample), "" if sample in there else lost.get(key, ""))
    return found


def _stands(judged: Judged, answer: _Answer) -> bool:
    """Whether a verdict of an earlier run is still the verdict on this answer."""
    return judged.verdict != Verdict.SKIPPED and judged.answer == answer.hash and not answer.lost


def _judgements(benchmark: Benchmark, answers: Mapping[Key, _Answer], workers: int) -> Generator[tuple[Key, Judgement]]:
    """Judgements as they are ready. Closing it waits for those that are under way, and drops them."""
    groups: dict[str, list[tuple[Key, Problem, str]]] = {}
    for key, answer in answers.items():
        if answer.completion is not None:
            groups.setdefault(answer.problem.group, []).append((key, answer.problem, answer.completion))
        elif answer.lost:
            yield key, Judgement(Verdict.SKIPPED, answer.lost)
        else:
            yield key, Judgement(Verdict.FAILED, NO_PREDICTION)
    batches = []
    for group, entries in groups.items():
        if reason := benchmark.missing(group):
            yield from ((key, Judgement(Verdict.SKIPPED, reason)) for key, *_ in entries)
        else:
            size = max(1, benchmark.batch(group))
            batches += [entries[start : start + size] for start in range(0, len(entries), size)]
    pool = ThreadPoolExecutor(workers)
    try:
        futures = {
            pool.submit(_judge, benchmark, [(problem, text) for _, problem, text in batch]): batch for batch in batches
        }
        for future in as_completed(futures):
            yield from zip((key for key, *_ in futures[future]), future.result(), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _judge(benchmark: Benchmark, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
    """A batch; where it can't be judged, each of its answers alone, so that one does not take the others along."""
    if len(answers) > 1:
        try:
            return _checked(benchmark.judge(answers), len(answers))
        except Exception:
            return [judgement for answer in answers for judgement in _judge(benchmark, [answer])]
    for left in reversed(range(_TRIES)):
        try:
            return _checked(benchmark.judge(answers), 1)
        except SandboxError as error:
            if not left:
                return [Judgement(Verdict.SKIPPED, f"the sandbox failed: {error}")]
        except UserError as error:
            return [Judgement(Verdict.SKIPPED, str(error))]
        except Exception as error:  # a mistake of ours is not one of the model
            return [Judgement(Verdict.SKIPPED, f"the judge failed: {type(error).__name__}: {error}")]
    raise AssertionError("unreachable")


def _checked(judgements: Sequence[Judgement], count: int) -> Sequence[Judgement]:
    if len(judgements) != count:
        raise RuntimeError(f"{len(judgements)} judgements of {count} answers")
    return judgements


def _judged(key: Key, answer: _Answer, judgement: Judgement, wall: float) -> Judged:
    return Judged(
        *key,
        judgement.verdict,
        judgement.reason,
        dict(judgement.measures),
        round(judgement.seconds, 4),
        round(wall, 4),
        answer.hash,
    )


def _row(judged: Judged) -> dict[str, Any]:
    return {**vars(judged), "verdict": str(judged.verdict)}


def _read(file: Path, rows: Sequence[Mapping[str, Any]]) -> list[Judged]:
    found = []
    for number, row in enumerate(rows, start=1):
        check_fields(file, number, row, _FIELDS)
        try:
            known = {name: row[name] for name in Judged.__dataclass_fields__ if name in row}
            found.append(Judged(**{**known, "verdict": Verdict(row["verdict"])}))
        except ValueError:
            raise UserError(f"{file}, line {number}: {row['verdict']!r} is no verdict.") from None
    return found
