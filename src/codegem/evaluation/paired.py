"""Two runs of the same problems, compared problem by problem: what changed from one model to another.

Each problem is its own control, so that the interval of the difference is much narrower than those of the two shares.
Places of one file are no independent witnesses: the interval is a bootstrap that draws whole files (Efron 1979).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from codegem.errors import UserError
from codegem.evaluation.json_lines import read_rows
from codegem.evaluation.run_folder import RunFolder
from codegem.evaluation.scoring import RESAMPLES, Estimate
from codegem.evaluation.task import Verdict
from codegem.generate import StopReason

_PLACE = re.compile(r":\d+(:\d+)?$")  # of a place in a file: see `repository.places.Place.name`

Values = dict[str, dict[str, list[float]]]
"""Name of a figure -> task_id -> its value in each answer."""


@dataclass(frozen=True)
class Change:
    """One figure of one group, before and after.

    Attributes:
        problems: that have the figure in both runs.
        change: mean of `after` less `before`.
        gained, lost: problems whose value rose, and fell.
    """

    group: str
    figure: str
    problems: int
    before: float
    after: float
    change: Estimate
    gained: int
    lost: int


def compare(before: Path, after: Path) -> list[Change]:
    """What changed between two folders of `codegem eval`.

    Args:
        before, after: runs of the same problems; answers that were skipped in either are left out.

    Raises:
        UserError: a folder holds no verdicts, or the problems are not the same.
    """
    one, other = _values(RunFolder(before)), _values(RunFolder(after))
    missing = one["pass@1"].keys() ^ other["pass@1"].keys()
    if missing:
        raise UserError(
            f"{before} and {after} have {len(missing)} problems that the other has not, such as {min(missing)}: "
            "run both with the same places, seed and limit."
        )
    return [
        _change(group, figure, one[figure], other[figure], tasks)
        for group, members in _groups(one["pass@1"]).items()
        for figure in one
        if (tasks := [task for task in members if one[figure].get(task) and other.get(figure, {}).get(task)])
    ]


def paired(differences: Sequence[float], units: Sequence[str], seed: int = 0) -> Estimate:
    """The mean of differences and its 95% interval, drawing whole units with replacement.

    >>> found = paired([1, 1, 0, 1, 0, 0], ["a", "a", "b", "b", "c", "c"])
    >>> found.value, found.low < 0.5 < found.high
    (0.5, True)

    Args:
        units: for each difference, what it shares with others, such as a file.
    """
    _, owner = np.unique(np.array(units), return_inverse=True)
    sums, counts = np.bincount(owner, differences), np.bincount(owner)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(RESAMPLES, len(counts)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high))


def _values(folder: RunFolder) -> Values:
    rows, _ = read_rows(folder.verdicts, {"task_id": str, "sample": int, "verdict": str, "measures": dict})
    values: Values = {"pass@1": {}}
    for row in rows:
        task, judged = row["task_id"], row["verdict"] != Verdict.SKIPPED
        values["pass@1"].setdefault(task, []).extend([float(row["verdict"] == Verdict.PASSED)] if judged else [])
        for name, value in row["measures"].items():
            values.setdefault(name, {}).setdefault(task, []).append(float(value))
    predictions, _ = read_rows(folder.predictions, {"task_id": str | int})
    for row in predictions:
        if row.get("stop_reason"):
            stopped = values.setdefault("stopped by itself", {})
            stopped.setdefault(str(row["task_id"]), []).append(float(row["stop_reason"] == StopReason.STOP))
    return values


def _groups(tasks: Mapping[str, Any]) -> dict[str, list[str]]:
    """Tasks by what stands before the first "/" of their names."""
    groups: dict[str, list[str]] = {}
    for task in sorted(tasks):
        groups.setdefault(task.partition("/")[0], []).append(task)
    return groups


def _change(
    group: str,
    figure: str,
    one: Mapping[str, Sequence[float]],
    other: Mapping[str, Sequence[float]],
    tasks: Sequence[str],
) -> Change:
    before, after = ([fmean(values[task]) for task in tasks] for values in (one, other))
    differences = [new - old for old, new in zip(before, after, strict=True)]
    return Change(
        group,
        figure,
        len(tasks),
        fmean(before),
        fmean(after),
        paired(differences, [_PLACE.sub("", task) for task in tasks]),
        gained=sum(difference > 0 for difference in differences),
        lost=sum(difference < 0 for difference in differences),
    )
