"""Made algebra: right by a third way of looking, all different, the same for the same seed.

The equations are read back from the text of the question, so a mistake in writing them shows too.
"""

import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.questions import algebra
from codegem.data.questions.algebra import KINDS, make_algebra
from codegem.data.questions.conversations import Pair
from codegem.data.questions.exercise import Exercise, combination, decimal, number, polynomial
from codegem.errors import UserError

COUNT = 60 * len(KINDS)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return list(make_algebra(COUNT, seed=5))


def of(pairs: list[Pair], kind: str) -> list[Pair]:
    found = [pair for pair in pairs if pair.name.startswith(f"{kind}:")]
    assert len(found) >= 30
    return found


def value(formula: str, names: dict[str, Fraction]) -> Fraction:
    """A sum of terms such as 3x^2 - x + 7."""
    total = Fraction(0)
    terms = re.findall(r"([+-]?)(\d*)([a-z]?)(?:\^(\d+))?", formula.replace(" ", ""))
    for sign, factor, name, power in terms:
        if factor or name:
            term = Fraction(factor or 1) * (names[name] ** int(power or 1) if name else 1)
            total += -term if sign == "-" else term
    return total


def answer(pair: Pair) -> str:
    return re.search(r"The answer is (.*)\.$", pair.answer.splitlines()[-1])[1]


def roots(pair: Pair) -> tuple[str, list[Fraction]]:
    parts = [part.split(" = ") for part in re.split(" or ", answer(pair))]
    return parts[0][0], [Fraction(root) for _, root in parts]


def test_kinds_come_in_turn_and_none_twice(pairs: list[Pair]):
    kinds = Counter(pair.name.split(":")[0] for pair in pairs)
    assert set(kinds.values()) == {60} and set(kinds) == set(KINDS)
    assert len({pair.question for pair in pairs}) == COUNT
    assert all(pair.question.strip() == pair.question and pair.answer.strip() == pair.answer for pair in pairs)


def test_phrasing_varies(pairs: list[Pair]):
    for kind in KINDS:
        openings = {re.sub(r"[-\d]+|\b[a-z]\b", "", pair.question)[:12] for pair in of(pairs, kind)}
        assert len(openings) > 1, kind


def test_a_seed_decides(pairs: list[Pair]):
    assert list(make_algebra(COUNT, seed=5)) == pairs
    assert list(make_algebra(100, seed=5)) == pairs[:100]
    assert list(make_algebra(100, seed=6)) != pairs[:100]


def test_linear_equations(pairs: list[Pair]):
    for pair in of(pairs, "linear"):
        left, right = re.search(
            r"([-\w][-+\w ]*) = ([-\w][-+\w ]*\w)", re.sub(r"^.*?: |^.* if |^.* makes | true\?$", "", pair.question)
        ).groups()
        name, (root,) = roots(pair)
        assert value(left, {name: root}) == value(right, {name: root}), pair


def test_quadratic_equations(pairs: list[Pair]):
    for pair in of(pairs, "quadratic"):
        name, found = roots(pair)
        formula = re.search(r"(\S*\^2.*) = 0", pair.question)[1]
        assert all(value(formula, {name: root}) == 0 for root in found), pair
        assert len(found) == 2 or "^2" in formula


def test_systems(pairs: list[Pair]):
    for pair in of(pairs, "system"):
        x, y = map(Fraction, re.fullmatch(r"x = (\S+) and y = (\S+)", answer(pair)).groups())
        equations = re.findall(r"(-?\d*x [+-] \d*y) = (-?\d+)", pair.question)
        assert len(equations) == 2, pair
        assert all(value(left, {"x": x, "y": y}) == int(right) for left, right in equations), pair


def test_products(pairs: list[Pair]):
    for pair in of(pairs, "expand"):
        first, second = re.search(r"\((.*?)\)\((.*?)\)", pair.question).groups()
        name = re.search("[a-z]", first)[0]
        for x in map(Fraction, (-3, 0, 1, 7)):
            assert value(first, {name: x}) * value(second, {name: x}) == value(answer(pair), {name: x}), pair


def test_percentages_and_remainders(pairs: list[Pair]):
    for pair in of(pairs, "percent of"):
        p, n = map(int, re.findall(r"\d+", pair.question))
        assert Fraction(answer(pair)) == Fraction(p, 100) * n
    for pair in of(pairs, "power remainder"):
        base, n, m = map(int, re.findall(r"\d+", pair.question))
        assert int(answer(pair)) == pow(base, n, m)
    for pair in of(pairs, "congruence"):
        a, b, m = map(int, re.findall(r"\d+", pair.question)[:3])
        x = int(answer(pair).removeprefix("x = "))
        assert 0 <= x < m and (a * x - b) % m == 0


def test_sequences(pairs: list[Pair]):
    for pair in of(pairs, "arithmetic term"):
        shown = [int(word) for word in re.search(r"(-?\d+, ){3}-?\d+", pair.question)[0].split(", ")]
        n = int(
            re.search(r"(\d+)(?:st|nd|rd|th)|number (\d+)", pair.question).group(1)
            or re.search(r"number (\d+)", pair.question)[1]
        )
        assert int(answer(pair)) == shown[0] + (n - 1) * (shown[1] - shown[0])


def test_ordinals_are_written_as_people_do(pairs: list[Pair]):
    for pair in pairs:
        for digits, ending in re.findall(r"\b(\d+)(st|nd|rd|th)\b", pair.question):
            small = {1: "st", 2: "nd", 3: "rd"}.get(int(digits) % 10, "th")
            assert ending == ("th" if int(digits) % 100 in (11, 12, 13) else small), pair.question


def test_a_wrong_answer_is_never_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(KINDS, "linear", lambda rng: Exercise("1 + 1?", ("It is 3.",), "3", lambda: 1 + 1 == 3))
    with pytest.raises(RuntimeError, match="not answered by 3"):
        list(make_algebra(1, seed=0))


def test_a_kind_that_is_used_up_is_left_out_and_the_end_is_said(monkeypatch: pytest.MonkeyPatch):
    few = {
        "coin": lambda rng: Exercise(f"coin {rng.randint(1, 2)}", (), "1", lambda: True),
        "die": lambda rng: Exercise(f"die {rng.randint(1, 6)}", (), "1", lambda: True),
    }
    monkeypatch.setattr(algebra, "KINDS", few)
    assert len(list(make_algebra(8, seed=0))) == 8
    with pytest.raises(UserError, match="no more than 8 different questions"):
        list(make_algebra(9, seed=0))


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=4), st.fractions(-9, 9, max_denominator=9))
def test_polynomials_are_written_as_they_are(coefficients: list[int], x: Fraction):
    wanted = sum((c * x**power for power, c in enumerate(reversed(coefficients))), Fraction(0))
    assert value(polynomial(coefficients, "x"), {"x": x}) == wanted


@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_decimals_are_exact(digits: int, places: int):
    exact = Fraction(digits, 10**places)
    assert Fraction(decimal(exact)) == exact == Fraction(number(exact))


def test_writing():
    assert combination([(1, "x"), (-2, "y"), (0, "z")]) == "x - 2y"
    assert polynomial([-1, 0, 1], "t") == "-t^2 + 1"
    with pytest.raises(ValueError, match="no finite decimal"):
        decimal(Fraction(1, 3))
