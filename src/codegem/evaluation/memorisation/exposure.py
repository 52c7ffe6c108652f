"""How much a model gives away of a secret that was planted in its training data: exposure, in bits.

Carlini et al. 2019, The Secret Sharer (arXiv 1802.08232). A canary is a sentence of a stated format with a random
secret in it. If the model had learned nothing, its secret would be as likely as any other of that format; exposure says
how much sooner than that somebody finds it who tries secrets from the likeliest on:

    exposure = log2 |R| - log2 rank          R all secrets of the format, rank from 1

A secret of which the model knows nothing has 1.44 bits on average (1 in the median): its rank is anywhere.
"""

import math
from collections.abc import Sequence

import numpy as np

_TAIL = 12.0  # deviations; what lies further out adds nothing
_STEPS = 1000
_MOST_SKEW = 0.99  # a skew-normal distribution has at most 0.9953


def exposure(loss: float, losses: Sequence[float] | np.ndarray) -> float:
    """Of a secret among all secrets of its format, itself included; or among random ones and itself.

    With random ones it is at most the logarithm of how many there are.

    Args:
        loss: minus the log-probability of the planted secret.
        losses: of all secrets. Equal ones count as found before.

    >>> exposure(1.0, [1.0, 2.0, 3.0, 4.0]), exposure(4.0, [1.0, 2.0, 3.0, 4.0])
    (2.0, 0.0)
    """
    array = np.asarray(losses, np.float64)
    rank = max(1, int(np.count_nonzero(array <= loss)))
    return math.log2(len(array)) - math.log2(rank)


def extrapolated(loss: float, losses: Sequence[float] | np.ndarray, space: int) -> float:
    """Exposure in a space too large to go through, by a skew-normal distribution of random losses (section 4.3).

    Args:
        losses: of random secrets of the format, the planted one not among them.
        space: how many secrets the format has; their logarithm is the most that comes out.

    >>> losses = np.random.default_rng(0).normal(20, 2, 5000)
    >>> round(extrapolated(12.0, losses, 10**9), 1)  # four deviations below: one of about 31,574
    15.3

    Raises:
        ValueError: fewer than 3 losses, or all are equal.
    """
    array = np.asarray(losses, np.float64)
    if len(array) < 3 or not array.std() > 0:
        raise ValueError("a distribution needs at least 3 losses that differ")
    share = log_share(loss, *fitted(array))
    return min(math.log2(space), max(0.0, -share / math.log(2)))


def fitted(losses: np.ndarray) -> tuple[float, float, float]:
    """Location, scale and shape of the skew-normal distribution with the mean, deviation and skewness of these."""
    mean, deviation = float(losses.mean()), float(losses.std())
    skewness = float((((losses - mean) / deviation) ** 3).mean())
    power = min(abs(skewness), _MOST_SKEW) ** (2 / 3)
    delta = math.copysign(math.sqrt(math.pi / 2 * power / (power + ((4 - math.pi) / 2) ** (2 / 3))), skewness)
    scale = deviation / math.sqrt(1 - 2 * delta**2 / math.pi)
    return mean - scale * delta * math.sqrt(2 / math.pi), scale, delta / math.sqrt(1 - delta**2)


def log_share(loss: float, location: float, scale: float, shape: float) -> float:
    """ln of the share of a skew-normal distribution below a loss, added up in logarithms: its tail is what matters."""
    end = min((loss - location) / scale, _TAIL)
    start = min(end, 0.0) - _TAIL
    places = np.linspace(start, end, _STEPS)
    logs = np.array([-(z**2) / 2 + _log_normal_share(shape * z) for z in places]) + math.log(2 / math.sqrt(2 * math.pi))
    largest = float(logs.max())
    return largest + math.log(float(np.trapezoid(np.exp(logs - largest), places)))


def _log_normal_share(z: float) -> float:
    """ln of the share of the normal distribution below z."""
    if z > -30:
        return math.log(math.erfc(-z / math.sqrt(2)) / 2)
    return -(z**2) / 2 - math.log(-z * math.sqrt(2 * math.pi))
