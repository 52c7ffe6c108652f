"""Figures of merit and their uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95% interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share; `z` of 1.96 is 95% (Wilson 1927, JASA 22:209).

    >>> low, high = wilson(50, 100)
    >>> round(low, 4), round(high, 4)
    (0.4038, 0.5962)

    Raises:
        ValueError: no trials, or successes outside 0 … trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no share")
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At 0 and at all, rounding must not put the share itself outside.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """The chance that of `k` answers to a question, drawn from those at hand, at least one is right.

    1 − C(n−c, k) / C(n, k), for n samples of which c passed: the unbiased estimate of Chen et al. 2021,
    arXiv 2107.03374. It is computed as −expm1(Σ log1p(−k/i)), i from n−c+1 to n, which neither overflows nor loses
    a small chance beside 1.

    >>> pass_at_k(10, 3, 1), pass_at_k(10, 0, 5), round(pass_at_k(10, 3, 5), 6)
    (0.3, 0.0, 0.916667)

    Raises:
        ValueError: `passed` outside 0 … samples, or k outside 1 … samples.
    """
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(f"pass@{k} of {passed} of {samples} is not defined")
    if k == 1:
        return passed / samples
    if samples - passed < k:
        return 1.0
    return 0.0 - math.expm1(math.fsum(math.log1p(-k / i) for i in range(samples - passed + 1, samples + 1)))


def bootstrap(values: Sequence[float], resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The 95% percentile interval of a mean, by drawing as many values again with replacement (Efron 1979).

    Args:
        values: one for each problem, so that problems are what is drawn; samples of one problem are no new ones.

    >>> low, high = bootstrap([0.0, 0.5, 1.0] * 30)
    >>> low < 0.5 < high
    True

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("a mean of no values")
    numbers, array = np.random.default_rng(seed), np.asarray(values, np.float64)
    means = [array[numbers.integers(len(array), size=len(array))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    mean = float(array.mean())
    return min(float(low), mean), max(float(high), mean)


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of one value for each problem: Wilson's interval where each is 0 or 1, else the bootstrap's.

    >>> estimate([1, 0, 1, 1]).value
    0.75

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("a mean of no values")
    share = all(value in (0, 1) for value in values)
    low, high = wilson(round(sum(values)), len(values)) if share else bootstrap(values)
    return Estimate(math.fsum(values) / len(values), low, high)
