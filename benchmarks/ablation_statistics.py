"""Means over questions, differences to the default row, and what of them is chance.

Two things are left to chance: which files were drawn (a paired bootstrap over files, the same draws for both rows) and
how a run's weights and order fell out (the seeds). Their variances are added; that of the seeds is pooled over all
rows that ran more than once, since a single row has too few.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_NORMAL = 1.959964
Sums = Mapping[str, tuple[float, float]]
"""File -> (what was counted, for how many): nats and characters, or right answers and questions."""


@dataclass(frozen=True)
class Difference:
    """A row less the default, and half its 95% interval."""

    value: float
    half: float

    @property
    def is_chance(self) -> bool:
        """Whether 0 lies in the interval."""
        return abs(self.value) <= self.half


def ratio(sums: Sums) -> float:
    """The mean over all files: of losses, nats a character."""
    counted, number = np.array(list(sums.values())).sum(axis=0)
    return float(counted / number)


def spread(runs: Sequence[Sequence[float]]) -> float:
    """The standard deviation of one run around the mean of its row, pooled over the rows; 0 where none ran twice.

    >>> spread([[1.0, 3.0], [5.0], [2.0, 4.0]]) == 2**0.5
    True
    """
    squares = sum(sum((run - sum(row) / len(row)) ** 2 for run in row) for row in runs)
    free = sum(len(row) - 1 for row in runs)
    return math.sqrt(squares / free) if free else 0.0


def difference(rows: Sequence[Sums], defaults: Sequence[Sums], deviation: float, seed: int = 0) -> Difference:
    """Runs of a row less runs of the default, one for each seed; `deviation` is `spread`'s.

    >>> one, other = {"a": (2.0, 1.0), "b": (4.0, 1.0)}, {"a": (1.0, 1.0), "b": (3.0, 1.0)}
    >>> difference([one], [other], 0.0)
    Difference(value=1.0, half=0.0)
    """
    files = sorted(defaults[0])
    ours, theirs = (np.array([[run[file] for file in files] for run in runs]) for runs in (rows, defaults))
    drawn = np.random.default_rng(seed).integers(len(files), size=(_RESAMPLES, len(files)))

    def mean(runs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        sums = runs[:, chosen].sum(axis=-2)
        return (sums[..., 0] / sums[..., 1]).mean(axis=0)

    of_files = np.std(mean(ours, drawn) - mean(theirs, drawn))
    everything = np.arange(len(files))[None]
    value = float((mean(ours, everything) - mean(theirs, everything))[0])
    of_runs = deviation * math.sqrt(1 / len(rows) + 1 / len(defaults))
    return Difference(value, _NORMAL * math.hypot(float(of_files), of_runs))
