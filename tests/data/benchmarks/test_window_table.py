"""Runs of hashes are found where they are, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.benchmarks import window_table
from codegem.data.benchmarks.window_table import Windows, WindowTable


def table_of(values: np.ndarray, runs: list[tuple[int, int]], least: int) -> WindowTable:
    made = Windows(least)
    for source, (start, length) in enumerate(runs):
        made.add(values, np.array([start]), length, np.array([source]))
    return made.table()


@given(
    st.lists(st.integers(0, 2), min_size=20, max_size=40),
    st.lists(st.tuples(st.integers(0, 9), st.integers(3, 9)), max_size=6),
    st.lists(st.lists(st.integers(0, 2), max_size=40), max_size=4),
)
def test_runs_are_found_as_plain_search_finds_them(
    known: list[int], runs: list[tuple[int, int]], texts: list[list[int]]
):
    draw = np.random.default_rng(0).integers(0, 1 << 63, 3, np.uint64)
    table = table_of(draw[known], runs, 3)
    values = np.array([number for text in texts for number in text], np.int64)
    bounds = np.cumsum([0, *map(len, texts)])
    first: dict[tuple[int, ...], int] = {}
    for source, (start, length) in enumerate(runs):
        first.setdefault(tuple(known[start : start + length]), source)
    assert len(table) == len(first)
    wanted = {
        (number, int(bounds[number]) + place, len(run), source)
        for number, text in enumerate(texts)
        for run, source in first.items()
        for place in range(len(text))
        if tuple(text[place : place + len(run)]) == run
    }
    found = list(table.find(draw[values], bounds))
    assert set(found) == wanted and len(found) == len(wanted)
    assert [place for _, place, _, _ in found] == sorted(place for _, place, _, _ in found)


def test_a_great_many_candidates_are_compared_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch):
    values, bounds = np.ones(50, np.uint64), np.array([0, 20, 50])
    table = table_of(np.array([1] * 9 + [2], np.uint64), [(0, 5), (0, 9), (1, 9)], 5)
    wanted = list(table.find(values, bounds))
    assert len(wanted) == 16 + 26 + 12 + 22
    monkeypatch.setattr(window_table, "_AT_ONCE", 7)
    assert list(table.find(values, bounds)) == wanted


def test_an_empty_table_finds_nothing():
    assert list(Windows(3).table().find(np.ones(9, np.uint64), np.array([0, 9]))) == []
