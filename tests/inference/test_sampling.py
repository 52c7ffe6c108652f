"""Choosing tokens, and stop strings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.inference.sampling import Greedy, StopStrings, sampler

# Probabilities 0.5, 0.3, 0.15 and 0.05 of the ids 2, 0, 3 and 1.
LOGITS = jnp.log(jnp.array([[0.3, 0.05, 0.5, 0.15]]))


def draw(temperature: float, top_p: float, seed: int = 0, count: int = 2000) -> np.ndarray:
    """Shares of the four ids among `count` positions."""
    choose = sampler(temperature, top_p, seed)
    ids = jax.vmap(lambda at: choose(LOGITS, at[None])[0])(jnp.arange(count))
    return np.bincount(ids, minlength=4) / count


def test_temperature_0_is_greedy_whatever_the_seed():
    assert isinstance(sampler(0.0, 0.5, 7), Greedy)
    assert sampler(0.0, 0.5, 7)(LOGITS, jnp.array([0])).tolist() == [2]


def test_top_p_1_draws_from_the_model_s_distribution():
    np.testing.assert_allclose(draw(1.0, 1.0), [0.3, 0.05, 0.5, 0.15], atol=0.04)


@pytest.mark.parametrize(("top_p", "kept"), [(0.5, [2]), (0.51, [0, 2]), (0.8, [0, 2]), (0.9, [0, 2, 3])])
def test_top_p_keeps_the_smallest_set_that_reaches_p(top_p: float, kept: list[int]):
    """A threshold is met with a tolerance of float32: 0.5 is reached by the likeliest alone."""
    assert np.flatnonzero(draw(1.0, top_p - 1e-4)).tolist() == kept


def test_tiny_top_p_is_greedy():
    assert draw(5.0, 1e-6)[2] == 1


def test_low_temperature_sharpens():
    expected = np.array([0.3, 0.05, 0.5, 0.15]) ** 2
    np.testing.assert_allclose(draw(0.5, 1.0), expected / expected.sum(), atol=0.04)


def test_a_seed_repeats_its_draws_and_another_does_not():
    choose = [sampler(1.0, 1.0, seed) for seed in (3, 3, 4)]
    positions = jnp.arange(50)
    first, same, other = (jax.vmap(lambda at, c=c: c(LOGITS, at[None])[0])(positions).tolist() for c in choose)
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
    ],
)
def test_settings_out_of_range(settings: tuple[float, float, int], sentence: str):
    with pytest.raises(UserError, match=sentence):
        sampler(*settings)


@given(
    pieces=st.lists(st.text("ab\n", max_size=4), max_size=12),
    strings=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3),
)
def test_stop_strings_cut_where_the_whole_text_would_be_cut(pieces: list[str], strings: list[str]):
    """The stream ends with the first piece that completes a stop string, and gives what stands before it."""
    stream, shown, seen = StopStrings(strings), "", ""
    for piece in pieces:
        if stream.found:
            break
        shown, seen = shown + stream.push(piece), seen + piece
        assert seen.startswith(shown)
    if not stream.found:
        shown += stream.flush()
    ends = [seen.index(string) for string in strings if string in seen]
    assert stream.found == bool(ends)
    assert shown == seen[: min(ends, default=len(seen))]


def test_only_what_may_begin_a_stop_string_is_held_back():
    stream = StopStrings(["END"])
    assert [stream.push(text) for text in ("xE", "N", "N")] == ["x", "", "ENN"]


def test_an_empty_stop_string_is_refused():
    with pytest.raises(UserError, match="empty"):
        StopStrings(["a", ""])
