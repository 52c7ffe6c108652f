"""Choosing tokens."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.errors import UserError
from codegem.inference.sampling import Greedy, PerRow, Sampler, per_row, sampler

# Probabilities 0.5, 0.3, 0.15 and 0.05 of the ids 2, 0, 3 and 1.
LOGITS = jnp.log(jnp.array([[0.3, 0.05, 0.5, 0.15]]))


def draw(temperature: float, top_p: float, seed: int = 0, count: int = 2000, top_k: int = 0) -> np.ndarray:
    """Shares of the four ids among `count` positions."""
    return np.bincount(chosen(sampler(temperature, top_p, seed, top_k), count), minlength=4) / count


@partial(jax.jit, static_argnames="count")  # compiled once for all settings
def chosen(choose: Sampler, count: int) -> jax.Array:
    """The ids at the first positions."""
    return jax.vmap(lambda at: choose(LOGITS, at[None])[0])(jnp.arange(count))


def test_temperature_0_is_greedy_whatever_the_seed():
    assert isinstance(sampler(0.0, 0.5, 7), Greedy)
    assert sampler(0.0, 0.5, 7)(LOGITS, jnp.array([0])).tolist() == [2]


def test_top_p_1_draws_from_the_model_s_distribution():
    np.testing.assert_allclose(draw(1.0, 1.0), [0.3, 0.05, 0.5, 0.15], atol=0.04)


@pytest.mark.parametrize(("top_p", "kept"), [(0.5, [2]), (0.51, [0, 2]), (0.8, [0, 2]), (0.9, [0, 2, 3])])
def test_top_p_keeps_the_smallest_set_that_reaches_p(top_p: float, kept: list[int]):
    """A threshold is met with a tolerance of float32: 0.5 is reached by the likeliest alone."""
    assert np.flatnonzero(draw(1.0, top_p - 1e-4)).tolist() == kept


@pytest.mark.parametrize(
    ("top_k", "top_p", "kept"), [(1, 1.0, [2]), (2, 1.0, [0, 2]), (3, 0.7, [0, 2]), (9, 1.0, [0, 1, 2, 3])]
)
def test_top_k_keeps_so_many_or_what_top_p_leaves_of_them(top_k: int, top_p: float, kept: list[int]):
    shares = draw(1.0, top_p, top_k=top_k)
    assert np.flatnonzero(shares).tolist() == kept
    expected = np.array([0.3, 0.05, 0.5, 0.15])[kept]
    np.testing.assert_allclose(shares[kept], expected / expected.sum(), atol=0.04)


def test_tiny_top_p_is_greedy():
    assert draw(5.0, 1e-6)[2] == 1


def test_low_temperature_sharpens():
    expected = np.array([0.3, 0.05, 0.5, 0.15]) ** 2
    np.testing.assert_allclose(draw(0.5, 1.0), expected / expected.sum(), atol=0.04)


def test_a_seed_repeats_its_draws_and_another_does_not():
    first, same, other = (chosen(sampler(1.0, 1.0, seed), 2000).tolist() for seed in (3, 3, 4))
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ((-0.1, 1.0, 0), "temperature is -0.1"),
        ((float("nan"), 1.0, 0), "temperature is nan"),
        ((1.0, 0.0, 0), "top_p is 0.0"),
        ((1.0, 1.1, 0), "top_p is 1.1"),
        ((1.0, 1.0, -1), "seed is -1"),
        ((1.0, 1.0, 2**32), "from 0 to 4294967295"),
        ((1.0, 1.0, 0, -1), "top_k is -1"),
    ],
)
def test_settings_out_of_range(settings: tuple, sentence: str):
    with pytest.raises(UserError, match=sentence):
        sampler(*settings)


def test_rows_of_several_settings_have_the_choices_that_they_have_alone():
    settings = [(0.0, 1.0, 0), (0.7, 0.9, 1), (0.0, 0.5, 9), (0.7, 0.9, 2, 3), (2.0, 1.0, 1), (0.7, 0.9, 1)]
    samplers = [sampler(*each) for each in settings]
    logits = jax.random.normal(jax.random.key(0), (7, 1000)) * 3
    positions = jnp.array([5, 6, 7, 8, 9, 6, 0])
    together = jax.jit(lambda choose: choose(logits, positions))(per_row([*samplers, None])).tolist()
    alone = jax.jit(lambda choose, logits, positions: choose(logits, positions))
    for at, choose in enumerate(samplers):
        assert together[at] == int(alone(choose, logits[at : at + 1], positions[at : at + 1])[0])


def test_greedy_rows_alone_take_no_sampling():
    assert isinstance(per_row([Greedy(), None, Greedy()]), Greedy)
    assert isinstance(per_row([Greedy(), sampler(0.5, 1.0, 0)]), PerRow)
