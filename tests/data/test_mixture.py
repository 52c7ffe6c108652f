"""Shares of languages and groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.mixture import check, shares
from codegem.errors import UserError
from codegem.text.languages import GROUPS, LANGUAGES

NAMES = (*(language.name for language in LANGUAGES), *GROUPS)


@given(st.dictionaries(st.sampled_from(["python", "java", "go", "prose"]), st.floats(0.01, 100), min_size=1), st.data())
def test_the_weights_hold_and_one_class_is_whole(weights: dict[str, float], data: st.DataObject):
    sizes = {("text" if name == "prose" else name): data.draw(st.integers(1, 10**9)) for name in weights}
    kept = shares(tuple(weights.items()), sizes)
    assert kept is not None
    left = {name: kept.kept[name] * sizes["text" if name == "prose" else name] for name in weights}
    total, weight = sum(left.values()), sum(weights.values())
    for name in weights:
        assert left[name] / total == pytest.approx(weights[name] / weight)
    assert max(kept.kept.values()) == pytest.approx(1) and min(kept.kept.values()) > 0


def test_files_are_drawn_one_by_one_and_always_the_same():
    kept = shares((("code", 0.8), ("prose", 0.2)), {"python": 300, "go": 100, "markdown": 1000})
    assert kept is not None and kept.kept == {"code": 1.0, "prose": pytest.approx(0.1)}
    drawn = [kept.keeps(0, "r", f"{number}.md", "markdown") for number in range(4000)]
    assert 0.08 < sum(drawn) / len(drawn) < 0.12
    assert drawn == [kept.keeps(0, "r", f"{number}.md", "markdown") for number in range(4000)]
    assert drawn != [kept.keeps(1, "r", f"{number}.md", "markdown") for number in range(4000)]
    assert kept.keeps(0, "r", "a.go", "go")


def test_a_language_weighs_before_its_group_and_what_is_not_named_is_left_out():
    kept = shares((("python", 1), ("code", 1)), {"python": 100, "go": 50, "java": 50, "text": 70})
    assert kept is not None and kept.kept == {"python": 1.0, "code": 1.0}
    assert not kept.keeps(0, "r", "a.txt", "text")


def test_an_empty_mixture_keeps_all():
    assert shares((), {"python": 1}) is None


def test_a_class_without_files_is_told():
    with pytest.raises(UserError, match=r"asks for 0.2 parts of prose, and the sources hold none"):
        shares((("code", 0.8), ("prose", 0.2)), {"python": 1})


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ((("cobol", 1.0),), "no class 'cobol'"),
        ((("code", 0.0),), "positive number, and not 0"),
        ((("code", float("nan")),), "positive number"),
        ((("code", 1.0), ("code", 2.0)), "twice"),
    ],
)
def test_a_mixture_that_cannot_be_is_told(mixture: tuple, message: str):
    with pytest.raises(UserError, match=message):
        check(mixture, NAMES)
