"""The whole table of a model: every benchmark and every other evaluation, and what came of it beside published results.

Each of them is a run in a folder of its own, so a card can be stopped at any time and goes on. The card is written
anew after each of them:

    humaneval/ mbpp/ infilling/ bc-humaneval/ bc-mbpp/    predictions, verdicts and a report each
    language/ memorisation/ secure-code/ content/         answers and findings each
    report.json    everything, for programs
    card.md        the table as text
    card.html      the same as a page that stands alone, with answers to read
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from codegem.errors import SourceError, UserError
from codegem.evaluation import benchmarks, published
from codegem.evaluation.evaluate import evaluate
from codegem.evaluation.parts import Evaluation, Part, run_parts
from codegem.evaluation.policy import Outcome, Policy, check
from codegem.evaluation.report import Failure, Report, Row
from codegem.evaluation.run_folder import replace_text
from codegem.evaluation.runner import Fit, Progress, Sampling, select, silent, whole
from codegem.evaluation.task import Benchmark, Problem
from codegem.generate import Infill, TextSource

BENCHMARKS = ("humaneval", "mbpp", "infilling", "bc-humaneval", "bc-mbpp")
EXAMPLES = 3  # failures of each row to read
_LINES, _CHARACTERS = 14, 900  # of a prompt, beside an answer
_AFTER_LINES = 6

_TITLES = {"humaneval": "HumanEval", "mbpp": "MBPP", "infilling": "Infilling", "bc-humaneval": "BC-HumanEval"}
_TITLES["bc-mbpp"] = "BC-MBPP"
_LANGUAGES = {"cpp": "C++", "csharp": "C#", "javascript": "JavaScript"}
LATER = "it was not run yet"


@dataclass(frozen=True)
class Example:
    """An answer that did not pass, with what stood around it.

    Attributes:
        before: the end of the prompt, or of what stands before the hole.
        text: what the model wrote.
        after: the beginning of what stands behind the hole.
    """

    group: str
    task_id: str
    verdict: str
    reason: str
    before: str
    text: str
    after: str


@dataclass(frozen=True)
class Section:
    """A benchmark of a card; `absent` says why where there is no report."""

    benchmark: str
    report: Report | None = None
    examples: Sequence[Example] = ()
    absent: str = ""


@dataclass(frozen=True)
class Card:
    """All that is known of a model.

    Attributes:
        limit: problems of each part that were asked for; None is all.
        parts: evaluations that are no benchmark of programs.
        outcomes: the limits of a policy, held against the findings of `parts`.
    """

    model: str
    date: str
    codegem: str
    limit: int | None
    sections: Sequence[Section]
    parts: Sequence[Part] = ()
    outcomes: Sequence[Outcome] = ()


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        published: percent by model.
        absent: why there is no `row`.
    """

    benchmark: str
    group: str
    title: str
    row: Row | None
    published: Mapping[str, float]
    absent: str = ""


def run(
    source: TextSource,
    out: Path,
    *,
    data: Path | None = None,
    limit: int | None = None,
    fit: Fit = whole,
    sampling: Sampling | None = None,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    load: Callable[[str, Path | None], Benchmark] = benchmarks.load,
    evaluations: Mapping[str, Evaluation] | None = None,
    policy: Policy | None = None,
) -> Card:
    """Run every benchmark that is at hand, then the other evaluations, and write the card.

    Args:
        data: a folder with the benchmarks' data; by default the user's cache, and the public sources.
        limit: the first so many problems of each part.
        fit, sampling, settings, workers: see `evaluate.evaluate`.
        evaluations: those that are no benchmark of programs, by name.
        policy: limits that the card holds against what they find.

    Raises:
        UserError: the model refuses or is gone, a folder holds another run, or no benchmark's data is at hand.
    """
    sections = {name: Section(name, absent=LATER) for name in BENCHMARKS}
    ask = partial(evaluate, sampling=sampling, settings=settings, fit=fit, workers=workers, progress=progress)
    for name in BENCHMARKS:
        try:
            benchmark = load(name, data)
        except UserError as error:
            sections[name] = Section(name, absent=str(error))
            continue
        try:
            report = ask(benchmark, select(benchmark, limit=limit), source, out / name)
            sections[name] = Section(name, report, examples(report, benchmark.problems))
        except SourceError as error:
            if error.gone:
                raise
            sections[name] = Section(name, absent=str(error))
        write(_card(source.name, limit, sections), out)
    waiting = {name: Part(name, absent=LATER) for name in evaluations or {}}
    for part in run_parts(evaluations or {}, out):
        waiting[part.name] = part
        write(_card(source.name, limit, sections, waiting, policy), out)
    absent = [section.absent for section in sections.values() if section.report is None]
    absent += [part.absent for part in waiting.values() if part.findings is None]
    if len(absent) == len(sections) + len(waiting):
        raise UserError(f"No benchmark could be run: {' '.join(absent)}")
    card = _card(source.name, limit, sections, waiting, policy)
    write(card, out)
    return card


