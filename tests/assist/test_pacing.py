"""Waiting for a pause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.pacing import LONGEST, SHORTEST, Pace


def typed(*intervals: float) -> Pace:
    pace, now = Pace(), 100.0
    pace.key(now)
    for interval in intervals:
        now += interval
        pace.key(now)
    return pace


@pytest.mark.parametrize(
    ("interval", "delay"), [(0.02, 0.1), (0.08, 0.1), (0.12, 0.15), (0.2, 0.25), (0.3, 0.375), (0.5, 0.4)]
)
def test_the_delay_follows_the_typing(interval: float, delay: float):
    assert typed(*[interval] * 8).delay() == pytest.approx(delay)


def test_one_long_pause_changes_nothing():
    assert typed(*[0.2] * 8, 0.9, 0.2, 60.0, 0.2).delay() == pytest.approx(0.25)


def test_a_person_who_slows_down_is_followed():
    assert typed(*[0.1] * 50, *[0.3] * 16).delay() == pytest.approx(0.375)


def test_by_hand_there_is_no_delay():
    assert typed(*[0.3] * 8).delay(by_hand=True) == 0


@given(st.lists(st.floats(-10, 1000)))
def test_the_delay_is_bounded(intervals: list[float]):
    assert SHORTEST <= typed(*intervals).delay() <= LONGEST
