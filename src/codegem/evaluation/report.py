"""What a run comes to: report.json, and the same in a few lines.

pass@k is averaged over all problems. One without a prediction counts as wrong; one of which an answer was skipped is
left out, and the report says so. Of several samples each problem gives one value, its own mean, so that intervals
are over problems (`scoring.estimate`).
"""

import json
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.judging import NO_PREDICTION, Judged, cores
from codegem.evaluation.predictions import Prediction
from codegem.evaluation.scoring import Estimate, estimate, pass_at_k
from codegem.evaluation.task import Benchmark, DataFile, Problem, Verdict
from codegem.generate import StopReason

FAILURES = 10
_TEXT = 600  # characters of a failure that a report has
_KS = (1, 10, 100)


@dataclass(frozen=True)
class Failure:
    """An answer that did not pass, to be read."""

    task_id: str
    sample: int
    verdict: str
    reason: str
    text: str


@dataclass(frozen=True)
class Row:
    """One group of a benchmark: a language, a split, or all there is.

    Attributes:
        counted: problems that pass@k is the mean of; the others were skipped.
        samples: answers to each problem.
        passed, failed, timed_out, error, skipped: answers; `failed` has those `without_prediction`.
        skipped_reasons: and how many answers each is of.
        pass_at: by k, as text; k up to the samples that each problem has. Empty where nothing is counted.
        measures: means of the benchmark's own numbers.
        stopped: share of the answers that ended by themselves; None where nobody knows.
        tokens: mean of an answer.
        cut: prompts of which the model read a part.
        lowered_to: the fewest tokens that an answer was allowed, where that is fewer than the protocol has.
        seconds: of generating.
    """

    group: str
    problems: int
    counted: int
    samples: int
    passed: int
    failed: int
    timed_out: int
    error: int
    skipped: int
    without_prediction: int
    skipped_reasons: Mapping[str, int]
    pass_at: Mapping[str, Estimate]
    measures: Mapping[str, Estimate]
    stopped: Estimate | None
    tokens: float
    cut: int
    lowered_to: int | None
    seconds: float
    failures: Sequence[Failure]


@dataclass(frozen=True)
class Report:
    """A run: what was asked, of whom, how, and what came of it.

    Attributes:
        settings: of the answers, such as `temperature`.
        tools: names and versions of what judged.
        codegem: its version.
        date: when it was judged, in UTC.
        seconds: of the clock: "predict" and "judge".
    """

    benchmark: str
    model: str
    protocol: str
    settings: Mapping[str, Any]
    data: Sequence[DataFile]
    tools: Mapping[str, str]
    machine: Mapping[str, Any]
    codegem: str
    date: str
    seconds: Mapping[str, float]
    rows: Sequence[Row]


@dataclass
class _Group:
    """What a row is made from."""

    problems: list[Problem] = field(default_factory=list)
    verdicts: list[Judged] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)


def make_report(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    predictions: Sequence[Prediction],
    verdicts: Sequence[Judged],
    *,
    model: str,
    settings: Mapping[str, Any],
) -> Report:
    """The report of a run.

    Args:
        verdicts: one for each answer, as `judging.judge` gives them.
    """
    from codegem import __version__

    of = {problem.task_id: problem.group for problem in problems}
    groups = {problem.group: _Group() for problem in problems}
    for problem in problems:
        groups[problem.group].problems.append(problem)
    judged = {verdict.key for verdict in verdicts}
    for verdict in verdicts:
        groups[of[verdict.task_id]].verdicts.append(verdict)
    for prediction in predictions:
        if (prediction.task_id, prediction.sample) in judged:
            groups[of[prediction.task_id]].predictions.append(prediction)
    rows = [_row(name, group) for name, group in groups.items()]
    wall = {"predict": sum(row.seconds for row in rows), "judge": sum(verdict.wall for verdict in verdicts)}
    return Report(
        benchmark.name,
        model,
        benchmark.protocol,
        dict(settings),
        benchmark.data,
        dict(benchmark.tools()),
        machine(),
        __version__,
        datetime.now(UTC).isoformat(timespec="seconds"),
        {name: round(seconds, 1) for name, seconds in wall.items()},
        rows,
    )


