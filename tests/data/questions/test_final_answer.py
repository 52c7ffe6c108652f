from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.questions.algebra import make_algebra
from codegem.data.questions.final_answer import final_answer, same_answer


def test_what_the_data_line_writes_is_read_and_is_the_same_as_itself():
    pairs = list(make_algebra(300, seed=5))
    answers = [final_answer(pair.answer) for pair in pairs]
    for pair, answer in zip(pairs, answers, strict=True):
        assert answer is not None and pair.answer.endswith(f"The answer is {answer}.")
        assert same_answer(answer, answer)
    others = sum(same_answer(one or "", two or "") for one, two in pairwise(answers))
    assert others < 10  # neighbours are of different kinds


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("48/2 = 24\n48+24 = 72\n#### 72", "72"),
        ("The answer is 3. No: the answer is 4.", "4"),
        ("Thus $\\boxed{\\frac{3}{4}}$.", "\\frac{3}{4}"),
        ("nested \\boxed{x = \\frac{1}{\\sqrt{2}}}", "x = \\frac{1}{\\sqrt{2}}"),
        ("open \\boxed{12", "12"),
        ("they have 1,200 left", "1,200"),
        ("", None),
        ("The answer is .", None),
        ("The answer is " + "9" * 500, None),
    ],
)
def test_results_are_found_where_they_are_written(text, answer):
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ("68", "68", True),
        ("68", "69", False),
        ("$1,200", "1200", True),
        ("2/4", "0.5", True),
        ("\\frac{1}{2}", "1/2", True),
        ("x = 3, y = -2", "y = -2 and x = 3", True),
        ("x = 3, y = -2", "x = -2, y = 3", False),
        ("5", "x = 5", True),
        ("x + x", "x", False),
        ("3x - 2", "-2 + 3x", True),
        ("3x - 2", "3x + 2", False),
        ("x <= 4", "x<=4", True),
        ("x <= 4", "x < 4", False),
        ("1/0", "1", False),
        ("1e999999999", "2", False),
        ("", "2", False),
        ("1 or 2", "1", False),
    ],
)
def test_results_are_compared_by_what_they_say(given, expected, same):
    assert same_answer(given, expected) is same
    assert same_answer(expected, given) is same


@given(st.fractions(max_denominator=999), st.text(max_size=40))
def test_a_number_is_its_value_and_nothing_that_is_written_fails(value, text):
    assert same_answer(str(value), str(value))
    assert not same_answer(str(value), str(value + Fraction(1, 1000)))
    same_answer(text, str(value))
    final_answer(text)
