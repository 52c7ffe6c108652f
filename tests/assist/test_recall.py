"""Suggestions that need not be made again."""

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.assist.recall import Recall


@pytest.fixture
def recall() -> Recall:
    recall = Recall()
    recall.keep("x = ", "\ny = 1\n", "foo(a)", path="a.py", settings=("nano", 0.0))
    return recall


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("x = ", "foo(a)"),
        ("x = f", "oo(a)"),
        ("x = foo(", "a)"),
        ("x = foo(a)", None),  # typed to its end
        ("x = foo(a) ", None),
        ("x = g", None),
        ("x =", None),
        ("z = ", None),
        ("", None),
    ],
)
def test_typing_on(recall: Recall, prefix: str, found: str | None):
    assert recall.find(prefix, "\ny = 1\n", path="a.py", settings=("nano", 0.0)) == found


def test_everything_else_has_to_be_the_same(recall: Recall):
    assert recall.find("x = ", "\ny = 2\n", path="a.py", settings=("nano", 0.0)) is None
    assert recall.find("x = ", "\ny = 1\n", path="b.py", settings=("nano", 0.0)) is None
    assert recall.find("x = ", "\ny = 1\n", path="a.py", settings=("nano", 0.2)) is None


def test_the_nearest_suggestion_wins(recall: Recall):
    recall.keep("x = foo(", "\ny = 1\n", "b, c)", path="a.py", settings=("nano", 0.0))
    assert recall.find("x = foo(", "\ny = 1\n", path="a.py", settings=("nano", 0.0)) == "b, c)"
    assert recall.find("x = foo(b", "\ny = 1\n", path="a.py", settings=("nano", 0.0)) == ", c)"
    assert recall.find("x = foo(a", "\ny = 1\n", path="a.py", settings=("nano", 0.0)) == ")"


def test_nothing_to_say_is_remembered_too():
    recall = Recall()
    recall.keep("x", "", "")
    assert recall.find("x", "") == ""
    assert recall.find("xy", "") is None


def test_the_least_used_goes_first():
    recall = Recall(size=2)
    recall.keep("a", "", "1")
    recall.keep("b", "", "2")
    assert recall.find("a", "") == "1"
    recall.keep("c", "", "3")
    assert [recall.find(prefix, "") for prefix in "abc"] == ["1", None, "3"]
    recall.clear()
    assert (len(recall), recall.find("a", "")) == (0, None)


@given(st.lists(st.tuples(st.text("ab", max_size=3), st.text("ab", max_size=2), st.text("ab", max_size=3))), st.data())
def test_it_is_bounded_and_right(kept: list[tuple[str, str, str]], data: st.DataObject):
    recall = Recall(size=4)
    for prefix, suffix, text in kept:
        recall.keep(prefix, suffix, text)
    assert len(recall) == len({each[:2] for each in kept}) <= 4 or len(recall) == 4
    prefix, suffix = data.draw(st.text("ab", max_size=5)), data.draw(st.text("ab", max_size=2))
    if (found := recall.find(prefix, suffix)) is not None:
        assert any(prefix + found == before + text for before, behind, text in kept if behind == suffix)


def test_threads():
    recall = Recall(size=8)

    def work(name: str) -> None:
        for number in range(200):
            recall.keep(f"{name}{number}", "", "text")
            recall.find(f"{name}{number}t", "")

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recall) == 8
