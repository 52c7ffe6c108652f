"""Pieces of prompts, as plain numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.inference import pieces

SIZES = pieces.SMALL + pieces.LARGE


@given(st.integers(1, 3000), st.integers(0, 300), st.sampled_from([SIZES, pieces.LARGE]))
def test_pieces_read_everything_and_fit(length: int, more: int, sizes: tuple[int, ...]):
    try:
        plan = pieces.plan(length, length + more, sizes)
    except ValueError:
        assert sizes == pieces.LARGE, "single tokens always fit"
        assert more < max(sizes)
        return
    assert set(plan) <= set(sizes)
    assert sum(plan[:-1]) < length <= sum(plan) <= length + more


@given(st.integers(1, 8192), st.integers(1, 512))
def test_a_cold_prompt_fits_into_the_capacity_it_is_given(length: int, answer: int):
    capacity = pieces.capacity(length + answer)
    assert sum(pieces.plan(length, capacity, pieces.LARGE)) <= capacity


@pytest.mark.parametrize(("length", "expected"), [(1, [1]), (2, [8]), (9, [8, 1]), (16, [8, 8]), (40, [64])])
def test_a_few_tokens_take_little(length: int, expected: list[int]):
    assert pieces.plan(length, 1000, SIZES) == expected


def test_padding_never_runs_over_the_end():
    assert pieces.plan(3, 3, SIZES) == [1, 1, 1]
    with pytest.raises(ValueError, match="3 tokens don't fit into 2"):
        pieces.plan(3, 2, SIZES)


def test_passes_that_check_a_draft_are_sizes_of_pieces():
    """A piece as small as they are runs the same program."""
    assert max(pieces.DRAFT_PASSES) == max(pieces.SMALL)
    assert max(pieces.SMALL) < min(pieces.LARGE)
    assert all(pieces.SMALLEST_CAPACITY % size == 0 for size in SIZES)
