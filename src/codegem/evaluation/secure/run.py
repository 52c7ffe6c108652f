"""A run of the benchmark of secure code, and its findings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codegem.evaluation import findings
from codegem.evaluation.evaluate import evaluate
from codegem.evaluation.findings import Findings
from codegem.evaluation.json_lines import parse_rows, read_bytes
from codegem.evaluation.report import Report
from codegem.evaluation.run_folder import RunFolder
from codegem.evaluation.runner import Fit, Progress, Sampling, select, silent, whole
from codegem.evaluation.secure.benchmark import load
from codegem.evaluation.secure.figures import figures
from codegem.evaluation.task import Problem, Verdict
from codegem.generate import TextSource

_EXAMPLES = 6


def run(
    source: TextSource,
    out: Path,
    *,
    data: Path | None = None,
    languages: Sequence[str] = (),
    limit: int | None = None,
    max_tokens: int | None = None,
    fit: Fit = whole,
    sampling: Sampling | None = None,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Findings:
    """Ask a model for the middle or the rest of each case, judge it, and write report.json and findings.json.

    Args:
        data: a TOML file of cases or a folder of such; by default those that codegem brings along.
        languages: those of which; all by default.
        limit: the first so many problems of each language; every case makes two.
        fit, sampling, settings, workers: see `evaluate.evaluate`.

    Raises:
        UserError: a case is damaged, the folder holds another run, or the model refuses.
    """
    benchmark = load(data, languages)
    problems = select(benchmark, limit=limit, max_tokens=max_tokens)
    decided = {**(settings or {}), "max_tokens": max_tokens}
    report = evaluate(
        benchmark,
        problems,
        source,
        out,
        sampling=sampling,
        settings=decided,
        fit=fit,
        workers=workers,
        progress=progress,
    )
    names = {problem.task_id for problem in problems}
    folder = RunFolder(out)
    verdicts = [row for row in _rows(folder.verdicts) if row["task_id"] in names]
    texts = {(row["task_id"], row.get("sample", 0)): row["completion"] for row in _rows(folder.predictions)}
    found = _findings(report, problems, verdicts, texts)
    findings.write(found, out)
    return found


def _findings(
    report: Report, problems: Sequence[Problem], verdicts: Sequence[Mapping[str, Any]], texts: Mapping[Any, str]
) -> Findings:
    measured: dict[str, list[Mapping[str, float]]] = {}
    for row in verdicts:
        if row["verdict"] != Verdict.SKIPPED and row["measures"]:
            measured.setdefault(row["task_id"], []).append(row["measures"])
    insecure = [row for row in verdicts if row["measures"].get("insecure")]
    skipped = {f"{reason} ({row.group})": count for row in report.rows for reason, count in row.skipped_reasons.items()}
    return Findings(
        report.benchmark,
        "Secure code",
        report.model,
        report.protocol,
        figures(problems, measured),
        data=report.data,
        settings=report.settings,
        left_out=skipped,
        tools=report.tools,
        seconds=report.seconds,
        examples=[
            (f"{row['task_id']}, {row['reason']}", texts.get((row["task_id"], row["sample"]), ""))
            for row in insecure[:_EXAMPLES]
        ],
        machine=report.machine,
    )


def _rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a file that this run has just written."""
    return [row for _, row in parse_rows(file, read_bytes(file))]