def write(card: Card, out: Path) -> None:
    """report.json, card.md and card.html in a folder that is there.

    Raises:
        UserError: one can't be written.
    """
    from codegem.evaluation.card_markdown import markdown
    from codegem.evaluation.card_page import page

    for name, text in (("report.json", to_json(card)), ("card.md", markdown(card)), ("card.html", page(card))):
        replace_text(out / name, text.encode(errors="replace"))


def lines(card: Card) -> list[Line]:
    """The table: each benchmark's parts, or the benchmark itself where it has no report."""
    found = []
    for section in card.sections:
        name = section.benchmark
        rows = {row.group: row for row in section.report.rows} if section.report else {}
        for group in rows or benchmarks.parts(name) or ("",):
            told = published.published(name, group)
            found.append(Line(name, group, title(name, group), rows.get(group), told, section.absent))
    return found


def title(benchmark: str, group: str = "") -> str:
    """What people call a part of a benchmark.

    >>> title("bc-mbpp", "csharp"), title("infilling", "single-line"), title("humaneval")
    ('BC-MBPP C#', 'Infilling, single-line', 'HumanEval')
    """
    name = _TITLES.get(benchmark, benchmark)
    if not group:
        return name
    if benchmark == "infilling":
        return f"{name}, {group}"
    return f"{name} {_LANGUAGES.get(group, group.capitalize())}"


def notes(line: Line) -> list[str]:
    """What a reader must know before believing a line."""
    row = line.row
    if row is None:
        return [f"Not run: {line.absent}"]
    found = [f"{count:,} answers were not judged: {reason}." for reason, count in row.skipped_reasons.items()]
    if row.skipped and row.counted:
        found.append(f"The share is of the {row.counted:,} of {row.problems:,} problems that were.")
    if row.without_prediction:
        found.append(f"{row.without_prediction:,} problems have no answer, and count as wrong.")
    if row.cut:
        found.append(f"The model read only a part of {row.cut:,} prompts, as it holds no more.")
    if row.lowered_to is not None:
        found.append(f"Some answers could have {row.lowered_to} tokens at most, as the model holds no more.")
    return found


def remarks(table: Sequence[Line]) -> list[tuple[str, str]]:
    """(titles, note) of each note: what is true of several lines, or of all, is said once."""
    found: dict[str, list[str]] = {}
    for line in table:
        for note in notes(line):
            found.setdefault(note, []).append(line.title)
    return [("All" if len(titles) == len(table) > 1 else "; ".join(titles), note) for note, titles in found.items()]


def examples(report: Report, problems: Sequence[Problem]) -> list[Example]:
    """The first failures of each row, with their prompts."""
    asked = {problem.task_id: problem for problem in problems}
    return [_example(row.group, failure, asked) for row in report.rows for failure in row.failures[:EXAMPLES]]


def to_json(card: Card) -> str:
    """The text of report.json: the table, what was published, and each benchmark's whole report."""
    table = [
        {
            "benchmark": line.benchmark,
            "group": line.group,
            "pass_at": {k: asdict(value) for k, value in line.row.pass_at.items()} if line.row else {},
            "counted": line.row.counted if line.row else 0,
            "problems": line.row.problems if line.row else 0,
            "published": line.published,
            "notes": notes(line),
        }
        for line in lines(card)
    ]
    whole = {
        **{name: getattr(card, name) for name in ("model", "date", "codegem", "limit")},
        "table": table,
        "benchmarks": [asdict(section) for section in card.sections],
        "evaluations": [asdict(part) for part in card.parts],
        "policy": [asdict(outcome) for outcome in card.outcomes],
        "sources": [published.SOURCE, published.SECONDS_SOURCE],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _card(
    model: str,
    limit: int | None,
    sections: Mapping[str, Section],
    parts: Mapping[str, Part] | None = None,
    policy: Policy | None = None,
) -> Card:
    from codegem import __version__

    date = datetime.now(UTC).isoformat(timespec="seconds")
    others = list((parts or {}).values())
    outcomes = check(policy, others) if policy else ()
    return Card(model, date, __version__, limit, list(sections.values()), others, outcomes)


def _example(group: str, failure: Failure, asked: Mapping[str, Problem]) -> Example:
    prompt = asked[failure.task_id].prompt
    before, after = (prompt.prefix, prompt.suffix) if isinstance(prompt, Infill) else (prompt, "")
    kept = "".join(before[-_CHARACTERS:].splitlines(keepends=True)[-_LINES:])
    following = "".join(after[:_CHARACTERS].splitlines(keepends=True)[:_AFTER_LINES])
    return Example(group, failure.task_id, failure.verdict, failure.reason, kept, failure.text, following)