def to_json(report: Report) -> str:
    """The text of report.json; with escapes where an answer holds half a surrogate pair, which no file can."""
    text = json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n"
    halves = any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(asdict(report), indent=2) + "\n" if halves else text


def read_report(file: Path) -> Report:
    """A report.json as it was written.

    Raises:
        UserError: it is absent, or no report.
    """
    try:
        report = json.loads(read_bytes(file).decode())
        rows = [_read_row(row) for row in report.pop("rows")]
        return Report(data=[DataFile(**entry) for entry in report.pop("data")], rows=rows, **report)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"{file} is no report of `codegem eval`, or of another version; judge again.") from None


def machine() -> dict[str, Any]:
    """What this machine is, as far as it decides how long something takes."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory": _memory(),
        "python": platform.python_version(),
    }


def _row(name: str, group: _Group) -> Row:
    counts = Counter(verdict.verdict for verdict in group.verdicts)
    skipped = Counter(verdict.reason for verdict in group.verdicts if verdict.verdict == Verdict.SKIPPED)
    by_task: dict[str, list[Judged]] = {problem.task_id: [] for problem in group.problems}
    for verdict in group.verdicts:
        by_task[verdict.task_id].append(verdict)
    counted = [answers for answers in by_task.values() if all(one.verdict != Verdict.SKIPPED for one in answers)]
    stopped = [prediction.stop_reason for prediction in group.predictions if prediction.stop_reason]
    lowered = [prediction.max_tokens for prediction in group.predictions if prediction.max_tokens is not None]
    return Row(
        name,
        len(group.problems),
        len(counted),
        max(map(len, by_task.values()), default=0),
        *(counts[verdict] for verdict in Verdict),
        without_prediction=sum(verdict.reason == NO_PREDICTION for verdict in group.verdicts),
        skipped_reasons=dict(skipped.most_common()),
        pass_at=_pass_at(counted),
        measures=_measures(counted),
        stopped=estimate([reason == StopReason.STOP for reason in stopped]) if stopped else None,
        tokens=fmean([prediction.tokens for prediction in group.predictions] or [0]),
        cut=sum(prediction.cut for prediction in group.predictions),
        lowered_to=min(lowered, default=None),
        seconds=round(sum(prediction.seconds for prediction in group.predictions), 2),
        failures=_failures(group),
    )


def _pass_at(counted: Sequence[Sequence[Judged]]) -> dict[str, Estimate]:
    """pass@k for each k that every problem has answers for; one that has no answer at all fails at every k."""
    answered = [answers for answers in counted if any(one.answer for one in answers)]
    most = min(map(len, answered), default=1)
    if not counted:
        return {}
    found = {}
    for k in _KS:
        if k <= most:
            found[str(k)] = estimate([_passed(answers, k) for answers in counted])
    return found


def _passed(answers: Sequence[Judged], k: int) -> float:
    passed = sum(one.verdict == Verdict.PASSED for one in answers)
    return pass_at_k(len(answers), passed, k) if passed else 0.0


def _measures(counted: Sequence[Sequence[Judged]]) -> dict[str, Estimate]:
    """The mean of each number over the problems of which at least one answer has it."""
    names = dict.fromkeys(name for answers in counted for one in answers for name in one.measures)
    found = {}
    for name in names:
        values = [[one.measures[name] for one in answers if name in one.measures] for answers in counted]
        found[name] = estimate([fmean(each) for each in values if each])
    return found


def _failures(group: _Group) -> list[Failure]:
    texts = {(prediction.task_id, prediction.sample): prediction.completion for prediction in group.predictions}
    wrong = [one for one in group.verdicts if one.verdict not in (Verdict.PASSED, Verdict.SKIPPED)]
    return [
        Failure(one.task_id, one.sample, str(one.verdict), one.reason, texts.get(one.key, "")[:_TEXT])
        for one in wrong[:FAILURES]
    ]


def _read_row(row: dict[str, Any]) -> Row:
    for name in ("pass_at", "measures"):
        row[name] = {key: Estimate(**value) for key, value in row[name].items()}
    row["stopped"] = Estimate(**row["stopped"]) if row["stopped"] else None
    row["failures"] = [Failure(**failure) for failure in row["failures"]]
    return Row(**row)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _memory() -> int | None:
    """Bytes, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
