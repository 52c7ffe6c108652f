"""A whole run: problems asked for, answers judged, a report written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codegem.evaluation.judging import Judged, judge
from codegem.evaluation.predictions import Prediction, read_predictions
from codegem.evaluation.report import Report, make_report, to_json
from codegem.evaluation.run_folder import RunFolder, replace_text
from codegem.evaluation.runner import Fit, Progress, Sampling, identity, predict, silent, whole
from codegem.evaluation.task import Benchmark, Problem
from codegem.generate import TextSource


def evaluate(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    source: TextSource,
    out: Path,
    *,
    sampling: Sampling | None = None,
    settings: Mapping[str, Any] | None = None,
    fit: Fit = whole,
    workers: int | None = None,
    progress: Progress = silent,
) -> Report:
    """Ask a model, judge its answers, and write predictions.jsonl, verdicts.jsonl and report.json.

    The same call goes on where an earlier one was stopped; with more problems or samples, it adds them.

    Args:
        problems: from `runner.select`, or all of the benchmark.
        settings: what else decides the answers, in plain values; a run with others is refused in the same folder.
        fit: what the model can hold of a prompt.
        workers: threads that judge; by default as many as there are cores.

    Raises:
        UserError: the folder holds another run or can't be written, or the model refuses.
    """
    sampling = sampling or Sampling()
    decided = {**asdict(sampling), **(settings or {})}
    samples = decided.pop("samples")  # more of them are added to those that are there
    folder = RunFolder(out)
    with folder.claimed(identity(benchmark, source.name, decided)):
        lost = predict(benchmark, problems, source, folder, sampling, fit=fit, progress=progress)
        predictions = read_predictions(folder.predictions, {problem.task_id for problem in benchmark.problems})
        verdicts = judge(
            benchmark,
            problems,
            predictions,
            folder,
            lost=lost,
            samples=samples,
            workers=workers,
            progress=progress,
        )
        report = {"samples": samples, **decided}
        return _write(folder, benchmark, problems, predictions, verdicts, source.name, report)


def score(
    benchmark: Benchmark,
    problems: Sequence[Problem],
    predictions: Sequence[Prediction],
    out: Path,
    *,
    model: str,
    workers: int | None = None,
    progress: Progress = silent,
) -> Report:
    """Judge predictions that are there, whoever made them, and write verdicts.jsonl and report.json.

    Args:
        model: what to call whoever made them.

    Raises:
        UserError: the folder holds another run, or can't be written.
    """
    folder = RunFolder(out)
    with folder.claimed(identity(benchmark, model, {})):
        verdicts = judge(benchmark, problems, predictions, folder, workers=workers, progress=progress)
        return _write(folder, benchmark, problems, predictions, verdicts, model, {})


def _write(
    folder: RunFolder,
    benchmark: Benchmark,
    problems: Sequence[Problem],
    predictions: Sequence[Prediction],
    verdicts: Sequence[Judged],
    model: str,
    settings: Mapping[str, Any],
) -> Report:
    report = make_report(benchmark, problems, predictions, verdicts, model=model, settings=settings)
    replace_text(folder.report, to_json(report))
    return report
