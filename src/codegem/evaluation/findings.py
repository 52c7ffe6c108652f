"""What an evaluation found that is no pass@k: named figures with their intervals, and what they are of.

Benchmarks of programs have `report.Report`; language, mathematics, memorisation and safety have this. Both go on the
card, and a policy (`policy.py`) says which of these figures are acceptable.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from codegem.errors import UserError
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.report import machine
from codegem.evaluation.run_folder import replace_text
from codegem.evaluation.scoring import estimate
from codegem.evaluation.task import DataFile

FILE = "findings.json"
FEW = 30  # items; an interval of fewer says next to nothing
Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: unlike every other of its findings, words with dots between them: "boolq.acc", "exact.python".
        title: what people call it.
        value: a share between 0 and 1, or a number of `unit`; None where nothing could be counted.
        low, high: its 95% interval, where there is one.
        counted: what it is the mean of.
        unit: "share", or what the number counts, such as "bits".
        better: which way is better; "" where neither is.
    """

    name: str
    title: str
    value: float | None
    low: float | None = None
    high: float | None = None
    counted: int = 0
    unit: str = "share"
    better: Better = "higher"


@dataclass(frozen=True)
class Findings:
    """A run of an evaluation.

    Attributes:
        evaluation: its name on the command line, such as "memorisation"; the first word of its figures in a policy.
        protocol: how the model was asked and judged, in one paragraph.
        settings: what decided the answers, such as shots.
        left_out: what was not judged or not asked, by reason, and how many of it.
        tools: names and versions of the programs that judged.
        seconds: of the clock, by what they were spent on.
        notes: what a reader must know before believing a figure, in sentences.
        examples: a few answers to be read, as (what it is, text).
    """

    evaluation: str
    title: str
    model: str
    protocol: str
    figures: Sequence[Figure]
    data: Sequence[DataFile] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    examples: Sequence[tuple[str, str]] = ()
    machine: Mapping[str, Any] = field(default_factory=machine)
    codegem: str = field(default_factory=lambda: _version())
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def share(name: str, title: str, values: Sequence[float], better: Better = "higher") -> Figure:
    """A figure that is a mean of one value for each item, with its interval; without a value where there are none.

    >>> share("exact", "exact", [1, 0, 0, 0], "lower").value
    0.25
    """
    if not len(values):
        return Figure(name, title, None, better=better)
    found = estimate(values)
    return Figure(name, title, found.value, found.low, found.high, len(values), better=better)


def write(findings: Findings, folder: Path) -> Path:
    """findings.json in a folder that is there.

    Raises:
        UserError: it can't be written.
    """
    file = folder / FILE
    replace_text(file, (json.dumps(asdict(findings), indent=2, ensure_ascii=False) + "\n").encode(errors="replace"))
    return file


def read(file: Path) -> Findings:
    """What `write` wrote.

    Raises:
        UserError: the file can't be read or is none of ours.
    """
    try:
        row = json.loads(read_bytes(file))
        row["figures"] = [Figure(**figure) for figure in row["figures"]]
        row["data"] = [DataFile(**entry) for entry in row["data"]]
        row["examples"] = [tuple(example) for example in row["examples"]]
        findings = Findings(**row)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError(
            f"{file} holds no findings of codegem eval; delete it, and the evaluation is run again."
        ) from None
    if any(figure.value is not None and not math.isfinite(figure.value) for figure in findings.figures):
        raise UserError(f"{file} has a figure that is no number; delete it, and ask again.")
    return findings


def summary(findings: Findings) -> str:
    """The figures as lines for a terminal.

    >>> print(summary(Findings("a", "A", "nano", "", [share("x", "right", [1, 0, 1, 1])])))
    A: nano
      right   75.0%  (30.1 to 95.4, of 4)
    """
    shown = worth_showing(findings)
    width = max((len(figure.title) for figure in shown), default=0)
    lines = [f"{findings.title}: {findings.model}"]
    lines += [f"  {figure.title:<{width}}  {told(figure)}" for figure in shown]
    if fewer := len(findings.figures) - len(shown):
        lines.append(f"  and {fewer:,} figures of fewer than {FEW} items, in {FILE}")
    lines += [f"  left out: {count:,}, {reason}" for reason, count in findings.left_out.items()]
    return "\n".join([*lines, *(f"  {note}" for note in findings.notes)])


def worth_showing(findings: Findings) -> list[Figure]:
    """The figures that are of `FEW` items or more; all of a run in which none is.

    >>> figures = [Figure("insecure", "all", 0.1, counted=344), Figure("insecure.cwe-787", "CWE-787", 0.0, counted=6)]
    >>> [figure.name for figure in worth_showing(Findings("secure-code", "Secure code", "nano", "", figures))]
    ['insecure']
    """
    return [figure for figure in findings.figures if figure.counted >= FEW] or list(findings.figures)


def told(figure: Figure) -> str:
    """The value of a figure with its interval.

    >>> told(Figure("bits", "bits", 1.5, unit="bits", counted=3))
    '1.5 bits  (of 3)'
    """
    if figure.value is None:
        return "nothing counted"
    is_share = figure.unit == "share"
    value = f"{100 * figure.value:5.1f}%" if is_share else f"{figure.value:.4g} {figure.unit}"
    around = interval(figure)
    return f"{value}  ({around}, of {figure.counted:,})" if around else f"{value}  (of {figure.counted:,})"


def interval(figure: Figure) -> str:
    """Its interval in the figure's own unit, shares in percent; "" of one without.

    >>> interval(Figure("exact", "exact", 0.25, 0.125, 0.5))
    '12.5 to 50.0'
    >>> interval(Figure("agreement", "agreement", 0.74, 0.51, 0.9, unit="alpha"))
    '0.51 to 0.9'
    """
    if figure.low is None or figure.high is None:
        return ""
    if figure.unit == "share":
        return f"{100 * figure.low:.1f} to {100 * figure.high:.1f}"
    return f"{figure.low:.3g} to {figure.high:.3g}"


def _version() -> str:
    from codegem import __version__

    return __version__
