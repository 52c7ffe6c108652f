"""Exposure: of what is known fully, of what is not known, and by a distribution where a space is too large."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.evaluation.memorisation.exposure import exposure, extrapolated, fitted, log_share


def test_exposure_counts_how_many_are_tried_before() -> None:
    losses = list(range(1024))
    assert exposure(0, losses) == 10 and exposure(1, losses) == 9 and exposure(1023, losses) == 0
    assert exposure(5, [5] * 64) == 0  # a model to which all are alike


def test_a_secret_that_is_not_known_has_about_one_bit_and_a_half() -> None:
    numbers = np.random.default_rng(0)
    losses = numbers.normal(50, 5, 2000)
    found = [exposure(loss, losses) for loss in losses]
    assert np.mean(found) == pytest.approx(1 / math.log(2), abs=0.02) and np.median(found) == pytest.approx(1, abs=0.01)
    guessed = [extrapolated(loss, losses, 10**9) for loss in losses[:200]]
    assert np.mean(guessed) == pytest.approx(1 / math.log(2), abs=0.3)


@pytest.mark.parametrize(
    ("shape", "z", "bits"),
    [(0.0, -4.0, 14.946467), (3.0, -2.0, 37.515719), (-3.0, -5.0, 20.734198), (2.0, 3.0, 0.0039)],
)
def test_the_distribution_is_the_skew_normal_one(shape: float, z: float, bits: float) -> None:
    """Against SciPy's `skewnorm.logcdf`."""
    assert -log_share(z, 0, 1, shape) / math.log(2) == pytest.approx(bits, rel=1e-3)
    assert -log_share(10 * z + 7, 7, 10, shape) / math.log(2) == pytest.approx(bits, rel=1e-3)


@pytest.mark.parametrize("shape", [0.0, 1.5, -4.0])
def test_a_distribution_is_found_again_in_its_numbers(shape: float) -> None:
    first, second = np.random.default_rng(1).standard_normal((2, 50_000))
    delta = shape / math.sqrt(1 + shape**2)
    losses = 30 + 4 * (delta * np.abs(first) + math.sqrt(1 - delta**2) * second)
    location, scale, found = fitted(losses)
    bits = [
        -log_share(loss, location, scale, found) / math.log(2) for loss in np.quantile(losses, [0.5, 1 / 64, 1 / 4096])
    ]
    assert bits == pytest.approx([1, 6, 12], abs=0.4)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=40), st.floats(-200, 200))
def test_an_exposure_lies_between_nothing_and_all_and_falls_with_the_loss(losses: list[float], loss: float) -> None:
    if np.std(losses) < 1e-3:
        return
    found = extrapolated(loss, losses, 10**6)
    assert 0 <= found <= math.log2(10**6) and found >= extrapolated(loss + 1, losses, 10**6) - 1e-6


@pytest.mark.parametrize("losses", [[1.0, 2.0], [3.0] * 10])
def test_a_distribution_needs_losses_that_differ(losses: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 3"):
        extrapolated(0.0, losses, 10)
