"""A model on tasks of language and mathematics: questions asked, answers kept, findings written."""

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from codegem.errors import UsageError, UserError
from codegem.evaluation.findings import Figure, Findings, share, write
from codegem.evaluation.language import rows
from codegem.evaluation.language.answers import answers
from codegem.evaluation.language.lm import CodegemLM, Known, Scorer
from codegem.evaluation.language.tasks import PUBLISHED_SOURCE, TASKS, LanguageTask
from codegem.evaluation.mathematics import symbolic
from codegem.evaluation.run_folder import RunFolder
from codegem.evaluation.runner import Fit, Progress, silent, whole
from codegem.evaluation.task import DataFile
from codegem.generate import TextSource
from codegem.text.tokenizer import Encoder

NAME = "language"
PROTOCOL = (
    "lm-eval's own task definitions, sampler of examples and evaluator, on local rows. Given answers are compared by "
    "their log-likelihood behind the question (acc), or by it for each character (acc_norm); answers that are written "
    "are greedy. BOS stands first, once; of a prompt that is longer than the model reads, the end is kept, the same "
    "for all choices of a question."
)
EXAMPLES = 2  # of each task that writes


def run(
    source: TextSource,
    scorer: Scorer | None,
    encoder: Encoder | None,
    out: Path,
    *,
    tasks: Sequence[str] = (),
    data: Path | None = None,
    limit: int | None = None,
    fit: Fit = whole,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Findings:
    """Ask a model, and write answers.jsonl and findings.json; the same call goes on where an earlier one was stopped.

    Args:
        scorer: says how likely answers are; None leaves the tasks out that need it.
        encoder: makes the scorer's tokens.
        tasks: names of `TASKS`; by default all whose data is at hand, and what is left out is said.
        data: a folder with the tasks' files; by default the user's cache, and the public source.
        limit: the first so many questions of each task, and of each subject of MMLU.
        fit: cuts a prompt to what the source holds.
        settings: what else decides the answers; a run with others is refused in the same folder.

    Raises:
        UsageError: there is no such task.
        UserError: a task that was asked for has no data, or the folder is of another run.
    """
    if unknown := [name for name in tasks if name not in TASKS]:
        raise UsageError(f"There is no task {unknown[0]!r}; the tasks are {', '.join(TASKS)}.")
    if limit is not None and limit < 1:
        raise UserError(f"--limit is {limit}; it must be at least 1.")
    asked, absent = _readable(tasks, data, scorer is not None)
    if not asked:
        raise UserError(" ".join(absent))
    identity = {"evaluation": NAME, "model": source.name, "settings": dict(settings or {})}
    figures: list[Figure] = []
    run_of = _Run(source, scorer, encoder, fit, limit, progress)
    with RunFolder(out).claimed(identity), answers(out) as known:
        for task, found in asked:
            figures += run_of.task(task, found, known)
        findings = Findings(
            NAME,
            "Language and mathematics",
            source.name,
            PROTOCOL,
            figures,
            data=run_of.files,
            settings={**(settings or {}), "shots": {task.name: task.shots for task, _ in asked}, "limit": limit},
            left_out=run_of.left_out,
            tools={
                "lm_eval": version("lm_eval"),
                **(symbolic.tools() if any(task.name == "math" for task, _ in asked) else {}),
            },
            seconds=run_of.seconds,
            notes=[*(note for task, _ in asked for note in _known(task)), *run_of.notes, *absent],
            examples=run_of.examples,
        )
        write(findings, out)
    return findings


class _Run:
    """What the tasks of a run have in common, and what came of them."""

    def __init__(
        self,
        source: TextSource,
        scorer: Scorer | None,
        encoder: Encoder | None,
        fit: Fit,
        limit: int | None,
        progress: Progress,
    ):
        self._source, self._scorer, self._encoder, self._fit = source, scorer, encoder, fit
        self._limit, self._progress = limit, progress
        self.files: list[DataFile] = []
        self.left_out: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []
        self.examples: list[tuple[str, str]] = []

    def task(self, task: LanguageTask, data: rows.Data, known: Known) -> list[Figure]:
        """Ask the questions of a task; its figures."""
        from codegem.evaluation.language import harness, judges

        begun = time.monotonic()
        lm = CodegemLM(self._scorer, self._encoder, self._source, fit=self._fit, known=known, progress=self._progress)
        lm.stage = task.title
        found = harness.run(lm, harness.build(task, data), self._limit)
        samples = [sample for part in found.values() for sample in part]
        if task.generated:
            judged = judges.judge(task.name, [_text(sample) for sample in samples], [row["doc"] for row in samples])
            for sample, metrics in zip(samples, judged.metrics, strict=True):
                sample.update(metrics)
            for reason in judged.reasons:
                why = f"answers of {task.title} that could not be judged: {reason}"
                self.left_out[why] = self.left_out.get(why, 0) + 1
        self.seconds[task.name] = round(time.monotonic() - begun, 2)
        self.files += data.files
        self._tell(task, lm, len(data.rows), samples)
        return _figures(task, samples)

    def _tell(self, task: LanguageTask, lm: CodegemLM, whole: int, samples: Sequence[Mapping[str, Any]]) -> None:
        if len(samples) < whole:
            self.left_out[f"questions of {task.title} beyond --limit"] = whole - len(samples)
        if lm.cut:
            self.notes.append(
                f"{task.title}: the model read only the end of {lm.cut:,} of its prompts, as it holds no more."
            )
        if lm.lowered:
            self.notes.append(
                f"{task.title}: answers could have {lm.lowered} tokens at most, as the model holds no more."
            )
        if task.generated:
            self.examples += [
                (f"{task.title}, question {sample['doc_id']}", _text(sample)) for sample in samples[:EXAMPLES]
            ]


def _known(task: LanguageTask) -> list[str]:
    """What is told of a task whatever the run: its data, and what others published."""
    told = [f"{task.title}: {task.told}."] if task.told else []
    if task.published:
        rows = ", ".join(f"{model} {percent}%" for model, percent in task.published.items())
        told.append(f"{task.title}, {task.metrics[0]}, as published: {rows} ({PUBLISHED_SOURCE}).")
    return told


def _text(sample: Mapping[str, Any]) -> str:
    return sample["resps"][0][0]


def _figures(task: LanguageTask, samples: Sequence[Mapping[str, Any]]) -> list[Figure]:
    found = []
    for metric in task.metrics:
        values = [float(sample[metric]) for sample in samples if metric in sample]
        found.append(share(f"{task.name}.{metric}", f"{task.title}, {task.shots}-shot, {metric}", values))
    return found


def _readable(
    names: Sequence[str], data: Path | None, has_scores: bool
) -> tuple[list[tuple[LanguageTask, rows.Data]], list[str]]:
    """Tasks with their data, and a sentence for each that is left out."""
    found, absent = [], []
    for task in TASKS.values():
        if names and task.name not in names:
            continue
        if not task.generated and not has_scores:
            absent.append(f"{task.title} is left out: a model behind an address does not say how likely answers are.")
            continue
        try:
            found.append((task, rows.load(task.name, data)))
        except rows.Absent as error:
            if names:
                raise
            absent.append(f"{task.title} is left out: {error}")
    return found, absent
