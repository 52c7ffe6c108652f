import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.evaluation.scoring import Estimate, bootstrap, estimate, pass_at_k, wilson


@given(st.integers(1, 5000), st.data())
def test_the_interval_holds_the_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


def test_known_values() -> None:
    """Agresti and Coull 1998, table 1: 10 of 10 gives 0.722 to 1."""
    low, high = wilson(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-4) and high == 1.0
    low, high = wilson(0, 10)
    assert low == 0.0 and high == pytest.approx(0.2775, abs=1e-4)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_no_share(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, trials)


def exact(samples: int, passed: int, k: int) -> Fraction:
    """The definition, in whole numbers."""
    return 1 - Fraction(math.comb(samples - passed, k), math.comb(samples, k))


def paper(samples: int, passed: int, k: int) -> float:
    """The formula as Chen et al. 2021 print it (figure 3), over the same product."""
    if samples - passed < k:
        return 1.0
    return 1.0 - float(np.prod(1.0 - k / np.arange(samples - passed + 1, samples + 1)))


@given(st.integers(1, 1000), st.data())
def test_pass_at_k_is_the_definition(samples: int, data: st.DataObject) -> None:
    passed, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    found = pass_at_k(samples, passed, k)
    assert found == pytest.approx(float(exact(samples, passed, k)), rel=1e-11, abs=0)
    assert found == pytest.approx(paper(samples, passed, k), rel=1e-9, abs=1e-12)
    assert 0 <= found <= 1


def test_pass_at_k_of_few_among_many_keeps_its_digits() -> None:
    """One right answer of n is k / n exactly; the product of the paper loses digits beside 1 here."""
    assert pass_at_k(10**8, 1, 3) == pytest.approx(3e-8, rel=1e-14)
    assert pass_at_k(200, 0, 100) == 0.0 and math.copysign(1, pass_at_k(200, 0, 100)) == 1
    assert pass_at_k(200, 150, 100) == 1.0


@pytest.mark.parametrize(("samples", "passed", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 6), (5, 1, 0), (0, 0, 1)])
def test_no_pass_at_k(samples: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(samples, passed, k)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_the_bootstrap_holds_the_mean_within_the_values(values: list[float]) -> None:
    low, high = bootstrap(values, resamples=50)
    assert min(values) - 1e-9 <= low <= float(np.mean(values)) <= high <= max(values) + 1e-9


def test_the_bootstrap_is_as_wide_as_the_normal_interval_of_many_values() -> None:
    values = np.random.default_rng(1).normal(3, 2, 400)
    low, high = bootstrap(values.tolist())
    half = 1.96 * values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.05)
    assert high == pytest.approx(values.mean() + half, abs=0.05)
    assert (low, high) == bootstrap(values.tolist()), "the same values give the same interval"


def test_shares_get_wilsons_interval_and_means_the_bootstraps() -> None:
    assert estimate([1, 0, 0, 0]) == Estimate(0.25, *wilson(1, 4))
    assert estimate([0.0] * 9) == Estimate(0.0, *wilson(0, 9)), "no success is no certainty"
    assert estimate([0.5, 0.0, 1.0]) == Estimate(0.5, *bootstrap([0.5, 0.0, 1.0]))
    for function in (estimate, bootstrap):
        with pytest.raises(ValueError, match="no values"):
            function([])
