"""How far people who rated the same things agree, beyond chance.

For two raters Cohen's kappa: 1 − (1 − p_o) / (1 − p_e), where p_o is the share of items on which they agree and p_e
what their own habits give by chance (Cohen 1960, Educational and Psychological Measurement 20:37).

For more, or where not everybody rated everything, Krippendorff's alpha for names without an order: 1 − D_o / D_e, from
the coincidences of values within items (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"). 1 is complete
agreement and 0 is chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """How far raters agree.

    Attributes:
        measure: "kappa" of two raters, "alpha" of more.
        value: of the measure; None where there is nothing to tell: nobody rated what another did, or all said the same.
        low, high: its 95% percentile bootstrap interval over items; None where there is none.
        same: for each item, the share of its pairs of raters that agree.
    """

    measure: str
    value: float | None
    low: float | None
    high: float | None
    same: Sequence[float]


def agreement(items: Sequence[Mapping[str, str]], seed: int = 0) -> Agreement:
    """How far raters agree on items that two of them rated at least.

    Args:
        items: for each item, what each rater said.

    >>> found = agreement([{"ann": "x", "bob": "x"}, {"ann": "y", "bob": "y"}, {"ann": "x", "bob": "y"}])
    >>> found.measure, round(found.value, 3), [round(share, 3) for share in found.same]
    ('kappa', 0.4, [1.0, 1.0, 0.0])
    """
    shared = [item for item in items if len(item) > 1]
    raters = sorted({rater for item in shared for rater in item})
    same = [_same(list(item.values())) for item in shared]
    two = len(raters) <= 2
    if two:
        table = _pairs([(item[raters[0]], item[raters[1]]) for item in shared])
    else:
        table = _counts([list(item.values()) for item in shared])
    measure = _kappa if two else _alpha
    value = measure(table)
    low, high = _interval(table, measure, seed) if value is not None else (None, None)
    return Agreement("kappa" if two else "alpha", value, low, high, same)


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa of two raters; None where it is not defined.

    >>> round(cohens_kappa([("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15), 3)
    0.4
    """
    return _kappa(_pairs(pairs))


def krippendorffs_alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Krippendorff's alpha for names; None where it is not defined.

    Args:
        units: what was said of each item, by any raters; items of which one thing was said count nothing.

    >>> round(krippendorffs_alpha(["aa", "bb", "ab", "aa"]), 3)
    0.533
    """
    return _alpha(_counts([unit for unit in units if len(unit) > 1]))


def _same(said: Sequence[str]) -> float:
    pairs = [one == other for at, one in enumerate(said) for other in said[at + 1 :]]
    return sum(pairs) / len(pairs)


def _pairs(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Items [I, C, C], 1 where the first rater said the one and the second the other."""
    names = sorted({name for pair in pairs for name in pair})
    table = np.zeros((len(pairs), len(names), len(names)))
    for at, (one, other) in enumerate(pairs):
        table[at, names.index(one), names.index(other)] = 1
    return table


def _counts(units: Sequence[Sequence[str]]) -> np.ndarray:
    """Items [I, C]: how often each name was said of each."""
    names = sorted({name for unit in units for name in unit})
    return np.array([[list(unit).count(name) for name in names] for unit in units], float).reshape(
        len(units), len(names)
    )


def _kappa(table: np.ndarray) -> float | None:
    if not len(table):
        return None
    shares = table.mean(0)
    by_chance = float(shares.sum(0) @ shares.sum(1))
    return 1 - (1 - float(np.trace(shares))) / (1 - by_chance) if by_chance < 1 - 1e-12 else None


def _alpha(table: np.ndarray) -> float | None:
    if not len(table):
        return None
    of_item, of_name = table.sum(1), table.sum(0)
    total = of_item.sum()
    observed = total - ((table * (table - 1)).sum(1) / (of_item - 1)).sum()
    expected = total - (of_name * (of_name - 1)).sum() / (total - 1)
    return 1 - float(observed / expected) if expected > 1e-12 else None


def _interval(table: np.ndarray, measure, seed: int) -> tuple[float | None, float | None]:
    numbers = np.random.default_rng(seed)
    drawn = (measure(table[numbers.integers(len(table), size=len(table))]) for _ in range(RESAMPLES))
    values = [value for value in drawn if value is not None]
    if not values:
        return None, None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
